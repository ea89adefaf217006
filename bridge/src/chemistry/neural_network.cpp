#include "chemistry/neural_network.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

void require_rates(const NeuralRates& rates) {
    if (!(rates.decay_per_s > 0.0) || !std::isfinite(rates.decay_per_s))
        refuse<InvalidArgument>("decay_per_s is ", rates.decay_per_s, "; it must be finite and positive");
    if (!(rates.max_rate_per_s >= 0.0) || !std::isfinite(rates.max_rate_per_s))
        refuse<InvalidArgument>("max_rate_per_s is ", rates.max_rate_per_s, "; it must be finite and not negative");
    if (!(rates.gain > 0.0) || !std::isfinite(rates.gain))
        refuse<InvalidArgument>("gain is ", rates.gain, "; it must be finite and positive");
    if (!std::isfinite(rates.threshold)) refuse<InvalidArgument>("threshold is ", rates.threshold, "; pass a number");
    if (rates.response != NeuralResponse::logistic && rates.response != NeuralResponse::rectified_tanh) {
        refuse<InvalidArgument>("there is no response ", static_cast<int>(rates.response),
                                "; they are 0 (logistic) and 1 (tanh)");
    }
}

}  // namespace

NeuralNetwork::NeuralNetwork(std::span<const double> weights, std::span<const double> inputs, const NeuralRates& rates)
    : rates_(rates), inputs_(inputs.begin(), inputs.end()) {
    if (inputs.empty()) refuse<InvalidArgument>("there is no neuron; pass at least one");
    require_rates(rates);
    if (weights.size() != size() * size())
        refuse<InvalidArgument>("there are ", weights.size(), " weights for ", size(), " neurons; pass ", size(), " x ",
                                size());
    for (std::size_t i = 0; i < size(); ++i) {
        if (!std::isfinite(inputs[i]))
            refuse<InvalidArgument>("the input of neuron ", i, " is ", inputs[i], "; pass finite numbers");
        for (std::size_t j = 0; j < size(); ++j) {
            const double weight = weights[i * size() + j];
            if (!std::isfinite(weight))
                refuse<InvalidArgument>("the weight of neuron ", i, " from neuron ", j, " is ", weight,
                                        "; pass finite numbers");
        }
    }
    find_bounds(weights);
    keep_weights(weights);
}

// The most that k active neurons can bring to a neuron is the sum of its k largest weights, if positive.
void NeuralNetwork::find_bounds(std::span<const double> weights) {
    std::vector<double> highest(size() + 1, -std::numeric_limits<double>::infinity()), positive;
    for (std::size_t i = 0; i < size(); ++i) {
        const auto row = weights.subspan(i * size(), size());
        positive.clear();
        std::ranges::copy_if(row, std::back_inserter(positive), [](double w) { return w > 0.0; });
        std::ranges::sort(positive, std::greater{});
        double current = inputs_[i];
        for (std::size_t k = 0; k <= size(); ++k) {
            highest[k] = std::max(highest[k], current);
            if (k < positive.size()) current += positive[k];
        }
    }
    // The currents of a run are sums in another order.
    for (const double one : highest) bound_per_s_.push_back(rate_per_s(one + 1e-9 * std::abs(one)));
}

void NeuralNetwork::keep_weights(std::span<const double> weights) {
    const auto count = static_cast<std::size_t>(std::ranges::count_if(weights, [](double w) { return w != 0.0; }));
    if (4 * count > weights.size()) {
        dense_.resize(weights.size());
        for (std::size_t i = 0; i < size(); ++i) {
            for (std::size_t j = 0; j < size(); ++j) dense_[j * size() + i] = weights[i * size() + j];
        }
        return;
    }
    first_.reserve(size() + 1);
    target_.reserve(count);
    weight_.reserve(count);
    for (std::size_t j = 0; j < size(); ++j) {
        first_.push_back(target_.size());
        for (std::size_t i = 0; i < size(); ++i) {
            if (weights[i * size() + j] == 0.0) continue;
            target_.push_back(static_cast<std::uint32_t>(i));
            weight_.push_back(weights[i * size() + j]);
        }
    }
    first_.push_back(target_.size());
}

double NeuralNetwork::rate_per_s(double current) const noexcept {
    const double x = rates_.gain * (current - rates_.threshold);
    if (rates_.response == NeuralResponse::logistic) return rates_.max_rate_per_s / (1.0 + std::exp(-x));
    return x > 0.0 ? rates_.max_rate_per_s * std::tanh(x) : 0.0;
}

void NeuralNetwork::add_weights_from(std::size_t neuron, double sign, std::span<double> currents) const noexcept {
    if (!dense_.empty()) {
        const double* weights = dense_.data() + neuron * size();
        for (std::size_t i = 0; i < currents.size(); ++i) currents[i] += sign * weights[i];
        return;
    }
    for (std::size_t at = first_[neuron]; at < first_[neuron + 1]; ++at) currents[target_[at]] += sign * weight_[at];
}

void NeuralNetwork::currents(std::span<const std::uint8_t> pattern, std::span<double> currents) const noexcept {
    std::ranges::copy(inputs_, currents.begin());
    for (std::size_t j = 0; j < size(); ++j) {
        if (pattern[j] != 0) add_weights_from(j, 1.0, currents);
    }
}

void require_pattern(std::span<const std::uint8_t> pattern, std::size_t size) {
    if (pattern.size() != size)
        refuse<InvalidArgument>("a pattern has ", pattern.size(), " neurons; the network has ", size);
    const auto odd = std::ranges::find_if(pattern, [](std::uint8_t one) { return one > 1; });
    if (odd != pattern.end())
        refuse<InvalidArgument>("a neuron of a pattern is ", static_cast<int>(*odd), "; it is 0 or 1");
}

}  // namespace nubridge::chemistry
