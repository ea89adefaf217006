#include "dynamics/chain_rules.hpp"

#include <algorithm>
#include <array>

#include "chemistry/refuse.hpp"
#include "units/error.hpp"

namespace nubridge::dynamics {

namespace {

using chemistry::refuse;
using Contents = std::vector<std::size_t>;

Contents contents_of(const std::vector<std::size_t>& species, const Roles& roles, const std::string& reaction) {
    Contents out;
    for (const std::size_t s : species) {
        if (!roles.inside(s) || roles.of[s] == Roles::empty) {
            refuse<InvalidArgument>("the reaction '", reaction, "' has species ", s,
                                    " of the network, which no site of the chain can hold; add it to the family");
        }
        out.push_back(roles.of[s] + 1);
    }
    return out;
}

/// The bond in both directions; a bond of two equal ends once.
void add_both_ways(std::vector<BondRule>& rules, const BondRule& rule) {
    rules.push_back(rule);
    rules.push_back({rule.right, rule.left, rule.new_right, rule.new_left, rule.share});
    if (rule.left == rule.right) {
        rules[rules.size() - 2].share *= 0.5;
        rules.back().share *= 0.5;
    }
}

ChainTerm from_one(std::size_t reactant, const Contents& products) {
    if (products.size() < 2) return {{{reactant, products.empty() ? 0 : products[0]}}, {}};
    const bool second_stays = products[1] == reactant && products[0] != reactant;
    const std::size_t stays = products[second_stays ? 1 : 0], goes = products[second_stays ? 0 : 1];
    ChainTerm term;
    add_both_ways(term.bond, {reactant, 0, stays, goes, 0.5});
    return term;
}

ChainTerm from_two(const Contents& reactants, Contents products) {
    std::array<std::size_t, 2> after{0, 0};
    std::array<bool, 2> taken{false, false};
    for (std::size_t site = 0; site < 2; ++site) {
        const auto kept = std::find(products.begin(), products.end(), reactants[site]);
        if (kept == products.end()) continue;
        after[site] = *kept;
        taken[site] = true;
        products.erase(kept);
    }
    const bool either = products.size() == 1 && !taken[0] && !taken[1];
    for (std::size_t site = 0; site < 2 && !products.empty(); ++site) {
        if (taken[site]) continue;
        after[site] = products.front();
        products.erase(products.begin());
    }
    ChainTerm term;
    add_both_ways(term.bond, {reactants[0], reactants[1], after[0], after[1], either ? 0.5 : 1.0});
    if (either) add_both_ways(term.bond, {reactants[0], reactants[1], after[1], after[0], 0.5});
    return term;
}

}  // namespace

std::vector<ChainTerm> chain_terms(const chemistry::ReactionNetwork& network, const Roles& roles,
                                   const std::vector<std::size_t>& hopping) {
    std::vector<ChainTerm> terms;
    for (const auto& reaction : network.definition().reactions) {
        const Contents reactants = contents_of(reaction.reactants, roles, reaction.name);
        const Contents products = contents_of(reaction.products, roles, reaction.name);
        const std::size_t room = reactants.empty() ? 1 : 2;
        if (reactants.size() > 2 || products.size() > room) {
            refuse<InvalidArgument>("the reaction '", reaction.name, "' has ", reactants.size(), " reactants and ",
                                    products.size(), " products; on a chain it has at most 2 of both, and 0 -> A one",
                                    ": split it into steps");
        }
        if (reactants.empty()) {
            terms.push_back({{{0, products.empty() ? 0 : products[0]}}, {}});
        } else if (reactants.size() == 1) {
            terms.push_back(from_one(reactants[0], products));
        } else {
            terms.push_back(from_two(reactants, products));
        }
    }
    for (const std::size_t species : hopping) {
        ChainTerm hop;
        add_both_ways(hop.bond, {roles.of[species] + 1, 0, 0, roles.of[species] + 1, 1.0});
        terms.push_back(std::move(hop));
    }
    return terms;
}

}  // namespace nubridge::dynamics
