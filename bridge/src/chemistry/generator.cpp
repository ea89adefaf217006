#include "chemistry/generator.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace nubridge::chemistry {

namespace {

/// How much the majorant of the series may pass the series, as a logarithm: it costs that many digits.
constexpr double most_excess = 4.0;
/// Probability that the end of the series may hold.
constexpr double cut_off = 1e-16;

}  // namespace

void Polynomial::multiply(const Polynomial& other) noexcept {
    std::array<double, max_degree + 1> product{};
    for (std::size_t i = 0; i <= degree; ++i) {
        for (std::size_t j = 0; j <= other.degree; ++j) product[i + j] += c[i] * other.c[j];
    }
    c = product;
    degree += other.degree;
}

double Polynomial::swing(double width) const noexcept {
    double sum = 0.0, power = 1.0;
    for (std::size_t j = 1; j <= degree; ++j) sum += std::abs(c[j]) * (power *= width);
    return sum;
}

double Polynomial::bound(double width) const noexcept {
    return std::abs(c[0]) + swing(width);
}

void Generator::build(const StateSpace& space, std::span<const std::uint32_t> group, std::size_t groups) {
    space_ = &space;
    states_ = space.size();
    groups_.assign(groups, {});
    std::vector<std::vector<Jump>> jumps(groups);
    std::vector<StateSpace::Count> after(space.counted().size());
    for (std::size_t state = 0; state < states_; ++state) {
        if (state % 1024 == 0) space.heed_stop();
        const auto before = space.counts(state);
        for (std::size_t r = 0; r < space.reaction_count(); ++r) {
            const double ways = space.ways(r, before);
            if (ways == 0.0) continue;
            space.fire(r, before, after);
            jumps[group[r]].push_back(
                {static_cast<std::uint32_t>(state), space.find(after), static_cast<std::uint32_t>(r), ways});
        }
    }
    for (std::size_t g = 0; g < groups; ++g) take(groups_[g], states_, jumps[g]);
    sum_.resize(states_);
    mixed_.resize(states_);
}

void Generator::take(Group& group, std::size_t states, const std::vector<Jump>& jumps) {
    group.first.assign(states + 1, 0);
    for (const Jump& jump : jumps) {
        if (jump.to == StateSpace::none)
            group.outward.push_back(jump);
        else
            ++group.first[jump.to + 1];
    }
    std::partial_sum(group.first.begin(), group.first.end(), group.first.begin());
    const std::size_t count = jumps.size() - group.outward.size();
    group.from.resize(count);
    group.reaction.resize(count);
    group.ways.resize(count);
    group.rate.assign(count, 0.0);
    auto next = group.first;
    for (const Jump& jump : jumps) {
        if (jump.to == StateSpace::none) continue;
        const std::size_t at = next[jump.to]++;
        group.from[at] = jump.from;
        group.reaction[at] = jump.reaction;
        group.ways[at] = jump.ways;
    }
    group.outward_rate.assign(group.outward.size(), 0.0);
    group.leaving.assign(states, 0.0);
}

void Generator::set_coefficients(std::span<const double> coefficients) noexcept {
    for (Group& group : groups_) {
        std::fill(group.leaving.begin(), group.leaving.end(), 0.0);
        for (std::size_t i = 0; i < group.rate.size(); ++i) {
            group.rate[i] = coefficients[group.reaction[i]] * group.ways[i];
            group.leaving[group.from[i]] += group.rate[i];
        }
        for (std::size_t i = 0; i < group.outward.size(); ++i) {
            group.outward_rate[i] = coefficients[group.outward[i].reaction] * group.outward[i].ways;
            group.leaving[group.outward[i].from] += group.outward_rate[i];
        }
        group.fastest = group.leaving.empty() ? 0.0 : std::ranges::max(group.leaving);
    }
}

std::size_t Generator::jump_count() const noexcept {
    std::size_t count = 0;
    for (const Group& group : groups_) count += group.from.size() + group.outward.size();
    return count;
}

double Generator::uniform_rate(std::span<const Polynomial> phi, double h_s) const noexcept {
    double fastest = 0.0;
    for (std::size_t state = 0; state < states_; ++state) {
        double leaving = 0.0;
        for (std::size_t g = 0; g < groups_.size(); ++g) leaving += phi[g].bound(h_s) * groups_[g].leaving[state];
        fastest = std::max(fastest, leaving);
    }
    return fastest;
}

