#include "chemistry/neural_cme.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

double sum_of(std::span<const double> p) noexcept {
    return std::accumulate(p.begin(), p.end(), 0.0);
}

void normalise(std::span<double> p) noexcept {
    const double scale = 1.0 / sum_of(p);
    for (double& one : p) one *= scale;
}

/// Calls `body(low, high)` with the two states of each pair that differ in this bit.
template <class Body>
void each_pair(std::size_t states, std::size_t bit, const Body& body) {
    const std::size_t stride = std::size_t{1} << bit;
    for (std::size_t block = 0; block < states; block += 2 * stride) {
        for (std::size_t low = block; low < block + stride; ++low) body(low, low + stride);
    }
}

void heed(const std::atomic<bool>& stop) {
    if (stop.load(std::memory_order_relaxed)) refuse<Stopped>("stopped inside the master equation");
}

}  // namespace

NeuralCme::NeuralCme(const NeuralNetwork& network) : neurons_(network.size()), decay_per_s_(network.decay_per_s()) {
    if (neurons_ > most_neurons) {
        refuse<InvalidArgument>("the network has ", neurons_, " neurons; the master equation takes at most ",
                                most_neurons, ": use exact runs (simulate)");
    }
    up_per_s_.resize(neurons_ * states());
    std::vector<std::uint8_t> pattern(neurons_);
    std::vector<double> currents(neurons_);
    for (std::size_t state = 0; state < states(); ++state) {
        for (std::size_t i = 0; i < neurons_; ++i) pattern[i] = static_cast<std::uint8_t>((state >> i) & 1U);
        network.currents(pattern, currents);
        double leaving = 0.0;
        for (std::size_t i = 0; i < neurons_; ++i) {
            if (pattern[i] == 0) up_per_s_[i * states() + state] = network.rate_per_s(currents[i]);
            leaving += pattern[i] == 0 ? up_per_s_[i * states() + state] : decay_per_s_;
        }
        fastest_per_s_ = std::max(fastest_per_s_, leaving);
    }
}

double NeuralCme::slope(std::span<const double> p, std::span<double> dpdt) const noexcept {
    std::ranges::fill(dpdt, 0.0);
    double events = 0.0;
    for (std::size_t i = 0; i < neurons_; ++i) {
        const double* up = up_per_s_.data() + i * states();
        each_pair(states(), i, [&](std::size_t low, std::size_t high) {
            const double rise = up[low] * p[low], fall = decay_per_s_ * p[high];
            dpdt[low] += fall - rise;
            dpdt[high] += rise - fall;
            events += rise + fall;
        });
    }
    return events;
}

// |dp/dt| never grows, so that no more than |dp/dt| h is missed.
bool NeuralCme::is_at_rest(std::span<const double> p, double h_s) const {
    std::vector<double> dpdt(states());
    const double events = slope(p, dpdt);
    double flow = 0.0;
    for (const double one : dpdt) flow += std::abs(one);
    const bool is_rounding = flow <= 8.0 * epsilon * events;
    return flow * h_s <= (is_rounding ? 1e-9 : 1e-13);
}

void NeuralCme::advance(double h_s, std::span<double> p, const std::atomic<bool>& stop) const {
    constexpr double most_jumps = 400.0;  // exp of more might underflow
    const double longest_s = most_jumps / fastest_per_s_;
    while (h_s > 0.0 && !is_at_rest(p, h_s)) {
        const double now_s = std::min(h_s, longest_s);
        step(now_s, p, stop);
        h_s -= now_s;
    }
}

void NeuralCme::step(double h_s, std::span<double> p, const std::atomic<bool>& stop) const {
    constexpr double cut_off = 1e-16;
    const double jumps = fastest_per_s_ * h_s;
    std::vector<double> term(p.begin(), p.end()), dpdt(states());
    double weight = std::exp(-jumps);
    for (double& one : p) one *= weight;
    for (double k = 1.0;; ++k) {
        heed(stop);
        slope(term, dpdt);
        weight *= jumps / k;
        for (std::size_t state = 0; state < states(); ++state) {
            term[state] = std::max(term[state] + dpdt[state] / fastest_per_s_, 0.0);
            p[state] += weight * term[state];
        }
        const double ratio = jumps / (k + 1.0);
        if (ratio < 0.9 && weight * ratio <= cut_off * (1.0 - ratio)) break;
    }
    normalise(p);
}

void NeuralCme::mark_reachable(std::span<double> p) const {
    std::ranges::fill(p, 0.0);
    p[0] = 1.0;
    std::vector<std::size_t> open{0};
    while (!open.empty()) {
        const std::size_t state = open.back();
        open.pop_back();
        for (std::size_t i = 0; i < neurons_; ++i) {
            const std::size_t other = state ^ (std::size_t{1} << i);
            const bool decays = other < state;
            if (p[other] != 0.0 || (!decays && up_per_s_[i * states() + state] == 0.0)) continue;
            p[other] = 1.0;
            open.push_back(other);
        }
    }
    normalise(p);
}

