#include "chemistry/lattice.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
/// Candidates, or turns, between two looks at EngineOptions::stop: about a millisecond.
constexpr std::uint64_t between_looks = std::uint64_t{1} << 14;

/// Which of `count` equal parts of [0, 1) the number lies in.
std::size_t part_of(double uniform, std::size_t count) noexcept {
    return std::min(static_cast<std::size_t>(uniform * static_cast<double>(count)), count - 1);
}

const Space& given_space(const EngineOptions& options) {
    if (!options.space) refuse<InvalidArgument>("the regime lattice has no space; pass its shape and spacing");
    return *options.space;
}

}  // namespace

LatticeEngine::LatticeEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options)
    : network_(std::move(network)),
      inputs_(options.inputs),
      stop_(options.stop),
      seed_(options.seed),
      geometry_(given_space(options)) {
    const Space& space = given_space(options);
    require_network();
    require_space(space);
    take_inputs();
    build_channels(space);
    if (space.rule == Space::Rule::hop_and_react) build_step(options, space);
    propensities_.resize(scheduled_);
    contents_.resize(site_count());
    by_content_ = Partition(site_count(), network_->species_count() + 1);
    std::vector<double> initial;
    double all = 0.0;
    for (const Species& one : network_->definition().species) all += initial.emplace_back(std::round(one.initial));
    if (all > static_cast<double>(site_count())) std::fill(initial.begin(), initial.end(), 0.0);
    restart(initial, options.run);
    if (all > static_cast<double>(site_count())) homeless_ = all;
}

std::size_t LatticeEngine::whole_count(std::size_t species, double amount) const {
    const double count = std::round(amount);
    if (!(count >= 0.0 && count <= static_cast<double>(site_count()))) {
        refuse<InvalidArgument>("the amount of '", network_->definition().species[species].name, "' is ", amount,
                                " molecules; it must be finite, not negative and at most one each of the ",
                                site_count(), " sites");
    }
    return static_cast<std::size_t>(count);
}

void LatticeEngine::require_room(double molecules) const {
    if (molecules <= static_cast<double>(site_count())) return;
    refuse<InvalidArgument>("there are ", molecules, " molecules for ", site_count(),
                            " sites, which hold one each; start with fewer, or take a larger shape");
}

void LatticeEngine::restart(std::span<const double> amounts, std::uint64_t run) {
    std::vector<std::size_t> counts;
    std::size_t all = 0;
    for (std::size_t s = 0; s < network_->species_count(); ++s) all += counts.emplace_back(whole_count(s, amounts[s]));
    require_room(static_cast<double>(all));
    for (Rule& rule : rules_) rule.k = network_->rate_constant(rule.reaction);
    require_probabilities();
    time_s_ = homeless_ = 0.0;
    events_ = steps_ = 0;
    std::fill(turn_of_.begin(), turn_of_.end(), 0);
    random_ = RandomStream(seed_, run);
    clear();
    for (std::size_t s = 0; s < counts.size(); ++s) place(s, counts[s]);
    open_window(0.0);
    draw(0.0);
}

void LatticeEngine::clear() noexcept {
    std::fill(contents_.begin(), contents_.end(), Content{0});
    by_pair_.clear();
    by_content_.clear();
    for (std::size_t i = 0; i < site_count(); ++i) by_content_.join(static_cast<std::uint32_t>(i), 0);
}

void LatticeEngine::place(std::size_t species, std::size_t count) noexcept {
    for (; count > 0; --count) put(any_of(0), static_cast<Content>(species + 1));
}

std::uint32_t LatticeEngine::any_of(Content content) noexcept {
    return by_content_.at(content, part_of(random_.next().uniform, by_content_.size(content)));
}

void LatticeEngine::put(std::uint32_t site, Content content) noexcept {
    const Content before = contents_[site];
    if (before == content) return;
    contents_[site] = content;
    by_content_.leave(site, before);
    by_content_.join(site, content);
    rebond(site, before, content);
}

void LatticeEngine::move(std::uint32_t from, std::uint32_t to) noexcept {
    const Content content = contents_[from];
    by_content_.exchange(from, content, to, 0);
    contents_[from] = 0;
    rebond(from, content, 0);
    contents_[to] = content;
    rebond(to, 0, content);
}

