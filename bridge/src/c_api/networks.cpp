// Reaction networks of the C interface.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "c_api/guarded.hpp"
#include "c_api/network_handle.hpp"
#include "chemistry/net_reader.hpp"
#include "chemistry/net_writer.hpp"
#include "chemistry/network.hpp"

using nubridge::InvalidArgument;
using nubridge::c_api::guarded;
using nubridge::c_api::required;
using nubridge::chemistry::AmountUnit;
using nubridge::chemistry::ReactionNetwork;

nubridge_status nubridge_network_read(const char* net_text, const char* origin, int32_t unit, size_t overrides,
                                      const char* const* names, const double* values, nubridge_network** out) {
    return guarded([&] {
        required(net_text, "the network's text");
        required(origin, "the origin");
        required(out, "the place for the network");
        if (unit < NUBRIDGE_UNIT_STATED || unit > NUBRIDGE_UNIT_UM) {
            throw InvalidArgument("there is no unit " + std::to_string(unit) +
                                  "; they are -1 (as stated), 0 (molecules) and 1 (uM)");
        }
        std::map<std::string, double> replaced;
        for (std::size_t i = 0; i < overrides; ++i) replaced[required(names[i], "a parameter's name")] = values[i];
        std::optional<AmountUnit> chosen;
        if (unit != NUBRIDGE_UNIT_STATED) chosen = static_cast<AmountUnit>(unit);
        auto handle = std::make_unique<nubridge_network>();
        handle->network =
            std::make_shared<const ReactionNetwork>(nubridge::chemistry::read_net(net_text, origin, replaced, chosen));
        handle->text = nubridge::chemistry::write_net(handle->network->definition());
        *out = handle.release();
    });
}

void nubridge_network_close(nubridge_network* network) {
    delete network;
}

const char* nubridge_network_text(const nubridge_network* network) {
    return network->text.c_str();
}

int32_t nubridge_network_unit(const nubridge_network* network) {
    return static_cast<int32_t>(network->network->definition().unit);
}

nubridge_status nubridge_network_count(const nubridge_network* network, int32_t kind, size_t* out) {
    return guarded([&] { *required(out, "the place for the count") = required(network, "the network")->count(kind); });
}

const char* nubridge_network_name(const nubridge_network* network, int32_t kind, size_t index) {
    const auto& definition = network->network->definition();
    switch (kind) {
        case NUBRIDGE_NETWORK_SPECIES:
            return index < definition.species.size() ? definition.species[index].name.c_str() : nullptr;
        case NUBRIDGE_NETWORK_REACTION:
            return index < definition.reactions.size() ? definition.reactions[index].name.c_str() : nullptr;
        case NUBRIDGE_NETWORK_PARAMETER:
            return index < definition.parameters.size() ? definition.parameters[index].name.c_str() : nullptr;
        case NUBRIDGE_NETWORK_OBSERVABLE:
            return index < definition.observables.size() ? definition.observables[index].name.c_str() : nullptr;
        default:
            return nullptr;
    }
}

nubridge_status nubridge_network_value(const nubridge_network* network, int32_t kind, size_t index, double* out) {
    return guarded([&] {
        required(out, "the place for the value");
        required(network, "the network")->require(kind, index);
        const auto& definition = network->network->definition();
        switch (kind) {
            case NUBRIDGE_NETWORK_SPECIES:
                *out = definition.species[index].initial;
                break;
            case NUBRIDGE_NETWORK_REACTION:
                *out = network->network->rate_constant(index);
                break;
            case NUBRIDGE_NETWORK_PARAMETER:
                *out = definition.parameters[index].value;
                break;
            default:
                throw InvalidArgument("items of kind " + std::to_string(kind) + " have weights, not a value");
        }
    });
}

nubridge_status nubridge_network_weights(const nubridge_network* network, int32_t kind, size_t index, double* weights) {
    return guarded([&] {
        required(weights, "the place for the weights");
        required(network, "the network")->require(kind, index);
        std::vector<double> found(network->network->species_count(), 0.0);
        if (kind == NUBRIDGE_NETWORK_OBSERVABLE) {
            for (const auto& [s, weight] : network->network->definition().observables[index].terms) found[s] += weight;
        } else if (kind == NUBRIDGE_NETWORK_CONSERVED) {
            const auto& law = network->conserved()[index];
            for (std::size_t s = 0; s < law.size(); ++s) found[s] = static_cast<double>(law[s]);
        } else {
            throw InvalidArgument("items of kind " + std::to_string(kind) + " have no weights");
        }
        std::copy(found.begin(), found.end(), weights);
    });
}

nubridge_status nubridge_network_reaction(const nubridge_network* network, size_t reaction, int64_t* parameter,
                                          int32_t* reactants, int32_t* products) {
    return guarded([&] {
        required(network, "the network")->require(NUBRIDGE_NETWORK_REACTION, reaction);
        const auto& one = network->network->definition().reactions[reaction];
        *required(parameter, "the place for the parameter") = one.parameter ? static_cast<int64_t>(*one.parameter) : -1;
        std::fill_n(required(reactants, "the place for the reactants"), network->network->species_count(), 0);
        std::fill_n(required(products, "the place for the products"), network->network->species_count(), 0);
        for (const std::size_t s : one.reactants) ++reactants[s];
        for (const std::size_t s : one.products) ++products[s];
    });
}
