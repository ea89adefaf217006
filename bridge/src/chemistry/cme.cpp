#include "chemistry/cme.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

/// A set that closes below this number is kept whole.
constexpr std::size_t closes_below = 200'000;
/// A smaller probability is none: it keeps products of it above the least number.
constexpr double least_probability = 1e-200;

}  // namespace

CmeEngine::CmeEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options)
    : network_(std::move(network)),
      options_(options),
      unit_(molecules_per_unit(*network_, options.volume_um3)),
      space_(*network_, options.max_states, options.stop) {
    if (options.max_states == 0) refuse<InvalidArgument>("max_states is 0; it must be at least 1");
    if (!(options.absolute_tolerance > 0.0 && options.absolute_tolerance < 1.0)) {
        refuse<InvalidArgument>("the absolute tolerance is ", options.absolute_tolerance,
                                "; of cme it is a probability between 0 and 1");
    }
    find_groups();
    std::vector<double> initial;
    for (const Species& one : network_->definition().species) initial.push_back(one.initial);
    k_.resize(network_->reaction_count());
    coefficients_.resize(k_.size());
    restart(initial, 0);
}

bool CmeEngine::is_driven(std::size_t species) const noexcept {
    return std::ranges::any_of(options_.inputs, [&](const Input& input) {
        return input.target == Input::Target::species && input.index == species;
    });
}

std::vector<CmeEngine::Factor> CmeEngine::factors_of(std::size_t reaction) const {
    std::vector<Factor> factors;
    for (std::size_t i = 0; i < options_.inputs.size(); ++i) {
        const Input& input = options_.inputs[i];
        if (input.target == Input::Target::parameter) {
            if (network_->definition().reactions[reaction].parameter == input.index) factors.push_back({i, 1.0, 0.0});
            continue;
        }
        for (const auto& [species, multiplicity] : network_->terms(reaction)) {
            if (species != input.index) continue;
            constexpr double ever = std::numeric_limits<double>::max();
            if (input.waveform.range(-ever, ever).first * unit_ < multiplicity - 1) {
                refuse<InvalidArgument>("the reaction '", network_->definition().reactions[reaction].name, "' takes ",
                                        multiplicity, " molecules of '", network_->definition().species[species].name,
                                        "', and the input that drives it falls below ", multiplicity - 1,
                                        " molecules; raise it or the volume");
            }
            for (int taken = 0; taken < multiplicity; ++taken)
                factors.push_back({i, unit_, static_cast<double>(taken)});
        }
    }
    return factors;
}

void CmeEngine::find_groups() {
    factors_.assign(1, {});
    for (std::size_t r = 0; r < network_->reaction_count(); ++r) {
        auto factors = factors_of(r);
        const auto found = std::ranges::find(factors_, factors);
        group_.push_back(static_cast<std::uint32_t>(found - factors_.begin()));
        if (found == factors_.end()) factors_.push_back(std::move(factors));
    }
    phi_.resize(factors_.size());
}

void CmeEngine::take_phi() noexcept {
    for (std::size_t g = 0; g < factors_.size(); ++g) {
        phi_[g] = {};
        for (const Factor& factor : factors_[g]) {
            Polynomial one;
            const auto piece = options_.inputs[factor.input].waveform.about(time_s_);
            for (std::size_t j = 0; j < piece.size(); ++j) {
                one.c[j] = factor.unit * piece[j];
                if (one.c[j] != 0.0) one.degree = j;
            }
            one.c[0] -= factor.offset;
            phi_[g].multiply(one);
        }
    }
}

double CmeEngine::next_knot_s() const noexcept {
    double knot_s = std::numeric_limits<double>::infinity();
    for (const Input& input : options_.inputs) knot_s = std::min(knot_s, input.waveform.next_knot(time_s_));
    return knot_s;
}

bool CmeEngine::is_moving() const noexcept {
    return std::ranges::any_of(phi_, [](const Polynomial& one) { return one.degree > 0; });
}

bool CmeEngine::has_driven_rate(std::size_t reaction) const noexcept {
    return std::ranges::any_of(options_.inputs, [&](const Input& input) {
        return input.target == Input::Target::parameter &&
               network_->definition().reactions[reaction].parameter == input.index;
    });
}

double CmeEngine::coefficient(std::size_t reaction) const noexcept {
    const Reaction& one = network_->definition().reactions[reaction];
    double product = (has_driven_rate(reaction) ? one.factor : k_[reaction]) *
                     std::pow(unit_, 1.0 - static_cast<double>(network_->order(reaction)));
    for (const auto& [species, multiplicity] : network_->terms(reaction)) {
        if (!network_->definition().species[species].fixed) continue;
        product /= factorial(multiplicity);
        if (is_driven(species)) continue;
        for (int taken = 0; taken < multiplicity; ++taken) product *= std::max(clamped_[species] * unit_ - taken, 0.0);
    }
    return product;
}