void LatticeEngine::rebond(std::uint32_t site, Content before, Content after) noexcept {
    if (reactive_[before] == 0 && reactive_[after] == 0) return;
    const std::size_t contents = reactive_.size();
    geometry_.for_each_neighbour(site, [&](std::uint32_t other, std::uint32_t bond) {
        const std::int32_t was = of_pair_[before * contents + contents_[other]];
        const std::int32_t is = of_pair_[after * contents + contents_[other]];
        if (was == is) return;
        if (was >= 0) by_pair_.leave(bond, channels_[static_cast<std::size_t>(was)].list);
        if (is >= 0) by_pair_.join(bond, channels_[static_cast<std::size_t>(is)].list);
    });
}

/// Where a hop is tried from: the molecules or the empty sites, whichever are fewer, so that few tries are in vain.
std::size_t LatticeEngine::candidates(const Channel& channel) const noexcept {
    switch (channel.kind) {
        case Kind::site:
            return by_content_.size(channel.first);
        case Kind::hop:
            return std::min(by_content_.size(channel.first), by_content_.size(0));
        default:
            return by_pair_.size(channel.list);
    }
}

void LatticeEngine::sum() noexcept {
    total_ = 0.0;
    for (std::size_t i = 0; i < scheduled_; ++i) {
        propensities_[i] = channels_[i].rate * static_cast<double>(candidates(channels_[i]));
        total_ += propensities_[i];
    }
}

void LatticeEngine::sum_rates() noexcept {
    for (Channel& channel : channels_) {
        if (channel.kind == Kind::hop) continue;
        channel.rate = 0.0;
        for (std::size_t i = channel.rules_begin; i < channel.rules_end; ++i) channel.rate += rules_[i].k;
    }
    sum();
}

/// Bounds of the driven rates over a window that depends on the inputs only, so that it does not matter where an
/// advance ends: up to the next knot, halved until no bound lies far above its rate.
void LatticeEngine::open_window(double from_s) {
    window_end_s_ = infinity;
    for (const Input& input : inputs_) window_end_s_ = std::min(window_end_s_, input.waveform.next_knot(from_s));
    const auto is_loose = [&] {
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            const auto [least, most] = inputs_[i].waveform.range(from_s, window_end_s_);
            if (most > 1.3 * least && most > 0.02 * greatest_[i]) return true;
        }
        return false;
    };
    for (int i = 0; i < 40 && is_loose(); ++i) window_end_s_ = from_s + 0.5 * (window_end_s_ - from_s);
    for (Rule& rule : rules_) {
        if (!rule.input) continue;
        const double most = inputs_[*rule.input].waveform.range(from_s, window_end_s_).second;
        rule.k = rule.factor * std::max(most, 0.0);
    }
    sum_rates();
}

void LatticeEngine::draw(double now_s) noexcept {
    const auto pair = random_.next();
    uniform_ = pair.uniform;
    reschedule(now_s, pair.exponential);
}

double LatticeEngine::remaining(double now_s) const noexcept {
    return total_ > 0.0 ? (next_s_ - now_s) * total_ : pending_;
}

void LatticeEngine::reschedule(double now_s, double remaining) noexcept {
    pending_ = remaining;
    next_s_ = total_ > 0.0 ? now_s + remaining / total_ : infinity;
}

void LatticeEngine::advance(double t_s) {
    if (!(t_s >= time_s_ && t_s < infinity)) {
        refuse<InvalidArgument>("cannot advance from ", time_s_, " s to ", t_s,
                                " s; pass a finite time that is not in the past");
    }
    require_room(homeless_);
    if (step_s_ > 0.0) {
        // Times that a user sums up miss the end of a step by rounding.
        const double reach_s = t_s * (1.0 + 4 * std::numeric_limits<double>::epsilon()) + 1e-9 * step_s_;
        while (static_cast<double>(steps_ + 1) * step_s_ <= reach_s) {
            const double end_s = static_cast<double>(steps_ + 1) * step_s_;
            run(end_s);
            sweep(end_s);
        }
    }
    run(t_s);
    time_s_ = t_s;
}

void LatticeEngine::run(double t_s) {
    for (std::uint64_t tried = 1;; ++tried) {
        if (next_s_ > window_end_s_ && window_end_s_ <= t_s) {
            const double end_s = window_end_s_, rest = remaining(end_s);
            open_window(end_s);
            reschedule(end_s, rest);
            continue;
        }
        if (next_s_ > t_s) return;
        const double now_s = next_s_;
        const std::uint64_t before = events_;
        fire(now_s, uniform_ * total_);
        if (events_ != before) sum();
        draw(now_s);
        if (tried % between_looks == 0) look(now_s);
    }
}

