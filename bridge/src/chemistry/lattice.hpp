#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "chemistry/engine.hpp"
#include "chemistry/lattice_geometry.hpp"
#include "chemistry/partition.hpp"
#include "chemistry/random_stream.hpp"

namespace nubridge::chemistry {

/// Molecules on a lattice, at most one a site; 1 to 3 dimensions, reflecting or periodic.
///
/// **What a rate constant k means here.** Amounts are molecules; a network in uM is refused.
/// | reaction | rate |
/// |---|---|
/// | 0 -> A | k an empty site |
/// | A -> 0, A -> B | k a molecule |
/// | A -> B + C | k a molecule, split over the sides (1/2 each in 1-D); fires only where that side is an empty site |
/// | A + B -> ... | k a pair of nearest neighbours (a bond); A + A too |
/// | hop of A | D / spacing^2 a side, to an empty site; a reflecting edge is a side without a site |
///
/// **Where products go.** A product that is also a reactant keeps its site. The other ones take the free sites in the
/// order in which reactants and products are written; the one product of A + B -> C takes either site with the same
/// chance, and so do the two of A + A -> B + C. The second product of A -> B + C goes to the side, B stays (A -> B + A:
/// A stays). A fixed species is read and stays where it is.
///
/// **Rule `events`**: exact. Molecules, empty sites and reactive bonds lie in lists of equal rate, so that the cost of
/// an event does not grow with the lattice; a hop or a birth to the side that finds its place taken is rejected.
///
/// **Rule `hop_and_react`**: the discrete time of published codes. In each step of `step_s` order-0 and order-1
/// reactions fire as exact events; then all molecules, in random order, have one turn each: with the probability sides
/// D step / spacing^2 (at most 1; `step_s` 0 makes it 1 for the fastest species) a molecule tries a hop to a random
/// side. An empty site takes it. With a molecule there it reacts with the probability p, else both stay. Two neighbours
/// that always hop meet 2 / sides times a step, so that p = k step sides / 2 gives the rate k of the table above as
/// long as p is small; in general p = k step sides / (the sum of both hop probabilities). A p above 1 is refused. What
/// a reaction or a hop has placed has had its turn. `advance` to a time between two steps fires the events up to there.
///
/// Inputs may drive rates (exact, by thinning), not species.
class LatticeEngine final : public Engine {
public:
    /// Starts with the network's initial amounts; with an empty lattice when they are more than the sites, and
    /// `advance` refuses unless others have come.
    /// @throws InvalidArgument that names what does not fit: no space, a network in uM, a reaction of order 3 or with
    ///     too many products, a species on a face, a driven species, a negative diffusion constant, a probability
    ///     above 1.
    LatticeEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options);

    double time_s() const noexcept override { return time_s_; }
    void advance(double t_s) override;
    void amounts(std::span<double> amounts) const noexcept override;
    /// Removes random molecules of the species, or places new ones on random empty sites.
    void set_amount(std::size_t species, double amount) override;
    void set_rate_constant(std::size_t reaction, double k) override;
    /// Places all molecules on random sites.
    void restart(std::span<const double> amounts, std::uint64_t run) override;
    /// Reactions and hops.
    std::uint64_t events() const noexcept override { return events_; }

    std::size_t site_count() const noexcept { return geometry_.sites(); }
    /// One a site, x fastest: its species, or -1.
    void sites(std::span<std::int32_t> species) const noexcept;
    /// Acts at once.
    /// @throws InvalidArgument for another number of sites, and a number that is no species.
    void set_sites(std::span<const std::int32_t> species);
    std::uint64_t pairs(std::int32_t a, std::int32_t b) const override;

private:
    /// 0: empty; s + 1: species s.
    using Content = std::uint16_t;

