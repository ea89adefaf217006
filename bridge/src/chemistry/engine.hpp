#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "chemistry/input.hpp"
#include "chemistry/network.hpp"
#include "chemistry/space.hpp"

namespace nubridge::chemistry {

/// What advances a network: a rung of the ladder of regimes. The numbers are those of the C interface.
enum class Regime : int {
    ssa = 0,
    ode = 1,
    tau = 2,
    langevin = 3,
    cme = 4,
    lattice = 5,
    grid_ssa = 6,
    spde = 7,
    pde = 8
};

/// What an engine needs beside the network.
struct EngineOptions {
    /// um3; needed by a stochastic engine of a network in uM, ignored by the others. A spatial engine has the volume of
    /// its voxels.
    double volume_um3 = 0.0;
    std::uint64_t seed = 0;
    std::uint64_t run = 0;
    /// Of the ode and pde engines, relative to each amount.
    double relative_tolerance = 1e-8;
    /// Of the ode and pde engines, in the network's unit; of cme, the probability that it may lose.
    double absolute_tolerance = 1e-12;
    /// What moves from outside.
    std::vector<Input> inputs = {};
    /// Where; needed by lattice, grid-ssa, spde and pde, refused by the others.
    std::optional<Space> space = {};
    /// The longest step of tau, langevin, spde and hop-and-react; 0: the engine chooses.
    double step_s = 0.0;
    /// Of tau and langevin: how far a propensity may change in one leap, relative to itself.
    double epsilon = 0.03;
    /// Of cme.
    std::size_t max_states = 500'000;
    /// Another thread sets it to end a long advance, which then throws Stopped; engines look at it at least every 10 ms
    /// of work.
    const std::atomic<bool>* stop = nullptr;
    /// What run_ensemble records after the weighted sums: Engine::pairs of each.
    std::vector<std::array<std::int32_t, 2>> recorded_pairs = {};
};

/// One network on its way through time: advance, read, change, go on.
///
/// Starts at time 0 with the network's initial amounts. Amounts are in the network's unit, rate constants per
/// unit^(order-1) and second.
class Engine {
public:
    virtual ~Engine() = default;

    virtual double time_s() const noexcept = 0;
    /// To the time `t_s` >= time_s(). A stochastic run that is cut into windows is the uncut run to the byte.
    /// @throws InvalidArgument for a time that is not finite or in the past; NotConverged from the ode engine.
    virtual void advance(double t_s) = 0;
    /// @param amounts one entry a species.
    virtual void amounts(std::span<double> amounts) const noexcept = 0;
    /// Acts at once, from time_s() on. A stochastic engine rounds to whole molecules, but not of a clamped species.
    /// @throws InvalidArgument for an amount that is negative, not finite, or too large for whole numbers in a double.
    virtual void set_amount(std::size_t species, double amount) = 0;
    /// Acts at once, from time_s() on: the time waited so far counts with the old rate.
    /// @throws InvalidArgument for a rate constant that is negative or not finite.
    virtual void set_rate_constant(std::size_t reaction, double k) = 0;
    /// Back to time 0 with these amounts, the network's rate constants and the random numbers of `run`.
    virtual void restart(std::span<const double> amounts, std::uint64_t run) = 0;
    /// The variance of SUM weight_s amount_s in the distribution that the engine carries; 0 where it carries one state.
    virtual double variance(std::span<const double>) const noexcept { return 0.0; }
    /// Cubes of the space; 0 of an engine without one.
    virtual std::size_t cubes() const noexcept { return 0; }
    /// The amount of a species in each cube, x fastest: molecules, or uM in the cube. Their sum (molecules) or mean
    /// (uM) is its amount.
    /// @throws InvalidArgument from an engine without space.
    virtual void field(std::size_t species, std::span<double> out) const;
    /// Acts at once, from time_s() on. A stochastic engine rounds each to whole molecules.
    /// @throws InvalidArgument from an engine without space, for a species that is clamped, and for an amount that is
    ///     negative, not finite, or outside the face on which the species lives.
    virtual void set_field(std::size_t species, std::span<const double> amounts);
    /// Nearest neighbours of a lattice that hold the species `a` and `b`; -1 stands for an empty site.
    /// @throws InvalidArgument for a number that is no species, and from the other engines.
    virtual std::uint64_t pairs(std::int32_t a, std::int32_t b) const;
    /// Reactions fired, or steps taken, since time 0.
    virtual std::uint64_t events() const noexcept = 0;
};

/// @throws InvalidArgument when the options do not fit: no volume for a stochastic engine of a network in uM.
std::unique_ptr<Engine> make_engine(std::shared_ptr<const ReactionNetwork> network, Regime regime,
                                    const EngineOptions& options);

/// Molecules in one unit of amount: 1, or those of 1 uM in the volume.
/// @throws InvalidArgument for a network in uM without a finite positive volume.
double molecules_per_unit(const ReactionNetwork& network, double volume_um3);

/// How far one call of run_ensemble is, for another thread to read; and the way to end it.
class EnsembleProgress {
public:
    /// Runs that are whole, and their events.
    struct Whole {
        std::uint64_t runs = 0;
        std::uint64_t events = 0;
    };

    /// Set by the other thread; run_ensemble then throws Stopped.
    std::atomic<bool> stop{false};
    /// Recorded times, over all runs.
    std::atomic<std::uint64_t> points{0};

    /// The first so many runs are whole in `out`, though later ones may be too.
    Whole whole() const {
        const std::lock_guard lock(mutex_);
        return whole_;
    }
    void finish(Whole whole) {
        const std::lock_guard lock(mutex_);
        whole_ = whole;
    }

private:
    mutable std::mutex mutex_;
    Whole whole_;
};

/// Makes one run and returns its events.
using RunWorker = std::function<std::uint64_t(std::size_t run)>;

/// Shares runs 0 ... runs - 1 between threads; `make_worker` is called once on each of them.
/// @throws what a worker threw first, after the others have ended their present run.
void share_runs(std::size_t runs, std::size_t threads, EnsembleProgress& progress,
                const std::function<RunWorker()>& make_worker);

/// @throws InvalidArgument for times that are not finite or do not ascend from 0.
void require_times(std::span<const double> times_s);

/// Runs first_run ... first_run + runs - 1 of the seed, each started anew, on `threads` threads; the same bytes for any
/// number of threads.
///
/// @param initial one amount a species.
/// @param times_s ascending, from 0 on.
/// @param weights columns x species: what is recorded; null for the species themselves. The recorded pairs follow.
/// @param out runs x times x columns.
/// @param variances of the same shape, or empty.
/// @param progress new, or null.
/// @throws Stopped when progress->stop was set before the last run was whole.
void run_ensemble(const std::shared_ptr<const ReactionNetwork>& network, Regime regime, const EngineOptions& options,
                  std::size_t runs, std::size_t threads, std::span<const double> initial,
                  std::span<const double> times_s, std::span<const double> weights, std::span<double> out,
                  std::span<double> variances = {}, EnsembleProgress* progress = nullptr);

}  // namespace nubridge::chemistry
