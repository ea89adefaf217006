#include "chemistry/cme.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <numeric>

#include "chemistry.hpp"
#include "csv.hpp"

namespace nubridge::test {
namespace {

using chemistry::CmeEngine;
using chemistry::EngineOptions;
using chemistry::Input;
using chemistry::Regime;
using chemistry::Waveform;
using Distribution = std::vector<std::pair<double, double>>;

const std::vector<double> first{1.0};

NetworkDefinition immigration(double in, double death) {
    return {.name = "x", .species = {{"A", 0}}, .reactions = {{"i", {}, {0}, {}, in}, {"d", {0}, {}, {}, death}}};
}
NetworkDefinition annihilation(double n, double c) {
    return {.name = "x", .species = {{"A", n}}, .reactions = {{"a", {0, 0}, {}, {}, c}}};
}
NetworkDefinition channels(double n, double open, double close) {
    return {.name = "x",
            .parameters = {{"open", open}},
            .species = {{"C", n}, {"O", 0}},
            .reactions = {{"o", {0}, {1}, 0, 1.0}, {"c", {1}, {0}, {}, close}}};
}

double mean_of(const CmeEngine& engine, const ReactionNetwork& network, std::size_t species = 0) {
    return amounts_of(engine, network)[species];
}

double poisson(double mean, double n) {
    return std::exp(n * std::log(mean) - mean - std::lgamma(n + 1.0));
}
double binomial(double count, double p, double n) {
    return std::exp(std::lgamma(count + 1) - std::lgamma(n + 1) - std::lgamma(count - n + 1) + n * std::log(p) +
                    (count - n) * std::log1p(-p));
}

/// Sums to 1 and nothing is negative.
void expect_distribution(const Distribution& found, double tolerance = 1e-12) {
    double sum = 0.0;
    for (const auto& [value, probability] : found) {
        EXPECT_GE(probability, 0.0) << value;
        sum += probability;
    }
    EXPECT_NEAR(sum, 1.0, tolerance);
}

TEST(CmeEngine, DecayIsBinomial) {
    const auto network = made(shipped("decay"));
    CmeEngine engine(network, {});
    for (const double t_s : {0.01, 0.7, 3.0}) {
        engine.advance(t_s);
        const double p = std::exp(-t_s);
        EXPECT_NEAR(mean_of(engine, *network), 100 * p, 1e-11);
        EXPECT_NEAR(engine.variance(first), 100 * p * (1 - p), 1e-11);
        const auto found = engine.distribution(first);
        ASSERT_EQ(found.size(), 101u);
        expect_distribution(found);
        for (const auto& [n, probability] : found) EXPECT_NEAR(probability, binomial(100, p, n), 1e-13) << n;
    }
    EXPECT_EQ(engine.error_bound(), 0.0);
}

TEST(CmeEngine, ImmigrationAndDeathIsPoissonWithinItsErrorBound) {
    const auto network = made(immigration(8.0, 0.5));
    for (const double tolerance : {1e-5, 1e-8, 1e-12}) {
        CmeEngine engine(network, {.absolute_tolerance = tolerance});
        for (const double t_s : {0.5, 3.0, 40.0, 4000.0}) {
            engine.advance(t_s);
            const double mean = 16.0 * (1.0 - std::exp(-0.5 * t_s));
            EXPECT_LE(engine.error_bound(), 4 * 1.001 * tolerance);
            for (const auto& [n, probability] : engine.distribution(first)) {
                EXPECT_LE(probability, poisson(mean, n) + 1e-13) << n << " at " << t_s;
                EXPECT_GE(probability, poisson(mean, n) - engine.error_bound() - 1e-13) << n << " at " << t_s;
            }
        }
        EXPECT_LT(engine.state_count(), 200u);
    }
}

TEST(CmeEngine, BirthAndDeathFromOneMoleculeHasItsModifiedGeometricLaw) {
    // p(0) = a, p(n) = (1 - a)(1 - b) b^(n-1): Kendall, Ann Math Stat 19:1 (1948).
    const double birth = 0.8, death = 0.5, t_s = 3.0;
    const auto network = made(
        {.name = "x", .species = {{"A", 1}}, .reactions = {{"b", {0}, {0, 0}, {}, birth}, {"d", {0}, {}, {}, death}}});
    CmeEngine engine(network, {});
    engine.advance(t_s);
    const double grown = std::exp((birth - death) * t_s);
    const double a = death * (grown - 1) / (birth * grown - death), b = a * birth / death;
    const auto found = engine.distribution(first);
    ASSERT_GT(found.size(), 50u);
    EXPECT_NEAR(found[0].second, a, 1e-13);
    for (std::size_t n = 1; n < found.size(); ++n) {
        EXPECT_EQ(found[n].first, static_cast<double>(n));
        EXPECT_NEAR(found[n].second, (1 - a) * (1 - b) * std::pow(b, n - 1), 1e-12) << n;
    }
    EXPECT_LE(engine.error_bound(), 1e-12);
    EXPECT_NEAR(mean_of(engine, *network), grown, 1e-9);
}

/// Weights of the family of one row, over n = 0 to N, normalised.
std::vector<double> family(const std::map<std::string, std::string>& row) {
    const double last = std::stod(row.at("N")), nu1 = std::stod(row.at("nu1")), nu2 = std::stod(row.at("nu2"));
    std::vector<double> p;
    for (double n = 0; n <= last; ++n) {
        double log_base = 0.0;
        if (row.at("base") != "count") log_base -= std::lgamma(n + 1);
        if (row.at("base") == "binom") log_base += std::lgamma(last + 1) - std::lgamma(last - n + 1);
        p.push_back(std::exp(log_base - nu1 * n - nu2 * n * (n - 1) / 2));
    }
    const double norm = std::accumulate(p.begin(), p.end(), 0.0);
    for (double& one : p) one /= norm;
    return p;
}

NetworkDefinition one_reaction(const std::string& name) {
    const std::map<std::string, chemistry::Reaction> known{{"decay", {"r", {0}, {}}},      {"birth", {"r", {}, {0}}},
                                                           {"annih", {"r", {0, 0}, {}}},   {"coag", {"r", {0, 0}, {0}}},
                                                           {"branch", {"r", {0}, {0, 0}}}, {"open", {"r", {1}, {0}}}};
    return {.name = "x", .species = {{"A", 0}, {"free", 0}}, .reactions = {known.at(name)}};
}

TEST(CmeEngine, MovesTheMomentsOfEveryFamilyAsTheOracle) {
    for (const auto& row : read_oracle_text("oracle_wellmixed.csv")) {
        const auto p = family(row);
        CmeEngine engine(made(one_reaction(row.at("reaction"))), {});
        std::vector<double> states;
        for (std::size_t n = 0; n < p.size(); ++n) {
            states.push_back(static_cast<double>(n));
            states.push_back(row.at("reaction") == "open" ? static_cast<double>(p.size() - 1 - n) : 0.0);
        }
        engine.set_distribution(states, p);
        std::array<double, 2> mean{}, slope{};
        const std::vector<double> count_a{1.0, 0.0};
        for (const auto& [n, probability] : engine.distribution(count_a)) {
            mean[0] += n * probability;
            mean[1] += n * (n - 1) / 2 * probability;
        }
        for (const auto& [n, change] : engine.distribution_slope(count_a)) {
            slope[0] += n * change;
            slope[1] += n * (n - 1) / 2 * change;
        }
        const auto at = [&](const char* column) { return std::stod(row.at(column)); };
        const std::string what = row.at("base") + " " + row.at("nu1") + " " + row.at("reaction");
        EXPECT_NEAR(mean[0], at("m1"), 1e-9 * at("m1")) << what;
        EXPECT_NEAR(mean[1], at("m2"), 1e-9 * at("m2")) << what;
        for (const int k : {0, 1}) {
            const double expected =
                k == 0 ? -at("C11") * at("F1") - at("C12") * at("F2") : -at("C12") * at("F1") - at("C22") * at("F2");
            EXPECT_NEAR(slope[static_cast<std::size_t>(k)], expected, 1e-9 * std::max(1.0, std::abs(expected))) << what;
        }
    }
}

TEST(CmeEngine, FollowsThePublishedTrajectoryFromAPoissonLaw) {
    // A + A -> 0 with c = 0.1 from Poisson(10), up to 80 molecules.
    std::vector<double> states, p;
    for (int n = 0; n <= 80; ++n) {
        states.push_back(n);
        p.push_back(poisson(10.0, n));
    }
    const auto network = made(annihilation(0, 0.1));
    CmeEngine engine(network, {});
    engine.set_distribution(states, p);
    const double known[][3] = {{0.5, 6.709849249089, 5.139394552993},
                               {1.0, 5.083953117114, 3.593445697894},
                               {2.0, 3.459707871811, 2.329961848527},
                               {5.0, 1.830710093580, 1.197083065288}};
    for (const auto& [t_s, mean, variance] : known) {
        engine.advance(t_s);
        EXPECT_NEAR(mean_of(engine, *network), mean, 1e-9);
        EXPECT_NEAR(engine.variance(first), variance, 1e-9);
    }
    auto definition = annihilation(0, 0.1);
    definition.reactions.push_back({"b", {}, {0}, {}, 2.0});
    const auto open = made(definition);
    CmeEngine filled(open, {});
    filled.set_distribution(states, p);
    filled.advance(5.0);
    EXPECT_NEAR(mean_of(filled, *open), 4.643780757326, 1e-9);
    EXPECT_NEAR(filled.variance(first), 3.438739712082, 1e-9);
}

TEST(CmeEngine, ReachesTheStationaryLawOfABindingReaction) {
    // A + B <-> C from (a, b, 0): p(c) in proportion to (kon / koff)^c / ((a-c)! (b-c)! c!)
    const double a = 300, b = 250, kon = 0.02, koff = 1.5;
    const auto network = made({.name = "x",
                               .species = {{"A", a}, {"B", b}, {"C", 0}},
                               .reactions = {{"on", {0, 1}, {2}, {}, kon}, {"off", {2}, {0, 1}, {}, koff}}});
    CmeEngine engine(network, {});
    EXPECT_EQ(engine.state_count(), 251u);
    engine.advance(1000.0);
    EXPECT_LT(engine.events(), 200'000u) << "a steady state is recognised";
    std::vector<double> law;
    for (double c = 0; c <= b; ++c)
        law.push_back(c * std::log(kon / koff) - std::lgamma(a - c + 1) - std::lgamma(b - c + 1) - std::lgamma(c + 1));
    const double top = std::ranges::max(law);
    for (double& one : law) one = std::exp(one - top);
    const double norm = std::accumulate(law.begin(), law.end(), 0.0);
    const auto found = engine.distribution(std::vector<double>{0, 0, 1});
    ASSERT_EQ(found.size(), law.size());
    for (std::size_t c = 0; c < law.size(); ++c) EXPECT_NEAR(found[c].second, law[c] / norm, 1e-12) << c;
}

/// A <-> B at `fast` and 2 `fast`, B <-> C at 1 and 0.5.
NetworkDefinition stiff(double count, double fast) {
    return {.name = "x",
            .species = {{"A", count}, {"B", 0}, {"C", 0}},
            .reactions = {{"ab", {0}, {1}, {}, fast},
                          {"ba", {1}, {0}, {}, 2 * fast},
                          {"bc", {1}, {2}, {}, 1.0},
                          {"cb", {2}, {1}, {}, 0.5}}};
}

TEST(CmeEngine, ALeapIsManySteps) {
    const auto network = made(stiff(12, 100.0));
    CmeEngine leap(network, {}), steps(network, {});
    leap.advance(1.0);
    for (int window = 1; window <= 50; ++window) steps.advance(window / 50.0);
    EXPECT_LT(leap.events(), steps.events());
    const std::vector<double> weights{0, 1, 100};
    const auto found = leap.distribution(weights), expected = steps.distribution(weights);
    ASSERT_EQ(found.size(), 91u);
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i].second, expected[i].second, 1e-13);
}

TEST(CmeEngine, SlowChangesKeepTheirDigitsBesideFastOnes) {
    // With A and B always 2 to 1, C fills at 1/3 and empties at 1/2.
    const double fast = 1e11, t_s = 0.8;
    const auto network = made(stiff(15, fast));
    CmeEngine engine(network, {});
    engine.advance(t_s);
    const double p = 0.4 * (1.0 - std::exp(-t_s * 5.0 / 6.0));
    EXPECT_NEAR(mean_of(engine, *network, 2), 15 * p, 1e-9);
    EXPECT_NEAR(mean_of(engine, *network, 0), 10 * (1 - p), 1e-9);
    EXPECT_NEAR(engine.variance(std::vector<double>{0, 0, 1}), 15 * p * (1 - p), 1e-9);
}

TEST(CmeEngine, KeepsConservedTotalsInEveryState) {
    for (const char* name : {"abc", "sep"}) {
        const auto network = made(shipped(name));
        std::vector<double> amounts;
        for (const auto& one : network->definition().species) amounts.push_back(std::min(one.initial, 30.0));
        CmeEngine engine(network, {});
        engine.restart(amounts, 0);
        engine.advance(0.1);
        const auto laws = network->conservation_laws();
        EXPECT_FALSE(laws.empty());
        for (const auto& law : laws) {
            const std::vector<double> weights(law.begin(), law.end());
            const auto found = engine.distribution(weights);
            ASSERT_EQ(found.size(), 1u) << name;
            EXPECT_EQ(found[0].first, std::inner_product(law.begin(), law.end(), amounts.begin(), 0.0));
            EXPECT_NEAR(found[0].second, 1.0, 1e-14);
        }
    }
}

TEST(CmeEngine, ACutRunIsTheUncutRun) {
    for (const char* name : {"abc", "annihilation", "lotka_volterra"}) {
        const auto network = made(shipped(name));
        std::vector<double> amounts;
        for (const auto& one : network->definition().species) amounts.push_back(std::min(one.initial, 20.0));
        CmeEngine whole(network, {}), cut(network, {});
        whole.restart(amounts, 0);
        cut.restart(amounts, 0);
        whole.advance(0.05);
        for (int window = 1; window <= 50; ++window) cut.advance(0.001 * window);
        const double bound = 1e-12 + whole.error_bound() + cut.error_bound();
        for (std::size_t s = 0; s < amounts.size(); ++s)
            EXPECT_NEAR(mean_of(whole, *network, s), mean_of(cut, *network, s), 100 * bound) << name;
    }
}

Input driven(Input::Target target, std::size_t index, std::vector<double> knots_s,
             std::vector<Waveform::Piece> pieces) {
    return {target, index, Waveform(std::move(knots_s), std::move(pieces))};
}

CmeEngine with_inputs(const std::shared_ptr<const ReactionNetwork>& network, const std::vector<Input>& inputs) {
    return {chemistry::clamped(network, inputs), {.inputs = inputs}};
}

TEST(CmeEngine, ADrivenRateOnlyWarpsTime) {
    // k(t) = 1 + 3 t^2 until 1 s, then 4 - 3 x + x^3 for 1 s, then 2: the law at t is that of k = 1 at INT k dt.
    const double c = 0.3;
    auto definition = annihilation(41, c);
    definition.parameters = {{"k", 1.0}};
    definition.reactions[0].parameter = 0;
    definition.reactions[0].factor = c;
    const auto network = made(definition);
    CmeEngine plain(network, {});
    CmeEngine engine = with_inputs(
        network, {driven(Input::Target::parameter, 0, {0.0, 1.0, 2.0}, {{1, 0, 3, 0}, {4, -3, 0, 1}, {2, 0, 0, 0}})});
    for (const auto& [t_s, warped_s] : {std::pair{0.02, 0.020008}, {1.0, 2.0}, {2.0, 4.75}, {3.0, 6.75}}) {
        engine.advance(t_s);
        plain.advance(warped_s);
        const auto found = engine.distribution(first), expected = plain.distribution(first);
        ASSERT_EQ(found.size(), expected.size());
        for (std::size_t i = 0; i < found.size(); ++i)
            EXPECT_NEAR(found[i].second, expected[i].second, 1e-13) << t_s << " s, " << found[i].first;
    }
}

TEST(CmeEngine, DrivenChannelsAreBinomialAroundTheLinearEquation) {
    // dp/dt = a(t) (1 - p) - b p by small steps of Runge and Kutta.
    const double b = 30.0, count = 25.0;
    const Waveform wave({0.0, 0.1, 0.25}, {{5, 900, 0, 0}, {200, -2000, 5000, 0}, {12.5, 0, 0, 0}});
    const auto network = made(channels(count, 1.0, b));
    CmeEngine engine = with_inputs(network, {{Input::Target::parameter, 0, wave}});
    long double p = 0.0L;
    const auto follow = [&](double from_s, double to_s) {
        const int steps = 20'000;
        const long double h = (to_s - from_s) / steps;
        const auto rate = [&](long double t, long double x) {
            return static_cast<long double>(wave.value(static_cast<double>(t))) * (1 - x) - b * x;
        };
        for (int i = 0; i < steps; ++i) {
            const long double t = from_s + i * h, end = std::min<long double>(t + h, to_s - 1e-17L);
            const auto k1 = rate(t, p), k2 = rate(t + h / 2, p + h / 2 * k1), k3 = rate(t + h / 2, p + h / 2 * k2);
            p += h / 6 * (k1 + 2 * k2 + 2 * k3 + rate(end, p + h * k3));
        }
    };
    double t_s = 0.0;
    for (const double next_s : {0.05, 0.1, 0.25, 0.3}) {
        follow(t_s, next_s);
        engine.advance(t_s = next_s);
        const double open = static_cast<double>(p);
        EXPECT_NEAR(mean_of(engine, *network, 1), count * open, 1e-9);
        EXPECT_NEAR(engine.variance(std::vector<double>{0, 1}), count * open * (1 - open), 1e-9);
    }
}

TEST(CmeEngine, ADrivenSpeciesIsAClampedOne) {
    // Half a molecule of ligand, then two and a half: real numbers, not rounded.
    const auto network = made({.name = "x",
                               .species = {{"L", 7}, {"C", 10}, {"O", 0}},
                               .reactions = {{"o", {0, 1}, {2}, {}, 2.0}, {"c", {2}, {0, 1}, {}, 1.0}}});
    CmeEngine engine = with_inputs(network, {driven(Input::Target::species, 0, {0.0, 1.0}, {{0.5}, {2.5}})});
    engine.advance(1.0);
    const double before = 0.5 * (1 - std::exp(-2.0));
    EXPECT_NEAR(mean_of(engine, *network, 2), 10 * before, 1e-12);
    EXPECT_EQ(mean_of(engine, *network, 0), 2.5);
    engine.advance(1.5);
    const double rest = 5.0 / 6.0, after = rest + (before - rest) * std::exp(-3.0);
    EXPECT_NEAR(mean_of(engine, *network, 2), 10 * after, 1e-12);
}

TEST(CmeEngine, ConvertsConcentrationsAsTheSsa) {
    const auto network = made(shipped("sk"));
    const double volume_um3 = 0.08;  // 4 channels
    CmeEngine engine(network, {.volume_um3 = volume_um3});
    const auto ode = chemistry::make_engine(network, Regime::ode, {.relative_tolerance = 1e-12});
    const double unit = 602.214076 * volume_um3;
    for (const double t_s : {0.004, 0.02}) {
        engine.advance(t_s);
        ode->advance(t_s);
        const auto mean_field = amounts_of(*ode, *network);
        EXPECT_EQ(mean_of(engine, *network, 0), 1.0);
        for (std::size_t s = 1; s < mean_field.size(); ++s)
            EXPECT_NEAR(mean_of(engine, *network, s) * unit, mean_field[s] * unit, 1e-9) << s;
    }
}

TEST(CmeEngine, WritesActAtOnce) {
    const auto network = made(shipped("decay"));
    CmeEngine engine(network, {});
    engine.advance(0.5);
    const double left = 100 * std::exp(-0.5), spread = left * (1 - std::exp(-0.5));
    engine.add_amount(0, 20);
    EXPECT_NEAR(mean_of(engine, *network), left + 20, 1e-11);
    EXPECT_NEAR(engine.variance(first), spread, 1e-11);
    expect_refused<InvalidArgument>([&] { engine.add_amount(0, -21); }, {"'A'", "-21", "-1"});
    engine.set_rate_constant(0, 0.0);
    engine.advance(2.0);
    EXPECT_NEAR(mean_of(engine, *network), left + 20, 1e-11);
    engine.set_amount(0, 7.4);
    EXPECT_EQ(mean_of(engine, *network), 7.0);
    EXPECT_EQ(engine.variance(first), 0.0);
    engine.set_rate_constant(0, 2.0);
    engine.advance(2.25);
    EXPECT_NEAR(mean_of(engine, *network), 7 * std::exp(-0.5), 1e-12);
}

TEST(CmeEngine, ARestartRepeatsToTheByte) {
    for (const char* name : {"decay", "lotka_volterra"}) {
        const auto network = made(shipped(name));
        const std::vector<double> amounts(network->species_count(), 10.0), others(network->species_count(), 15.0);
        CmeEngine engine(network, {}), used(network, {});
        engine.restart(amounts, 0);
        engine.advance(0.05);
        used.restart(others, 1);
        used.advance(0.03);
        used.set_rate_constant(0, 0.1);
        used.restart(amounts, 2);
        used.advance(0.05);
        EXPECT_EQ(engine.distribution(amounts), used.distribution(amounts)) << name;
        EXPECT_EQ(engine.error_bound(), used.error_bound());
    }
}

TEST(CmeEngine, RefusesWhatIsTooLargeAndSaysWhatToUse) {
    const auto network = made(shipped("lotka_volterra"));
    CmeEngine engine(network, {.max_states = 3000});
    expect_refused<InvalidArgument>([&] { engine.advance(1.0); },
                                    {"'lotka_volterra'", "3000 states", "MB", "use ssa", "max_states"});
    const double reached_s = engine.time_s();
    const auto amounts = amounts_of(engine, *network);
    EXPECT_LT(reached_s, 1.0);
    EXPECT_GT(amounts[0], 0.0);
    expect_distribution(engine.distribution(std::vector<double>{1, 0}), 1e-11);
    engine.advance(reached_s);
    EXPECT_EQ(amounts_of(engine, *network), amounts);
}

TEST(CmeEngine, CanBeStopped) {
    std::atomic<bool> stop{false};
    const auto network = made(shipped("abc"));
    CmeEngine engine(network, {.stop = &stop});
    engine.advance(0.01);
    stop = true;
    EXPECT_THROW(engine.advance(1.0), Stopped);
    stop = false;
    engine.advance(0.02);
    expect_distribution(engine.distribution(std::vector<double>{1, 0, 0}));
}

TEST(CmeEngine, RefusesBadCalls) {
    const auto network = made(shipped("decay"));
    CmeEngine engine(network, {});
    const auto set = [&](std::vector<double> states, std::vector<double> p) {
        return [&engine, states, p] { engine.set_distribution(states, p); };
    };
    expect_refused<InvalidArgument>(set({1, 2}, {0.5, 0.4}), {"0.9", "sum to 1"});
    expect_refused<InvalidArgument>(set({1, 2}, {1.5, -0.5}), {"-0.5", "negative"});
    expect_refused<InvalidArgument>(set({1, -2}, {0.5, 0.5}), {"'A'", "-2"});
    expect_refused<InvalidArgument>([&] { engine.set_amount(0, 1e12); }, {"'A'", "1000000000000", "ssa"});
    expect_refused<InvalidArgument>([&] { engine.set_rate_constant(0, NAN); }, {"nan"});
    expect_refused<InvalidArgument>([&] { engine.advance(-1.0); }, {"-1"});
    expect_refused<InvalidArgument>([&] { CmeEngine none(network, {.absolute_tolerance = 0.0}); }, {"tolerance", "0"});
    expect_refused<InvalidArgument>([&] { CmeEngine none(network, {.max_states = 0}); }, {"max_states"});
    const Input low = driven(Input::Target::species, 0, {0.0}, {{0.5}});
    expect_refused<InvalidArgument>([&] { with_inputs(made(annihilation(5, 1.0)), {low}); },
                                    {"'a'", "'A'", "2 molecules", "falls below 1"});
    CmeEngine follows = with_inputs(network, {driven(Input::Target::species, 0, {0.0}, {{0.5}})});
    expect_refused<InvalidArgument>([&] { follows.set_amount(0, 2.0); }, {"'A'", "input"});
    const Input rate = driven(Input::Target::parameter, 1, {0.0}, {{0.5}});
    expect_refused<InvalidArgument>([&] { with_inputs(network, {rate}).set_rate_constant(0, 2.0); }, {"'R1'", "input"});
}

}  // namespace
}  // namespace nubridge::test
