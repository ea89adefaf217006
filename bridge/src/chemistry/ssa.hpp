#pragma once

#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "chemistry/engine.hpp"
#include "chemistry/input_window.hpp"
#include "chemistry/network.hpp"
#include "chemistry/random_stream.hpp"
#include "chemistry/ssa_lanes.hpp"

namespace nubridge::chemistry {

/// The exact stochastic simulation algorithm, by rejection from bounds that hold for many events.
///
/// Every species has an interval around its count; every reaction a bound on its propensity that holds while its
/// reactants stay inside. Candidates are a Poisson process with the sum of the bounds as its rate; a candidate of
/// reaction j fires with probability propensity / bound (Thanh, Priami and Zunino, J Chem Phys 141:134116, 2014;
/// thinning is exact for any valid bound). The candidate is found in a tree of prefix sums, eight to a node, and what
/// is left of the random number inside its leaf decides acceptance: two random numbers a candidate, no division, and
/// work on bounds only when a count leaves its interval. A sum is always that of its present parts: no drift. Cost an
/// event: log8 of the number of reactions.
///
/// A network of at most 16 reactions of at most two reactants stands in Lanes instead: measured faster there.
///
/// Between events the engine keeps the drawn waiting time. When a rate changes at time t, the part of the unit-rate
/// exponential that is left, (next - t) * old sum, is divided by the new sum: exact, and nothing is redrawn.
///
/// Inputs are honoured exactly, by the same thinning: their bounds hold for a window of time, a candidate meets their
/// value at its own time, and the unit-rate exponential that is left at a window's end goes on in the next. A parameter
/// that is driven takes a free place of a reactant. Clamped and driven species hold real numbers, others whole ones.
class SsaEngine final : public Engine {
public:
    /// @throws InvalidArgument for a network in uM without a volume, and for an input that drives the rate of a
    /// reaction of order 3, which has no free place.
    SsaEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options);

    double time_s() const noexcept override { return time_s_; }
    /// @throws Stopped when options.stop is set: time_s() is then that of the next candidate, and all can go on from
    /// it.
    void advance(double t_s) override;
    void amounts(std::span<double> amounts) const noexcept override;
    void set_amount(std::size_t species, double amount) override;
    void set_rate_constant(std::size_t reaction, double k) override;
    void restart(std::span<const double> amounts, std::uint64_t run) override;
    std::uint64_t events() const noexcept override { return events_; }

    /// Candidates looked at, fired or not.
    std::uint64_t candidates() const noexcept { return candidates_; }
    /// Whole numbers, exact; that of a clamped species is rounded.
    std::int64_t count(std::size_t species) const noexcept { return std::llround(counts_[species]); }
    void set_count(std::size_t species, std::int64_t count);

    static constexpr double max_count = 0x1p53;

private:
    static constexpr std::size_t width = 8;
    static constexpr std::size_t max_levels = 8;
    static constexpr std::size_t sides = 2;

    /// One cache line: propensity = k n0 (n1 - offset1) (n2 - offset2), absent reactants being the constant 1.
    struct alignas(64) Firing {
        double k;
        std::array<float, 2> offsets;
        std::array<std::uint32_t, 3> reactants;
        std::array<std::uint32_t, sides> consumed;
        std::array<std::uint32_t, sides> produced;
        std::array<float, sides> losses;
        std::array<float, sides> gains;
        std::uint32_t more;  // the entry of more_changes_, or 0
    };
    struct alignas(64) Node {
        std::array<double, width> before;
    };

    void build();
    void add_terms(std::size_t reaction, Firing& firing);
    void add_changes(std::size_t reaction, Firing& firing);
    void add_inputs();
    bool fits_lanes() const noexcept;
    void build_lanes();
    void build_tree();
    void build_paths();
    std::vector<std::size_t> readers(std::size_t item) const;
    double molecules(std::size_t species, double amount) const;
    void place(std::size_t species, double count);
    double scaled_rate(std::size_t reaction, double k) const;
    double initial_rate(std::size_t reaction) const;
    double propensity(const Firing& firing) const noexcept;
    double bound(const Firing& firing) const noexcept;
    void centre(std::size_t item) noexcept;
    void sum_node(std::size_t level, std::size_t node) noexcept;
    void sum_all() noexcept;
    void move_interval(std::size_t item) noexcept;
    void open_window() noexcept;
    void refresh(std::size_t slot, double t_s) noexcept;
    void hold_inputs() noexcept;
    void require_not_stopped();
    void fire_more(const Firing& firing) noexcept;
    void follow_gains(const Firing& firing) noexcept;
    void follow_losses(const Firing& firing) noexcept;
    void take_total() noexcept;
    double remaining() const noexcept;
    void reschedule(double remaining) noexcept;
    bool in_lanes() const noexcept { return lanes_ != nullptr; }
    bool is_fixed(std::size_t item) const noexcept {
        return item < network_->species_count() && network_->definition().species[item].fixed;
    }
    void load_lane(std::size_t reaction) noexcept;
    void run_lanes(double t_s);
    void count_fired(std::size_t reaction, std::uint64_t times) noexcept;
    struct Candidate {
        std::size_t slot;
        double rest;
    };
    template <std::size_t Levels>
    Candidate candidate(double uniform) const noexcept;
    template <std::size_t Levels, bool Driven>
    void run(double t_s) noexcept;
    void run_some(double t_s);
    void run_driven(double t_s);

    std::shared_ptr<const ReactionNetwork> network_;
    double unit_;  // molecules per unit of amount
    std::uint64_t seed_;
    const std::atomic<bool>* stop_;

    // By item: the species, then the driven parameters, then the constants of absent reactants and changes. Counts are
    // whole numbers in doubles, but of what is clamped or driven.
    std::size_t items_;
    std::vector<double> counts_, lower_, upper_;
    InputWindow window_;
    /// By input: its item and what turns its value into a count. By item: its input or `none`. By leaf: what it reads.
    struct Drive {
        std::size_t item;
        double scale;
    };
    std::vector<Drive> drives_;
    std::vector<std::size_t> input_of_;
    std::vector<std::vector<std::size_t>> inputs_read_;
    static constexpr std::size_t none = static_cast<std::size_t>(-1);
    std::vector<Firing> firings_;  // by leaf; one that never fires at the end
    std::vector<std::vector<ReactionNetwork::Change>> more_changes_;
    std::unique_ptr<Lanes> lanes_;

    std::size_t levels_ = 1;
    std::array<std::size_t, max_levels> last_{};       // the last node or leaf that a level's slots lead to
    std::array<std::vector<Node>, max_levels> nodes_;  // root first
    std::array<std::vector<double>, max_levels + 1>
        sums_;  // sums_[level]: of each node; sums_[levels_]: bounds of the leaves

    // By item: the leaves that read it, then the nodes above them, deepest level first.
    std::vector<std::size_t> leaf_begin_, leaf_list_;
    struct Place {
        std::uint32_t level;
        std::uint32_t node;
    };
    std::vector<std::size_t> path_begin_;
    std::vector<Place> path_list_;

    RandomStream random_;
    double time_s_ = 0.0;
    Schedule next_;
    std::uint64_t events_ = 0;
    std::uint64_t candidates_ = 0;
};

}  // namespace nubridge::chemistry
