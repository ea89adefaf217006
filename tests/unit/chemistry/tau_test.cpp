#include "chemistry/tau.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "driven.hpp"

namespace nubridge::test {
namespace {

using chemistry::TauEngine;

// With epsilon 0.03 the mean errs by epsilon^2 / 2 and the variance by epsilon / 3 at the most, as parts of themselves.
constexpr double mean_bias = 4.5e-4, variance_bias = 0.01;
constexpr std::size_t runs = 4000;

TEST(TauEngine, DecayIsBinomial) {
    auto definition = shipped("decay");
    for (const double n0 : {1e3, 1e4, 1e6}) {
        definition.species[0].initial = n0;
        const double p = std::exp(-1.0);
        const Moments found(ends(definition, Regime::tau, {.seed = 1}, 1.0, runs));
        expect_close(found, n0 * p, n0 * p * (1 - p), mean_bias, variance_bias);
    }
}

TEST(TauEngine, ImmigrationAndDeathIsPoisson) {
    for (const double mean : {1e3, 1e4}) {
        const Moments found(ends(immigration_death(mean * 2.0, 2.0, mean), Regime::tau, {.seed = 2}, 4.0, runs));
        expect_close(found, mean, mean, mean_bias, variance_bias);
    }
}

TEST(TauEngine, HasTheMomentsOfExactEvents) {
    for (const char* name : {"abc", "annihilation"}) {
        auto definition = shipped(name);
        const double t_s = name == std::string("abc") ? 0.5 : 0.05;
        if (name == std::string("annihilation")) definition.species[0].initial = 5e3;
        expect_same_moments(ends(definition, Regime::tau, {.seed = 3}, t_s, runs),
                            ends(definition, Regime::ssa, {.seed = 3}, t_s, runs), mean_bias, variance_bias);
    }
}

TEST(TauEngine, LeapsOverManyEventsAndNotWhereTheyAreFew) {
    auto definition = shipped("decay");
    TauEngine few(made(definition), {});
    few.advance(20.0);
    EXPECT_EQ(few.events(), 100u);
    EXPECT_EQ(few.leaps(), 101u);  // the last waits for nothing
    definition.species[0].initial = 1e8;
    TauEngine many(made(definition), {});
    many.advance(1.0);
    EXPECT_GT(many.events(), 60'000'000u);
    EXPECT_LT(many.leaps(), 200u);
}

TEST(TauEngine, KeepsTotalsAndNeverFallsBelowZeroEvenInsideALeap) {
    for (const auto& [name, scale] :
         {std::pair{"abc", 0.003}, {"abc", 0.03}, {"abc", 10.0}, {"sep", 1.0}, {"sep", 30.0}}) {
        auto definition = shipped(name);
        for (auto& one : definition.species) one.initial = std::round(one.initial * scale);
        const auto network = made(definition);
        const auto laws = network->conservation_laws();
        std::vector<double> start;
        for (const auto& one : definition.species) start.push_back(one.initial);
        TauEngine engine(network, {.seed = 4, .epsilon = 0.3});
        for (std::uint64_t run = 0; run < 20; ++run) {
            engine.restart(start, run);
            for (double t_s = 0.0; t_s < 3.0; t_s += 0.0037) {
                engine.advance(t_s);
                const auto amounts = amounts_of(engine, *network);
                for (const double n : amounts) ASSERT_TRUE(n >= 0.0 && n == std::floor(n)) << name << ' ' << n;
                for (const auto& law : laws) {
                    double change = 0.0;
                    for (std::size_t s = 0; s < law.size(); ++s)
                        change += static_cast<double>(law[s]) * (amounts[s] - start[s]);
                    ASSERT_EQ(change, 0.0);
                }
            }
        }
    }
}

TEST(TauEngine, DrawsAHalfLeapAnewThatTakesMoreThanThereIs) {
    // About twelve molecules in coarse leaps: without it some leaps end below 0.
    const auto network = made(immigration_death(12.0, 1.0, 12.0));
    TauEngine engine(network, {.seed = 16, .epsilon = 0.5});
    double least = 10.0;
    for (int i = 1; i <= 1'000'000; ++i) {
        engine.advance(0.35 * i);
        least = std::min(least, amounts_of(engine, *network)[0]);
    }
    EXPECT_GE(least, 0.0);
    EXPECT_LT(engine.leaps(), engine.events());
}

TEST(TauEngine, ARunThatIsReadInsideALeapGoesOnToTheSameEnd) {
    // A jump at 2 s ends a leap there, so that both runs can be compared.
    const Waveform jump({0.0, 2.0}, {{1.0, 0.0, 0.0, 0.0}, {2.0, 0.0, 0.0, 0.0}});
    for (const double mean : {20.0, 1e6}) {
        auto definition = immigration_death(1.0, 1.0, mean);
        definition.reactions[0].factor = mean;
        const auto network = made(definition);
        TauEngine whole(network, driven(jump, 5)), cut(network, driven(jump, 5));
        whole.advance(2.0);
        for (int i = 1; i <= 1000; ++i) cut.advance(i * 0.002);
        EXPECT_EQ(whole.leaps(), cut.leaps());
        EXPECT_EQ(amounts_of(whole, *network), amounts_of(cut, *network));
    }
}

TEST(TauEngine, ReadingsInsideALeapHaveTheLawOfTheProcess) {
    const auto network = made(immigration_death(1e4, 1.0, 1e4));
    TauEngine engine(network, {.seed = 15});
    std::vector<double> sample;
    for (std::uint64_t run = 0; run < runs; ++run) {
        engine.restart(std::vector<double>{1e4}, run);
        for (const double t_s : {0.003, 0.004, 0.0071}) engine.advance(t_s);
        sample.push_back(amounts_of(engine, *network)[0]);
    }
    const double lost = 1.0 - std::exp(-0.0071);
    expect_moments(sample, 1e4, 1e4 * (1.0 - (1.0 - lost) * (1.0 - lost)));
}

TEST(TauEngine, RunsOfASeedRepeatWhateverRanBefore) {
    const auto network = made(shipped("abc"));
    std::vector<double> start{1000, 1000, 1000};
    TauEngine one(network, {.seed = 6}), other(network, {.seed = 6});
    one.restart(start, 3);
    one.advance(1.0);
    for (std::uint64_t run : {7u, 3u}) {
        other.restart(start, run);
        other.advance(1.0);
    }
    EXPECT_EQ(amounts_of(one, *network), amounts_of(other, *network));
}

TEST(TauEngine, MeetsARateThatJumpsExactly) {
    const auto definition = immigration_death(1.0, 0.0, 0.0);
    const auto network = made(definition);
    expect_moments(ends(definition, Regime::tau, driven(jump_at_5_s(), 7), 10.0, runs), 505.0, 505.0);
    TauEngine engine(network, {.seed = 8});
    std::vector<double> sample;
    for (std::uint64_t run = 0; run < runs; ++run) {
        engine.restart(std::vector<double>{0.0}, run);
        engine.advance(5.0);
        engine.set_rate_constant(0, 100.0);
        engine.advance(10.0);
        sample.push_back(amounts_of(engine, *network)[0]);
    }
    expect_moments(sample, 505.0, 505.0);
}

TEST(TauEngine, FollowsARateThatMoves) {
    // Immigration at scale (2 + t - t^2), death at 1: a Poisson law whose mean is a polynomial and an exponential.
    for (const double scale : {10.0, 1e4}) {
        const Waveform rate({0.0, 1.0}, {{2 * scale, scale, -scale, 0.0}, {2 * scale, 0.0, 0.0, 0.0}});
        const double mean = scale * (1.0 + std::exp(-1.0));  // m(t) = 3 t - 1 - t^2 + exp(-t)
        const Moments found(ends(immigration_death(1.0, 1.0, 0.0), Regime::tau, driven(rate, 9), 1.0, runs));
        expect_close(found, mean, mean, mean_bias, variance_bias);
    }
}

TEST(TauEngine, ClampedSpeciesHoldFractions) {
    NetworkDefinition definition{
        .name = "x", .species = {{"U", 0.25, true}, {"A", 0.0}}, .reactions = {{"in", {0}, {0, 1}, {}, 40.0}}};
    expect_moments(ends(definition, Regime::tau, {.seed = 10}, 2.0, runs, 1), 20.0, 20.0);
}

TEST(TauEngine, RefusesBadCalls) {
    const auto network = made(shipped("abc"));
    expect_refused<InvalidArgument>([&] { TauEngine engine(network, {.epsilon = 0.0}); }, {"epsilon is 0"});
    expect_refused<InvalidArgument>([&] { TauEngine engine(network, {.step_s = -1.0}); }, {"step_s is -1"});
    expect_refused<InvalidArgument>([&] { TauEngine engine(made(shipped("sk")), {}); }, {"volume_um3"});
    TauEngine engine(network, {});
    engine.advance(1.0);
    expect_refused<InvalidArgument>([&] { engine.advance(0.5); }, {"from 1 s to 0.5 s"});
    expect_refused<InvalidArgument>([&] { engine.set_amount(0, -1.0); }, {"'A'", "-1"});
    expect_refused<InvalidArgument>([&] { engine.set_rate_constant(0, NAN); }, {"'R1'", "nan"});
    const std::atomic<bool> stop{true};
    TauEngine stopped(network, {.stop = &stop});
    expect_refused<Stopped>([&] { stopped.advance(1.0); }, {"stopped at 0 s"});
}

}  // namespace
}  // namespace nubridge::test
