// Families and closures of the C interface.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "c_api/family_handle.hpp"
#include "c_api/guarded.hpp"
#include "c_api/network_handle.hpp"
#include "chemistry/refuse.hpp"
#include "dynamics/network_closure.hpp"
#include "maxent/binary_field.hpp"
#include "maxent/family.hpp"
#include "maxent/gibbs.hpp"
#include "model_file/family_file.hpp"

using nubridge::c_api::guarded;
using nubridge::c_api::required;
using nubridge::chemistry::refuse;
using nubridge::dynamics::NetworkClosure;
using nubridge::maxent::BinaryField;
using nubridge::maxent::Family;
using nubridge::maxent::GibbsSampler;
using nubridge::maxent::WeightedStates;

using nubridge::c_api::each_row;
using nubridge::c_api::inputs_of;

namespace {

const Family& opened(const nubridge_family* family) {
    return *required(family, "the family")->family;
}

GibbsSampler sampler_of(const nubridge_family* family) {
    const auto* field = dynamic_cast<const BinaryField*>(&opened(family));
    if (field == nullptr)
        refuse<nubridge::InvalidArgument>("Markov chains are those of a binary field; sample other families exactly");
    return GibbsSampler(*field);
}

}  // namespace

nubridge_status nubridge_family_open(const char* json, nubridge_family** out) {
    return guarded([&] {
        required(out, "the place for the family");
        *out = new nubridge_family(
            nubridge::model_file::read_family(required(json, "the description"), "the description of the family"));
    });
}

void nubridge_family_close(nubridge_family* family) {
    delete family;
}

size_t nubridge_family_count(const nubridge_family* family, int32_t kind) {
    switch (kind) {
        case NUBRIDGE_FAMILY_NU:
            return family->family->nu_count();
        case NUBRIDGE_FAMILY_MOMENT:
            return family->family->moment_count();
        case NUBRIDGE_FAMILY_STATE:
            return family->family->state_size();
        default:
            return 0;
    }
}

const char* nubridge_family_name(const nubridge_family* family, int32_t kind, size_t index) {
    if (kind != NUBRIDGE_FAMILY_NU && kind != NUBRIDGE_FAMILY_MOMENT) return nullptr;
    const auto& names = kind == NUBRIDGE_FAMILY_NU ? family->nu_names : family->moment_names;
    return index < names.size() ? names[index].c_str() : nullptr;
}

nubridge_status nubridge_family_log_partition(const nubridge_family* family, size_t rows, const double* nu,
                                              double* log_z) {
    return guarded([&] {
        const Family& f = opened(family);
        each_row(rows, nu, f.nu_count(), log_z, 1, [&](auto in, auto out) { out[0] = f.log_partition(in); });
    });
}

nubridge_status nubridge_family_moments(const nubridge_family* family, size_t rows, const double* nu, double* moments) {
    return guarded([&] {
        const Family& f = opened(family);
        each_row(rows, nu, f.nu_count(), moments, f.moment_count(), [&](auto in, auto out) { f.moments(in, out); });
    });
}

nubridge_status nubridge_family_from_moments(const nubridge_family* family, size_t rows, const double* moments,
                                             double* nu) {
    return guarded([&] {
        const Family& f = opened(family);
        each_row(rows, moments, f.moment_count(), nu, f.nu_count(),
                 [&](auto in, auto out) { f.from_moments(in, out); });
    });
}

nubridge_status nubridge_family_fisher(const nubridge_family* family, size_t rows, const double* nu, double* fisher) {
    return guarded([&] {
        const Family& f = opened(family);
        each_row(rows, nu, f.nu_count(), fisher, f.nu_count() * f.nu_count(),
                 [&](auto in, auto out) { f.fisher(in, out); });
    });
}

nubridge_status nubridge_family_sample(const nubridge_family* family, size_t rows, const double* nu, size_t count,
                                       uint64_t seed, double* samples) {
    return guarded([&] {
        const Family& f = opened(family);
        each_row(rows, nu, f.nu_count(), samples, count * f.state_size(),
                 [&](auto in, auto out) { f.sample(in, seed++, out); });
    });
}

nubridge_status nubridge_family_sample_chains(const nubridge_family* family, size_t rows, const double* nu,
                                              size_t count, size_t sweeps, size_t rungs, uint64_t seed,
                                              double* samples) {
    return guarded([&] {
        const GibbsSampler sampler = sampler_of(family);
        const Family& f = opened(family);
        each_row(rows, nu, f.nu_count(), samples, count * f.state_size(), [&](auto in, auto out) {
            sampler.sample(in, {sweeps, rungs}, seed++, out);
        });
    });
}

