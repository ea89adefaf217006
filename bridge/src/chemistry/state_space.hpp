#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "chemistry/network.hpp"

namespace nubridge::chemistry {

/// Whole-number states of a network, found from each other by its reactions and numbered in the order of finding.
///
/// A state has one count for each species that is not clamped, the counted species.
class StateSpace {
public:
    using Count = std::int32_t;
    static constexpr std::uint32_t none = UINT32_MAX;

    /// Empty.
    /// @param stop may be null; when it is set, a long call throws Stopped.
    StateSpace(const ReactionNetwork& network, std::size_t max_states, const std::atomic<bool>* stop);

    std::size_t size() const noexcept { return size_; }
    /// The network's numbers of the counted species, ascending.
    std::span<const std::size_t> counted() const noexcept { return counted_; }
    /// One count for each counted species; valid until a state is added.
    std::span<const Count> counts(std::size_t state) const noexcept {
        return {counts_.data() + state * counted_.size(), counted_.size()};
    }
    /// The number of a state, or none.
    std::uint32_t find(std::span<const Count> counts) const noexcept;
    /// The number of a state, old or new. `counts` must not point into this space.
    /// @throws InvalidArgument for one state more than max_states, or when the states and the jumps between them take
    /// more than 512 bytes x max_states: names the memory and another regime.
    std::uint32_t add(std::span<const Count> counts);
    void clear() noexcept;

    std::size_t reaction_count() const noexcept { return firings_.size(); }
    /// The number of sets of counted molecules that can react, PROD_s n (n-1) ... (n-m+1) / m!; 0 too for a reaction
    /// that changes no counted species.
    double ways(std::size_t reaction, std::span<const Count> counts) const noexcept;
    /// The state after a firing that has ways.
    /// @throws InvalidArgument for a count above 2^31 - 1.
    void fire(std::size_t reaction, std::span<const Count> counts, std::span<Count> after) const;

    /// Adds what can be reached. @return false when that is more than `limit` states or a tenth of the memory allowed;
    /// some of them were added.
    bool close(std::size_t limit);
    /// Adds what can be reached from the `seeds` in at most `layers` firings, the nearest first, until `most` new
    /// states are found.
    void widen(std::span<const std::uint32_t> seeds, std::size_t layers, std::size_t most);

    /// Throws Stopped when `stop` is set.
    void heed_stop() const;

private:
    struct Firing {
        std::vector<ReactionNetwork::Term> terms;      // species are places among the counted
        std::vector<ReactionNetwork::Change> changes;  // likewise
    };

    std::size_t slot(std::span<const Count> counts) const noexcept;
    void grow_table();
    /// Adds the successors; appends those that are new.
    void expand(std::uint32_t state, std::size_t limit, std::vector<std::uint32_t>& found);
    double bytes() const noexcept;
    [[noreturn]] void refuse_size() const;

    const ReactionNetwork* network_;
    std::size_t max_states_;
    const std::atomic<bool>* stop_;
    std::vector<std::size_t> counted_;
    std::vector<Firing> firings_;
    std::vector<std::uint64_t> keys_;  // of the hash, one for each counted species
    std::vector<Count> counts_;
    std::vector<std::uint32_t> table_;  // open addressing; a power of two, at most half full
    std::size_t size_ = 0;
    std::size_t expanded_ = 0;  // states whose successors were all added
    std::size_t looked_at_ = 0, jumps_ = 0;
    std::vector<Count> before_, after_;
};

}  // namespace nubridge::chemistry
