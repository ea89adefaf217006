#include "units/units.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <concepts>
#include <limits>

#include "units/simulation_time.hpp"

namespace {

using namespace nubridge::units;

template <class Clock>
concept HasNow = requires {
    Clock::now();
};

// A simulation's time never comes from the wall clock: whoever asks for it does not compile.
static_assert(!HasNow<SimulationClock>);
static_assert(HasNow<std::chrono::steady_clock>, "the concept itself must be able to see a now()");
static_assert(std::same_as<SimulationClock::rep, std::int64_t>);
static_assert(std::ratio_equal_v<SimulationClock::period, std::nano>);
static_assert(!std::convertible_to<std::chrono::steady_clock::time_point, SimulationTime>);

std::int64_t ticks(double time_ms) {
    return simulation_time_from_ms(time_ms).time_since_epoch().count();
}

TEST(SimulationTime, OneMillisecondIsAMillionTicks) {
    EXPECT_EQ(ticks(1.0), 1'000'000);
    EXPECT_EQ(ticks(0.025), 25'000);
    EXPECT_EQ(ticks(-0.025), -25'000);
}

TEST(SimulationTime, RoundsToTheNearestTick) {
    EXPECT_EQ(ticks(1.4999e-6), 1);
    EXPECT_EQ(ticks(1.5001e-6), 2);
    EXPECT_EQ(ticks(-1.5001e-6), -2);
    EXPECT_EQ(ticks(0.1 + 0.2), 300'000) << "0.1 + 0.2 is no double 0.3, but the same tick";
}

TEST(SimulationTime, AMillionStepsLandOnTheTickWhereDoublesDrift) {
    double summed_ms = 0.0;
    SimulationDuration summed{0};
    const SimulationDuration step = simulation_time_from_ms(0.025).time_since_epoch();
    for (int i = 0; i < 1'000'000; ++i) {
        summed_ms += 0.025;
        summed += step;
    }
    EXPECT_NE(summed_ms, 25000.0);
    EXPECT_EQ(ms_from_simulation_time(SimulationTime(summed)), 25000.0);
}

TEST(SimulationTime, ReturnsToMilliseconds) {
    for (const double time_ms : {0.0, 0.025, 1.0, 12345.678901, 9.2e12, -3.5}) {
        const double back_ms = ms_from_simulation_time(simulation_time_from_ms(time_ms));
        EXPECT_NEAR(back_ms, time_ms, 0.5e-6 + std::abs(time_ms) * 2 * std::numeric_limits<double>::epsilon());
    }
}

TEST(Units, OneMicromolarInOneCubicMicrometreIs602Molecules) {
    EXPECT_NEAR(molecules_of_uM(1.0, 1.0), 602.214076, 1e-12 * 602.214076);
    EXPECT_NEAR(molecules_of_uM(0.1, 0.5), 30.1107038, 1e-12 * 30.1107038);
}

TEST(Units, RateConstantsPerSecondBecomePerMillisecond) {
    EXPECT_DOUBLE_EQ(200.0 * per_ms_of_per_s, 0.2);
    EXPECT_EQ(ms_per_s * per_ms_of_per_s, 1.0);
    EXPECT_EQ(uM_per_mM, 1000.0);
}

TEST(Units, ConstantsAreThoseOfTheSI) {
    EXPECT_EQ(avogadro_per_mol, 6.02214076e23);
    EXPECT_EQ(elementary_charge_C, 1.602176634e-19);
}

}  // namespace
