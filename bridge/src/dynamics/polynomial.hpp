#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "dynamics/vector_field.hpp"

namespace nubridge::dynamics {

/// F_a = SUM_j c_aj p_aj(nu, u): each a polynomial of its own products, for many nu where a grid has too many cells.
///
/// Coefficients: one a product, those of the first nu first.
class Polynomial final : public VectorField {
public:
    /// The places of its factors among nu and, above nu_count, the inputs; k times for a k-th power, none for 1.
    using Product = std::vector<std::size_t>;

    /// @param products one list a nu.
    /// @throws InvalidArgument without a nu, and for a factor that is no nu or input.
    Polynomial(std::size_t inputs, std::vector<std::vector<Product>> products);

    std::size_t nu_count() const noexcept override { return products_.size(); }
    std::size_t input_count() const noexcept override { return inputs_; }
    std::size_t coefficient_count() const noexcept override { return coefficients_; }
    /// Everywhere.
    bool rhs(const FieldPoint& at, std::span<double> rhs) const override;
    void jacobian(const FieldPoint& at, std::span<double> by_nu, std::span<double> by_input) const override;
    void by_coefficient(const FieldPoint& at, std::span<double> out) const override;
    void pull_back(const FieldPoint& at, std::span<const double> adjoint, std::span<double> by_nu,
                   std::span<double> by_coefficient) const override;

private:
    double factor(const FieldPoint& at, std::size_t place) const noexcept {
        return place < nu_count() ? at.nu[place] : at.inputs[place - nu_count()];
    }
    double value(const FieldPoint& at, const Product& product, std::size_t without) const noexcept;
    template <class F>
    void each_product(F&& f) const;

    std::size_t inputs_;
    std::vector<std::vector<Product>> products_;
    std::size_t coefficients_ = 0;
};

}  // namespace nubridge::dynamics
