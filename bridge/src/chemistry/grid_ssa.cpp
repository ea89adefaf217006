#include "chemistry/grid_ssa.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
/// Rows that fit the nearer caches need no fetching in advance.
constexpr std::size_t near_bytes = 1u << 19;
/// Candidates between two looks at the wish to stop.
constexpr int patience = 16384;

}  // namespace

GridSsaEngine::GridSsaEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options)
    : network_(network),
      voxels_(std::move(network), options),
      rates_(voxels_, options.inputs),
      seed_(options.seed),
      stop_(options.stop),
      row_bytes_((sizeof(Head) + (network_->species_count() + 1) * sizeof(std::int32_t) + 15) / 16 * 16),
      rows_(std::make_unique<std::byte[]>(voxels_.count() * row_bytes_)),
      groups_(voxels_.count()),
      fetches_(voxels_.count() * row_bytes_ > near_bytes) {
    build();
    std::vector<double> initial;
    for (const Species& one : network_->definition().species) initial.push_back(one.initial);
    restart(initial, options.run);
}

void GridSsaEngine::build() {
    const std::size_t species = network_->species_count();
    out_per_s_.assign(species, 0.0);
    for (std::size_t s = 0; s < species; ++s) {
        Mover mover{0.0, 0.0, static_cast<std::uint32_t>(s), 0, {}};
        for (std::size_t side = 0; side < Voxels::sides; ++side) {
            if (voxels_.moves(s, side / 2)) mover.sides[mover.side_count++] = static_cast<std::uint8_t>(side);
        }
        if (mover.side_count == 0) continue;
        mover.per_s = out_per_s_[s] = voxels_.hop_per_s(s) * mover.side_count;
        mover.inverse = 1.0 / mover.per_s;
        movers_.push_back(mover);
    }
    readers_.resize(species);
    const auto one = static_cast<std::uint32_t>(species);
    for (std::size_t r = 0; r < network_->reaction_count(); ++r) {
        const auto& reaction = voxels_.reaction(r);
        Rule rule{0.0, {one, one, one}, {}, static_cast<std::uint32_t>(r), reaction.face, rates_.driven(r)};
        std::size_t place = 0;
        for (const auto& term : reaction.terms) {
            readers_[term.species].push_back(rule.reaction);
            for (int m = 0; m < term.multiplicity; ++m, ++place) {
                rule.reactants[place] = static_cast<std::uint32_t>(term.species);
                if (place > 0) rule.offsets[place - 1] = m;
            }
        }
        rules_.push_back(rule);
    }
    constants_.resize(rules_.size());
    totals_.resize(species);
}

inline double GridSsaEngine::propensity(const Rule& rule, const std::int32_t* n) noexcept {
    return rule.k * n[rule.reactants[0]] * (n[rule.reactants[1]] - rule.offsets[0]) *
           (n[rule.reactants[2]] - rule.offsets[1]);
}

double GridSsaEngine::weight(std::size_t voxel) noexcept {
    const std::int32_t* n = counts(voxel);
    const std::uint8_t border = voxels_.border(voxel);
    double sum = 0.0;
    for (const Mover& mover : movers_) sum += mover.per_s * n[mover.species];
    for (const Rule& rule : rules_) {
        if ((rule.face & ~border) == 0) sum += propensity(rule, n);
    }
    return sum;
}

/// All weights and groups anew.
void GridSsaEngine::weigh_all() noexcept {
    double greatest = 0.0;
    for (std::size_t v = 0; v < voxels_.count(); ++v) {
        head(v) = {weight(v), {0, VoxelGroups::none}};
        greatest = std::max(greatest, head(v).weight);
    }
    groups_.clear(greatest);
    for (std::size_t v = 0; v < voxels_.count(); ++v) {
        if (head(v).weight > 0.0)
            head(v).place = groups_.enter(static_cast<std::uint32_t>(v), groups_.group_of(head(v).weight));
    }
    groups_.add_up();
}

/// The voxel's exact weight, and the group that fits it.
void GridSsaEngine::regroup(std::size_t voxel) noexcept {
    Head& one = head(voxel);
    one.weight = weight(voxel);
    const int group = groups_.group_of(one.weight);
    if (group == one.place.group && (group != 0 || !groups_.is_low())) return;
    if (group >= static_cast<int>(VoxelGroups::count) || (group == 0 && groups_.is_low())) return weigh_all();
    if (one.place.group != VoxelGroups::none) head(groups_.leave(one.place)).place = one.place;
    one.place.group = VoxelGroups::none;
    if (group != VoxelGroups::none) one.place = groups_.enter(static_cast<std::uint32_t>(voxel), group);
    groups_.add_up();
}

/// After its weight changed.
inline void GridSsaEngine::settle(std::size_t voxel) noexcept {
    const Head& one = head(voxel);
    const double limit = one.place.group == VoxelGroups::none ? 0.0 : groups_.limit(one.place.group);
    if (one.weight > limit || (one.weight < 0.5 * limit && one.place.group > 0)) regroup(voxel);
}

