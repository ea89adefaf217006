#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <ratio>

namespace nubridge::units {

/// The clock of a simulation: int64 nanoseconds since its start. It has no present moment, so `now()` is deleted.
struct SimulationClock {
    using rep = std::int64_t;
    using period = std::nano;
    using duration = std::chrono::duration<rep, period>;
    using time_point = std::chrono::time_point<SimulationClock, duration>;
    static constexpr bool is_steady = false;
    static time_point now() = delete;
};

using SimulationTime = SimulationClock::time_point;
using SimulationDuration = SimulationClock::duration;

/// The nearest tick to `time_ms` (ms, finite, |time_ms| < 9.2e12). Convert once, at the border.
inline SimulationTime simulation_time_from_ms(double time_ms) {
    return SimulationTime(SimulationDuration(std::llround(time_ms * 1e6)));
}

/// The time in ms, exact to the double's precision.
inline double ms_from_simulation_time(SimulationTime time) {
    return static_cast<double>(time.time_since_epoch().count()) * 1e-6;
}

}  // namespace nubridge::units
