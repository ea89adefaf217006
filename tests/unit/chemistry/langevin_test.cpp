#include "chemistry/langevin.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "driven.hpp"

namespace nubridge::test {
namespace {

using chemistry::LangevinEngine;

// The weak trapezoidal rule at epsilon 0.03, as for tau.
constexpr double mean_bias = 4.5e-4, variance_bias = 0.01;
constexpr std::size_t runs = 4000;

TEST(LangevinEngine, DecayHasTheMomentsOfTheBinomialLaw) {
    auto definition = shipped("decay");
    definition.species[0].initial = 1e4;
    const double p = std::exp(-1.0);
    const Moments found(ends(definition, Regime::langevin, {.seed = 1}, 1.0, runs));
    expect_close(found, 1e4 * p, 1e4 * p * (1 - p), mean_bias, variance_bias);
}

TEST(LangevinEngine, HasTheMomentsOfExactEventsAtTenThousandMolecules) {
    for (const char* name : {"abc", "annihilation"}) {
        auto definition = shipped(name);
        if (name == std::string("abc")) definition.reactions[0] = {"on", {0, 1}, {2}, {}, 1e-4};
        for (auto& one : definition.species) one.initial = 1e4;
        const double t_s = name == std::string("abc") ? 0.2 : 0.02;
        expect_same_moments(ends(definition, Regime::langevin, {.seed = 3}, t_s, runs),
                            ends(definition, Regime::ssa, {.seed = 3}, t_s, runs), mean_bias, variance_bias);
    }
}

TEST(LangevinEngine, WorksInMicromolar) {
    // 1e4 molecules in 16.6 um3 are 1 uM.
    const double volume_um3 = 1e4 / 602.214076;
    auto definition = immigration_death(2.0, 2.0, 1.0);
    definition.unit = chemistry::AmountUnit::uM;
    const Moments found(ends(definition, Regime::langevin, {.volume_um3 = volume_um3, .seed = 4}, 4.0, runs));
    expect_close(found, 1.0, 1e-4, mean_bias, variance_bias);
}

TEST(LangevinEngine, AChosenStepConvergesAtSecondOrder) {
    const auto network = made(immigration_death(0.0, 1.0, 1e12));
    std::array<double, 2> errors{};
    for (const double step_s : {0.02, 0.01}) {
        LangevinEngine engine(network, {.seed = 5, .step_s = step_s, .epsilon = 0.5});
        engine.advance(1.0);
        EXPECT_EQ(engine.events(), std::llround(1.0 / step_s));
        errors[step_s < 0.015] = amounts_of(engine, *network)[0] / (1e12 * std::exp(-1.0)) - 1.0;
    }
    EXPECT_NEAR(errors[0], 0.02 * 0.02 / 6, 1e-5);
    EXPECT_NEAR(errors[1], 0.01 * 0.01 / 6, 5e-6);
}

TEST(LangevinEngine, KeepsTotalsAndNeverFallsBelowZero) {
    for (const auto& [name, scale] : {std::pair{"abc", 0.001}, {"abc", 0.03}, {"abc", 10.0}, {"sep", 1.0}}) {
        auto definition = shipped(name);
        for (auto& one : definition.species) one.initial *= scale;
        const auto network = made(definition);
        const auto laws = network->conservation_laws();
        std::vector<double> start;
        double all = 0.0;
        for (const auto& one : definition.species) start.push_back(one.initial);
        for (const double n : start) all += n;
        LangevinEngine engine(network, {.seed = 6});
        for (double t_s = 0.0; t_s < 10.0; t_s += 0.1) {
            engine.advance(t_s);
            const auto amounts = amounts_of(engine, *network);
            for (const double n : amounts) ASSERT_GE(n, 0.0);
            for (const auto& law : laws) {
                double change = 0.0;
                for (std::size_t s = 0; s < law.size(); ++s)
                    change += static_cast<double>(law[s]) * (amounts[s] - start[s]);
                ASSERT_LT(std::abs(change), 1e-11 * all) << name;
            }
        }
        if (scale == 0.001) {
            EXPECT_GT(engine.clipped(), 0u);
        }
        if (scale == 10.0) {
            EXPECT_EQ(engine.clipped(), 0u);
        }
    }
}

TEST(LangevinEngine, KeepsTheTotalsOfCamkii) {
    const auto definition = shipped("camkii");
    const auto network = made(definition);
    LangevinEngine engine(network, {.volume_um3 = 1.0, .seed = 7});
    engine.advance(0.002);
    const auto amounts = amounts_of(engine, *network);
    for (const auto& [name, total] : {std::pair{"Ca_total", 100.0}, {"K_total", 80.0}, {"CaM_total", 30.0}})
        EXPECT_NEAR(observed(definition, name, amounts) / total, 1.0, 1e-10) << name;
    EXPECT_LT(observed(definition, "Ca", amounts), 90.0);
}

TEST(LangevinEngine, FollowsInputs) {
    expect_moments(ends(immigration_death(1.0, 0.0, 0.0), Regime::langevin, driven(jump_at_5_s(), 8), 10.0, runs),
                   505.0, 505.0);
    const double scale = 1e4;
    const Waveform rate({0.0, 1.0}, {{2 * scale, scale, -scale, 0.0}, {2 * scale, 0.0, 0.0, 0.0}});
    const double mean = scale * (1.0 + std::exp(-1.0));  // m(t) = 3 t - 1 - t^2 + exp(-t)
    const Moments found(ends(immigration_death(1.0, 1.0, 0.0), Regime::langevin, driven(rate, 9), 1.0, runs));
    expect_close(found, mean, mean, mean_bias, variance_bias);
}

TEST(LangevinEngine, RunsOfASeedRepeatWhateverRanBefore) {
    const auto network = made(shipped("abc"));
    const std::vector<double> start{1000, 1000, 1000};
    LangevinEngine one(network, {.seed = 10}), other(network, {.seed = 10});
    one.restart(start, 3);
    one.advance(1.0);
    for (const std::uint64_t run : {7u, 3u}) {
        other.restart(start, run);
        other.advance(1.0);
    }
    EXPECT_EQ(amounts_of(one, *network), amounts_of(other, *network));
}

TEST(LangevinEngine, RefusesBadCalls) {
    const auto network = made(shipped("abc"));
    expect_refused<InvalidArgument>([&] { LangevinEngine engine(network, {.epsilon = NAN}); }, {"epsilon is nan"});
    expect_refused<InvalidArgument>([&] { LangevinEngine engine(network, {.step_s = INFINITY}); }, {"step_s is inf"});
    expect_refused<InvalidArgument>([&] { LangevinEngine engine(made(shipped("sk")), {}); }, {"volume_um3"});
    LangevinEngine engine(network, {});
    expect_refused<InvalidArgument>([&] { engine.advance(NAN); }, {"from 0 s to nan s"});
    expect_refused<InvalidArgument>([&] { engine.set_amount(0, INFINITY); }, {"'A'", "inf"});
    const std::atomic<bool> stop{true};
    LangevinEngine stopped(network, {.stop = &stop});
    expect_refused<Stopped>([&] { stopped.advance(1.0); }, {"stopped at 0 s"});
}

}  // namespace
}  // namespace nubridge::test
