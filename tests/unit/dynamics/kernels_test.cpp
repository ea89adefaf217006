// Every way to the same step: compiled and loaded topology, one and many instances, every instruction set.
#include <gtest/gtest.h>

#include <string>

#include "dynamics/propagator.hpp"
#include "networks.hpp"
#include "random.hpp"

namespace nubridge::dynamics {
KernelSet kernels_generic(const KernelData& data) noexcept;  // of kernels_generic.cpp, which has no header
}

namespace nubridge::test {
namespace {

using dynamics::batch_width;
using dynamics::KernelSet;
using dynamics::Propagator;

constexpr double rounding = 1e-14;     // two orders of the same sums, some thirty operations long
constexpr double series_tail = 1e-13;  // the lanes of a batch share the longest series; an instance alone takes its own

/// batch_width instances, instance index last.
struct Lanes {
    void set(std::size_t lane, const std::vector<double>& one) {
        for (std::size_t i = 0; i < one.size(); ++i) values[i * batch_width + lane] = one[i];
    }
    std::vector<double> of(std::size_t lane, std::size_t count) const {
        std::vector<double> one(count);
        for (std::size_t i = 0; i < count; ++i) one[i] = values[i * batch_width + lane];
        return one;
    }
    alignas(64) double values[TransitionNetwork::max_states * batch_width] = {};
};

std::vector<double> step(const TransitionNetwork& network, const std::vector<double>& u, double dt_ms, const std::vector<double>& p) {
    std::vector<double> out(p.size());
    EXPECT_TRUE(Propagator(network).step(u.data(), dt_ms, p.data(), out.data()));
    return out;
}

/// The same network with an input more, which no transition reads: no compiled topology fits it.
TransitionNetwork loaded(const TransitionNetwork& network) {
    return {network.state_count(), network.input_count() + 1, network.transitions()};
}

TEST(Kernels, SkHasTheSameStepCompiledAndLoaded) {
    Random random(40);
    for (int trial = 0; trial < 500; ++trial) {
        const double calcium_uM = random.log_uniform(1e-3, 1e3), dt_ms = random.log_uniform(1e-3, 1.0);
        const auto p = random.probabilities(6);
        EXPECT_LT(largest_difference(step(sk_network(), {calcium_uM}, dt_ms, p), step(loaded(sk_network()), {calcium_uM, 9.0}, dt_ms, p)),
                  rounding)
            << calcium_uM << " uM, " << dt_ms << " ms";
    }
}

TEST(Kernels, TwoStatesHaveTheSameStepCompiledAndLoaded) {
    Random random(41);
    for (int trial = 0; trial < 500; ++trial) {
        const double calcium_uM = random.log_uniform(1e-3, 1e3), dt_ms = random.log_uniform(1e-3, 1.0);
        const auto p = random.probabilities(2);
        EXPECT_LT(largest_difference(step(two_state_network(), {calcium_uM}, dt_ms, p),
                                     step(loaded(two_state_network()), {calcium_uM, 9.0}, dt_ms, p)),
                  rounding)
            << calcium_uM << " uM, " << dt_ms << " ms";
    }
}

TEST(Kernels, TheOrderOfTheStatesIsOnlyAnOrder) {
    Random random(42);
    for (const auto& place : {std::vector<std::size_t>{5, 4, 3, 2, 1, 0}, {2, 0, 1, 5, 3, 4}, {0, 1, 2, 4, 3, 5}}) {
        const TransitionNetwork permuted(6, 1, sk_transitions(place));
        for (int trial = 0; trial < 100; ++trial) {
            const std::vector<double> u{random.log_uniform(1e-3, 1e3)};
            const double dt_ms = random.log_uniform(1e-3, 1.0);
            const auto p = random.probabilities(6);
            std::vector<double> moved(6), back(6);
            for (std::size_t i = 0; i < 6; ++i) moved[place[i]] = p[i];
            moved = step(permuted, u, dt_ms, moved);
            for (std::size_t i = 0; i < 6; ++i) back[i] = moved[place[i]];
            EXPECT_LT(largest_difference(back, step(sk_network(), u, dt_ms, p)), rounding) << u[0] << " uM, " << dt_ms << " ms";
        }
    }
}

void expect_batch_equals_single(const TransitionNetwork& network, Random& random) {
    const std::size_t n = network.state_count(), m = network.input_count();
    Lanes u, p, out;
    for (std::size_t lane = 0; lane < batch_width; ++lane) {
        u.set(lane, random.uniforms(m, 0.0, 5.0));
        p.set(lane, random.probabilities(n));
    }
    const double dt_ms = random.log_uniform(1e-3, 1.0);
    ASSERT_TRUE(Propagator(network).step_batch(u.values, dt_ms, p.values, out.values));
    for (std::size_t lane = 0; lane < batch_width; ++lane) {
        EXPECT_LT(largest_difference(out.of(lane, n), step(network, u.of(lane, m), dt_ms, p.of(lane, n))), series_tail)
            << n << " states, lane " << lane << ", dt " << dt_ms;
    }
}

TEST(Kernels, ABatchStepsEachInstanceAsAlone) {
    Random random(43);
    for (int trial = 0; trial < 100; ++trial) {
        expect_batch_equals_single(sk_network(), random);
        expect_batch_equals_single(two_state_network(), random);
        expect_batch_equals_single(random_network(random, 2 + random.index(19), random.index(4), 1.0), random);
    }
}

TEST(Kernels, ABatchWithOneBadInstanceIsHandedBack) {
    const Propagator propagator(sk_network());
    for (std::size_t bad = 0; bad < batch_width; ++bad) {
        Lanes u, p, out;
        for (std::size_t lane = 0; lane < batch_width; ++lane) {
            u.set(lane, {1.0});
            p.set(lane, {1, 0, 0, 0, 0, 0});
        }
        EXPECT_TRUE(propagator.step_batch(u.values, 0.025, p.values, out.values));
        p.set(bad, {0.5, 0, 0, 0, 0, 0});
        EXPECT_FALSE(propagator.step_batch(u.values, 0.025, p.values, out.values)) << "half the probability is missing in lane " << bad;
        p.set(bad, {std::nan(""), 0, 0, 0, 0, 1});
        EXPECT_FALSE(propagator.step_batch(u.values, 0.025, p.values, out.values)) << "NaN in lane " << bad;
    }
}

TEST(Kernels, EveryInstructionSetTakesTheSameStep) {
    Random random(44);
    std::vector<TransitionNetwork> networks{sk_network(), loaded(sk_network()), two_state_network()};
    for (std::size_t states = 2; states <= 20; ++states) networks.push_back(random_network(random, states, 2, 1.0));
    for (const auto& network : networks) {
        const Propagator propagator(network);
        const KernelSet generic = dynamics::kernels_generic(propagator.data());
        const KernelSet chosen = dynamics::choose_kernels(propagator.data());
        const std::size_t n = network.state_count(), m = network.input_count();
        for (int trial = 0; trial < 20; ++trial) {
            Lanes u, p, out_generic, out_chosen;
            for (std::size_t lane = 0; lane < batch_width; ++lane) {
                u.set(lane, random.uniforms(m, 0.0, 5.0));
                p.set(lane, random.probabilities(n));
            }
            const double dt_ms = random.log_uniform(1e-3, 1.0);
            ASSERT_TRUE(generic.batch(propagator.data(), u.values, dt_ms, p.values, out_generic.values));
            ASSERT_TRUE(chosen.batch(propagator.data(), u.values, dt_ms, p.values, out_chosen.values));
            EXPECT_LT(largest_difference(out_generic.values, out_chosen.values), rounding) << n << " states";

            const auto one_u = u.of(1, m), one_p = p.of(1, n);
            std::vector<double> one_generic(n), one_chosen(n);
            ASSERT_TRUE(generic.single(propagator.data(), one_u.data(), dt_ms, one_p.data(), one_generic.data()));
            ASSERT_TRUE(chosen.single(propagator.data(), one_u.data(), dt_ms, one_p.data(), one_chosen.data()));
            EXPECT_LT(largest_difference(one_generic, one_chosen), rounding) << n << " states";
        }
    }
}

}  // namespace
}  // namespace nubridge::test
