#include "dynamics/rosenbrock.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace {

using Solver = nubridge::dynamics::Rosenbrock<2>;
using nubridge::dynamics::IntegrationResult;

constexpr double accept_everything = 1e9;

/// y' = -stiffness (y - cos t) - sin t, whose slow solution is cos t.
struct ProtheroRobinson {
    double stiffness;
    double begin = 0.0;  // the solver counts time from 0
    void operator()(double t, const Solver::Vector& y, Solver::Vector& slope) const {
        slope[0] = -stiffness * (y[0] - std::cos(begin + t)) - std::sin(begin + t);
    }
    void operator()(double t, const Solver::Vector&, Solver::Matrix& jacobian, Solver::Vector& time_derivative) const {
        jacobian(0, 0) = -stiffness;
        time_derivative[0] = -stiffness * std::sin(begin + t) - std::cos(begin + t);
    }
};

/// A non-linear and non-autonomous pair with known solution (e^sin t, e^cos t), one component 30 times faster than the
/// other.
struct NonLinear {
    double begin = 0.0;
    void operator()(double t, const Solver::Vector& y, Solver::Vector& slope) const {
        t += begin;
        slope[0] = y[0] * std::log(y[1]) + 0.1 * (y[0] * y[0] - std::exp(2 * std::sin(t)));
        slope[1] = -y[1] * std::sin(t) - 30.0 * (y[1] * y[1] - std::exp(2 * std::cos(t)));
    }
    void operator()(double t, const Solver::Vector& y, Solver::Matrix& jacobian,
                    Solver::Vector& time_derivative) const {
        t += begin;
        jacobian(0, 0) = std::log(y[1]) + 0.2 * y[0];
        jacobian(0, 1) = y[0] / y[1];
        jacobian(1, 0) = 0.0;
        jacobian(1, 1) = -std::sin(t) - 60.0 * y[1];
        time_derivative[0] = -0.2 * std::cos(t) * std::exp(2 * std::sin(t));
        time_derivative[1] = -y[1] * std::cos(t) - 60.0 * std::sin(t) * std::exp(2 * std::cos(t));
    }
};

double error_with_fixed_steps(int steps) {
    Solver::Vector y(2);
    y << 1.0, std::exp(1.0);
    const double h = 1.0 / steps;
    for (int i = 0; i < steps; ++i) {
        const NonLinear problem{i * h};
        Solver solver;
        const IntegrationResult result = solver.integrate(problem, problem, h, accept_everything, y);
        EXPECT_TRUE(result.converged);
        EXPECT_EQ(result.steps, 1u);
    }
    return std::abs(y[0] - std::exp(std::sin(1.0))) + std::abs(y[1] - std::exp(std::cos(1.0)));
}

TEST(Rosenbrock, HasOrderThreeOnANonAutonomousProblem) {
    double before = error_with_fixed_steps(200);
    for (int steps = 400; steps <= 1600; steps *= 2) {
        const double error = error_with_fixed_steps(steps);
        EXPECT_NEAR(std::log2(before / error), 3.0, 0.25) << steps << " steps";
        before = error;
    }
}

TEST(Rosenbrock, OneHugeStepOfAStiffDecayEndsAtZero) {
    const auto f = [](double, const Solver::Vector& y, Solver::Vector& slope) { slope = -1e8 * y; };
    const auto df = [](double, const Solver::Vector&, Solver::Matrix& jacobian, Solver::Vector& time_derivative) {
        jacobian(0, 0) = -1e8;
        time_derivative[0] = 0.0;
    };
    Solver::Vector y(1);
    y << 1.0;
    Solver solver;
    const IntegrationResult result = solver.integrate(f, df, 1.0, accept_everything, y);
    EXPECT_EQ(result.steps, 1u);
    EXPECT_LT(std::abs(y[0]), 1e-6) << "an A-stable method alone may end at -1";
}

TEST(Rosenbrock, OneStepLandsOnTheSlowSolutionOfAVeryStiffProblem) {
    for (const double y0 : {1.0, 100.0}) {
        const ProtheroRobinson problem{1e8};
        Solver::Vector y(1);
        y << y0;
        Solver solver;
        const IntegrationResult result = solver.integrate(problem, problem, 0.5, accept_everything, y);
        EXPECT_EQ(result.steps, 1u);
        // |R(z)| is below 4 / |z| for the z = -0.5e8 of this step
        EXPECT_NEAR(y[0], std::cos(0.5), 1e-6 + 4 * std::abs(y0 - 1.0) / 0.5e8) << "from " << y0;
    }
}

