#include "model_file/model_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/hash2/sha2.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <utility>

#include "model_file/family_file.hpp"
#include "model_file/json_object.hpp"
#include "model_file/sections.hpp"
#include "units/error.hpp"
#include "units/units.hpp"

namespace nubridge::model_file {

std::string hash_of(json document) {
    document.erase("hash");
    const std::string text = document.dump();
    boost::hash2::sha2_256 digest;
    digest.update(text.data(), text.size());
    std::ostringstream hex;
    hex << "sha256:" << digest.result();
    return hex.str();
}

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file) throw ModelNotFound(path.string() + ": cannot read the model file: " + std::strerror(errno));
    return text;
}

void require_hash(const json& document, const std::string& origin) {
    const std::string hash = hash_of(document);
    const json stated = document.is_object() ? document.value("hash", json()) : json();
    if (stated != hash) {
        throw ModelHashError(origin + ": the text has the hash " + hash + " but states " + stated.dump() +
                             "; it was edited: edit train.toml and run `nubridge train` instead, or restore the file");
    }
}

namespace {

std::vector<std::string> names_of(const std::vector<dynamics::Input>& inputs) {
    std::vector<std::string> names;
    for (const auto& input : inputs) names.push_back(input.name);
    return names;
}

}  // namespace

std::vector<dynamics::Input> read_inputs(const Object& root, const std::string& where) {
    std::vector<dynamics::Input> inputs;
    for (const json& entry : root.list("inputs")) {
        const Object object(entry, where + ": input " + std::to_string(inputs.size()), {"name", "unit", "domain"});
        const json& domain = object.list("domain");
        if (domain.size() != 2 || !domain[0].is_number() || !domain[1].is_number()) {
            object.fail("needs two numbers as 'domain', found " + domain.dump());
        }
        inputs.push_back({object.text("name"), object.text("unit"), domain[0].get<double>(), domain[1].get<double>()});
    }
    return inputs;
}

namespace {

/// Factor from the rate's unit to /ms [per unit of the input]; the unit must say that it is such a rate.
double rate_factor(const Object& object, const std::string& unit, const std::string& input_unit) {
    const std::string per_input = input_unit.empty() ? "" : "/" + input_unit;
    if (unit == per_input + "/ms") return 1.0;
    if (unit == per_input + "/s") return units::per_ms_of_per_s;
    object.fail("has the unit '" + unit + "'; here it must be '" + per_input + "/s' or '" + per_input + "/ms'");
}

std::vector<dynamics::Transition> read_transitions(const Object& root, const std::string& where,
                                                   const dynamics::ReducedModelDefinition& definition) {
    const Object dynamics_object(root.member("dynamics"), where + ": dynamics", {"kind", "transitions"});
    if (dynamics_object.text("kind") != "closure") {
        dynamics_object.fail("has the kind '" + dynamics_object.text("kind") + "'; this version knows 'closure'");
    }
    std::vector<dynamics::Transition> transitions;
    for (const json& entry : dynamics_object.list("transitions")) {
        const Object object(entry, where + ": transition " + std::to_string(transitions.size()),
                            {"from", "to", "rate", "unit", "input", "theta"});
        dynamics::Transition transition;
        transition.from = index_of(object, definition.states, object.text("from"), "state");
        transition.to = index_of(object, definition.states, object.text("to"), "state");
        std::string input_unit;
        if (object.has("input")) {
            transition.input = index_of(object, names_of(definition.inputs), object.text("input"), "input");
            input_unit = definition.inputs[*transition.input].unit;
        }
        const double rate = object.number("rate");
        if (!(rate >= 0.0))
            object.fail("has the rate " + object.member("rate").dump() + "; a rate is not negative: correct it");
        transition.rate_constant = rate * rate_factor(object, object.text("unit"), input_unit);
        if (object.has("theta")) transition.theta = object.number("theta");
        transitions.push_back(transition);
    }
    return transitions;
}

std::vector<dynamics::Observable> read_observables(const Object& root, const std::string& where,
                                                   const std::vector<std::string>& states) {
    std::vector<dynamics::Observable> observables;
    for (const json& entry : root.list("observables")) {
        const Object object(entry, where + ": observable " + std::to_string(observables.size()),
                            {"name", "unit", "weights"});
        dynamics::Observable observable{object.text("name"), object.text("unit"),
                                        std::vector<double>(states.size(), 0.0)};
        const json& weights = object.member("weights");
        if (!weights.is_object()) object.fail("needs an object as 'weights', found " + weights.dump());
        for (const auto& [state, weight] : weights.items()) {
            if (!weight.is_number()) object.fail("needs numbers as weights, found " + weight.dump());
            observable.weights[index_of(object, states, state, "state")] = weight.get<double>();
        }
        observables.push_back(std::move(observable));
    }
    return observables;
}

}  // namespace

dynamics::Policy read_policy(const Object& root) {
    const std::string policy = root.text("policy");
    if (policy == "clamp") return dynamics::Policy::clamp;
    if (policy == "extrapolate") return dynamics::Policy::extrapolate;
    if (policy == "error") return dynamics::Policy::error;
    root.fail("has the policy '" + policy + "'; it is 'clamp', 'extrapolate' or 'error'");
}

