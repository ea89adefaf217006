#pragma once

#include "maxent/family.hpp"

namespace nubridge::maxent {

/// The states of one molecule or channel: X_a(s) = [s is state a], a = 1 .. states - 1; state 0 is the reference with
/// nu = 0.
///
/// p_a / p_0 = exp(sign * nu_a). The moments are all the occupancies p_0, p_1, ... which sum to 1. N independent copies
/// are the multinomial law with the same nu.
class Categorical final : public Family {
public:
    /// @param states at least 2.
    explicit Categorical(std::size_t states, Sign sign = Sign::minus);

    Sign sign() const noexcept override { return sign_; }
    std::size_t nu_count() const noexcept override { return states_ - 1; }
    std::size_t moment_count() const noexcept override { return states_; }

    double log_partition(std::span<const double> nu) const noexcept override;
    void moments(std::span<const double> nu, std::span<double> moments) const noexcept override;
    void from_moments(std::span<const double> moments, std::span<double> nu) const noexcept override;
    void fisher(std::span<const double> nu, std::span<double> fisher) const noexcept override;
    void sample(std::span<const double> nu, std::uint64_t seed, std::span<std::int32_t> samples) const override;

    /// <f> for a function of the state, given by its values f_0 .. f_{states-1}.
    double expectation(std::span<const double> nu, std::span<const double> value_of_state) const noexcept;

private:
    double largest_exponent(std::span<const double> nu) const noexcept;

    std::size_t states_;
    Sign sign_;
    double sign_factor_;
};

}  // namespace nubridge::maxent
