#include "chemistry/state_space.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

/// Memory that a state may take on average.
constexpr double bytes_a_state = 512.0;

constexpr std::uint64_t mix(std::uint64_t h) noexcept {
    h = (h ^ (h >> 32)) * 0xff51afd7ed558ccdu;
    return h ^ (h >> 32);
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
    for (std::size_t i = 0; i < counted_.size(); ++i) keys_.push_back(mix(0x9e3779b97f4a7c15u * (i + 1)) | 1u);
    grow_table();
}

void StateSpace::heed_stop() const {
    if (stop_ != nullptr && stop_->load(std::memory_order_relaxed))
        refuse<Stopped>("the cme engine was stopped with ", size_, " states");
}

std::size_t StateSpace::slot(std::span<const Count> wanted) const noexcept {
    const std::size_t mask = table_.size() - 1;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) sum += static_cast<std::uint32_t>(wanted[i]) * keys_[i];
    std::size_t at = mix(sum) & mask;
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
    if (size_ == max_states_ || bytes() > bytes_a_state * static_cast<double>(max_states_)) refuse_size();
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
    looked_at_ = jumps_ = 0;
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
    const double most_bytes = 0.1 * bytes_a_state * static_cast<double>(max_states_);
    std::vector<std::uint32_t> found;
    for (; expanded_ < size_; ++expanded_) {
        found.clear();
        expand(static_cast<std::uint32_t>(expanded_), limit, found);
        if (size_ > limit || bytes() > most_bytes) return false;
    }
    return true;
}

void StateSpace::widen(std::span<const std::uint32_t> seeds, std::size_t layers, std::size_t most) {
    const std::size_t end = size_ + most;
    std::vector<std::uint32_t> layer(seeds.begin(), seeds.end()), next;
    for (; layers > 0 && !layer.empty(); --layers) {
        next.clear();
        for (const std::uint32_t state : layer) {
            expand(state, none, next);
            if (size_ >= end) return;
        }
        layer.swap(next);
    }
}

void StateSpace::expand(std::uint32_t state, std::size_t limit, std::vector<std::uint32_t>& found) {
    if (looked_at_++ % 1024 == 0) heed_stop();
    before_.assign(counts(state).begin(), counts(state).end());
    after_.resize(before_.size());
    for (std::size_t r = 0; r < firings_.size() && size_ <= limit; ++r) {
        if (ways(r, before_) == 0.0) continue;
        ++jumps_;
        fire(r, before_, after_);
        const std::size_t known = size_;
        const std::uint32_t reached = add(after_);
        if (size_ > known) found.push_back(reached);
    }
}

double StateSpace::bytes() const noexcept {
    const double jumps = static_cast<double>(jumps_) / static_cast<double>(std::max<std::size_t>(looked_at_, 1));
    return static_cast<double>(size_) * (4.0 * static_cast<double>(counted_.size()) + 64.0 + 24.0 * jumps);
}

void StateSpace::refuse_size() const {
    refuse<InvalidArgument>("the master equation of '", network_->definition().name, "' needs more than the ", size_,
                            " states found so far, which take ", std::ceil(bytes() / 1e6),
                            " MB; use ssa, start from fewer molecules, or raise max_states above ", max_states_);
}

}  // namespace nubridge::chemistry
