#include "model_file/family_file.hpp"

#include <algorithm>
#include <map>

#include "maxent/binary_field.hpp"
#include "maxent/categorical.hpp"
#include "maxent/counts.hpp"
#include "maxent/gaussian.hpp"
#include "maxent/ising_chain.hpp"
#include "model_file/json_object.hpp"

namespace nubridge::model_file {

namespace {

using maxent::Sign;

Sign sign_of(const Object& object, Sign usual) {
    if (!object.has("sign")) return usual;
    const double sign = object.number("sign");
    if (sign != 1.0 && sign != -1.0) object.fail("has the sign " + object.member("sign").dump() + "; it is 1 or -1");
    return sign > 0.0 ? Sign::plus : Sign::minus;
}

template <class Value>
Value choice(const Object& object, const std::string& key, const std::map<std::string, Value>& known, Value usual) {
    if (!object.has(key)) return usual;
    const auto found = known.find(object.text(key));
    if (found != known.end()) return found->second;
    std::string names;
    for (const auto& [name, value] : known) names += (names.empty() ? "'" : ", '") + name + "'";
    object.fail("has the " + key + " '" + object.text(key) + "'; it is one of " + names);
}

std::optional<std::size_t> count_if_given(const Object& object, const std::string& key) {
    return object.has(key) ? std::optional(object.count(key)) : std::nullopt;
}

/// Lists of names of `known`.
std::vector<std::vector<std::size_t>> groups(const Object& object, const std::string& key,
                                             const std::vector<std::string>& known, const char* what) {
    const json& given = object.member(key);
    if (!given.is_array()) object.fail("needs a list of lists of names as '" + key + "', found " + given.dump());
    std::vector<std::vector<std::size_t>> groups;
    for (const json& group : given) {
        auto& members = groups.emplace_back();
        if (!group.is_array()) object.fail("needs lists of names in '" + key + "', found " + group.dump());
        for (const json& name : group) {
            if (!name.is_string()) object.fail("needs names in '" + key + "', found " + name.dump());
            members.push_back(index_of(object, known, name.get<std::string>(), what));
        }
    }
    return groups;
}

std::vector<std::string> distinct(const Object& object, const std::string& key) {
    auto names = object.texts(key);
    const std::set<std::string> seen(names.begin(), names.end());
    if (seen.size() != names.size() || seen.contains(""))
        object.fail("has an empty name or one name twice among its " + key + "; name each once");
    return names;
}

std::shared_ptr<const maxent::Family> read_counts(const json& text, const std::string& origin) {
    const Object object(text, origin, {"kind", "sign", "species", "order", "base", "sites", "largest"});
    using maxent::Base;
    const std::map<std::string, Base> bases{
        {"counting", Base::counting}, {"poisson", Base::poisson}, {"binomial", Base::binomial}};
    return std::make_shared<maxent::Counts>(
        maxent::Counts::Definition{distinct(object, "species"), object.has("order") ? object.count("order") : 1,
                                   choice(object, "base", bases, Base::counting), sign_of(object, Sign::minus),
                                   count_if_given(object, "sites"), count_if_given(object, "largest")});
}

std::shared_ptr<const maxent::Family> read_chain(const json& text, const std::string& origin) {
    const Object object(text, origin, {"kind", "sign", "species", "boundary", "sites", "couplings"});
    using Boundary = maxent::IsingChain::Boundary;
    const std::map<std::string, Boundary> boundaries{
        {"infinite", Boundary::infinite}, {"ring", Boundary::ring}, {"open", Boundary::open}};
    maxent::IsingChain::Definition definition{distinct(object, "species"),
                                              choice(object, "boundary", boundaries, Boundary::infinite),
                                              count_if_given(object, "sites"),
                                              {},
                                              sign_of(object, Sign::plus)};
    if (object.has("couplings")) {
        definition.couplings.emplace();
        for (const auto& pair : groups(object, "couplings", definition.species, "species")) {
            if (pair.size() != 2) object.fail("couples " + std::to_string(pair.size()) + " species; a coupling has 2");
            definition.couplings->emplace_back(pair[0], pair[1]);
        }
    }
    return std::make_shared<maxent::IsingChain>(std::move(definition));
}

std::shared_ptr<const maxent::Family> read_field(const json& text, const std::string& origin) {
    const Object object(text, origin, {"kind", "sign", "units", "cliques"});
    auto units = distinct(object, "units");
    auto cliques = groups(object, "cliques", units, "unit");
    return std::make_shared<maxent::BinaryField>(std::move(units), std::move(cliques), sign_of(object, Sign::plus));
}

}  // namespace

std::shared_ptr<const maxent::Family> read_family(std::string_view text, const std::string& origin) {
    const json document = parse_json(text, origin);
    if (!document.is_object() || !document.contains("kind") || !document["kind"].is_string())
        throw ModelInvalid(origin +
                           " lacks its 'kind'; it is counts, ising_chain, binary_field, gaussian or categorical");
    const auto kind = document["kind"].get<std::string>();
    if (kind == "counts") return read_counts(document, origin);
    if (kind == "ising_chain") return read_chain(document, origin);
    if (kind == "binary_field") return read_field(document, origin);
    if (kind == "gaussian") {
        const Object object(document, origin, {"kind", "sign", "variables"});
        return std::make_shared<maxent::Gaussian>(distinct(object, "variables"), sign_of(object, Sign::minus));
    }
    if (kind == "categorical") {
        const Object object(document, origin, {"kind", "sign", "states"});
        return std::make_shared<maxent::Categorical>(distinct(object, "states"), sign_of(object, Sign::minus));
    }
    throw ModelInvalid(origin + " has the kind '" + kind +
                       "'; it is counts, ising_chain, binary_field, gaussian or categorical");
}

dynamics::ClosureOptions read_closure_options(std::string_view text, const std::string& origin,
                                              const chemistry::ReactionNetwork& network) {
    const json document = parse_json(text, origin);
    const Object object(document, origin, {"inputs", "theta", "hop_per_s", "empty", "volume_um3"});
    std::vector<std::string> species, names;
    for (const auto& one : network.definition().species) species.push_back(one.name);
    names = species;
    for (const auto& one : network.definition().parameters) names.push_back(one.name);
    dynamics::ClosureOptions options;
    for (const auto& name : object.has("inputs") ? object.texts("inputs") : std::vector<std::string>{}) {
        const std::size_t i = index_of(object, names, name, "species or parameter");
        const bool is_species = i < species.size();
        options.inputs.push_back({is_species ? chemistry::Input::Target::species : chemistry::Input::Target::parameter,
                                  is_species ? i : i - species.size()});
    }
    for (const json& one : object.has("theta") ? object.list("theta") : json::array()) {
        if (!one.is_number()) object.fail("needs numbers as 'theta', found " + one.dump());
        options.theta.push_back(one.get<double>());
    }
    if (object.has("hop_per_s")) {
        options.hop_per_s.assign(species.size(), 0.0);
        const json& hops = object.member("hop_per_s");
        if (!hops.is_object()) object.fail("needs an object as 'hop_per_s', found " + hops.dump());
        for (const auto& [name, rate] : hops.items()) {
            if (!rate.is_number()) object.fail("needs numbers in 'hop_per_s', found " + rate.dump());
            options.hop_per_s[index_of(object, species, name, "species")] = rate.get<double>();
        }
    }
    if (object.has("empty")) options.empty = index_of(object, species, object.text("empty"), "species");
    if (object.has("volume_um3")) options.volume_um3 = object.number("volume_um3");
    return options;
}

namespace {

/// A list of places among nu and inputs.
std::vector<std::size_t> places(const Object& object, const json& given, const std::string& key) {
    if (!given.is_array()) object.fail("needs lists in '" + key + "', found " + given.dump());
    std::vector<std::size_t> places;
    for (const json& one : given) {
        if (!one.is_number_unsigned()) object.fail("needs places in '" + key + "', found " + one.dump());
        places.push_back(one.get<std::size_t>());
    }
    return places;
}

}  // namespace

dynamics::GridElements read_grid(std::string_view text, const std::string& origin) {
    const json document = parse_json(text, origin);
    const Object object(document, origin, {"inputs", "spacing", "arguments"});
    std::vector<double> spacing;
    for (const json& one : object.list("spacing")) {
        if (!one.is_number()) object.fail("needs numbers as 'spacing', found " + one.dump());
        spacing.push_back(one.get<double>());
    }
    std::vector<dynamics::GridElements::Component> components;
    for (const json& arguments : object.list("arguments"))
        components.push_back({places(object, arguments, "arguments")});
    return {object.count("inputs"), std::move(components), std::move(spacing)};
}

dynamics::Polynomial read_polynomial(std::string_view text, const std::string& origin) {
    const json document = parse_json(text, origin);
    const Object object(document, origin, {"inputs", "products"});
    std::vector<std::vector<dynamics::Polynomial::Product>> products;
    for (const json& of_nu : object.list("products")) {
        products.emplace_back();
        if (!of_nu.is_array()) object.fail("needs lists in 'products', found " + of_nu.dump());
        for (const json& product : of_nu) products.back().push_back(places(object, product, "products"));
    }
    return {object.count("inputs"), std::move(products)};
}

}  // namespace nubridge::model_file