bool LatticeEngine::stops() const noexcept {
    return stop_ != nullptr && stop_->load(std::memory_order_relaxed);
}

void LatticeEngine::look(double now_s) {
    if (!stops()) return;
    time_s_ = std::max(time_s_, now_s);
    refuse<Stopped>("stopped at ", time_s_, " s");
}

void LatticeEngine::fire(double now_s, double rest) {
    std::size_t i = 0;
    while (i < scheduled_ && rest >= propensities_[i]) rest -= propensities_[i++];
    if (i == scheduled_) return;  // rounding led past the end
    const Channel& channel = channels_[i];
    const double candidate = rest / channel.rate;
    const std::size_t place = std::min(static_cast<std::size_t>(candidate), candidates(channel) - 1);
    const double part = std::min(candidate - static_cast<double>(place), 1.0);
    if (channel.kind == Kind::hop) return hop(channel.first, place, part_of(part, geometry_.sides()));
    const Choice choice = chosen(channel, part * channel.rate, now_s);
    if (choice.rule == nullptr) return;
    if (channel.kind == Kind::site) return fire_at_site(choice, by_content_.at(channel.first, place));
    const std::uint32_t bond = by_pair_.at(channel.list, place);
    const std::uint32_t lower = geometry_.lower_end(bond), upper = geometry_.upper_end(bond);
    if (contents_[lower] == channel.first)
        react(choice, lower, upper);
    else
        react(choice, upper, lower);
}

LatticeEngine::Choice LatticeEngine::chosen(const Channel& channel, double rest, double now_s) const noexcept {
    for (std::size_t i = channel.rules_begin; i < channel.rules_end; ++i) {
        const Rule& rule = rules_[i];
        if (rest >= rule.k) {
            rest -= rule.k;
            continue;
        }
        const double k = rule.input ? rule.factor * inputs_[*rule.input].waveform.value(now_s) : rule.k;
        if (rest >= k) return {nullptr, 0.0};  // thinned out
        return {&rule, std::clamp(rest / k, 0.0, 1.0 - 1e-12)};
    }
    return {nullptr, 0.0};
}

void LatticeEngine::hop(Content content, std::size_t place, std::size_t side) noexcept {
    const bool from_molecule = by_content_.size(content) <= by_content_.size(0);
    const std::uint32_t here = by_content_.at(from_molecule ? content : 0, place);
    const std::uint32_t there = geometry_.neighbour(here, side);
    if (there == LatticeGeometry::none || contents_[there] != (from_molecule ? 0 : content)) return;
    from_molecule ? move(here, there) : move(there, here);
    ++events_;
}

void LatticeEngine::fire_at_site(const Choice& choice, std::uint32_t site) noexcept {
    if (choice.rule->second != 0) {
        const std::uint32_t other = geometry_.neighbour(site, part_of(choice.share, geometry_.sides()));
        if (other == LatticeGeometry::none || contents_[other] != 0) return;
        put(other, choice.rule->second);
    }
    put(site, choice.rule->first);
    ++events_;
}

void LatticeEngine::react(const Choice& choice, std::uint32_t first, std::uint32_t second) noexcept {
    if (choice.rule->either && choice.share < 0.5) std::swap(first, second);
    put(first, choice.rule->first);
    put(second, choice.rule->second);
    ++events_;
}

/// One turn for each molecule, in random order.
void LatticeEngine::sweep(double now_s) {
    const double rest = remaining(now_s);
    std::size_t count = 0;
    for (std::size_t c = 1; c < by_content_.lists(); ++c) {
        for (std::size_t i = 0; i < by_content_.size(c); ++i) order_[count++] = by_content_.at(c, i);
    }
    const auto stamp = static_cast<std::uint32_t>(steps_ + 1);
    for (std::size_t i = 0; i < count; ++i) {
        if (i % between_looks == 0 && stops()) break;  // the molecules left over stay
        const double drawn = random_.next().uniform * static_cast<double>(count - i);
        const std::size_t pick = std::min(i + static_cast<std::size_t>(drawn), count - 1);
        std::swap(order_[i], order_[pick]);
        const std::uint32_t site = order_[i];
        if (contents_[site] != 0 && turn_of_[site] != stamp)
            take_turn(site, drawn - static_cast<double>(pick - i), now_s);
    }
    ++steps_;
    sum();
    reschedule(now_s, rest);
    look(now_s);
}

