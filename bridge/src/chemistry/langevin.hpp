#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "chemistry/leap.hpp"
#include "chemistry/random_counts.hpp"

namespace nubridge::chemistry {

/// The chemical Langevin equation (Gillespie, J Chem Phys 113:297, 2000) in molecules, dx = SUM_r change_r [a_r(x) dt +
/// sqrt(a_r(x)) dW_r], by the weak trapezoidal rule with the leaps of LeapEngine or those of `step_s` if shorter.
///
/// Each reaction has a noise of its own, so that conserved totals hold to rounding. **At the boundary** a half leap
/// that would take a species below 0 is cut: all that lessens the species, reactions forward and noise backward alike,
/// is scaled so that it takes no more than there is, each reaction as a whole, which keeps the totals; clipped() counts
/// those half leaps. The equation itself errs where molecules are few, below about 10 say; there use ssa or tau.
/// Explicit: on a stiff network leaps are as short as its fastest reaction asks.
class LangevinEngine final : public LeapEngine {
public:
    LangevinEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options);

    /// A leap ends at t_s: the numbers of a run depend on the times where it is read.
    void advance(double t_s) override;
    /// Half leaps that a species would have ended below 0.
    std::uint64_t clipped() const noexcept { return clipped_; }

private:
    double molecules(std::size_t species, double amount) const override;
    void forget() noexcept override {}
    void seed(std::uint64_t run) override;
    /// Runs the reactions for extents_; clips them at the boundary.
    void react() noexcept;
    bool clip(std::size_t species) noexcept;
    void leap(double h_s) noexcept;

    NormalNumbers normals_;
    std::vector<double> first_, extents_, net_, propensity_;
    std::vector<std::vector<std::pair<std::size_t, int>>> changers_;  // by species: reaction and change
    std::uint64_t clipped_ = 0;
};

}  // namespace nubridge::chemistry
