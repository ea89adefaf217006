#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace nubridge::chemistry {

/// A box of cubes, voxels or the sites of a lattice: x runs fastest.
struct Space {
    /// What a lattice does in time: exact events, or hops of every particle once a fixed step, as published codes do.
    enum class Rule : int { events = 0, hop_and_react = 1 };

    /// Cubes along x, y, z; 1 for an absent dimension.
    std::array<std::size_t, 3> shape = {1, 1, 1};
    /// The edge of a cube.
    double spacing_um = 1.0;
    /// Opposite faces are neighbours; else they reflect.
    bool periodic = false;
    /// One a species; 0 for one that stays.
    std::vector<double> diffusion_um2_s = {};
    /// One a species: 0 in the volume, 1 to 6 on the face x-, x+, y-, y+, z-, z+ of the box. Empty: all in the volume.
    std::vector<std::uint8_t> face = {};
    Rule rule = Rule::events;
};

}  // namespace nubridge::chemistry
