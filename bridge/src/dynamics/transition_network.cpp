#include "dynamics/transition_network.hpp"

#include <cmath>
#include <sstream>
#include <utility>

#include "units/error.hpp"

namespace nubridge::dynamics {

namespace {

template <class... Parts>
[[noreturn]] void refuse(const Parts&... parts) {
    std::ostringstream message;
    (message << ... << parts);
    throw ModelInvalid(message.str());
}

void require_valid(const Transition& transition, std::size_t index, std::size_t states, std::size_t inputs) {
    if (transition.from >= states || transition.to >= states) {
        refuse("transition ", index, " joins states ", transition.from, " and ", transition.to,
               "; the states are 0 to ", states - 1);
    }
    if (transition.from == transition.to)
        refuse("transition ", index, " leads from state ", transition.from, " to itself; remove it");
    const double rate = transition.theta * transition.rate_constant;
    if (!std::isfinite(rate) || rate < 0.0) {
        refuse("transition ", index, " has the rate ", rate,
               " /ms; a rate is finite and not negative: correct \"rate\" or \"theta\"");
    }
    if (transition.input && *transition.input >= inputs) {
        refuse("transition ", index, " reads input ", *transition.input, "; the inputs are 0 to ", inputs - 1);
    }
}

}  // namespace

TransitionNetwork::TransitionNetwork(std::size_t states, std::size_t inputs, std::vector<Transition> transitions)
    : states_(states), inputs_(inputs), transitions_(std::move(transitions)) {
    if (states < 2 || states > max_states) refuse("the network has ", states, " states; it needs 2 to ", max_states);
    if (inputs > max_inputs) refuse("the network has ", inputs, " inputs; at most ", max_inputs, " are possible");
    if (transitions_.size() > max_transitions)
        refuse("the network has ", transitions_.size(), " transitions; at most ", max_transitions, " are possible");
    for (std::size_t i = 0; i < transitions_.size(); ++i) require_valid(transitions_[i], i, states, inputs);
    require_connected();
}

// Every state reaches state 0 and is reached from it, so the steady state is unique for positive inputs.
void TransitionNetwork::require_connected() const {
    for (const bool forward : {true, false}) {
        std::vector<bool> reached(states_, false);
        reached[0] = true;
        for (std::size_t pass = 0; pass < states_; ++pass) {
            for (const Transition& transition : transitions_) {
                if (transition.rate_constant * transition.theta <= 0.0) continue;
                const std::size_t from = forward ? transition.from : transition.to;
                const std::size_t to = forward ? transition.to : transition.from;
                if (reached[from]) reached[to] = true;
            }
        }
        for (std::size_t state = 0; state < states_; ++state) {
            if (!reached[state]) {
                refuse("state ", state, forward ? " cannot be reached from state 0" : " has no way back to state 0",
                       "; the steady state would not be unique: add the missing transition or remove the state");
            }
        }
    }
}

}  // namespace nubridge::dynamics
