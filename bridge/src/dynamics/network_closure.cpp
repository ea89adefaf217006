#include "dynamics/network_closure.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "chemistry/engine.hpp"
#include "chemistry/refuse.hpp"
#include "dynamics/scratch.hpp"
#include "maxent/categorical.hpp"
#include "maxent/counts.hpp"
#include "maxent/gaussian.hpp"
#include "units/units.hpp"

namespace nubridge::dynamics {

namespace {

using chemistry::AmountUnit;
using chemistry::ReactionNetwork;
using chemistry::refuse;
using maxent::Family;
using maxent::IsingChain;

/// The species of the network that the family's states are made of.
std::vector<std::string> members(const Family& family) {
    if (const auto* counts = dynamic_cast<const maxent::Counts*>(&family)) return counts->definition().species;
    if (const auto* chain = dynamic_cast<const IsingChain*>(&family)) return chain->definition().species;
    if (dynamic_cast<const maxent::Categorical*>(&family) != nullptr) return family.moment_names();
    auto names = family.nu_names();
    names.resize(std::min(names.size(), family.state_size()));
    return names;
}

}  // namespace

NetworkClosure::NetworkClosure(std::shared_ptr<const ReactionNetwork> network, std::shared_ptr<const Family> family,
                               ClosureOptions options)
    : network_(std::move(network)), family_(std::move(family)), options_(std::move(options)) {
    require_inputs();
    const Roles found = roles();
    for (std::size_t r = 0; r < network_->reaction_count(); ++r) {
        rates_.push_back(rate_of(r, found));
        term_names_.push_back(network_->definition().reactions[r].name);
    }
    const std::vector<std::size_t> hopping = add_hops(found);
    if (options_.theta.empty()) options_.theta.assign(term_count(), 1.0);
    if (options_.theta.size() != term_count())
        refuse<InvalidArgument>("theta has ", options_.theta.size(), " numbers; there are ", term_count(), " terms");
    const auto chain = std::dynamic_pointer_cast<const IsingChain>(family_);
    const auto boundary = chain ? chain->definition().boundary : IsingChain::Boundary::open;
    // Four different neighbours need four sites.
    const bool alike = boundary == IsingChain::Boundary::infinite ||
                       (boundary == IsingChain::Boundary::ring && chain->state_size() >= 4);
    ground_ =
        alike ? chain_ground(*network_, chain, found, hopping) : enumerated_ground(network_, family_, found, hopping);
}

std::vector<std::size_t> NetworkClosure::add_hops(const Roles& roles) {
    std::vector<std::size_t> hopping;
    const bool chain = dynamic_cast<const IsingChain*>(family_.get()) != nullptr;
    for (std::size_t s = 0; s < options_.hop_per_s.size(); ++s) {
        const double rate = options_.hop_per_s[s];
        if (rate == 0.0) continue;
        const std::string& name = network_->definition().species[s].name;
        if (!(rate > 0.0 && std::isfinite(rate)) || !chain || !roles.inside(s)) {
            refuse<InvalidArgument>("'", name, "' hops ", rate,
                                    " times a second; only species of a chain hop, at a finite rate above 0");
        }
        hopping.push_back(s);
        rates_.push_back({rate, {}, {}});
        term_names_.push_back("hop_" + name);
    }
    return hopping;
}

void NetworkClosure::require_inputs() const {
    const auto& definition = network_->definition();
    for (const auto& input : options_.inputs) {
        const bool species = input.target == chemistry::Input::Target::species;
        const std::size_t known = species ? definition.species.size() : definition.parameters.size();
        if (input.index >= known)
            refuse<InvalidArgument>("an input drives ", species ? "species " : "parameter ", input.index,
                                    "; there are ", known);
        const auto same = [&](const auto& other) { return other.target == input.target && other.index == input.index; };
        const std::string& name =
            species ? definition.species[input.index].name : definition.parameters[input.index].name;
        if (std::count_if(options_.inputs.begin(), options_.inputs.end(), same) > 1)
            refuse<InvalidArgument>("'", name, "' is an input twice; name it once");
        if (species) continue;
        for (const auto& other : definition.parameters) {
            if (std::count(other.uses.begin(), other.uses.end(), input.index) > 0)
                refuse<InvalidArgument>("the parameter '", other.name, "' is computed from the input '", name,
                                        "'; only a parameter that stands alone as a rate can be an input");
        }
    }
}

Roles NetworkClosure::roles() const {
    const auto& species = network_->definition().species;
    Roles roles{std::vector<std::size_t>(species.size(), Roles::outside)};
    const auto names = members(*family_);
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto found =
            std::find_if(species.begin(), species.end(), [&](const auto& one) { return one.name == names[i]; });
        if (found == species.end()) {
            refuse<InvalidArgument>("the network '", network_->definition().name, "' has no species '", names[i],
                                    "' of the family; name the family's species as the network does");
        }
        roles.of[static_cast<std::size_t>(found - species.begin())] = i;
    }
    if (options_.empty) {
        const auto* counts = dynamic_cast<const maxent::Counts*>(family_.get());
        if (*options_.empty >= species.size() || roles.inside(*options_.empty) || !counts ||
            !counts->definition().sites) {
            refuse<InvalidArgument>("the empty sites of a binomial base can be a species outside the family; species ",
                                    *options_.empty, " is not: leave empty out");
        }
        roles.of[*options_.empty] = Roles::empty;
    }
    for (const auto& input : options_.inputs) {
        if (input.target == chemistry::Input::Target::species && roles.inside(input.index)) {
            refuse<InvalidArgument>("'", species[input.index].name,
                                    "' is an input and in the family; it can be only one of both");
        }
    }
    return roles;
}

