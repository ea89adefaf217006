#include "chemistry/ssa.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Candidates between two looks at options.stop.
constexpr std::uint64_t between_looks = 1 << 16;

/// A window with so few of them is not shortened: moving the bounds would cost more than candidates in vain.
constexpr double candidates_a_window = 16.0;

/// How far above its count n a species' interval ends. Farther: more rejections, in proportion to width / n; nearer: a
/// random walk leaves it after about width^2 events. Their sum is least for a width like n^(1/3).
double interval_width(double n) noexcept {
    return std::floor(0.7 + std::cbrt(n));
}

constexpr std::size_t table_size = 4096;
const std::array<float, table_size>& width_table() {
    static const auto table = [] {
        std::array<float, table_size> widths{};
        for (std::size_t n = 0; n < table_size; ++n)
            widths[n] = static_cast<float>(interval_width(static_cast<double>(n)));
        return widths;
    }();
    return table;
}

}  // namespace

SsaEngine::SsaEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options)
    : network_(std::move(network)),
      unit_(molecules_per_unit(*network_, options.volume_um3)),
      seed_(options.seed),
      stop_(options.stop),
      items_(network_->species_count()),
      window_(options.inputs) {
    build();
    std::vector<double> initial;
    for (const Species& one : network_->definition().species) initial.push_back(one.initial);
    restart(initial, options.run);
}

double SsaEngine::scaled_rate(std::size_t reaction, double k) const {
    double scaled = k * std::pow(unit_, 1.0 - static_cast<double>(network_->order(reaction)));
    for (const auto& term : network_->terms(reaction)) scaled /= factorial(term.multiplicity);
    return scaled;
}

// The constants stand after the items: 1 for absent reactants, then one for each absent change, apart so that their
// stores do not wait for each other.
void SsaEngine::build() {
    for (const Input& input : window_.inputs()) {
        const bool species = input.target == Input::Target::species;
        drives_.push_back({species ? input.index : items_++, species ? unit_ : 1.0});
    }
    const auto one = static_cast<std::uint32_t>(items_);
    counts_.assign(one + 1 + 2 * sides, 1.0);
    lower_.assign(counts_.size(), -infinity);
    upper_.assign(counts_.size(), infinity);
    more_changes_.resize(1);
    for (std::size_t r = 0; r <= network_->reaction_count(); ++r) {
        Firing firing{0.0, {}, {one, one, one}, {one + 1, one + 2}, {one + 3, one + 4}, {}, {}, 0};
        if (r < network_->reaction_count()) {
            add_terms(r, firing);
            add_changes(r, firing);
        }
        firings_.push_back(firing);
    }
    add_inputs();
    if (fits_lanes()) {
        build_lanes();
    } else {
        build_tree();
    }
    build_paths();
}

/// The reactions whose propensity reads an item.
std::vector<std::size_t> SsaEngine::readers(std::size_t item) const {
    if (item < network_->species_count()) {
        const auto found = network_->readers(item);
        return {found.begin(), found.end()};
    }
    std::vector<std::size_t> found;
    const auto& reactions = network_->definition().reactions;
    for (std::size_t r = 0; r < reactions.size(); ++r) {
        const std::size_t input = input_of_[item];
        if (reactions[r].parameter == window_.inputs()[input].index) found.push_back(r);
    }
    return found;
}

void SsaEngine::add_inputs() {
    input_of_.assign(items_, none);
    inputs_read_.resize(firings_.size());
    for (std::size_t i = 0; i < drives_.size(); ++i) {
        const std::size_t item = drives_[i].item;
        input_of_[item] = i;
        for (const std::size_t r : readers(item)) {
            inputs_read_[r].push_back(i);
            if (item < network_->species_count()) continue;
            const std::size_t order = network_->order(r);
            if (order == ReactionNetwork::max_order) {
                refuse<InvalidArgument>("an input drives '",
                                        network_->definition().parameters[window_.inputs()[i].index].name,
                                        "', the rate of '", network_->definition().reactions[r].name,
                                        "', which has 3 reactants; the ssa engine drives the rate of at most 2: split "
                                        "the reaction into two steps");
            }
            firings_[r].reactants[order] = static_cast<std::uint32_t>(item);
        }
    }
}

