#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace nubridge::chemistry {

/// The shape of a neuron's rate of activation, f(I) with x = gain (I - threshold): max_rate / (1 + exp(-x)), or
/// max_rate tanh(x) above the threshold and 0 below it (Benayoun et al., PLoS Comput Biol 6:e1000846, 2010). The
/// numbers are those of the C interface.
enum class NeuralResponse : int { logistic = 0, rectified_tanh = 1 };

/// How fast neurons turn active and quiescent. Gain and threshold are in the units of the weights.
struct NeuralRates {
    double decay_per_s = 0.0;
    double max_rate_per_s = 0.0;
    double gain = 1.0;
    double threshold = 0.0;
    NeuralResponse response = NeuralResponse::logistic;
};

/// Two-state neurons, the neural master equation (Ohira and Cowan 1997): an active neuron turns quiescent at the
/// constant rate decay_per_s, a quiescent neuron i turns active at f(I_i), I_i = SUM_j w_ij s_j + input_i. Immutable.
class NeuralNetwork {
public:
    /// @param weights size x size, w_ij from neuron j to neuron i, of either sign.
    /// @param inputs one a neuron.
    /// @throws InvalidArgument for no neuron, a number that is not finite, a decay or gain that is not positive, a
    ///     negative largest rate, another response.
    NeuralNetwork(std::span<const double> weights, std::span<const double> inputs, const NeuralRates& rates);

    std::size_t size() const noexcept { return inputs_.size(); }
    std::span<const double> inputs() const noexcept { return inputs_; }
    double decay_per_s() const noexcept { return rates_.decay_per_s; }
    /// f(I).
    double rate_per_s(double current) const noexcept;
    /// No neuron's f is above it while so many are active, whichever they are.
    double bound_per_s(std::size_t active) const noexcept { return bound_per_s_[active]; }
    /// currents_i += sign w_ij for every i.
    void add_weights_from(std::size_t neuron, double sign, std::span<double> currents) const noexcept;
    /// SUM_j w_ij s_j + input_i of every i.
    /// @param pattern one byte a neuron, 1 where it is active.
    void currents(std::span<const std::uint8_t> pattern, std::span<double> currents) const noexcept;

private:
    void find_bounds(std::span<const double> weights);
    void keep_weights(std::span<const double> weights);

    NeuralRates rates_;
    std::vector<double> inputs_;
    std::vector<double> bound_per_s_;  // by the number of active neurons
    std::vector<double> dense_;        // w_ij at j size + i; empty where few weights differ from 0, then
    std::vector<std::size_t> first_;
    std::vector<std::uint32_t> target_;
    std::vector<double> weight_;
};

/// @throws InvalidArgument for a length other than `size` and for a byte above 1.
void require_pattern(std::span<const std::uint8_t> pattern, std::size_t size);

}  // namespace nubridge::chemistry
