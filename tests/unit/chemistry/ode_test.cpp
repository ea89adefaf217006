#include "chemistry/ode.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>

#include "chemistry.hpp"
#include "csv.hpp"

namespace nubridge::test {
namespace {

using chemistry::EngineOptions;
using chemistry::OdeEngine;

const EngineOptions tight{.relative_tolerance = 1e-9, .absolute_tolerance = 1e-22};
constexpr const char* observables[] = {"KaMe",       "CaM_free",        "CaM4_free", "KCaM_mono",
                                       "KCaM4_mono", "KK_dimer",        "pK_mono",   "pKK_dimer",
                                       "pK_total",   "KCaM_total_nonP", "K_total",   "CaM_total"};

/// The largest relative error of a row's values; zeros must be zero.
double worst_error(const std::map<std::string, double>& row, const NetworkDefinition& definition,
                   const std::vector<double>& amounts) {
    double worst = 0.0;
    for (const char* name : observables) {
        const double expected = row.at(name), found = observed(definition, name, amounts);
        if (expected == 0.0) {
            EXPECT_EQ(found, 0.0) << name;
        } else {
            worst = std::max(worst, std::abs(found / expected - 1.0));
        }
    }
    return worst;
}

TEST(OdeEngine, MatchesPepkeClosed) {
    for (const auto& [file, k11] :
         {std::pair{"pepke_closed_ca100_k11_0.33.csv", 0.33}, std::pair{"pepke_closed_ca100_biomodels.csv", 3.3}}) {
        const auto network = made(shipped("camkii", {{"k11_on", k11}}));
        OdeEngine engine(network, tight);
        double worst = 0.0;
        for (const auto& row : read_oracle(file)) {
            engine.advance(row.at("t_s"));
            const auto amounts = amounts_of(engine, *network);
            worst = std::max(worst, worst_error(row, network->definition(), amounts));
            worst = std::max(worst, std::abs(observed(network->definition(), "Ca", amounts) / row.at("Ca") - 1.0));
            EXPECT_NEAR(observed(network->definition(), "Ca_total", amounts), 100.0, 1e-8);
            EXPECT_NEAR(observed(network->definition(), "K_total", amounts), 80.0, 8e-9);
            EXPECT_NEAR(observed(network->definition(), "CaM_total", amounts), 30.0, 3e-9);
        }
        EXPECT_LT(worst, 1e-6) << file;
    }
}

TEST(OdeEngine, MatchesPepkeClamped) {
    for (const auto& [file, k11] :
         {std::pair{"pepke_clamped_ca_k11_0.33.csv", 0.33}, std::pair{"pepke_clamped_ca_biomodels.csv", 3.3}}) {
        auto definition = shipped("camkii", {{"k11_on", k11}});
        definition.species[species_of(definition, "Ca")].fixed = true;
        const auto network = made(definition);
        OdeEngine engine(network, tight);
        std::vector<double> initial;
        for (const auto& one : definition.species) initial.push_back(one.initial);
        double worst = 0.0;
        for (const auto& row : read_oracle(file)) {
            initial[species_of(definition, "Ca")] = row.at("ca_uM_clamped");
            if (row.at("t_s") == 0.0) engine.restart(initial, 0);
            engine.advance(row.at("t_s"));
            worst = std::max(worst, worst_error(row, definition, amounts_of(engine, *network)));
        }
        EXPECT_LT(worst, 1e-6) << file;
    }
}

TEST(OdeEngine, FollowsTheRateLawOfEqualMolecules) {
    // A + A -> 0 at k a pair: dx/dt = -k x^2; A + A + A -> 0: dx/dt = -k x^3 / 2
    for (const std::size_t order : {2u, 3u}) {
        const auto network = made({.name = "x",
                                   .species = {{"A", 10.0}},
                                   .reactions = {{"r", std::vector<std::size_t>(order, 0), {}, {}, 0.1}}});
        OdeEngine engine(network, {.relative_tolerance = 1e-10});
        engine.advance(2.0);
        const double exact = order == 2 ? 1 / (1 / 10.0 + 0.1 * 2) : 1 / std::sqrt(1 / 100.0 + 0.1 * 2);
        EXPECT_NEAR(amounts_of(engine, *network)[0], exact, 1e-7);
    }
}

TEST(OdeEngine, IsStableOnAStiffNetwork) {
    // Robertson's problem; reference of Hairer and Wanner at t = 4e5 is 4.9383e-3 for A.
    const auto network = made(
        {.name = "robertson",
         .species = {{"A", 1}, {"B", 0}, {"C", 0}},
         .reactions = {{"1", {0}, {1}, {}, 0.04}, {"2", {1, 1}, {1, 2}, {}, 6e7}, {"3", {1, 2}, {0, 2}, {}, 1e4}}});
    OdeEngine engine(network, {.relative_tolerance = 1e-8, .absolute_tolerance = 1e-14});
    engine.advance(40.0);
    EXPECT_NEAR(amounts_of(engine, *network)[0], 0.7158270688, 2e-7);
    engine.advance(4e5);
    const auto x = amounts_of(engine, *network);
    EXPECT_NEAR(x[0], 4.9383e-3, 1e-6);
    EXPECT_NEAR(x[0] + x[1] + x[2], 1.0, 1e-12);
    EXPECT_LT(engine.events(), 3000u);
}

using chemistry::Input;
using chemistry::Waveform;

/// dX/dt = 3 u(t) - w(t) X with an amount u that jumps at 0.4 and moves as a cubic after it, and a rate w.
std::unique_ptr<chemistry::Engine> driven_engine(EngineOptions options, Waveform u, Waveform w) {
    const auto network = made({.name = "driven",
                               .parameters = {{"w", 0.0}},
                               .species = {{"U", 0.0}, {"X", 0.5}},
                               .reactions = {{"in", {0}, {0, 1}, {}, 3.0}, {"out", {1}, {}, 0, 1.0}}});
    options.inputs = {{Input::Target::species, 0, std::move(u)}, {Input::Target::parameter, 0, std::move(w)}};
    return chemistry::make_engine(network, chemistry::Regime::ode, options);
}

double driven_amount(chemistry::Engine& engine) {
    std::array<double, 2> amounts{};
    engine.amounts(amounts);
    return amounts[1];
}

/// X(t) for u = SUM c_i (t - begin)^i and a constant w: a polynomial and an exponential.
double after_cubic(const Waveform::Piece& c, double w, double x, double t) {
    double q[5] = {};
    for (int i = 3; i >= 0; --i) q[i] = (3.0 * c[i] - (i + 1) * q[i + 1]) / w;
    return (x - q[0]) * std::exp(-w * t) + q[0] + t * (q[1] + t * (q[2] + t * q[3]));
}

TEST(OdeEngine, FollowsAnInputThatJumpsToItsTolerance) {
    const Waveform::Piece cubic{1.0, 2.0, -1.0, 0.3};
    const Waveform u({0.0, 0.4, 1.4}, {{2.0, 0.0, 0.0, 0.0}, cubic, {0.0, 0.0, 0.0, 0.0}});
    const Waveform w({0.0}, {{2.0, 0.0, 0.0, 0.0}});
    const double jumped = 3.0 + (0.5 - 3.0) * std::exp(-0.8);
    const double at_1_4 = after_cubic(cubic, 2.0, jumped, 1.0);
    std::array<std::uint64_t, 2> steps{};
    for (const double tolerance : {1e-7, 1e-11}) {
        const auto engine = driven_engine({.relative_tolerance = tolerance}, u, w);
        engine->advance(0.4);
        EXPECT_NEAR(driven_amount(*engine), jumped, 10 * tolerance);
        engine->advance(1.4);
        EXPECT_NEAR(driven_amount(*engine), at_1_4, 10 * tolerance);
        steps[tolerance < 1e-9] = engine->events();
        engine->advance(2.4);
        EXPECT_NEAR(driven_amount(*engine), at_1_4 * std::exp(-2.0), 10 * tolerance);
    }
    // Of order 4: ten times the steps for 10^4 times the accuracy. The step before a jump ends on its left side.
    EXPECT_LT(steps[0], 60u);
    EXPECT_LT(steps[1], 15 * steps[0]);
}

TEST(OdeEngine, FollowsARateThatMovesLinearly) {
    // dX/dt = -(1 + t) X until t = 2, then at 3.
    const Waveform u({0.0}, {{0.0, 0.0, 0.0, 0.0}});
    const Waveform w({0.0, 2.0}, {{1.0, 1.0, 0.0, 0.0}, {3.0, 0.0, 0.0, 0.0}});
    const auto engine = driven_engine({.relative_tolerance = 1e-10}, u, w);
    engine->advance(1.0);
    EXPECT_NEAR(driven_amount(*engine) / (0.5 * std::exp(-1.5)), 1.0, 1e-9);
    engine->advance(3.0);
    EXPECT_NEAR(driven_amount(*engine) / (0.5 * std::exp(-7.0)), 1.0, 1e-9);
}

TEST(OdeEngine, DoesNotStepOverAPulse) {
    // Flat for 1000 s but for a cosine bell of 1 ms, in 32 smooth pieces.
    std::vector<double> knots_s{0.0};
    std::vector<Waveform::Piece> pieces{{0.0, 0.0, 0.0, 0.0}};
    const double begin_s = 500.0, width_s = 1e-3, h = width_s / 32, omega = 2 * M_PI / width_s;
    for (int i = 0; i < 32; ++i) {
        const double from = 1 - std::cos(omega * i * h), to = 1 - std::cos(omega * (i + 1) * h);
        const double a = h * omega * std::sin(omega * i * h), b = h * omega * std::sin(omega * (i + 1) * h);
        knots_s.push_back(begin_s + i * h);
        pieces.push_back(
            {from, a / h, (3 * (to - from) - 2 * a - b) / (h * h), (a + b - 2 * (to - from)) / (h * h * h)});
    }
    knots_s.push_back(begin_s + width_s);
    pieces.push_back({0.0, 0.0, 0.0, 0.0});
    const auto engine = driven_engine({}, Waveform(knots_s, pieces), Waveform({0.0}, {{1e-9, 0.0, 0.0, 0.0}}));
    engine->advance(1000.0);
    EXPECT_NEAR(driven_amount(*engine), 0.5 * std::exp(-1e-6) + 3.0 * width_s, 1e-8);
}

TEST(OdeEngine, RefusesToSetWhatAnInputDrives) {
    const Waveform one({0.0}, {{1.0, 0.0, 0.0, 0.0}});
    const auto engine = driven_engine({}, one, one);
    expect_refused<InvalidArgument>([&] { engine->set_amount(0, 1.0); }, {"'U'", "input"});
    expect_refused<InvalidArgument>([&] { engine->set_rate_constant(1, 1.0); }, {"'w'", "input"});
}

TEST(OdeEngine, StopsWhenAsked) {
    const std::atomic<bool> stop{true};
    OdeEngine engine(made(shipped("abc")), {.stop = &stop});
    expect_refused<Stopped>([&] { engine.advance(1.0); }, {"stopped at 0 s"});
}

TEST(OdeEngine, RefusesBadCalls) {
    const auto network = made(shipped("abc"));
    OdeEngine engine(network, {});
    engine.advance(1.0);
    expect_refused<InvalidArgument>([&] { engine.advance(0.5); }, {"from 1 s to 0.5 s"});
    expect_refused<InvalidArgument>([&] { engine.set_amount(0, -1.0); }, {"'A'", "-1"});
    expect_refused<InvalidArgument>([&] { engine.set_rate_constant(0, NAN); }, {"'R1'", "nan"});
    expect_refused<InvalidArgument>([&] { OdeEngine other(network, {.relative_tolerance = 1.0}); },
                                    {"relative tolerance", "1"});
}

}  // namespace
}  // namespace nubridge::test
