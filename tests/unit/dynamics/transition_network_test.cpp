#include "dynamics/transition_network.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "expect.hpp"
#include "units/error.hpp"

namespace {

using nubridge::ModelInvalid;
using nubridge::dynamics::Transition;
using nubridge::dynamics::TransitionNetwork;
using nubridge::test::CaseName;
using nubridge::test::expect_refusal;

struct Refusal {
    std::string name;
    std::size_t states;
    std::size_t inputs;
    std::vector<Transition> transitions;
    std::vector<std::string> words;
};

void PrintTo(const Refusal& refusal, std::ostream* out) {
    *out << refusal.name;
}

std::vector<Transition> both_ways(std::size_t a, std::size_t b) {
    return {{a, b, 1.0, {}, 1.0}, {b, a, 1.0, {}, 1.0}};
}

std::vector<Transition> with(std::vector<Transition> transitions, const Transition& more) {
    transitions.push_back(more);
    return transitions;
}

std::vector<Refusal> refusals() {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    const auto pair = both_ways(0, 1);
    return {
        {"OneState", 1, 0, {}, {"1 states", "2 to 64"}},
        {"TooManyStates", 65, 0, {}, {"65 states", "2 to 64"}},
        {"TooManyInputs", 2, 9, pair, {"9 inputs", "at most 8"}},
        {"TooManyTransitions", 2, 0, std::vector<Transition>(257, pair[0]), {"257 transitions", "at most 256"}},
        {"UnknownState", 2, 0, with(pair, {0, 2, 1.0, {}, 1.0}), {"transition 2", "0 and 2", "0 to 1"}},
        {"UnknownInput", 2, 1, with(pair, {0, 1, 1.0, 1, 1.0}), {"transition 2", "input 1", "0 to 0"}},
        {"ToItself", 2, 0, with(pair, {1, 1, 1.0, {}, 1.0}), {"transition 2", "state 1", "itself"}},
        {"NegativeRate", 2, 0, with(pair, {0, 1, -0.5, {}, 1.0}), {"transition 2", "-0.5"}},
        {"NegativeTheta", 2, 0, with(pair, {0, 1, 0.5, {}, -2.0}), {"transition 2", "-1 /ms", "theta"}},
        {"InfiniteRate", 2, 0, with(pair, {0, 1, infinity, {}, 1.0}), {"transition 2", "inf"}},
        {"RateNaN", 2, 0, with(pair, {0, 1, nan, {}, 1.0}), {"transition 2", "nan"}},
        {"Unreachable", 3, 0, with(pair, {2, 0, 1.0, {}, 1.0}), {"state 2", "cannot be reached"}},
        {"NoWayBack", 3, 0, with(pair, {0, 2, 1.0, {}, 1.0}), {"state 2", "no way back"}},
        {"RateZeroJoinsNothing", 2, 0, {{0, 1, 1.0, {}, 1.0}, {1, 0, 0.0, {}, 1.0}}, {"state 1", "no way back"}},
        {"ThetaZeroJoinsNothing", 2, 0, {{0, 1, 1.0, {}, 0.0}, {1, 0, 1.0, {}, 1.0}}, {"state 1", "cannot be reached"}},
    };
}

class TransitionNetworkRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(TransitionNetworkRefuses, AndNamesTheCulprit) {
    const Refusal& refusal = GetParam();
    expect_refusal<ModelInvalid>(
        [&] { const TransitionNetwork network(refusal.states, refusal.inputs, refusal.transitions); }, refusal.words);
}

INSTANTIATE_TEST_SUITE_P(Rules, TransitionNetworkRefuses, testing::ValuesIn(refusals()), CaseName());

TEST(TransitionNetwork, AcceptsTheLargestThatTheStepPathHolds) {
    std::vector<Transition> chain;
    for (std::size_t state = 1; state < TransitionNetwork::max_states; ++state) {
        for (const auto& transition : both_ways(state - 1, state)) chain.push_back(transition);
    }
    while (chain.size() < TransitionNetwork::max_transitions) chain.push_back(chain.front());
    const TransitionNetwork network(TransitionNetwork::max_states, TransitionNetwork::max_inputs, chain);
    EXPECT_EQ(network.state_count(), TransitionNetwork::max_states);
    EXPECT_EQ(network.transitions().size(), TransitionNetwork::max_transitions);
}

// One-way rings are irreversible but connected.
TEST(TransitionNetwork, AcceptsACycleWithoutDetailedBalance) {
    const TransitionNetwork ring(3, 0, {{0, 1, 1.0, {}, 1.0}, {1, 2, 1.0, {}, 1.0}, {2, 0, 1.0, {}, 1.0}});
    EXPECT_EQ(ring.transitions().size(), 3u);
}

}  // namespace