namespace {

void require_schema(const json& document, const std::string& origin) {
    if (!document.is_object() || document.value("schema", json()) != "nubridge-model") {
        throw ModelSchemaError(origin + ": no nubridge model: its \"schema\" is not \"nubridge-model\"");
    }
    const json version = document.value("schema_version", json());
    if (version != schema_version) {
        throw ModelSchemaError(origin + ": schema version " + version.dump() + "; this library reads version " +
                               std::to_string(schema_version) +
                               ": use the matching nubridge, or make the model again with `nubridge train`");
    }
}

dynamics::ReducedModelDefinition read_definition(const json& document, const std::string& origin) {
    const Object root(document, origin + ": the model",
                      {"schema", "schema_version", "name", "title", "family", "inputs", "dynamics", "observables",
                       "policy", "provenance", "hash"});
    dynamics::ReducedModelDefinition definition;
    definition.name = root.text("name");
    const Object family(root.member("family"), origin + ": family", {"kind", "sign", "states"});
    if (family.text("kind") != "categorical")
        family.fail("has the kind '" + family.text("kind") + "'; this version knows 'categorical'");
    const double sign = family.number("sign");
    if (sign != 1.0 && sign != -1.0) family.fail("has the sign " + family.member("sign").dump() + "; it is 1 or -1");
    definition.sign = sign > 0.0 ? maxent::Sign::plus : maxent::Sign::minus;
    for (const json& state : family.list("states")) {
        if (!state.is_string()) family.fail("needs names as 'states', found " + state.dump());
        definition.states.push_back(state.get<std::string>());
    }
    if (definition.states.size() < 2) family.fail("has 1 state; it needs at least 2: name them in 'states'");
    definition.inputs = read_inputs(root, origin);
    definition.transitions = read_transitions(root, origin, definition);
    definition.observables = read_observables(root, origin, definition.states);
    definition.policy = read_policy(root);
    return definition;
}

/// Parses and checks schema and hash.
json verified(std::string_view text, const std::string& origin) {
    json document = parse_json(text, origin);
    require_schema(document, origin);
    require_hash(document, origin);
    return document;
}

void require_learned(const json& document, const std::string& origin) {
    const Object root(document, origin + ": the model",
                      {"schema", "schema_version", "name", "title", "family", "inputs", "dynamics", "domain", "policy",
                       "provenance", "hash"});
    root.text("name");
    read_policy(root);
    read_family(root.member("family").dump(), origin + ": family");
    const Object dynamics(
        root.member("dynamics"), origin + ": dynamics",
        {"kind", "coefficients", "names", "standard_errors", "each_nu", "network", "hop_per_s", "empty", "volume_um3",
         "spacing", "arguments", "vertices", "products", "centre", "scale", "hidden"});
    for (const json& one : dynamics.list("coefficients")) {
        if (!one.is_number()) dynamics.fail("needs numbers as 'coefficients', found " + one.dump());
    }
}

}  // namespace

bool is_learned(const json& document) {
    const json dynamics = document.is_object() ? document.value("dynamics", json()) : json();
    const json kind = dynamics.is_object() ? dynamics.value("kind", json()) : json();
    return kind == "terms" || kind == "grid" || kind == "polynomial" || kind == "map";
}

ModelFile parse(std::string_view text, const std::string& origin) {
    const json document = verified(text, origin);
    if (is_learned(document))
        throw ModelInvalid(origin +
                           ": the model is learned, a vector field with coefficients; Python's nubridge.Model "
                           "opens it, and `nubridge mechanisms --model` makes a mechanism of it");
    return {read_definition(document, origin), document["hash"].get<std::string>(), std::string(text), {}};
}

void verify(std::string_view text, const std::string& origin) {
    const json document = verified(text, origin);
    if (is_learned(document)) return require_learned(document, origin);
    const dynamics::ReducedModel checked(read_definition(document, origin));
}

ModelFile read(const std::filesystem::path& path) {
    ModelFile result = parse(text_of(path), path.string());
    result.path = path;
    return result;
}

std::string seal(std::string_view text, const std::string& origin) {
    json document = parse_json(text, origin);
    require_schema(document, origin);
    document["hash"] = hash_of(document);
    if (is_learned(document))
        require_learned(document, origin);
    else
        const dynamics::ReducedModel checked(read_definition(document, origin));
    return document.dump(2) + "\n";
}

void write(const std::string& text, const std::filesystem::path& path) {
    const std::filesystem::path part = path.string() + ".part" + std::to_string(::getpid());
    const auto fail = [&](const char* verb) {
        const std::string reason = std::strerror(errno);
        ::unlink(part.c_str());
        throw FileError(path.string() + ": cannot " + verb + " the model file: " + reason +
                        "; check the folder's rights and the free space");
    };
    const int descriptor = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor < 0) fail("create");
    std::string_view rest = text;
    while (!rest.empty()) {
        const ssize_t written = ::write(descriptor, rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            const int reason = errno;
            ::close(descriptor);
            errno = reason;
            fail("write");
        }
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::close(descriptor) != 0) fail("close");
    if (::rename(part.c_str(), path.c_str()) != 0) fail("rename");
}

}  // namespace nubridge::model_file
