#include "chemistry/ssa.hpp"

#include <gtest/gtest.h>

#include "chemistry.hpp"

namespace nubridge::test {
namespace {

using chemistry::EngineOptions;
using chemistry::Regime;
using chemistry::SsaEngine;

/// `network` beside `copies` idle reactions, so that every kind of search is run: lanes of 1 row and 3, trees of 2
/// levels and more.
NetworkDefinition widened(NetworkDefinition network, std::size_t copies) {
    network.species.push_back({"idle", 0.0});
    const std::size_t idle = network.species.size() - 1;
    for (std::size_t i = 0; i < copies; ++i)
        network.reactions.insert(network.reactions.begin() + 1, {"idle" + std::to_string(i), {idle}, {}, {}, 1.0});
    return network;
}

class SsaEngines : public testing::TestWithParam<std::size_t> {
protected:
    /// One species at a time over many runs.
    std::vector<double> sample(const NetworkDefinition& definition, double t_s, std::size_t runs,
                               std::size_t species = 0) {
        const auto network = made(widened(definition, GetParam()));
        SsaEngine engine(network, {.seed = 20});
        std::vector<double> initial, values;
        for (const auto& one : network->definition().species) initial.push_back(one.initial);
        for (std::size_t run = 0; run < runs; ++run) {
            engine.restart(initial, run);
            engine.advance(t_s);
            values.push_back(static_cast<double>(engine.count(species)));
        }
        return values;
    }
};
INSTANTIATE_TEST_SUITE_P(WithIdleReactions, SsaEngines, testing::Values(0, 10, 40, 600));

constexpr std::size_t runs = 10'000;

TEST_P(SsaEngines, BirthAndDeathHasItsExactMoments) {
    const double birth = 0.1, death = 0.11, t = 10.0, n0 = 100;
    const NetworkDefinition network{
        .name = "x", .species = {{"A", n0}}, .reactions = {{"b", {0}, {0, 0}, {}, birth}, {"d", {0}, {}, {}, death}}};
    const double grown = std::exp((birth - death) * t);
    expect_moments(sample(network, t, runs), n0 * grown, n0 * (birth + death) / (birth - death) * grown * (grown - 1));
}

TEST_P(SsaEngines, ImmigrationAndDeathHasItsExactMoments) {
    const double in = 8.0, death = 0.5, t = 3.0;
    const NetworkDefinition network{
        .name = "x", .species = {{"A", 0}}, .reactions = {{"i", {}, {0}, {}, in}, {"d", {0}, {}, {}, death}}};
    const double mean = in / death * (1 - std::exp(-death * t));
    expect_moments(sample(network, t, runs), mean, mean);
}

/// P(n) of A + A -> nothing at c a pair after t, by uniformisation: n falls by 2.
std::pair<double, double> annihilation_moments(int n0, double c, double t) {
    std::vector<double> p(static_cast<std::size_t>(n0) + 1, 0.0);
    p.back() = 1.0;
    const double top = c * n0 * (n0 - 1) / 2;
    std::vector<double> sum(p.size(), 0.0);
    double weight = std::exp(-top * t);
    for (int jumps = 0; jumps < top * t + 12 * std::sqrt(top * t) + 60; ++jumps) {
        for (std::size_t n = 0; n < p.size(); ++n) sum[n] += weight * p[n];
        weight *= top * t / (jumps + 1);
        for (std::size_t n = 0; n < p.size();
             ++n) {  // what leaves n + 2 comes here; ascending, so that n + 2 is still old
            const auto rate = [&](std::size_t m) {
                return c * static_cast<double>(m) * (static_cast<double>(m) - 1) / 2 / top;
            };
            p[n] += (n + 2 < p.size() ? p[n + 2] * rate(n + 2) : 0.0) - (n < 2 ? 0.0 : p[n] * rate(n));
        }
    }
    double mean = 0.0, square = 0.0;
    for (std::size_t n = 0; n < sum.size(); ++n) {
        mean += static_cast<double>(n) * sum[n];
        square += static_cast<double>(n * n) * sum[n];
    }
    return {mean, square - mean * mean};
}

TEST_P(SsaEngines, AnnihilationOfPairsHasItsExactMoments) {
    const NetworkDefinition network{.name = "x", .species = {{"A", 30}}, .reactions = {{"a", {0, 0}, {}, {}, 0.1}}};
    const auto [mean, variance] = annihilation_moments(30, 0.1, 0.7);
    expect_moments(sample(network, 0.7, runs), mean, variance);
}

TEST_P(SsaEngines, DimerisationReachesItsExactEquilibrium) {
    // 2 A <-> B of N atoms: p(B = b) in proportion to (k / 2k')^b N! / ((N - 2b)! b!)
    const int atoms = 20;
    const double k = 0.3, back = 2.0;
    std::vector<double> p{1.0};
    for (int b = 0; 2 * (b + 1) <= atoms; ++b)
        p.push_back(p.back() * k * (atoms - 2 * b) * (atoms - 2 * b - 1) / 2 / (back * (b + 1)));
    double norm = 0.0, mean = 0.0, square = 0.0;
    for (std::size_t b = 0; b < p.size(); ++b) {
        norm += p[b];
        mean += static_cast<double>(b) * p[b];
        square += static_cast<double>(b * b) * p[b];
    }
    mean /= norm;
    const NetworkDefinition network{.name = "x",
                                    .species = {{"A", atoms}, {"B", 0}},
                                    .reactions = {{"f", {0, 0}, {1}, {}, k}, {"b", {1}, {0, 0}, {}, back}}};
    expect_moments(sample(network, 20.0, runs, 1), mean, square / norm - mean * mean);
}

TEST_P(SsaEngines, ThreeEqualMoleculesMeetInTriples) {
    // 3 molecules, c = 2: one triple, so it waits Exp(2).
    const NetworkDefinition network{.name = "x", .species = {{"A", 3}}, .reactions = {{"r", {0, 0, 0}, {}, {}, 2.0}}};
    const double left = std::exp(-2.0 * 0.4);
    expect_moments(sample(network, 0.4, runs), 3 * left, 9 * left * (1 - left));
}

TEST_P(SsaEngines, ARateThatJumpsActsAtOnce) {
    // 1 /s until 5 s, then 100 /s until 10 s: a Poisson number of mean 505.
    const auto network =
        made(widened({.name = "x", .species = {{"A", 0}}, .reactions = {{"in", {}, {0}, {}, 1.0}}}, GetParam()));
    SsaEngine engine(network, {.seed = 5});
    std::vector<double> values;
    for (std::size_t run = 0; run < runs; ++run) {
        engine.restart(std::vector<double>{0.0, 0.0}, run);
        engine.advance(5.0);
        engine.set_rate_constant(0, 100.0);
        engine.advance(10.0);
        values.push_back(static_cast<double>(engine.count(0)));
    }
    expect_moments(values, 505.0, 505.0);
}

TEST_P(SsaEngines, ARateOfZeroStopsAndItsReturnStarts) {
    const auto network =
        made(widened({.name = "x", .species = {{"A", 0}}, .reactions = {{"in", {}, {0}, {}, 0.0}}}, GetParam()));
    SsaEngine engine(network, {.seed = 5});
    std::vector<double> values;
    for (std::size_t run = 0; run < runs; ++run) {
        engine.restart(std::vector<double>{0.0, 0.0}, run);
        engine.advance(3.0);
        EXPECT_EQ(engine.count(0), 0);
        engine.set_rate_constant(0, 10.0);
        engine.advance(4.0);
        engine.set_rate_constant(0, 0.0);
        engine.advance(9.0);
        engine.set_rate_constant(0, 10.0);
        engine.advance(10.0);
        values.push_back(static_cast<double>(engine.count(0)));
    }
    expect_moments(values, 20.0, 20.0);
}

TEST_P(SsaEngines, ACountThatIsWrittenActsAtOnce) {
    // Nothing until 1 s, then 50 molecules that decay for 1 s: binomial.
    const auto network =
        made(widened({.name = "x", .species = {{"A", 0}}, .reactions = {{"d", {0}, {}, {}, 0.7}}}, GetParam()));
    SsaEngine engine(network, {.seed = 6});
    std::vector<double> values;
    for (std::size_t run = 0; run < runs; ++run) {
        engine.restart(std::vector<double>{0.0, 0.0}, run);
        engine.advance(1.0);
        engine.set_count(0, 50);
        engine.advance(1.4);
        engine.set_count(0, engine.count(0));
        engine.advance(2.0);
        values.push_back(static_cast<double>(engine.count(0)));
    }
    const double p = std::exp(-0.7);
    expect_moments(values, 50 * p, 50 * p * (1 - p));
}

TEST(SsaEngine, ACutRunIsTheUncutRun) {
    for (const char* name : {"abc", "sk_calcium", "lotka_volterra", "camkii"}) {
        const auto network = made(shipped(name));
        SsaEngine whole(network, {.volume_um3 = 0.1, .seed = 3, .run = 9}),
            cut(network, {.volume_um3 = 0.1, .seed = 3, .run = 9});
        double t = 0.0;
        for (int window = 0; window < 4000; ++window) cut.advance(t += 25e-6);
        whole.advance(t);
        EXPECT_GT(whole.events(), 20u) << name;
        EXPECT_EQ(whole.events(), cut.events()) << name;
        EXPECT_EQ(amounts_of(whole, *network), amounts_of(cut, *network)) << name;
        whole.advance(t + 0.01);
        cut.advance(t + 0.01);
        EXPECT_EQ(amounts_of(whole, *network), amounts_of(cut, *network)) << name;
    }
}

TEST(SsaEngine, KeepsEveryConservationLawExactly) {
    const auto network = made(shipped("camkii"));
    const auto laws = network->conservation_laws();
    SsaEngine engine(network, {.volume_um3 = 1.0, .seed = 1});
    const auto total = [&](const std::vector<std::int64_t>& law) {
        std::int64_t sum = 0;
        for (std::size_t s = 0; s < law.size(); ++s) sum += law[s] * engine.count(s);
        return sum;
    };
    std::vector<std::int64_t> before;
    for (const auto& law : laws) before.push_back(total(law));
    engine.advance(0.1);
    EXPECT_GT(engine.events(), 100'000u);
    for (std::size_t i = 0; i < laws.size(); ++i) EXPECT_EQ(total(laws[i]), before[i]);
}

TEST(SsaEngine, AgreesWithTheOdeWhereCountsAreLarge) {
    const auto network = made(shipped("camkii"));
    const chemistry::EngineOptions options{.volume_um3 = 1.0, .seed = 2};
    const auto ode = chemistry::make_engine(network, Regime::ode, options);
    ode->advance(0.1);
    const std::size_t count = 40;
    const std::vector<double> times{0.1};
    std::vector<double> initial, out(count * network->species_count());
    for (const auto& one : network->definition().species) initial.push_back(one.initial);
    run_ensemble(network, Regime::ssa, options, count, 1, initial, times, {}, out);
    for (const char* name : {"Ca", "KaMe", "CaM_free", "KCaM_mono", "KK_dimer", "pK_total"}) {
        std::vector<double> values;
        for (std::size_t run = 0; run < count; ++run) {
            const auto* row = out.data() + run * network->species_count();
            values.push_back(observed(network->definition(), name, {row, row + network->species_count()}));
        }
        const Moments found(values);
        const double expected = observed(network->definition(), name, amounts_of(*ode, *network));
        // Mass action differs from the mean by terms of the order of one molecule.
        EXPECT_NEAR(found.mean, expected, 4 * found.mean_error + 2.0 / 602.2) << name;
    }
}

TEST(Ensemble, IsTheSameForAnyNumberOfThreads) {
    const auto network = made(shipped("sk_calcium"));
    std::vector<double> initial;
    for (const auto& one : network->definition().species) initial.push_back(one.initial);
    const std::vector<double> times{0.001, 0.01, 0.05};
    std::vector<double> one(50 * 3 * 7), two(one.size()), tail(one.size() / 5);
    EngineOptions options{.volume_um3 = 1.0, .seed = 8};
    run_ensemble(network, Regime::ssa, options, 50, 1, initial, times, {}, one);
    run_ensemble(network, Regime::ssa, options, 50, 2, initial, times, {}, two);
    EXPECT_EQ(one, two);
    options.run = 40;
    run_ensemble(network, Regime::ssa, options, 10, 2, initial, times, {}, tail);
    EXPECT_TRUE(std::equal(tail.begin(), tail.end(), one.end() - static_cast<std::ptrdiff_t>(tail.size())));
}

TEST(SsaEngine, ManyAndLargeChangesFire) {
    // A -> 6 other species, 100 000 of the last: past the fast changes and the narrow numbers.
    NetworkDefinition definition{.name = "x", .species = {{"A", 5}}, .reactions = {{"r", {0}, {}, {}, 1.0}}};
    for (std::size_t s = 1; s < 7; ++s) {
        definition.species.push_back({"B" + std::to_string(s), 0});
        definition.reactions[0].products.insert(definition.reactions[0].products.end(), s == 6 ? 100'000 : s, s);
    }
    for (const std::size_t idle : {0u, 10u, 40u}) {
        const auto network = made(widened(definition, idle));
        SsaEngine engine(network, {});
        engine.advance(1000.0);
        for (std::size_t s = 1; s < 7; ++s)
            EXPECT_EQ(engine.count(s), 5 * static_cast<std::int64_t>(s == 6 ? 100'000 : s));
        EXPECT_EQ(engine.events(), 5u);
    }
}

TEST(SsaEngine, RefusesBadCalls) {
    const auto molar = made(shipped("sk"));
    expect_refused<InvalidArgument>([&] { SsaEngine engine(molar, {}); }, {"'sk'", "uM", "volume_um3"});
    expect_refused<InvalidArgument>([&] { SsaEngine engine(molar, {.volume_um3 = -1.0}); }, {"-1", "positive"});
    const auto network = made(shipped("abc"));
    SsaEngine engine(network, {});
    engine.advance(1.0);
    expect_refused<InvalidArgument>([&] { engine.advance(0.5); }, {"from 1 s to 0.5 s"});
    expect_refused<InvalidArgument>([&] { engine.advance(INFINITY); }, {"inf", "finite"});
    expect_refused<InvalidArgument>([&] { engine.set_amount(1, -3.0); }, {"'B'", "-3"});
    expect_refused<InvalidArgument>([&] { engine.set_rate_constant(1, -3.0); }, {"'R2'", "-3"});
}

}  // namespace
}  // namespace nubridge::test
