// Networks on their way through time, of the C interface.
#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "c_api/guarded.hpp"
#include "c_api/network_handle.hpp"
#include "c_api/progress_handle.hpp"
#include "chemistry/cme.hpp"
#include "chemistry/engine.hpp"
#include "chemistry/lattice.hpp"

using nubridge::InvalidArgument;
using nubridge::c_api::guarded;
using nubridge::c_api::required;
using nubridge::chemistry::CmeEngine;
using nubridge::chemistry::Engine;
using nubridge::chemistry::EngineOptions;
using nubridge::chemistry::Input;
using nubridge::chemistry::LatticeEngine;
using nubridge::chemistry::ReactionNetwork;
using nubridge::chemistry::Regime;
using nubridge::chemistry::Space;
using nubridge::chemistry::Waveform;

struct nubridge_simulator {
    std::shared_ptr<const ReactionNetwork> network;
    std::unique_ptr<Engine> engine;

    void require_species(std::size_t species) const {
        if (species < network->species_count()) return;
        throw InvalidArgument("there is no species " + std::to_string(species) + "; there are " +
                              std::to_string(network->species_count()));
    }
};

namespace {

Input input_of(const nubridge_input& given) {
    if (given.target != NUBRIDGE_NETWORK_SPECIES && given.target != NUBRIDGE_NETWORK_PARAMETER) {
        throw InvalidArgument("an input drives items of kind " + std::to_string(given.target) +
                              "; it drives species (0) or parameters (2)");
    }
    const double* knots = required(given.knots_s, "the knots of an input");
    const double* powers = required(given.pieces, "the pieces of an input");
    std::vector<Waveform::Piece> pieces;
    for (std::size_t i = 0; i < given.knots; ++i, powers += 4)
        pieces.push_back({powers[0], powers[1], powers[2], powers[3]});
    return {static_cast<Input::Target>(given.target), given.item,
            Waveform({knots, knots + given.knots}, std::move(pieces))};
}

Space space_of(const nubridge_space& given, std::size_t species) {
    Space space;
    space.shape = {given.shape[0], given.shape[1], given.shape[2]};
    space.spacing_um = given.spacing_um;
    space.periodic = given.periodic != 0;
    space.rule = static_cast<Space::Rule>(given.rule);
    const double* diffusion = required(given.diffusion_um2_s, "the diffusion constants");
    space.diffusion_um2_s.assign(diffusion, diffusion + species);
    if (given.face != nullptr) space.face.assign(given.face, given.face + species);
    return space;
}

EngineOptions options_of(const nubridge_simulation& given, std::size_t species) {
    EngineOptions options;
    options.volume_um3 = given.volume_um3;
    options.seed = given.random_seed;
    options.run = given.run_number;
    options.relative_tolerance = given.relative_tolerance;
    options.absolute_tolerance = given.absolute_tolerance;
    options.step_s = given.step_s;
    options.epsilon = given.epsilon;
    options.max_states = given.max_states;
    for (std::size_t i = 0; i < given.input_count; ++i)
        options.inputs.push_back(input_of(required(given.input_list, "the inputs")[i]));
    for (std::size_t i = 0; i < given.pair_count; ++i) {
        const std::int32_t* pair = required(given.pair_list, "the pairs") + 2 * i;
        options.recorded_pairs.push_back({pair[0], pair[1]});
    }
    if (given.space != nullptr) options.space = space_of(*given.space, species);
    return options;
}

CmeEngine& distribution_of(const nubridge_simulator* simulator) {
    auto* engine = dynamic_cast<CmeEngine*>(required(simulator, "the simulator")->engine.get());
    if (engine == nullptr) throw InvalidArgument("this regime carries one state, not a distribution; use cme");
    return *engine;
}

LatticeEngine& lattice_of(const nubridge_simulator* simulator) {
    auto* const lattice = dynamic_cast<LatticeEngine*>(required(simulator, "the simulator")->engine.get());
    if (lattice == nullptr) throw InvalidArgument("the simulator has no sites; open it with the regime lattice");
    return *lattice;
}

}  // namespace

void nubridge_simulation_defaults(nubridge_simulation* simulation) {
    if (simulation == nullptr) return;
    const EngineOptions usual;
    *simulation = {};
    simulation->relative_tolerance = usual.relative_tolerance;
    simulation->absolute_tolerance = usual.absolute_tolerance;
    simulation->epsilon = usual.epsilon;
    simulation->max_states = usual.max_states;
}

nubridge_status nubridge_simulator_open(const nubridge_network* network, const nubridge_simulation* simulation,
                                        nubridge_simulator** out) {
    return guarded([&] {
        required(network, "the network");
        required(out, "the place for the simulator");
        const auto options = options_of(*required(simulation, "the simulation"), network->network->species_count());
        auto engine =
            nubridge::chemistry::make_engine(network->network, static_cast<Regime>(simulation->regime), options);
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
        required(simulator, "the simulator")->require_species(species);
        simulator->engine->set_amount(species, amount);
    });
}

nubridge_status nubridge_simulator_add(nubridge_simulator* simulator, size_t species, double amount) {
    return guarded([&] {
        required(simulator, "the simulator")->require_species(species);
        if (auto* cme = dynamic_cast<CmeEngine*>(simulator->engine.get())) return cme->add_amount(species, amount);
        std::vector<double> amounts(simulator->network->species_count());
        simulator->engine->amounts(amounts);
        simulator->engine->set_amount(species, amounts[species] + amount);
    });
}

