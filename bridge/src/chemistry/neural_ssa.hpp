#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "chemistry/engine.hpp"
#include "chemistry/neural_network.hpp"
#include "chemistry/random_stream.hpp"

namespace nubridge::chemistry {

/// Exact events of a network of two-state neurons, by thinning: candidates come at decay x active + bound x quiescent,
/// and a quiescent neuron takes its own with the probability f(I) / bound, the bound being that of so many active
/// neurons. The currents are kept up with each event.
///
/// A run that is cut into windows is the uncut run to the byte.
class NeuralSsa {
public:
    NeuralSsa(std::shared_ptr<const NeuralNetwork> network, std::uint64_t seed);

    /// Back to time 0 with this pattern, one byte a neuron, and the random numbers of `run`.
    void restart(std::span<const std::uint8_t> pattern, std::uint64_t run);
    /// To the time `t_s`, not in the past.
    /// @throws Stopped soon after `stop` was set.
    void advance(double t_s, const std::atomic<bool>& stop);
    /// 1 where a neuron is active.
    std::span<const std::uint8_t> pattern() const noexcept { return pattern_; }
    /// Neurons that changed since time 0.
    std::uint64_t events() const noexcept { return events_; }

private:
    void schedule() noexcept;
    void try_candidate() noexcept;
    void change(std::size_t neuron) noexcept;

    std::shared_ptr<const NeuralNetwork> network_;
    std::uint64_t seed_;
    RandomStream random_;
    std::vector<std::uint8_t> pattern_;
    std::vector<double> currents_;
    std::vector<std::uint32_t> order_;  // the active neurons, then the quiescent ones
    std::vector<std::uint32_t> place_;  // of a neuron in the order
    std::size_t active_ = 0;
    double candidates_per_s_ = 0.0, next_s_ = 0.0, uniform_ = 0.0;
    std::uint64_t events_ = 0;
};

/// What run_neural_ensemble runs.
struct NeuralEnsemble {
    std::uint64_t seed = 0;
    std::uint64_t first_run = 0;
    std::size_t runs = 1;
    std::size_t threads = 1;
    /// One byte a neuron, of every run.
    std::span<const std::uint8_t> initial;
    /// Ascending, from 0 on.
    std::span<const double> times_s;
};

/// Independent runs, the same bytes for any number of threads.
/// @param patterns runs x times x neurons.
/// @param progress new, or null.
/// @throws InvalidArgument for times that do not ascend and for an initial pattern that does not fit; Stopped.
void run_neural_ensemble(const std::shared_ptr<const NeuralNetwork>& network, const NeuralEnsemble& ensemble,
                         std::span<std::uint8_t> patterns, EnsembleProgress* progress);

}  // namespace nubridge::chemistry
