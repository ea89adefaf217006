#include "dynamics/grid_elements.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "chemistry/refuse.hpp"

namespace nubridge::dynamics {

using chemistry::refuse;

namespace {

constexpr double most_cells = 1e8;

/// The four cubic Hermite polynomials of one argument at f in [0, 1], [end][value or slope], and their d/df.
struct Hermite {
    explicit Hermite(double f)
        : value{{{1 - f * f * (3 - 2 * f), f * (1 - f) * (1 - f)}, {f * f * (3 - 2 * f), f * f * (f - 1)}}},
          slope{{{6 * f * (f - 1), (1 - f) * (1 - 3 * f)}, {6 * f * (1 - f), f * (3 * f - 2)}}} {}

    using Table = std::array<std::array<double, 2>, 2>;
    Table value, slope;
};

bool bit(std::size_t bits, std::size_t j) {
    return ((bits >> j) & 1U) != 0;
}

}  // namespace

/// Where a point lies in the grid of a component.
struct GridElements::Cell {
    std::vector<int> corner;
    std::vector<Hermite> along;

    std::size_t size() const { return along.size(); }
    std::size_t corners() const { return std::size_t{1} << size(); }
    std::vector<int> vertex(std::size_t end) const {
        std::vector<int> place = corner;
        for (std::size_t j = 0; j < size(); ++j) place[j] += bit(end, j) ? 1 : 0;
        return place;
    }
    /// The basis function of a vertex and a kind of coefficient.
    double value(std::size_t end, std::size_t kind) const {
        double product = 1.0;
        for (std::size_t j = 0; j < size(); ++j) product *= along[j].value[bit(end, j)][bit(kind, j)];
        return product;
    }
    /// Its d/df along one argument.
    double slope(std::size_t end, std::size_t kind, std::size_t direction) const {
        double product = 1.0;
        for (std::size_t j = 0; j < size(); ++j)
            product *= (j == direction ? along[j].slope : along[j].value)[bit(end, j)][bit(kind, j)];
        return product;
    }
};

GridElements::GridElements(std::size_t inputs, std::vector<Component> components, std::vector<double> spacing)
    : inputs_(inputs), components_(std::move(components)), spacing_(std::move(spacing)) {
    const std::size_t known = nu_count() + inputs_;
    if (spacing_.size() != known)
        refuse<InvalidArgument>("there are ", spacing_.size(), " spacings for ", known,
                                " nu and inputs; give one each");
    for (std::size_t a = 0; a < nu_count(); ++a) {
        auto sorted = components_[a].arguments;
        if (sorted.empty() || sorted.size() > most_arguments)
            refuse<InvalidArgument>("F ", a, " has ", sorted.size(), " arguments; it needs 1 to ", most_arguments);
        std::sort(sorted.begin(), sorted.end());
        if (sorted.back() >= known || std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
            refuse<InvalidArgument>("F ", a, " has an argument twice or one above ", known - 1, "; name each once");
        for (const std::size_t i : sorted) {
            if (!(spacing_[i] > 0.0 && std::isfinite(spacing_[i])))
                refuse<InvalidArgument>("the spacing of argument ", i, " is ", spacing_[i],
                                        "; it is finite and above 0");
        }
    }
}

GridElements::Cell GridElements::cell(const FieldPoint& at, std::size_t component) const {
    Cell result;
    for (const std::size_t i : components_[component].arguments) {
        const double x = argument(at, i) / spacing_[i];
        if (!(std::abs(x) < most_cells))
            refuse<InvalidArgument>("argument ", i, " of the grid is ", argument(at, i), "; it is finite and within ",
                                    most_cells, " cells of 0: look for what wrote it, or use a larger spacing");
        const double floor = std::floor(x);
        result.corner.push_back(static_cast<int>(floor));
        result.along.emplace_back(x - floor);
    }
    return result;
}

std::size_t GridElements::add(const Vertex& vertex) {
    const auto [found, made] = offsets_.try_emplace({vertex.component, vertex.place}, coefficients_);
    if (made) {
        vertices_.push_back(vertex);
        coefficients_ += std::size_t{1} << vertex.place.size();
    }
    return found->second;
}

std::size_t GridElements::cover(std::span<const double> nu, std::span<const double> inputs) {
    const std::size_t before = coefficients_;
    for (std::size_t a = 0; a < nu_count(); ++a) {
        const Cell here = cell({nu, inputs, {}}, a);
        for (std::size_t end = 0; end < here.corners(); ++end) add({a, here.vertex(end)});
    }
    return coefficients_ - before;
}

template <class F>
bool GridElements::each_corner(const Cell& cell, std::size_t component, F&& f) const {
    bool all = true;
    for (std::size_t end = 0; end < cell.corners(); ++end) {
        const auto found = offsets_.find({component, cell.vertex(end)});
        all = all && found != offsets_.end();
        if (found != offsets_.end()) f(end, found->second);
    }
    return all;
}

bool GridElements::rhs(const FieldPoint& at, std::span<double> rhs) const {
    bool all = true;
    for (std::size_t a = 0; a < nu_count(); ++a) {
        const Cell here = cell(at, a);
        double sum = 0.0;
        const bool covered = each_corner(here, a, [&](std::size_t end, std::size_t first) {
            for (std::size_t kind = 0; kind < here.corners(); ++kind)
                sum += here.value(end, kind) * at.coefficients[first + kind];
        });
        all = all && covered;
        rhs[a] = sum;
    }
    return all;
}

void GridElements::jacobian(const FieldPoint& at, std::span<double> by_nu, std::span<double> by_input) const {
    std::fill(by_nu.begin(), by_nu.end(), 0.0);
    std::fill(by_input.begin(), by_input.end(), 0.0);
    for (std::size_t a = 0; a < nu_count(); ++a) {
        const Cell here = cell(at, a);
        const auto& arguments = components_[a].arguments;
        for (std::size_t j = 0; j < arguments.size(); ++j) {
            double sum = 0.0;
            each_corner(here, a, [&](std::size_t end, std::size_t first) {
                for (std::size_t kind = 0; kind < here.corners(); ++kind)
                    sum += here.slope(end, kind, j) * at.coefficients[first + kind];
            });
            const double slope = sum / spacing_[arguments[j]];  // from d/df to d/dx
            if (arguments[j] < nu_count())
                by_nu[a * nu_count() + arguments[j]] = slope;
            else
                by_input[a * inputs_ + arguments[j] - nu_count()] = slope;
        }
    }
}

void GridElements::by_coefficient(const FieldPoint& at, std::span<double> out) const {
    std::fill(out.begin(), out.end(), 0.0);
    for (std::size_t a = 0; a < nu_count(); ++a) {
        const Cell here = cell(at, a);
        each_corner(here, a, [&](std::size_t end, std::size_t first) {
            for (std::size_t kind = 0; kind < here.corners(); ++kind)
                out[a * coefficients_ + first + kind] = here.value(end, kind);
        });
    }
}

void GridElements::pull_back(const FieldPoint& at, std::span<const double> adjoint, std::span<double> by_nu,
                             std::span<double> by_coefficient) const {
    for (std::size_t a = 0; a < nu_count(); ++a) {
        const Cell here = cell(at, a);
        const auto& arguments = components_[a].arguments;
        each_corner(here, a, [&](std::size_t end, std::size_t first) {
            for (std::size_t kind = 0; kind < here.corners(); ++kind) {
                by_coefficient[first + kind] += adjoint[a] * here.value(end, kind);
                for (std::size_t j = 0; j < arguments.size(); ++j) {
                    if (arguments[j] < nu_count())
                        by_nu[arguments[j]] += adjoint[a] * here.slope(end, kind, j) * at.coefficients[first + kind] /
                                               spacing_[arguments[j]];
                }
            }
        });
    }
}

}  // namespace nubridge::dynamics