    /// A reaction of order 0 to 2 as what it leaves on one site, or on two neighbours.
    struct Rule {
        std::size_t reaction;
        /// `second` goes to the site of the second reactant, or of order 1 to an empty side unless it is 0.
        Content first, second;
        bool either;  // which of the two sites is the first is chance
        double k;     // of one site or bond; when an input drives it, an upper bound in the present window
        double factor;
        std::optional<std::size_t> input;
    };
    enum class Kind { site, hop, bond };
    /// Candidates of one rate and what may happen to them.
    struct Channel {
        Kind kind;
        Content first, second;  // first <= second
        std::size_t list;       // of bonds
        double rate;            // of one candidate: the sum over the rules, or that of a hop to one side
        std::size_t rules_begin, rules_end;
    };
    /// A rule that fires, and what is left of the random number that chose it, in [0, 1).
    struct Choice {
        const Rule* rule;
        double share;
    };

    void require_network() const;
    void require_space(const Space& space) const;
    void require_probabilities() const;
    void require_species(std::int32_t species) const;
    void require_room(double molecules) const;
    std::size_t whole_count(std::size_t species, double amount) const;
    std::pair<Content, Content> reactants(std::size_t reaction) const;
    std::vector<std::size_t> products(std::size_t reaction) const;
    Rule rule_of(std::size_t reaction) const;
    void take_inputs();
    void build_channels(const Space& space);
    void build_step(const EngineOptions& options, const Space& space);

    void clear() noexcept;
    void place(std::size_t species, std::size_t count) noexcept;
    std::uint32_t any_of(Content content) noexcept;
    void put(std::uint32_t site, Content content) noexcept;
    void move(std::uint32_t from, std::uint32_t to) noexcept;
    void rebond(std::uint32_t site, Content before, Content after) noexcept;

    std::size_t candidates(const Channel& channel) const noexcept;
    void sum() noexcept;
    void sum_rates() noexcept;
    void open_window(double from_s);
    void draw(double now_s) noexcept;
    double remaining(double now_s) const noexcept;
    void reschedule(double now_s, double remaining) noexcept;
    template <class Change>
    void change(const Change& change);

    void run(double t_s);
    bool stops() const noexcept;
    void look(double now_s);
    void fire(double now_s, double rest);
    Choice chosen(const Channel& channel, double rest, double now_s) const noexcept;
    void hop(Content content, std::size_t place, std::size_t side) noexcept;
    void fire_at_site(const Choice& choice, std::uint32_t site) noexcept;
    void react(const Choice& choice, std::uint32_t first, std::uint32_t second) noexcept;
    void sweep(double now_s);
    void take_turn(std::uint32_t site, double uniform, double now_s) noexcept;
    double per_meeting_s(const Channel& channel) const noexcept;

    std::shared_ptr<const ReactionNetwork> network_;
    std::vector<Input> inputs_;
    std::vector<double> greatest_;  // value of each input, ever
    const std::atomic<bool>* stop_ = nullptr;
    std::uint64_t seed_ = 0;
    LatticeGeometry geometry_;

    std::vector<Rule> rules_;
    std::vector<Channel> channels_;
    std::size_t scheduled_ = 0;            // the channels that the clock knows: all, or those of single sites
    std::vector<std::int32_t> of_pair_;    // contents x contents: the bond channel, or -1
    std::vector<std::uint8_t> reactive_;   // contents whose bonds are kept in lists
    std::vector<double> hop_probability_;  // a content's in one step

    double homeless_ = 0.0;  // the network's initial molecules, when they are more than the sites, until others come
    std::vector<Content> contents_;
    Partition by_content_;
    Partition by_pair_;

    double time_s_ = 0.0, next_s_ = 0.0, pending_ = 0.0, uniform_ = 0.0, total_ = 0.0;
    double window_end_s_ = 0.0;
    std::vector<double> propensities_;
    std::uint64_t events_ = 0;
    RandomStream random_;

    double step_s_ = 0.0;  // 0: events only
    std::uint64_t steps_ = 0;
    std::vector<std::uint32_t> order_;
    std::vector<std::uint32_t> turn_of_;  // a site's molecule had its turn in this step
};

}  // namespace nubridge::chemistry
