// Every way to the same step: compiled and loaded topology, one and many instances, every instruction set.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "dynamics/propagator.hpp"
#include "maxent/categorical.hpp"
#include "networks.hpp"
#include "random.hpp"

namespace nubridge::dynamics {
KernelSet kernels_generic(KernelData& data);  // of kernels_generic.cpp, which has no header
}

namespace nubridge::test {
namespace {

using dynamics::batch_width;
using dynamics::KernelSet;
using dynamics::Propagator;

constexpr double rounding = 1e-14;     // two orders of the same sums, some thirty operations long
constexpr double series_tail = 4e-13;  // the lanes of a batch share the longest series; an instance alone takes its own

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

std::vector<double> step(const TransitionNetwork& network, const std::vector<double>& u, double dt_ms,
                         const std::vector<double>& p) {
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
        EXPECT_LT(largest_difference(step(sk_network(), {calcium_uM}, dt_ms, p),
                                     step(loaded(sk_network()), {calcium_uM, 9.0}, dt_ms, p)),
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
            EXPECT_LT(largest_difference(back, step(sk_network(), u, dt_ms, p)), rounding)
                << u[0] << " uM, " << dt_ms << " ms";
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

/// The least occupancy turns an error of p into one of nu.
void expect_nu_batch_equals_moments(const TransitionNetwork& network, maxent::Sign sign, Random& random) {
    const std::size_t n = network.state_count(), m = network.input_count();
    const maxent::Categorical family(n, sign);
    Lanes u, nu, out;
    for (std::size_t lane = 0; lane < batch_width; ++lane) {
        u.set(lane, random.uniforms(m, 0.0, 5.0));
        nu.set(lane, random.uniforms(n - 1, -4.0, 4.0));
    }
    const double dt_ms = random.log_uniform(1e-3, 1.0);
    ASSERT_TRUE(Propagator(network).step_nu_batch(static_cast<int>(sign), u.values, dt_ms, nu.values, out.values));
    for (std::size_t lane = 0; lane < batch_width; ++lane) {
        std::vector<double> p(n), expected(n - 1);
        family.moments(nu.of(lane, n - 1), p);
        p = step(network, u.of(lane, m), dt_ms, p);
        family.from_moments(p, expected);
        const double least = *std::min_element(p.begin(), p.end());
        EXPECT_LT(largest_difference(out.of(lane, n - 1), expected), 2 * series_tail / least)
            << n << " states, lane " << lane;
    }
}

TEST(Kernels, ABatchInNuStepsAsInTheMoments) {
    Random random(45);
    for (int trial = 0; trial < 100; ++trial) {
        for (const maxent::Sign sign : {maxent::Sign::minus, maxent::Sign::plus}) {
            expect_nu_batch_equals_moments(sk_network(), sign, random);
            expect_nu_batch_equals_moments(two_state_network(), sign, random);
            expect_nu_batch_equals_moments(random_network(random, 2 + random.index(19), random.index(4), 1.0), sign,
                                           random);
        }
    }
}

TEST(Kernels, AnEmptyStateFillsInABatchInNu) {
    const double infinity = std::numeric_limits<double>::infinity();
    Lanes u, nu, out;
    for (std::size_t lane = 0; lane < batch_width; ++lane) {
        u.set(lane, {1.0});
        nu.set(lane, {infinity, infinity, infinity, infinity, infinity});
    }
    ASSERT_TRUE(Propagator(sk_network()).step_nu_batch(-1, u.values, 1.0, nu.values, out.values));
    const auto p = step(sk_network(), {1.0}, 1.0, {1, 0, 0, 0, 0, 0});
    for (std::size_t a = 0; a < 5; ++a) {
        const double expected = std::log(p[0] / p[a + 1]);
        for (std::size_t lane = 0; lane < batch_width; ++lane)
            EXPECT_NEAR(out.of(lane, 5)[a], expected, 1e-13 / p[a + 1]);
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
        EXPECT_FALSE(propagator.step_batch(u.values, 0.025, p.values, out.values))
            << "half the probability is missing in lane " << bad;
        p.set(bad, {std::nan(""), 0, 0, 0, 0, 1});
        EXPECT_FALSE(propagator.step_batch(u.values, 0.025, p.values, out.values)) << "NaN in lane " << bad;
        p.set(bad, {0, 0, std::nan(""), 0, 0});
        EXPECT_FALSE(propagator.step_nu_batch(-1, u.values, 0.025, p.values, out.values)) << "nu NaN in lane " << bad;
    }
}

TEST(Kernels, EveryInstructionSetTakesTheSameStep) {
    Random random(44);
    std::vector<TransitionNetwork> networks{sk_network(), loaded(sk_network()), two_state_network()};
    for (std::size_t states = 2; states <= 20; ++states) networks.push_back(random_network(random, states, 2, 1.0));
    for (const auto& network : networks) {
        const Propagator propagator(network);
        dynamics::KernelData data = propagator.data();
        const KernelSet generic = dynamics::kernels_generic(data);
        const KernelSet chosen = dynamics::choose_kernels(data);
        const std::size_t n = network.state_count(), m = network.input_count();
        for (int trial = 0; trial < 20; ++trial) {
            Lanes u, p, out_generic, out_chosen;
            for (std::size_t lane = 0; lane < batch_width; ++lane) {
                u.set(lane, random.uniforms(m, 0.0, 5.0));
                p.set(lane, random.probabilities(n));
            }
            const double dt_ms = random.log_uniform(1e-3, 1.0);
            ASSERT_TRUE(generic.batch(data, u.values, dt_ms, p.values, out_generic.values));
            ASSERT_TRUE(chosen.batch(data, u.values, dt_ms, p.values, out_chosen.values));
            EXPECT_LT(largest_difference(out_generic.values, out_chosen.values), rounding) << n << " states";
            ASSERT_TRUE(generic.batch_nu(data, -1, u.values, dt_ms, p.values, out_generic.values));
            ASSERT_TRUE(chosen.batch_nu(data, -1, u.values, dt_ms, p.values, out_chosen.values));
            EXPECT_LT(largest_difference(out_generic.values, out_chosen.values), 100 * rounding)
                << n << " states, in nu";

            const auto one_u = u.of(1, m), one_p = p.of(1, n);
            std::vector<double> one_generic(n), one_chosen(n);
            ASSERT_TRUE(generic.single(data, one_u.data(), dt_ms, one_p.data(), one_generic.data()));
            ASSERT_TRUE(chosen.single(data, one_u.data(), dt_ms, one_p.data(), one_chosen.data()));
            EXPECT_LT(largest_difference(one_generic, one_chosen), rounding) << n << " states";
        }
    }
}

}  // namespace
}  // namespace nubridge::test