NetworkClosure::Rate NetworkClosure::rate_of(std::size_t reaction, const Roles& roles) const {
    const auto& one = network_->definition().reactions[reaction];
    const auto input_of = [&](chemistry::Input::Target target, std::size_t index) {
        std::size_t i = 0;
        while (i < input_count() && !(options_.inputs[i].target == target && options_.inputs[i].index == index)) ++i;
        return i;
    };
    Rate rate{network_->rate_constant(reaction), {}, {}};
    if (one.parameter) {
        const std::size_t i = input_of(chemistry::Input::Target::parameter, *one.parameter);
        if (i < input_count()) rate = {one.factor, {i}, {}};
    }
    int inside = 0;
    for (const auto& term : network_->terms(reaction)) {
        const auto& species = network_->definition().species[term.species];
        const std::size_t i = input_of(chemistry::Input::Target::species, term.species);
        if (roles.inside(term.species)) {
            inside += term.multiplicity;
        } else if (i < input_count()) {
            rate.driven.emplace_back(i, term.multiplicity);
        } else if (species.fixed) {
            rate.constant *= amount_factor(species.initial, term.multiplicity);
        } else {
            refuse<InvalidArgument>("the reaction '", one.name, "' reads '", species.name,
                                    "', which is neither in the family nor fixed; add it to the family, or make it an "
                                    "input");
        }
    }
    const auto chain = std::dynamic_pointer_cast<const IsingChain>(family_);
    if (network_->definition().unit == AmountUnit::uM && (chain || inside != 1)) {
        if (chain)
            refuse<InvalidArgument>("the network is in uM; sites hold molecules: state its rates per site and pair");
        rate.constant *= std::pow(chemistry::molecules_per_unit(*network_, options_.volume_um3), 1 - inside);
    }
    return rate;
}

double NetworkClosure::amount_factor(double amount, int multiplicity) const {
    const bool whole = network_->definition().unit == AmountUnit::molecules;
    double product = 1.0;
    for (int k = 0; k < multiplicity; ++k) product *= (whole ? amount - k : amount) / (k + 1);
    return product;
}

double NetworkClosure::amount_slope(double amount, int multiplicity) const {
    const bool whole = network_->definition().unit == AmountUnit::molecules;
    double value = 1.0, slope = 0.0;
    for (int k = 0; k < multiplicity; ++k) {
        const double part = (whole ? amount - k : amount) / (k + 1);
        slope = slope * part + value / (k + 1);
        value *= part;
    }
    return slope;
}

void NetworkClosure::write_rates(std::span<const double> inputs, std::span<double> rates) const {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (!(inputs[i] >= 0.0 && std::isfinite(inputs[i])))
            refuse<InvalidArgument>("input ", i, " is ", inputs[i], "; an amount or a rate is finite and not negative");
    }
    for (std::size_t r = 0; r < rates_.size(); ++r) {
        rates[r] = rates_[r].constant;
        for (const std::size_t i : rates_[r].parameter_inputs) rates[r] *= inputs[i];
        for (const auto& [i, multiplicity] : rates_[r].driven) rates[r] *= amount_factor(inputs[i], multiplicity);
    }
}