void CmeEngine::take_rates() {
    if (stale_jumps_) find_jumps();
    if (stale_rates_) {
        for (std::size_t r = 0; r < k_.size(); ++r) coefficients_[r] = coefficient(r);
        generator_.set_coefficients(coefficients_);
        stale_rates_ = false;
    }
    take_phi();
}

double CmeEngine::require_amount(std::size_t species, double amount) const {
    if (!(amount >= 0.0) || !std::isfinite(amount)) {
        refuse<InvalidArgument>("the amount of '", network_->definition().species[species].name, "' is ", amount,
                                "; it must be finite and not negative");
    }
    return amount;
}

CmeEngine::Count CmeEngine::whole_count(std::size_t species, double amount) const {
    const double count = std::round(require_amount(species, amount) * unit_);
    if (count > std::numeric_limits<Count>::max()) {
        refuse<InvalidArgument>("the amount of '", network_->definition().species[species].name, "' is ", count,
                                " molecules; the cme engine follows at most 2^31 - 1: use ssa or ode");
    }
    return static_cast<Count>(count);
}

void CmeEngine::restart(std::span<const double> amounts, std::uint64_t) {
    std::vector<Count> counts;
    for (const std::size_t s : space_.counted()) counts.push_back(whole_count(s, amounts[s]));
    clamped_.assign(amounts.begin(), amounts.end());
    for (std::size_t s = 0; s < amounts.size(); ++s) require_amount(s, amounts[s]);
    for (std::size_t r = 0; r < k_.size(); ++r) k_[r] = network_->rate_constant(r);
    time_s_ = 0.0;
    lost_ = 0.0;
    if (closed_ && counts == beginning_) {
        std::fill(p_.begin(), p_.end(), 0.0);
        p_[0] = 1.0;
        stale_rates_ = true;
    } else {
        settle(counts, {1.0});
        if (closed_) beginning_ = std::move(counts);
    }
}

void CmeEngine::settle(const std::vector<Count>& states, const std::vector<double>& probabilities) {
    StateSpace space(*network_, options_.max_states, options_.stop);
    const std::size_t width = space.counted().size();
    std::vector<double> p;
    const auto add_all = [&] {
        space.clear();
        p.clear();
        for (std::size_t i = 0; i < probabilities.size(); ++i) {
            const std::size_t state = space.add(std::span(states).subspan(i * width, width));
            if (state == p.size()) p.push_back(0.0);
            p[state] += probabilities[i];
        }
    };
    add_all();
    closed_ = space.close(std::min(options_.max_states, closes_below));
    if (!closed_) add_all();
    beginning_.clear();
    retries_ = 0;
    jumps_ = closed_ ? Generator::most_jumps : 20.0;
    take_states(std::move(space), std::move(p));
}

void CmeEngine::take_states(StateSpace space, std::vector<double> p) noexcept {
    space_ = std::move(space);
    p_ = std::move(p);
    stale_jumps_ = true;
}

void CmeEngine::find_jumps() {
    p_.resize(space_.size(), 0.0);
    fresh_.resize(space_.size());
    generator_.build(space_, group_, factors_.size());
    stale_jumps_ = false;
    stale_rates_ = true;
}

/// `change` alters the counts of one state in place.
template <class Change>
void CmeEngine::change_states(Change&& change) {
    std::vector<Count> states;
    std::vector<double> probabilities;
    for (std::size_t state = 0; state < p_.size(); ++state) {
        if (p_[state] == 0.0) continue;
        const auto counts = space_.counts(state);
        states.insert(states.end(), counts.begin(), counts.end());
        change(std::span(states).last(counts.size()));
        probabilities.push_back(p_[state]);
    }
    settle(states, probabilities);
}

void CmeEngine::set_amount(std::size_t species, double amount) {
    const auto place = std::ranges::find(space_.counted(), species) - space_.counted().begin();
    if (static_cast<std::size_t>(place) == space_.counted().size()) {
        if (is_driven(species)) {
            refuse<InvalidArgument>("the amount of '", network_->definition().species[species].name,
                                    "' follows an input and cannot be written; change the input");
        }
        clamped_[species] = require_amount(species, amount);
        stale_rates_ = true;
        return;
    }
    const Count count = whole_count(species, amount);
    change_states([&](std::span<Count> counts) { counts[static_cast<std::size_t>(place)] = count; });
}

