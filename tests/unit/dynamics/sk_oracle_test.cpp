// The library against numbers made without it: tests/support/oracles and closed forms.
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

#include "csv.hpp"
#include "dynamics/propagator.hpp"
#include "maxent/categorical.hpp"
#include "networks.hpp"

namespace nubridge::test {
namespace {

using dynamics::Propagator;
using maxent::Categorical;

constexpr double epsilon = std::numeric_limits<double>::epsilon();
const std::vector<std::string> names{"C1", "C2", "C3", "C4", "O1", "O2"};

std::vector<double> steady_state(const Propagator& propagator, double input) {
    std::vector<double> p(propagator.state_count());
    EXPECT_TRUE(propagator.steady_state(&input, p.data()));
    return p;
}

std::vector<double> step(const Propagator& propagator, double input, double dt_ms, std::vector<double> p) {
    EXPECT_TRUE(propagator.step(&input, dt_ms, p.data(), p.data()));
    return p;
}

std::vector<double> nu_of(const std::vector<double>& p) {
    std::vector<double> nu(p.size() - 1);
    Categorical(p.size()).from_moments(p, nu);
    return nu;
}

double open(const std::vector<double>& p) {
    return p[4] + p[5];
}

TEST(SkOracle, SteadyStatesAreTheExactRationals) {
    const Propagator sk(sk_network());
    for (const auto& row : read_oracle("sk_steady_state.csv")) {
        const auto p = steady_state(sk, row.at("ca_uM"));
        for (std::size_t i = 0; i < 6; ++i) {
            EXPECT_NEAR(p[i] / row.at(names[i]), 1.0, 32 * epsilon) << names[i] << " at " << row.at("ca_uM") << " uM";
        }
    }
}

TEST(SkOracle, DoseResponseIsTheExactRational) {
    const Propagator sk(sk_network());
    for (const auto& row : read_oracle("sk_dose_response.csv")) {
        const double po = open(steady_state(sk, row.at("ca_uM")));
        EXPECT_NEAR(po / row.at("Po"), 1.0, 32 * epsilon) << row.at("ca_uM") << " uM";
        EXPECT_NEAR(po * 13 / 12 / row.at("Po_over_Pmax"), 1.0, 32 * epsilon);
    }
}

// d ln(Po / (Pmax - Po)) / d ln Ca by a difference over h: wrong by h^2 and by rounding over h.
TEST(SkOracle, HillSlopeIsTheExactOne) {
    const Propagator sk(sk_network());
    const double h = 1e-4;
    for (const auto& row : read_oracle("sk_dose_response.csv")) {
        const auto logit = [&](double shift) {
            const double po = open(steady_state(sk, row.at("ca_uM") * std::exp(shift)));
            return std::log(po / (12.0 / 13.0 - po));
        };
        const double rounding = 32 * epsilon / (1.0 - row.at("Po_over_Pmax")) / h;
        EXPECT_NEAR((logit(h) - logit(-h)) / (2 * h), row.at("local_hill"), 10 * h * h + rounding)
            << row.at("ca_uM") << " uM";
    }
}

TEST(SkOracle, StepOfCalciumFollowsTheSixtyDigitExponential) {
    const Propagator sk(sk_network());
    std::vector<double> p = steady_state(sk, 0.05);
    double now_ms = 0.0;
    for (const auto& row : read_oracle("sk_step_0p05_5_0p05.csv")) {
        p = step(sk, row.at("ca_uM_held_up_to_t"), row.at("t_ms") - now_ms, p);
        now_ms = row.at("t_ms");
        for (std::size_t i = 0; i < 6; ++i)
            EXPECT_NEAR(p[i], row.at(names[i]), 1e-12) << names[i] << " at " << now_ms << " ms";
        EXPECT_NEAR(open(p), row.at("Po"), 1e-12) << now_ms << " ms";
    }
}

// 12000 steps leave out up to 2e-13 each; what the slowest mode has not forgotten, 80 ms of them, may add up.
TEST(SkOracle, TheSameInNeuronsStepsOf25Microseconds) {
    const Propagator sk(sk_network());
    std::vector<double> p = steady_state(sk, 0.05);
    long done = 0;
    for (const auto& row : read_oracle("sk_step_0p05_5_0p05.csv")) {
        for (const long until = std::lround(row.at("t_ms") / 0.025); done < until; ++done) {
            p = step(sk, row.at("ca_uM_held_up_to_t"), 0.025, p);
        }
        EXPECT_NEAR(open(p), row.at("Po"), 3200 * 2e-13) << row.at("t_ms") << " ms";
    }
}

TEST(SkOracle, DecayTimesAreTheRootsOfTheCharacteristicPolynomial) {
    const Propagator sk(sk_network());
    for (const auto& row : read_oracle("sk_time_constants.csv")) {
        const double calcium_uM = row.at("ca_uM");
        Eigen::MatrixXd q(6, 6);
        for (Eigen::Index column = 0; column < 6; ++column) {
            Eigen::VectorXd unit = Eigen::VectorXd::Unit(6, column), rates(6);
            sk.rates(&calcium_uM, unit.data(), rates.data());
            q.col(column) = rates;
        }
        Eigen::VectorXd eigenvalues = Eigen::EigenSolver<Eigen::MatrixXd>(q).eigenvalues().real();
        std::sort(eigenvalues.begin(), eigenvalues.end(), std::greater<>());  // 0 first, then the slowest
        for (Eigen::Index mode = 1; mode < 6; ++mode) {
            EXPECT_NEAR(-1.0 / eigenvalues[mode] / row.at("tau" + std::to_string(mode) + "_ms"), 1.0, 1e-11)
                << calcium_uM << " uM";
        }
    }
}

/// When the open probability, started at 0.05 uM, has gone this share of its way.
double crossing_ms(const Propagator& sk, double calcium_uM, double share) {
    const auto start = steady_state(sk, 0.05);
    const double target = open(start) + share * (open(steady_state(sk, calcium_uM)) - open(start));
    double low = 0.0, high = 1000.0;
    for (int bisection = 0; bisection < 60; ++bisection) {
        const double middle = 0.5 * (low + high);
        (open(step(sk, calcium_uM, middle, start)) < target ? low : high) = middle;
    }
    return low;
}

TEST(SkOracle, ActivationTimesAreThoseOfTheSeries) {
    const Propagator sk(sk_network());
    for (const auto& row : read_oracle("sk_time_constants.csv")) {
        const double calcium_uM = row.at("ca_uM");
        if (std::isnan(row.at("act_t63_ms"))) continue;  // the concentration from which the others start
        EXPECT_NEAR(crossing_ms(sk, calcium_uM, 1.0 - std::exp(-1.0)) / row.at("act_t63_ms"), 1.0, 1e-9)
            << calcium_uM << " uM";
        const double rise_ms = crossing_ms(sk, calcium_uM, 0.9) - crossing_ms(sk, calcium_uM, 0.1);
        EXPECT_NEAR(rise_ms / row.at("act_10_90_ms"), 1.0, 1e-9) << calcium_uM << " uM";
    }
}

// Calcium steps from 0.05 to 1 uM; a 12-digit solution of the six equations by another program.
TEST(SkOracle, NuAfterFiftyMillisecondsAtOneMicromolar) {
    const Propagator sk(sk_network());
    const auto start = steady_state(sk, 0.05);
    const std::vector<std::pair<double, double>> open_at_ms{
        {5.0, 0.044761837816}, {10.0, 0.128925759002}, {20.0, 0.303795953532}, {50.0, 0.587599363918}};
    for (const auto& [t_ms, expected] : open_at_ms)
        EXPECT_NEAR(open(step(sk, 1.0, t_ms, start)), expected, 1e-12) << t_ms << " ms";
    const std::vector<double> nu{-0.8157881010, -1.3400041731, 0.0079845217, 0.4807539972, -2.3871994778};
    EXPECT_LT(largest_difference(nu_of(step(sk, 1.0, 50.0, start)), nu), 1e-10);
}

// The closed form of one open fraction q: q(t) = q_inf + (q_0 - q_inf) e^{-(alpha + beta) t}, nu = ln((1 - q) / q).
TEST(TwoStateOracle, NuFollowsTheClosedForm) {
    const Propagator channel(two_state_network());
    const std::vector<double> start = steady_state(channel, 0.1);
    EXPECT_NEAR(nu_of(start)[0], 0.69314718055995, 1e-13);
    const std::vector<std::pair<double, double>> nu_at_ms{{5.0, 0.14857582085082},
                                                          {10.0, -0.23681056983712},
                                                          {20.0, -0.76637506969769},
                                                          {50.0, -1.43990409234482},
                                                          {100.0, -1.60054081018781}};
    for (const auto& [t_ms, expected] : nu_at_ms) {
        EXPECT_NEAR(nu_of(step(channel, 1.0, t_ms, start))[0], expected, 5e-13) << t_ms << " ms";
        const double q = 5.0 / 6.0 + (1.0 / 3.0 - 5.0 / 6.0) * std::exp(-0.06 * t_ms);
        EXPECT_NEAR(std::log((1 - q) / q), expected, 1e-13) << "the printed number itself, " << t_ms << " ms";
    }
}

}  // namespace
}  // namespace nubridge::test