nubridge_status nubridge_family_move_chains(const nubridge_family* family, const double* nu, size_t count,
                                            size_t sweeps, const uint8_t* held, uint64_t seed, uint64_t step,
                                            double* states) {
    return guarded([&] {
        const GibbsSampler sampler = sampler_of(family);
        const Family& f = opened(family);
        const std::span<const uint8_t> stay(held, held == nullptr ? 0 : f.state_size());
        sampler.move({required(nu, "nu"), f.nu_count()}, sweeps, stay, seed, step,
                     {required(states, "the states"), count * f.state_size()});
    });
}

nubridge_status nubridge_family_states(const nubridge_family* family, const double* nu, size_t capacity, size_t* found,
                                       double* states, double* probabilities) {
    return guarded([&] {
        const Family& f = opened(family);
        required(found, "the place for the number of states");
        const WeightedStates law = f.states({required(nu, "nu"), f.nu_count()});
        *found = law.size();
        const std::size_t fits = std::min(capacity, law.size());
        if (fits == 0) return;
        std::copy_n(law.states.begin(), fits * f.state_size(), required(states, "the place for the states"));
        std::copy_n(law.probabilities.begin(), fits, required(probabilities, "the place for the probabilities"));
    });
}

nubridge_status nubridge_closure_open(const nubridge_network* network, const nubridge_family* family, const char* json,
                                      nubridge_closure** out) {
    return guarded([&] {
        required(out, "the place for the closure");
        const auto& reactions = required(network, "the network")->network;
        auto options = nubridge::model_file::read_closure_options(required(json, "the options"),
                                                                  "the options of the closure", *reactions);
        *out = new nubridge_closure{std::make_shared<const NetworkClosure>(
            reactions, required(family, "the family")->family, std::move(options))};
    });
}

void nubridge_closure_close(nubridge_closure* closure) {
    delete closure;
}

size_t nubridge_closure_count(const nubridge_closure* closure, int32_t kind) {
    switch (kind) {
        case NUBRIDGE_FAMILY_NU:
            return closure->closure->nu_count();
        case NUBRIDGE_CLOSURE_INPUT:
            return closure->closure->input_count();
        case NUBRIDGE_CLOSURE_TERM:
            return closure->closure->term_count();
        default:
            return 0;
    }
}

const char* nubridge_closure_term(const nubridge_closure* closure, size_t index) {
    const auto& names = closure->closure->term_names();
    return index < names.size() ? names[index].c_str() : nullptr;
}

nubridge_status nubridge_closure_rhs(const nubridge_closure* closure, size_t rows, const double* nu,
                                     const double* inputs, double* f) {
    return guarded([&] {
        const NetworkClosure& c = *required(closure, "the closure")->closure;
        std::size_t row = 0;
        each_row(rows, nu, c.nu_count(), f, c.nu_count(),
                 [&](auto in, auto out) { c.rhs(in, inputs_of(c.input_count(), inputs, row++), out); });
    });
}

nubridge_status nubridge_closure_terms(const nubridge_closure* closure, size_t rows, const double* nu,
                                       const double* inputs, double* terms) {
    return guarded([&] {
        const NetworkClosure& c = *required(closure, "the closure")->closure;
        std::size_t row = 0;
        each_row(rows, nu, c.nu_count(), terms, c.term_count() * c.nu_count(),
                 [&](auto in, auto out) { c.terms(in, inputs_of(c.input_count(), inputs, row++), out); });
    });
}

nubridge_status nubridge_closure_jacobian(const nubridge_closure* closure, size_t rows, const double* nu,
                                          const double* inputs, double* d_nu, double* d_input) {
    return guarded([&] {
        const NetworkClosure& c = *required(closure, "the closure")->closure;
        const std::size_t width = c.nu_count() * c.input_count();
        if (rows > 0 && width > 0) required(d_input, "the place for the slopes by inputs");
        std::size_t row = 0;
        each_row(rows, nu, c.nu_count(), d_nu, c.nu_count() * c.nu_count(), [&](auto in, auto out) {
            c.jacobian(in, inputs_of(c.input_count(), inputs, row), out, {d_input + row * width, width});
            ++row;
        });
    });
}
