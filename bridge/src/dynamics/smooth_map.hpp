#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "dynamics/vector_field.hpp"

namespace nubridge::dynamics {

/// Each F_a a smooth function of all nu and inputs: c_a0 + SUM_i c_ai z_i + SUM_h c_ah tanh(b_h + w_h . z), with z =
/// (x - centre) / scale and hidden units (b, w) that are given. Linear in its coefficients, so that they start at a
/// least squares fit; their number grows with the units, not with a power of the number of nu.
///
/// Coefficients: one row a nu, each 1 + arguments + units.
class SmoothMap final : public VectorField {
public:
    /// @param centre, scale one a nu and input, nu first; the scale > 0.
    /// @param units rows of 1 + arguments: b, then w.
    /// @throws InvalidArgument for sizes that do not fit, a scale <= 0, and what is not finite.
    SmoothMap(std::size_t nu, std::vector<double> centre, std::vector<double> scale, std::vector<double> units);

    std::size_t nu_count() const noexcept override { return nu_; }
    std::size_t input_count() const noexcept override { return centre_.size() - nu_; }
    std::size_t coefficient_count() const noexcept override { return nu_ * width(); }
    bool rhs(const FieldPoint& at, std::span<double> rhs) const override;
    void jacobian(const FieldPoint& at, std::span<double> by_nu, std::span<double> by_input) const override;
    void by_coefficient(const FieldPoint& at, std::span<double> out) const override;
    void pull_back(const FieldPoint& at, std::span<const double> adjoint, std::span<double> by_nu,
                   std::span<double> by_coefficient) const override;

private:
    std::size_t arguments() const noexcept { return centre_.size(); }
    std::size_t units() const noexcept { return units_.size() / (1 + arguments()); }
    std::size_t width() const noexcept { return 1 + arguments() + units(); }
    /// What the coefficients weigh: 1, z, tanh(b + w . z).
    std::vector<double> features(const FieldPoint& at) const;
    /// weights . d features/dx_i for every nu and input i; weights has width() numbers.
    void add_slopes(std::span<const double> features, std::span<const double> weights, double scale,
                    std::span<double> by_argument) const;

    std::size_t nu_;
    std::vector<double> centre_, scale_, units_;
};

}  // namespace nubridge::dynamics
