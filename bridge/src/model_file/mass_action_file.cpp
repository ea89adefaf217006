#include "model_file/mass_action_file.hpp"

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "chemistry/net_reader.hpp"
#include "chemistry/network.hpp"
#include "model_file/json_object.hpp"
#include "model_file/model_file.hpp"
#include "model_file/sections.hpp"
#include "units/error.hpp"
#include "units/units.hpp"

namespace nubridge::model_file {

namespace {

using chemistry::ReactionNetwork;
using dynamics::MassActionDefinition;
using dynamics::MassActionReaction;

/// Species of the network and states of the kernel: driven species have an input, the others a state.
struct Places {
    std::vector<std::size_t> state;
    std::vector<std::optional<std::size_t>> input;
};

std::vector<std::string> species_of(const ReactionNetwork& network) {
    std::vector<std::string> names;
    for (const auto& species : network.definition().species) names.push_back(species.name);
    return names;
}

std::vector<std::string> input_names(const MassActionDefinition& definition) {
    std::vector<std::string> names;
    for (const auto& input : definition.inputs) names.push_back(input.name);
    return names;
}

Places places_of(const Object& section, const ReactionNetwork& network, MassActionDefinition& definition) {
    const json& driven = section.member("driven");
    if (!driven.is_object()) section.fail("needs an object as 'driven', found " + driven.dump());
    const auto names = species_of(network);
    Places places{std::vector<std::size_t>(names.size(), 0), {}};
    places.input.resize(names.size());
    for (const auto& [species, input] : driven.items()) {
        if (!input.is_string()) section.fail("needs names of inputs in 'driven', found " + input.dump());
        places.input[index_of(section, names, species, "species")] =
            index_of(section, input_names(definition), input.get<std::string>(), "input");
    }
    for (std::size_t species = 0; species < names.size(); ++species) {
        if (places.input[species]) continue;
        places.state[species] = definition.states.size();
        definition.states.push_back(names[species]);
    }
    return places;
}

MassActionReaction reaction_of(const Object& section, const ReactionNetwork& network, std::size_t index,
                               const Places& places) {
    const std::string& name = network.definition().reactions[index].name;
    MassActionReaction reaction;
    reaction.rate_constant = network.rate_constant(index) * units::per_ms_of_per_s;
    std::vector<std::size_t> reactants;
    for (const auto& term : network.terms(index)) {
        if (term.multiplicity > 1) reaction.rate_constant /= 2.0;  // k x^2/2 for a pair of equals
        for (int n = 0; n < term.multiplicity; ++n) reactants.push_back(term.species);
    }
    std::vector<std::size_t> states;
    for (const std::size_t species : reactants) {
        if (!places.input[species]) states.push_back(places.state[species]);
        if (places.input[species] && reaction.input) section.fail("drives both reactants of reaction '" + name + "'");
        if (places.input[species]) reaction.input = places.input[species];
    }
    if (states.empty() || states.size() > 2 || (reaction.input && states.size() > 1))
        section.fail("has a reaction '" + name + "' of more than two reactants, or of none that is a state");
    reaction.first = states[0];
    if (states.size() == 2) reaction.second = states[1];
    for (const auto& change : network.changes(index)) {
        if (!places.input[change.species])
            reaction.changes.push_back({places.state[change.species], static_cast<double>(change.delta)});
    }
    return reaction;
}

std::vector<double> weights_of(const Object& section, const ReactionNetwork& network, const Places& places,
                               const std::string& name, std::size_t states) {
    for (const auto& observable : network.definition().observables) {
        if (observable.name != name) continue;
        std::vector<double> weights(states, 0.0);
        for (const auto& [species, weight] : observable.terms) {
            if (!places.input[species]) weights[places.state[species]] += weight;
        }
        return weights;
    }
    section.fail("names the observable '" + name + "', which the network has not");
}

/// Returns whether it is in sums over subunits.
bool read_dynamics(const Object& root, const std::string& origin, MassActionDefinition& definition) {
    const Object section(root.member("dynamics"), origin + ": dynamics",
                         {"kind", "net", "driven", "totals", "off_at_rest"});
    const std::string kind = section.text("kind");
    if (kind != "mass_action" && kind != "subunit_sums")
        section.fail("has the kind '" + kind + "'; a kernel is 'mass_action' or 'subunit_sums'");
    const std::string net = section.text("net");
    const ReactionNetwork network(chemistry::read_net(net, origin));
    if (network.definition().unit != chemistry::AmountUnit::uM) section.fail("has a network that is not in uM");
    std::map<std::string, double> off;
    if (section.has("off_at_rest")) {
        for (const std::string& parameter : section.texts("off_at_rest")) off[parameter] = 0.0;
    }
    const ReactionNetwork resting(chemistry::read_net(net, origin, off));
    const Places places = places_of(section, network, definition);
    for (std::size_t index = 0; index < network.reaction_count(); ++index) {
        definition.reactions.push_back(reaction_of(section, network, index, places));
        definition.reactions.back().off_at_rest =
            network.rate_constant(index) > 0.0 && resting.rate_constant(index) == 0.0;
    }
    for (const json& entry : section.list("totals")) {
        const Object total(entry, origin + ": a total", {"input", "start", "observable"});
        definition.totals.push_back(
            {index_of(total, input_names(definition), total.text("input"), "input"),
             index_of(total, definition.states, total.text("start"), "state"),
             weights_of(total, network, places, total.text("observable"), definition.states.size())});
    }
    for (const std::string& name : root.texts("observables")) {
        definition.observables.push_back(
            {name, "uM", weights_of(root, network, places, name, definition.states.size())});
    }
    return kind == "subunit_sums";
}

MassActionFile file_of(const json& document, const std::string& origin) {
    const Object root(document, origin + ": the kernel",
                      {"schema", "schema_version", "name", "title", "inputs", "dynamics", "observables", "policy",
                       "provenance", "hash"});
    if (root.text("schema") != "nubridge-kernel" || root.number("schema_version") != schema_version) {
        throw ModelSchemaError(origin + ": no kernel of version " + std::to_string(schema_version) +
                               "; make it again with `nubridge train`");
    }
    MassActionFile file;
    file.definition.name = root.text("name");
    file.definition.inputs = read_inputs(root, origin);
    file.definition.policy = read_policy(root);
    file.in_sums = read_dynamics(root, origin, file.definition);
    return file;
}

}  // namespace

MassActionFile read_mass_action(const std::filesystem::path& path) {
    std::string text = text_of(path);
    const json document = parse_json(text, path.string());
    require_hash(document, path.string());
    MassActionFile file = file_of(document, path.string());
    file.text = std::move(text);
    file.path = path;
    return file;
}

std::unique_ptr<const dynamics::Stepper> stepper_of(dynamics::MassActionDefinition definition, bool in_sums) {
    return in_sums ? dynamics::subunit_stepper(std::move(definition)) : dynamics::amount_stepper(std::move(definition));
}

std::string seal_mass_action(std::string_view text, const std::string& origin) {
    json document = parse_json(text, origin);
    document["hash"] = hash_of(document);
    MassActionFile file = file_of(document, origin);
    static_cast<void>(stepper_of(std::move(file.definition), file.in_sums));  // for what it refuses
    return document.dump(2) + "\n";
}

}  // namespace nubridge::model_file
