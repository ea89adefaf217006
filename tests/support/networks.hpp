#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <unsupported/Eigen/MatrixFunctions>
#include <vector>

#include "dynamics/transition_network.hpp"
#include "random.hpp"

/// Networks to test with, and what they mean written down a second time: dense, in long double, straight from dp/dt = Q
/// p.
namespace nubridge::test {

using dynamics::Transition;
using dynamics::TransitionNetwork;
using Matrix = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;
using Vector = Eigen::Matrix<long double, Eigen::Dynamic, 1>;

/// Hirschberg's SK channel, states C1 C2 C3 C4 O1 O2 moved to place[0..5], calcium in uM, rates in /ms.
inline std::vector<Transition> sk_transitions(const std::vector<std::size_t>& place = {0, 1, 2, 3, 4, 5}) {
    const auto one = [&](std::size_t from, std::size_t to, double rate, bool calcium) {
        return Transition{place[from], place[to], rate, calcium ? std::optional<std::size_t>(0) : std::nullopt, 1.0};
    };
    return {one(0, 1, 0.2, true),  one(1, 0, 0.08, false), one(1, 2, 0.16, true),  one(2, 1, 0.08, false),
            one(2, 3, 0.08, true), one(3, 2, 0.2, false),  one(2, 4, 0.16, false), one(4, 2, 1.0, false),
            one(3, 5, 1.2, false), one(5, 3, 0.1, false)};
}

inline TransitionNetwork sk_network() {
    return {6, 1, sk_transitions()};
}

/// A channel that opens at 0.05 /uM/ms and closes at 0.01 /ms.
inline TransitionNetwork two_state_network() {
    return {2, 1, {{0, 1, 0.05, 0, 1.0}, {1, 0, 0.01, std::nullopt, 1.0}}};
}

/// A random tree, both ways, with as many random transitions on top; rates over `decades` decades around 0.1 /ms, half
/// of them by input.
inline TransitionNetwork random_network(Random& random, std::size_t states, std::size_t inputs, double decades = 3.0) {
    std::vector<Transition> transitions;
    const auto add = [&](std::size_t from, std::size_t to) {
        Transition transition{from, to, 0.1 * std::pow(10.0, random.uniform(-decades / 2, decades / 2)), std::nullopt,
                              1.0};
        if (inputs > 0 && random.index(2) == 0) transition.input = random.index(inputs);
        transition.theta = random.uniform(0.5, 2.0);
        transitions.push_back(transition);
    };
    for (std::size_t state = 1; state < states; ++state) {
        const std::size_t other = random.index(state);
        add(state, other);
        add(other, state);
    }
    for (std::size_t i = 0; i < states; ++i) {
        const std::size_t from = random.index(states);
        const std::size_t to = random.index(states);
        if (from != to) add(from, to);
    }
    return {states, inputs, transitions};
}

inline long double rate_of(const Transition& transition, std::span<const double> u) {
    return static_cast<long double>(transition.theta) * transition.rate_constant *
           (transition.input ? u[*transition.input] : 1.0);
}

/// Q(u) of dp/dt = Q p.
inline Matrix generator(const TransitionNetwork& network, std::span<const double> u) {
    const auto n = static_cast<Eigen::Index>(network.state_count());
    Matrix q = Matrix::Zero(n, n);
    for (const Transition& transition : network.transitions()) {
        const auto from = static_cast<Eigen::Index>(transition.from);
        const auto to = static_cast<Eigen::Index>(transition.to);
        q(to, from) += rate_of(transition, u);
        q(from, from) -= rate_of(transition, u);
    }
    return q;
}

/// exp(t Q): Eigen's Pade approximant of a matrix of norm at most 1, then squarings with the columns brought back to
/// the sum 1.
inline Matrix exponential(const Matrix& q, double t_ms) {
    const long double norm = (q * static_cast<long double>(t_ms)).cwiseAbs().colwise().sum().maxCoeff();
    const int squarings = norm > 1.0L ? static_cast<int>(std::ceil(std::log2(norm))) : 0;
    Matrix p = Matrix(q * std::ldexp(static_cast<long double>(t_ms), -squarings)).exp();
    for (int i = 0; i < squarings; ++i) {
        p = (p * p).eval();
        for (Eigen::Index column = 0; column < p.cols(); ++column) p.col(column) /= p.col(column).sum();
    }
    return p;
}

/// The probability vector with Q p = 0, from Eigen's null space.
inline Vector null_vector(const Matrix& q) {
    Eigen::FullPivLU<Matrix> lu(q);
    lu.setThreshold(1e-16L);
    const Matrix kernel = lu.kernel();
    return kernel.col(0) / kernel.col(0).sum();
}

inline Vector widened(std::span<const double> values) {
    return Eigen::Map<const Eigen::VectorXd>(values.data(), static_cast<Eigen::Index>(values.size()))
        .cast<long double>();
}

inline double largest_difference(std::span<const double> a, const Vector& b) {
    return static_cast<double>((widened(a) - b).cwiseAbs().maxCoeff());
}

inline double largest_difference(std::span<const double> a, std::span<const double> b) {
    return largest_difference(a, widened(b));
}

}  // namespace nubridge::test
