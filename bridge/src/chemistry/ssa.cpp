#include "chemistry/ssa.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

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
    : network_(std::move(network)), unit_(molecules_per_unit(*network_, options.volume_um3)), seed_(options.seed) {
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

// The constants stand after the species: 1 for absent reactants, then one for each absent change, apart so that their
// stores do not wait for each other.
void SsaEngine::build() {
    const auto one = static_cast<std::uint32_t>(network_->species_count());
    counts_.assign(one + 1 + 2 * sides, 1.0);
    lower_.assign(counts_.size(), -infinity);
    upper_.assign(counts_.size(), infinity);
    more_changes_.resize(1);
    for (std::size_t r = 0; r <= network_->reaction_count(); ++r) {
        Firing firing{0.0, {}, {one, one, one}, {one + 1, one + 2}, {one + 3, one + 4}, {}, {}, 0};
        if (r < network_->reaction_count()) add_terms(r, firing);
        firings_.push_back(firing);
    }
    if (is_direct()) {
        build_dependents();
    } else {
        build_tree();
        build_paths();
    }
}

void SsaEngine::build_dependents() {
    dependents_.resize(firings_.size());
    for (std::size_t r = 0; r < network_->reaction_count(); ++r) {
        for (const std::size_t other : network_->dependents(r)) {
            dependents_[r].reactions[dependents_[r].count++] = static_cast<std::uint8_t>(other);
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
    for (std::size_t s = 0; s < network_->species_count(); ++s) {
        std::set<std::size_t> above;
        for (const std::size_t r : network_->readers(s)) {
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
        if (s < network_->species_count())
            product *= upper_[s] - (i > 0 ? static_cast<double>(firing.offsets[i - 1]) : 0.0);
    }
    return std::max(product, 0.0);
}

void SsaEngine::centre(std::size_t s) noexcept {
    const double n = counts_[s];
    const double reach = n < static_cast<double>(table_size)
                             ? static_cast<double>(width_table()[static_cast<std::size_t>(n)])
                             : interval_width(n);
    upper_[s] = n + reach;
    // Below it the bounds are still valid, but too many candidates are in vain.
    lower_[s] = n - 1.0 - reach;
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

double SsaEngine::direct_total() const noexcept {
    const double* a = propensities_.data();
    return (((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7]))) +
           (((a[8] + a[9]) + (a[10] + a[11])) + ((a[12] + a[13]) + (a[14] + a[15])));
}

void SsaEngine::sum_all() noexcept {
    if (is_direct()) {
        for (std::size_t r = 0; r < network_->reaction_count(); ++r) propensities_[r] = propensity(firings_[r]);
        take_total();
        return;
    }
    for (std::size_t r = 0; r < network_->reaction_count(); ++r) sums_[levels_][r] = bound(firings_[r]);
    for (std::size_t level = levels_; level-- > 0;) {
        for (std::size_t node = 0; node < nodes_[level].size(); ++node) sum_node(level, node);
    }
    take_total();
}

void SsaEngine::take_total() noexcept {
    total_ = is_direct() ? direct_total() : sums_[0][0];
    inverse_total_ = 1.0 / total_;
}

/// A new interval around the count, and the bounds that follow from it.
void SsaEngine::move_interval(std::size_t s) noexcept {
    centre(s);
    for (std::size_t i = leaf_begin_[s]; i < leaf_begin_[s + 1]; ++i) {
        sums_[levels_][leaf_list_[i]] = bound(firings_[leaf_list_[i]]);
    }
    for (std::size_t i = path_begin_[s]; i < path_begin_[s + 1]; ++i) sum_node(path_list_[i].level, path_list_[i].node);
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

void SsaEngine::run_directly(double t_s) noexcept {
    const std::size_t end = network_->reaction_count();
    double next_s = next_s_, uniform = uniform_, total = total_;
    double* const a = propensities_.data();
    double* const n = counts_.data();
    std::uint64_t fired = 0;
    while (next_s <= t_s) {
        double rest = uniform * total;
        std::size_t slot = 0;
        while (slot < end && rest >= a[slot]) rest -= a[slot++];
        const Firing& firing = firings_[slot];
        fired += slot < end ? 1 : 0;  // rounding may lead past the end
        for (std::size_t i = 0; i < sides; ++i) n[firing.consumed[i]] += static_cast<double>(firing.losses[i]);
        for (std::size_t i = 0; i < sides; ++i) n[firing.produced[i]] += static_cast<double>(firing.gains[i]);
        if (firing.more != 0) [[unlikely]]
            fire_more(firing);
        const Dependents& dependents = dependents_[slot];
        for (std::size_t i = 0; i < dependents.count; ++i)
            a[dependents.reactions[i]] = propensity(firings_[dependents.reactions[i]]);
        total = direct_total();
        const auto pair = random_.next();
        uniform = pair.uniform;
        next_s += pair.exponential / total;
        if (next_s == infinity) [[unlikely]]
            pending_ = pair.exponential;
    }
    next_s_ = next_s;
    uniform_ = uniform;
    total_ = total;
    inverse_total_ = 1.0 / total;
    events_ += fired;
    candidates_ += fired;
}

template <int Levels>
void SsaEngine::run(double t_s) noexcept {
    double next_s = next_s_, uniform = uniform_;
    double* const n = counts_.data();
    const double* const upper = upper_.data();
    std::uint64_t fired = 0, tried = 0;
    while (next_s <= t_s) {
        ++tried;
        double rest = uniform * total_;
        std::size_t slot = 0;
        for (std::size_t level = 0; level < Levels; ++level) {
            const double* before = nodes_[level][slot].before.data();
            std::int64_t passed = -1;
            for (std::size_t i = 0; i < width; ++i) passed += before[i] <= rest ? 1 : 0;
            rest -= before[passed];
            // Rounding may lead past the end, to the leaf that never fires.
            slot = std::min(slot * width + static_cast<std::size_t>(passed), last_[level]);
        }
        const Firing& firing = firings_[slot];
        if (rest < propensity(firing)) {
            ++fired;
            bool above = false;
            for (std::size_t i = 0; i < sides; ++i) n[firing.consumed[i]] += static_cast<double>(firing.losses[i]);
            for (std::size_t i = 0; i < sides; ++i) {
                const double count = n[firing.produced[i]] + static_cast<double>(firing.gains[i]);
                n[firing.produced[i]] = count;
                above |= count > upper[firing.produced[i]];
            }
            if (firing.more != 0) [[unlikely]]
                fire_more(firing);
            if (above) [[unlikely]]
                follow_gains(firing);
        } else {
            follow_losses(firing);
        }
        const auto pair = random_.next();
        uniform = pair.uniform;
        next_s += pair.exponential * inverse_total_;
        if (next_s == infinity) [[unlikely]]
            pending_ = pair.exponential;
    }
    next_s_ = next_s;
    uniform_ = uniform;
    events_ += fired;
    candidates_ += tried;
}

void SsaEngine::advance(double t_s) {
    if (!(t_s >= time_s_ && t_s < infinity)) {
        refuse<InvalidArgument>("cannot advance from ", time_s_, " s to ", t_s,
                                " s; pass a finite time that is not in the past");
    }
    if (is_direct()) {
        run_directly(t_s);
        time_s_ = t_s;
        return;
    }
    switch (levels_) {
        case 1:
            run<1>(t_s);
            break;
        case 2:
            run<2>(t_s);
            break;
        case 3:
            run<3>(t_s);
            break;
        case 4:
            run<4>(t_s);
            break;
        case 5:
            run<5>(t_s);
            break;
        case 6:
            run<6>(t_s);
            break;
        case 7:
            run<7>(t_s);
            break;
        default:
            run<8>(t_s);
            break;
    }
    time_s_ = t_s;
}

double SsaEngine::remaining() const noexcept {
    return total_ > 0.0 ? (next_s_ - time_s_) * total_ : pending_;
}

void SsaEngine::reschedule(double remaining) noexcept {
    pending_ = remaining;
    next_s_ = total_ > 0.0 ? time_s_ + remaining * inverse_total_ : infinity;
}

void SsaEngine::amounts(std::span<double> amounts) const noexcept {
    for (std::size_t s = 0; s < network_->species_count(); ++s) amounts[s] = counts_[s] / unit_;
}

double SsaEngine::whole_count(std::size_t species, double amount) const {
    const double count = std::round(amount * unit_);
    if (!(count >= 0.0 && count <= max_count)) {
        refuse<InvalidArgument>("the amount of '", network_->definition().species[species].name, "' is ", amount, " ",
                                name_of(network_->definition().unit), ", ", count,
                                " molecules; it must be finite, not negative and at most 2^53 molecules");
    }
    return count;
}

void SsaEngine::set_amount(std::size_t species, double amount) {
    set_count(species, static_cast<std::int64_t>(whole_count(species, amount)));
}

void SsaEngine::set_count(std::size_t species, std::int64_t count) {
    const auto fresh = static_cast<double>(count);
    const bool holds = is_direct() ? fresh == counts_[species] : fresh <= upper_[species];
    counts_[species] = fresh;
    if (holds) return;  // every bound is still valid
    const double rest = remaining();
    const double before = total_;
    if (is_direct()) {
        sum_all();
    } else {
        move_interval(species);
    }
    if (total_ != before) reschedule(rest);
}

void SsaEngine::set_rate_constant(std::size_t reaction, double k) {
    if (!(k >= 0.0 && k < infinity)) {
        refuse<InvalidArgument>("the rate constant of '", network_->definition().reactions[reaction].name, "' is ", k,
                                "; it must be finite and not negative");
    }
    const double scaled = scaled_rate(reaction, k);
    if (scaled == firings_[reaction].k) return;
    const double rest = remaining();
    firings_[reaction].k = scaled;
    if (is_direct()) {
        sum_all();
    } else {
        sums_[levels_][reaction] = bound(firings_[reaction]);
        std::size_t node = reaction;
        for (std::size_t level = levels_; level-- > 0;) sum_node(level, node /= width);
        take_total();
    }
    reschedule(rest);
}

void SsaEngine::restart(std::span<const double> amounts, std::uint64_t run) {
    time_s_ = next_s_ = total_ = pending_ = 0.0;
    events_ = candidates_ = 0;
    for (std::size_t r = 0; r < network_->reaction_count(); ++r)
        firings_[r].k = scaled_rate(r, network_->rate_constant(r));
    for (std::size_t s = 0; s < network_->species_count(); ++s) {
        counts_[s] = whole_count(s, amounts[s]);
        if (!is_direct()) centre(s);
    }
    sum_all();
    random_ = RandomStream(seed_, run);
    const auto pair = random_.next();
    uniform_ = pair.uniform;
    reschedule(pair.exponential);
}

}  // namespace nubridge::chemistry
