#pragma once

#include <memory>

#include "dynamics/network_closure.hpp"
#include "dynamics/vector_field.hpp"

namespace nubridge::dynamics {

/// F_a = SUM_r theta_r F_ra, or SUM_r theta_ar F_ra: the terms of a closure, one a reaction, weighed by coefficients.
///
/// Coefficients: one a term; with `each_nu` one a nu and term, the terms of the first nu first.
class BasisCombination final : public VectorField {
public:
    BasisCombination(std::shared_ptr<const NetworkClosure> closure, bool each_nu);

    std::size_t nu_count() const noexcept override { return closure_->nu_count(); }
    std::size_t input_count() const noexcept override { return closure_->input_count(); }
    std::size_t coefficient_count() const noexcept override {
        return closure_->term_count() * (each_nu_ ? nu_count() : 1);
    }
    bool rhs(const FieldPoint& at, std::span<double> rhs) const override;
    void jacobian(const FieldPoint& at, std::span<double> by_nu, std::span<double> by_input) const override;
    void by_coefficient(const FieldPoint& at, std::span<double> out) const override;
    void pull_back(const FieldPoint& at, std::span<const double> adjoint, std::span<double> by_nu,
                   std::span<double> by_coefficient) const override;

private:
    std::shared_ptr<const NetworkClosure> closure_;
    bool each_nu_;
};

}  // namespace nubridge::dynamics
