#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "chemistry/engine.hpp"
#include "chemistry/generator.hpp"
#include "chemistry/network.hpp"
#include "chemistry/state_space.hpp"

namespace nubridge::chemistry {

/// The chemical master equation: the probability of every state, by the sparse generator.
///
/// Where what can be reached is finite and not too large, every state is kept and the only errors are rounding and the
/// end of a series, 1e-16 a step. Else finite-state projection (Munsky and Khammash, J Chem Phys 124:044104, 2006): a
/// set of states with a sink around it. A step that would lose more than its share of the tolerance to the sink is
/// taken back, and the set grows where the loss was; states that have lost their probability are dropped. What is lost
/// is counted: no probability is below its true value by more than error_bound(), and none is above it.
///
/// Clamped species are real numbers, not part of the state, and may be below one molecule. Driven ones and driven rate
/// constants are honoured exactly: their cubic pieces are part of the series (see Generator).
///
/// **Writing to a distribution.** set_amount gives every state that count. add_amount shifts every state. advance
/// allocates when the set of states changes.
class CmeEngine final : public Engine {
public:
    /// `options.absolute_tolerance` is the probability that a call of advance may lose, `options.max_states` the most
    /// states that are kept.
    /// @throws InvalidArgument as make_engine, and for a driven species that a reaction takes twice and that falls
    /// below the molecules it takes.
    CmeEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options);

    double time_s() const noexcept override { return time_s_; }
    /// @throws also InvalidArgument for more than max_states states: the distribution is then that of time_s().
    void advance(double t_s) override;
    /// Means, of what is not lost.
    void amounts(std::span<double> amounts) const noexcept override;
    void set_amount(std::size_t species, double amount) override;
    void set_rate_constant(std::size_t reaction, double k) override;
    void restart(std::span<const double> amounts, std::uint64_t run) override;
    double variance(std::span<const double> weights) const noexcept override;
    /// Terms of the series.
    std::uint64_t events() const noexcept override { return generator_.terms(); }

    /// Adds to the count in every state.
    /// @throws InvalidArgument when a state that is possible would fall below 0.
    void add_amount(std::size_t species, double amount);
    /// The distribution of SUM weight_s amount_s: values ascending, each with its probability.
    /// @param weights one a species.
    std::vector<std::pair<double, double>> distribution(std::span<const double> weights) const;
    /// d/dt of that distribution's probabilities, beside the same values.
    std::vector<std::pair<double, double>> distribution_slope(std::span<const double> weights);
    /// From time_s() on; the lost probability is forgotten.
    /// @param amounts states x species; columns of clamped species are not read.
    /// @param probabilities one a state, summing to 1 within 1e-9; equal states are added up.
    /// @throws InvalidArgument for a probability that is negative or not finite, another sum, a bad amount.
    void set_distribution(std::span<const double> amounts, std::span<const double> probabilities);
    /// The probability lost since time 0 or set_distribution.
    double error_bound() const noexcept { return lost_; }
    std::size_t state_count() const noexcept { return space_.size(); }

private:
    using Count = StateSpace::Count;
    /// A factor that moves: the input's waveform x unit - offset.
    struct Factor {
        std::size_t input;
        double unit;
        double offset;
        bool operator==(const Factor&) const = default;
    };

    void find_groups();
    std::vector<Factor> factors_of(std::size_t reaction) const;
    bool is_driven(std::size_t species) const noexcept;
    bool has_driven_rate(std::size_t reaction) const noexcept;
    double coefficient(std::size_t reaction) const noexcept;
    double clamped_amount(std::size_t species) const noexcept;
    Count whole_count(std::size_t species, double amount) const;
    double require_amount(std::size_t species, double amount) const;
    /// The set of states from the states given, with what can be reached or what lies around.
    void settle(const std::vector<Count>& states, const std::vector<double>& probabilities);
    template <class Change>
    void change_states(Change&& change);
    void take_states(StateSpace space, std::vector<double> p) noexcept;
    void find_jumps();
    /// All that a step at time_s() needs to know.
    void take_rates();
    void take_phi() noexcept;
    bool is_moving() const noexcept;
    double next_knot_s() const noexcept;
    /// One step of at most to `until_s`; `end_s` is where the advance ends.
    void step(double until_s, double end_s);
    bool is_steady(double h_s) noexcept;
    void keep_mass(double leaked) noexcept;
    void grow();
    void drop_empty();
    std::vector<std::pair<double, double>> project(std::span<const double> weights, std::span<const double> p) const;

    std::shared_ptr<const ReactionNetwork> network_;
    EngineOptions options_;
    double unit_;  // molecules in one unit of amount
    StateSpace space_;
    Generator generator_;
    std::vector<std::vector<Factor>> factors_;  // of each group
    std::vector<std::uint32_t> group_;          // of each reaction
    std::vector<Polynomial> phi_;
    std::vector<double> k_, coefficients_;
    std::vector<double> clamped_;    // one a species, in the network's unit
    std::vector<double> p_, fresh_;  // one a state
    std::vector<Count> beginning_;   // the state that the set was closed from, else empty
    bool closed_ = false;
    bool stale_jumps_ = true;
    bool stale_rates_ = true;
    std::size_t retries_ = 0;
    double jumps_ = Generator::most_jumps;  // of the next step, at most
    double time_s_ = 0.0;
    double lost_ = 0.0;
};

}  // namespace nubridge::chemistry
