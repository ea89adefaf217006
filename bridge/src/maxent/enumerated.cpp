#include "maxent/enumerated.hpp"

#include <algorithm>
#include <cmath>

#include "maxent/random_numbers.hpp"

namespace nubridge::maxent {

void normalise(std::span<const double> log_weights, WeightedStates& law) {
    const double largest = *std::max_element(log_weights.begin(), log_weights.end());
    law.probabilities.resize(log_weights.size());
    double sum = 0.0;
    for (std::size_t i = 0; i < log_weights.size(); ++i)
        sum += law.probabilities[i] = std::exp(log_weights[i] - largest);
    for (double& p : law.probabilities) p /= sum;
    law.log_partition = largest + std::log(sum);
}

double EnumeratedFamily::log_partition(std::span<const double> nu) const {
    return states(nu).log_partition;
}

void EnumeratedFamily::moments(std::span<const double> nu, std::span<double> moments) const {
    const WeightedStates law = states(nu);
    std::fill(moments.begin(), moments.end(), 0.0);
    for (std::size_t i = 0; i < law.size(); ++i) {
        for (std::size_t a = 0; a < nu_count(); ++a)
            moments[a] += law.probabilities[i] * law.statistics[i * nu_count() + a];
    }
}

void EnumeratedFamily::fisher(std::span<const double> nu, std::span<double> fisher) const {
    const WeightedStates law = states(nu);
    const std::size_t n = nu_count();
    std::vector<double> mean(n, 0.0), centred(n);
    for (std::size_t i = 0; i < law.size(); ++i) {
        for (std::size_t a = 0; a < n; ++a) mean[a] += law.probabilities[i] * law.statistics[i * n + a];
    }
    std::fill(fisher.begin(), fisher.end(), 0.0);
    for (std::size_t i = 0; i < law.size(); ++i) {
        for (std::size_t a = 0; a < n; ++a) centred[a] = law.statistics[i * n + a] - mean[a];
        for (std::size_t a = 0; a < n; ++a) {
            for (std::size_t b = 0; b < n; ++b) fisher[a * n + b] += law.probabilities[i] * centred[a] * centred[b];
        }
    }
}

void EnumeratedFamily::sample(std::span<const double> nu, std::uint64_t seed, std::span<double> samples) const {
    const WeightedStates law = states(nu);
    std::vector<double> below(law.size());
    double sum = 0.0;
    for (std::size_t i = 0; i < law.size(); ++i) below[i] = sum += law.probabilities[i];
    Uniform uniform(seed);
    const auto size = static_cast<std::ptrdiff_t>(state_size());
    for (auto to = samples.begin(); to != samples.end(); to += size) {
        const auto found = std::upper_bound(below.begin(), below.end() - 1, uniform() * sum) - below.begin();
        std::copy_n(law.states.begin() + found * size, size, to);
    }
}

}  // namespace nubridge::maxent
