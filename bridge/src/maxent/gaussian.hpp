#pragma once

#include "maxent/family.hpp"

namespace nubridge::maxent {

/// The normal law of several variables by its natural parameters: X = x_i, then x_i x_j for i <= j.
///
/// p~ = exp(sign [SUM_i h_i x_i + SUM_{i<=j} J_ij x_i x_j]) / Z on all of R^n; it exists where -sign J, as a quadratic
/// form, is positive definite.
class Gaussian final : public Family {
public:
    /// @throws InvalidArgument for no variables.
    explicit Gaussian(std::vector<std::string> variables, Sign sign = Sign::minus);

    Sign sign() const noexcept override { return sign_; }
    std::size_t nu_count() const noexcept override {
        return variables_.size() + variables_.size() * (variables_.size() + 1) / 2;
    }
    std::size_t moment_count() const noexcept override { return nu_count(); }
    std::size_t state_size() const noexcept override { return variables_.size(); }
    std::vector<std::string> nu_names() const override;
    double log_partition(std::span<const double> nu) const override;
    void moments(std::span<const double> nu, std::span<double> moments) const override;
    void from_moments(std::span<const double> moments, std::span<double> nu) const override;
    void fisher(std::span<const double> nu, std::span<double> fisher) const override;
    void sample(std::span<const double> nu, std::uint64_t seed, std::span<double> samples) const override;
    /// Six nodes a variable: means of polynomials are exact up to degree 11 in each principal direction.
    WeightedStates states(std::span<const double> nu) const override;
    void statistics(std::span<const double> state, std::span<double> statistics) const override;
    bool supports(std::span<const double>) const override { return true; }

private:
    struct Law;
    Law law(std::span<const double> nu) const;
    /// The place of x_i x_j among nu.
    std::size_t pair(std::size_t i, std::size_t j) const noexcept;

    std::vector<std::string> variables_;
    Sign sign_;
};

}  // namespace nubridge::maxent
