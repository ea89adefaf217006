#include "chemistry/tau.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double max_count = 0x1p53;

}  // namespace

TauEngine::TauEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options)
    : LeapEngine(std::move(network), options),
      critical_(combinations_.size()),
      noncritical_(combinations_.size()),
      bounds_(combinations_.size()),
      first_(combinations_.size()),
      second_(combinations_.size()),
      taken_(n_.size()),
      firings_(combinations_.size()) {
    for (std::size_t r = 0; r < combinations_.size(); ++r) dependents_.push_back(network_->dependents(r));
    std::vector<double> initial;
    for (const Species& one : network_->definition().species) initial.push_back(one.initial);
    restart(initial, options.run);
}

/// A clamped species may hold a fraction of a molecule: only reactions change counts by whole numbers.
double TauEngine::molecules(std::size_t species, double amount) const {
    const Species& one = network_->definition().species[species];
    const double count = one.fixed ? amount * unit_ : std::round(amount * unit_);
    if (!(count >= 0.0 && count <= max_count)) {
        refuse<InvalidArgument>("the amount of '", one.name, "' is ", amount, " ", name_of(network_->definition().unit),
                                ", ", count, " molecules; it must be finite, not negative and at most 2^53 molecules");
    }
    return count;
}

void TauEngine::forget() noexcept {
    planned_ = false;
    second_end_s_.reset();
    exact_left_ = 0;
}

void TauEngine::seed(std::uint64_t run) {
    random_ = RandomStream(seed_, run);
    splits_ = RandomStream(~seed_, run);
    leaps_ = 0;
}

void TauEngine::mark_critical() noexcept {
    for (std::size_t r = 0; r < critical_.size(); ++r) {
        double left = infinity;
        for (const auto& [s, delta] : network_->changes(r)) {
            if (delta < 0) left = std::min(left, std::floor(n_[s] / -delta));
        }
        critical_[r] = left < few_firings ? 1 : 0;
    }
}

TauEngine::Event TauEngine::first_event(double limit_s, bool only_critical) {
    double t_s = time_s_;
    while (t_s < limit_s) {
        const double window_s = std::min(limit_s, propensities_.next_stop(t_s));
        double total = 0.0;
        for (std::size_t r = 0; r < bounds_.size(); ++r) {
            const bool counts = combinations_[r] > 0.0 && (critical_[r] != 0 || !only_critical);
            bounds_[r] = counts ? combinations_[r] * propensities_.bound(r, t_s, window_s) : 0.0;
            total += bounds_[r];
        }
        while (total > 0.0) {
            const auto [exponential, uniform] = random_.next();
            t_s += exponential / total;
            if (t_s >= window_s) break;
            double rest = uniform * total;
            std::size_t r = 0;
            for (; r + 1 < bounds_.size() && rest >= bounds_[r]; ++r) rest -= bounds_[r];
            if (rest < combinations_[r] * propensities_.rate(r, t_s)) return {t_s, r};
        }
        t_s = window_s;
    }
    return {limit_s, {}};
}

bool TauEngine::draw(std::span<const double> combinations, double end_s) {
    std::fill(taken_.begin(), taken_.end(), 0.0);
    for (std::size_t r = 0; r < firings_.size(); ++r) {
        firings_[r] = 0.0;
        if (critical_[r] != 0 || !(combinations[r] > 0.0)) continue;
        firings_[r] = poisson(random_, combinations[r] * propensities_.integral(r, time_s_, end_s));
        for (const auto& [s, delta] : network_->changes(r)) {
            if (delta < 0) taken_[s] -= delta * firings_[r];
        }
    }
    end_s_ = end_s;
    ++leaps_;
    for (std::size_t s = 0; s < n_.size(); ++s) {
        if (taken_[s] > 0.0 && taken_[s] > n_[s]) return false;
    }
    return true;
}

void TauEngine::plan_event() {
    std::fill(firings_.begin(), firings_.end(), 0.0);
    const auto [time_s, reaction] = first_event(infinity, false);
    end_s_ = time_s;
    event_ = reaction;
    leaping_ = false;
    exact_left_ -= 1;
    ++leaps_;
}

void TauEngine::plan_leap(double length_s) {
    const Event critical = first_event(time_s_ + length_s, true);
    event_ = critical.reaction;
    second_end_s_ = critical.time_s;
    leaping_ = true;
    first_ = combinations_;
}

bool TauEngine::plan_second_half() {
    if (!second_end_s_) return false;
    for (std::size_t r = 0; r < second_.size(); ++r) second_[r] = 2.0 * combinations_[r] - first_[r];
    const double end_s = *second_end_s_;
    second_end_s_.reset();
    return draw(second_, end_s);
}

void TauEngine::plan() {
    planned_ = true;
    if (leaping_ && plan_second_half()) return;
    event_.reset();
    second_end_s_.reset();
    if (exact_left_ > 0) return plan_event();
    mark_critical();
    double total = 0.0;
    for (std::size_t r = 0; r < combinations_.size(); ++r) {
        const double propensity = combinations_[r] > 0.0 ? combinations_[r] * propensities_.rate(r, time_s_) : 0.0;
        total += propensity;
        noncritical_[r] = critical_[r] != 0 ? 0.0 : propensity;
    }
    const double stop_s = propensities_.next_stop(time_s_);
    double length_s = std::min(longest_leap(noncritical_), stop_s - time_s_);
    for (; length_s * total >= few_firings && length_s < infinity; length_s *= 0.5) {
        plan_leap(length_s);
        if (draw(first_, time_s_ + 0.5 * (second_end_s_.value_or(time_s_) - time_s_))) return;
    }
    second_end_s_.reset();
    exact_left_ = exact_events;
    plan_event();
}

void TauEngine::fire(std::size_t reaction, double times) noexcept {
    for (const auto& [s, delta] : network_->changes(reaction)) n_[s] += delta * times;
    events_ += static_cast<std::uint64_t>(times);
}

void TauEngine::fire_one(std::size_t reaction) noexcept {
    for (const auto& [s, delta] : network_->changes(reaction)) {
        if (n_[s] + delta < 0.0) return;  // the leap before it took its reactants
    }
    fire(reaction, 1.0);
}

void TauEngine::finish() noexcept {
    time_s_ = end_s_;
    planned_ = false;
    if (leaping_) {
        for (std::size_t r = 0; r < firings_.size(); ++r) fire(r, firings_[r]);
        if (event_ && !second_end_s_) fire_one(*event_);
        combine();
        return;
    }
    const auto event = event_;
    if (!event) return;
    fire_one(*event);
    for (const std::size_t r : dependents_[*event]) combinations_[r] = propensities_.combinations(r, n_);
}

void TauEngine::split(double t_s) noexcept {
    for (std::size_t r = 0; r < firings_.size(); ++r) {
        if (firings_[r] == 0.0) continue;
        const double whole = propensities_.integral(r, time_s_, end_s_);
        const double share = whole > 0.0 ? propensities_.integral(r, time_s_, t_s) / whole : 0.0;
        const double fired = binomial(splits_, firings_[r], std::clamp(share, 0.0, 1.0));
        fire(r, fired);
        firings_[r] -= fired;
    }
}

void TauEngine::advance(double t_s) {
    require_future(t_s);
    while (true) {
        require_not_stopped();
        if (!planned_) plan();
        if (end_s_ > t_s) break;
        finish();
    }
    if (leaping_ && t_s > time_s_) split(t_s);
    time_s_ = t_s;
    propensities_.follow(time_s_, n_);
}

}  // namespace nubridge::chemistry
