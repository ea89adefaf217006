// Vector fields and actions of the C interface.
#include "learning/action.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "c_api/family_handle.hpp"
#include "c_api/guarded.hpp"
#include "dynamics/basis_combination.hpp"
#include "dynamics/grid_elements.hpp"
#include "dynamics/polynomial.hpp"
#include "dynamics/smooth_map.hpp"
#include "model_file/family_file.hpp"

using nubridge::InvalidArgument;
using nubridge::c_api::guarded;
using nubridge::c_api::inputs_of;
using nubridge::c_api::required;
using nubridge::dynamics::BasisCombination;
using nubridge::dynamics::FieldPoint;
using nubridge::dynamics::GridElements;
using nubridge::dynamics::Polynomial;
using nubridge::dynamics::VectorField;
using nubridge::learning::Action;
using nubridge::learning::Protocol;

struct nubridge_field {
    std::shared_ptr<const VectorField> field;
    /// The same field where it is a grid, else null.
    std::shared_ptr<GridElements> grid;
};

struct nubridge_action {
    std::shared_ptr<const Action> action;
};

namespace {

GridElements& grid_of(const nubridge_field* field) {
    GridElements* grid = required(field, "the field")->grid.get();
    if (grid == nullptr) throw InvalidArgument("the field is no grid, so that it has no cells; open it as a grid");
    return *grid;
}

std::span<const double> coefficients_of(const VectorField& field, const double* coefficients) {
    if (field.coefficient_count() == 0) return {};
    return {required(coefficients, "the coefficients"), field.coefficient_count()};
}

/// Calls `body(point, row)` for each row.
template <class Body>
void each_point(const VectorField& field, const double* coefficients, std::size_t rows, const double* nu,
                const double* inputs, const Body& body) {
    if (rows == 0) return;
    required(nu, "the rows of nu");
    const auto given = coefficients_of(field, coefficients);
    for (std::size_t row = 0; row < rows; ++row) {
        body(
            FieldPoint{
                {nu + row * field.nu_count(), field.nu_count()}, inputs_of(field.input_count(), inputs, row), given},
            row);
    }
}

/// Row `row` of `out`, of this width; null is allowed for the width 0.
std::span<double> place_of(double* out, std::size_t row, std::size_t width) {
    if (width == 0) return {};
    return {required(out, "the place for the rows") + row * width, width};
}

std::vector<double> copied(const double* numbers, std::size_t count, const char* what) {
    if (count == 0) return {};
    required(numbers, what);
    return {numbers, numbers + count};
}

const Action& opened(const nubridge_action* action) {
    return *required(action, "the action")->action;
}

}  // namespace

nubridge_status nubridge_field_open_terms(const nubridge_closure* closure, int32_t each_nu, nubridge_field** out) {
    return guarded([&] {
        required(out, "the place for the field");
        *out = new nubridge_field{
            std::make_shared<const BasisCombination>(required(closure, "the closure")->closure, each_nu != 0), nullptr};
    });
}

nubridge_status nubridge_field_open_grid(const char* json, nubridge_field** out) {
    return guarded([&] {
        required(out, "the place for the field");
        const auto grid = std::make_shared<GridElements>(
            nubridge::model_file::read_grid(required(json, "the description"), "the description of the grid"));
        *out = new nubridge_field{grid, grid};
    });
}

nubridge_status nubridge_field_open_polynomial(const char* json, nubridge_field** out) {
    return guarded([&] {
        required(out, "the place for the field");
        *out = new nubridge_field{std::make_shared<const Polynomial>(nubridge::model_file::read_polynomial(
                                      required(json, "the description"), "the description of the polynomial")),
                                  nullptr};
    });
}

nubridge_status nubridge_field_open_map(size_t nu, size_t inputs, const double* standard, size_t units,
                                        const double* hidden, nubridge_field** out) {
    return guarded([&] {
        required(out, "the place for the field");
        const std::size_t all = nu + inputs;
        const auto numbers = copied(standard, 2 * all, "the centres and scales");
        const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(all);
        *out = new nubridge_field{
            std::make_shared<const nubridge::dynamics::SmoothMap>(
                nu, std::vector<double>(numbers.begin(), middle), std::vector<double>(middle, numbers.end()),
                copied(hidden, units * (1 + all), "the hidden units")),
            nullptr};
    });
}

void nubridge_field_close(nubridge_field* field) {
    delete field;
}

size_t nubridge_field_count(const nubridge_field* field, int32_t kind) {
    switch (kind) {
        case NUBRIDGE_FAMILY_NU:
            return field->field->nu_count();
        case NUBRIDGE_CLOSURE_INPUT:
            return field->field->input_count();
        case NUBRIDGE_FIELD_COEFFICIENT:
            return field->field->coefficient_count();
        case NUBRIDGE_FIELD_VERTEX:
            return field->grid ? field->grid->vertices().size() : 0;
        default:
            return 0;
    }
}

nubridge_status nubridge_field_cover(nubridge_field* field, size_t rows, const double* nu, const double* inputs) {
    return guarded([&] {
        GridElements& grid = grid_of(field);
        if (rows > 0) required(nu, "the rows of nu");
        for (std::size_t row = 0; row < rows; ++row)
            grid.cover({nu + row * grid.nu_count(), grid.nu_count()}, inputs_of(grid.input_count(), inputs, row));
    });
}