inline void GridSsaEngine::shift(std::size_t voxel, std::uint32_t species, std::int32_t delta) noexcept {
    const std::uint8_t border = voxels_.border(voxel);
    std::int32_t* n = counts(voxel);
    double change = delta * out_per_s_[species];
    const auto& readers = readers_[species];
    for (const std::uint32_t r : readers) {
        if ((rules_[r].face & ~border) == 0) change -= propensity(rules_[r], n);
    }
    n[species] += delta;
    for (const std::uint32_t r : readers) {
        if ((rules_[r].face & ~border) == 0) change += propensity(rules_[r], n);
    }
    head(voxel).weight += change;
}

void GridSsaEngine::hop(std::size_t voxel, const Mover& mover, double point) noexcept {
    const double molecule = point * mover.inverse;
    const double part = (molecule - static_cast<double>(static_cast<std::int64_t>(molecule))) * mover.side_count;
    const std::size_t side = mover.sides[std::min(static_cast<std::uint32_t>(part), mover.side_count - 1)];
    const std::size_t other = voxels_.neighbour(voxel, side);
    if (other == voxel) return;  // reflected: nothing happens
    ++events_;
    shift(voxel, mover.species, -1);
    shift(other, mover.species, 1);
    settle(voxel);
    settle(other);
}

void GridSsaEngine::fire(std::size_t voxel, std::size_t reaction) {
    for (const auto& [s, delta] : network_->changes(reaction)) {
        if (totals_[s] + delta > max_count)
            refuse<NotConverged>("there are more than 2^31 - 1 molecules of '", network_->definition().species[s].name,
                                 "' at ", next_s_, " s; use the regime pde");
    }
    ++events_;
    for (const auto& [s, delta] : network_->changes(reaction)) {
        totals_[s] += delta;
        shift(voxel, static_cast<std::uint32_t>(s), delta);
    }
    settle(voxel);
}

/// A random voxel with its share of the sum, and what happens there.
void GridSsaEngine::candidate(double t_s) {
    const auto choice = groups_.choose(uniform_);
    const std::size_t voxel = *choice.voxel;
    double point = choice.point;
    const std::int32_t* n = counts(voxel);
    for (const Mover& mover : movers_) {
        const double share = mover.per_s * n[mover.species];
        if (point < share) return hop(voxel, mover, point);
        point -= share;
    }
    const std::uint8_t border = voxels_.border(voxel);
    for (const Rule& rule : rules_) {
        if ((rule.face & ~border) != 0) continue;
        const double share = propensity(rule, n);
        if (point < share) {
            if (rule.driven && point * rule.k >= share * rates_.at(t_s, rule.reaction)) return;
            return fire(voxel, rule.reaction);
        }
        point -= share;
    }
    regroup(voxel);
}

/// The next candidate. The one after half a turn has its voxel's number fetched by now, so its row is fetched next.
inline void GridSsaEngine::draw() noexcept {
    const RandomStream::Pair pair = pairs_[turn_];
    pairs_[turn_] = random_.next();
    if (fetches_ && groups_.total() > 0.0) {
        __builtin_prefetch(groups_.choose(pairs_[turn_].uniform).voxel);
        const std::uint32_t voxel = *groups_.choose(pairs_[(turn_ + ahead / 2) % ahead].uniform).voxel;
        __builtin_prefetch(&head(voxel));
    }
    turn_ = (turn_ + 1) % ahead;
    uniform_ = pair.uniform;
    pending_ = pair.exponential;
}

void GridSsaEngine::run(double t_s) {
    while (next_s_ <= t_s) {
        if (stop_ != nullptr && stop_->load(std::memory_order_relaxed)) {
            time_s_ = next_s_;
            throw Stopped("the run was stopped at " + std::to_string(next_s_) + " s");
        }
        for (int i = 0; i < patience && next_s_ <= t_s; ++i) {
            ++candidates_;
            candidate(next_s_);
            draw();
            next_s_ = groups_.total() > 0.0 ? next_s_ + pending_ * groups_.inverse_total() : infinity;
        }
    }
}

void GridSsaEngine::advance(double t_s) {
    if (!(t_s >= time_s_ && t_s < infinity)) {
        refuse<InvalidArgument>("cannot advance from ", time_s_, " s to ", t_s,
                                " s; pass a finite time that is not in the past");
    }
    while (window_end_s_ <= t_s) {
        run(window_end_s_);
        time_s_ = window_end_s_;
        const double rest = remaining();
        open_window();
        reschedule(rest);
    }
    run(t_s);
    time_s_ = t_s;
}

/// Constants that hold from now on, as long as about one candidate a voxel takes.
void GridSsaEngine::open_window() {
    const double knot_s = rates_.next_knot(time_s_);
    rates_.at(time_s_, constants_);
    window_end_s_ = infinity;
    if (knot_s < infinity) {
        const double length_s = static_cast<double>(std::max<std::size_t>(voxels_.count(), 256)) / groups_.total();
        window_end_s_ = time_s_ + length_s > time_s_ && length_s < infinity ? time_s_ + length_s : knot_s;
        rates_.bounds(time_s_, window_end_s_, constants_);
    }
    for (Rule& rule : rules_) rule.k = constants_[rule.reaction];
    weigh_all();
}

