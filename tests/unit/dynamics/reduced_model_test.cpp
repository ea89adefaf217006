#include "dynamics/reduced_model.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <string>

#include "expect.hpp"
#include "networks.hpp"
#include "random.hpp"
#include "units/error.hpp"

namespace nubridge::test {
namespace {

using dynamics::Outcome;
using dynamics::Policy;
using dynamics::ReducedModel;
using dynamics::ReducedModelDefinition;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// SK with a domain of 0.01 to 100 uM and a second input, a temperature, that multiplies nothing.
ReducedModelDefinition sk_definition() {
    ReducedModelDefinition definition;
    definition.name = "sk";
    definition.states = {"C1", "C2", "C3", "C4", "O1", "O2"};
    definition.inputs = {{"ca", "uM", 0.01, 100.0}, {"celsius", "degC", -10.0, 40.0}};
    definition.transitions = sk_transitions();
    definition.observables = {{"popen", "1", {0, 0, 0, 0, 1, 1}}, {"bound", "uM", {0, 1, 2, 3, 2, 3}}};
    return definition;
}

struct Admission {
    const char* name;
    double calcium_uM;
    Policy policy;
    Outcome outcome;
    double admitted_uM;
};

void PrintTo(const Admission& admission, std::ostream* out) {
    *out << admission.name;
}

class ReducedModelAdmits : public testing::TestWithParam<Admission> {};

TEST_P(ReducedModelAdmits, ByThePolicy) {
    const Admission& one = GetParam();
    const ReducedModel model(sk_definition());
    const double inputs[2] = {one.calcium_uM, 23.0};
    double admitted[2] = {-7.0, -7.0};
    EXPECT_EQ(model.admit(one.policy, inputs, admitted), one.outcome);
    if (one.outcome <= Outcome::outside) {
        EXPECT_EQ(admitted[0], one.admitted_uM);
        EXPECT_EQ(admitted[1], 23.0);
    }
}

std::vector<Admission> admissions() {
    using enum Outcome;
    constexpr auto clamp = Policy::clamp, extrapolate = Policy::extrapolate, error = Policy::error;
    return {
        {"InsideClamp", 1.0, clamp, ok, 1.0},
        {"InsideExtrapolate", 1.0, extrapolate, ok, 1.0},
        {"InsideError", 1.0, error, ok, 1.0},
        {"LowerBoundIsInside", 0.01, error, ok, 0.01},
        {"UpperBoundIsInside", 100.0, error, ok, 100.0},
        {"AboveClamp", 200.0, clamp, outside, 100.0},
        {"AboveExtrapolate", 200.0, extrapolate, outside, 200.0},
        {"AboveError", 200.0, error, outside_refused, 0.0},
        {"BelowClamp", 0.0, clamp, outside, 0.01},
        {"BelowExtrapolate", 0.0, extrapolate, outside, 0.0},
        {"BelowError", 0.0, error, outside_refused, 0.0},
        {"NegativeClamp", -1e-9, clamp, invalid_input, 0.0},
        {"NegativeExtrapolate", -1e-9, extrapolate, invalid_input, 0.0},
        {"NegativeError", -1e-9, error, invalid_input, 0.0},
        {"NanClamp", nan, clamp, invalid_input, 0.0},
        {"NanExtrapolate", nan, extrapolate, invalid_input, 0.0},
        {"NanError", nan, error, invalid_input, 0.0},
        {"InfiniteClamp", infinity, clamp, invalid_input, 0.0},
        {"InfiniteExtrapolate", infinity, extrapolate, invalid_input, 0.0},
        {"MinusInfiniteError", -infinity, error, invalid_input, 0.0},
    };
}

INSTANTIATE_TEST_SUITE_P(Policies, ReducedModelAdmits, testing::ValuesIn(admissions()), CaseName());

TEST(ReducedModel, AnInputThatMultipliesNoRateMayBeNegative) {
    const ReducedModel model(sk_definition());
    const double inside[2] = {1.0, -5.0}, below[2] = {1.0, -50.0};
    double admitted[2];
    EXPECT_EQ(model.admit(Policy::error, inside, admitted), Outcome::ok);
    EXPECT_EQ(model.admit(Policy::clamp, below, admitted), Outcome::outside);
    EXPECT_EQ(admitted[1], -10.0);
}

TEST(ReducedModel, AnErrorOfAnyInputOutweighsAWarningOfAnother) {
    const ReducedModel model(sk_definition());
    const double first[2] = {200.0, nan}, second[2] = {nan, 200.0};
    double admitted[2];
    EXPECT_EQ(model.admit(Policy::clamp, first, admitted), Outcome::invalid_input);
    EXPECT_EQ(model.admit(Policy::clamp, second, admitted), Outcome::invalid_input);
}

TEST(ReducedModel, ClampedStepIsTheStepAtTheBound) {
    const ReducedModel model(sk_definition());
    const double far[2] = {5000.0, 23.0}, bound[2] = {100.0, 23.0};
    const std::vector<double> p{1, 0, 0, 0, 0, 0};
    std::vector<double> clamped(6), at_bound(6);
    EXPECT_EQ(model.step_moments(Policy::clamp, p.data(), far, 0.1, clamped.data()), Outcome::outside);
    EXPECT_EQ(model.step_moments(Policy::clamp, p.data(), bound, 0.1, at_bound.data()), Outcome::ok);
    EXPECT_EQ(clamped, at_bound);
    EXPECT_EQ(model.step_moments(Policy::extrapolate, p.data(), far, 0.1, clamped.data()), Outcome::outside);
    EXPECT_GT(largest_difference(clamped, at_bound), 1e-3);
}

TEST(ReducedModel, ObservablesAreTheWeightedOccupancies) {
    const ReducedModel model(sk_definition());
    const std::vector<double> p{0.1, 0.2, 0.3, 0.15, 0.05, 0.2};
    double observed[2];
    model.observe_moments(p.data(), observed);
    EXPECT_DOUBLE_EQ(observed[0], 0.25);
    EXPECT_DOUBLE_EQ(observed[1], 0.2 + 0.6 + 0.45 + 0.1 + 0.6);
}

TEST(ReducedModel, RhsOfNuIsTheSlopeOfTheLogOfTheMoments) {
    const ReducedModel model(sk_definition());
    Random random(60);
    for (int trial = 0; trial < 50; ++trial) {
        const double inputs[2] = {random.log_uniform(0.02, 50.0), 23.0};
        const auto p = random.probabilities(6);
        std::vector<double> nu(5), rhs(5), rates(6);
        model.family().from_moments(p, nu);
        ASSERT_EQ(model.rhs(Policy::error, nu.data(), inputs, rhs.data()), Outcome::ok);
        ASSERT_EQ(model.rhs_moments(Policy::error, p.data(), inputs, rates.data()), Outcome::ok);
        for (std::size_t a = 0; a < 5; ++a) {
            const double expected = -(rates[a + 1] / p[a + 1] - rates[0] / p[0]);
            EXPECT_NEAR(rhs[a], expected,
                        1e-12 * (1 + std::abs(rates[a + 1] / p[a + 1]) + std::abs(rates[0] / p[0]) + inputs[0]));
        }
    }
}

TEST(ReducedModel, NewtonSolvesTheImplicitEulerStep) {
    const ReducedModel model(sk_definition());
    const double inputs[2] = {3.0, 23.0}, gamma_ms = 0.2;
    const std::vector<double> b{0.4, 0.3, 0.1, 0.1, 0.05, 0.05};
    auto x = b;
    ASSERT_EQ(model.newton_moments(Policy::error, inputs, gamma_ms, x.data()), Outcome::ok);
    const Matrix q = generator(model.closure().network(), {inputs, 2});
    EXPECT_LT(largest_difference(b, Vector(widened(x) - static_cast<long double>(gamma_ms) * (q * widened(x)))), 1e-14);
}

/// Occupancies after inputs that move linearly: exact steps at the midpoints, once extrapolated to the fourth order.
std::vector<double> fine_ramp(const ReducedModel& model, std::vector<double> p, const double* begin, const double* end,
                              double dt_ms) {
    const auto midpoints = [&](int count) {
        auto x = p;
        for (int i = 0; i < count; ++i) {
            double u[2];
            for (int k = 0; k < 2; ++k) u[k] = begin[k] + (end[k] - begin[k]) * (i + 0.5) / count;
            EXPECT_EQ(model.step_moments(Policy::extrapolate, x.data(), u, dt_ms / count, x.data()), Outcome::ok);
        }
        return x;
    };
    const auto coarse = midpoints(2000), fine = midpoints(4000);
    for (std::size_t i = 0; i < p.size(); ++i) p[i] = (4 * fine[i] - coarse[i]) / 3;
    return p;
}

TEST(ReducedModel, RampIsManyFineExactSteps) {
    for (const maxent::Sign sign : {maxent::Sign::minus, maxent::Sign::plus}) {
        auto definition = sk_definition();
        definition.sign = sign;
        const ReducedModel model(definition);
        const double low[2] = {0.05, 23.0}, high[2] = {5.0, 23.0};
        for (const bool up : {true, false}) {
            const double *begin = up ? low : high, *end = up ? high : low;
            std::vector<double> p(6), nu(5), after(6);
            ASSERT_EQ(model.initial_moments(Policy::error, begin, p.data()), Outcome::ok);
            model.family().from_moments(p, nu);
            const auto expected = fine_ramp(model, p, begin, end, 5.0);
            ASSERT_EQ(model.step_ramp(Policy::error, nu.data(), begin, end, 5.0, 1e-9, nu.data()), Outcome::ok);
            model.family().moments(nu, after);
            EXPECT_LT(largest_difference(after, expected), 1e-7) << (up ? "rising" : "falling");
        }
    }
}

TEST(ReducedModel, RampWithoutSlopeIsTheExactStep) {
    const ReducedModel model(sk_definition());
    const double start[2] = {0.05, 23.0}, inputs[2] = {2.0, 23.0};
    std::vector<double> p(6), nu(5), ramped(6);
    ASSERT_EQ(model.initial_moments(Policy::error, start, p.data()), Outcome::ok);
    model.family().from_moments(p, nu);
    ASSERT_EQ(model.step_ramp(Policy::error, nu.data(), inputs, inputs, 3.0, 1e-9, nu.data()), Outcome::ok);
    model.family().moments(nu, ramped);
    ASSERT_EQ(model.step_moments(Policy::error, p.data(), inputs, 3.0, p.data()), Outcome::ok);
    EXPECT_LT(largest_difference(ramped, p), 1e-7);
}

TEST(ReducedModel, RampReportsEitherEndOutsideTheDomain) {
    const ReducedModel model(sk_definition());
    const double inside[2] = {1.0, 23.0}, outside[2] = {200.0, 23.0}, bad[2] = {nan, 23.0};
    const std::vector<double> nu{0.5, 0.1, 0.2, 0.3, 0.4};
    std::vector<double> out(5);
    const auto ramp = [&](Policy policy, const double* begin, const double* end) {
        return model.step_ramp(policy, nu.data(), begin, end, 0.025, 1e-6, out.data());
    };
    EXPECT_EQ(ramp(Policy::clamp, inside, inside), Outcome::ok);
    EXPECT_EQ(ramp(Policy::clamp, outside, inside), Outcome::outside);
    EXPECT_EQ(ramp(Policy::clamp, inside, outside), Outcome::outside);
    EXPECT_EQ(ramp(Policy::error, inside, outside), Outcome::outside_refused);
    EXPECT_EQ(ramp(Policy::error, outside, inside), Outcome::outside_refused);
    EXPECT_EQ(ramp(Policy::clamp, inside, bad), Outcome::invalid_input);
    EXPECT_EQ(ramp(Policy::clamp, bad, inside), Outcome::invalid_input);
}

struct Refusal {
    const char* name;
    std::function<void(ReducedModelDefinition&)> breaks;
    std::vector<std::string> words;
};

void PrintTo(const Refusal& refusal, std::ostream* out) {
    *out << refusal.name;
}

class ReducedModelRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(ReducedModelRefuses, AndNamesTheCulprit) {
    auto definition = sk_definition();
    GetParam().breaks(definition);
    expect_refusal<ModelInvalid>([&] { const ReducedModel model(definition); }, GetParam().words);
}

std::vector<Refusal> refusals() {
    using D = ReducedModelDefinition;
    return {
        {"TwoStatesOfOneName", [](D& d) { d.states[3] = "C1"; }, {"model 'sk'", "'C1'", "twice"}},
        {"StateAndInputOfOneName", [](D& d) { d.inputs[0].name = "C4"; }, {"'C4'", "input", "twice"}},
        {"ObservableAndInputOfOneName", [](D& d) { d.observables[0].name = "ca"; }, {"'ca'", "observable", "twice"}},
        {"EmptyName", [](D& d) { d.states[2].clear(); }, {"state", "empty name"}},
        {"DomainUpsideDown", [](D& d) { d.inputs[0].upper = 0.001; }, {"'ca'", "[0.01, 0.001]"}},
        {"DomainOfOnePoint", [](D& d) { d.inputs[0].upper = 0.01; }, {"'ca'", "[0.01, 0.01]"}},
        {"DomainInfinite", [](D& d) { d.inputs[0].upper = infinity; }, {"'ca'", "inf", "finite"}},
        {"DomainNan", [](D& d) { d.inputs[0].lower = nan; }, {"'ca'", "nan"}},
        {"NegativeDomainOfARate", [](D& d) { d.inputs[0].lower = -1.0; }, {"'ca'", "multiplies a rate", "-1"}},
        {"NoObservable", [](D& d) { d.observables.clear(); }, {"observable"}},
        {"WeightsOfOtherLength",
         [](D& d) { d.observables[0].weights.pop_back(); },
         {"'popen'", "5 weights", "6 states"}},
        {"WeightNan", [](D& d) { d.observables[0].weights[1] = nan; }, {"'popen'", "nan"}},
        {"Disconnected", [](D& d) { d.transitions.resize(8); }, {"state 5"}},
    };
}

INSTANTIATE_TEST_SUITE_P(Rules, ReducedModelRefuses, testing::ValuesIn(refusals()), CaseName());

}  // namespace
}  // namespace nubridge::test
