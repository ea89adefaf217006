#include "maxent/categorical.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include "maxent/random_numbers.hpp"
#include "units/error.hpp"

namespace nubridge::maxent {

namespace {

std::vector<std::string> numbered(std::size_t states) {
    std::vector<std::string> names;
    for (std::size_t state = 0; state < states; ++state) names.push_back("state" + std::to_string(state));
    return names;
}

}  // namespace

Categorical::Categorical(std::size_t states, Sign sign) : Categorical(numbered(states), sign) {}

Categorical::Categorical(std::vector<std::string> names, Sign sign)
    : states_(names.size()), names_(std::move(names)), sign_(sign), sign_factor_(factor(sign)) {
    if (states_ < 2) {
        throw InvalidArgument("a categorical family has " + std::to_string(states_) +
                              " states; it needs at least 2: name them in \"states\"");
    }
}

// The exponent of the reference state is 0, so the largest is never below it: no overflow, and exp(-inf) = 0 for an
// empty state.
double Categorical::largest_exponent(std::span<const double> nu) const noexcept {
    double largest = 0.0;
    for (const double nu_a : nu) largest = std::max(largest, sign_factor_ * nu_a);
    return largest;
}

double Categorical::log_partition(std::span<const double> nu) const noexcept {
    assert(nu.size() == nu_count());
    const double shift = largest_exponent(nu);
    double sum = std::exp(-shift);
    for (const double nu_a : nu) sum += std::exp(sign_factor_ * nu_a - shift);
    return shift + std::log(sum);
}

void Categorical::moments(std::span<const double> nu, std::span<double> moments) const noexcept {
    assert(nu.size() == nu_count() && moments.size() == moment_count());
    const double shift = largest_exponent(nu);
    double sum = moments[0] = std::exp(-shift);
    for (std::size_t a = 1; a < states_; ++a) sum += moments[a] = std::exp(sign_factor_ * nu[a - 1] - shift);
    const double scale = 1.0 / sum;
    for (double& moment : moments) moment *= scale;
}

void Categorical::from_moments(std::span<const double> moments, std::span<double> nu) const noexcept {
    assert(nu.size() == nu_count() && moments.size() == moment_count());
    const double log_reference = std::log(moments[0]);
    for (std::size_t a = 1; a < states_; ++a) nu[a - 1] = sign_factor_ * (std::log(moments[a]) - log_reference);
}

void Categorical::fisher(std::span<const double> nu, std::span<double> fisher) const noexcept {
    assert(fisher.size() == nu_count() * nu_count());
    const double log_z = log_partition(nu);
    for (std::size_t a = 0; a < nu_count(); ++a) {
        const double p_a = std::exp(sign_factor_ * nu[a] - log_z);
        for (std::size_t b = 0; b < nu_count(); ++b) {
            const double p_b = std::exp(sign_factor_ * nu[b] - log_z);
            fisher[a * nu_count() + b] = (a == b ? p_a : 0.0) - p_a * p_b;
        }
    }
}

double Categorical::expectation(std::span<const double> nu, std::span<const double> value_of_state) const noexcept {
    assert(value_of_state.size() == states_);
    const double log_z = log_partition(nu);
    double sum = value_of_state[0] * std::exp(-log_z);
    for (std::size_t a = 1; a < states_; ++a) sum += value_of_state[a] * std::exp(sign_factor_ * nu[a - 1] - log_z);
    return sum;
}

template <class Number>
void Categorical::sample_as(std::span<const double> nu, std::uint64_t seed, std::span<Number> samples) const {
    const double log_z = log_partition(nu);
    Uniform uniform(seed);
    for (Number& sample : samples) {
        double remaining = uniform() - std::exp(-log_z);
        std::size_t state = 0;
        while (remaining >= 0.0 && state + 1 < states_) remaining -= std::exp(sign_factor_ * nu[state++] - log_z);
        sample = static_cast<Number>(state);
    }
}

void Categorical::sample(std::span<const double> nu, std::uint64_t seed, std::span<double> samples) const {
    for (std::size_t a = 0; a < nu.size(); ++a) {
        if (std::isnan(nu[a])) {
            throw InvalidArgument("nu of '" + names_[a + 1] +
                                  "' is not a number, so that there are no probabilities to sample from; look for what "
                                  "wrote it");
        }
    }
    sample_as(nu, seed, samples);
}

void Categorical::sample(std::span<const double> nu, std::uint64_t seed, std::span<std::int32_t> samples) const {
    sample_as(nu, seed, samples);
}

WeightedStates Categorical::states(std::span<const double> nu) const {
    WeightedStates law{std::vector<double>(states_), std::vector<double>(states_ * nu_count()),
                       std::vector<double>(states_), log_partition(nu)};
    moments(nu, law.probabilities);
    for (std::size_t state = 0; state < states_; ++state) {
        law.states[state] = static_cast<double>(state);
        statistics({&law.states[state], 1}, {law.statistics.data() + state * nu_count(), nu_count()});
    }
    return law;
}

void Categorical::statistics(std::span<const double> state, std::span<double> statistics) const {
    std::fill(statistics.begin(), statistics.end(), 0.0);
    if (state[0] >= 1.0) statistics[static_cast<std::size_t>(state[0]) - 1] = 1.0;
}

bool Categorical::supports(std::span<const double> state) const {
    return state[0] >= 0.0 && state[0] < static_cast<double>(states_);
}

}  // namespace nubridge::maxent
