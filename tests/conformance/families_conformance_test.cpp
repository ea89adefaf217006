#include <optional>
#include <utility>

#include "family_conformance.hpp"
#include "maxent/binary_field.hpp"
#include "maxent/categorical.hpp"
#include "maxent/counts.hpp"
#include "maxent/gaussian.hpp"
#include "maxent/ising_chain.hpp"
#include "random.hpp"

namespace nubridge::test {
namespace {

using maxent::Base;
using maxent::BinaryField;
using maxent::Categorical;
using maxent::Counts;
using maxent::factor;
using maxent::Gaussian;
using maxent::IsingChain;
using maxent::Sign;

using Points = std::vector<std::vector<double>>;
using Boundary = IsingChain::Boundary;

/// The same laws with the other sign.
Points turned(Points points, Sign from, Sign to) {
    for (auto& nu : points) {
        for (double& one : nu) one *= factor(from) * factor(to);
    }
    return points;
}

std::string suffix(Sign sign) {
    return sign == Sign::plus ? "Plus" : "Minus";
}

std::vector<FamilyCase> categorical_cases() {
    std::vector<FamilyCase> cases;
    Random random(1);
    for (const Sign sign : {Sign::minus, Sign::plus}) {
        for (const std::size_t states : {2u, 3u, 6u, 12u}) {
            FamilyCase one;
            one.name = std::to_string(states) + "States" + (sign == Sign::plus ? "Plus" : "Minus");
            one.family = std::make_shared<Categorical>(states, sign);
            one.points.emplace_back(states - 1, 0.0);
            for (int i = 0; i < 4; ++i) one.points.push_back(random.uniforms(states - 1, -3.0, 3.0));
            one.first_moment = 1;  // the occupancy of the reference state stands first
            cases.push_back(std::move(one));
        }
    }
    return cases;
}

std::vector<FamilyCase> counts_cases() {
    std::vector<FamilyCase> cases;
    const auto add = [&](const std::string& name, Counts::Definition definition, const Points& points) {
        for (const Sign sign : {Sign::minus, Sign::plus}) {
            definition.sign = sign;
            cases.push_back(
                {name + suffix(sign), std::make_shared<Counts>(definition), turned(points, Sign::minus, sign)});
        }
    };
    add("Geometric", {{"A"}, 1, Base::counting}, {{0.2}, {1.5}});
    add("CountingOrder2", {{"A"}, 2, Base::counting}, {{0.2, 0.05}, {-0.3, 0.1}});
    add("PoissonOrder2", {{"A"}, 2, Base::poisson}, {{-1.5, 0.03}, {-2.3, 0.001}, {0.7, 0.05}});
    add("PoissonOrder3", {{"A"}, 3, Base::poisson}, {{-1.0, 0.02, 0.003}});
    add("BinomialOrder2", {{"A"}, 2, Base::binomial, Sign::minus, 20}, {{0.3, -0.02}, {1.2, 0.0}});
    add("BoundedOrder2", {{"A"}, 2, Base::poisson, Sign::minus, {}, 30}, {{-1.5, -0.02}, {0.1, 0.2}});
    add("TwoSpeciesPoisson", {{"A", "B"}, 2, Base::poisson}, {{-1.0, -0.5, 0.05, 0.1, 0.02}});
    add("TwoSpeciesMultinomial", {{"A", "B"}, 2, Base::binomial, Sign::minus, 12}, {{0.3, 0.5, -0.05, 0.1, 0.02}});
    return cases;
}

std::vector<FamilyCase> chain_cases() {
    std::vector<FamilyCase> cases;
    const auto add = [&](const std::string& name, IsingChain::Definition definition, const Points& points,
                         bool enumerable = true) {
        for (const Sign sign : {Sign::minus, Sign::plus}) {
            definition.sign = sign;
            cases.push_back({name + suffix(sign), std::make_shared<IsingChain>(definition),
                             turned(points, Sign::plus, sign), 0, enumerable});
        }
    };
    const Points one{{0.5, 0.1}, {-1.0, 1.5}, {0.3, -0.7}}, two{{-0.5, -0.8, 0.4, -0.6, 0.3}};
    add("Infinite", {{"A"}, Boundary::infinite}, one);
    add("InfiniteTwoSpecies", {{"A", "B"}, Boundary::infinite, 3}, two);
    add("InfiniteFourSpeciesOneCoupling", {{"E", "S", "ES", "P"}, Boundary::infinite, 4, {{{0, 1}}}},
        {{-1.0, -0.3, -1.5, -1.2, -0.5}});
    add("Ring", {{"A"}, Boundary::ring, 10}, one);
    add("Open", {{"A"}, Boundary::open, 10}, one);
    add("RingTwoSpecies", {{"A", "B"}, Boundary::ring, 6}, two);
    add("OpenTwoSpecies", {{"A", "B"}, Boundary::open, 5}, two);
    add("LongRing", {{"A"}, Boundary::ring, 60}, one, false);
    add("LongOpen", {{"A"}, Boundary::open, 60}, one, false);
    return cases;
}

std::vector<FamilyCase> field_cases() {
    std::vector<FamilyCase> cases;
    Random random(5);
    for (const Sign sign : {Sign::minus, Sign::plus}) {
        const std::vector<std::vector<std::size_t>> loop{{0},    {1},    {2},    {3},    {4},    {5},      {0, 1},
                                                         {1, 2}, {2, 3}, {3, 4}, {4, 5}, {0, 5}, {0, 2, 4}};
        cases.push_back(
            {"LoopWithTriple" + suffix(sign),
             std::make_shared<BinaryField>(std::vector<std::string>{"a", "b", "c", "d", "e", "f"}, loop, sign),
             {random.uniforms(loop.size(), -1.0, 1.0), std::vector<double>(loop.size(), 0.0)}});
        std::vector<std::string> units;
        std::vector<std::vector<std::size_t>> ladder;
        for (std::size_t u = 0; u < 40; ++u) {
            units.push_back("u" + std::to_string(u));
            ladder.push_back({u});
            if (u >= 2) ladder.push_back({u - 2, u});
        }
        cases.push_back({"LongLadder" + suffix(sign),
                         std::make_shared<BinaryField>(units, ladder, sign),
                         {random.uniforms(ladder.size(), -1.0, 1.0)},
                         0,
                         false});
    }
    return cases;
}

std::vector<FamilyCase> gaussian_cases() {
    std::vector<FamilyCase> cases;
    for (const Sign sign : {Sign::minus, Sign::plus}) {
        cases.push_back({"OneVariable" + suffix(sign), std::make_shared<Gaussian>(std::vector<std::string>{"x"}, sign),
                         turned({{-2.0, 0.5}, {0.0, 3.0}}, Sign::minus, sign)});
        cases.push_back({"ThreeVariables" + suffix(sign),
                         std::make_shared<Gaussian>(std::vector<std::string>{"x", "y", "z"}, sign),
                         turned({{-1.0, 0.5, 0.2, 0.5, 0.2, -0.1, 1.0, 0.3, 0.8}}, Sign::minus, sign)});
    }
    return cases;
}

INSTANTIATE_TEST_SUITE_P(Categorical, FamilyConformance, testing::ValuesIn(categorical_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Counts, FamilyConformance, testing::ValuesIn(counts_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Chain, FamilyConformance, testing::ValuesIn(chain_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(BinaryField, FamilyConformance, testing::ValuesIn(field_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Gaussian, FamilyConformance, testing::ValuesIn(gaussian_cases()), case_name);

}  // namespace
}  // namespace nubridge::test
