// Mass-action networks as explicit kernels of the C interface.
#include <cmath>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "c_api/culprit.hpp"
#include "c_api/fault_slot.hpp"
#include "c_api/guarded.hpp"
#include "dynamics/mass_action.hpp"
#include "model_file/mass_action_file.hpp"
#include "model_file/model_file.hpp"

using nubridge::InvalidArgument;
using nubridge::c_api::guarded;
using nubridge::c_api::last_error;
using nubridge::dynamics::MassAction;
using nubridge::dynamics::Outcome;
using nubridge::dynamics::Policy;

/// The kernel behind the opaque C type: immutable but for the first fault of its worker threads.
struct nubridge_kernel {
    explicit nubridge_kernel(nubridge::model_file::MassActionFile read)
        : file(std::move(read)), network(file.definition) {}

    nubridge::model_file::MassActionFile file;
    MassAction network;
    mutable nubridge::c_api::FaultSlot fault;
};

namespace {

template <class Pointer>
void require(const Pointer* pointer, const char* what) {
    if (pointer == nullptr) throw InvalidArgument(std::string(what) + " is null; pass a valid pointer");
}

std::unique_ptr<nubridge_kernel> open_kernel(const char* name_or_path) {
    require(name_or_path, "the kernel's name");
    using nubridge::model_file::find;
    return std::make_unique<nubridge_kernel>(nubridge::model_file::read_mass_action(find(name_or_path)));
}

nubridge_status status_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::ok:
            return NUBRIDGE_OK;
        case Outcome::outside:
            return NUBRIDGE_OUTSIDE;
        case Outcome::invalid_input:
            return NUBRIDGE_INVALID_INPUT;
        case Outcome::invalid_state:
            return NUBRIDGE_INVALID_STATE;
        case Outcome::outside_refused:
            return NUBRIDGE_OUTSIDE_REFUSED;
        case Outcome::not_converged:
            return NUBRIDGE_NOT_CONVERGED;
    }
    return NUBRIDGE_INTERNAL;
}

/// Calls `one(network, policy)` where the arguments keep the contract.
template <class One>
nubridge_status checked(const nubridge_kernel* kernel, std::int32_t policy, const void* out, One&& one) {
    if (kernel == nullptr || out == nullptr || policy < NUBRIDGE_POLICY_MODEL || policy > NUBRIDGE_POLICY_ERROR)
        return NUBRIDGE_INVALID_ARGUMENT;
    const MassAction& network = kernel->network;
    const Policy chosen = policy == NUBRIDGE_POLICY_MODEL ? network.definition().policy : static_cast<Policy>(policy);
    return status_of(one(network, chosen));
}

std::string explanation(const nubridge_kernel* kernel, nubridge_status status, std::int32_t policy,
                        const double* inputs) {
    if (kernel == nullptr)
        return "no kernel is loaded: initialise with finitialize() first, and check that the model file is found";
    const auto& definition = kernel->network.definition();
    const std::string prefix = "nubridge model '" + definition.name + "': ";
    if (policy == NUBRIDGE_POLICY_MODEL) policy = static_cast<std::int32_t>(definition.policy);
    const bool outside = status == NUBRIDGE_OUTSIDE || status == NUBRIDGE_OUTSIDE_REFUSED;
    if (inputs != nullptr && (outside || status == NUBRIDGE_INVALID_INPUT)) {
        return prefix + nubridge::c_api::culprit(definition.inputs, status, inputs) +
               (outside ? nubridge::c_api::remedy(policy) : "");
    }
    if (status == NUBRIDGE_INVALID_STATE)
        return prefix + "the state is not finite; look for NaN in what was written to it, or initialise again";
    return prefix + nubridge_status_text(status);
}

}  // namespace

nubridge_status nubridge_kernel_open(const char* name_or_path, nubridge_kernel** out) {
    return guarded([&] {
        require(out, "the place for the kernel");
        *out = open_kernel(name_or_path).release();
    });
}

nubridge_status nubridge_kernel_open_once(const char* name_or_path, nubridge_kernel** slot) {
    return guarded([&] {
        require(slot, "the slot for the kernel");
        static std::mutex opening;
        const std::lock_guard<std::mutex> lock(opening);
        if (*slot == nullptr) *slot = open_kernel(name_or_path).release();
    });
}