double Generator::longest_step_s(std::span<const Polynomial> phi, double h_s, double jumps_allowed) const noexcept {
    for (;;) {
        double swing = 0.0;
        for (std::size_t g = 0; g < groups_.size(); ++g) swing += groups_[g].fastest * phi[g].swing(h_s);
        const double excess = 2.0 * swing * h_s / most_excess;
        const double jumps = uniform_rate(phi, h_s) * h_s / jumps_allowed;
        if (excess <= 1.0 && jumps <= 1.0) return h_s;
        h_s *= std::clamp(0.99 / std::max(std::sqrt(excess), jumps), 0.01, 0.99);
    }
}

double Generator::slope(std::span<const Polynomial> phi, std::span<const double> p,
                        std::span<double> dpdt) const noexcept {
    std::fill(dpdt.begin(), dpdt.end(), 0.0);
    double events = 0.0;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
        const Group& group = groups_[g];
        for (std::size_t to = 0; to < states_; ++to) {
            const double leaving = group.leaving[to] * p[to];
            double inflow = 0.0;
            for (std::size_t i = group.first[to]; i < group.first[to + 1]; ++i)
                inflow += group.rate[i] * p[group.from[i]];
            dpdt[to] += phi[g].c[0] * (inflow - leaving);
            events += phi[g].c[0] * leaving;
        }
    }
    return events;
}

// The norms |U_k| obey (k+1) |U_{k+1}| <= h SUM_j b_j |U_{k-j}|, b_0 = q, b_j = the norm of B_j h^j. Once k passes
// h SUM b, the largest of degree + 1 neighbours falls by the ratio every degree + 1 terms.
std::size_t Generator::terms_needed(std::span<const Polynomial> phi, double q, double h_s) const noexcept {
    std::array<double, Polynomial::max_degree + 1> b{q}, norms{1.0};
    std::size_t lags = 1;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
        lags = std::max(lags, phi[g].degree + 1);
        double power = 1.0;
        for (std::size_t j = 1; j <= phi[g].degree; ++j)
            b[j] += 2.0 * groups_[g].fastest * std::abs(phi[g].c[j]) * (power *= h_s);
    }
    const double sum_b = std::accumulate(b.begin(), b.end(), 0.0);
    const double small = cut_off * std::exp(q * h_s) / static_cast<double>(lags);
    for (std::size_t k = 0;; ++k) {
        const double ratio = h_s * sum_b / static_cast<double>(k + 1);
        const double largest = std::ranges::max(std::span(norms).first(lags));
        if (ratio < 0.9 && largest * ratio <= small * (1.0 - ratio)) return k;
        const double next =
            h_s / static_cast<double>(k + 1) * std::inner_product(b.begin(), b.end(), norms.begin(), 0.0);
        std::shift_right(norms.begin(), norms.end(), 1);
        norms[0] = next;
    }
}

void Generator::start(std::span<const Polynomial> phi, std::span<const double> p) {
    std::size_t degree = 0;
    for (const Polynomial& one : phi) degree = std::max(degree, one.degree);
    if (history_.size() < degree + 2) history_.resize(degree + 2);
    for (auto& term : history_) term.resize(states_);
    history_sink_.assign(history_.size(), 0.0);
    std::copy(p.begin(), p.end(), history_[0].begin());
    std::copy(p.begin(), p.end(), sum_.begin());
    sum_sink_ = 0.0;
}

std::span<const double> Generator::combined(const Polynomial& phi, double h_s, std::size_t k) noexcept {
    double power = 1.0;
    for (std::size_t j = 0; j <= std::min(phi.degree, k); ++j, power *= h_s) {
        const double weight = phi.c[j] * power;
        const auto& term = history_[(k - j) % history_.size()];
        if (j == 0) {
            for (std::size_t state = 0; state < states_; ++state) mixed_[state] = weight * term[state];
        } else {
            for (std::size_t state = 0; state < states_; ++state) mixed_[state] += weight * term[state];
        }
    }
    return mixed_;
}

