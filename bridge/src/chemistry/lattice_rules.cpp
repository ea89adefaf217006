// What a network and a space become on a lattice: rules, channels, probabilities, and the refusal of the rest.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "chemistry/lattice.hpp"
#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

void LatticeEngine::require_network() const {
    const NetworkDefinition& definition = network_->definition();
    if (definition.unit != AmountUnit::molecules) {
        refuse<InvalidArgument>(
            "the network '", definition.name, "' is in ", name_of(definition.unit),
            "; the sites of a lattice hold molecules: state amounts in molecules and rates per site "
            "or neighbouring pair");
    }
    if (network_->species_count() >= std::numeric_limits<Content>::max())
        refuse<InvalidArgument>("the network has ", network_->species_count(), " species; a lattice takes 65534");
    for (std::size_t r = 0; r < network_->reaction_count(); ++r) {
        const std::string& name = definition.reactions[r].name;
        if (network_->order(r) > 2) {
            refuse<InvalidArgument>("the reaction '", name,
                                    "' has 3 reactants; on a lattice two neighbours meet: split it "
                                    "into steps, or take the regime ssa");
        }
        const std::size_t made = products(r).size(), most = network_->order(r) == 0 ? 1 : 2;
        if (made <= most && (made > 0 || network_->order(r) > 0)) continue;
        refuse<InvalidArgument>(
            "the reaction '", name, "' of order ", network_->order(r), " makes ", made,
            " molecules; on a lattice order 0 makes 1 and the others at most 2: split it into steps");
    }
}

void LatticeEngine::require_space(const Space& space) const {
    const auto& species = network_->definition().species;
    if (!(space.spacing_um > 0.0) || !std::isfinite(space.spacing_um))
        refuse<InvalidArgument>("the spacing of the lattice is ", space.spacing_um, " um; it is finite and positive");
    if (space.diffusion_um2_s.size() != species.size()) {
        refuse<InvalidArgument>("there are ", space.diffusion_um2_s.size(), " diffusion constants for ", species.size(),
                                " species; pass one each, 0 for one that stays");
    }
    for (std::size_t s = 0; s < species.size(); ++s) {
        const double diffusion = space.diffusion_um2_s[s];
        if (!(diffusion >= 0.0) || !std::isfinite(diffusion)) {
            refuse<InvalidArgument>("the diffusion constant of '", species[s].name, "' is ", diffusion,
                                    " um2/s; it is finite and not negative");
        }
        if (s < space.face.size() && space.face[s] != 0) {
            refuse<InvalidArgument>("the species '", species[s].name,
                                    "' is on a face; a lattice has none: take the regime grid-ssa, or leave face out");
        }
    }
    if (space.rule != Space::Rule::events && space.rule != Space::Rule::hop_and_react) {
        refuse<InvalidArgument>("the lattice has the rule ", static_cast<int>(space.rule),
                                "; it is 0 (events) or 1 (hop and react)");
    }
}

void LatticeEngine::take_inputs() {
    for (const Input& input : inputs_) {
        constexpr double ever = std::numeric_limits<double>::max();
        greatest_.push_back(input.waveform.range(-ever, ever).second);
        if (input.target == Input::Target::parameter) continue;
        refuse<InvalidArgument>(
            "an input drives the species '", network_->definition().species[input.index].name,
            "'; molecules of a lattice have sites: drive a rate instead, or take the regime grid-ssa");
    }
}

std::pair<LatticeEngine::Content, LatticeEngine::Content> LatticeEngine::reactants(std::size_t reaction) const {
    const auto& sides = network_->definition().reactions[reaction].reactants;
    const auto content = [&](std::size_t i) { return static_cast<Content>(i < sides.size() ? sides[i] + 1 : 0); };
    if (sides.size() < 2) return {content(0), 0};
    return std::minmax(content(0), content(1));
}

/// Fixed species are neither made nor consumed.
std::vector<std::size_t> LatticeEngine::products(std::size_t reaction) const {
    const NetworkDefinition& definition = network_->definition();
    std::vector<std::size_t> made = definition.reactions[reaction].products;
    std::erase_if(made, [&](std::size_t s) { return definition.species[s].fixed; });
    for (const std::size_t s : definition.reactions[reaction].reactants) {
        if (definition.species[s].fixed) made.push_back(s);
    }
    return made;
}

LatticeEngine::Rule LatticeEngine::rule_of(std::size_t reaction) const {
    const Reaction& given = network_->definition().reactions[reaction];
    Rule rule{reaction, 0, 0, false, 0.0, given.factor, {}};
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
        if (given.parameter == inputs_[i].index) rule.input = i;
    }
    std::vector<std::size_t> made = products(reaction);
    Content after[2] = {0, 0};
    bool kept = false;
    for (std::size_t i = 0; i < given.reactants.size(); ++i) {
        const auto same = std::find(made.begin(), made.end(), given.reactants[i]);
        if (same == made.end()) continue;
        after[i] = static_cast<Content>(*same + 1);
        made.erase(same);
        kept = true;
    }
    rule.either =
        given.reactants.size() == 2 && (given.reactants[0] == given.reactants[1] || (!kept && made.size() == 1));
    for (const std::size_t s : made) after[after[0] == 0 ? 0 : 1] = static_cast<Content>(s + 1);
    if (given.reactants.size() == 2 && given.reactants[0] > given.reactants[1]) std::swap(after[0], after[1]);
    rule.first = after[0];
    rule.second = after[1];
    return rule;
}