bool SsaEngine::fits_lanes() const noexcept {
    if (network_->reaction_count() > Lanes::max_reactions) return false;
    for (std::size_t r = 0; r < network_->reaction_count(); ++r)
        if (network_->order(r) == ReactionNetwork::max_order) return false;
    return true;
}

void SsaEngine::build_lanes() {
    levels_ = 0;
    lanes_ = std::make_unique<Lanes>(network_->reaction_count());
    for (std::size_t fired = 0; fired < network_->reaction_count(); ++fired) {
        for (std::size_t r = 0; r < network_->reaction_count(); ++r) {
            std::array<double, 2> deltas{};
            for (const auto& [s, delta] : network_->changes(fired)) {
                for (std::size_t i = 0; i < deltas.size(); ++i)
                    if (firings_[r].reactants[i] == s) deltas[i] = delta;
            }
            lanes_->set_change(fired, r, deltas[0], deltas[1]);
        }
    }
}

void SsaEngine::add_terms(std::size_t reaction, Firing& firing) {
    std::size_t place = 0;
    for (const auto& term : network_->terms(reaction)) {
        for (int m = 0; m < term.multiplicity; ++m, ++place) {
            firing.reactants[place] = static_cast<std::uint32_t>(term.species);
            if (place > 0) firing.offsets[place - 1] = static_cast<float>(m);
        }
    }
}

void SsaEngine::add_changes(std::size_t reaction, Firing& firing) {
    const auto changes = network_->changes(reaction);
    std::size_t consumed = 0, produced = 0;
    bool fits = true;
    for (const auto& [s, delta] : changes) {
        std::size_t& used = delta < 0 ? consumed : produced;
        fits = fits && used < sides && std::abs(delta) < (1 << 24);
        if (!fits) break;
        (delta < 0 ? firing.consumed : firing.produced)[used] = static_cast<std::uint32_t>(s);
        (delta < 0 ? firing.losses : firing.gains)[used] = static_cast<float>(delta);
        ++used;
    }
    if (fits) return;
    firing.losses = firing.gains = {};
    firing.more = static_cast<std::uint32_t>(more_changes_.size());
    more_changes_.emplace_back(changes.begin(), changes.end());
}

void SsaEngine::build_tree() {
    std::size_t slots = width;
    while (slots < network_->reaction_count()) {
        slots *= width;
        ++levels_;
    }
    std::size_t items = network_->reaction_count();  // what the deepest level leads to
    sums_[levels_].assign((std::max<std::size_t>(items, 1) + width - 1) / width * width, 0.0);
    last_[levels_ - 1] = items;
    for (std::size_t level = levels_; level-- > 0;) {
        const std::size_t count = std::max<std::size_t>((items + width - 1) / width, 1);
        nodes_[level].resize(count);
        sums_[level].assign((count + width - 1) / width * width, 0.0);
        if (level > 0) last_[level - 1] = count - 1;
        items = count;
    }
}

void SsaEngine::build_paths() {
    leaf_begin_.assign(1, 0);
    path_begin_.assign(1, 0);
    for (std::size_t item = 0; item < items_; ++item) {
        std::set<std::size_t> above;
        for (const std::size_t r : readers(item)) {
            leaf_list_.push_back(r);
            above.insert(r / width);
        }
        leaf_begin_.push_back(leaf_list_.size());
        for (std::size_t level = levels_; level-- > 0;) {
            std::set<std::size_t> next;
            for (const std::size_t node : above) {
                path_list_.push_back({static_cast<std::uint32_t>(level), static_cast<std::uint32_t>(node)});
                next.insert(node / width);
            }
            above = std::move(next);
        }
        path_begin_.push_back(path_list_.size());
    }
}

