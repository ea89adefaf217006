#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "chemistry/field_engine.hpp"
#include "chemistry/random_stream.hpp"

namespace nubridge::chemistry {

/// Reaction and diffusion with Gaussian noise: the Langevin form of grid-ssa's master equation.
///
/// Over a step h the face between voxels v and w lets hop h (n_v - n_w) + sqrt(hop h (n_v + n_w)) xi molecules through,
/// and a reaction of propensity a goes h a + sqrt(h a) xi times, xi being standard normal numbers. The drift is the
/// mean of those at the start and at the end of an Euler step (Heun), so that the stationary variance has an error of
/// second order in h; the noise is that of the start (Ito). What leaves one voxel enters the next, so conserved totals
/// hold to rounding.
///
/// **Never negative**: where more would leave a voxel than there is, all that takes that species from there, fluxes and
/// reactions, is scaled down in proportion. This binds where a voxel holds a few molecules, and there the noise is not
/// Gaussian anyway: use it from some tens of molecules a voxel on, and grid-ssa below.
///
/// The step: step_s, or 0.2 / (the fastest rate of diffusion or reaction), at which the variance of the shortest wave
/// is off by 1 %. No step passes a knot of an input; within a step a moving rate counts with its mean.
class SpdeEngine final : public FieldEngine {
public:
    /// @throws InvalidArgument as Voxels, or for a step that is negative.
    SpdeEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options);

    void advance(double t_s) override;
    void restart(std::span<const double> amounts, std::uint64_t run) override;

private:
    /// A species along an axis; the flux through the upper face of each voxel.
    struct Lane {
        std::size_t species;
        std::size_t axis;
        std::vector<double> flux;
    };

    void changed() noexcept override {}
    double fastest() noexcept;
    double chosen_step(double rest_s) noexcept;
    void take_mean_rates(double h_s) noexcept;
    void step(double h_s);
    void begin_diffusion(double h_s);
    void begin_reactions(double h_s);
    void correct(double h_s) noexcept;
    void limit() noexcept;
    void apply() noexcept;
    double propensity(std::size_t reaction, const std::vector<double>& n, std::size_t voxel) const noexcept;
    double normal() noexcept;

    double step_s_;
    std::uint64_t seed_;
    std::vector<Lane> lanes_;
    std::vector<std::vector<double>> extents_;  // by reaction, of each voxel
    std::vector<double> trial_, share_;         // species x voxels: after an Euler step; what may leave
    std::vector<double> k_, k_now_;
    bool driven_ = false;
    RandomStream random_;
    double other_normal_ = 0.0;
    bool has_other_ = false;
};

}  // namespace nubridge::chemistry