nubridge_status nubridge_field_add(nubridge_field* field, size_t vertices, const int32_t* places) {
    return guarded([&] {
        GridElements& grid = grid_of(field);
        if (vertices > 0) required(places, "the vertices");
        for (std::size_t v = 0; v < vertices; ++v) {
            const int32_t* one = places + v * NUBRIDGE_VERTEX_WIDTH;
            if (one[0] < 0 || static_cast<std::size_t>(one[0]) >= grid.nu_count())
                throw InvalidArgument("vertex " + std::to_string(v) + " is of F " + std::to_string(one[0]) +
                                      "; there are " + std::to_string(grid.nu_count()));
            const auto component = static_cast<std::size_t>(one[0]);
            grid.add({component, {one + 1, one + 1 + grid.components()[component].arguments.size()}});
        }
    });
}

nubridge_status nubridge_field_vertices(const nubridge_field* field, int32_t* places) {
    return guarded([&] {
        const GridElements& grid = grid_of(field);
        if (!grid.vertices().empty()) required(places, "the place for the vertices");
        for (const auto& vertex : grid.vertices()) {
            std::fill_n(places, NUBRIDGE_VERTEX_WIDTH, 0);
            places[0] = static_cast<int32_t>(vertex.component);
            std::copy(vertex.place.begin(), vertex.place.end(), places + 1);
            places += NUBRIDGE_VERTEX_WIDTH;
        }
    });
}

nubridge_status nubridge_field_rhs(const nubridge_field* field, const double* coefficients, size_t rows,
                                   const double* nu, const double* inputs, double* f, uint8_t* outside) {
    return guarded([&] {
        const VectorField& of = *required(field, "the field")->field;
        each_point(of, coefficients, rows, nu, inputs, [&](const FieldPoint& at, std::size_t row) {
            const bool reached = of.rhs(at, place_of(f, row, of.nu_count()));
            if (outside != nullptr) outside[row] = reached ? 0 : 1;
        });
    });
}

nubridge_status nubridge_field_jacobian(const nubridge_field* field, const double* coefficients, size_t rows,
                                        const double* nu, const double* inputs, double* d_nu, double* d_input) {
    return guarded([&] {
        const VectorField& of = *required(field, "the field")->field;
        const std::size_t n = of.nu_count();
        each_point(of, coefficients, rows, nu, inputs, [&](const FieldPoint& at, std::size_t row) {
            of.jacobian(at, place_of(d_nu, row, n * n), place_of(d_input, row, n * of.input_count()));
        });
    });
}

nubridge_status nubridge_field_by_coefficient(const nubridge_field* field, const double* coefficients, size_t rows,
                                              const double* nu, const double* inputs, double* d_c) {
    return guarded([&] {
        const VectorField& of = *required(field, "the field")->field;
        each_point(of, coefficients, rows, nu, inputs, [&](const FieldPoint& at, std::size_t row) {
            of.by_coefficient(at, place_of(d_c, row, of.nu_count() * of.coefficient_count()));
        });
    });
}

nubridge_status nubridge_action_open(const nubridge_field* field, const nubridge_family* family, size_t times,
                                     const double* times_s, const double* inputs, const double* awake,
                                     const double* weights, const double* begin, size_t substeps,
                                     nubridge_action** out) {
    return guarded([&] {
        required(out, "the place for the action");
        const auto& of = required(field, "the field")->field;
        const std::size_t n = of->nu_count();
        Protocol protocol{copied(times_s, times, "the times"), copied(inputs, times * of->input_count(), "the inputs"),
                          copied(awake, times * n, "the awake moments"), copied(weights, times, "the weights"),
                          copied(begin, n, "the begin")};
        *out = new nubridge_action{
            std::make_shared<const Action>(of, required(family, "the family")->family, std::move(protocol), substeps)};
    });
}

void nubridge_action_close(nubridge_action* action) {
    delete action;
}

nubridge_status nubridge_action_path(const nubridge_action* action, const double* coefficients, double* value,
                                     double* path) {
    return guarded([&] {
        const Action& of = opened(action);
        *required(value, "the place for the value") = of.value(
            coefficients_of(of.field(), coefficients), place_of(path, 0, of.time_count() * of.field().nu_count()));
    });
}

nubridge_status nubridge_action_sensitivities(const nubridge_action* action, const double* coefficients, double* path,
                                              double* moved) {
    return guarded([&] {
        const Action& of = opened(action);
        const std::size_t points = of.time_count() * of.field().nu_count();
        of.sensitivities(coefficients_of(of.field(), coefficients), place_of(path, 0, points),
                         place_of(moved, 0, points * of.field().coefficient_count()));
    });
}

nubridge_status nubridge_action_total(size_t count, const nubridge_action* const* actions, const double* coefficients,
                                      size_t threads, double* values, double* gradient) {
    return guarded([&] {
        if (count == 0) return;
        required(actions, "the actions");
        std::vector<const Action*> all;
        for (std::size_t i = 0; i < count; ++i) all.push_back(&opened(actions[i]));
        const VectorField& field = all.front()->field();
        const std::size_t width = gradient == nullptr ? 0 : field.coefficient_count();
        nubridge::learning::total(all, coefficients_of(field, coefficients), threads, place_of(values, 0, count),
                                  place_of(gradient, 0, width));
    });
}