void NeuralCme::sweep(Level& level, bool upwards) const noexcept {
    const std::size_t states = level.p.size();
    for (std::size_t n = 0; n < states; ++n) {
        const std::size_t state = upwards ? n : states - 1 - n;
        double inflow = 0.0, leaving = 0.0;
        for (std::size_t i = 0; i < level.neurons; ++i) {
            const std::size_t bit = std::size_t{1} << i, other = state ^ bit;
            const double* up = level.up_per_s.data() + i * states;
            const bool is_set = (state & bit) != 0;
            inflow += is_set ? up[other] * level.p[other] : decay_per_s_ * level.p[other];
            leaving += is_set ? decay_per_s_ : up[state];
        }
        level.p[state] = inflow / leaving;
    }
}

void NeuralCme::coarsen(const Level& fine, Level& coarse) const {
    const std::size_t half = fine.p.size() / 2;
    coarse.neurons = fine.neurons - 1;
    coarse.p.resize(half);
    coarse.up_per_s.resize(coarse.neurons * half);
    for (std::size_t state = 0; state < half; ++state) {
        const double low = fine.p[state], high = fine.p[state + half], sum = low + high;
        const double share = sum > 0.0 ? high / sum : 0.5;
        coarse.p[state] = sum;
        for (std::size_t i = 0; i < coarse.neurons; ++i) {
            const double* up = fine.up_per_s.data() + i * fine.p.size();
            coarse.up_per_s[i * half + state] = (1.0 - share) * up[state] + share * up[state + half];
        }
    }
}

void NeuralCme::cycle(std::span<Level> levels) const {
    Level& fine = levels.front();
    if (fine.neurons == 1) {
        const double up = fine.up_per_s[0];
        fine.p = {decay_per_s_ / (decay_per_s_ + up), up / (decay_per_s_ + up)};
        return;
    }
    sweep(fine, true);
    Level& coarse = levels[1];
    coarsen(fine, coarse);
    const std::vector<double> before = coarse.p;
    cycle(levels.subspan(1));
    const std::size_t half = before.size();
    for (std::size_t state = 0; state < fine.p.size(); ++state) {
        const std::size_t rest = state % half;
        if (before[rest] > 0.0) fine.p[state] *= coarse.p[rest] / before[rest];
    }
    sweep(fine, false);
}

// The number of active neurons is a birth-death chain, whose law is a product of ratios.
void NeuralCme::balance_counts(std::span<double> p) const {
    std::vector<double> before(neurons_ + 1), rises_per_s(neurons_ + 1);
    for (std::size_t state = 0; state < states(); ++state) {
        const auto count = static_cast<std::size_t>(std::popcount(state));
        before[count] += p[state];
        for (std::size_t i = 0; i < neurons_; ++i) rises_per_s[count] += p[state] * up_per_s_[i * states() + state];
    }
    std::vector<double> after{1.0};
    for (std::size_t count = 0; count < neurons_; ++count) {
        const double rise_per_s = before[count] > 0.0 ? rises_per_s[count] / before[count] : 0.0;
        after.push_back(after[count] * rise_per_s / (decay_per_s_ * static_cast<double>(count + 1)));
    }
    for (std::size_t state = 0; state < states(); ++state) {
        const auto count = static_cast<std::size_t>(std::popcount(state));
        if (before[count] > 0.0) p[state] *= after[count] / before[count];
    }
    normalise(p);
}

void NeuralCme::steady(std::span<double> p, const std::atomic<bool>& stop) const {
    constexpr int most_cycles = 2000;
    const double close = 16.0 * epsilon * static_cast<double>(neurons_);  // dp/dt sums 2 N terms a state
    std::vector<Level> levels(neurons_);
    levels[0] = {neurons_, up_per_s_, std::vector<double>(states())};
    mark_reachable(levels[0].p);
    std::vector<double> dpdt(states());
    double residual = levels[0].p[0] == 1.0 ? 0.0 : 1.0;
    for (int done = 0; done < most_cycles && residual > close; ++done) {
        heed(stop);
        cycle(levels);
        balance_counts(levels[0].p);
        sweep(levels[0], true);
        normalise(levels[0].p);
        const double events = slope(levels[0].p, dpdt);
        residual = 0.0;
        for (const double one : dpdt) residual += std::abs(one) / events;
    }
    if (residual > close) {
        refuse<NotConverged>("the steady state still moves by ", residual, " of its events after ", most_cycles,
                             " cycles; take the distribution at a late time instead");
    }
    std::ranges::copy(levels[0].p, p.begin());
}

}  // namespace nubridge::chemistry