inline double SsaEngine::propensity(const Firing& firing) const noexcept {
    const double* n = counts_.data();
    return firing.k * n[firing.reactants[0]] * (n[firing.reactants[1]] - static_cast<double>(firing.offsets[0])) *
           (n[firing.reactants[2]] - static_cast<double>(firing.offsets[1]));
}

double SsaEngine::bound(const Firing& firing) const noexcept {
    double product = firing.k;
    for (std::size_t i = 0; i < 3; ++i) {
        const std::uint32_t s = firing.reactants[i];
        if (s < items_) product *= upper_[s] - (i > 0 ? static_cast<double>(firing.offsets[i - 1]) : 0.0);
    }
    return std::max(product, 0.0);
}

void SsaEngine::centre(std::size_t item) noexcept {
    const double n = counts_[item];
    if (input_of_[item] != none) {
        upper_[item] = window_.upper(input_of_[item]) * drives_[input_of_[item]].scale;
        lower_[item] = -infinity;
        return;
    }
    if (is_fixed(item)) {  // moves when it is set only
        upper_[item] = n * 1.05;
        lower_[item] = n * 0.9;
        return;
    }
    const double reach = n < static_cast<double>(table_size)
                             ? static_cast<double>(width_table()[static_cast<std::size_t>(n)])
                             : interval_width(n);
    upper_[item] = n + reach;
    // Below it the bounds are still valid, but too many candidates are in vain.
    lower_[item] = n - 1.0 - reach;
}

void SsaEngine::sum_node(std::size_t level, std::size_t node) noexcept {
    const double* parts = sums_[level + 1].data() + node * width;
    auto& before = nodes_[level][node].before;
    double sum = 0.0;
    for (std::size_t i = 0; i < width; ++i) {
        before[i] = sum;
        sum += parts[i];
    }
    sums_[level][node] = sum;
}

void SsaEngine::sum_all() noexcept {
    if (in_lanes()) {
        for (std::size_t r = 0; r < network_->reaction_count(); ++r) load_lane(r);
        lanes_->follow(next_);
        return;
    }
    for (std::size_t r = 0; r < network_->reaction_count(); ++r) sums_[levels_][r] = bound(firings_[r]);
    for (std::size_t level = levels_; level-- > 0;) {
        for (std::size_t node = 0; node < nodes_[level].size(); ++node) sum_node(level, node);
    }
    take_total();
}

void SsaEngine::take_total() noexcept {
    next_.total = sums_[0][0];
    next_.inverse_total = 1.0 / next_.total;
}

/// A reaction's factors as they are, or in this window at most.
void SsaEngine::load_lane(std::size_t reaction) noexcept {
    const Firing& firing = firings_[reaction];
    std::array<double, 3> factors{};
    for (std::size_t i = 0; i < factors.size(); ++i) {
        const std::uint32_t item = firing.reactants[i];
        const bool driven = item < items_ && input_of_[item] != none;
        factors[i] = driven ? upper_[item] : counts_[item];
        if (i > 0) factors[i] -= static_cast<double>(firing.offsets[i - 1]);
        // Only of a clamped species less than one molecule can be left for a second one.
        if (is_fixed(item)) factors[i] = std::max(factors[i], 0.0);
    }
    lanes_->set(reaction, firing.k * factors[2], factors[0], factors[1]);
}

/// A new interval around the count, and the bounds that follow from it.
void SsaEngine::move_interval(std::size_t item) noexcept {
    centre(item);
    const std::span leaves(leaf_list_.data() + leaf_begin_[item], leaf_list_.data() + leaf_begin_[item + 1]);
    if (in_lanes()) {
        for (const std::size_t r : leaves) load_lane(r);
        lanes_->follow(next_);
        return;
    }
    for (const std::size_t r : leaves) sums_[levels_][r] = bound(firings_[r]);
    for (std::size_t i = path_begin_[item]; i < path_begin_[item + 1]; ++i)
        sum_node(path_list_[i].level, path_list_[i].node);
    take_total();
}

