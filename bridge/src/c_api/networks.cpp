// Reaction networks and their engines of the C interface.
#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "c_api/guarded.hpp"
#include "chemistry/engine.hpp"
#include "chemistry/net_reader.hpp"
#include "chemistry/network.hpp"

using nubridge::InvalidArgument;
using nubridge::c_api::guarded;
using nubridge::chemistry::AmountUnit;
using nubridge::chemistry::Engine;
using nubridge::chemistry::EngineOptions;
using nubridge::chemistry::ReactionNetwork;
using nubridge::chemistry::Regime;

struct nubridge_network {
    std::shared_ptr<const ReactionNetwork> network;
    mutable std::once_flag conserved_once;
    mutable std::vector<std::vector<std::int64_t>> conserved_laws;

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
                throw InvalidArgument("there is no kind " + std::to_string(kind) +
                                      " of items of a network; they are 0 to 4");
        }
    }
    void require(std::int32_t kind, std::size_t index) const {
        if (index < count(kind)) return;
        throw InvalidArgument("there is no item " + std::to_string(index) + " of kind " + std::to_string(kind) +
                              "; there are " + std::to_string(count(kind)));
    }
};

struct nubridge_simulator {
    std::shared_ptr<const ReactionNetwork> network;
    std::unique_ptr<Engine> engine;
};

namespace {

template <class Pointer>
Pointer* required(Pointer* pointer, const char* what) {
    if (pointer == nullptr) throw InvalidArgument(std::string(what) + " is null; pass a valid pointer");
    return pointer;
}

EngineOptions options_of(double volume_um3, std::uint64_t seed, std::uint64_t run, double relative, double absolute) {
    return {.volume_um3 = volume_um3,
            .seed = seed,
            .run = run,
            .relative_tolerance = relative,
            .absolute_tolerance = absolute};
}

}  // namespace

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
        *out = handle.release();
    });
}

void nubridge_network_close(nubridge_network* network) {
    delete network;
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

nubridge_status nubridge_simulator_open(const nubridge_network* network, int32_t regime, double volume_um3,
                                        uint64_t seed, uint64_t run, double relative, double absolute,
                                        nubridge_simulator** out) {
    return guarded([&] {
        required(network, "the network");
        required(out, "the place for the simulator");
        auto engine = nubridge::chemistry::make_engine(network->network, static_cast<Regime>(regime),
                                                       options_of(volume_um3, seed, run, relative, absolute));
        *out = new nubridge_simulator{network->network, std::move(engine)};
    });
}

void nubridge_simulator_close(nubridge_simulator* simulator) {
    delete simulator;
}

nubridge_status nubridge_simulator_advance(nubridge_simulator* simulator, double t_s) {
    return guarded([&] { required(simulator, "the simulator")->engine->advance(t_s); });
}

double nubridge_simulator_time(const nubridge_simulator* simulator) {
    return simulator->engine->time_s();
}
uint64_t nubridge_simulator_events(const nubridge_simulator* simulator) {
    return simulator->engine->events();
}

nubridge_status nubridge_simulator_amounts(const nubridge_simulator* simulator, double* amounts) {
    if (simulator == nullptr || amounts == nullptr) return NUBRIDGE_INVALID_ARGUMENT;
    simulator->engine->amounts({amounts, simulator->network->species_count()});
    return NUBRIDGE_OK;
}

nubridge_status nubridge_simulator_set_amount(nubridge_simulator* simulator, size_t species, double amount) {
    return guarded([&] {
        if (species >= required(simulator, "the simulator")->network->species_count()) {
            throw InvalidArgument("there is no species " + std::to_string(species) + "; there are " +
                                  std::to_string(simulator->network->species_count()));
        }
        simulator->engine->set_amount(species, amount);
    });
}

nubridge_status nubridge_simulator_set_rate(nubridge_simulator* simulator, size_t reaction, double k) {
    return guarded([&] {
        if (reaction >= required(simulator, "the simulator")->network->reaction_count()) {
            throw InvalidArgument("there is no reaction " + std::to_string(reaction) + "; there are " +
                                  std::to_string(simulator->network->reaction_count()));
        }
        simulator->engine->set_rate_constant(reaction, k);
    });
}

nubridge_status nubridge_simulator_restart(nubridge_simulator* simulator, const double* amounts, uint64_t run) {
    return guarded([&] {
        required(amounts, "the amounts");
        simulator->engine->restart({amounts, required(simulator, "the simulator")->network->species_count()}, run);
    });
}

nubridge_status nubridge_ensemble(const nubridge_network* network, int32_t regime, double volume_um3, uint64_t seed,
                                  uint64_t first_run, size_t runs, size_t threads, double relative, double absolute,
                                  const double* initial, size_t times, const double* times_s, size_t columns,
                                  const double* weights, double* out) {
    return guarded([&] {
        const std::size_t species = required(network, "the network")->network->species_count();
        required(initial, "the initial amounts");
        if (times > 0) required(times_s, "the times");
        if (runs * times * columns > 0) required(out, "the place for the result");
        if (weights == nullptr && columns != species) {
            throw InvalidArgument("there are " + std::to_string(columns) +
                                  " columns without weights; the species are " + std::to_string(species));
        }
        const std::size_t weight_count = weights == nullptr ? 0 : columns * species;
        if (weights != nullptr && columns == 0) throw InvalidArgument("nothing is to be recorded: columns is 0");
        nubridge::chemistry::run_ensemble(network->network, static_cast<Regime>(regime),
                                          options_of(volume_um3, seed, first_run, relative, absolute), runs, threads,
                                          {initial, species}, {times_s, times}, {weights, weight_count},
                                          {out, runs * times * columns});
    });
}
