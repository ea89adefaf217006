#include "coupling/window.hpp"

#include <cmath>
#include <string>

#include "units/error.hpp"

namespace nubridge::coupling {
namespace {

/// Of a step in ns from a whole number: dt is set in ms, in decimal.
constexpr double rounding_ns = 1e-6;

std::int64_t whole_ns(double step_ms) {
    const double step_ns = step_ms * 1e6;
    const double nearest = std::round(step_ns);
    if (!(nearest >= 1) || std::abs(step_ns - nearest) > rounding_ns)
        throw InvalidArgument("NEURON's step of " + std::to_string(step_ms) +
                              " ms is no whole number of ns; choose dt such that it is");
    return static_cast<std::int64_t>(nearest);
}

}  // namespace

CouplingWindow::CouplingWindow(std::int64_t window_ns, double step_ms)
    : window_ns_(window_ns), step_ns_(whole_ns(step_ms)) {
    if (window_ns <= 0 || window_ns % step_ns_ != 0)
        throw InvalidArgument("a coupling window of " + std::to_string(window_ns) +
                              " ns is no multiple of NEURON's step of " + std::to_string(step_ns_) +
                              " ns; change the window or dt");
}

}  // namespace nubridge::coupling
