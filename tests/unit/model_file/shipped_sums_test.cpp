// camkii-sums beside the network that it sums up: exact where its closure is, and by every instruction set the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "dynamics/subunit_sums.hpp"
#include "expect.hpp"
#include "model_file/mass_action_file.hpp"
#include "random.hpp"
#include "units/error.hpp"

namespace nubridge::test {
namespace {

using dynamics::MassAction;
using dynamics::MassActionDefinition;
using dynamics::Outcome;
using dynamics::PairedRates;
using dynamics::Policy;
using dynamics::SubunitRates;
using dynamics::SubunitSums;
using Amounts = std::vector<double>;

constexpr double rounding = 1e-13;  // sums of some dozens of rates in another order
constexpr double inputs[] = {7.0, 30.0, 80.0};

const MassActionDefinition& camkii() {
    static const MassActionDefinition definition = [] {
        auto file = model_file::read_mass_action(NUBRIDGE_MODELS_FOLDER "/camkii-sums/model.json");
        EXPECT_TRUE(file.in_sums);
        return std::move(file.definition);
    }();
    return definition;
}

Amounts some_amounts() {
    Random random(13);
    Amounts x(camkii().states.size());
    for (double& one : x) one = random.uniform(0.1, 1.0);
    return x;
}

/// Any amounts, but pairs of each two of these kinds alike, by the law of maximum entropy: P_ij = y_i y_j, Q_i = y_i
/// y_0.
Amounts paired_alike(const std::vector<std::size_t>& kinds) {
    Amounts x = some_amounts();
    std::fill(x.begin() + PairedRates::P, x.begin() + PairedRates::C, 0.0);
    constexpr double y = 0.7, beside = 0.4;
    std::vector<double> of_kind(PairedRates::kinds, 0.0);
    for (const std::size_t kind : kinds) of_kind[kind] = y;
    for (std::size_t i = 0; i < PairedRates::kinds; ++i) {
        x[PairedRates::Q + i] = beside * of_kind[i];
        for (std::size_t d = 0; d < PairedRates::turns; ++d)
            x[PairedRates::P + d * PairedRates::kinds + i] = of_kind[i] * of_kind[(i + d) % PairedRates::kinds];
    }
    return x;
}

Amounts summed(const SubunitSums& sums, const Amounts& amounts) {
    Amounts state(SubunitRates::states);
    sums.sum_up(amounts.data(), state.data());
    return state;
}

Amounts slopes_at(const SubunitSums& sums, const Amounts& state) {
    Amounts slopes(state.size());
    EXPECT_EQ(sums.rhs(Policy::clamp, state.data(), inputs, slopes.data()), Outcome::ok);
    return slopes;
}

double of_calmodulin(const Amounts& state) {
    double sum = state[SubunitRates::S];
    for (std::size_t i = 0; i < PairedRates::kinds; ++i)
        sum += state[SubunitRates::M + i] + state[SubunitRates::A + i] + state[SubunitRates::B + i];
    return sum;
}

double of_subunits(const Amounts& state) {
    double sum = state[SubunitRates::K] + of_calmodulin(state);
    for (std::size_t i = 0; i < PairedRates::kinds; ++i) sum -= state[SubunitRates::M + i];
    return sum;
}

TEST(ShippedSums, MoveAsTheSumsOfTheNetworkWherePairsAreOfMaximumEntropy) {
    const MassAction network(camkii());
    const SubunitSums sums(camkii());
    for (const auto& kinds : {std::vector<std::size_t>{0, 1, 2, 3, 4, 5, 6, 7, 8}, {8}, {2, 5, 7}}) {
        const Amounts x = paired_alike(kinds);
        Amounts rates(x.size());
        ASSERT_EQ(network.rhs(Policy::clamp, x.data(), inputs, rates.data()), Outcome::ok);
        const Amounts expected = summed(sums, rates), found = slopes_at(sums, summed(sums, x));
        for (std::size_t i = 0; i < expected.size(); ++i)
            EXPECT_NEAR(found[i], expected[i], rounding * (1.0 + std::abs(expected[i])))
                << sums.description().states[i] << " of " << kinds.size();
    }
}

TEST(ShippedSums, ConserveCalmodulinAndSubunitsFromAnyState) {
    const SubunitSums sums(camkii());
    const Amounts slopes = slopes_at(sums, summed(sums, some_amounts()));
    EXPECT_NEAR(of_calmodulin(slopes), 0.0, rounding);
    EXPECT_NEAR(of_subunits(slopes), 0.0, rounding);
}

TEST(ShippedSums, StepTheSameWithEveryInstructionSet) {
    const SubunitSums sums(camkii());
    const Amounts begin = summed(sums, some_amounts());
    Amounts chosen = begin, generic = begin, slopes(begin.size());
    const auto plan = MassAction(camkii()).plan(inputs, 1.0);
    ASSERT_EQ(sums.step(Policy::clamp, inputs, 1.0, chosen.data()), Outcome::ok);
    dynamics::paired_sums_step_generic(sums.rates(), inputs[0], plan.value_or(dynamics::StepPlan{}), generic.data());
    dynamics::paired_sums_slopes_generic(sums.rates(), inputs[0], begin.data(), slopes.data());
    const Amounts found = slopes_at(sums, begin);
    for (std::size_t i = 0; i < begin.size(); ++i) {
        EXPECT_NEAR(chosen[i], generic[i], rounding * (1.0 + generic[i])) << i;
        EXPECT_NEAR(found[i], slopes[i], rounding * (1.0 + std::abs(slopes[i]))) << i;
    }
}

TEST(ShippedSums, KeepTotalsAndSignsInStepsOfManyStages) {
    const SubunitSums sums(camkii());
    const double strong[] = {35.0, 30.0, 80.0};
    Amounts x(SubunitRates::states);
    ASSERT_EQ(sums.initial(Policy::clamp, strong, x.data()), Outcome::ok);
    const double calmodulin = of_calmodulin(x), subunits = of_subunits(x);
    for (const double dt_ms : {0.1, 0.25, 1.0, 7.3, 1000.0}) {
        for (int step = 0; step < 100; ++step)
            ASSERT_EQ(sums.step(Policy::clamp, strong, dt_ms, x.data()), Outcome::ok);
        EXPECT_NEAR(of_calmodulin(x), calmodulin, 1e-12 * calmodulin);
        EXPECT_NEAR(of_subunits(x), subunits, 1e-12 * subunits);
        for (const double one : x) EXPECT_GE(one, 0.0) << dt_ms;
        EXPECT_LE(x[SubunitRates::Q], x[SubunitRates::S]);
    }
}

TEST(ShippedSums, RestAsTheNetworkDoes) {
    const MassAction network(camkii());
    const SubunitSums sums(camkii());
    Amounts rest(network.state_count()), found(SubunitRates::states);
    ASSERT_EQ(network.initial(Policy::clamp, inputs, rest.data()), Outcome::ok);
    ASSERT_EQ(sums.initial(Policy::clamp, inputs, found.data()), Outcome::ok);
    EXPECT_EQ(found, summed(sums, rest));
    std::vector<double> of_network(network.observable_count()), of_sums(of_network);
    network.observe(rest.data(), of_network.data());
    ASSERT_EQ(sums.observe(found.data(), of_sums.data()), Outcome::ok);
    for (std::size_t k = 0; k < of_sums.size(); ++k) EXPECT_NEAR(of_sums[k], of_network[k], rounding * of_network[k]);
}

TEST(ShippedSums, SolveTheNewtonStepOfTheirSlopes) {
    const SubunitSums sums(camkii());
    const Amounts at = summed(sums, some_amounts());
    const double gamma_ms = 0.7;
    Amounts b(at.size()), x(at.size());
    for (std::size_t i = 0; i < b.size(); ++i) x[i] = b[i] = std::sin(1.0 + static_cast<double>(i));
    ASSERT_EQ(sums.newton(Policy::clamp, at.data(), inputs, gamma_ms, x.data()), Outcome::ok);
    // The Jacobian is of differences over at least 1.5e-8 x 0.1 of slopes up to 1e2, which round by 1e-14: 7e-6 an
    // element. A central difference over 1e-6 errs by 1e-14 / 1e-6.
    constexpr double h = 1e-6;
    Amounts up = at, down = at;
    for (std::size_t i = 0; i < x.size(); ++i) {
        up[i] += h * x[i];
        down[i] -= h * x[i];
    }
    const Amounts above = slopes_at(sums, up), below = slopes_at(sums, down);
    for (std::size_t i = 0; i < b.size(); ++i)
        EXPECT_NEAR(x[i] - gamma_ms * (above[i] - below[i]) / (2.0 * h), b[i], 1e-5) << i;
}

TEST(ShippedSums, RefuseWhatIsNoSumOverSubunits) {
    const auto refused = [](const MassActionDefinition& definition, const char* words) {
        expect_refusal<ModelInvalid>([&] { const SubunitSums sums(definition); }, {words});
    };
    auto definition = camkii();
    definition.observables[0].weights[PairedRates::P + 20] += 1.0;
    refused(definition, "'bound' is not a sum over subunits");
    definition = camkii();
    definition.reactions.pop_back();
    refused(definition, "the rates of a pair depend on the partner");
    definition = camkii();
    definition.states.pop_back();
    for (auto& one : definition.observables) one.weights.pop_back();
    for (auto& one : definition.totals) one.weights.pop_back();
    std::erase_if(definition.reactions, [&](const dynamics::MassActionReaction& one) {
        return std::any_of(one.changes.begin(), one.changes.end(),
                           [&](const auto& change) { return change.state >= definition.states.size(); });
    });
    refused(definition, "need the network of calmodulin and CaMKII of 75 states");
}

}  // namespace
}  // namespace nubridge::test
