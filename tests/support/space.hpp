#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "chemistry.hpp"
#include "chemistry/engine.hpp"

/// Engines in a box for the tests of chemistry.
namespace nubridge::test {

using chemistry::Engine;
using chemistry::EngineOptions;
using chemistry::Regime;
using chemistry::Space;

inline EngineOptions in_space(Space space, std::uint64_t seed = 20) {
    EngineOptions options;
    options.seed = seed;
    options.space = std::move(space);
    return options;
}

inline std::vector<double> field_of(const Engine& engine, std::size_t species = 0) {
    std::vector<double> field(engine.cubes());
    engine.field(species, field);
    return field;
}

/// One voxel holds all.
inline void put_in_one(Engine& engine, std::size_t voxel, double amount, std::size_t species = 0) {
    std::vector<double> field(engine.cubes(), 0.0);
    field[voxel] = amount;
    engine.set_field(species, field);
}

/// A <-> B + C, spread over a box.
inline NetworkDefinition abc(double a = 300, double b = 200, double c = 200, double together = 0.01) {
    return {.name = "abc",
            .species = {{"A", a}, {"B", b}, {"C", c}},
            .reactions = {{"apart", {0}, {1, 2}, {}, 1.0}, {"together", {1, 2}, {0}, {}, together}}};
}

/// A decays at this rate.
inline NetworkDefinition decay(double rate, double molecules) {
    return {.name = "decay", .species = {{"A", molecules}}, .reactions = {{"d", {0}, {}, {}, rate}}};
}

/// A piecewise constant input: these values from these times on.
inline chemistry::Input steps(chemistry::Input::Target target, std::size_t index, std::vector<double> knots_s,
                              const std::vector<double>& values) {
    std::vector<chemistry::Waveform::Piece> pieces;
    for (const double value : values) pieces.push_back({value});
    return {target, index, {std::move(knots_s), std::move(pieces)}};
}

}  // namespace nubridge::test
