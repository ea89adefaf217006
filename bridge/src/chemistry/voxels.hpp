#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "chemistry/engine.hpp"
#include "chemistry/network.hpp"

namespace nubridge::chemistry {

/// A network on the voxels of a box: who lives where, hops and reacts how fast, in molecules.
///
/// **One rule for all constants: molecules that are spread evenly over their homes react as in the well-mixed network**
/// with the volume of the box. Write n_s for all molecules of s, h_s for the voxels it lives in (those of the box, or
/// those along its face), M for the voxels in which all species of a reaction meet. The propensity in one of them is
/// k_voxel PROD_s n_s^m / m! with k_voxel = k PROD_s h_s^m / M, where k is the constant in molecules of the box. In the
/// volume that is the constant of concentrations; A -> (A at the wall) gets N / h_wall, which is mesh-independent too.
///
/// A clamped or driven species is the same in all its homes, a real number, without noise; its x^m / m! is part of k.
class Voxels {
public:
    static constexpr std::size_t sides = 6;

    /// A reaction without its clamped reactants.
    struct Reaction {
        /// What its propensity reads, at most max_order.
        std::vector<ReactionNetwork::Term> terms;
        /// Bits of the sides of the box on which a voxel must lie.
        std::uint8_t face;
    };

    /// @throws InvalidArgument for no space, an empty or too large box, a spacing that is not positive, a diffusion
    ///     constant that is negative or not finite, none above 0, a face across which there are no voxels, a reaction
    ///     between species that share no voxel; the message names it.
    Voxels(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options);

    const ReactionNetwork& network() const noexcept { return *network_; }
    std::size_t count() const noexcept { return border_.size(); }
    std::size_t length(std::size_t axis) const noexcept { return length_[axis]; }
    std::size_t stride(std::size_t axis) const noexcept { return stride_[axis]; }
    /// Opposite ends are neighbours: in a periodic box, unless a species lives on a face across this axis.
    bool wraps(std::size_t axis) const noexcept { return wraps_[axis]; }
    /// The sides of the box (bit 0 to 5: x- x+ y- y+ z- z+) on which the voxel lies.
    std::uint8_t border(std::size_t voxel) const noexcept { return border_[voxel]; }
    /// Where a hop from `voxel` through its side leads; `voxel` itself when it reflects.
    std::size_t neighbour(std::size_t voxel, std::size_t side) const noexcept {
        return voxel + static_cast<std::size_t>(hop_[side][border_[voxel] >> side & 1u]);
    }

    /// D / h^2, through one side.
    double hop_per_s(std::size_t species) const noexcept { return hop_per_s_[species]; }
    /// Does the species move along this axis?
    bool moves(std::size_t species, std::size_t axis) const noexcept;
    bool lives(std::size_t species, std::size_t voxel) const noexcept {
        return (face_[species] & ~border_[voxel]) == 0;
    }
    std::size_t homes(std::size_t species) const noexcept { return homes_[species]; }
    std::vector<std::uint32_t> home_list(std::size_t species) const;
    bool clamped(std::size_t species) const noexcept { return network_->definition().species[species].fixed; }
    const Reaction& reaction(std::size_t reaction) const noexcept { return reactions_[reaction]; }
    bool meets(std::size_t reaction, std::size_t voxel) const noexcept {
        return (reactions_[reaction].face & ~border_[voxel]) == 0;
    }

    /// Of the box: 1, or those of 1 uM in its volume.
    double molecules_per_unit() const noexcept { return unit_; }
    /// In a field: 1, or those of 1 uM in a voxel.
    double molecules_per_field_unit() const noexcept;
    /// What a field has in each home when `amount` is spread evenly.
    double even_field(std::size_t species, double amount) const noexcept;

    /// Refuses what cannot be a species' field; see Engine::set_field.
    void require_field(std::size_t species, std::span<const double> amounts) const;

private:
    void require_space(const Space& space) const;
    void require_face(std::size_t species, std::uint8_t face) const;
    void shape(const Space& space);
    std::size_t count_on(std::uint8_t face) const noexcept;

    std::shared_ptr<const ReactionNetwork> network_;
    std::array<std::size_t, 3> length_{}, stride_{};
    std::array<bool, 3> wraps_{};
    std::array<std::array<std::ptrdiff_t, 2>, sides> hop_{};  // inside, at the end of the axis
    std::vector<std::uint8_t> border_;
    std::vector<double> hop_per_s_;
    std::vector<std::uint8_t> face_;
    std::vector<std::size_t> homes_;
    std::vector<Reaction> reactions_;
    double unit_ = 1.0;

    friend class VoxelRates;
    std::vector<double> scale_;  // k_voxel of k = 1 and clamped amounts of 1 unit
};

/// The constants k_voxel of every reaction, in molecules of a voxel and s, as inputs, clamped amounts and set_* move
/// them.
class VoxelRates {
public:
    VoxelRates(const Voxels& voxels, std::span<const Input> inputs);

    /// Back to the network's rate constants, and to these clamped amounts.
    void restart(std::span<const double> amounts);
    /// @throws InvalidArgument for a constant that is negative or not finite, or a rate that an input drives.
    void set_rate_constant(std::size_t reaction, double k);
    /// @throws InvalidArgument for an amount that is negative or not finite, or a species that an input drives.
    void set_clamped(std::size_t species, double amount);
    /// In the network's unit.
    double clamped_amount(std::size_t species, double t_s) const noexcept;

    bool driven() const noexcept { return !inputs_.empty(); }
    /// Does an input move this constant?
    bool driven(std::size_t reaction) const noexcept;
    double at(double t_s, std::size_t reaction) const noexcept;
    void at(double t_s, std::span<double> k) const noexcept;
    /// Per second, from the right.
    void slopes(double t_s, std::span<double> dkdt) const noexcept;
    /// What no constant exceeds in [from_s, to_s].
    void bounds(double from_s, double to_s, std::span<double> k) const noexcept;
    /// The first knot of an input after t_s; infinity when there is none.
    double next_knot(double t_s) const noexcept;
    /// Where a step from t_s ends at the latest (Waveform::next_stop).
    double next_stop(double t_s) const noexcept;
    /// From now on at() and slopes() give at end_s and later what holds just before end_s: for a step up to a jump.
    void until(double end_s) noexcept;

private:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    template <class Value>
    auto constant(std::size_t reaction, const Value& value) const noexcept;

    const Voxels& voxels_;
    std::vector<Input> inputs_;
    std::vector<std::size_t> species_input_, reaction_input_;  // the input, or none
    std::vector<double> k_, amounts_;
    double last_s_ = std::numeric_limits<double>::max();
};

}  // namespace nubridge::chemistry
