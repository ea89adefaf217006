// Adjoint, sensitivities and central differences, for each dynamics, both signs, every base measure.
#include <gtest/gtest.h>

#include <cmath>

#include "closures.hpp"
#include "dynamics/basis_combination.hpp"
#include "dynamics/grid_elements.hpp"
#include "dynamics/polynomial.hpp"
#include "dynamics/smooth_map.hpp"
#include "expect.hpp"
#include "learning/action.hpp"
#include "maxent/categorical.hpp"
#include "maxent/counts.hpp"
#include "maxent/gaussian.hpp"
#include "maxent/ising_chain.hpp"
#include "random.hpp"

namespace nubridge::test {
namespace {

using dynamics::BasisCombination;
using dynamics::ClosureOptions;
using dynamics::GridElements;
using dynamics::NetworkClosure;
using dynamics::Polynomial;
using dynamics::VectorField;
using learning::Action;
using learning::Protocol;
using maxent::Base;
using maxent::Family;
using maxent::Sign;

struct Learned {
    std::string name;
    /// The family of this sign, and a nu of it for the sign -1.
    std::shared_ptr<const Family> (*family)(Sign);
    Numbers nu;
};

template <Base base>
std::shared_ptr<const Family> counts(Sign sign) {
    maxent::Counts::Definition definition{{"A"}, 2, base, sign, {}, {}};
    if (base == Base::binomial) definition.sites = 12;
    return std::make_shared<maxent::Counts>(definition);
}

std::shared_ptr<const Family> chain(Sign sign) {
    return std::make_shared<maxent::IsingChain>(
        maxent::IsingChain::Definition{{"A"}, maxent::IsingChain::Boundary::infinite, {}, {}, sign});
}

std::shared_ptr<const Family> gaussian(Sign sign) {
    return std::make_shared<maxent::Gaussian>(std::vector<std::string>{"A"}, sign);
}

/// A -> 0 at the rate k, an input; A + A -> 0; 0 -> A.
std::shared_ptr<const NetworkClosure> driven(const std::shared_ptr<const Family>& family) {
    chemistry::NetworkDefinition definition =
        network_of({"A"}, {{"A -> 0", 1.0}, {"A + A -> 0", 0.2}, {"0 -> A", 0.6}})->definition();
    definition.parameters.push_back({"k", 1.0, {}});
    definition.reactions[0].parameter = 0;
    ClosureOptions options;
    options.inputs = {{chemistry::Input::Target::parameter, 0}};
    return std::make_shared<const NetworkClosure>(std::make_shared<const chemistry::ReactionNetwork>(definition),
                                                  family, options);
}

Protocol protocol_at(const Family& family, Numbers nu) {
    const double turn = -maxent::factor(family.sign());
    Protocol protocol{{0.0, 0.1, 0.25, 0.3}, {0.5, 1.5, 1.0, 0.2}, {}, {0.05, 0.2, 0.0, 0.1}, {}};
    for (double& one : nu) one *= turn;
    protocol.begin = nu;
    for (std::size_t i = 0; i < protocol.times_s.size(); ++i) {  // data of another law, so that the gradient is not 0
        nu[0] += turn * 0.1;
        const Numbers m = moments(family, nu);
        protocol.awake.insert(protocol.awake.end(), m.begin(), m.end());
    }
    return protocol;
}

void expect_three_ways_agree(const std::shared_ptr<const VectorField>& field,
                             const std::shared_ptr<const Family>& family, const Protocol& protocol,
                             Numbers coefficients, const std::string& what) {
    const Action action(field, family, protocol, 3);
    const std::size_t width = coefficients.size();
    Numbers adjoint(width), forward(width);
    const double value = action.value(coefficients, {});
    EXPECT_DOUBLE_EQ(action.by_adjoint(coefficients, adjoint), value) << what;
    EXPECT_DOUBLE_EQ(action.by_sensitivities(coefficients, forward), value) << what;
    double largest = 0.0;
    for (const double one : adjoint) largest = std::max(largest, std::abs(one));
    EXPECT_GT(largest, 1e-3) << what;
    for (std::size_t j = 0; j < width; ++j) {
        EXPECT_NEAR(adjoint[j], forward[j], 1e-12 * largest) << what << " " << j;
        const double centre = coefficients[j], h = 1e-4;
        coefficients[j] = centre + h;
        const double up = action.value(coefficients, {});
        coefficients[j] = centre - h;
        const double down = action.value(coefficients, {});
        coefficients[j] = centre;
        EXPECT_NEAR(adjoint[j], (up - down) / (2 * h), 1e-6 * largest) << what << " " << j;
    }
}

class Gradients : public testing::TestWithParam<Learned> {};

TEST_P(Gradients, OfABasisCombinationAgreeThreeWays) {
    for (const Sign sign : {Sign::minus, Sign::plus}) {
        const auto family = GetParam().family(sign);
        const Protocol protocol = protocol_at(*family, GetParam().nu);
        const auto shared = std::make_shared<const BasisCombination>(driven(family), false);
        const auto each = std::make_shared<const BasisCombination>(driven(family), true);
        expect_three_ways_agree(shared, family, protocol, {0.8, 1.1, 0.6}, "shared theta");
        expect_three_ways_agree(each, family, protocol, {0.8, 1.1, 0.6, 0.9, 1.0, 0.7}, "theta a nu");
    }
}

TEST_P(Gradients, OfASmoothMapAgreeThreeWays) {
    Random random(5);
    for (const Sign sign : {Sign::minus, Sign::plus}) {
        const auto family = GetParam().family(sign);
        const Protocol protocol = protocol_at(*family, GetParam().nu);
        const std::size_t n = family->nu_count(), arguments = n + 1, units = 3;
        const Numbers centre = random.uniforms(arguments, -0.3, 0.3), scale = random.uniforms(arguments, 1.0, 2.0),
                      hidden = random.uniforms(units * (1 + arguments), -1.5, 1.5),
                      coefficients = random.uniforms(n * (1 + arguments + units), -0.15, 0.15);
        const auto map = std::make_shared<const dynamics::SmoothMap>(n, centre, scale, hidden);
        expect_three_ways_agree(map, family, protocol, coefficients, "smooth map");
    }
}

TEST_P(Gradients, OfGridElementsAgreeThreeWays) {
    Random random(3);
    for (const Sign sign : {Sign::minus, Sign::plus}) {
        const auto family = GetParam().family(sign);
        const Protocol protocol = protocol_at(*family, GetParam().nu);
        GridElements grid(1, {{{0, 2}}, {{0, 1}}}, {0.25, 0.125, 1.0});
        for (const double by_0 : {-0.25, 0.0, 0.25}) {
            for (const double by_1 : {-0.125, 0.0, 0.125}) {
                for (const double u : {0.5, 1.5})
                    grid.cover(Numbers{protocol.begin[0] + by_0, protocol.begin[1] + by_1}, Numbers{u});
            }
        }
        Numbers coefficients;
        for (std::size_t j = 0; j < grid.coefficient_count(); ++j) coefficients.push_back(random.uniform(-0.1, 0.1));
        expect_three_ways_agree(std::make_shared<const GridElements>(grid), family, protocol, coefficients, "grid");
    }
}

TEST_P(Gradients, OfAPolynomialAgreeThreeWays) {
    for (const Sign sign : {Sign::minus, Sign::plus}) {
        const auto family = GetParam().family(sign);
        const auto field = std::make_shared<const Polynomial>(
            1, std::vector<std::vector<Polynomial::Product>>{{{}, {0}, {0, 1}, {2}}, {{1}, {1, 1, 2}, {0, 2}}});
        expect_three_ways_agree(field, family, protocol_at(*family, GetParam().nu),
                                {0.02, 0.1, 0.3, -0.05, 0.2, 0.1, -0.03}, "polynomial");
    }
}

INSTANTIATE_TEST_SUITE_P(Learning, Gradients,
                         testing::Values(Learned{"Counting", counts<Base::counting>, {0.2, 0.05}},
                                         Learned{"Poisson", counts<Base::poisson>, {-1.5, 0.03}},
                                         Learned{"Binomial", counts<Base::binomial>, {0.3, -0.02}},
                                         Learned{"Chain", chain, {-0.5, -0.1}},
                                         Learned{"Gaussian", gaussian, {-4, 0.5}}),
                         CaseName{});

// The moments of a categorical law include the reference, which has no nu.
TEST(Gradients, OfAChannelUnderCalciumAgreeThreeWays) {
    const auto family = std::make_shared<const maxent::Categorical>(std::vector<std::string>{"C", "O", "I"});
    ClosureOptions options;
    options.inputs = {{chemistry::Input::Target::species, 3}};
    const auto closure = std::make_shared<const NetworkClosure>(
        network_of({"C", "O", "I", "Ca"},
                   {{"C + Ca -> O + Ca", 2.0}, {"O -> C", 1.0}, {"O -> I", 0.5}, {"I -> O", 0.3}}),
        family, options);
    const Protocol protocol{
        {0.0, 0.2, 0.3}, {0.5, 2.0, 1.0}, {0.3, 0.2, 0.4, 0.1, 0.5, 0.2}, {0.1, 0.2, 0.1}, {0.3, 0.8}};
    expect_three_ways_agree(std::make_shared<const BasisCombination>(closure, false), family, protocol,
                            {0.8, 1.1, 0.6, 1.2}, "channel");
}

TEST(Gradients, OfManyProtocolsAreTheSumForAnyNumberOfThreads) {
    const auto family = counts<Base::poisson>(Sign::minus);
    const auto field = std::make_shared<const BasisCombination>(driven(family), false);
    std::vector<Action> actions;
    for (int k = 0; k < 7; ++k) actions.emplace_back(field, family, protocol_at(*family, {-1.5 + 0.05 * k, 0.03}), 2);
    std::vector<const Action*> all;
    for (const Action& one : actions) all.push_back(&one);
    const Numbers theta{0.8, 1.1, 0.6};
    Numbers sum(3, 0.0), values(7), one(3), many(3);
    double value = 0.0;
    for (const Action& action : actions) {
        value += action.by_adjoint(theta, one);
        for (std::size_t j = 0; j < 3; ++j) sum[j] += one[j];
    }
    EXPECT_DOUBLE_EQ(learning::total(all, theta, 1, values, one), value);
    for (std::size_t j = 0; j < 3; ++j) EXPECT_DOUBLE_EQ(one[j], sum[j]);
    learning::total(all, theta, 3, values, many);
    EXPECT_EQ(one, many);
}

}  // namespace
}  // namespace nubridge::test