void SsaEngine::follow_gains(const Firing& firing) noexcept {
    for (const std::uint32_t s : firing.produced) {
        if (counts_[s] > upper_[s]) move_interval(s);
    }
}

void SsaEngine::follow_losses(const Firing& firing) noexcept {
    for (const std::uint32_t s : firing.reactants) {
        if (counts_[s] < lower_[s]) move_interval(s);
    }
}

void SsaEngine::fire_more(const Firing& firing) noexcept {
    for (const auto& [s, delta] : more_changes_[firing.more]) {
        counts_[s] += delta;
        if (counts_[s] > upper_[s]) move_interval(s);
    }
}

/// Driven reactions meet their inputs at the candidate's time; without inputs every candidate in a lane fires.
void SsaEngine::run_lanes(double t_s) {
    lanes_->forget();
    if (window_.empty()) {
        candidates_ += lanes_->run(t_s, between_looks, next_, random_, {});
        for (std::size_t r = 0; r < network_->reaction_count(); ++r) count_fired(r, lanes_->fired(r));
        return;
    }
    const auto accept = [this](std::size_t reaction, double at_s, double into) {
        refresh(reaction, at_s);
        if (into >= propensity(firings_[reaction])) return false;
        count_fired(reaction, 1);
        return true;
    };
    candidates_ += lanes_->run(t_s, between_looks, next_, random_, accept);
}

void SsaEngine::count_fired(std::size_t reaction, std::uint64_t times) noexcept {
    if (times == 0) return;
    events_ += times;
    for (const auto& [s, delta] : network_->changes(reaction)) counts_[s] += delta * static_cast<double>(times);
}

/// The inputs that a candidate's reaction reads, as they are at the candidate's time.
inline void SsaEngine::refresh(std::size_t slot, double t_s) noexcept {
    for (const std::size_t input : inputs_read_[slot])
        counts_[drives_[input].item] = window_.value(input, t_s) * drives_[input].scale;
}

/// All inputs as they are at time_s_.
void SsaEngine::hold_inputs() noexcept {
    for (std::size_t i = 0; i < drives_.size(); ++i)
        counts_[drives_[i].item] = window_.value(i, time_s_) * drives_[i].scale;
}

/// The leaf of a candidate, and what of the random number is left inside it.
template <std::size_t Levels>
inline SsaEngine::Candidate SsaEngine::candidate(double uniform) const noexcept {
    const std::size_t levels = Levels > 0 ? Levels : levels_;
    Candidate found{0, uniform * next_.total};
    for (std::size_t level = 0; level < levels; ++level) {
        const double* before = nodes_[level][found.slot].before.data();
        std::int64_t passed = -1;
        for (std::size_t i = 0; i < width; ++i) passed += before[i] <= found.rest ? 1 : 0;
        found.rest -= before[passed];
        // Rounding may lead past the end, to the leaf that never fires.
        found.slot = std::min(found.slot * width + static_cast<std::size_t>(passed), last_[level]);
    }
    return found;
}

