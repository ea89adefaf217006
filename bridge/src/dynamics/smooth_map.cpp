#include "dynamics/smooth_map.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "chemistry/refuse.hpp"
#include "units/error.hpp"

namespace nubridge::dynamics {

using chemistry::refuse;

SmoothMap::SmoothMap(std::size_t nu, std::vector<double> centre, std::vector<double> scale, std::vector<double> units)
    : nu_(nu), centre_(std::move(centre)), scale_(std::move(scale)), units_(std::move(units)) {
    if (nu_ == 0 || nu_ > arguments() || scale_.size() != arguments() || units_.size() % (1 + arguments()) != 0)
        refuse<InvalidArgument>("a map of ", nu_, " nu has ", arguments(), " centres, ", scale_.size(), " scales and ",
                                units_.size(), " numbers of units; centres and scales are one a nu and input, a unit ",
                                "has 1 + that many");
    const auto finite = [](double x) { return std::isfinite(x); };
    if (!std::all_of(centre_.begin(), centre_.end(), finite) || !std::all_of(units_.begin(), units_.end(), finite) ||
        !std::all_of(scale_.begin(), scale_.end(), [](double x) { return x > 0.0 && std::isfinite(x); }))
        refuse<InvalidArgument>("a map has centres and units that are finite, and scales above 0; these are not");
}

std::vector<double> SmoothMap::features(const FieldPoint& at) const {
    const std::size_t d = arguments();
    std::vector<double> found(width());
    found[0] = 1.0;
    for (std::size_t i = 0; i < d; ++i) {
        const double x = i < nu_ ? at.nu[i] : at.inputs[i - nu_];
        found[1 + i] = (x - centre_[i]) / scale_[i];
    }
    for (std::size_t h = 0; h < units(); ++h) {
        const double* unit = units_.data() + h * (1 + d);
        double sum = unit[0];
        for (std::size_t i = 0; i < d; ++i) sum += unit[1 + i] * found[1 + i];
        found[1 + d + h] = std::tanh(sum);
    }
    return found;
}

void SmoothMap::add_slopes(std::span<const double> features, std::span<const double> weights, double scale,
                           std::span<double> by_argument) const {
    const std::size_t d = arguments();
    for (std::size_t i = 0; i < by_argument.size(); ++i) by_argument[i] += scale * weights[1 + i] / scale_[i];
    for (std::size_t h = 0; h < units(); ++h) {
        const double bent = features[1 + d + h], steep = scale * weights[1 + d + h] * (1.0 - bent * bent);
        for (std::size_t i = 0; i < by_argument.size(); ++i)
            by_argument[i] += steep * units_[h * (1 + d) + 1 + i] / scale_[i];
    }
}

bool SmoothMap::rhs(const FieldPoint& at, std::span<double> rhs) const {
    const auto found = features(at);
    for (std::size_t a = 0; a < nu_; ++a) {
        double sum = 0.0;
        for (std::size_t j = 0; j < found.size(); ++j) sum += at.coefficients[a * found.size() + j] * found[j];
        rhs[a] = sum;
    }
    return true;
}

void SmoothMap::jacobian(const FieldPoint& at, std::span<double> by_nu, std::span<double> by_input) const {
    const auto found = features(at);
    std::vector<double> row(arguments());
    for (std::size_t a = 0; a < nu_; ++a) {
        std::fill(row.begin(), row.end(), 0.0);
        add_slopes(found, at.coefficients.subspan(a * width(), width()), 1.0, row);
        std::copy_n(row.begin(), nu_, by_nu.begin() + static_cast<std::ptrdiff_t>(a * nu_));
        std::copy(row.begin() + static_cast<std::ptrdiff_t>(nu_), row.end(),
                  by_input.begin() + static_cast<std::ptrdiff_t>(a * input_count()));
    }
}

void SmoothMap::by_coefficient(const FieldPoint& at, std::span<double> out) const {
    const auto found = features(at);
    std::fill(out.begin(), out.end(), 0.0);
    for (std::size_t a = 0; a < nu_; ++a)
        std::copy(found.begin(), found.end(),
                  out.begin() + static_cast<std::ptrdiff_t>(a * (coefficient_count() + found.size())));
}

void SmoothMap::pull_back(const FieldPoint& at, std::span<const double> adjoint, std::span<double> by_nu,
                          std::span<double> by_coefficient) const {
    const auto found = features(at);
    for (std::size_t a = 0; a < nu_; ++a) {
        add_slopes(found, at.coefficients.subspan(a * width(), width()), adjoint[a], by_nu);
        for (std::size_t j = 0; j < found.size(); ++j) by_coefficient[a * found.size() + j] += adjoint[a] * found[j];
    }
}

}  // namespace nubridge::dynamics
