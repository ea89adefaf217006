#include "maxent/binary_field.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "expect.hpp"
#include "maxent/ising_chain.hpp"
#include "random.hpp"
#include "units/error.hpp"

namespace {

using nubridge::InvalidArgument;
using nubridge::maxent::BinaryField;
using nubridge::maxent::IsingChain;
using nubridge::maxent::Sign;
using nubridge::test::expect_refusal;
using Cliques = std::vector<std::vector<std::size_t>>;
using Numbers = std::vector<double>;

std::vector<std::string> units(std::size_t count) {
    std::vector<std::string> names;
    for (std::size_t u = 0; u < count; ++u) names.push_back("u" + std::to_string(u));
    return names;
}

TEST(BinaryField, OfALongRingIsTheIsingRing) {
    const std::size_t n = 200;
    Cliques cliques;
    Numbers nu;
    for (std::size_t u = 0; u < n; ++u) {
        cliques.push_back({u});
        cliques.push_back({u, (u + 1) % n});
        nu.insert(nu.end(), {-1.0, 1.5});
    }
    const BinaryField field(units(n), cliques);
    const IsingChain ring({{"A"}, IsingChain::Boundary::ring, n});
    Numbers m(nu.size()), total(2);
    field.moments(nu, m);
    ring.moments(Numbers{-1.0, 1.5}, total);
    EXPECT_EQ(field.width(), 2u);
    EXPECT_NEAR(field.log_partition(nu), ring.log_partition(Numbers{-1.0, 1.5}), 1e-10);
    for (std::size_t a = 0; a < m.size(); ++a) EXPECT_NEAR(m[a] * n, total[a % 2], 1e-9);
}

TEST(BinaryField, OfARandomGraphAgreesWithEnumeration) {
    nubridge::test::Random random(3);
    for (int repeat = 0; repeat < 5; ++repeat) {
        Cliques cliques;
        for (std::size_t u = 0; u < 10; ++u) {
            cliques.push_back({u});
            for (std::size_t w = u + 1; w < 10; ++w) {
                if (random.index(4) == 0) cliques.push_back({u, w});
            }
        }
        cliques.push_back({1, 4, 8, 9});
        const BinaryField field(units(10), cliques, repeat % 2 == 0 ? Sign::minus : Sign::plus);
        const Numbers nu = random.uniforms(cliques.size(), -2.0, 2.0);
        Numbers m(nu.size());
        field.moments(nu, m);
        const auto law = field.states(nu);
        EXPECT_NEAR(field.log_partition(nu), law.log_partition, 1e-12);
        for (std::size_t a = 0; a < nu.size(); ++a) {
            double mean = 0.0;
            for (std::size_t i = 0; i < law.size(); ++i)
                mean += law.probabilities[i] * law.statistics[i * nu.size() + a];
            EXPECT_NEAR(m[a], mean, 1e-13);
        }
    }
}

TEST(BinaryField, GraphsThatAreTooTightlyKnitAreNotSummedOut) {
    Cliques all;
    for (std::size_t u = 0; u < 23; ++u) {
        for (std::size_t w = u + 1; w < 23; ++w) all.push_back({u, w});
    }
    const BinaryField field(units(23), all);
    const Numbers nu(all.size(), 0.0);
    expect_refusal<InvalidArgument>([&] { field.log_partition(nu); }, {"'u0'", "joins 22", "at most 20", "gibbs"});
}

TEST(BinaryField, DefinitionsThatDoNotFitAreRefused) {
    const auto make = [](const Cliques& cliques) { return [=] { BinaryField(units(3), cliques); }; };
    expect_refusal<InvalidArgument>(make({}), {"0 cliques"});
    expect_refusal<InvalidArgument>(make({{0}, {}}), {"clique 1 has no units"});
    expect_refusal<InvalidArgument>(make({{0, 3}}), {"unit 3"});
    expect_refusal<InvalidArgument>(make({{0, 0}}), {"twice"});
    expect_refusal<InvalidArgument>(make({{0, 1}, {1, 0}}), {"'u0_u1'", "stands twice"});
}

TEST(BinaryField, MomentsOfNoLawAreRefused) {
    const BinaryField field(units(2), {{0}, {1}, {0, 1}});
    Numbers nu(3);
    expect_refusal<InvalidArgument>([&] { field.from_moments(Numbers{0.5, 1.0, 0.2}, nu); }, {"'u1' is 1"});
    expect_refusal<InvalidArgument>([&] { field.from_moments(Numbers{0.3, 0.3, 0.4}, nu); }, {"no law"});
}

}  // namespace
