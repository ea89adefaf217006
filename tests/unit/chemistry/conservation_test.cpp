#include <gtest/gtest.h>

#include "chemistry.hpp"

namespace nubridge::test {
namespace {

using Law = std::vector<std::int64_t>;

void expect_conserved(const ReactionNetwork& network) {
    for (const Law& law : network.conservation_laws()) {
        for (std::size_t r = 0; r < network.reaction_count(); ++r) {
            std::int64_t change = 0;
            for (const auto& [s, delta] : network.changes(r)) change += law[s] * delta;
            EXPECT_EQ(change, 0);
        }
    }
}

TEST(Conservation, OfMichaelisAndMentenAreEnzymeAndSubstrate) {
    const ReactionNetwork network(shipped("sep"));  // E S ES P
    EXPECT_EQ(network.conservation_laws(), (std::vector<Law>{{1, 0, 1, 0}, {0, 1, 1, 1}}));
}

TEST(Conservation, OfCamkiiAreCalciumKinaseAndCalmodulin) {
    const ReactionNetwork network(shipped("camkii"));
    const auto& definition = network.definition();
    const auto laws = network.conservation_laws();
    ASSERT_EQ(laws.size(), 3u);
    expect_conserved(network);
    const char* totals[] = {"Ca_total", "K_total", "CaM_total"};
    for (std::size_t i = 0; i < 3; ++i) {
        std::vector<double> one(definition.species.size(), 0.0);
        for (std::size_t s = 0; s < one.size(); ++s) {
            one[s] = 1.0;
            EXPECT_EQ(static_cast<double>(laws[i][s]), observed(definition, totals[i], one))
                << totals[i] << definition.species[s].name;
            one[s] = 0.0;
        }
    }
}

TEST(Conservation, IsNoneWhereMoleculesComeAndGo) {
    EXPECT_TRUE(ReactionNetwork(shipped("lotka_volterra")).conservation_laws().empty());
}

TEST(Conservation, LeavesOutFixedSpecies) {
    const ReactionNetwork network(shipped("sk"));
    EXPECT_EQ(network.conservation_laws(), (std::vector<Law>{{0, 1, 1, 1, 1, 1, 1}}));
}

TEST(Conservation, HoldsWholeWeightsOfUnequalStoichiometry) {
    // 2 A -> 3 B, 5 B -> 7 C: 105 A = 70 B = 50 C of mass
    const ReactionNetwork network({.name = "x",
                                   .species = {{"A", 1}, {"B", 1}, {"C", 1}},
                                   .reactions = {{"r", {0, 0}, {1, 1, 1}}, {"s", {1}, {2, 2, 2, 1, 1}}}});
    const auto laws = network.conservation_laws();
    ASSERT_EQ(laws.size(), 1u);
    expect_conserved(network);
}

/// A_i -> 3 A_(i+1): the first weighs 3^n of the last.
NetworkDefinition powers_of_three(std::size_t count) {
    NetworkDefinition definition{.name = "powers"};
    for (std::size_t i = 0; i <= count; ++i) definition.species.push_back({"A" + std::to_string(i), 1.0});
    for (std::size_t i = 0; i < count; ++i)
        definition.reactions.push_back({"r" + std::to_string(i), {i}, {i + 1, i + 1, i + 1}});
    return definition;
}

TEST(Conservation, IsExactUpToTheWidthOfItsNumbers) {
    const ReactionNetwork network(powers_of_three(39));  // 3^39 < 2^63
    const auto laws = network.conservation_laws();
    ASSERT_EQ(laws.size(), 1u);
    EXPECT_EQ(laws[0].front(), 4052555153018976267);
    EXPECT_EQ(laws[0].back(), 1);
}

TEST(Conservation, RefusesAWeightThatDoesNotFit) {
    expect_refused<NetworkInvalid>([] { (void)ReactionNetwork(powers_of_three(41)).conservation_laws(); },
                                   {"powers", "64 bits", "'A0'"});
}

TEST(ReactionNetwork, DependenciesAreTheReadersOfWhatChanges) {
    const ReactionNetwork network(shipped("sep"));  // 0: E+S->ES, then ES->E+S, ES->E+P
    EXPECT_EQ(network.dependents(0), (std::vector<std::size_t>{0, 1, 2}));
    const ReactionNetwork catalysed(
        {.name = "x", .species = {{"A", 1}, {"E", 1}}, .reactions = {{"r", {0, 1}, {1}}, {"s", {1}, {1, 0}}}});
    EXPECT_EQ(catalysed.dependents(0), (std::vector<std::size_t>{0}));  // E is read by both and changed by neither
    EXPECT_EQ(catalysed.dependents(1), (std::vector<std::size_t>{0}));
}

TEST(ReactionNetwork, RefusesAndNamesTheCulprit) {
    const auto refused = [](const std::function<void(NetworkDefinition&)>& breaks,
                            const std::vector<std::string>& words) {
        NetworkDefinition definition{.name = "x",
                                     .parameters = {{"k", 1.0}},
                                     .species = {{"A", 1.0}, {"B", 0.0}},
                                     .reactions = {{"r", {0}, {1}, 0}}};
        breaks(definition);
        expect_refused<NetworkInvalid>([&] { const ReactionNetwork network(definition); }, words);
    };
    refused([](auto& d) { d.parameters[0].value = -2.0; }, {"'r'", "-2", "not negative"});
    refused([](auto& d) { d.parameters[0].value = NAN; }, {"'k'", "nan", "finite"});
    refused([](auto& d) { d.species[1].initial = -1.0; }, {"'B'", "-1"});
    refused([](auto& d) { d.species[1].name = "A"; }, {"'A'", "twice"});
    refused([](auto& d) { d.reactions[0].products = {5}; }, {"'r'", "species 5", "2"});
    refused([](auto& d) { d.reactions[0].reactants = {0, 0, 0, 1}; }, {"'r'", "4 reactants", "at most 3"});
    refused([](auto& d) { d.reactions[0].parameter = 3; }, {"'r'", "parameter 3"});
    refused([](auto& d) { d.species.clear(); }, {"'x'", "no species"});
}

}  // namespace
}  // namespace nubridge::test
