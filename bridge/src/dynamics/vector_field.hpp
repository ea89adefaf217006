#pragma once

#include <cstddef>
#include <span>

namespace nubridge::dynamics {

/// Where a vector field is read: nu, the inputs u and its coefficients.
struct FieldPoint {
    std::span<const double> nu;
    std::span<const double> inputs;
    std::span<const double> coefficients;
};

/// d nu/dt = F(nu, u; c), per second, with coefficients c that can be learned. The coefficients are the caller's.
///
/// Pure and re-entrant; a point has nu_count(), input_count() and coefficient_count() numbers. What F is made of may
/// throw InvalidArgument, for a nu without a law or a negative amount.
class VectorField {
public:
    virtual ~VectorField() = default;

    virtual std::size_t nu_count() const noexcept = 0;
    virtual std::size_t input_count() const noexcept = 0;
    virtual std::size_t coefficient_count() const noexcept = 0;

    /// F, nu_count() numbers.
    /// @return false where the coefficients do not reach: F is not learned there.
    virtual bool rhs(const FieldPoint& at, std::span<double> rhs) const = 0;
    /// dF_a/dnu_b (nu_count() x nu_count()) and dF_a/du_i (nu_count() x input_count()), row-major, exact.
    virtual void jacobian(const FieldPoint& at, std::span<double> by_nu, std::span<double> by_input) const = 0;
    /// dF_a/dc_j, row-major nu_count() x coefficient_count().
    virtual void by_coefficient(const FieldPoint& at, std::span<double> out) const = 0;
    /// Adds adjoint^T dF/dnu to `by_nu` and adjoint^T dF/dc to `by_coefficient`.
    virtual void pull_back(const FieldPoint& at, std::span<const double> adjoint, std::span<double> by_nu,
                           std::span<double> by_coefficient) const = 0;
};

}  // namespace nubridge::dynamics