double GridSsaEngine::remaining() const noexcept {
    return groups_.total() > 0.0 ? (next_s_ - time_s_) * groups_.total() : pending_;
}

void GridSsaEngine::reschedule(double remaining) noexcept {
    pending_ = remaining;
    next_s_ = groups_.total() > 0.0 ? time_s_ + remaining / groups_.total() : infinity;
}

/// `make` changes molecules or constants at time_s(); the waiting time that is left goes on.
template <class Change>
void GridSsaEngine::change(const Change& make) {
    const double rest = remaining();
    make();
    open_window();
    reschedule(rest);
}

void GridSsaEngine::amounts(std::span<double> amounts) const noexcept {
    for (std::size_t s = 0; s < totals_.size(); ++s) {
        amounts[s] = voxels_.clamped(s) ? rates_.clamped_amount(s, time_s_)
                                        : static_cast<double>(totals_[s]) / voxels_.molecules_per_unit();
    }
}

void GridSsaEngine::field(std::size_t species, std::span<double> out) const {
    const double unit = voxels_.molecules_per_field_unit();
    const double clamped =
        voxels_.clamped(species) ? voxels_.even_field(species, rates_.clamped_amount(species, time_s_)) : 0.0;
    for (std::size_t v = 0; v < voxels_.count(); ++v) {
        const double amount = voxels_.clamped(species) ? clamped : counts(v)[species] / unit;
        out[v] = voxels_.lives(species, v) ? amount : 0.0;
    }
}

std::int64_t GridSsaEngine::whole_count(std::size_t species, double amount) const {
    const double count = std::round(amount * voxels_.molecules_per_unit());
    if (!(count >= 0.0 && count <= static_cast<double>(max_count))) {
        refuse<InvalidArgument>("the amount of '", network_->definition().species[species].name, "' is ", amount, " ",
                                name_of(network_->definition().unit), ", ", count,
                                " molecules; it must be finite, not negative and at most 2^31 - 1 molecules");
    }
    return static_cast<std::int64_t>(count);
}

void GridSsaEngine::place(std::size_t species, std::int64_t molecules) {
    const auto homes = voxels_.home_list(species);
    totals_[species] += molecules;
    for (; molecules > 0; --molecules) {
        const double place = random_.next().uniform * static_cast<double>(homes.size());
        ++counts(homes[static_cast<std::size_t>(place)])[species];
    }
}

void GridSsaEngine::remove(std::size_t species, std::int64_t molecules) {
    auto left = totals_[species];
    totals_[species] -= molecules;
    for (std::size_t v = 0; v < voxels_.count() && molecules > 0; ++v) {
        for (std::int32_t n = counts(v)[species]; n > 0; --n, --left) {
            if (random_.next().uniform * static_cast<double>(left) >= static_cast<double>(molecules)) continue;
            --counts(v)[species];
            --molecules;
        }
    }
}

void GridSsaEngine::set_amount(std::size_t species, double amount) {
    if (voxels_.clamped(species)) return change([&] { rates_.set_clamped(species, amount); });
    const std::int64_t more = whole_count(species, amount) - totals_[species];
    change([&] { more > 0 ? place(species, more) : remove(species, -more); });
}

void GridSsaEngine::set_field(std::size_t species, std::span<const double> amounts) {
    voxels_.require_field(species, amounts);
    const double unit = voxels_.molecules_per_field_unit();
    double total = 0.0;
    for (const double amount : amounts) total += std::round(amount * unit);
    if (total > static_cast<double>(max_count))
        refuse<InvalidArgument>("the field of '", network_->definition().species[species].name, "' has ", total,
                                " molecules; at most 2^31 - 1 are possible");
    change([&] {
        for (std::size_t v = 0; v < amounts.size(); ++v)
            counts(v)[species] = static_cast<std::int32_t>(std::round(amounts[v] * unit));
        totals_[species] = static_cast<std::int64_t>(total);
    });
}

void GridSsaEngine::set_rate_constant(std::size_t reaction, double k) {
    change([&] { rates_.set_rate_constant(reaction, k); });
}

void GridSsaEngine::restart(std::span<const double> amounts, std::uint64_t run) {
    time_s_ = next_s_ = pending_ = 0.0;
    events_ = candidates_ = 0;
    random_ = RandomStream(seed_, run);
    rates_.restart(amounts);
    const std::size_t species = network_->species_count();
    for (std::size_t v = 0; v < voxels_.count(); ++v) {
        std::fill_n(counts(v), species, 0);
        counts(v)[species] = 1;
    }
    std::fill(totals_.begin(), totals_.end(), 0);
    for (std::size_t s = 0; s < species; ++s) {
        if (!voxels_.clamped(s)) place(s, whole_count(s, amounts[s]));
    }
    for (auto& pair : pairs_) pair = random_.next();
    turn_ = 0;
    open_window();
    draw();
    reschedule(pending_);
}

}  // namespace nubridge::chemistry