void LatticeEngine::take_turn(std::uint32_t site, double uniform, double now_s) noexcept {
    const Content content = contents_[site];
    const double p = hop_probability_[content];
    if (uniform >= p) return;
    const auto stamp = static_cast<std::uint32_t>(steps_ + 1);
    const std::uint32_t other = geometry_.neighbour(site, part_of(uniform / p, geometry_.sides()));
    if (other == LatticeGeometry::none) return;
    if (contents_[other] == 0) {
        move(site, other);
        turn_of_[other] = stamp;
        ++events_;
        return;
    }
    const std::int32_t met = of_pair_[content * reactive_.size() + contents_[other]];
    if (met < 0) return;
    const Channel& channel = channels_[static_cast<std::size_t>(met)];
    const double luck = random_.next().uniform / per_meeting_s(channel);
    if (luck >= channel.rate) return;
    const Choice choice = chosen(channel, luck, now_s);
    if (choice.rule == nullptr) return;
    const bool in_order = content == channel.first;
    react(choice, in_order ? site : other, in_order ? other : site);
    turn_of_[site] = turn_of_[other] = stamp;
}

void LatticeEngine::amounts(std::span<double> amounts) const noexcept {
    assert(amounts.size() == network_->species_count());
    for (std::size_t s = 0; s < amounts.size(); ++s) amounts[s] = static_cast<double>(by_content_.size(s + 1));
}

template <class Change>
void LatticeEngine::change(const Change& change) {
    const double rest = remaining(time_s_);
    change();
    sum_rates();
    reschedule(time_s_, rest);
}

void LatticeEngine::set_amount(std::size_t species, double amount) {
    const std::size_t count = whole_count(species, amount), before = by_content_.size(species + 1);
    if (count > before + by_content_.size(0)) {
        refuse<InvalidArgument>("the amount of '", network_->definition().species[species].name, "' is ", count,
                                " molecules; ", before + by_content_.size(0), " find a site: remove others first");
    }
    if (count == before) return;
    change([&] {
        if (count > before) return place(species, count - before);
        for (std::size_t i = count; i < before; ++i) put(any_of(static_cast<Content>(species + 1)), 0);
    });
}

void LatticeEngine::set_rate_constant(std::size_t reaction, double k) {
    const std::string& name = network_->definition().reactions[reaction].name;
    if (!(k >= 0.0 && k < infinity)) {
        refuse<InvalidArgument>("the rate constant of '", name, "' is ", k, "; it must be finite and not negative");
    }
    const auto rule = std::find_if(rules_.begin(), rules_.end(), [&](const Rule& r) { return r.reaction == reaction; });
    if (rule->input) refuse<InvalidArgument>("an input drives the rate of '", name, "'; leave the input out to set it");
    if (rule->k == k) return;
    const double before = std::exchange(rule->k, k);
    try {
        require_probabilities();
    } catch (const InvalidArgument&) {
        rule->k = before;
        throw;
    }
    change([] {});
}

void LatticeEngine::sites(std::span<std::int32_t> species) const noexcept {
    std::transform(contents_.begin(), contents_.end(), species.begin(), [](Content c) { return std::int32_t{c} - 1; });
}

void LatticeEngine::require_species(std::int32_t species) const {
    if (species >= -1 && species < static_cast<std::int32_t>(network_->species_count())) return;
    refuse<InvalidArgument>("a site holds the species ", species, "; -1 is an empty site and the species are 0 to ",
                            network_->species_count() - 1);
}

void LatticeEngine::set_sites(std::span<const std::int32_t> species) {
    if (species.size() != site_count())
        refuse<InvalidArgument>("there are ", species.size(), " sites given; the lattice has ", site_count());
    for (const std::int32_t one : species) require_species(one);
    homeless_ = 0.0;
    change([&] {
        clear();
        for (std::size_t i = 0; i < species.size(); ++i)
            put(static_cast<std::uint32_t>(i), static_cast<Content>(species[i] + 1));
    });
}

std::uint64_t LatticeEngine::pairs(std::int32_t a, std::int32_t b) const {
    require_species(a);
    require_species(b);
    const auto of_a = static_cast<std::size_t>(a) + 1;
    std::uint64_t ends = 0;
    for (std::size_t i = 0; i < by_content_.size(of_a); ++i) {
        geometry_.for_each_neighbour(by_content_.at(of_a, i), [&](std::uint32_t other, std::uint32_t) {
            if (contents_[other] == b + 1) ++ends;
        });
    }
    return a == b ? ends / 2 : ends;
}

}  // namespace nubridge::chemistry
