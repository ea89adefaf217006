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
    /// @param names of the states, the reference first.
    explicit Categorical(std::vector<std::string> names, Sign sign = Sign::minus);

    Sign sign() const noexcept override { return sign_; }
    std::size_t nu_count() const noexcept override { return states_ - 1; }
    std::size_t moment_count() const noexcept override { return states_; }
    std::size_t state_size() const noexcept override { return 1; }
    std::vector<std::string> nu_names() const override { return {names_.begin() + 1, names_.end()}; }
    std::vector<std::string> moment_names() const override { return names_; }

    double log_partition(std::span<const double> nu) const noexcept override;
    void moments(std::span<const double> nu, std::span<double> moments) const noexcept override;
    /// nu is infinite on the boundary of the family, where an occupancy is 0.
    void from_moments(std::span<const double> moments, std::span<double> nu) const noexcept override;
    void fisher(std::span<const double> nu, std::span<double> fisher) const noexcept override;
    void sample(std::span<const double> nu, std::uint64_t seed, std::span<double> samples) const override;
    /// The same samples as whole numbers.
    void sample(std::span<const double> nu, std::uint64_t seed, std::span<std::int32_t> samples) const;
    /// A state is its index.
    WeightedStates states(std::span<const double> nu) const override;
    void statistics(std::span<const double> state, std::span<double> statistics) const override;
    bool supports(std::span<const double> state) const override;

    using Family::expectation;
    /// <f> for a function of the state, given by its values f_0 .. f_{states-1}.
    double expectation(std::span<const double> nu, std::span<const double> value_of_state) const noexcept;

private:
    template <class Number>
    void sample_as(std::span<const double> nu, std::uint64_t seed, std::span<Number> samples) const;
    double largest_exponent(std::span<const double> nu) const noexcept;

    std::size_t states_;
    std::vector<std::string> names_;
    Sign sign_;
    double sign_factor_;
};

}  // namespace nubridge::maxent
