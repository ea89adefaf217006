#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace nubridge::dynamics {

/// A first-order transition between two states of one molecule, at rate theta * rate_constant [* input].
struct Transition {
    std::size_t from = 0;
    std::size_t to = 0;
    /// /ms, or /ms per unit of the input.
    double rate_constant = 0.0;
    /// The input that multiplies the rate, if any.
    std::optional<std::size_t> input;
    /// The learned weight of this reaction's basis function; 1 is the parameter-free closure.
    double theta = 1.0;
};

/// States, inputs and the transitions between states: dp/dt = Q(u) p with Q affine in the inputs u.
class TransitionNetwork {
public:
    /// The largest network that the step path holds on its stack.
    static constexpr std::size_t max_states = 64;
    static constexpr std::size_t max_transitions = 256;
    static constexpr std::size_t max_inputs = 8;

    /// @throws ModelInvalid for too many states, inputs or transitions, an index out of range, a rate that is negative
    /// or not finite, a
    ///     transition from a state to itself, or a state that some other one cannot reach when every input is positive.
    TransitionNetwork(std::size_t states, std::size_t inputs, std::vector<Transition> transitions);

    std::size_t state_count() const noexcept { return states_; }
    std::size_t input_count() const noexcept { return inputs_; }
    const std::vector<Transition>& transitions() const noexcept { return transitions_; }

private:
    void require_connected() const;

    std::size_t states_;
    std::size_t inputs_;
    std::vector<Transition> transitions_;
};

}  // namespace nubridge::dynamics
