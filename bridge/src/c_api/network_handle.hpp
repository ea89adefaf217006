#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "chemistry/network.hpp"
#include "nubridge/nubridge.h"
#include "units/error.hpp"

/// What a nubridge_network points to.
struct nubridge_network {
    std::shared_ptr<const nubridge::chemistry::ReactionNetwork> network;
    mutable std::once_flag conserved_once;
    mutable std::vector<std::vector<std::int64_t>> conserved_laws;
    /// write_net of it.
    std::string text;

    const std::vector<std::vector<std::int64_t>>& conserved() const {
        std::call_once(conserved_once, [this] { conserved_laws = network->conservation_laws(); });
        return conserved_laws;
    }
    std::size_t count(std::int32_t kind) const {
        const auto& definition = network->definition();
        switch (kind) {
            case NUBRIDGE_NETWORK_SPECIES:
                return definition.species.size();
            case NUBRIDGE_NETWORK_REACTION:
                return definition.reactions.size();
            case NUBRIDGE_NETWORK_PARAMETER:
                return definition.parameters.size();
            case NUBRIDGE_NETWORK_OBSERVABLE:
                return definition.observables.size();
            case NUBRIDGE_NETWORK_CONSERVED:
                return conserved().size();
            default:
                throw nubridge::InvalidArgument("there is no kind " + std::to_string(kind) +
                                                " of items of a network; they are 0 to 4");
        }
    }
    void require(std::int32_t kind, std::size_t index) const {
        if (index < count(kind)) return;
        throw nubridge::InvalidArgument("there is no item " + std::to_string(index) + " of kind " +
                                        std::to_string(kind) + "; there are " + std::to_string(count(kind)));
    }
};