double NetworkClosure::rate_slope(const Rate& rate, std::span<const double> inputs, std::size_t input) const {
    double value = rate.constant, slope = 0.0;
    for (const std::size_t i : rate.parameter_inputs) {
        slope = slope * inputs[i] + (i == input ? value : 0.0);
        value *= inputs[i];
    }
    for (const auto& [i, multiplicity] : rate.driven) {
        const double part = amount_factor(inputs[i], multiplicity);
        slope = slope * part + (i == input ? value * amount_slope(inputs[i], multiplicity) : 0.0);
        value *= part;
    }
    return slope;
}

void NetworkClosure::rhs(std::span<const double> nu, std::span<const double> inputs, std::span<double> rhs) const {
    this->rhs(nu, inputs, options_.theta, rhs);
}

void NetworkClosure::rhs(std::span<const double> nu, std::span<const double> inputs, std::span<const double> theta,
                         std::span<double> rhs) const {
    Scratch scratch;
    const auto rate = scratch.numbers(rates_.size()), basis = scratch.numbers(rate.size() * nu.size());
    write_rates(inputs, rate);
    ground_->basis(nu, basis);
    std::fill(rhs.begin(), rhs.end(), 0.0);
    for (std::size_t r = 0; r < rate.size(); ++r) {
        for (std::size_t a = 0; a < nu.size(); ++a) rhs[a] += theta[r] * rate[r] * basis[r * nu.size() + a];
    }
}

void NetworkClosure::terms(std::span<const double> nu, std::span<const double> inputs, std::span<double> terms) const {
    slopes(nu, inputs, {}, terms, {});
}

void NetworkClosure::jacobian(std::span<const double> nu, std::span<const double> inputs, std::span<double> by_nu,
                              std::span<double> by_input) const {
    jacobian(nu, inputs, options_.theta, by_nu, by_input);
}

void NetworkClosure::jacobian(std::span<const double> nu, std::span<const double> inputs, std::span<const double> theta,
                              std::span<double> by_nu, std::span<double> by_input) const {
    Scratch scratch;
    const auto weights = scratch.numbers(rates_.size()), basis = scratch.numbers(weights.size() * nu.size());
    write_rates(inputs, weights);
    for (std::size_t r = 0; r < weights.size(); ++r) weights[r] *= theta[r];
    ground_->slopes(nu, weights, basis, by_nu);
    std::fill(by_input.begin(), by_input.end(), 0.0);
    for (std::size_t r = 0; r < weights.size(); ++r) {
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            const double slope = theta[r] * rate_slope(rates_[r], inputs, i);
            for (std::size_t a = 0; a < nu.size(); ++a)
                by_input[a * inputs.size() + i] += slope * basis[r * nu.size() + a];
        }
    }
}

void NetworkClosure::slopes(std::span<const double> nu, std::span<const double> inputs, std::span<const double> theta,
                            std::span<double> terms, std::span<double> by_nu) const {
    Scratch scratch;
    const auto rate = scratch.numbers(rates_.size()), weights = scratch.numbers(theta.size());
    write_rates(inputs, rate);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = theta[i] * rate[i % rate.size()];
    ground_->slopes(nu, weights, terms, by_nu);
    for (std::size_t i = 0; i < terms.size(); ++i) terms[i] *= rate[i / nu.size()];
}

std::optional<std::vector<Transition>> NetworkClosure::transitions(std::span<const double> theta) const {
    if (dynamic_cast<const maxent::Categorical*>(family_.get()) == nullptr) return std::nullopt;
    const Roles found = roles();
    const auto state_of = [&](const std::vector<std::size_t>& side) {
        return found.of[*std::find_if(side.begin(), side.end(), [&](std::size_t s) { return found.inside(s); })];
    };
    std::vector<Transition> transitions;
    for (std::size_t r = 0; r < network_->reaction_count(); ++r) {
        const auto& reaction = network_->definition().reactions[r];
        const Rate& rate = rates_[r];
        const bool alone = rate.parameter_inputs.size() + rate.driven.size() <= 1;
        if (!alone || (!rate.driven.empty() && rate.driven[0].second != 1) || theta[r] < 0.0) return std::nullopt;
        Transition& one = transitions.emplace_back();
        one.from = state_of(reaction.reactants);
        one.to = state_of(reaction.products);
        one.rate_constant = rate.constant * units::per_ms_of_per_s;
        one.theta = theta[r];
        if (!rate.parameter_inputs.empty()) one.input = rate.parameter_inputs[0];
        if (!rate.driven.empty()) one.input = rate.driven[0].first;
    }
    return transitions;
}

}  // namespace nubridge::dynamics
