#include "chemistry/ode.hpp"

#include <gtest/gtest.h>

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

/// Calcium that goes back to 0.1 uM with 12 ms and that binding does not consume.
NetworkDefinition driven_camkii() {
    auto definition = shipped("camkii");
    const std::size_t ca = species_of(definition, "Ca");
    for (auto& reaction : definition.reactions) {
        std::erase(reaction.products, ca);
        if (std::count(reaction.reactants.begin(), reaction.reactants.end(), ca) > 0) reaction.products.push_back(ca);
    }
    definition.reactions.push_back({"in", {}, {ca}, {}, 0.1 / 0.012});
    definition.reactions.push_back({"out", {ca}, {}, {}, 1.0 / 0.012});
    definition.species[ca].initial = 0.1;
    return definition;
}

TEST(OdeEngine, MatchesPepkePulseTrains) {
    const auto definition = driven_camkii();
    const auto network = made(definition);
    const std::size_t ca = species_of(definition, "Ca");
    OdeEngine engine(network, tight);
    const auto& parameters = definition.parameters;
    for (std::size_t r = 0; r < definition.reactions.size(); ++r) {
        const auto& named = definition.reactions[r].parameter;
        if (named && parameters[*named].name.starts_with("kp")) engine.set_rate_constant(r, 0.0);
    }
    engine.advance(200.0);
    const auto rest = amounts_of(engine, *network);
    std::map<double, std::vector<std::map<std::string, double>>> trains;
    for (const auto& row : read_oracle("pepke_pulse_trains_k11_0.33.csv")) trains[row.at("freq_Hz")].push_back(row);
    double worst = 0.0;
    for (const auto& [rate_hz, rows] : trains) {
        engine.restart(rest, 0);
        int pulses = 0;
        for (const auto& row : rows) {
            const double end = row.at("t_s");
            for (; pulses < 30 && pulses / rate_hz < end - 1e-9; ++pulses) {
                engine.advance(pulses / rate_hz);
                engine.set_amount(ca, amounts_of(engine, *network)[ca] + 10.0);
            }
            engine.advance(end);
            worst = std::max(worst, worst_error(row, definition, amounts_of(engine, *network)));
        }
    }
    EXPECT_LT(worst, 1e-6);
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
