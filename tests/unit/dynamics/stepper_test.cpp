// A learned model in nu as a mechanism steps it, against A -> 0 and 0 -> A with Poisson counts, which are solved
// exactly: F = k - b e^nu, nu(t) = -ln(b/k + (e^-nu0 - b/k) e^-kt) (learning.md 2.1).
#include "dynamics/stepper.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "closures.hpp"
#include "dynamics/basis_combination.hpp"
#include "expect.hpp"
#include "maxent/categorical.hpp"
#include "maxent/counts.hpp"
#include "units/error.hpp"

namespace nubridge::test {
namespace {

using dynamics::BasisCombination;
using dynamics::ClosureOptions;
using dynamics::LearnedDefinition;
using dynamics::NetworkClosure;
using dynamics::Outcome;
using dynamics::Policy;

constexpr double k_per_s = 2.0, b_per_s = 3.0, lower = -4.0, upper = 1.0;

/// b is an input, the theta of both reactions are learned.
LearnedDefinition births_and_deaths() {
    auto definition = network_of({"A", "Source"}, {{"A -> 0", 1.0}, {"Source -> Source + A", 1.0}})->definition();
    const auto network = std::make_shared<const chemistry::ReactionNetwork>(definition);
    LearnedDefinition learned;
    learned.name = "births";
    learned.inputs = {{"Source", "1", 0.0, 10.0}};
    learned.family = std::make_shared<maxent::Counts>(
        maxent::Counts::Definition{{"A"}, 1, maxent::Base::poisson, maxent::Sign::minus, {}, {}});
    ClosureOptions options;
    options.inputs = {{chemistry::Input::Target::species, 1}};
    learned.field = std::make_shared<BasisCombination>(
        std::make_shared<const NetworkClosure>(network, learned.family, options), false);
    learned.coefficients = {k_per_s, b_per_s};
    learned.domain = {{lower, upper}};
    return learned;
}

double exact(double nu, double t_ms) {
    return -std::log(b_per_s / k_per_s + (std::exp(-nu) - b_per_s / k_per_s) * std::exp(-k_per_s * t_ms * 1e-3));
}

TEST(LearnedStepper, StepsAsTheLawThatIsKnown) {
    const auto stepper = learned_stepper(births_and_deaths());
    const double one = 1.0;
    for (const double dt_ms : {0.025, 1.0, 100.0, 1e4}) {
        double nu = -2.0;
        ASSERT_EQ(stepper->step(Policy::clamp, &one, dt_ms, &nu), Outcome::ok);
        // each of the solver's steps is held to 1e-8 (1 + |nu|); there are some tens
        EXPECT_NEAR(nu, exact(-2.0, dt_ms), 1e-6) << dt_ms;
    }
}

TEST(LearnedStepper, BeginsAtTheSteadyState) {
    const auto stepper = learned_stepper(births_and_deaths());
    const double one = 1.0, none = 0.0;
    double nu = 0.0, rate = 1.0, mean = 0.0;
    ASSERT_EQ(stepper->initial(Policy::clamp, &one, &nu), Outcome::ok);
    EXPECT_NEAR(nu, -std::log(b_per_s / k_per_s), 1e-7);
    ASSERT_EQ(stepper->rhs(Policy::clamp, &nu, &one, &rate), Outcome::ok);
    EXPECT_NEAR(rate, 0.0, 1e-9);
    ASSERT_EQ(stepper->observe(&nu, &mean), Outcome::ok);
    EXPECT_NEAR(mean, b_per_s / k_per_s, 1e-6);
    EXPECT_EQ(stepper->initial(Policy::clamp, &none, &nu), Outcome::not_converged);  // all die: nu has no end
}

TEST(LearnedStepper, SolvesNewtonsSystemAndMovesItsObservables) {
    const auto stepper = learned_stepper(births_and_deaths());
    const double one = 1.0, nu = -1.0, gamma_ms = 40.0;
    double x = 2.0, moved = 0.0;
    ASSERT_EQ(stepper->newton(Policy::clamp, &nu, &one, gamma_ms, &x), Outcome::ok);
    EXPECT_NEAR(x, 2.0 / (1.0 + gamma_ms * 1e-3 * b_per_s * std::exp(nu)), 1e-12);
    const double rate = 0.25;
    ASSERT_EQ(stepper->observe_rates(&nu, &rate, &moved), Outcome::ok);
    EXPECT_NEAR(moved, -std::exp(-nu) * rate, 1e-12);
}

TEST(LearnedStepper, CountsWhatLeavesTheDomain) {
    const auto stepper = learned_stepper(births_and_deaths());
    const double far = 20.0, one = 1.0, negative = -1.0, nan = std::numeric_limits<double>::quiet_NaN();
    const double inside = -1.0, outside = upper + 0.5;
    double rate = 0.0;
    EXPECT_EQ(stepper->rhs(Policy::clamp, &inside, &far, &rate), Outcome::outside);
    EXPECT_NEAR(rate, 1e-3 * (k_per_s - b_per_s * 10.0 * std::exp(-1.0)), 1e-15);  // held at the bound
    EXPECT_EQ(stepper->rhs(Policy::extrapolate, &inside, &far, &rate), Outcome::outside);
    EXPECT_NEAR(rate, 1e-3 * (k_per_s - b_per_s * 20.0 * std::exp(-1.0)), 1e-15);
    EXPECT_EQ(stepper->rhs(Policy::error, &inside, &far, &rate), Outcome::outside_refused);
    double nu = outside;
    EXPECT_EQ(stepper->step(Policy::clamp, &one, 0.1, &nu), Outcome::outside);
    nu = outside;
    EXPECT_EQ(stepper->step(Policy::error, &one, 0.1, &nu), Outcome::outside_refused);
    EXPECT_EQ(stepper->rhs(Policy::clamp, &inside, &negative, &rate), Outcome::invalid_input);
    EXPECT_EQ(stepper->rhs(Policy::clamp, &inside, &nan, &rate), Outcome::invalid_input);
    EXPECT_EQ(stepper->rhs(Policy::clamp, &nan, &one, &rate), Outcome::invalid_state);
}

TEST(LearnedStepper, RefusesMoreNuThanItHoldsRoomFor) {
    LearnedDefinition wide = births_and_deaths();
    wide.family = std::make_shared<maxent::Categorical>(dynamics::max_learned_nu + 2);
    expect_refusal<ModelInvalid>([&] { learned_stepper(wide); }, {"33 nu", "at most 32"});
}

// The transitions of a closure on a categorical family are those that were written.
TEST(ClosureTransitions, AreThoseOfTheNetworkWeighed) {
    const auto network = network_of({"C", "O", "Ca"}, {{"C + Ca -> O + Ca", 50.0}, {"O -> C", 10.0}});
    const auto family = std::make_shared<maxent::Categorical>(std::vector<std::string>{"C", "O"});
    ClosureOptions options;
    options.inputs = {{chemistry::Input::Target::species, 2}};
    const NetworkClosure closure(network, family, options);
    const auto found = closure.transitions(Numbers{1.0, 0.5}).value_or(std::vector<dynamics::Transition>{});
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].from, 0u);
    EXPECT_EQ(found[0].to, 1u);
    EXPECT_EQ(found[0].input, std::optional<std::size_t>(0));
    EXPECT_DOUBLE_EQ(found[0].rate_constant, 0.05);
    EXPECT_DOUBLE_EQ(found[1].theta, 0.5);
    EXPECT_FALSE(found[1].input.has_value());
    EXPECT_FALSE(closure.transitions(Numbers{1.0, -0.5}).has_value());
}

}  // namespace
}  // namespace nubridge::test