/// Levels 0: as many as there are. The next candidate is looked for before this one fires, so that the one does not
/// wait for the other's memory; again when a bound has moved.
template <std::size_t Levels, bool Driven>
void SsaEngine::run(double t_s) noexcept {
    double next_s = next_.time_s, uniform = next_.uniform;
    double* const n = counts_.data();
    const double* const upper = upper_.data();
    std::uint64_t fired = 0, tried = 0;
    Candidate now = candidate<Levels>(uniform);
    while (next_s <= t_s && tried < between_looks) {
        ++tried;
        const Firing& firing = firings_[now.slot];
        const auto pair = random_.next();
        uniform = pair.uniform;
        Candidate next = candidate<Levels>(uniform);
        bool moved = false;
        if constexpr (Driven) refresh(now.slot, next_s);
        if (now.rest < propensity(firing)) {
            ++fired;
            bool above = false;
            for (std::size_t i = 0; i < sides; ++i) n[firing.consumed[i]] += static_cast<double>(firing.losses[i]);
            for (std::size_t i = 0; i < sides; ++i) {
                const double count = n[firing.produced[i]] + static_cast<double>(firing.gains[i]);
                n[firing.produced[i]] = count;
                above |= count > upper[firing.produced[i]];
            }
            moved = above || firing.more != 0;
            if (firing.more != 0) [[unlikely]]
                fire_more(firing);
            if (above) [[unlikely]]
                follow_gains(firing);
        } else {
            moved = true;
            follow_losses(firing);
        }
        if (moved) [[unlikely]]
            next = candidate<Levels>(uniform);
        now = next;
        next_s += pair.exponential * next_.inverse_total;
        if (next_s == infinity) [[unlikely]]
            next_.pending = pair.exponential;
    }
    next_.time_s = next_s;
    next_.uniform = uniform;
    events_ += fired;
    candidates_ += tried;
}

/// The candidates until t_s, or the next of them up to the next look at options.stop.
void SsaEngine::run_some(double t_s) {
    if (in_lanes()) return run_lanes(t_s);
    if (!window_.empty()) return run<0, true>(t_s);
    switch (levels_) {
        case 1:
            return run<1, false>(t_s);
        case 2:
            return run<2, false>(t_s);
        case 3:
            return run<3, false>(t_s);
        case 4:
            return run<4, false>(t_s);
        case 5:
            return run<5, false>(t_s);
        default:
            return run<0, false>(t_s);
    }
}

void SsaEngine::require_not_stopped() {
    if (stop_ == nullptr || !stop_->load(std::memory_order_relaxed)) return;
    time_s_ = std::max(time_s_, std::min(next_.time_s, window_.empty() ? next_.time_s : window_.end_s()));
    hold_inputs();
    refuse<Stopped>("stopped at ", time_s_, " s; the state is that of this time");
}

void SsaEngine::run_driven(double t_s) {
    while (window_.end_s() <= t_s) {
        const double before_end_s = std::nextafter(window_.end_s(), -infinity);
        while (next_.time_s <= before_end_s) {
            run_some(before_end_s);
            require_not_stopped();
        }
        require_not_stopped();
        time_s_ = window_.end_s();
        const double rest = remaining();
        open_window();
        reschedule(rest);
    }
}

/// The window from time_s_ on: as long as it is worth while its bounds are sharp.
void SsaEngine::open_window() noexcept {
    window_.open(time_s_);
    while (true) {
        for (const Drive& drive : drives_) move_interval(drive.item);
        if (window_.is_tight() || window_.length_s() * next_.total <= candidates_a_window) return;
        window_.shorten();
    }
}

void SsaEngine::advance(double t_s) {
    if (!(t_s >= time_s_ && t_s < infinity)) {
        refuse<InvalidArgument>("cannot advance from ", time_s_, " s to ", t_s,
                                " s; pass a finite time that is not in the past");
    }
    if (!window_.empty()) run_driven(t_s);
    while (next_.time_s <= t_s) {
        run_some(t_s);
        if (next_.time_s <= t_s) require_not_stopped();
    }
    time_s_ = t_s;
    hold_inputs();
}

double SsaEngine::remaining() const noexcept {
    return next_.total > 0.0 ? (next_.time_s - time_s_) * next_.total : next_.pending;
}

void SsaEngine::reschedule(double remaining) noexcept {
    next_.pending = remaining;
    next_.time_s = next_.total > 0.0 ? time_s_ + remaining * next_.inverse_total : infinity;
}