void CmeEngine::add_amount(std::size_t species, double amount) {
    const auto place = std::ranges::find(space_.counted(), species) - space_.counted().begin();
    if (static_cast<std::size_t>(place) == space_.counted().size())
        return set_amount(species, clamped_[species] + amount);
    const Count shift = whole_count(species, std::abs(amount)) * (amount < 0.0 ? -1 : 1);
    change_states([&](std::span<Count> counts) {
        const std::int64_t count = std::int64_t{counts[static_cast<std::size_t>(place)]} + shift;
        if (count < 0 || count > std::numeric_limits<Count>::max()) {
            refuse<InvalidArgument>("adding ", shift, " molecules makes ", count, " of '",
                                    network_->definition().species[species].name,
                                    "' in a state that is possible; counts are 0 to 2^31 - 1");
        }
        counts[static_cast<std::size_t>(place)] = static_cast<Count>(count);
    });
}

void CmeEngine::set_rate_constant(std::size_t reaction, double k) {
    const Reaction& one = network_->definition().reactions[reaction];
    if (!(k >= 0.0) || !std::isfinite(k)) {
        refuse<InvalidArgument>("the rate constant of '", one.name, "' is ", k, "; it must be finite and not negative");
    }
    if (has_driven_rate(reaction)) {
        refuse<InvalidArgument>("the rate constant of '", one.name,
                                "' follows an input and cannot be written; change the input");
    }
    k_[reaction] = k;
    stale_rates_ = true;
}

void CmeEngine::set_distribution(std::span<const double> amounts, std::span<const double> probabilities) {
    double sum = 0.0;
    for (const double p : probabilities) {
        if (!(p >= 0.0) || !std::isfinite(p))
            refuse<InvalidArgument>("a probability is ", p, "; it must be finite and not negative");
        sum += p;
    }
    if (!(std::abs(sum - 1.0) <= 1e-9))
        refuse<InvalidArgument>("the probabilities sum to ", sum, "; they must sum to 1 within 1e-9: normalise them");
    std::vector<Count> states;
    std::vector<double> shares;
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
        if (probabilities[i] < least_probability) continue;
        for (const std::size_t s : space_.counted())
            states.push_back(whole_count(s, amounts[i * network_->species_count() + s]));
        shares.push_back(probabilities[i] / sum);
    }
    settle(states, shares);
    lost_ = 0.0;
}

void CmeEngine::advance(double t_s) {
    if (!(t_s >= time_s_) || !std::isfinite(t_s)) {
        refuse<InvalidArgument>("cannot advance from ", time_s_, " s to ", t_s,
                                " s; pass a finite time that is not in the past");
    }
    while (time_s_ < t_s) {
        space_.heed_stop();
        step(std::min(t_s, next_knot_s()), t_s);
    }
}

void CmeEngine::step(double until_s, double end_s) {
    take_rates();
    const double rest = until_s - time_s_;
    if (is_steady(rest)) {
        time_s_ = until_s;
        return;
    }
    if (closed_ && !is_moving() && generator_.prefers_leap(phi_, rest)) {
        generator_.leap(phi_, rest, p_, fresh_);
        keep_mass(0.0);
        time_s_ = until_s;
        return;
    }
    const double h = generator_.longest_step_s(phi_, rest, jumps_);
    if (h < rest && time_s_ + h == time_s_) {
        refuse<NotConverged>("the cme engine stands still at ", time_s_,
                             " s: a rate is too large for the time; look for rate constants out of range");
    }
    const double allowed = closed_ ? std::numeric_limits<double>::infinity() : options_.absolute_tolerance * h / end_s;
    const auto outcome = generator_.step(phi_, h, allowed, p_, fresh_);
    if (outcome.leaks) return grow();
    retries_ = 0;
    jumps_ = std::min(2.0 * jumps_, Generator::most_jumps);
    keep_mass(outcome.leaked);
    time_s_ = h == rest ? until_s : time_s_ + h;
    if (!closed_) drop_empty();
}

// |dp/dt| never grows while the rates stay, so that no more than |dp/dt| h is missed. Rounding alone makes a few times
// epsilon x the events per second of it.
bool CmeEngine::is_steady(double h_s) noexcept {
    if (is_moving()) return false;
    const double events = generator_.slope(phi_, p_, fresh_);
    double flow = 0.0;
    for (const double change : fresh_) flow += std::abs(change);
    const bool is_rounding = flow <= 8.0 * std::numeric_limits<double>::epsilon() * events;
    return flow * h_s <= (is_rounding ? 1e-9 : 1e-12);
}

// Rounding would let the sum wander by 1e-16 a step.
void CmeEngine::keep_mass(double leaked) noexcept {
    const double before = std::accumulate(p_.begin(), p_.end(), 0.0);
    const double after = std::accumulate(fresh_.begin(), fresh_.end(), 0.0);
    const double scale = (before - leaked) / after;
    for (std::size_t state = 0; state < p_.size(); ++state)
        p_[state] = fresh_[state] < least_probability ? 0.0 : fresh_[state] * scale;
    lost_ += leaked;
}

