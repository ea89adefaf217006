#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "chemistry/diffusion.hpp"
#include "chemistry/field_engine.hpp"
#include "chemistry/voxel_reactions.hpp"

namespace nubridge::chemistry {

/// Reaction and diffusion in the mean: finite volumes on the voxels of grid-ssa, the mean field of its master equation.
///
/// Strang's splitting: half a step of diffusion, exact for the discrete Laplacian (HeatKernel); the reactions of every
/// voxel by an L-stable method with error control (VoxelReactions); half a step of diffusion. Its error is even in the
/// step, so one, two and three such steps over the same time are extrapolated to order 6 (Aitken and Neville), and the
/// distance from the order 4 of the last two controls the step. Mass is conserved to rounding; amounts may be negative
/// by less than the tolerance. `step_s` limits the step; no step passes a knot of an input.
class PdeEngine final : public FieldEngine {
public:
    /// @throws InvalidArgument as Voxels, for a relative tolerance outside 1e-12 to 0.1, an absolute one that is not
    ///     positive, or a step that is negative.
    PdeEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options);

    /// @throws NotConverged when no step meets the tolerances.
    void advance(double t_s) override;
    void restart(std::span<const double> amounts, std::uint64_t run) override;

private:
    static constexpr std::size_t columns = 3;

    void changed() noexcept override;
    void diffuse(std::vector<double>& n, double h_s) noexcept;
    void react(std::vector<double>& n, double t_s, double h_s);
    /// `parts` Strang steps over h_s from n_.
    void split(std::vector<double>& n, std::size_t parts, double h_s);
    /// Extrapolates into the last column; the error, of which 1 is the most.
    double extrapolate() noexcept;
    void first_step() noexcept;
    void step_to(double end_s);

    double relative_, absolute_, longest_s_;
    HeatKernel heat_;
    VoxelReactions reactions_;
    std::array<std::vector<double>, columns> columns_;
    std::vector<double> here_;
    double suggested_s_ = 0.0;
};

}  // namespace nubridge::chemistry
