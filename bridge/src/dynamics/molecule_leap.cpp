#include "dynamics/molecule_leap.hpp"

#include <algorithm>
#include <cmath>

#include "chemistry/random_counts.hpp"
#include "units/units.hpp"

namespace nubridge::dynamics {

namespace {

constexpr std::size_t max_states = MassAction::max_states;
/// Of a leap times the fastest rate.
constexpr double longest_leap = 0.1;

}  // namespace

MoleculeLeap::MoleculeLeap(const MassActionDefinition& definition)
    : states_(definition.states.size()), inputs_(definition.inputs.size()), totals_(definition.totals) {
    for (std::size_t state = 0; state < states_; ++state) {
        Source source{state, channels_.size(), 0};
        for (const MassActionReaction& one : definition.reactions) {
            if (one.first != state) continue;
            Channel channel;
            channel.second = one.second.value_or(states_);
            channel.input = one.input.value_or(inputs_);
            channel.rate_constant = one.rate_constant;
            channel.takes_two = one.second == one.first;
            channel.change_begin = changes_.size();
            changes_.insert(changes_.end(), one.changes.begin(), one.changes.end());
            channel.change_end = changes_.size();
            channels_.push_back(channel);
        }
        source.end = channels_.size();
        if (source.end > source.begin) sources_.push_back(source);
    }
}

void MoleculeLeap::round(double volume_um3, chemistry::RandomStream& random, double* x) const noexcept {
    const double per_uM = units::molecules_of_uM(1.0, volume_um3);
    bool is_start[max_states] = {};
    double left[MassAction::max_inputs] = {};
    for (std::size_t k = 0; k < totals_.size(); ++k) {
        double total_uM = 0.0;
        for (std::size_t i = 0; i < states_; ++i) total_uM += totals_[k].weights[i] * x[i];
        left[k] = std::round(total_uM * per_uM);
        is_start[totals_[k].start] = true;
    }
    for (std::size_t i = 0; i < states_; ++i) {
        if (is_start[i]) continue;
        const double count = std::floor(x[i] * per_uM + random.next().uniform);
        for (std::size_t k = 0; k < totals_.size(); ++k) left[k] -= totals_[k].weights[i] * count;
        x[i] = count / per_uM;
    }
    for (std::size_t k = 0; k < totals_.size(); ++k) x[totals_[k].start] = std::max(0.0, left[k]) / per_uM;
}

double MoleculeLeap::rate(const Channel& channel, std::size_t state, const double* inputs, double per_uM,
                          const double* counts) const noexcept {
    double rate = channel.rate_constant;
    if (channel.input < inputs_) rate *= inputs[channel.input];
    if (channel.takes_two) return rate * std::max(0.0, counts[state] - 1.0) / per_uM;
    return channel.second < states_ ? rate * counts[channel.second] / per_uM : rate;
}

void MoleculeLeap::fire(const Channel& channel, double times, double* counts) const noexcept {
    for (std::size_t i = channel.change_begin; i < channel.change_end; ++i)
        counts[changes_[i].state] += times * changes_[i].count;
}

void MoleculeLeap::once(const double* inputs, double h_ms, double per_uM, chemistry::RandomStream& random,
                        double* counts) const noexcept {
    double begin[max_states];
    std::copy_n(counts, states_, begin);
    const auto probability = [&](std::size_t channel, std::size_t state) {
        return h_ms * rate(channels_[channel], state, inputs, per_uM, begin);
    };
    for (const Source& source : sources_) {
        double there = std::min(begin[source.state], counts[source.state]);  // others may have taken some
        double leaving = 0.0;
        for (std::size_t c = source.begin; there > 0.0 && c < source.end; ++c) leaving += probability(c, source.state);
        double gone = there > 0.0 ? chemistry::binomial(random, there, std::min(1.0, leaving)) : 0.0;
        for (std::size_t c = source.begin; gone > 0.0 && c < source.end; ++c) {
            const Channel& channel = channels_[c];
            const double own = probability(c, source.state), share = std::min(1.0, own / leaving);
            const double chosen = c + 1 == source.end ? gone : chemistry::binomial(random, gone, share);
            leaving -= own;
            gone -= chosen;
            double times = chosen;
            if (channel.takes_two) times = std::min(chosen, std::floor(0.5 * counts[source.state]));
            if (!channel.takes_two && channel.second < states_) times = std::min(chosen, counts[channel.second]);
            fire(channel, times, counts);
        }
    }
}

void MoleculeLeap::leap(const double* inputs, double dt_ms, double fastest_per_ms, double volume_um3,
                        chemistry::RandomStream& random, double* x) const noexcept {
    double counts[max_states];
    const double per_uM = units::molecules_of_uM(1.0, volume_um3);
    for (std::size_t i = 0; i < states_; ++i) counts[i] = std::round(x[i] * per_uM);
    const double leaps = std::max(1.0, std::ceil(dt_ms * fastest_per_ms / longest_leap));
    for (double leap = 0.0; leap < leaps; leap += 1.0) once(inputs, dt_ms / leaps, per_uM, random, counts);
    for (std::size_t i = 0; i < states_; ++i) x[i] = counts[i] / per_uM;
}

}  // namespace nubridge::dynamics
