#include "chemistry/state_space.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

std::uint64_t hash(std::span<const StateSpace::Count> counts) noexcept {
    std::uint64_t h = 0x9e3779b97f4a7c15u;
    for (const auto count : counts) {
        h = (h ^ static_cast<std::uint32_t>(count)) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    return h;
}

}  // namespace

StateSpace::StateSpace(const ReactionNetwork& network, std::size_t max_states, const std::atomic<bool>* stop)
    : network_(&network), max_states_(std::min<std::size_t>(max_states, none - 1)), stop_(stop) {
    std::vector<std::size_t> place(network.species_count());
    for (std::size_t s = 0; s < network.species_count(); ++s) {
        place[s] = counted_.size();
        if (!network.definition().species[s].fixed) counted_.push_back(s);
    }
    for (std::size_t r = 0; r < network.reaction_count(); ++r) {
        Firing firing;
        for (const auto& [species, multiplicity] : network.terms(r)) {
            if (!network.definition().species[species].fixed) firing.terms.push_back({place[species], multiplicity});
        }
        for (const auto& [species, delta] : network.changes(r)) firing.changes.push_back({place[species], delta});
        firings_.push_back(std::move(firing));
    }
    grow_table();
}

void StateSpace::heed_stop() const {
    if (stop_ != nullptr && stop_->load(std::memory_order_relaxed))
        refuse<Stopped>("the cme engine was stopped with ", size_, " states");
}

std::size_t StateSpace::slot(std::span<const Count> wanted) const noexcept {
    const std::size_t mask = table_.size() - 1;
    std::size_t at = hash(wanted) & mask;
    while (table_[at] != none && !std::ranges::equal(wanted, counts(table_[at]))) at = (at + 1) & mask;
    return at;
}

void StateSpace::grow_table() {
    table_.assign(std::bit_ceil(std::max<std::size_t>(64, 4 * size_)), none);
    for (std::size_t state = 0; state < size_; ++state) table_[slot(counts(state))] = static_cast<std::uint32_t>(state);
}

std::uint32_t StateSpace::find(std::span<const Count> wanted) const noexcept {
    return table_[slot(wanted)];
}

std::uint32_t StateSpace::add(std::span<const Count> wanted) {
    std::size_t at = slot(wanted);
    if (table_[at] != none) return table_[at];
    if (size_ == max_states_) refuse_size();
    if (2 * (size_ + 1) > table_.size()) {
        grow_table();
        at = slot(wanted);
    }
    counts_.insert(counts_.end(), wanted.begin(), wanted.end());
    table_[at] = static_cast<std::uint32_t>(size_);
    return static_cast<std::uint32_t>(size_++);
}

void StateSpace::clear() noexcept {
    counts_.clear();
    std::fill(table_.begin(), table_.end(), none);
    size_ = expanded_ = 0;
}

double StateSpace::ways(std::size_t reaction, std::span<const Count> counts) const noexcept {
    const Firing& firing = firings_[reaction];
    if (firing.changes.empty()) return 0.0;
    double product = 1.0;
    for (const auto& [place, multiplicity] : firing.terms) {
        const double n = counts[place];
        if (n < multiplicity) return 0.0;
        product *= multiplicity == 1 ? n : multiplicity == 2 ? n * (n - 1.0) / 2.0 : n * (n - 1.0) * (n - 2.0) / 6.0;
    }
    return product;
}

void StateSpace::fire(std::size_t reaction, std::span<const Count> counts, std::span<Count> after) const {
    std::copy(counts.begin(), counts.end(), after.begin());
    for (const auto& [place, delta] : firings_[reaction].changes) {
        const std::int64_t count = std::int64_t{counts[place]} + delta;
        if (count > std::numeric_limits<Count>::max()) {
            refuse<InvalidArgument>("the count of '", network_->definition().species[counted_[place]].name,
                                    "' passes 2^31 - 1; the cme engine cannot follow it: use ssa");
        }
        after[place] = static_cast<Count>(count);
    }
}

bool StateSpace::close(std::size_t limit) {
    std::vector<Count> before(counted_.size()), after(counted_.size());
    for (; expanded_ < size_; ++expanded_) {
        if (expanded_ % 1024 == 0) heed_stop();
        std::ranges::copy(counts(expanded_), before.begin());
        for (std::size_t r = 0; r < firings_.size(); ++r) {
            if (ways(r, before) == 0.0) continue;
            fire(r, before, after);
            if (size_ >= limit && find(after) == none) return false;
            add(after);
        }
    }
    return true;
}

void StateSpace::widen(std::span<const std::uint32_t> seeds, std::size_t layers, std::size_t most) {
    const std::size_t end = size_ + most;
    std::vector<Count> before(counted_.size()), after(counted_.size());
    std::vector<std::uint32_t> layer(seeds.begin(), seeds.end()), next;
    for (; layers > 0 && !layer.empty(); --layers) {
        heed_stop();
        next.clear();
        for (const std::uint32_t state : layer) {
            std::ranges::copy(counts(state), before.begin());
            for (std::size_t r = 0; r < firings_.size(); ++r) {
                if (ways(r, before) == 0.0) continue;
                fire(r, before, after);
                const std::size_t known = size_;
                const std::uint32_t found = add(after);
                if (size_ > known) next.push_back(found);
                if (size_ >= end) return;
            }
        }
        layer.swap(next);
    }
}

void StateSpace::refuse_size() const {
    const double bytes =
        4.0 * static_cast<double>(counted_.size()) + 24.0 * static_cast<double>(firings_.size()) + 64.0;
    refuse<InvalidArgument>("the network '", network_->definition().name, "' has more than ", max_states_,
                            " states that matter, and the master equation of so many takes up to ",
                            std::ceil(bytes * static_cast<double>(max_states_) / 1e6),
                            " MB; raise max_states, start from fewer molecules, or use ssa");
}

}  // namespace nubridge::chemistry
