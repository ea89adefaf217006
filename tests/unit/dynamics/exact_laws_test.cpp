// Closures integrated in time, against laws that are exact and against the master equation.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "closures.hpp"
#include "maxent/counts.hpp"
#include "maxent/ising_chain.hpp"

namespace nubridge::test {
namespace {

using dynamics::ClosureOptions;
using dynamics::NetworkClosure;
using maxent::Base;
using maxent::Counts;
using maxent::IsingChain;
using Boundary = IsingChain::Boundary;

struct Law {
    std::string name;
    std::vector<std::pair<std::string, double>> reactions;
    /// rho and eta at t from those at 0.
    Numbers (*exact)(double t, double rho0, double eta0);
    /// (t, h, J) as stated.
    std::vector<Numbers> stated;
};

class ChainLaw : public testing::TestWithParam<Law> {};

TEST_P(ChainLaw, IsReproducedByTheClosureTo1e8) {
    const auto family = std::make_shared<IsingChain>(IsingChain::Definition{{"A"}, Boundary::infinite});
    const NetworkClosure closure(network_of({"A"}, GetParam().reactions), family, {});
    Numbers nu{0.5, 0.1};
    const Numbers start = moments(*family, nu);
    for (int step = 1; step <= 8; ++step) {
        nu = integrate([&](const Numbers& at) { return rhs(closure, at); }, nu, 0.25, 250);
        const Numbers found = moments(*family, nu), exact = GetParam().exact(0.25 * step, start[0], start[1]);
        EXPECT_NEAR(found[0], exact[0], 1e-10) << "t " << 0.25 * step;
        EXPECT_NEAR(found[1], exact[1], 1e-10) << "t " << 0.25 * step;
        for (const Numbers& stated : GetParam().stated) {
            if (stated[0] != 0.25 * step) continue;
            EXPECT_NEAR(nu[0], stated[1], 2e-11) << "t " << stated[0];
            EXPECT_NEAR(nu[1], stated[2], 2e-11) << "t " << stated[0];
        }
    }
}

INSTANTIATE_TEST_SUITE_P(
    ChainClosure, ChainLaw,
    testing::Values(Law{"Decay",
                        {{"A -> 0", 1.0}},
                        [](double s, double rho0, double eta0) {
                            return Numbers{rho0 * std::exp(-s), eta0 * std::exp(-2 * s)};
                        },
                        {{.25, -.01844829687, .05014659783},
                         {.5, -.44962923979, .03320206852},
                         {1, -1.16265953278, .02094624697},
                         {2, -2.33716356763, .01452410919}}},
                    Law{"Annihilation",
                        {{"A + A -> 0", 1.0}},
                        [](double s, double rho0, double eta0) { return pairs_law(s, rho0, eta0, 0, 1, 0); },
                        {{.25, -.25817438637, .21195429811},
                         {.5, -.52267483799, .08589212126},
                         {1, -.77517238828, -.28456085652},
                         {2, -.97512343786, -1.16603930892}}},
                    Law{"DecayAndPairs",
                        {{"A -> 0", 0.4}, {"A + A -> 0", 0.7}, {"A + A -> A", 0.3}},
                        [](double s, double rho0, double eta0) { return pairs_law(s, rho0, eta0, 0.4, 0.7, 0.3); },
                        {}},
                    Law{"Langmuir",
                        {{"A -> 0", 1.0}, {"0 -> A", 0.5}},
                        [](double time, double rho0, double eta0) {
                            const double s = 1.5, b = 0.5, ri = b / s, big = 2 * b * (rho0 - ri) / s,
                                         e = std::exp(-s * time);
                            return Numbers{ri + (rho0 - ri) * e, ri * ri + big * e + (eta0 - ri * ri - big) * e * e};
                        },
                        {{1, -.39018224835, .00443072857}, {2, -.62263829398, .00024784484}}}),
    [](const auto& one) { return one.param.name; });

TEST(ChainClosure, WithHoppingGivesTheStatedMoments) {
    const auto family = std::make_shared<IsingChain>(IsingChain::Definition{{"A"}, Boundary::infinite});
    for (const auto& [hops, rho, eta] : {std::tuple{1.0, .19477562, .02925208}, {50.0, .18119909, .03262506}}) {
        ClosureOptions options;
        options.hop_per_s = {hops};
        const NetworkClosure closure(network_of({"A"}, {{"A + A -> 0", 1.0}}), family, options);
        const auto steps = static_cast<std::size_t>(1000 + 60 * hops);
        const Numbers nu = integrate([&](const Numbers& at) { return rhs(closure, at); }, {0.5, 0.1}, 2.0, steps);
        EXPECT_NEAR(moments(*family, nu)[0], rho, 1e-8) << hops;
        EXPECT_NEAR(moments(*family, nu)[1], eta, 1e-8) << hops;
    }
}

/// A + A -> 0 at c = 0.1 from Poisson(10), and 0 -> A at b: the master equation on 0 .. 80 molecules.
Numbers master_equation(double b, double t, std::size_t steps) {
    Numbers p(81);
    for (std::size_t n = 0; n < p.size(); ++n)
        p[n] = std::exp(static_cast<double>(n) * std::log(10.0) - 10.0 - std::lgamma(static_cast<double>(n) + 1.0));
    const auto slope = [&](const Numbers& at) {
        Numbers out(at.size(), 0.0);
        for (std::size_t n = 0; n < at.size(); ++n) {
            const auto x = static_cast<double>(n);
            const double pair = 0.05 * x * (x - 1.0) * at[n];
            out[n] -= pair;
            if (n >= 2) out[n - 2] += pair;
            if (n + 1 < at.size()) {
                out[n] -= b * at[n];
                out[n + 1] += b * at[n];
            }
        }
        return out;
    };
    return integrate(slope, p, t, steps);
}

double divergence(const Numbers& p, const Counts& family, const Numbers& nu) {
    const auto law = family.states(nu);
    double sum = 0.0;
    for (std::size_t n = 0; n < p.size(); ++n) {
        // Far out the law is below the smallest number, and the sum does not feel it.
        if (p[n] > 0.0 && n < law.size()) sum += p[n] * std::log(p[n] / std::max(law.probabilities[n], 1e-300));
    }
    return sum;
}

Numbers mean_and_variance(const Numbers& p) {
    double mean = 0.0, square = 0.0;
    for (std::size_t n = 0; n < p.size(); ++n) {
        mean += p[n] * static_cast<double>(n);
        square += p[n] * static_cast<double>(n * n);
    }
    return {mean, square - mean * mean};
}

struct Time {
    double t, mean, variance, mean1, mean2, variance2, nu1, nu2, kl1, kl2, kl3;
};

/// Closures of order 1, 2, 3 at the rates of master_equation, brought to t.
Numbers closed(std::size_t order, double b, double t) {
    // At order 3 the coefficient may pass through 0 on its way: the support is bounded as the master equation's is.
    Counts::Definition definition{{"A"}, order, Base::poisson, maxent::Sign::minus, {}, {}};
    if (order == 3) definition.largest = 80;
    const auto family = std::make_shared<Counts>(definition);
    const NetworkClosure closure(network_of({"A"}, {{"A + A -> 0", 0.1}, {"0 -> A", b}}), family, {});
    Numbers nu(order, 0.0);
    nu[0] = -std::log(10.0);
    return integrate([&](const Numbers& at) { return rhs(closure, at); }, nu, t, static_cast<std::size_t>(200 * t));
}

TEST(CountsClosure, OfOrders1To3FollowsThePairAnnihilationTable) {
    const std::vector<Time> table{{0.5, 6.709849249089, 5.139394552993, 6.6666666667, 6.7098569719, 5.1386901741,
                                   -2.20807295082, .04618992035, 1.7e-2, 5.4e-7, 1.9e-9},
                                  {1.0, 5.083953117114, 3.593445697894, 5.0, 5.0840391808, 3.5900677908, -2.03866933758,
                                   .08358118605, 2.8e-2, 8.1e-6, 2.8e-8},
                                  {2.0, 3.459707871811, 2.329961848527, 3.3333333333, 3.4602153110, 2.3215232620,
                                   -1.72398354325, .14653258296, 3.8e-2, 4.5e-5, 7.9e-8},
                                  {5.0, 1.830710093580, 1.197083065288, 1.6666666667, 1.8331952660, 1.1833866068,
                                   -1.13546881964, .32050108659, 4.9e-2, 1.9e-4, 2.0e-7}};
    const Counts one({{"A"}, 1, Base::poisson}), two({{"A"}, 2, Base::poisson});
    const Counts three({{"A"}, 3, Base::poisson, maxent::Sign::minus, {}, 80});
    for (const Time& row : table) {
        const Numbers exact = master_equation(0.0, row.t, static_cast<std::size_t>(1000 * row.t));
        EXPECT_NEAR(mean_and_variance(exact)[0], row.mean, 1e-9);
        EXPECT_NEAR(mean_and_variance(exact)[1], row.variance, 1e-9);
        const Numbers nu1 = closed(1, 0.0, row.t), nu2 = closed(2, 0.0, row.t), nu3 = closed(3, 0.0, row.t);
        EXPECT_NEAR(std::exp(-nu1[0]), row.mean1, 1e-9);
        EXPECT_NEAR(nu2[0], row.nu1, 1e-9);
        EXPECT_NEAR(nu2[1], row.nu2, 1e-9);
        const Numbers second = mean_and_variance(two.states(nu2).probabilities);
        EXPECT_NEAR(second[0], row.mean2, 1e-9);
        EXPECT_NEAR(second[1], row.variance2, 1e-9);
        // Two digits are printed: half of the last one is up to 5 %.
        EXPECT_NEAR(divergence(exact, one, nu1), row.kl1, 0.05 * row.kl1) << row.t;
        EXPECT_NEAR(divergence(exact, two, nu2), row.kl2, 0.05 * row.kl2) << row.t;
        EXPECT_NEAR(divergence(exact, three, nu3), row.kl3, 0.05 * row.kl3) << row.t;
    }
}

TEST(CountsClosure, WithASourceGivesTheStatedMoments) {
    const Numbers exact = mean_and_variance(master_equation(2.0, 5.0, 5000));
    EXPECT_NEAR(exact[0], 4.643780757326, 1e-9);
    EXPECT_NEAR(exact[1], 3.438739712082, 1e-9);
    EXPECT_NEAR(std::exp(-closed(1, 2.0, 5.0)[0]), 4.5113322291, 1e-9);
    const Numbers second =
        mean_and_variance(Counts({{"A"}, 2, Base::poisson}).states(closed(2, 2.0, 5.0)).probabilities);
    EXPECT_NEAR(second[0], 4.6429835383, 1e-9);
    EXPECT_NEAR(second[1], 3.4467604874, 1e-9);
}

}  // namespace
}  // namespace nubridge::test
