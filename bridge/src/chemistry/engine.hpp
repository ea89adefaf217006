#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "chemistry/network.hpp"

namespace nubridge::chemistry {

/// What advances a network: a rung of the ladder of regimes. The numbers are those of the C interface.
enum class Regime : int { ssa = 0, ode = 1 };

/// What an engine needs beside the network.
struct EngineOptions {
    /// um3; needed by a stochastic engine of a network in uM, ignored by the others.
    double volume_um3 = 0.0;
    std::uint64_t seed = 0;
    std::uint64_t run = 0;
    /// Of the ode engine, relative to each amount.
    double relative_tolerance = 1e-8;
    /// Of the ode engine, in the network's unit.
    double absolute_tolerance = 1e-12;
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
    /// Acts at once, from time_s() on. A stochastic engine rounds to whole molecules.
    /// @throws InvalidArgument for an amount that is negative, not finite, or too large for whole numbers in a double.
    virtual void set_amount(std::size_t species, double amount) = 0;
    /// Acts at once, from time_s() on: the time waited so far counts with the old rate.
    /// @throws InvalidArgument for a rate constant that is negative or not finite.
    virtual void set_rate_constant(std::size_t reaction, double k) = 0;
    /// Back to time 0 with these amounts, the network's rate constants and the random numbers of `run`.
    virtual void restart(std::span<const double> amounts, std::uint64_t run) = 0;
    /// Reactions fired, or steps taken, since time 0.
    virtual std::uint64_t events() const noexcept = 0;
};

/// @throws InvalidArgument when the options do not fit: no volume for a stochastic engine of a network in uM.
std::unique_ptr<Engine> make_engine(std::shared_ptr<const ReactionNetwork> network, Regime regime,
                                    const EngineOptions& options);

/// Molecules in one unit of amount: 1, or those of 1 uM in the volume.
/// @throws InvalidArgument for a network in uM without a finite positive volume.
double molecules_per_unit(const ReactionNetwork& network, double volume_um3);

/// Runs first_run ... first_run + runs - 1 of the seed, each started anew, on `threads` threads; the same bytes for any
/// number of threads.
///
/// @param initial one amount a species.
/// @param times_s ascending, from 0 on.
/// @param weights columns x species: what is recorded; empty for the species themselves.
/// @param out runs x times x columns.
void run_ensemble(const std::shared_ptr<const ReactionNetwork>& network, Regime regime, const EngineOptions& options,
                  std::size_t runs, std::size_t threads, std::span<const double> initial,
                  std::span<const double> times_s, std::span<const double> weights, std::span<double> out);

}  // namespace nubridge::chemistry
