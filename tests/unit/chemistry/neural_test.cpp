#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>

#include "chemistry/neural_cme.hpp"
#include "chemistry/neural_network.hpp"
#include "chemistry/neural_ssa.hpp"
#include "expect.hpp"
#include "random.hpp"
#include "units/error.hpp"

namespace nubridge::test {
namespace {

using chemistry::NeuralCme;
using chemistry::NeuralNetwork;
using chemistry::NeuralRates;
using chemistry::NeuralResponse;
using chemistry::NeuralSsa;

constexpr NeuralRates usual{10.0, 40.0, 2.0, 1.0, NeuralResponse::logistic};

std::shared_ptr<const NeuralNetwork> network_of(std::size_t size, double scale, double input,
                                                const NeuralRates& rates = usual, std::uint64_t seed = 1) {
    Random random(seed);
    return std::make_shared<NeuralNetwork>(random.uniforms(size * size, -scale, scale),
                                           std::vector<double>(size, input), rates);
}

std::vector<double> quiescent(const NeuralCme& cme) {
    std::vector<double> p(cme.states());
    p[0] = 1.0;
    return p;
}

std::vector<std::uint8_t> patterns(const std::shared_ptr<const NeuralNetwork>& network, std::size_t threads,
                                   std::vector<double> times_s, std::size_t runs, std::uint64_t first_run = 0) {
    const std::vector<std::uint8_t> initial(network->size());
    std::vector<std::uint8_t> found(runs * times_s.size() * network->size());
    run_neural_ensemble(network, {7, first_run, runs, threads, initial, times_s}, found, nullptr);
    return found;
}

TEST(NeuralNetwork, HasTheStatedResponses) {
    NeuralRates rates{1.0, 5.0, 2.0, 0.5, NeuralResponse::logistic};
    const auto at = [&](double current) {
        return NeuralNetwork(std::vector{0.0}, std::vector{0.0}, rates).rate_per_s(current);
    };
    EXPECT_DOUBLE_EQ(at(0.5), 2.5);
    EXPECT_DOUBLE_EQ(at(1.5), 5.0 / (1.0 + std::exp(-2.0)));
    EXPECT_DOUBLE_EQ(at(-1e6), 0.0);
    rates.response = NeuralResponse::rectified_tanh;
    EXPECT_DOUBLE_EQ(at(0.5), 0.0);
    EXPECT_DOUBLE_EQ(at(0.4), 0.0);
    EXPECT_DOUBLE_EQ(at(1.5), 5.0 * std::tanh(2.0));
}

TEST(NeuralNetwork, RefusesWhatIsNoNetwork) {
    const auto make = [](const std::vector<double>& weights, const std::vector<double>& inputs,
                         const NeuralRates& rates) { return [=] { NeuralNetwork(weights, inputs, rates); }; };
    const double nan = std::numeric_limits<double>::quiet_NaN();
    expect_refusal<InvalidArgument>(make({}, {}, usual), {"no neuron"});
    expect_refusal<InvalidArgument>(make({0, 0, 0}, {0, 0}, usual), {"3 weights", "2 x 2"});
    expect_refusal<InvalidArgument>(make({0, 0, nan, 0}, {0, 0}, usual), {"neuron 1 from neuron 0", "nan"});
    expect_refusal<InvalidArgument>(make({0}, {nan}, usual), {"input of neuron 0", "nan"});
    expect_refusal<InvalidArgument>(make({0}, {0}, {0.0, 1.0}), {"decay_per_s is 0", "positive"});
    expect_refusal<InvalidArgument>(make({0}, {0}, {1.0, -1.0}), {"max_rate_per_s is -1", "not negative"});
    expect_refusal<InvalidArgument>(make({0}, {0}, {1.0, 1.0, -2.0}), {"gain is -2", "positive"});
    expect_refusal<InvalidArgument>(make({0}, {0}, {1.0, 1.0, 1.0, nan}), {"threshold is nan"});
    expect_refusal<InvalidArgument>(make({0}, {0}, {1.0, 1.0, 1.0, 0.0, static_cast<NeuralResponse>(2)}),
                                    {"no response 2"});
    expect_refusal<InvalidArgument>([] { NeuralCme(*network_of(15, 1.0, 0.0)); }, {"15 neurons", "at most 14"});
}

TEST(NeuralCme, OfNeuronsWithoutWeightsIsAProductOfTwoStateLaws) {
    const auto network = network_of(5, 0.0, 1.3);
    const NeuralCme cme(*network);
    const double up = network->rate_per_s(1.3), rate = up + usual.decay_per_s;
    std::atomic<bool> stop{false};
    auto p = quiescent(cme), rest = p;
    cme.advance(0.02, p, stop);
    cme.steady(rest, stop);
    const double active = up / rate * (1.0 - std::exp(-rate * 0.02));
    for (std::size_t state = 0; state < cme.states(); ++state) {
        const int on = std::popcount(state);
        EXPECT_NEAR(p[state], std::pow(active, on) * std::pow(1.0 - active, 5 - on), 1e-15);
        // The iteration ends where 16 N epsilon of the events are unbalanced.
        EXPECT_NEAR(rest[state], std::pow(up / rate, on) * std::pow(1.0 - up / rate, 5 - on), 2e-14);
    }
}

TEST(NeuralCme, ComesToRestAtTheSteadyState) {
    std::atomic<bool> stop{false};
    for (const double scale : {0.5, 2.0, 4.0}) {
        const NeuralCme cme(*network_of(9, scale, 0.5));
        auto late = quiescent(cme), rest = late;
        cme.advance(20.0, late, stop);
        cme.steady(rest, stop);
        for (std::size_t state = 0; state < cme.states(); ++state) EXPECT_NEAR(late[state], rest[state], 1e-13);
        EXPECT_NEAR(std::accumulate(rest.begin(), rest.end(), 0.0), 1.0, 1e-14);
    }
}

TEST(NeuralCme, SteadyStateOfABistableNetworkIsItsBirthDeathLawToTheRarestCount) {
    constexpr std::size_t size = 10;
    std::vector<double> weights(size * size, 1.4);
    for (std::size_t i = 0; i < size; ++i) weights[i * size + i] = 0.0;
    const NeuralRates rates{10.0, 100.0, 2.0, 6.0, NeuralResponse::logistic};
    const auto network = std::make_shared<NeuralNetwork>(weights, std::vector<double>(size), rates);
    const NeuralCme cme(*network);
    std::vector<double> p(cme.states()), counts(size + 1), law{1.0};
    cme.steady(p, std::atomic<bool>{false});
    for (std::size_t state = 0; state < cme.states(); ++state)
        counts[static_cast<std::size_t>(std::popcount(state))] += p[state];
    for (std::size_t k = 0; k < size; ++k) {
        const auto on = static_cast<double>(k);
        law.push_back(law.back() * (10.0 - on) * network->rate_per_s(1.4 * on) / (10.0 * (on + 1.0)));
    }
    const double sum = std::accumulate(law.begin(), law.end(), 0.0);
    EXPECT_LT(*std::ranges::min_element(counts), 1e-4);  // a barrier between two wells
    for (std::size_t k = 0; k <= size; ++k) EXPECT_NEAR(counts[k] / (law[k] / sum), 1.0, 1e-11);
}

TEST(NeuralCme, OfANetworkThatCanFallSilentForeverIsSilentInTheEnd) {
    const NeuralRates rates{10.0, 100.0, 1.0, 0.0, NeuralResponse::rectified_tanh};
    const NeuralCme cme(*network_of(6, 3.0, 0.0, rates));
    std::vector<double> p(cme.states());
    cme.steady(p, std::atomic<bool>{false});
    EXPECT_EQ(p, quiescent(cme));
}

TEST(NeuralCme, EndsWhenItIsStopped) {
    const NeuralCme cme(*network_of(9, 2.0, 0.5));
    auto p = quiescent(cme);
    const std::atomic<bool> stop{true};
    expect_refusal<Stopped>([&] { cme.advance(1.0, p, stop); }, {"stopped"});
    expect_refusal<Stopped>([&] { cme.steady(p, stop); }, {"stopped"});
}

TEST(NeuralSsa, IsTheSameWhateverTheThreadsAndTheTimesWhereItIsRead) {
    const auto network = network_of(40, 0.5, 0.5);
    const auto straight = patterns(network, 1, {0.1, 0.2, 0.3}, 6);
    EXPECT_EQ(patterns(network, 2, {0.1, 0.2, 0.3}, 6), straight);
    const auto late = patterns(network, 1, {0.3}, 1, 5);
    EXPECT_TRUE(std::equal(late.begin(), late.end(), straight.end() - 40));
    EXPECT_FALSE(std::equal(straight.begin(), straight.begin() + 120, straight.begin() + 120));
}

TEST(NeuralSsa, KeepsItsCurrentsOverAMillionEvents) {
    const auto network = network_of(12, 1.0, 0.5);
    const NeuralCme cme(*network);
    const std::atomic<bool> stop{false};
    std::vector<double> p(cme.states());
    cme.steady(p, stop);
    double mean = 0.0, square = 0.0, found = 0.0;
    for (std::size_t state = 0; state < cme.states(); ++state) {
        const double on = std::popcount(state);
        mean += p[state] * on;
        square += p[state] * on * on;
    }
    NeuralSsa engine(network, 5);
    constexpr int reads = 20'000;
    for (int read = 1; read <= reads; ++read) {
        engine.advance(read, stop);  // a second apart; all rates of relaxation are about 10 per s and more
        found += static_cast<double>(std::ranges::count(engine.pattern(), 1)) / reads;
    }
    EXPECT_GT(engine.events(), 1'000'000U);
    EXPECT_LT(std::abs(found - mean), 4.0 * std::sqrt((square - mean * mean) / reads));
}

TEST(NeuralSsa, OfASilentNetworkWithoutDriveStandsStill) {
    const NeuralRates rates{10.0, 100.0, 1.0, 0.0, NeuralResponse::rectified_tanh};
    NeuralSsa engine(network_of(6, 1.0, 0.0, rates), 1);
    engine.advance(1e9, std::atomic<bool>{false});
    EXPECT_EQ(engine.events(), 0U);
}

TEST(NeuralSsa, RefusesPatternsAndTimesThatDoNotFit) {
    const auto network = network_of(3, 1.0, 0.0);
    NeuralSsa engine(network, 1);
    expect_refusal<InvalidArgument>([&] { engine.restart(std::vector<std::uint8_t>{0, 1}, 0); }, {"2 neurons", "3"});
    expect_refusal<InvalidArgument>([&] { engine.restart(std::vector<std::uint8_t>{0, 1, 2}, 0); }, {"is 2", "0 or 1"});
    expect_refusal<InvalidArgument>([&] { patterns(network, 1, {0.2, 0.1}, 1); }, {"0.1", "ascend"});
    expect_refusal<Stopped>([&] { engine.advance(1e6, std::atomic<bool>{true}); }, {"stopped"});
}

}  // namespace
}  // namespace nubridge::test
