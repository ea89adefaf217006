#include "model_file/stepper_file.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "chemistry/net_reader.hpp"
#include "chemistry/network.hpp"
#include "dynamics/basis_combination.hpp"
#include "dynamics/grid_elements.hpp"
#include "dynamics/polynomial.hpp"
#include "dynamics/smooth_map.hpp"
#include "model_file/family_file.hpp"
#include "model_file/json_object.hpp"
#include "model_file/mass_action_file.hpp"
#include "model_file/model_file.hpp"
#include "model_file/sections.hpp"
#include "units/error.hpp"

namespace nubridge::model_file {

namespace {

using chemistry::ReactionNetwork;
using dynamics::LearnedDefinition;
using dynamics::NetworkClosure;

std::shared_ptr<const NetworkClosure> closure_of(const json& document, const std::string& origin,
                                                 std::shared_ptr<const ReactionNetwork> network,
                                                 std::shared_ptr<const maxent::Family> family) {
    json options = json::object();
    for (const char* key : {"hop_per_s", "empty", "volume_um3"}) {
        const json value = document["dynamics"].value(key, json());
        if (!value.is_null()) options[key] = value;
    }
    for (const json& input : document.at("inputs")) options["inputs"].push_back(input.at("name"));
    const auto read = read_closure_options(options.dump(), origin + ": dynamics", *network);
    return std::make_shared<const NetworkClosure>(std::move(network), std::move(family), read);
}

/// The groups of the network that are sums of states of the family, else each occupancy by the name p_STATE.
std::vector<dynamics::Observable> observables_of(const ReactionNetwork& network,
                                                 const std::vector<std::string>& states) {
    std::vector<dynamics::Observable> found;
    const auto place = [&](std::size_t species) {
        const auto& name = network.definition().species[species].name;
        return static_cast<std::size_t>(std::find(states.begin(), states.end(), name) - states.begin());
    };
    for (const auto& group : network.definition().observables) {
        dynamics::Observable one{group.name, "1", std::vector<double>(states.size(), 0.0)};
        bool whole = !group.terms.empty() && std::find(states.begin(), states.end(), group.name) == states.end();
        for (const auto& [species, weight] : group.terms) {
            whole = whole && place(species) < states.size();
            if (whole) one.weights[place(species)] += weight;
        }
        if (whole) found.push_back(std::move(one));
    }
    if (!found.empty()) return found;
    for (std::size_t i = 0; i < states.size(); ++i) {
        found.push_back({"p_" + states[i], "1", std::vector<double>(states.size(), 0.0)});
        found.back().weights[i] = 1.0;
    }
    return found;
}

std::unique_ptr<const dynamics::Stepper> learned_terms(LearnedDefinition learned, const json& document,
                                                       const std::string& origin) {
    const json& section = document["dynamics"];
    const bool each_nu = section.value("each_nu", false);
    const auto network = std::make_shared<const ReactionNetwork>(
        chemistry::read_net(section.at("network").get<std::string>(), origin + ": network"));
    const auto closure = closure_of(document, origin, network, learned.family);
    const auto field = std::make_shared<const dynamics::BasisCombination>(closure, each_nu);
    if (learned.coefficients.size() != field->coefficient_count())
        throw ModelInvalid(origin + ": there are " + std::to_string(learned.coefficients.size()) +
                           " coefficients; the dynamics needs " + std::to_string(field->coefficient_count()) +
                           ": train it again");
    const auto transitions = each_nu ? std::nullopt : closure->transitions(learned.coefficients);
    if (transitions) {
        const auto states = learned.family->moment_names();
        return dynamics::occupancy_stepper({learned.name, learned.family->sign(), states, learned.inputs, *transitions,
                                            observables_of(*network, states), learned.policy});
    }
    learned.field = field;
    return dynamics::learned_stepper(std::move(learned));
}

/// From spacings and arguments by name.
dynamics::GridElements grid_of(const LearnedDefinition& learned, const json& section, const std::string& origin) {
    auto names = learned.family->nu_names();
    const std::size_t nu_count = names.size();
    for (const auto& input : learned.inputs) names.push_back(input.name);
    json shape = {{"inputs", learned.inputs.size()}, {"spacing", json::array()}, {"arguments", json::array()}};
    for (const auto& name : names) shape["spacing"].push_back(section.at("spacing").value(name, 0.0));
    const Object object(section, origin,
                        {"kind", "coefficients", "names", "standard_errors", "spacing", "arguments", "vertices"});
    for (std::size_t a = 0; a < nu_count; ++a) {
        json places = json::array();
        for (const json& one : section.at("arguments").at(names[a]))
            places.push_back(index_of(object, names, one.get<std::string>(), "nu or input"));
        shape["arguments"].push_back(places);
    }
    return read_grid(shape.dump(), origin);
}

std::unique_ptr<const dynamics::Stepper> learned_grid(LearnedDefinition learned, const json& document,
                                                      const std::string& origin) {
    const json& section = document["dynamics"];
    const auto grid = std::make_shared<dynamics::GridElements>(grid_of(learned, section, origin + ": dynamics"));
    for (const json& vertex : section.at("vertices")) {
        const auto component = vertex.at(0).get<std::size_t>();
        if (component >= grid->nu_count())
            throw ModelInvalid(origin + ": a vertex is of F " + std::to_string(component) + "; there are " +
                               std::to_string(grid->nu_count()));
        std::vector<int> place;
        for (std::size_t k = 0; k < grid->components()[component].arguments.size(); ++k)
            place.push_back(vertex.at(k + 1).get<int>());
        grid->add({component, place});
    }
    if (learned.coefficients.size() != grid->coefficient_count() || grid->nu_count() != learned.family->nu_count())
        throw ModelInvalid(origin + ": there are " + std::to_string(learned.coefficients.size()) +
                           " coefficients; the grid has " + std::to_string(grid->coefficient_count()) +
                           ": train it again");
    learned.field = grid;
    return dynamics::learned_stepper(std::move(learned));
}

std::unique_ptr<const dynamics::Stepper> learned_polynomial(LearnedDefinition learned, const json& document,
                                                            const std::string& origin) {
    auto names = learned.family->nu_names();
    const std::size_t nu_count = names.size();
    for (const auto& input : learned.inputs) names.push_back(input.name);
    json shape = {{"inputs", learned.inputs.size()}, {"products", json::array()}};
    const Object object(document["dynamics"], origin + ": dynamics",
                        {"kind", "coefficients", "names", "standard_errors", "products"});
    for (std::size_t a = 0; a < nu_count; ++a) {
        json of_nu = json::array();
        for (const json& product : object.member("products").at(names[a])) {
            json places = json::array();
            for (const json& one : product)
                places.push_back(index_of(object, names, one.get<std::string>(), "nu or input"));
            of_nu.push_back(places);
        }
        shape["products"].push_back(of_nu);
    }
    const auto field = std::make_shared<const dynamics::Polynomial>(read_polynomial(shape.dump(), origin));
    if (learned.coefficients.size() != field->coefficient_count())
        throw ModelInvalid(origin + ": there are " + std::to_string(learned.coefficients.size()) +
                           " coefficients; the polynomial has " + std::to_string(field->coefficient_count()) +
                           ": train it again");
    learned.field = field;
    return dynamics::learned_stepper(std::move(learned));
}

std::unique_ptr<const dynamics::Stepper> learned_map(LearnedDefinition learned, const json& document,
                                                     const std::string& origin) {
    const json& section = document["dynamics"];
    std::vector<double> hidden;
    for (const json& unit : section.at("hidden")) {
        for (const json& number : unit) hidden.push_back(number.get<double>());
    }
    const auto map = std::make_shared<const dynamics::SmoothMap>(
        learned.family->nu_count(), section.at("centre").get<std::vector<double>>(),
        section.at("scale").get<std::vector<double>>(), std::move(hidden));
    if (learned.coefficients.size() != map->coefficient_count() || map->input_count() != learned.inputs.size())
        throw ModelInvalid(origin + ": there are " + std::to_string(learned.coefficients.size()) +
                           " coefficients; the map has " + std::to_string(map->coefficient_count()) +
                           ": train it again");
    learned.field = map;
    return dynamics::learned_stepper(std::move(learned));
}

std::unique_ptr<const dynamics::Stepper> learned(const json& document, const std::string& origin) {
    const Object root(document, origin + ": the model",
                      {"schema", "schema_version", "name", "title", "family", "inputs", "dynamics", "domain", "policy",
                       "provenance", "hash"});
    LearnedDefinition definition;
    definition.name = root.text("name");
    definition.policy = read_policy(root);
    definition.family = read_family(root.member("family").dump(), origin + ": family");
    if (!document.at("inputs").empty()) definition.inputs = read_inputs(root, origin);
    for (const auto& name : definition.family->nu_names()) {
        const json& range = root.member("domain").at(name);
        definition.domain.push_back({range.at(0).get<double>(), range.at(1).get<double>()});
    }
    for (const json& one : document["dynamics"].at("coefficients"))
        definition.coefficients.push_back(one.get<double>());
    const json& kind = document["dynamics"]["kind"];
    if (kind == "terms") return learned_terms(std::move(definition), document, origin);
    if (kind == "grid") return learned_grid(std::move(definition), document, origin);
    return kind == "map" ? learned_map(std::move(definition), document, origin)
                         : learned_polynomial(std::move(definition), document, origin);
}

}  // namespace

StepperFile read_stepper(const std::filesystem::path& path) {
    const std::string text = text_of(path), origin = path.string();
    const json document = parse_json(text, origin);
    const json schema = document.is_object() ? document.value("schema", json()) : json();
    if (schema == "nubridge-kernel") {
        auto file = read_mass_action(path);
        return {stepper_of(std::move(file.definition), file.in_sums), std::move(file.text), path};
    }
    if (!is_learned(document)) {
        auto file = read(path);
        return {dynamics::occupancy_stepper(std::move(file.definition)), std::move(file.text), path};
    }
    verify(text, origin);
    try {
        return {learned(document, origin), text, path};
    } catch (const json::exception& error) {
        throw ModelInvalid(origin + ": " + error.what() + "; train the model again");
    }
}

}  // namespace nubridge::model_file
