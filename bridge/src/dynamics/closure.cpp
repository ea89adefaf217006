#include "dynamics/closure.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <utility>

namespace nubridge::dynamics {

namespace {

double exponent(std::span<const double> nu, std::size_t state, double sign_factor) {
    return state == 0 ? 0.0 : sign_factor * nu[state - 1];
}

/// Adds `value` to d(p_a'/p_a - p_0'/p_0) for every a that `state` touches: its own row, or with a minus sign all rows
/// for state 0.
void add_to_rows(std::span<double> matrix, std::size_t columns, std::size_t state, std::size_t column, double value) {
    if (state > 0) {
        matrix[(state - 1) * columns + column] += value;
        return;
    }
    for (std::size_t row = 0; row < matrix.size() / columns; ++row) matrix[row * columns + column] -= value;
}

}  // namespace

Closure::Closure(TransitionNetwork network, maxent::Sign sign)
    : network_(std::move(network)), sign_factor_(static_cast<double>(static_cast<int>(sign))) {}

void Closure::rhs(std::span<const double> nu, std::span<const double> inputs, std::span<double> rhs) const noexcept {
    assert(nu.size() + 1 == network_.state_count() && rhs.size() == nu.size());
    std::array<double, TransitionNetwork::max_states> growth{};  // p_a'/p_a
    for (const Transition& transition : network_.transitions()) {
        const double rate =
            transition.theta * transition.rate_constant * (transition.input ? inputs[*transition.input] : 1.0);
        const double ratio =
            std::exp(exponent(nu, transition.from, sign_factor_) - exponent(nu, transition.to, sign_factor_));
        growth[transition.to] += rate * ratio;
        growth[transition.from] -= rate;
    }
    for (std::size_t a = 0; a < nu.size(); ++a) rhs[a] = sign_factor_ * (growth[a + 1] - growth[0]);
}

void Closure::jacobian_nu(std::span<const double> nu, std::span<const double> inputs,
                          std::span<double> jacobian) const noexcept {
    assert(jacobian.size() == nu.size() * nu.size());
    std::fill(jacobian.begin(), jacobian.end(), 0.0);
    for (const Transition& transition : network_.transitions()) {
        const double rate =
            transition.theta * transition.rate_constant * (transition.input ? inputs[*transition.input] : 1.0);
        const double flow =
            rate * std::exp(exponent(nu, transition.from, sign_factor_) - exponent(nu, transition.to, sign_factor_));
        // sign^2 = 1: the sign of F cancels the sign in the exponent.
        if (transition.from > 0) add_to_rows(jacobian, nu.size(), transition.to, transition.from - 1, flow);
        if (transition.to > 0) add_to_rows(jacobian, nu.size(), transition.to, transition.to - 1, -flow);
    }
}

void Closure::jacobian_input(std::span<const double> nu, std::span<const double> inputs,
                             std::span<double> jacobian) const noexcept {
    assert(jacobian.size() == nu.size() * inputs.size());
    std::fill(jacobian.begin(), jacobian.end(), 0.0);
    for (const Transition& transition : network_.transitions()) {
        if (!transition.input) continue;
        const double slope = sign_factor_ * transition.theta * transition.rate_constant;
        const double ratio =
            std::exp(exponent(nu, transition.from, sign_factor_) - exponent(nu, transition.to, sign_factor_));
        add_to_rows(jacobian, inputs.size(), transition.to, *transition.input, slope * ratio);
        add_to_rows(jacobian, inputs.size(), transition.from, *transition.input, -slope);
    }
}

}  // namespace nubridge::dynamics
