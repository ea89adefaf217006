#pragma once

#include <atomic>
#include <cstddef>
#include <span>
#include <vector>

#include "chemistry/neural_network.hpp"

namespace nubridge::chemistry {

/// The master equation of a network of two-state neurons: a probability for each of its 2^N states. Neuron i is bit i
/// of a state's number. Immutable.
class NeuralCme {
public:
    static constexpr std::size_t most_neurons = 14;

    /// @throws InvalidArgument for more than most_neurons.
    explicit NeuralCme(const NeuralNetwork& network);

    std::size_t states() const noexcept { return std::size_t{1} << neurons_; }
    /// p after h_s, by uniformisation (Jensen 1953), less than 1e-16 of the probability cut off a step; ends early
    /// where p has come to rest.
    /// @throws Stopped soon after `stop` was set.
    void advance(double h_s, std::span<double> p, const std::atomic<bool>& stop) const;
    /// The one distribution that does not move: every state reaches the quiescent one, since active neurons decay.
    ///
    /// Multi-level aggregation (Horton and Leutenegger, SIGMETRICS 1994): each level sums a neuron out, with the rates
    /// that the present p gives the rest; the number of active neurons is set right at once; Gauss-Seidel sweeps
    /// smooth. Nothing is subtracted, so that rare states keep their digits.
    /// @throws NotConverged; Stopped.
    void steady(std::span<double> p, const std::atomic<bool>& stop) const;

private:
    /// The hypercube of `neurons` bits and the rate at which bit i of state s is set, at i 2^neurons + s.
    struct Level {
        std::size_t neurons = 0;
        std::vector<double> up_per_s;
        std::vector<double> p;
    };

    /// dp/dt. @return events per second.
    double slope(std::span<const double> p, std::span<double> dpdt) const noexcept;
    void step(double h_s, std::span<double> p, const std::atomic<bool>& stop) const;
    bool is_at_rest(std::span<const double> p, double h_s) const;
    void mark_reachable(std::span<double> p) const;
    void sweep(Level& level, bool upwards) const noexcept;
    void coarsen(const Level& fine, Level& coarse) const;
    void cycle(std::span<Level> levels) const;
    void balance_counts(std::span<double> p) const;

    std::size_t neurons_;
    double decay_per_s_;
    std::vector<double> up_per_s_;  // as of Level
    double fastest_per_s_ = 0.0;
};

}  // namespace nubridge::chemistry
