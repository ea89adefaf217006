#include "maxent/ising_chain.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "expect.hpp"
#include "units/error.hpp"

namespace {

using nubridge::InvalidArgument;
using nubridge::maxent::IsingChain;
using nubridge::maxent::Sign;
using nubridge::test::expect_refusal;
using Boundary = IsingChain::Boundary;
using Numbers = std::vector<double>;

// lambda = [1 + E + sqrt((1 - E)^2 + 4 e^h)] / 2, E = e^(h + J); a ring has both powers.
TEST(IsingChain, LogPartitionIsThatOfTheTransferMatrix) {
    for (const auto& [h, j] : {std::pair{0.5, 0.1}, {-1.0, 1.5}, {0.3, -0.7}}) {
        const double e = std::exp(h + j), root = std::sqrt((1 - e) * (1 - e) + 4 * std::exp(h));
        const double large = (1 + e + root) / 2, small = (1 + e - root) / 2;
        EXPECT_NEAR(IsingChain({{"A"}}).log_partition(Numbers{h, j}), std::log(large), 1e-15);
        EXPECT_NEAR(IsingChain({{"A"}, Boundary::ring, 7}).log_partition(Numbers{h, j}),
                    std::log(std::pow(large, 7) + std::pow(small, 7)), 1e-13);
    }
}

TEST(IsingChain, OfManySitesIsTheInfiniteOne) {
    const Numbers nu{-1.0, 1.5};
    const IsingChain ring({{"A"}, Boundary::ring, 100'000}), infinite({{"A"}});
    Numbers m(2), per_site(2);
    ring.moments(nu, m);
    infinite.moments(nu, per_site);
    EXPECT_NEAR(m[0] / 1e5, per_site[0], 1e-11);
    EXPECT_NEAR(m[1] / 1e5, per_site[1], 1e-11);
}

TEST(IsingChain, HugeNuNeitherOverflowsNorUnderflows) {
    Numbers m(2);
    const IsingChain chain({{"A"}});
    chain.moments(Numbers{500.0, 700.0}, m);
    EXPECT_NEAR(m[1], 1.0, 1e-15);
    EXPECT_NEAR(chain.log_partition(Numbers{500.0, 700.0}), 1200.0, 1e-12);
    chain.moments(Numbers{-60.0, 0.0}, m);
    EXPECT_NEAR(m[0] * std::exp(60.0), 1.0, 1e-14);
}

// Markov: tau = eta^2 / rho for three in a row.
TEST(IsingChain, ThreeInARowFollowFromPairs) {
    const Numbers nu{0.3, -0.7};
    const IsingChain chain({{"A"}});
    Numbers m(2);
    chain.moments(nu, m);
    EXPECT_NEAR(chain.cluster(*chain.solve(nu), 3, false).probability[7], m[1] * m[1] / m[0], 1e-15);
    const double same = chain.expectation(nu, [](auto s) { return s[0] * s[1] * s[2]; });
    EXPECT_NEAR(same, m[1] * m[1] / m[0], 1e-15);
}

TEST(IsingChain, MomentsOfNoLawAreRefused) {
    const auto invert = [](const IsingChain& family, Numbers moments) {
        Numbers nu(family.nu_count());
        family.from_moments(moments, nu);
    };
    expect_refusal<InvalidArgument>([&] { invert(IsingChain({{"A"}}), {0.7, 0.3}); }, {"'A_A' is 0.3", "0.4"});
    expect_refusal<InvalidArgument>([&] { invert(IsingChain({{"A"}}), {1.2, 0.9}); }, {"'A' is 1.2", "empty"});
    expect_refusal<InvalidArgument>([&] { invert(IsingChain({{"A"}, Boundary::ring, 6}), {3.0, 3.5}); }, {"no law"});
}

TEST(IsingChain, DefinitionsThatDoNotFitAreRefused) {
    const auto make = [](IsingChain::Definition definition) { return [=] { IsingChain family(definition); }; };
    expect_refusal<InvalidArgument>(make({{}}), {"0 species"});
    expect_refusal<InvalidArgument>(make({{"A"}, Boundary::ring}), {"sites=N"});
    expect_refusal<InvalidArgument>(make({{"A"}, Boundary::ring, 2}), {"2 sites", "3 to"});
    expect_refusal<InvalidArgument>(make({{"A"}, Boundary::infinite, 9}), {"9 sites", "stretch"});
    expect_refusal<InvalidArgument>(make({{"A", "B"}, Boundary::infinite, {}, {{{0, 1}, {1, 0}}}}), {"'A'", "twice"});
    expect_refusal<InvalidArgument>(
        [] {
            IsingChain({{"A"}, Boundary::open, 30}).states(Numbers{0, 0});
        },
        {"30 sites", "states"});
    expect_refusal<InvalidArgument>(
        [] {
            const IsingChain open({{"A"}, Boundary::open, 6});
            open.cluster(*open.solve(Numbers{0, 0}), 3, false);
        },
        {"same everywhere"});
}

}  // namespace
