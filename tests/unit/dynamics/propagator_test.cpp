#include "dynamics/propagator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "networks.hpp"
#include "random.hpp"

namespace nubridge::test {
namespace {

using dynamics::Propagator;

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
const double steps_ms[] = {1e-4, 1e-2, 0.025, 1.0, 10.0, 100.0, 1e4, 1e6};

std::vector<double> step(const Propagator& propagator, const std::vector<double>& u, double dt_ms,
                         std::vector<double> p) {
    EXPECT_TRUE(propagator.step(u.data(), dt_ms, p.data(), p.data()));
    return p;
}

double sum_of(const std::vector<double>& p) {
    return std::accumulate(p.begin(), p.end(), 0.0);
}

/// What one series may leave out, as kernel_impl.hpp states it.
constexpr double series_tail = 2e-13;

/// A step takes one series for about every 0.75 of its span, up to 32; a longer one squares the propagator of a short
/// one, and each squaring doubles the error of what still moves: span * epsilon for the n products of each sum.
double step_tolerance(const Matrix& q, double dt_ms) {
    const double span = dt_ms * static_cast<double>(q.diagonal().cwiseAbs().maxCoeff());
    return series_tail * std::clamp(span, 2.0, 64.0) +
           4 * epsilon * static_cast<double>(q.rows()) * std::max(1.0, span);
}

TEST(Propagator, StepIsTheMatrixExponential) {
    Random random(20);
    for (std::size_t states = 2; states <= 20; ++states) {
        const std::size_t inputs = random.index(4);
        const auto network = random_network(random, states, inputs);
        const Propagator propagator(network);
        for (const double dt_ms : steps_ms) {
            const auto u = random.uniforms(inputs, 0.0, 5.0);
            const auto p = random.probabilities(states);
            const Matrix q = generator(network, u);
            const Vector expected = exponential(q, dt_ms) * widened(p);
            EXPECT_LT(largest_difference(step(propagator, u, dt_ms, p), expected), step_tolerance(q, dt_ms))
                << states << " states, dt " << dt_ms << " ms";
        }
    }
}

TEST(Propagator, StepOfAStiffNetworkIsTheMatrixExponential) {
    Random random(21);
    for (int trial = 0; trial < 20; ++trial) {
        const std::size_t states = 2 + random.index(10);
        const auto network = random_network(random, states, 0, 8.0);
        const Propagator propagator(network);
        const Matrix q = generator(network, {});
        for (const double dt_ms : {0.025, 1.0, 100.0}) {
            const auto p = random.probabilities(states);
            const Vector expected = exponential(q, dt_ms) * widened(p);
            EXPECT_LT(largest_difference(step(propagator, {}, dt_ms, p), expected), step_tolerance(q, dt_ms))
                << "trial " << trial << ", dt " << dt_ms << " ms";
        }
    }
}

// The fastest mode of a channel that opens as fast as it closes decays at twice the rate out of either state.
TEST(Propagator, BalancedRatesAreAsExactAsUnbalancedOnes) {
    for (const double closing : {0.0625, 0.25, 0.5, 1.0}) {
        const Propagator channel(TransitionNetwork(2, 0, {{0, 1, 1.0, {}, 1.0}, {1, 0, closing, {}, 1.0}}));
        double worst = 0.0;  // in units of what the series may leave out
        for (double dt_ms = 0.01; dt_ms < 40.0; dt_ms *= 1.1) {
            const double open = (1.0 - std::exp(-(1.0 + closing) * dt_ms)) / (1.0 + closing);
            const double error = std::abs(step(channel, {}, dt_ms, {1, 0})[1] - open);
            worst = std::max(worst, error / (series_tail * std::clamp(dt_ms, 2.0, 64.0)));
        }
        EXPECT_LT(worst, 1.0) << "opening 1/ms, closing " << closing << "/ms";
    }
}

TEST(Propagator, StepsOfEveryLengthKeepAProbability) {
    Random random(22);
    for (int trial = 0; trial < 300; ++trial) {
        const std::size_t states = 2 + random.index(19);
        const auto network = random_network(random, states, 1, 6.0);
        std::vector<double> p(states, 0.0);
        p[random.index(states)] = 1.0;  // the corners are where a careless step turns negative
        p = step(Propagator(network), {random.log_uniform(1e-3, 1e3)}, random.log_uniform(1e-4, 1e6), p);
        EXPECT_NEAR(sum_of(p), 1.0, 1e-12) << "trial " << trial;
        EXPECT_GE(*std::min_element(p.begin(), p.end()), 0.0) << "trial " << trial;
    }
}

TEST(Propagator, TwoStepsAreOneStepOfTheirSum) {
    Random random(23);
    for (int trial = 0; trial < 100; ++trial) {
        const std::size_t states = 2 + random.index(10);
        const auto network = random_network(random, states, 1);
        const Propagator propagator(network);
        const std::vector<double> u{random.uniform(0.0, 5.0)};
        const auto p = random.probabilities(states);
        const double first_ms = random.log_uniform(1e-3, 1e3), second_ms = random.log_uniform(1e-3, 1e3);
        EXPECT_LT(largest_difference(step(propagator, u, second_ms, step(propagator, u, first_ms, p)),
                                     step(propagator, u, first_ms + second_ms, p)),
                  3 * step_tolerance(generator(network, u), first_ms + second_ms))
            << "trial " << trial;
    }
}

TEST(Propagator, AStepOfZeroChangesNothing) {
    Random random(24);
    const Propagator propagator(sk_network());
    const auto p = random.probabilities(6);
    EXPECT_LT(largest_difference(step(propagator, {1.0}, 0.0, p), p), 4 * epsilon);
}

TEST(Propagator, AMillionStepsOverRandomCalciumStayAProbability) {
    Random random(25);
    const Propagator propagator(sk_network());
    std::vector<double> p{1, 0, 0, 0, 0, 0};
    double worst = 0.0, least = 1.0;
    for (int stair = 0; stair < 10000; ++stair) {
        const double calcium_uM = random.log_uniform(1e-3, 1e3);
        const double dt_ms = stair % 2 == 0 ? 0.025 : random.log_uniform(1e-3, 1.0);
        for (int i = 0; i < 100; ++i) {
            ASSERT_TRUE(propagator.step(&calcium_uM, dt_ms, p.data(), p.data()));
            worst = std::max(worst, std::abs(sum_of(p) - 1.0));
            least = std::min(least, *std::min_element(p.begin(), p.end()));
        }
    }
    EXPECT_LE(worst, 1e-12);
    EXPECT_GE(least, 0.0);
}

TEST(Propagator, AStateOffByRoundingsOfAnotherProgramIsNormalised) {
    const Propagator propagator(sk_network());
    const std::vector<double> u{1.0}, p{0.4, 0.3, 0.2, 0.05, 0.03, 0.02};
    auto off = p;
    for (double& one : off) one *= 1.0 + 1e-6;
    EXPECT_LT(largest_difference(step(propagator, u, 0.025, off), step(propagator, u, 0.025, p)), 1e-14);
}

TEST(Propagator, WhatIsNoProbabilityIsRefused) {
    const Propagator propagator(sk_network());
    const double calcium_uM = 1.0;
    const std::vector<std::vector<double>> states{{nan, 0, 0, 0, 0, 1},
                                                  {0, 0, 0, 0, 0, 0},
                                                  {std::numeric_limits<double>::infinity(), 0, 0, 0, 0, 0},
                                                  {-1, 0, 0, 0, 0, 0},
                                                  {0.7, -0.1, 0, 0, 0, 0}};
    for (const auto& p : states) {
        std::vector<double> out(6);
        EXPECT_FALSE(propagator.step(&calcium_uM, 0.025, p.data(), out.data())) << p[0];
        EXPECT_FALSE(propagator.step(&calcium_uM, 1e5, p.data(), out.data())) << p[0];
    }
}

TEST(Propagator, RatesAreQTimesTheOccupancies) {
    Random random(26);
    for (int trial = 0; trial < 100; ++trial) {
        const std::size_t states = 2 + random.index(19);
        const auto network = random_network(random, states, 2);
        const auto u = random.uniforms(2, 0.0, 5.0);
        const auto p = random.probabilities(states);
        const Matrix q = generator(network, u);
        std::vector<double> rates(states);
        Propagator(network).rates(u.data(), p.data(), rates.data());
        EXPECT_LT(largest_difference(rates, Vector(q * widened(p))),
                  64 * epsilon * static_cast<double>(q.cwiseAbs().maxCoeff()));
    }
}

// One Richardson extrapolation of (p(h) - p(0)) / h leaves |Q|^3 h^2 / 6 and the error of the step over h.
TEST(Propagator, RatesAreTheSlopeOfTheStep) {
    Random random(27);
    const double h = 1e-4;
    for (int trial = 0; trial < 20; ++trial) {
        const std::size_t states = 2 + random.index(9);
        const auto network = random_network(random, states, 1, 1.0);
        const Propagator propagator(network);
        const auto u = random.uniforms(1, 0.0, 2.0);
        const auto p = random.probabilities(states);
        const auto half = step(propagator, u, h / 2, p), whole = step(propagator, u, h, p);
        std::vector<double> rates(states), slope(states);
        propagator.rates(u.data(), p.data(), rates.data());
        for (std::size_t i = 0; i < states; ++i) slope[i] = (4 * half[i] - whole[i] - 3 * p[i]) / h;
        const double norm = 2 * static_cast<double>(generator(network, u).diagonal().cwiseAbs().maxCoeff());
        EXPECT_LT(largest_difference(rates, slope), norm * norm * norm * h * h + 5e-13 / h) << "trial " << trial;
    }
}

TEST(Propagator, SolveImplicitLeavesNoResidual) {
    Random random(28);
    for (int trial = 0; trial < 100; ++trial) {
        const std::size_t states = 2 + random.index(19);
        const auto network = random_network(random, states, 1, 6.0);
        const auto u = random.uniforms(1, 0.0, 5.0);
        const auto b = random.uniforms(states, -1.0, 1.0);
        const double gamma_ms = trial == 0 ? 0.0 : random.log_uniform(1e-4, 1e4);
        auto x = b;
        Propagator(network).solve_implicit(u.data(), gamma_ms, x.data());
        const auto n = static_cast<Eigen::Index>(states);
        const Matrix system = Matrix::Identity(n, n) - static_cast<long double>(gamma_ms) * generator(network, u);
        const Vector residual = system * widened(x) - widened(b);
        const auto scale =
            static_cast<double>(system.cwiseAbs().rowwise().sum().maxCoeff() * widened(x).cwiseAbs().maxCoeff());
        EXPECT_LT(static_cast<double>(residual.cwiseAbs().maxCoeff()),
                  8 * static_cast<double>(n) * epsilon * (1 + scale))
            << "trial " << trial;
        EXPECT_NEAR(sum_of(x), sum_of(b), 64 * epsilon * (1 + scale)) << "columns of Q sum to 0, trial " << trial;
    }
}

TEST(SteadyState, IsTheNullVectorOfQ) {
    Random random(29);
    for (int trial = 0; trial < 200; ++trial) {
        const std::size_t states = 2 + random.index(19);
        const auto network = random_network(random, states, 1);
        const std::vector<double> u{random.uniform(0.1, 5.0)};
        std::vector<double> p(states);
        ASSERT_TRUE(Propagator(network).steady_state(u.data(), p.data()));
        const Matrix q = generator(network, u);
        EXPECT_LT(largest_difference(p, null_vector(q)), 1e-13) << "trial " << trial;
        EXPECT_NEAR(sum_of(p), 1.0, 1e-15 * static_cast<double>(states));
    }
}

// At 1e-6 uM O2 holds 2.4e-17 of the channels and at 1e6 uM C1 4e-20: GTH keeps the digits of the small ones too.
TEST(SteadyState, HasEveryDigitOfTheSmallestOccupancies) {
    const Propagator propagator(sk_network());
    for (const double calcium_uM : {1e-6, 1e-3, 1.0, 1e6}) {
        std::vector<double> p(6);
        ASSERT_TRUE(propagator.steady_state(&calcium_uM, p.data()));
        const double c2 = 2.5 * calcium_uM, c3 = c2 * 2.0 * calcium_uM, c4 = c3 * 0.4 * calcium_uM;
        const std::vector<double> weights{1.0, c2, c3, c4, 0.16 * c3, 12.0 * c4};
        for (std::size_t i = 0; i < 6; ++i) {
            EXPECT_NEAR(p[i] / (weights[i] / sum_of(weights)), 1.0, 32 * epsilon)
                << "state " << i << " at " << calcium_uM << " uM";
        }
    }
}

TEST(SteadyState, IsWhereALongStepEnds) {
    Random random(30);
    for (int trial = 0; trial < 20; ++trial) {
        const std::size_t states = 2 + random.index(9);
        const auto network = random_network(random, states, 1, 2.0);
        const Propagator propagator(network);
        const std::vector<double> u{random.uniform(0.5, 5.0)};
        std::vector<double> p(states);
        ASSERT_TRUE(propagator.steady_state(u.data(), p.data()));
        EXPECT_LT(largest_difference(step(propagator, u, 1e5, random.probabilities(states)), p), 1e-12)
            << "trial " << trial;
        EXPECT_LT(largest_difference(step(propagator, u, 1.0, p), p), 1e-13) << "trial " << trial;
    }
}

// Without calcium all channels end in C1, wherever C1 stands among the states.
TEST(SteadyState, WithoutInputIsTheAbsorbingStateInAnyOrder) {
    const double none = 0.0;
    for (const auto& place : {std::vector<std::size_t>{0, 1, 2, 3, 4, 5}, {5, 4, 3, 2, 1, 0}, {2, 0, 1, 5, 3, 4}}) {
        const Propagator propagator(TransitionNetwork(6, 1, sk_transitions(place)));
        std::vector<double> p(6), expected(6, 0.0);
        expected[place[0]] = 1.0;
        EXPECT_TRUE(propagator.steady_state(&none, p.data())) << "C1 at " << place[0];
        EXPECT_EQ(p, expected) << "C1 at " << place[0];
    }
}

// A hub that calcium alone fills: without calcium both ends absorb.
TEST(SteadyState, IsRefusedWhereItIsNotUnique) {
    const TransitionNetwork network(
        3, 1, {{0, 1, 1.0, 0, 1.0}, {1, 0, 1.0, {}, 1.0}, {1, 2, 1.0, {}, 1.0}, {2, 1, 1.0, 0, 1.0}});
    const double none = 0.0, some = 1.0;
    std::vector<double> p(3);
    EXPECT_FALSE(Propagator(network).steady_state(&none, p.data()));
    EXPECT_TRUE(Propagator(network).steady_state(&some, p.data()));
}

}  // namespace
}  // namespace nubridge::test
