#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "chemistry/ode.hpp"
#include "chemistry/voxels.hpp"

namespace nubridge::chemistry {

/// The voxels of a small grid as one well-mixed network, a species for each species of each voxel and a reaction for
/// each hop, so that the ode engine advances diffusion and reactions together: no splitting, at the price of one sparse
/// factorisation of all voxels a step.
class CoupledVoxels {
public:
    /// Is that price lower than that of splitting?
    static bool fits(const Voxels& voxels) noexcept;

    /// @param options tolerances, the absolute one in molecules of a voxel.
    CoupledVoxels(const Voxels& voxels, const EngineOptions& options);

    /// From these molecules, species x voxels, with these constants of VoxelRates; its time is 0.
    void restart(std::span<const double> n, std::span<const double> k);
    void advance(double t_s) { engine_->advance(t_s); }
    void read(std::span<double> n) const noexcept { engine_->amounts(n); }
    std::uint64_t steps() const noexcept { return engine_->events(); }

private:
    void add_hops(const Voxels& voxels, NetworkDefinition& definition) const;
    void add_reactions(const Voxels& voxels, NetworkDefinition& definition);

    std::vector<std::size_t> reaction_of_;  // of each copy, which stand before the hops
    std::vector<double> multiplicities_;    // by reaction: PROD m!, which k_voxel contains
    std::unique_ptr<OdeEngine> engine_;
};

}  // namespace nubridge::chemistry
