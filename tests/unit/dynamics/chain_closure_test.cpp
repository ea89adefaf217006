#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "closures.hpp"
#include "csv.hpp"
#include "expect.hpp"
#include "maxent/ising_chain.hpp"
#include "units/error.hpp"

namespace nubridge::test {
namespace {

using dynamics::ClosureOptions;
using dynamics::NetworkClosure;
using maxent::IsingChain;
using maxent::Sign;
using Boundary = IsingChain::Boundary;

/// Terms in this order: decay, birth, A + A -> 0, A + A -> A, branch, hop.
NetworkClosure all_terms(std::shared_ptr<const IsingChain> family) {
    ClosureOptions options;
    options.hop_per_s = {1.0};
    return {
        network_of({"A"},
                   {{"A -> 0", 1.0}, {"0 -> A", 1.0}, {"A + A -> 0", 1.0}, {"A + A -> A", 1.0}, {"A -> A + A", 1.0}}),
        std::move(family), options};
}

const std::map<std::string, std::size_t> term_of{{"decay", 0}, {"birth", 1},  {"annih", 2},
                                                 {"coag", 3},  {"branch", 4}, {"hop", 5}};

std::shared_ptr<const IsingChain> chain(Boundary boundary, std::optional<std::size_t> sites = {},
                                        Sign sign = Sign::plus) {
    return std::make_shared<IsingChain>(IsingChain::Definition{{"A"}, boundary, sites, {}, sign});
}

Numbers terms(const NetworkClosure& closure, const Numbers& nu) {
    Numbers out(closure.term_count() * closure.nu_count());
    closure.terms(nu, {}, out);
    return out;
}

// Every row: ln Z, moments, their rates and F of one reaction at unit rate. F is as exact as its condition number: the
// oracle's own last digits limit rows with a large F.
TEST(ChainClosure, GivesTheIsingOracle) {
    std::size_t rows = 0;
    const auto plus = chain(Boundary::infinite), minus = chain(Boundary::infinite, {}, Sign::minus);
    const NetworkClosure closure = all_terms(plus), turned = all_terms(minus);
    for (const auto& row : read_oracle_text("oracle_ising.csv")) {
        const auto number = [&](const char* column) { return std::stod(row.at(column)); };
        const Numbers nu{number("h"), number("J")}, negative{-number("h"), -number("J")};
        const std::string what = row.at("h") + " " + row.at("J") + " " + row.at("reaction");
        EXPECT_NEAR(plus->log_partition(nu), number("lnz"), 1e-13) << what;
        EXPECT_NEAR(moments(*plus, nu)[0], number("rho"), 1e-13) << what;
        EXPECT_NEAR(moments(*plus, nu)[1], number("eta"), 1e-13) << what;
        const std::size_t r = term_of.at(row.at("reaction"));
        const Numbers f = terms(closure, nu), g = terms(turned, negative), c = fisher(*plus, nu);
        EXPECT_NEAR(f[2 * r], number("F_h"), 1e-10 * std::max(1.0, std::abs(number("F_h")))) << what;
        EXPECT_NEAR(f[2 * r + 1], number("F_J"), 1e-10 * std::max(1.0, std::abs(number("F_J")))) << what;
        EXPECT_NEAR(g[2 * r], -f[2 * r], 1e-10 * std::max(1.0, std::abs(f[2 * r]))) << what;
        EXPECT_NEAR(c[0] * f[2 * r] + c[1] * f[2 * r + 1], number("rho_dot"), 1e-12) << what;
        EXPECT_NEAR(c[2] * f[2 * r] + c[3] * f[2 * r + 1], number("eta_dot"), 1e-12) << what;
        Numbers back(2);
        plus->from_moments(Numbers{number("rho"), number("eta")}, back);
        EXPECT_NEAR(back[0], nu[0], 1e-10) << what;
        EXPECT_NEAR(back[1], nu[1], 1e-10) << what;
        ++rows;
    }
    EXPECT_EQ(rows, 180u);
}

TEST(ChainClosure, WithoutCouplingIsInRationalNumbers) {
    const Numbers f = terms(all_terms(chain(Boundary::infinite)), {-std::log(2.0), 0.0});
    const Numbers stated{-1.5, 0, 3, 0, -0.5, -0.75, 0.5, -1.5, -1, 3, 0, 0};
    for (std::size_t i = 0; i < stated.size(); ++i) EXPECT_NEAR(f[i], stated[i], 1e-13) << i;
}

struct Finite {
    std::string name;
    Boundary boundary;
    double h, j, log_z, n, nn, decay_h, decay_j, annih_h, annih_j;
};

class TenSites : public testing::TestWithParam<Finite> {};

TEST_P(TenSites, GiveTheEnumeratedNumbers) {
    const Finite& one = GetParam();
    const auto family = chain(one.boundary, 10);
    const Numbers nu{one.h, one.j}, m = moments(*family, nu), f = terms(all_terms(family), nu);
    EXPECT_NEAR(family->log_partition(nu), one.log_z, 1e-11);
    EXPECT_NEAR(m[0], one.n, 1e-11);
    EXPECT_NEAR(m[1], one.nn, 1e-11);
    EXPECT_NEAR(f[0], one.decay_h, 1e-11);
    EXPECT_NEAR(f[1], one.decay_j, 1e-11);
    EXPECT_NEAR(f[4], one.annih_h, 1e-11);
    EXPECT_NEAR(f[5], one.annih_j, 1e-11);
}

INSTANTIATE_TEST_SUITE_P(
    ChainClosure, TenSites,
    testing::Values(Finite{"Ring", Boundary::ring, -1, 1.5, 6.992174697804, 7.357859279896, 6.028874571254,
                           6.801694676494, -7.042949382142, -.501799938053, -2.184513695700},
                    Finite{"OpenAttracting", Boundary::open, -1, 1.5, 6.360376427729, 6.676932237208, 4.868060827134,
                           3.784152312185, -5.137788136939, .510043982669, -2.823050528294},
                    Finite{"OpenWeak", Boundary::open, .5, .1, 10.107822446152, 6.494043711048, 3.857563189440,
                           -2.392579144194, -.297981597568, -4.305420306400, .907628479325}),
    CaseName{});

// The closed form of one species against the sums over a ring, which is as good as infinite. The ring's powers and two
// solutions with its Fisher matrix (condition 1e3) leave 200 * 2e-16 * 1e6 of a slope.
TEST(ChainClosure, OfTheInfiniteChainIsThatOfALongRing) {
    for (const Sign sign : {Sign::plus, Sign::minus}) {
        const NetworkClosure infinite = all_terms(chain(Boundary::infinite, {}, sign));
        const NetworkClosure ring = all_terms(chain(Boundary::ring, 200, sign));
        for (const Numbers& nu : {Numbers{-1.0, 1.5}, {0.4, -0.7}, {-2.5, 0.2}}) {
            const Numbers closed = terms(infinite, nu), summed = terms(ring, nu);
            for (std::size_t i = 0; i < closed.size(); ++i) {
                EXPECT_NEAR(closed[i], summed[i], 1e-10 * std::max(1.0, std::abs(closed[i]))) << i;
            }
            Numbers slope(4), same(4);
            infinite.jacobian(nu, {}, slope, {});
            ring.jacobian(nu, {}, same, {});
            for (std::size_t i = 0; i < 4; ++i)
                EXPECT_NEAR(slope[i], same[i], 4e-8 * std::max(1.0, std::abs(slope[i]))) << i;
        }
    }
}

TEST(ChainClosure, RefusesALawInWhichSomethingNeverOccurs) {
    const NetworkClosure closure = all_terms(chain(Boundary::infinite));
    expect_refusal<InvalidArgument>([&] { terms(closure, {-400.0, 0.0}); }, {"singular", "probability"});
}

// Four neighbours of a ring by powers of the transfer matrix, against all of its states.
TEST(ChainClosure, OfARingIsThatOfAllItsStates) {
    const IsingChain::Definition definition{{"A", "B"}, Boundary::ring, 5, {}, Sign::plus};
    const auto family = std::make_shared<IsingChain>(definition);
    const Numbers nu{-0.5, -0.8, 0.4, -0.6, 0.3};
    const auto cluster = family->cluster(*family->solve(nu), 4, false);
    for (std::size_t i = 0; i < cluster.probability.size(); ++i) {
        const double found = family->expectation(nu, [&](auto state) {
            std::size_t here = 0;
            for (std::size_t k = 4; k-- > 0;) here = 3 * here + static_cast<std::size_t>(state[k]);
            return here == i ? 1.0 : 0.0;
        });
        ASSERT_NEAR(cluster.probability[i], found, 1e-14) << i;
    }
}

TEST(ChainClosure, OfAFormingPairGivesTheStatedNumbers) {
    const IsingChain::Definition definition{{"A", "B", "C"}, Boundary::infinite, {}, {{{1, 2}}}, Sign::plus};
    const auto family = std::make_shared<IsingChain>(definition);
    const NetworkClosure closure(network_of({"A", "B", "C"}, {{"A -> B + C", 1.0}, {"B + C -> A", 0.7}}), family, {});
    const Numbers nu{-.5, -.8, -1, -.4}, m = moments(*family, nu), f = rhs(closure, nu);
    const Numbers stated_m{.259268021979, .174099244423, .139172030949, .035642699151};
    const Numbers stated_f{-.1274307095, .1885486982, .1795157342, 2.5777792083};
    EXPECT_NEAR(std::exp(family->log_partition(nu)), 2.380405855855, 1e-11);
    for (std::size_t a = 0; a < 4; ++a) {
        EXPECT_NEAR(m[a], stated_m[a], 1e-11);
        EXPECT_NEAR(f[a], stated_f[a], 1e-9);
    }
}

TEST(ChainClosure, OfAnEnzymeGivesTheStatedNumbers) {
    const IsingChain::Definition definition{{"E", "S", "ES", "P"}, Boundary::infinite, {}, {{{0, 1}}}, Sign::plus};
    const auto family = std::make_shared<IsingChain>(definition);
    const NetworkClosure closure(
        network_of({"E", "S", "ES", "P"}, {{"E + S -> ES", 2.0}, {"ES -> E + S", 0.5}, {"ES -> E + P", 1.0}}), family,
        {});
    const Numbers nu{-1, -.3, -1.5, -1.2, -.5}, m = moments(*family, nu), f = rhs(closure, nu);
    const Numbers stated_m{.117726306619, .268794878435, .089800851273, .121218470018, .044077482875};
    const Numbers stated_f{.1293297799, -.1127527472, .3066807209, .2017771481, -1.5158849507};
    EXPECT_NEAR(std::exp(family->log_partition(nu)), 2.555770249963, 1e-11);
    for (std::size_t a = 0; a < 5; ++a) {
        EXPECT_NEAR(m[a], stated_m[a], 1e-11);
        EXPECT_NEAR(f[a], stated_f[a], 1e-9);
    }
}

TEST(ChainClosure, JacobianIsTheSlopeForEveryBoundaryAndSign) {
    for (const Sign sign : {Sign::minus, Sign::plus}) {
        const std::vector<std::pair<Boundary, std::optional<std::size_t>>> shapes{
            {Boundary::infinite, {}}, {Boundary::ring, 9}, {Boundary::ring, 3}, {Boundary::open, 5}};
        for (const auto& [boundary, sites] : shapes) {
            const auto family =
                std::make_shared<IsingChain>(IsingChain::Definition{{"A", "B"}, boundary, sites, {}, sign});
            ClosureOptions options;
            options.hop_per_s = {1.0, 0.3};
            const NetworkClosure closure(
                network_of({"A", "B"}, {{"A -> 0", 1.0}, {"A + B -> A", 2.0}, {"A -> A + B", 0.5}, {"0 -> B", 0.2}}),
                family, options);
            Numbers nu{-0.5, -0.8, 0.4, -0.6, 0.3}, by_nu(25);
            for (double& one : nu) one *= maxent::factor(sign);
            closure.jacobian(nu, {}, by_nu, {});
            const double h = 1e-3;
            for (std::size_t b = 0; b < 5; ++b) {
                const auto moved = [&](double by) {
                    Numbers there = nu;
                    there[b] += by * h;
                    return rhs(closure, there);
                };
                const Numbers near = moved(1), before = moved(-1), far = moved(2), long_before = moved(-2);
                for (std::size_t a = 0; a < 5; ++a) {
                    const double slope = (8 * (near[a] - before[a]) - (far[a] - long_before[a])) / (12 * h);
                    EXPECT_NEAR(by_nu[a * 5 + b], slope, 1e-8 * std::max(1.0, std::abs(slope))) << a << ", " << b;
                }
            }
        }
    }
}

TEST(ChainClosure, RefusesReactionsThatNoSiteCanHold) {
    const auto family = chain(Boundary::infinite);
    const auto refused = [&](const std::vector<std::string>& species, const std::string& reaction,
                             const std::vector<std::string>& words) {
        expect_refusal<InvalidArgument>(
            [&] {
                NetworkClosure(network_of(species, {{reaction, 1.0}}), family, {});
            },
            words);
    };
    refused({"A"}, "A + A + A -> A", {"'A + A + A -> A'", "3 reactants", "split"});
    refused({"A"}, "A -> A + A + A", {"3 products"});
    refused({"A"}, "0 -> A + A", {"0 reactants and 2 products"});
    refused({"A", "B"}, "A -> B", {"'A -> B'", "no site of the chain"});
}

}  // namespace
}  // namespace nubridge::test
