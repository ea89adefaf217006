#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "dynamics/vector_field.hpp"

namespace nubridge::dynamics {

/// Each F_a a C1 piecewise cubic of its own arguments, some of nu and u: tensor products of cubic Hermite polynomials
/// on a regular grid (Q3-C1 finite elements).
///
/// A vertex has 2^d coefficients, d the number of arguments: bit j of a coefficient's place is set where it is the
/// slope along argument j, per spacing (d/df with f = x / spacing). Cells are made on demand, by cover(); where a
/// vertex is missing it counts as 0 and rhs() says so. Coefficients stand in the order in which vertices were made, so
/// that covering more keeps those that there are.
class GridElements final : public VectorField {
public:
    static constexpr std::size_t most_arguments = 6;

    /// What F_a depends on.
    struct Component {
        /// Below nu_count a nu, above it an input.
        std::vector<std::size_t> arguments;
    };
    /// @param spacing one a nu and input; > 0 where an argument uses it.
    /// @throws InvalidArgument for no argument, more than most_arguments, one twice or unknown, a spacing <= 0.
    GridElements(std::size_t inputs, std::vector<Component> components, std::vector<double> spacing);

    /// A vertex: its component and its place in units of the spacing, one a argument.
    struct Vertex {
        std::size_t component;
        std::vector<int> place;
    };

    /// Makes the cells at this point.
    /// @return how many coefficients are new, at the end.
    /// @throws InvalidArgument for a point that is not finite or beyond 1e8 cells.
    std::size_t cover(std::span<const double> nu, std::span<const double> inputs);
    /// Makes one vertex, or finds it: the place of its first coefficient.
    std::size_t add(const Vertex& vertex);
    /// In the order of their coefficients.
    const std::vector<Vertex>& vertices() const noexcept { return vertices_; }
    const std::vector<Component>& components() const noexcept { return components_; }
    const std::vector<double>& spacing() const noexcept { return spacing_; }

    std::size_t nu_count() const noexcept override { return components_.size(); }
    std::size_t input_count() const noexcept override { return inputs_; }
    std::size_t coefficient_count() const noexcept override { return coefficients_; }
    bool rhs(const FieldPoint& at, std::span<double> rhs) const override;
    void jacobian(const FieldPoint& at, std::span<double> by_nu, std::span<double> by_input) const override;
    void by_coefficient(const FieldPoint& at, std::span<double> out) const override;
    void pull_back(const FieldPoint& at, std::span<const double> adjoint, std::span<double> by_nu,
                   std::span<double> by_coefficient) const override;

private:
    struct Cell;
    double argument(const FieldPoint& at, std::size_t index) const noexcept {
        return index < nu_count() ? at.nu[index] : at.inputs[index - nu_count()];
    }
    Cell cell(const FieldPoint& at, std::size_t component) const;
    /// Calls f(corner, place of its first coefficient) for the vertices of the cell that there are.
    /// @return whether there are all.
    template <class F>
    bool each_corner(const Cell& cell, std::size_t component, F&& f) const;

    std::size_t inputs_;
    std::vector<Component> components_;
    std::vector<double> spacing_;
    std::vector<Vertex> vertices_;
    std::map<std::pair<std::size_t, std::vector<int>>, std::size_t> offsets_;
    std::size_t coefficients_ = 0;
};

}  // namespace nubridge::dynamics
