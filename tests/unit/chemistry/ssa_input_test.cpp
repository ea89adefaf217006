#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <numbers>

#include "chemistry.hpp"
#include "chemistry/ssa.hpp"

namespace nubridge::test {
namespace {

using chemistry::EngineOptions;
using chemistry::Input;
using chemistry::SsaEngine;
using chemistry::Waveform;

constexpr auto species_input = Input::Target::species;
constexpr auto parameter_input = Input::Target::parameter;

/// From 0.1 up to 5 in 5 ms and down again until 45 ms, smoothly.
Waveform calcium_uM() {
    const double rise = 4.9 / (0.005 * 0.005), fall = 4.9 / (0.04 * 0.04);
    return {{0.0, 0.005, 0.045},
            {{0.1, 0.0, 3 * rise, -2 * rise / 0.005}, {5.0, 0.0, -3 * fall, 2 * fall / 0.04}, {0.1, 0.0, 0.0, 0.0}}};
}

/// mean + amplitude sin(2 pi t) until `end_s`, by cubics of a twentieth of a period.
Waveform sine(double mean, double amplitude, double end_s) {
    const double omega = 2.0 * std::numbers::pi, h = 0.05;
    std::vector<double> knots;
    std::vector<Waveform::Piece> pieces;
    for (double t = 0.0; t < end_s - h / 2; t += h) {
        const double y0 = mean + amplitude * std::sin(omega * t), y1 = mean + amplitude * std::sin(omega * (t + h));
        const double s0 = amplitude * omega * std::cos(omega * t) * h,
                     s1 = amplitude * omega * std::cos(omega * (t + h)) * h;
        knots.push_back(t);
        pieces.push_back(
            {y0, s0 / h, (3 * (y1 - y0) - 2 * s0 - s1) / (h * h), (2 * (y0 - y1) + s0 + s1) / (h * h * h)});
    }
    knots.push_back(end_s);
    pieces.push_back({mean, 0.0, 0.0, 0.0});
    return {knots, pieces};
}

/// Of a waveform over [0, t_s], by Simpson's rule on steps of 0.1 ms; exact for cubics whose knots are steps.
double integral(const Waveform& waveform, double t_s) {
    const double h = 1e-4;
    double sum = 0.0;
    for (double t = 0.0; t < t_s - h / 2; t += h)
        sum += h / 6 * (waveform.value(t) + 4 * waveform.value(t + h / 2) + waveform.value(t + h * (1 - 1e-9)));
    return sum;
}

NetworkDefinition immigration() {
    return {.name = "x", .parameters = {{"in", 1.0}}, .species = {{"A", 0}}, .reactions = {{"enter", {}, {0}, 0, 1.0}}};
}

/// `network` beside idle reactions: with none it runs in lanes, with 30 in a tree.
NetworkDefinition widened(NetworkDefinition network, std::size_t idle) {
    network.species.push_back({"idle", 0.0});
    const std::size_t species = network.species.size() - 1;
    for (std::size_t i = 0; i < idle; ++i)
        network.reactions.push_back({"idle" + std::to_string(i), {species}, {}, {}, 1.0});
    return network;
}
constexpr std::array<std::size_t, 2> idle_reactions{0, 30};

/// Counts of the first species at t_s, over many runs.
std::vector<double> sample(const NetworkDefinition& definition, std::vector<Input> inputs, double t_s,
                           std::size_t runs) {
    const auto network = chemistry::clamped(made(definition), inputs);
    SsaEngine engine(network, {.seed = 11, .inputs = std::move(inputs)});
    std::vector<double> initial, values;
    for (const auto& one : definition.species) initial.push_back(one.initial);
    for (std::size_t run = 0; run < runs; ++run) {
        engine.restart(initial, run);
        engine.advance(t_s);
        values.push_back(static_cast<double>(engine.count(0)));
    }
    return values;
}

void expect_poisson(const Waveform& rate, double t_s, double mean) {
    for (const std::size_t idle : idle_reactions) {
        SCOPED_TRACE(idle);
        expect_moments(sample(widened(immigration(), idle), {{parameter_input, 0, rate}}, t_s, 10'000), mean, mean);
    }
}

void expect_poisson(const Waveform& rate, double t_s) {
    expect_poisson(rate, t_s, integral(rate, t_s));
}

TEST(SsaInputs, ARateThatJumpsGives505) {
    const Waveform rate({0.0, 5.0}, {{1.0, 0.0, 0.0, 0.0}, {100.0, 0.0, 0.0, 0.0}});
    expect_poisson(rate, 10.0, 505.0);
}

TEST(SsaInputs, ARateThatRampsFromZeroCountsItsIntegral) {
    expect_poisson(Waveform({0.0, 2.0}, {{0.0, 15.0, 0.0, 0.0}, {3.0, 0.0, 0.0, 0.0}}), 3.0);
}

TEST(SsaInputs, ARateThatIsZeroForAWhileCountsItsIntegral) {
    expect_poisson(Waveform({0.5, 1.0, 1.5}, {{0.0, 0.0, 0.0, 0.0}, {40.0, 0.0, 0.0, 0.0}, {0.0, 0.0, 0.0, 0.0}}), 2.0);
}

TEST(SsaInputs, ARateThatIsASineCountsItsIntegral) {
    expect_poisson(sine(30.0, 30.0, 3.0), 2.3);
}

TEST(SsaInputs, ADrivenRateAndADrivenSpeciesMultiply) {
    // A + B -> B at k(t): each A survives with exp(-integral of k B).
    const NetworkDefinition network{.name = "x",
                                    .parameters = {{"k", 1.0}},
                                    .species = {{"A", 40}, {"B", 3}},
                                    .reactions = {{"meet", {0, 1}, {1}, 0, 0.5}}};
    const Waveform k({0.0, 1.0}, {{0.0, 1.0, 0.0, 0.0}, {1.0, 0.0, 0.0, 0.0}});
    const Waveform b({0.0, 1.0}, {{2.0, -2.0, 0.0, 0.0}, {0.75, 0.0, 0.0, 0.0}});
    // 0.5 (integral of t (2 - 2 t) over [0, 1], then 0.75 over [1, 2])
    const double p = std::exp(-0.5 * (1.0 / 3.0 + 0.75));
    for (const std::size_t idle : idle_reactions) {
        const std::vector<Input> inputs{{parameter_input, 0, k}, {species_input, 1, b}};
        expect_moments(sample(widened(network, idle), inputs, 2.0, 20'000), 40 * p, 40 * p * (1 - p));
    }
}

/// The probability that a channel of `sk` is open at each time: dp/dt by Runge and Kutta's method, steps of 10 us.
std::vector<double> open_probability(const Waveform& ca, const std::vector<double>& times_s) {
    using State = std::array<double, 6>;  // C1 C2 C3 C4 O1 O2
    const auto slope = [&](double t, const State& p) {
        const double c = ca.value(t);
        const double a = 200 * c * p[0] - 80 * p[1], b = 160 * c * p[1] - 80 * p[2], d = 80 * c * p[2] - 200 * p[3];
        const double e = 160 * p[2] - 1000 * p[4], f = 1200 * p[3] - 100 * p[5];
        return State{-a, a - b, b - d - e, d - f, e, f};
    };
    const auto moved = [](State p, const State& k, double h) {
        for (std::size_t i = 0; i < 6; ++i) p[i] += h * k[i];
        return p;
    };
    State p{1.0};
    const double h = 1e-5;
    std::vector<double> open;
    std::size_t step = 0;
    for (const double end : times_s) {
        for (; static_cast<double>(step) * h < end - h / 2; ++step) {
            const double t = static_cast<double>(step) * h;
            const State k1 = slope(t, p), k2 = slope(t + h / 2, moved(p, k1, h / 2)),
                        k3 = slope(t + h / 2, moved(p, k2, h / 2)), k4 = slope(t + h, moved(p, k3, h));
            for (std::size_t i = 0; i < 6; ++i) p[i] += h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
        }
        open.push_back(p[4] + p[5]);
    }
    return open;
}

TEST(SsaInputs, SkFollowsACalciumTransientAsTheDrivenMasterEquation) {
    // Channels are independent: N p and N p (1 - p).
    const std::vector<double> times_s{0.002, 0.006, 0.015, 0.03, 0.06};
    const auto definition = shipped("sk", {{"channels", 10 / 602.214076}});
    const std::size_t runs = 100'000;
    const std::vector<Input> inputs{{species_input, species_of(definition, "Ca"), calcium_uM()}};
    std::vector<double> initial, out(runs * times_s.size()), weights(definition.species.size(), 0.0);
    for (const auto& one : definition.species) initial.push_back(one.initial);
    for (const char* open : {"O1", "O2"}) weights[species_of(definition, open)] = 602.214076;
    run_ensemble(made(definition), chemistry::Regime::ssa, {.volume_um3 = 1.0, .seed = 12, .inputs = inputs}, runs, 1,
                 initial, times_s, weights, out);
    const auto open = open_probability(calcium_uM(), times_s);
    for (std::size_t i = 0; i < times_s.size(); ++i) {
        std::vector<double> values;
        for (std::size_t run = 0; run < runs; ++run) values.push_back(std::round(out[run * times_s.size() + i]));
        SCOPED_TRACE(times_s[i]);
        expect_moments(values, 10 * open[i], 10 * open[i] * (1 - open[i]));
    }
}

/// 50 channels of `sk` under the transient.
std::pair<std::shared_ptr<const ReactionNetwork>, EngineOptions> driven_sk(std::size_t idle = 0) {
    const auto network = made(widened(shipped("sk"), idle));
    EngineOptions options{.volume_um3 = 1.0, .seed = 13};
    options.inputs.push_back({species_input, species_of(network->definition(), "Ca"), calcium_uM()});
    return {chemistry::clamped(network, options.inputs), options};
}

void expect_cut_is_uncut(std::size_t idle) {
    const auto [network, options] = driven_sk(idle);
    SsaEngine whole(network, options), cut(network, options);
    double t = 0.0;
    for (int window = 0; window < 2400; ++window) cut.advance(t += 25e-6);
    whole.advance(t);
    EXPECT_GT(whole.events(), 100u);
    EXPECT_EQ(whole.candidates(), cut.candidates());
    EXPECT_EQ(amounts_of(whole, *network), amounts_of(cut, *network));
    whole.advance(t + 0.1);
    cut.advance(t + 0.1);
    EXPECT_EQ(whole.events(), cut.events());
    EXPECT_EQ(amounts_of(whole, *network), amounts_of(cut, *network));
}

TEST(SsaInputs, ACutRunIsTheUncutRun) {
    for (const std::size_t idle : idle_reactions) expect_cut_is_uncut(idle);
}

TEST(SsaInputs, ReadAsTheirWaveformBetweenAdvances) {
    const auto [network, options] = driven_sk();
    SsaEngine engine(network, options);
    for (const double t : {0.0, 0.0021, 0.005, 0.02, 1.0}) {
        engine.advance(t);
        EXPECT_DOUBLE_EQ(amounts_of(engine, *network)[options.inputs[0].index], calcium_uM().value(t)) << t;
    }
}

TEST(SsaInputs, PiecewiseConstantOnesHaveNoCandidateInVain) {
    const Waveform rate({0.0, 1.0, 2.0}, {{9.0, 0.0, 0.0, 0.0}, {900.0, 0.0, 0.0, 0.0}, {1.0, 0.0, 0.0, 0.0}});
    const std::vector<Input> inputs{{parameter_input, 0, rate}};
    SsaEngine engine(chemistry::clamped(made(widened(immigration(), 30)), inputs), {.inputs = inputs});
    engine.advance(4.0);
    EXPECT_GT(engine.events(), 500u);
    EXPECT_EQ(engine.candidates(), engine.events());
}

TEST(SsaInputs, SmoothOnesHaveFewCandidatesInVain) {
    const std::vector<Input> inputs{{parameter_input, 0, sine(3001.0, 3000.0, 3.0)}};
    SsaEngine engine(chemistry::clamped(made(widened(immigration(), 30)), inputs), {.inputs = inputs});
    engine.advance(3.0);
    EXPECT_LT(static_cast<double>(engine.candidates()), 1.25 * static_cast<double>(engine.events()));
}

TEST(SsaInputs, RefuseWritesOfWhatTheyDrive) {
    auto [network, options] = driven_sk();
    SsaEngine engine(network, options);
    expect_refused<InvalidArgument>([&] { engine.set_amount(options.inputs[0].index, 2.0); }, {"'Ca'", "input"});
    const std::vector<Input> inputs{{parameter_input, 0, sine(2.0, 1.0, 1.0)}};
    SsaEngine driven(chemistry::clamped(made(immigration()), inputs), {.inputs = inputs});
    expect_refused<InvalidArgument>([&] { driven.set_rate_constant(0, 2.0); }, {"'enter'", "input"});
}

TEST(SsaInputs, RefuseTheRateOfThreeReactants) {
    NetworkDefinition network = immigration();
    network.reactions[0].reactants = {0, 0, 0};
    const std::vector<Input> inputs{{parameter_input, 0, sine(2.0, 1.0, 1.0)}};
    expect_refused<InvalidArgument>([&] { SsaEngine engine(made(network), {.inputs = inputs}); },
                                    {"'in'", "'enter'", "3 reactants", "split"});
}

TEST(SsaEngine, AClampedSpeciesNeedNotBeWhole) {
    // 0.4 of a clamped molecule makes 0.4 a second; 1.5 after it is set.
    const NetworkDefinition definition{
        .name = "x", .species = {{"A", 0.4, true}, {"B", 0}}, .reactions = {{"make", {0}, {0, 1}, {}, 1.0}}};
    const auto network = made(definition);
    SsaEngine engine(network, {.seed = 14});
    std::vector<double> values;
    for (std::size_t run = 0; run < 20'000; ++run) {
        engine.restart(std::vector<double>{0.4, 0.0}, run);
        engine.advance(5.0);
        engine.set_amount(0, 1.5);
        engine.advance(7.0);
        values.push_back(static_cast<double>(engine.count(1)));
    }
    expect_moments(values, 5.0, 5.0);
    EXPECT_EQ(amounts_of(engine, *network)[0], 1.5);
}

void expect_goes_on_after_a_stop(const std::shared_ptr<const ReactionNetwork>& network, EngineOptions options,
                                 double t_s) {
    SsaEngine whole(network, options);
    std::atomic<bool> stop{true};
    options.stop = &stop;
    SsaEngine stopped(network, options);
    expect_refused<Stopped>([&] { stopped.advance(t_s); }, {"stopped at"});
    EXPECT_GT(stopped.time_s(), 0.0);
    EXPECT_LT(stopped.time_s(), t_s);
    stop = false;
    stopped.advance(t_s);
    whole.advance(t_s);
    EXPECT_EQ(stopped.events(), whole.events());
    EXPECT_EQ(amounts_of(stopped, *network), amounts_of(whole, *network));
}

TEST(SsaEngine, GoesOnAfterAStopAsIfThereWereNone) {
    expect_goes_on_after_a_stop(made(shipped("abc")), {.seed = 15}, 200.0);
    expect_goes_on_after_a_stop(made(shipped("sk_calcium")), {.volume_um3 = 1.0, .seed = 15}, 20.0);
    expect_goes_on_after_a_stop(made(shipped("camkii")), {.volume_um3 = 1.0, .seed = 15}, 0.02);
    for (const std::size_t idle : idle_reactions) {
        const auto [network, options] = driven_sk(idle);
        expect_goes_on_after_a_stop(network, options, 0.06);
    }
}

}  // namespace
}  // namespace nubridge::test
