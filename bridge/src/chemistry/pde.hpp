#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "chemistry/coupled_voxels.hpp"
#include "chemistry/diffusion.hpp"
#include "chemistry/field_engine.hpp"
#include "chemistry/voxel_reactions.hpp"

namespace nubridge::chemistry {

/// Reaction and diffusion in the mean: finite volumes on the voxels of grid-ssa, the mean field of its master equation.
///
/// Strang's splitting: half a step of diffusion, exact for the discrete Laplacian (HeatKernel); the reactions of every
/// voxel by an L-stable method with error control (VoxelReactions); half a step of diffusion. One, two and three such
/// steps over the same time are extrapolated (Aitken and Neville): the error is even in the step, which gives order 6,
/// and the distance from order 4 controls the step; where one part is so stiff that odd powers appear, order 3 and 2,
/// whichever allows the longer step. A small grid without driven inputs is advanced as one system instead
/// (CoupledVoxels), which resolves fast diffusion to a wall or a source without short steps. Mass is conserved to
/// rounding; amounts may be negative by less than the tolerance. `step_s` limits the step; no step passes a
/// jump or a kink of an input.
class PdeEngine final : public FieldEngine {
public:
    /// Weights of one, two and three steps; how the next step follows from the error.
    struct Extrapolation {
        std::array<double, 3> high, low;
        double exponent;
    };

    /// @throws InvalidArgument as Voxels, for a relative tolerance outside 1e-12 to 0.1, an absolute one that is not
    ///     positive, or a step that is negative.
    PdeEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options);

    /// @throws NotConverged when no step meets the tolerances.
    void advance(double t_s) override;
    void restart(std::span<const double> amounts, std::uint64_t run) override;

private:
    static constexpr std::size_t columns = 3;

    void changed() noexcept override;
    void forget_rates() noexcept override { reactions_.forget(); }
    void advance_coupled(double t_s);
    void diffuse(std::vector<double>& n, double h_s) noexcept;
    void react(std::vector<double>& n, double t_s, double h_s);
    /// `parts` Strang steps over h_s from n_.
    void split(std::vector<double>& n, std::size_t parts, double h_s);
    /// The distance of the two orders; 1 is the most.
    double error_of(const Extrapolation& way) noexcept;
    void accept(const Extrapolation& way) noexcept;
    void first_step() noexcept;
    void step_to(double end_s);

    double relative_, absolute_, longest_s_;
    HeatKernel heat_;
    VoxelReactions reactions_;
    std::array<std::vector<double>, columns> columns_;
    std::unique_ptr<CoupledVoxels> coupled_;  // or null
    bool is_fresh_ = false;                   // coupled_ holds the present molecules and constants
    double coupled_from_s_ = 0.0;
    std::uint64_t steps_before_ = 0;
    std::vector<double> here_;
    double suggested_s_ = 0.0;
};

}  // namespace nubridge::chemistry