// A step that leaks shows it the sooner, the fewer its jumps.
void CmeEngine::grow() {
    jumps_ = std::max(0.5 * jumps_, 20.0);
    const std::size_t layers = std::size_t{4} << std::min<std::size_t>(retries_++, 12);
    stale_jumps_ = true;
    space_.widen(generator_.leaking(), layers, std::max<std::size_t>(1000, 3 * space_.size()));
}

// States of together less than a thousandth of the tolerance, once they are the greater part.
void CmeEngine::drop_empty() {
    const double least = 1e-3 * options_.absolute_tolerance / static_cast<double>(space_.size());
    const auto keeps = [&](double p) { return p >= least; };
    const auto kept = static_cast<std::size_t>(std::ranges::count_if(p_, keeps));
    if (space_.size() < 1000 || 2 * kept > space_.size()) return;
    std::vector<Count> states;
    std::vector<double> probabilities;
    for (std::size_t state = 0; state < p_.size(); ++state) {
        if (!keeps(p_[state])) {
            lost_ += p_[state];
            continue;
        }
        const auto counts = space_.counts(state);
        states.insert(states.end(), counts.begin(), counts.end());
        probabilities.push_back(p_[state]);
    }
    StateSpace space(*network_, options_.max_states, options_.stop);
    const std::size_t width = space.counted().size();
    for (std::size_t i = 0; i < kept; ++i) space.add(std::span(states).subspan(i * width, width));
    take_states(std::move(space), std::move(probabilities));
}

double CmeEngine::clamped_amount(std::size_t species) const noexcept {
    for (const Input& input : options_.inputs) {
        if (input.target == Input::Target::species && input.index == species) return input.waveform.value(time_s_);
    }
    return clamped_[species];
}

void CmeEngine::amounts(std::span<double> amounts) const noexcept {
    for (std::size_t s = 0; s < amounts.size(); ++s) amounts[s] = clamped_amount(s);
    const auto counted = space_.counted();
    for (const std::size_t s : counted) amounts[s] = 0.0;
    double mass = 0.0;
    for (std::size_t state = 0; state < p_.size(); ++state) {
        mass += p_[state];
        const auto counts = space_.counts(state);
        for (std::size_t i = 0; i < counted.size(); ++i) amounts[counted[i]] += p_[state] * counts[i];
    }
    for (const std::size_t s : counted) amounts[s] /= mass * unit_;
}

double CmeEngine::variance(std::span<const double> weights) const noexcept {
    const auto counted = space_.counted();
    const auto value = [&](std::size_t state) {
        const auto counts = space_.counts(state);
        double sum = 0.0;
        for (std::size_t i = 0; i < counted.size(); ++i) sum += weights[counted[i]] * counts[i];
        return sum;
    };
    double mass = 0.0, mean = 0.0, square = 0.0;
    for (std::size_t state = 0; state < p_.size(); ++state) {
        mass += p_[state];
        mean += p_[state] * value(state);
    }
    mean /= mass;
    for (std::size_t state = 0; state < p_.size(); ++state) {
        const double distance = value(state) - mean;
        square += p_[state] * distance * distance;
    }
    return square / (mass * unit_ * unit_);
}

std::vector<std::pair<double, double>> CmeEngine::project(std::span<const double> weights,
                                                          std::span<const double> p) const {
    const auto counted = space_.counted();
    double clamped = 0.0;
    for (std::size_t s = 0; s < weights.size(); ++s) {
        if (network_->definition().species[s].fixed) clamped += weights[s] * clamped_amount(s);
    }
    std::vector<std::pair<double, double>> found;
    for (std::size_t state = 0; state < p_.size(); ++state) {
        const auto counts = space_.counts(state);
        double sum = 0.0;
        for (std::size_t i = 0; i < counted.size(); ++i) sum += weights[counted[i]] * counts[i];
        found.emplace_back(sum, p[state]);
    }
    std::ranges::stable_sort(found, {}, &std::pair<double, double>::first);
    std::size_t last = 0;
    for (std::size_t i = 1; i < found.size(); ++i) {
        if (found[i].first == found[last].first)
            found[last].second += found[i].second;
        else
            found[++last] = found[i];
    }
    found.resize(last + 1);
    for (auto& [value, probability] : found) value = value / unit_ + clamped;
    return found;
}

std::vector<std::pair<double, double>> CmeEngine::distribution(std::span<const double> weights) const {
    return project(weights, p_);
}

std::vector<std::pair<double, double>> CmeEngine::distribution_slope(std::span<const double> weights) {
    take_rates();
    generator_.slope(phi_, p_, fresh_);
    return project(weights, fresh_);
}

}  // namespace nubridge::chemistry
