#pragma once

#include <cmath>
#include <vector>

#include "chemistry.hpp"

/// Networks with known laws, and many runs of an engine.
namespace nubridge::test {

using chemistry::EngineOptions;
using chemistry::Input;
using chemistry::Regime;
using chemistry::Waveform;

inline NetworkDefinition immigration_death(double in, double death, double n0) {
    return {.name = "immigration-death",
            .parameters = {{"in", in}},
            .species = {{"A", n0}},
            .reactions = {{"i", {}, {0}, 0, 1.0}, {"d", {0}, {}, {}, death}}};
}

/// The rate constant `parameter` follows a waveform.
inline EngineOptions driven(Waveform waveform, std::uint64_t seed) {
    EngineOptions options{.seed = seed};
    options.inputs.push_back({Input::Target::parameter, 0, std::move(waveform)});
    return options;
}

/// One at first, a hundred from 5 s on.
inline Waveform jump_at_5_s() {
    return {{0.0, 5.0}, {{1.0, 0.0, 0.0, 0.0}, {100.0, 0.0, 0.0, 0.0}}};
}

/// The amounts of one species at the end of each of many runs.
inline std::vector<double> ends(const NetworkDefinition& definition, Regime regime, const EngineOptions& options,
                                double t_s, std::size_t runs, std::size_t species = 0) {
    const auto network = made(definition);
    std::vector<double> initial, out(runs * definition.species.size()), values;
    for (const auto& one : definition.species) initial.push_back(one.initial);
    const std::vector<double> times{t_s};
    chemistry::run_ensemble(network, regime, options, runs, 1, initial, times, {}, out);
    for (std::size_t run = 0; run < runs; ++run) values.push_back(out[run * initial.size() + species]);
    return values;
}

/// Within four standard errors and these parts of the expected moments.
inline void expect_close(const Moments& found, double mean, double variance, double mean_bias, double variance_bias) {
    EXPECT_NEAR(found.mean, mean, 4 * found.mean_error + mean_bias * mean);
    EXPECT_NEAR(found.variance, variance, 4 * found.variance_error + variance_bias * variance);
}

/// The same of two samples.
inline void expect_same_moments(const std::vector<double>& one, const std::vector<double>& other, double mean_bias,
                                double variance_bias) {
    const Moments a(one), b(other);
    EXPECT_NEAR(a.mean, b.mean, 4 * std::hypot(a.mean_error, b.mean_error) + mean_bias * b.mean);
    EXPECT_NEAR(a.variance, b.variance,
                4 * std::hypot(a.variance_error, b.variance_error) + variance_bias * b.variance);
}

}  // namespace nubridge::test
