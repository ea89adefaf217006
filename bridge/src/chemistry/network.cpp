#include "chemistry/network.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "chemistry/amount_units.hpp"
#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

template <class Items>
void require_names(const Items& items, const char* what) {
    std::set<std::string> known;
    for (const auto& item : items) {
        if (item.name.empty()) refuse("a ", what, " has an empty name; name it");
        if (!known.insert(item.name).second)
            refuse("the ", what, " '", item.name, "' is defined twice; rename or remove one");
    }
}

bool is_amount(double value) {
    return std::isfinite(value) && value >= 0.0;
}

}  // namespace

const char* name_of(AmountUnit unit) noexcept {
    return unit == AmountUnit::uM ? "uM" : "molecules";
}

double symmetry(std::vector<std::size_t> reactants) {
    std::sort(reactants.begin(), reactants.end());
    double product = 1.0;
    int run = 0;
    for (std::size_t i = 0; i < reactants.size(); ++i) {
        run = i > 0 && reactants[i] == reactants[i - 1] ? run + 1 : 1;
        product *= run;
    }
    return product;
}

ReactionNetwork::ReactionNetwork(NetworkDefinition definition) : definition_(std::move(definition)) {
    require_valid();
    derive();
}

double ReactionNetwork::rate_constant(std::size_t reaction) const {
    const Reaction& one = definition_.reactions[reaction];
    return one.parameter ? one.factor * definition_.parameters[*one.parameter].value : one.factor;
}

void ReactionNetwork::require_valid() const {
    if (definition_.species.empty()) refuse("the network '", definition_.name, "' has no species; add one");
    require_names(definition_.species, "species");
    require_names(definition_.parameters, "parameter");
    require_names(definition_.reactions, "reaction");
    require_names(definition_.observables, "observable");
    for (const Parameter& one : definition_.parameters) {
        if (!std::isfinite(one.value)) refuse("the parameter '", one.name, "' is ", one.value, "; it must be finite");
    }
    for (const Species& one : definition_.species) {
        if (!is_amount(one.initial)) {
            refuse("the species '", one.name, "' starts at ", one.initial,
                   "; an amount is finite and not negative: correct it");
        }
    }
    for (std::size_t r = 0; r < definition_.reactions.size(); ++r) {
        const Reaction& one = definition_.reactions[r];
        for (const auto* side : {&one.reactants, &one.products}) {
            for (const std::size_t s : *side) {
                if (s < species_count()) continue;
                refuse("the reaction '", one.name, "' names species ", s, "; there are ", species_count());
            }
        }
        if (one.reactants.size() > max_order) {
            refuse("the reaction '", one.name, "' has ", one.reactants.size(),
                   " reactants; at most 3 are possible: split it into steps");
        }
        if (one.parameter && *one.parameter >= definition_.parameters.size()) {
            refuse("the reaction '", one.name, "' names parameter ", *one.parameter, "; there are ",
                   definition_.parameters.size());
        }
        const double k = rate_constant(r);
        if (!is_amount(k)) {
            refuse("the reaction '", one.name, "' has the rate constant ", k,
                   "; it must be finite and not negative: correct it");
        }
    }
    require_units(definition_);
    for (const Observable& one : definition_.observables) {
        for (const auto& [s, weight] : one.terms) {
            if (s >= species_count())
                refuse("the observable '", one.name, "' names species ", s, "; there are ", species_count());
            if (!std::isfinite(weight))
                refuse("the observable '", one.name, "' has the weight ", weight, "; it must be finite");
        }
    }
}

void ReactionNetwork::derive() {
    readers_.resize(species_count());
    for (std::size_t r = 0; r < reaction_count(); ++r) {
        const Reaction& one = definition_.reactions[r];
        std::vector<Term> terms;
        std::vector<Change> changes;
        const auto add = [](auto& list, std::size_t species, int amount) {
            for (auto& [known, sum] : list) {
                if (known == species) {
                    sum += amount;
                    return;
                }
            }
            list.push_back({species, amount});
        };
        for (const std::size_t s : one.reactants) add(terms, s, 1);
        for (const std::size_t s : one.reactants) add(changes, s, -1);
        for (const std::size_t s : one.products) add(changes, s, 1);
        std::erase_if(changes, [&](const Change& c) { return c.delta == 0 || definition_.species[c.species].fixed; });
        for (const Term& term : terms) readers_[term.species].push_back(r);
        terms_.push_back(std::move(terms));
        changes_.push_back(std::move(changes));
    }
}

std::vector<std::size_t> ReactionNetwork::dependents(std::size_t reaction) const {
    std::set<std::size_t> found;
    for (const Change& change : changes_[reaction]) {
        found.insert(readers_[change.species].begin(), readers_[change.species].end());
    }
    return {found.begin(), found.end()};
}

}  // namespace nubridge::chemistry