nubridge_status nubridge_simulator_distribution(const nubridge_simulator* simulator, const double* weights, size_t room,
                                                size_t* found, double* values, double* probabilities) {
    return guarded([&] {
        const CmeEngine& engine = distribution_of(simulator);
        required(weights, "the weights");
        const auto all = engine.distribution({weights, simulator->network->species_count()});
        *required(found, "the place for the number of values") = all.size();
        if (room == 0) return;
        required(values, "the place for the values");
        required(probabilities, "the place for the probabilities");
        for (std::size_t i = 0; i < std::min(room, all.size()); ++i) {
            values[i] = all[i].first;
            probabilities[i] = all[i].second;
        }
    });
}

nubridge_status nubridge_simulator_set_distribution(nubridge_simulator* simulator, size_t states, const double* amounts,
                                                    const double* probabilities) {
    return guarded([&] {
        CmeEngine& engine = distribution_of(simulator);
        required(amounts, "the amounts");
        required(probabilities, "the probabilities");
        engine.set_distribution({amounts, states * simulator->network->species_count()}, {probabilities, states});
    });
}

nubridge_status nubridge_simulator_error_bound(const nubridge_simulator* simulator, double* out) {
    return guarded([&] { *required(out, "the place for the bound") = distribution_of(simulator).error_bound(); });
}

nubridge_status nubridge_simulator_cubes(const nubridge_simulator* simulator, size_t* out) {
    return guarded(
        [&] { *required(out, "the place for the number") = required(simulator, "the simulator")->engine->cubes(); });
}

nubridge_status nubridge_simulator_field(const nubridge_simulator* simulator, size_t species, double* amounts) {
    return guarded([&] {
        required(simulator, "the simulator")->require_species(species);
        simulator->engine->field(species, {required(amounts, "the place for the field"), simulator->engine->cubes()});
    });
}

nubridge_status nubridge_simulator_set_field(nubridge_simulator* simulator, size_t species, const double* amounts) {
    return guarded([&] {
        required(simulator, "the simulator")->require_species(species);
        simulator->engine->set_field(species, {required(amounts, "the field"), simulator->engine->cubes()});
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

nubridge_status nubridge_progress_open(nubridge_progress** out) {
    return guarded([&] { *required(out, "the place for the progress") = new nubridge_progress; });
}

void nubridge_progress_close(nubridge_progress* progress) {
    delete progress;
}
void nubridge_progress_stop(nubridge_progress* progress) {
    progress->of.stop = true;
}
uint64_t nubridge_progress_points(const nubridge_progress* progress) {
    return progress->of.points;
}
void nubridge_progress_whole(const nubridge_progress* progress, uint64_t* runs, uint64_t* events) {
    const auto whole = progress->of.whole();
    *runs = whole.runs;
    *events = whole.events;
}

nubridge_status nubridge_simulator_sites(const nubridge_simulator* simulator, size_t sites, int32_t* contents) {
    return guarded([&] {
        const LatticeEngine& lattice = lattice_of(simulator);
        if (sites != lattice.site_count()) {
            throw InvalidArgument("there is room for " + std::to_string(sites) + " sites; the lattice has " +
                                  std::to_string(lattice.site_count()));
        }
        lattice.sites({required(contents, "the place for the sites"), sites});
    });
}

nubridge_status nubridge_simulator_set_sites(nubridge_simulator* simulator, size_t sites, const int32_t* contents) {
    return guarded([&] { lattice_of(simulator).set_sites({required(contents, "the sites"), sites}); });
}

nubridge_status nubridge_simulator_pairs(const nubridge_simulator* simulator, int32_t a, int32_t b, uint64_t* out) {
    return guarded(
        [&] { *required(out, "the place for the pairs") = required(simulator, "the simulator")->engine->pairs(a, b); });
}

nubridge_status nubridge_ensemble(const nubridge_network* network, const nubridge_simulation* simulation, size_t runs,
                                  size_t threads, const double* initial, size_t times, const double* times_s,
                                  size_t columns, const double* weights, double* out, double* variances,
                                  nubridge_progress* progress) {
    return guarded([&] {
        const std::size_t species = required(network, "the network")->network->species_count();
        required(simulation, "the simulation");
        required(initial, "the initial amounts");
        if (times > 0) required(times_s, "the times");
        if (runs * times * columns > 0) required(out, "the place for the result");
        const std::size_t pairs = simulation->pair_count, sums = columns - std::min(pairs, columns);
        if (pairs > columns || (weights == nullptr && sums != species)) {
            throw InvalidArgument("there are " + std::to_string(columns) +
                                  " columns without weights; the species are " + std::to_string(species) +
                                  " and the pairs " + std::to_string(pairs));
        }
        const std::size_t weight_count = weights == nullptr ? 0 : sums * species;
        if (weights != nullptr && columns == 0) throw InvalidArgument("nothing is to be recorded: columns is 0");
        nubridge::chemistry::run_ensemble(
            network->network, static_cast<Regime>(simulation->regime), options_of(*simulation, species), runs, threads,
            {initial, species}, {times_s, times}, {weights, weight_count}, {out, runs * times * columns},
            {variances, variances == nullptr ? 0 : runs * times * columns}, nubridge::c_api::watched(progress));
    });
}