// The channels of single sites come first: the clock of hop_and_react knows these only.
void LatticeEngine::build_channels(const Space& space) {
    std::map<std::pair<Content, Content>, std::vector<std::size_t>> of_site, of_bond;
    for (std::size_t r = 0; r < network_->reaction_count(); ++r)
        (network_->order(r) < 2 ? of_site : of_bond)[reactants(r)].push_back(r);
    const auto add = [&](Kind kind, const auto& groups) {
        std::size_t list = 0;
        for (const auto& [contents, reactions] : groups) {
            const std::size_t begin = rules_.size();
            for (const std::size_t r : reactions) rules_.push_back(rule_of(r));
            channels_.push_back({kind, contents.first, contents.second, list++, 0.0, begin, rules_.size()});
        }
    };
    add(Kind::site, of_site);
    scheduled_ = channels_.size();
    const std::size_t contents = network_->species_count() + 1;
    const double sides_per_um2 = static_cast<double>(geometry_.sides()) / (space.spacing_um * space.spacing_um);
    for (std::size_t c = 1; c < contents; ++c) {
        const double rate = space.diffusion_um2_s[c - 1] * sides_per_um2;
        if (rate > 0.0) channels_.push_back({Kind::hop, static_cast<Content>(c), 0, 0, rate, 0, 0});
    }
    const std::size_t bonds_begin = channels_.size();
    add(Kind::bond, of_bond);
    of_pair_.assign(contents * contents, -1);
    reactive_.assign(contents, 0);
    for (std::size_t i = bonds_begin; i < channels_.size(); ++i) {
        const auto [a, b] = std::pair(channels_[i].first, channels_[i].second);
        of_pair_[a * contents + b] = of_pair_[b * contents + a] = static_cast<std::int32_t>(i);
    }
    if (space.rule == Space::Rule::hop_and_react) return;
    scheduled_ = channels_.size();
    for (std::size_t i = bonds_begin; i < channels_.size(); ++i)
        reactive_[channels_[i].first] = reactive_[channels_[i].second] = 1;
    if (!of_bond.empty()) by_pair_ = Partition(site_count() * geometry_.axes(), of_bond.size());
}

void LatticeEngine::build_step(const EngineOptions& options, const Space& space) {
    const double fastest = *std::max_element(space.diffusion_um2_s.begin(), space.diffusion_um2_s.end());
    const double turns_s = static_cast<double>(geometry_.sides()) / (space.spacing_um * space.spacing_um);
    step_s_ = options.step_s;
    if (step_s_ == 0.0 && fastest > 0.0) step_s_ = 1.0 / (fastest * turns_s);
    if (!(step_s_ > 0.0) || !std::isfinite(step_s_)) {
        refuse<InvalidArgument>("the step of hop-and-react is ", step_s_,
                                " s; pass a finite positive step_s, or a diffusion constant above 0 that implies it");
    }
    hop_probability_.assign(network_->species_count() + 1, 0.0);
    for (std::size_t s = 0; s < network_->species_count(); ++s) {
        const double p = space.diffusion_um2_s[s] * turns_s * step_s_;
        if (p > 1.0 + 1e-9) {
            refuse<InvalidArgument>("'", network_->definition().species[s].name, "' would hop ", p,
                                    " times in a step of ", step_s_,
                                    " s; at most once is possible: take step_s of at most ", step_s_ / p, " s");
        }
        hop_probability_[s + 1] = std::min(p, 1.0);
    }
    order_.resize(site_count());
    turn_of_.resize(site_count());
}

/// What turns the rate constant of a bond into the probability that two who meet react.
double LatticeEngine::per_meeting_s(const Channel& channel) const noexcept {
    return step_s_ * static_cast<double>(geometry_.sides()) /
           (hop_probability_[channel.first] + hop_probability_[channel.second]);
}

void LatticeEngine::require_probabilities() const {
    if (step_s_ == 0.0) return;
    for (const Channel& channel : channels_) {
        if (channel.kind != Kind::bond) continue;
        double k = 0.0;
        for (std::size_t i = channel.rules_begin; i < channel.rules_end; ++i) {
            const auto& input = rules_[i].input;
            k += input ? rules_[i].factor * greatest_[*input] : rules_[i].k;
        }
        const double p = k == 0.0 ? 0.0 : k * per_meeting_s(channel);
        if (p <= 1.0) continue;
        const auto& species = network_->definition().species;
        refuse<InvalidArgument>(
            "'", species[channel.first - 1].name, "' and '", species[channel.second - 1].name,
            "' would react with the probability ", p, " where they meet in a step of ", step_s_,
            " s; at most 1 is possible: take a shorter step_s, let them diffuse faster, or take the "
            "rule events");
    }
}

}  // namespace nubridge::chemistry