void nubridge_kernel_close(nubridge_kernel* kernel) {
    delete kernel;
}

nubridge_status nubridge_kernel_seal(const char* json, const char* path) {
    return guarded([&] {
        require(json, "the kernel's text");
        require(path, "the path");
        nubridge::model_file::write(nubridge::model_file::seal_mass_action(json, path), path);
    });
}

const char* nubridge_kernel_json(const nubridge_kernel* kernel) {
    return kernel->file.text.c_str();
}
const char* nubridge_kernel_path(const nubridge_kernel* kernel) {
    return kernel->file.path.c_str();
}

size_t nubridge_kernel_count(const nubridge_kernel* kernel, int32_t kind) {
    if (kernel == nullptr) return 0;
    if (kind == NUBRIDGE_ITEM_STATE) return kernel->network.state_count();
    if (kind == NUBRIDGE_ITEM_INPUT) return kernel->network.input_count();
    return kind == NUBRIDGE_ITEM_OBSERVABLE ? kernel->network.observable_count() : 0;
}

const char* nubridge_kernel_name(const nubridge_kernel* kernel, int32_t kind, size_t index) {
    if (index >= nubridge_kernel_count(kernel, kind)) return nullptr;
    const auto& definition = kernel->network.definition();
    if (kind == NUBRIDGE_ITEM_STATE) return definition.states[index].c_str();
    return kind == NUBRIDGE_ITEM_INPUT ? definition.inputs[index].name.c_str()
                                       : definition.observables[index].name.c_str();
}

nubridge_status nubridge_kernel_initial(const nubridge_kernel* kernel, int32_t policy, const double* inputs,
                                        double* amounts) {
    return checked(kernel, policy, amounts,
                   [&](const MassAction& network, Policy chosen) { return network.initial(chosen, inputs, amounts); });
}

nubridge_status nubridge_kernel_rhs(const nubridge_kernel* kernel, int32_t policy, const double* amounts,
                                    const double* inputs, double* rates) {
    return checked(kernel, policy, rates, [&](const MassAction& network, Policy chosen) {
        return network.rhs(chosen, amounts, inputs, rates);
    });
}

nubridge_status nubridge_kernel_step(const nubridge_kernel* kernel, int32_t policy, const double* inputs, double dt_ms,
                                     double* amounts) {
    if (!(dt_ms >= 0.0) || !std::isfinite(dt_ms)) return NUBRIDGE_INVALID_ARGUMENT;
    return checked(kernel, policy, amounts, [&](const MassAction& network, Policy chosen) {
        return network.step(chosen, inputs, dt_ms, amounts);
    });
}

nubridge_status nubridge_kernel_newton(const nubridge_kernel* kernel, int32_t policy, const double* amounts,
                                       const double* inputs, double gamma_ms, double* vector) {
    return checked(kernel, policy, vector, [&](const MassAction& network, Policy chosen) {
        return network.newton(chosen, amounts, inputs, gamma_ms, vector);
    });
}

nubridge_status nubridge_kernel_observe(const nubridge_kernel* kernel, const double* amounts, double* observables) {
    return checked(kernel, NUBRIDGE_POLICY_MODEL, observables, [&](const MassAction& network, Policy) {
        network.observe(amounts, observables);
        return Outcome::ok;
    });
}

const char* nubridge_kernel_explain(const nubridge_kernel* kernel, nubridge_status status, int32_t policy,
                                    const double* inputs) {
    guarded([&] { last_error() = explanation(kernel, status, policy, inputs); });
    return nubridge_last_error();
}

void nubridge_kernel_fault_post(const nubridge_kernel* kernel, nubridge_status status, int32_t policy,
                                const double* inputs) {
    if (kernel == nullptr || status == NUBRIDGE_OK) return;
    kernel->fault.post(status, policy, inputs, kernel->network.input_count());
}

nubridge_status nubridge_kernel_fault_take(const nubridge_kernel* kernel) {
    if (kernel == nullptr) return NUBRIDGE_OK;
    return kernel->fault.take([&](nubridge_status status, std::int32_t policy, const double* inputs) {
        nubridge_kernel_explain(kernel, status, policy, inputs);
    });
}

int32_t nubridge_kernel_first_outside(const nubridge_kernel* kernel) {
    return kernel != nullptr && kernel->fault.is_first_outside() ? 1 : 0;
}
