#pragma once

#include <span>

#include "dynamics/transition_network.hpp"
#include "maxent/family.hpp"

namespace nubridge::dynamics {

/// The maximum-entropy closure F = sign Cov^-1 SUM_r theta_r <a_r Delta X_r> of a transition network on the categorical
/// family, where it is exact and closes by hand: F_a = sign (p_a'/p_a - p_0'/p_0), every ratio p_b/p_a being exp(sign
/// (nu_b - nu_a)).
///
/// Pure and re-entrant; spans hold one instance.
class Closure {
public:
    Closure(TransitionNetwork network, maxent::Sign sign);

    /// d nu/dt (per ms), nu_count entries.
    void rhs(std::span<const double> nu, std::span<const double> inputs, std::span<double> rhs) const noexcept;
    /// dF_a/dnu_b, row-major nu_count x nu_count.
    void jacobian_nu(std::span<const double> nu, std::span<const double> inputs,
                     std::span<double> jacobian) const noexcept;
    /// dF_a/du_i, row-major nu_count x input_count.
    void jacobian_input(std::span<const double> nu, std::span<const double> inputs,
                        std::span<double> jacobian) const noexcept;

    const TransitionNetwork& network() const noexcept { return network_; }

private:
    TransitionNetwork network_;
    double sign_factor_;
};

}  // namespace nubridge::dynamics