void Generator::next_term(std::span<const Polynomial> phi, double q, double h_s, std::size_t k) noexcept {
    const auto& before = history_[k % history_.size()];
    auto& after = history_[(k + 1) % history_.size()];
    const double scale = h_s / static_cast<double>(k + 1);
    double sink = q * history_sink_[k % history_.size()];
    for (std::size_t g = 0; g < groups_.size(); ++g) {
        const Group& group = groups_[g];
        const bool moves = phi[g].degree > 0;
        const auto w = moves ? combined(phi[g], h_s, k) : std::span<const double>(before);
        const double factor = moves ? 1.0 : phi[g].c[0];
        const double stay = g == 0 ? q : 0.0;
        for (std::size_t to = 0; to < states_; ++to) {
            double inflow = 0.0;
            for (std::size_t i = group.first[to]; i < group.first[to + 1]; ++i)
                inflow += group.rate[i] * w[group.from[i]];
            const double change = stay * before[to] + factor * (inflow - group.leaving[to] * w[to]);
            after[to] = g == 0 ? scale * change : after[to] + scale * change;
        }
        for (std::size_t i = 0; i < group.outward.size(); ++i)
            sink += factor * group.outward_rate[i] * w[group.outward[i].from];
    }
    for (std::size_t state = 0; state < states_; ++state) sum_[state] += after[state];
    history_sink_[(k + 1) % history_.size()] = scale * sink;
    sum_sink_ += scale * sink;
}

Generator::Outcome Generator::step(std::span<const Polynomial> phi, double h_s, double allowed,
                                   std::span<const double> p, std::span<double> out) {
    const double q = uniform_rate(phi, h_s);
    const std::size_t terms = terms_needed(phi, q, h_s);
    const double weight = std::exp(-q * h_s);
    start(phi, p);
    for (std::size_t k = 0; k < terms; ++k) {
        space_->heed_stop();
        next_term(phi, q, h_s, k);
        ++terms_;
        if (sum_sink_ * weight > allowed) return {sum_sink_ * weight, true};
    }
    for (std::size_t state = 0; state < states_; ++state) out[state] = std::max(weight * sum_[state], 0.0);
    return {std::max(sum_sink_ * weight, 0.0), false};
}

bool Generator::prefers_leap(std::span<const Polynomial> phi, double h_s) const noexcept {
    constexpr std::size_t most_states = 400;
    const double jumps = uniform_rate(phi, h_s) * h_s;
    if (states_ > most_states || jumps < most_jumps) return false;
    const auto states = static_cast<double>(states_);
    return jumps * static_cast<double>(jump_count()) > states * states * states * std::log2(jumps);
}

void Generator::leap(std::span<const Polynomial> phi, double h_s, std::span<const double> p, std::span<double> out) {
    const int squarings = std::max(0, static_cast<int>(std::ceil(std::log2(uniform_rate(phi, h_s) * h_s))));
    matrix_.resize(states_ * states_);
    std::vector<double> start_state(states_);
    for (std::size_t from = 0; from < states_; ++from) {
        std::fill(start_state.begin(), start_state.end(), 0.0);
        start_state[from] = 1.0;
        step(phi, std::ldexp(h_s, -squarings), std::numeric_limits<double>::infinity(), start_state,
             std::span(matrix_).subspan(from * states_, states_));
    }
    for (int i = 0; i < squarings; ++i) square();
    std::fill(out.begin(), out.end(), 0.0);
    for (std::size_t from = 0; from < states_; ++from) {
        for (std::size_t to = 0; to < states_; ++to) out[to] += matrix_[from * states_ + to] * p[from];
    }
}

void Generator::square() {
    product_.assign(matrix_.size(), 0.0);
    for (std::size_t from = 0; from < states_; ++from) {
        space_->heed_stop();
        double* column = product_.data() + from * states_;
        double sum = 0.0;
        for (std::size_t by = 0; by < states_; ++by) {
            const double weight = matrix_[from * states_ + by];
            const double* other = matrix_.data() + by * states_;
            for (std::size_t to = 0; to < states_; ++to) column[to] += other[to] * weight;
        }
        for (std::size_t to = 0; to < states_; ++to) sum += column[to];
        for (std::size_t to = 0; to < states_; ++to) column[to] = column[to] / sum;
    }
    matrix_.swap(product_);
}

std::vector<std::uint32_t> Generator::leaking() const {
    std::vector<double> share(states_, 0.0);
    for (const Group& group : groups_) {
        for (std::size_t i = 0; i < group.outward.size(); ++i)
            share[group.outward[i].from] += group.outward_rate[i] * std::abs(sum_[group.outward[i].from]);
    }
    const double least = 1e-4 * (states_ == 0 ? 0.0 : std::ranges::max(share));
    std::vector<std::uint32_t> found;
    for (std::size_t state = 0; state < states_; ++state) {
        if (share[state] > 0.0 && share[state] >= least) found.push_back(static_cast<std::uint32_t>(state));
    }
    return found;
}

}  // namespace nubridge::chemistry