void SsaEngine::amounts(std::span<double> amounts) const noexcept {
    for (std::size_t s = 0; s < network_->species_count(); ++s) amounts[s] = counts_[s] / unit_;
}

double SsaEngine::molecules(std::size_t species, double amount) const {
    const Species& one = network_->definition().species[species];
    const double count = one.fixed ? amount * unit_ : std::round(amount * unit_);
    if (!(count >= 0.0 && count <= max_count)) {
        refuse<InvalidArgument>("the amount of '", one.name, "' is ", amount, " ", name_of(network_->definition().unit),
                                ", ", count, " molecules; it must be finite, not negative and at most 2^53 molecules");
    }
    return count;
}

void SsaEngine::set_amount(std::size_t species, double amount) {
    place(species, molecules(species, amount));
}

void SsaEngine::set_count(std::size_t species, std::int64_t count) {
    place(species, static_cast<double>(count));
}

void SsaEngine::place(std::size_t species, double count) {
    if (input_of_[species] != none) {
        refuse<InvalidArgument>("'", network_->definition().species[species].name, "' is set to ", count,
                                " molecules, but an input drives it; leave out the input");
    }
    const bool holds = in_lanes() ? count == counts_[species] : count <= upper_[species];
    counts_[species] = count;
    if (holds) return;  // every bound is still valid
    const double rest = remaining();
    const double before = next_.total;
    move_interval(species);
    if (next_.total != before) reschedule(rest);
}

void SsaEngine::set_rate_constant(std::size_t reaction, double k) {
    if (!(k >= 0.0 && k < infinity)) {
        refuse<InvalidArgument>("the rate constant of '", network_->definition().reactions[reaction].name, "' is ", k,
                                "; it must be finite and not negative");
    }
    for (const std::size_t input : inputs_read_[reaction]) {
        if (window_.inputs()[input].target != Input::Target::parameter) continue;
        refuse<InvalidArgument>("the rate constant of '", network_->definition().reactions[reaction].name,
                                "' is set to ", k, ", but an input drives it; leave out the input");
    }
    const double scaled = scaled_rate(reaction, k);
    if (scaled == firings_[reaction].k) return;
    const double rest = remaining();
    firings_[reaction].k = scaled;
    if (in_lanes()) {
        load_lane(reaction);
        lanes_->follow(next_);
    } else {
        sums_[levels_][reaction] = bound(firings_[reaction]);
        std::size_t node = reaction;
        for (std::size_t level = levels_; level-- > 0;) sum_node(level, node /= width);
        take_total();
    }
    reschedule(rest);
}

/// Without the parameter where an input drives it.
double SsaEngine::initial_rate(std::size_t reaction) const {
    for (const std::size_t input : inputs_read_[reaction]) {
        if (window_.inputs()[input].target == Input::Target::parameter)
            return network_->definition().reactions[reaction].factor;
    }
    return network_->rate_constant(reaction);
}

void SsaEngine::restart(std::span<const double> amounts, std::uint64_t run) {
    time_s_ = next_.time_s = next_.total = next_.pending = 0.0;
    events_ = candidates_ = 0;
    for (std::size_t r = 0; r < network_->reaction_count(); ++r) firings_[r].k = scaled_rate(r, initial_rate(r));
    window_.open(0.0);
    hold_inputs();
    for (std::size_t s = 0; s < network_->species_count(); ++s)
        if (input_of_[s] == none) counts_[s] = molecules(s, amounts[s]);
    for (std::size_t item = 0; item < items_; ++item) {
        centre(item);
        if (item < network_->species_count() && is_fixed(item) && input_of_[item] == none)
            upper_[item] = counts_[item];  // it may never be set again
    }
    sum_all();
    if (!window_.empty()) open_window();
    random_ = RandomStream(seed_, run);
    const auto pair = random_.next();
    next_.uniform = pair.uniform;
    reschedule(pair.exponential);
}

}  // namespace nubridge::chemistry
