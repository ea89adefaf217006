// The compiled topology of camkii: by every instruction set and by the list of its reactions, the same step.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "dynamics/paired_kernel.hpp"
#include "model_file/mass_action_file.hpp"
#include "random.hpp"

namespace nubridge::dynamics {
// of paired_generic.cpp, which has no header
void paired_step_generic(const PairedRates& rates, double ca_uM, const StepPlan& plan, double* x) noexcept;
void paired_observe_generic(const PairedObservables& weights, const double* x, double* observables) noexcept;
}  // namespace nubridge::dynamics

namespace nubridge::test {
namespace {

using dynamics::MassAction;
using dynamics::MassActionDefinition;
using dynamics::PairedNetwork;
using dynamics::StepPlan;

constexpr double rounding = 1e-13;  // sums of some dozens of rates in another order, times a step of 0.1 ms

const MassActionDefinition& camkii() {
    static const MassActionDefinition definition =
        model_file::read_mass_action(NUBRIDGE_MODELS_FOLDER "/camkii/model.json").definition;
    return definition;
}

std::vector<double> some_amounts() {
    Random random(11);
    std::vector<double> x(camkii().states.size());
    for (double& one : x) one = random.uniform(0.1, 1.0);
    return x;
}

/// Stages of Euler's method by the list of reactions, and their mean with the begin.
std::vector<double> step_by_reactions(const MassAction& network, const double* inputs, const StepPlan& plan,
                                      std::vector<double> x) {
    const auto stages = static_cast<double>(plan.stages);
    std::vector<double> rates(x.size());
    for (std::size_t step = 0; step < plan.steps; ++step) {
        const auto begin = x;
        for (std::size_t stage = 0; stage < plan.stages; ++stage) {
            network.rates_by_reactions(inputs, false, x.data(), rates.data());
            for (std::size_t i = 0; i < x.size(); ++i) x[i] += plan.stage_ms * rates[i];
        }
        for (std::size_t i = 0; i < x.size(); ++i) x[i] += (begin[i] - x[i]) / stages;
    }
    return x;
}

TEST(ShippedKernel, StepsAsItsReactionsWithEveryInstructionSet) {
    const MassAction network(camkii());
    const auto paired = PairedNetwork::of(camkii());
    ASSERT_TRUE(network.is_compiled() && paired);
    const double inputs[] = {7.0, 30.0, 80.0};
    for (const StepPlan plan : {StepPlan{1, 2, 0.1}, StepPlan{3, 5, 0.05}}) {
        auto chosen = some_amounts(), generic = chosen;
        const auto expected = step_by_reactions(network, inputs, plan, chosen);
        paired->step(paired->rates, inputs[0], plan, chosen.data());
        dynamics::paired_step_generic(paired->rates, inputs[0], plan, generic.data());
        for (std::size_t i = 0; i < expected.size(); ++i) {
            EXPECT_NEAR(chosen[i], expected[i], rounding * (1.0 + expected[i])) << camkii().states[i];
            EXPECT_NEAR(generic[i], expected[i], rounding * (1.0 + expected[i])) << camkii().states[i];
        }
    }
}

TEST(ShippedKernel, ObservesTheSumsOfItsFileWithEveryInstructionSet) {
    const auto paired = PairedNetwork::of(camkii());
    ASSERT_TRUE(paired);
    const auto x = some_amounts();
    std::vector<double> chosen(camkii().observables.size()), generic(chosen);
    paired->observe(paired->observables, x.data(), chosen.data());
    dynamics::paired_observe_generic(paired->observables, x.data(), generic.data());
    for (std::size_t k = 0; k < chosen.size(); ++k) {
        double expected = 0.0;
        for (std::size_t i = 0; i < x.size(); ++i) expected += camkii().observables[k].weights[i] * x[i];
        EXPECT_NEAR(chosen[k], expected, rounding * expected);
        EXPECT_NEAR(generic[k], expected, rounding * expected);
    }
}

TEST(ShippedKernel, KeepsTotalsAndSignsInStepsOfManyStages) {
    const MassAction network(camkii());
    const double inputs[] = {35.0, 30.0, 80.0};
    std::vector<double> x(network.state_count());
    ASSERT_EQ(network.initial(dynamics::Policy::clamp, inputs, x.data()), dynamics::Outcome::ok);
    const auto total = [&](const dynamics::ConservedTotal& one) {
        double sum = 0.0;
        for (std::size_t i = 0; i < x.size(); ++i) sum += one.weights[i] * x[i];
        return sum;
    };
    const double cam = total(camkii().totals[0]), kinase = total(camkii().totals[1]);
    for (const double dt_ms : {0.1, 0.25, 1.0, 7.3}) {
        for (int step = 0; step < 100; ++step)
            ASSERT_EQ(network.step(dynamics::Policy::clamp, inputs, dt_ms, x.data()), dynamics::Outcome::ok);
        EXPECT_NEAR(total(camkii().totals[0]), cam, 1e-12 * cam);
        EXPECT_NEAR(total(camkii().totals[1]), kinase, 1e-12 * kinase);
        for (const double one : x) EXPECT_GE(one, 0.0) << dt_ms;
    }
}

}  // namespace
}  // namespace nubridge::test