TEST(Rosenbrock, StepsOfAStiffProblemFollowTheSolutionNotTheStiffness) {
    const ProtheroRobinson problem{1e8};
    Solver::Vector y(1);
    y << 1.0;
    Solver solver;
    const IntegrationResult result = solver.integrate(problem, problem, 10.0, 1e-6, y);
    ASSERT_TRUE(result.converged);
    EXPECT_NEAR(y[0], std::cos(10.0), 1e-5);
    EXPECT_LT(result.steps + result.rejected, 1000u);
}

TEST(Rosenbrock, AFinerToleranceGivesASmallerError) {
    double before = std::numeric_limits<double>::infinity();
    for (const double tolerance : {1e-3, 1e-5, 1e-7, 1e-9}) {
        const NonLinear problem;
        Solver::Vector y(2);
        y << 1.0, std::exp(1.0);
        Solver solver;
        ASSERT_TRUE(solver.integrate(problem, problem, 1.0, tolerance, y).converged);
        const double error = std::abs(y[0] - std::exp(std::sin(1.0)));
        EXPECT_LT(error, 30 * tolerance);
        EXPECT_LT(error, before);
        before = error;
    }
}

TEST(Rosenbrock, ADurationOfZeroChangesNothing) {
    const NonLinear problem;
    Solver::Vector y(2);
    y << 3.0, 4.0;
    Solver solver;
    EXPECT_TRUE(solver.integrate(problem, problem, 0.0, 1e-6, y).converged);
    EXPECT_EQ(y[0], 3.0);
    EXPECT_EQ(y[1], 4.0);
}

TEST(Rosenbrock, ARightHandSideThatIsNotFiniteDoesNotConverge) {
    const auto f = [](double, const Solver::Vector&, Solver::Vector& slope) { slope[0] = std::nan(""); };
    const auto df = [](double, const Solver::Vector&, Solver::Matrix& jacobian, Solver::Vector& time_derivative) {
        jacobian(0, 0) = 0.0;
        time_derivative[0] = 0.0;
    };
    Solver::Vector y(1);
    y << 1.0;
    Solver solver;
    const IntegrationResult result = solver.integrate(f, df, 1.0, 1e-6, y);
    EXPECT_FALSE(result.converged);
    EXPECT_EQ(y[0], 1.0) << "a rejected step leaves the state alone";
}

// Two steps may leave a remainder of a few roundings; it is a step like the others, not a step that has become too
// small. The third slope of the first trial alone decides its error, so that the steps are 1/6 and 5/6 but for some
// ulps.
TEST(Rosenbrock, ARemainderOfRoundingIsIntegratedToo) {
    const double tolerance = 1e-3;
    double last_slope = 2 * tolerance * 5.4 * 5.4 * 5.4;  // an error of 5.4^3 shrinks the step to 0.9 / 5.4
    last_slope /= 1.0 - 0.5 * last_slope;                 // and is measured against 1 + |y|
    for (int ulp = 0; ulp < 200; ++ulp) last_slope = std::nextafter(last_slope, 0.0);
    for (int ulp = 0; ulp < 400; ++ulp, last_slope = std::nextafter(last_slope, 1e9)) {
        int calls = 0;
        const auto f = [&](double, const Solver::Vector&, Solver::Vector& slope) {
            slope[0] = ++calls == 3 ? last_slope : 0.0;
        };
        const auto df = [](double, const Solver::Vector&, Solver::Matrix& jacobian, Solver::Vector& time_derivative) {
            jacobian(0, 0) = 0.0;
            time_derivative[0] = 0.0;
        };
        Solver::Vector y(1);
        y << 0.0;
        Solver solver;
        const IntegrationResult result = solver.integrate(f, df, 1.0, tolerance, y);
        EXPECT_TRUE(result.converged) << "ulp " << ulp;
        ASSERT_EQ(result.rejected, 1u);
        ASSERT_LE(result.steps, 3u);
    }
}

}  // namespace
