#include "dynamics/closure.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <limits>

#include "maxent/categorical.hpp"
#include "networks.hpp"
#include "random.hpp"

namespace nubridge::test {
namespace {

using dynamics::Closure;
using maxent::Categorical;
using maxent::Sign;

constexpr double epsilon = std::numeric_limits<double>::epsilon();

/// One random network, sign, nu and input after another.
struct Case {
    explicit Case(Random& random)
        : sign(random.index(2) == 0 ? Sign::minus : Sign::plus),
          inputs(random.uniforms(1 + random.index(3), 0.0, 4.0)),
          network(random_network(random, 2 + random.index(12), inputs.size())),
          nu(random.uniforms(network.state_count() - 1, -2.0, 2.0)) {}

    double sign_factor() const { return static_cast<double>(static_cast<int>(sign)); }
    std::vector<double> moments() const {
        std::vector<double> p(network.state_count());
        Categorical(network.state_count(), sign).moments(nu, p);
        return p;
    }
    std::vector<double> rhs() const { return rhs_at(nu, inputs); }
    std::vector<double> rhs_at(const std::vector<double>& at, const std::vector<double>& u) const {
        std::vector<double> rhs(nu.size());
        Closure(network, sign).rhs(at, u, rhs);
        return rhs;
    }
    /// The sum of all |p_b' / p_a| terms, which bounds F and every derivative of it.
    double flow() const {
        const auto p = moments();
        double sum = 0.0;
        for (const Transition& transition : network.transitions()) {
            sum += static_cast<double>(rate_of(transition, inputs)) * (1.0 + p[transition.from] / p[transition.to]);
        }
        return sum;
    }

    Sign sign;
    std::vector<double> inputs;
    TransitionNetwork network;
    std::vector<double> nu;
};

// F = sign Cov^-1 SUM_r theta_r <a_r Delta X_r>, term by term as it is written.
TEST(Closure, IsTheInverseFisherMatrixTimesTheMeanChangeOfTheStatistics) {
    Random random(10);
    for (int trial = 0; trial < 200; ++trial) {
        const Case one(random);
        const auto n = static_cast<Eigen::Index>(one.nu.size());
        const Vector p = widened(one.moments());
        Vector mean_change = Vector::Zero(n);
        for (const Transition& transition : one.network.transitions()) {
            const long double flow = rate_of(transition, one.inputs) * p[static_cast<Eigen::Index>(transition.from)];
            if (transition.to > 0) mean_change[static_cast<Eigen::Index>(transition.to) - 1] += flow;
            if (transition.from > 0) mean_change[static_cast<Eigen::Index>(transition.from) - 1] -= flow;
        }
        const Vector q = p.tail(n);
        const Matrix fisher = Matrix(q.asDiagonal()) - q * q.transpose();
        const Vector expected = static_cast<long double>(one.sign_factor()) * fisher.partialPivLu().solve(mean_change);
        EXPECT_LT(largest_difference(one.rhs(), expected), 64 * epsilon * one.flow()) << "trial " << trial;
    }
}

// The two-sided difference is wrong by F''' h^2 / 6 and by the rounding of F over h; flow() bounds F and F'''.
TEST(Closure, JacobianInNuIsTheSlopeOfTheRightHandSide) {
    Random random(11);
    const double h = 1e-5;
    for (int trial = 0; trial < 50; ++trial) {
        const Case one(random);
        const std::size_t n = one.nu.size();
        std::vector<double> jacobian(n * n);
        Closure(one.network, one.sign).jacobian_nu(one.nu, one.inputs, jacobian);
        for (std::size_t b = 0; b < n; ++b) {
            auto above = one.nu, below = one.nu;
            above[b] += h;
            below[b] -= h;
            const auto high = one.rhs_at(above, one.inputs), low = one.rhs_at(below, one.inputs);
            for (std::size_t a = 0; a < n; ++a) {
                EXPECT_NEAR(jacobian[a * n + b], (high[a] - low[a]) / (2 * h), one.flow() * (h * h + 16 * epsilon / h))
                    << "trial " << trial << ", dF" << a << "/dnu" << b;
            }
        }
    }
}

// F is affine in the inputs, so a difference over any span is exact but for rounding.
TEST(Closure, JacobianInInputsIsTheSlopeOfTheRightHandSide) {
    Random random(12);
    for (int trial = 0; trial < 50; ++trial) {
        const Case one(random);
        const std::size_t m = one.inputs.size();
        std::vector<double> jacobian(one.nu.size() * m);
        Closure(one.network, one.sign).jacobian_input(one.nu, one.inputs, jacobian);
        for (std::size_t i = 0; i < m; ++i) {
            auto above = one.inputs;
            above[i] += 1.0;
            const auto high = one.rhs_at(one.nu, above), low = one.rhs();
            for (std::size_t a = 0; a < one.nu.size(); ++a) {
                EXPECT_NEAR(jacobian[a * m + i], high[a] - low[a], 64 * epsilon * (one.flow() + std::abs(high[a])))
                    << "trial " << trial << ", dF" << a << "/du" << i;
            }
        }
    }
}

TEST(Closure, BothSignsDescribeTheSameMotion) {
    Random random(13);
    for (int trial = 0; trial < 20; ++trial) {
        const Case one(random);
        auto mirrored = one.nu;
        for (double& nu_a : mirrored) nu_a = -nu_a;
        std::vector<double> other(one.nu.size());
        Closure(one.network, one.sign == Sign::plus ? Sign::minus : Sign::plus).rhs(mirrored, one.inputs, other);
        const auto rhs = one.rhs();
        for (std::size_t a = 0; a < rhs.size(); ++a) EXPECT_EQ(other[a], -rhs[a]);
    }
}

TEST(Closure, IsAtRestInTheSteadyState) {
    Random random(14);
    for (int trial = 0; trial < 20; ++trial) {
        Case one(random);
        for (double& input : one.inputs) input += 0.1;
        const Vector p = null_vector(generator(one.network, one.inputs));
        for (std::size_t a = 0; a < one.nu.size(); ++a) {
            one.nu[a] = static_cast<double>(std::log(p[static_cast<Eigen::Index>(a) + 1] / p[0])) * one.sign_factor();
        }
        for (const double slope : one.rhs()) EXPECT_NEAR(slope, 0.0, 64 * epsilon * one.flow());
    }
}

// Nu of the two-state channel with q = 1/(1 + e^nu) obeys F = beta (1 + e^-nu) - alpha (1 + e^nu).
TEST(Closure, OfTheTwoStateChannelIsTheClosedForm) {
    const Closure closure(two_state_network(), Sign::minus);
    for (const double nu : {-3.0, -0.5, 0.0, 0.7, 4.0}) {
        for (const double calcium_uM : {0.0, 0.1, 1.0, 50.0}) {
            double rhs = 0.0;
            closure.rhs({&nu, 1}, {&calcium_uM, 1}, {&rhs, 1});
            const double opening = 0.05 * calcium_uM * (1 + std::exp(nu)), closing = 0.01 * (1 + std::exp(-nu));
            EXPECT_NEAR(rhs, closing - opening, 8 * epsilon * (opening + closing));
        }
    }
}

}  // namespace
}  // namespace nubridge::test
