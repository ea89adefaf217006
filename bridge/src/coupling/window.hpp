#pragma once

#include <cstdint>

namespace nubridge::coupling {

/// The clock of a coupling: windows of whole nanoseconds, each a whole number of NEURON's steps.
class CouplingWindow {
public:
    /// @throws InvalidArgument naming both when window_ns is no multiple of the step, or the step is no whole number of
    /// ns
    CouplingWindow(std::int64_t window_ns, double step_ms);

    std::int64_t window_ns() const { return window_ns_; }
    std::int64_t step_ns() const { return step_ns_; }
    /// The end of window number `window`, the first being 0.
    std::int64_t end_ns(std::int64_t window) const { return (window + 1) * window_ns_; }

private:
    std::int64_t window_ns_;
    std::int64_t step_ns_;
};

}  // namespace nubridge::coupling
