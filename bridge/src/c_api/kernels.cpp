// Models of any kind in their own state, for the C interface.
#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "c_api/culprit.hpp"
#include "c_api/fault_slot.hpp"
#include "c_api/guarded.hpp"
#include "chemistry/random_stream.hpp"
#include "dynamics/stepper.hpp"
#include "model_file/mass_action_file.hpp"
#include "model_file/model_file.hpp"
#include "model_file/stepper_file.hpp"

using nubridge::c_api::guarded;
using nubridge::c_api::last_error;
using nubridge::c_api::required;
using nubridge::c_api::status_of;
using nubridge::dynamics::Policy;
using nubridge::dynamics::Stepper;

/// The last steady state, for the next instance with the same inputs: thousands of segments start alike.
class Resting {
public:
    template <class Find>
    nubridge_status get(Policy policy, const double* inputs, std::size_t input_count, double* state,
                        std::size_t state_count, const Find& find) {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (found_ && policy_ == policy && std::equal(inputs_.begin(), inputs_.end(), inputs)) {
            std::copy(state_.begin(), state_.end(), state);
            return status_;
        }
        const nubridge_status status = find();
        if (status < 0) return status;
        found_ = true;
        policy_ = policy;
        status_ = status;
        inputs_.assign(inputs, inputs + input_count);
        state_.assign(state, state + state_count);
        return status;
    }

private:
    std::mutex mutex_;
    bool found_ = false;
    Policy policy_ = Policy::clamp;
    nubridge_status status_ = NUBRIDGE_OK;
    std::vector<double> inputs_, state_;
};

/// The model behind the opaque C type: immutable but for the last steady state and the first fault of its threads.
struct nubridge_kernel {
    explicit nubridge_kernel(nubridge::model_file::StepperFile read)
        : stepper(std::move(read.stepper)), text(std::move(read.text)), path(read.path.string()) {}

    std::unique_ptr<const Stepper> stepper;
    std::string text;
    std::string path;
    mutable Resting resting;
    mutable nubridge::c_api::FaultSlot fault;
};

namespace {

std::unique_ptr<nubridge_kernel> open_kernel(const char* name_or_path) {
    using nubridge::model_file::find;
    return std::make_unique<nubridge_kernel>(
        nubridge::model_file::read_stepper(find(required(name_or_path, "the kernel's name"))));
}

bool valid_call(const nubridge_kernel* kernel, std::int32_t policy) {
    return kernel != nullptr && policy >= NUBRIDGE_POLICY_MODEL && policy <= NUBRIDGE_POLICY_ERROR;
}

/// Leaps that a stream of random numbers has room for: 2^40, years of steps.
constexpr unsigned leap_bits = 40;

bool in_molecules(const nubridge_kernel* kernel, double volume_um3) {
    return kernel != nullptr && kernel->stepper->network() != nullptr && volume_um3 > 0.0 && std::isfinite(volume_um3);
}

Policy policy_of(const nubridge_kernel* kernel, std::int32_t policy) {
    return policy == NUBRIDGE_POLICY_MODEL ? kernel->stepper->description().policy : static_cast<Policy>(policy);
}

std::string explanation(const nubridge_kernel* kernel, nubridge_status status, std::int32_t policy,
                        const double* inputs) {
    if (kernel == nullptr)
        return "no kernel is loaded: initialise with finitialize() first, and check that the model file is found";
    const auto& definition = kernel->stepper->description();
    const std::string prefix = "nubridge model '" + definition.name + "': ";
    if (policy == NUBRIDGE_POLICY_MODEL) policy = static_cast<std::int32_t>(definition.policy);
    const bool outside = status == NUBRIDGE_OUTSIDE || status == NUBRIDGE_OUTSIDE_REFUSED;
    if (inputs != nullptr && (outside || status == NUBRIDGE_INVALID_INPUT)) {
        return prefix +
               nubridge::c_api::culprit(definition.inputs, status, inputs,
                                        "nu has left the domain in which the model was learned") +
               (outside ? nubridge::c_api::remedy(policy) : "");
    }
    if (status == NUBRIDGE_INVALID_STATE)
        return prefix + "the state is not finite; look for NaN in what was written to it, or initialise again";
    return prefix + nubridge_status_text(status);
}

}  // namespace

nubridge_status nubridge_kernel_open(const char* name_or_path, nubridge_kernel** out) {
    return guarded([&] { *required(out, "the place for the kernel") = open_kernel(name_or_path).release(); });
}

nubridge_status nubridge_kernel_open_once(const char* name_or_path, nubridge_kernel** slot) {
    return guarded([&] {
        required(slot, "the slot for the kernel");
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
        const std::string to = required(path, "the path");
        nubridge::model_file::write(nubridge::model_file::seal_mass_action(required(json, "the kernel's text"), to),
                                    to);
    });
}

const char* nubridge_kernel_json(const nubridge_kernel* kernel) {
    return kernel->text.c_str();
}
const char* nubridge_kernel_path(const nubridge_kernel* kernel) {
    return kernel->path.c_str();
}

size_t nubridge_kernel_count(const nubridge_kernel* kernel, int32_t kind) {
    if (kernel == nullptr) return 0;
    const auto& description = kernel->stepper->description();
    if (kind == NUBRIDGE_ITEM_STATE) return description.states.size();
    if (kind == NUBRIDGE_ITEM_INPUT) return description.inputs.size();
    return kind == NUBRIDGE_ITEM_OBSERVABLE ? description.observables.size() : 0;
}

const char* nubridge_kernel_name(const nubridge_kernel* kernel, int32_t kind, size_t index) {
    if (index >= nubridge_kernel_count(kernel, kind)) return nullptr;
    const auto& description = kernel->stepper->description();
    if (kind == NUBRIDGE_ITEM_INPUT) return description.inputs[index].name.c_str();
    return (kind == NUBRIDGE_ITEM_STATE ? description.states : description.observables)[index].c_str();
}

nubridge_status nubridge_kernel_initial(const nubridge_kernel* kernel, int32_t policy, const double* inputs,
                                        double* state) {
    if (!valid_call(kernel, policy) || state == nullptr) return NUBRIDGE_INVALID_ARGUMENT;
    const auto& known = kernel->stepper->description();
    const Policy chosen = policy_of(kernel, policy);
    nubridge_status status = NUBRIDGE_OK;
    const nubridge_status kept = guarded([&] {
        status = kernel->resting.get(chosen, inputs, known.inputs.size(), state, known.states.size(),
                                     [&] { return status_of(kernel->stepper->initial(chosen, inputs, state)); });
    });
    return kept == NUBRIDGE_OK ? status : kept;
}

nubridge_status nubridge_kernel_rhs(const nubridge_kernel* kernel, int32_t policy, const double* state,
                                    const double* inputs, double* rates) {
    if (!valid_call(kernel, policy) || state == nullptr || rates == nullptr) return NUBRIDGE_INVALID_ARGUMENT;
    return status_of(kernel->stepper->rhs(policy_of(kernel, policy), state, inputs, rates));
}

nubridge_status nubridge_kernel_step(const nubridge_kernel* kernel, int32_t policy, const double* inputs, double dt_ms,
                                     double* state) {
    if (!valid_call(kernel, policy) || state == nullptr || !(dt_ms >= 0.0) || !std::isfinite(dt_ms))
        return NUBRIDGE_INVALID_ARGUMENT;
    return status_of(kernel->stepper->step(policy_of(kernel, policy), inputs, dt_ms, state));
}

nubridge_status nubridge_kernel_round(const nubridge_kernel* kernel, double volume_um3, uint64_t seed, uint64_t stream,
                                      double* state) {
    if (!in_molecules(kernel, volume_um3) || state == nullptr) return NUBRIDGE_INVALID_ARGUMENT;
    nubridge::chemistry::RandomStream random(seed, stream << leap_bits);
    kernel->stepper->network()->round(volume_um3, random, state);
    return NUBRIDGE_OK;
}

nubridge_status nubridge_kernel_leap(const nubridge_kernel* kernel, int32_t policy, const double* inputs, double dt_ms,
                                     double volume_um3, uint64_t seed, uint64_t stream, uint64_t leap, double* state) {
    if (!valid_call(kernel, policy) || !in_molecules(kernel, volume_um3) || state == nullptr || !(dt_ms >= 0.0))
        return NUBRIDGE_INVALID_ARGUMENT;
    nubridge::chemistry::RandomStream random(seed, (stream << leap_bits) + leap + 1);
    return status_of(
        kernel->stepper->network()->leap(policy_of(kernel, policy), inputs, dt_ms, volume_um3, random, state));
}

nubridge_status nubridge_kernel_newton(const nubridge_kernel* kernel, int32_t policy, const double* state,
                                       const double* inputs, double gamma_ms, double* vector) {
    if (!valid_call(kernel, policy) || state == nullptr || vector == nullptr) return NUBRIDGE_INVALID_ARGUMENT;
    return status_of(kernel->stepper->newton(policy_of(kernel, policy), state, inputs, gamma_ms, vector));
}

nubridge_status nubridge_kernel_observe(const nubridge_kernel* kernel, const double* state, double* observables) {
    if (kernel == nullptr || state == nullptr || observables == nullptr) return NUBRIDGE_INVALID_ARGUMENT;
    return status_of(kernel->stepper->observe(state, observables));
}

nubridge_status nubridge_kernel_observe_rates(const nubridge_kernel* kernel, const double* state, const double* rates,
                                              double* observables) {
    if (kernel == nullptr || state == nullptr || rates == nullptr || observables == nullptr)
        return NUBRIDGE_INVALID_ARGUMENT;
    return status_of(kernel->stepper->observe_rates(state, rates, observables));
}

const char* nubridge_kernel_explain(const nubridge_kernel* kernel, nubridge_status status, int32_t policy,
                                    const double* inputs) {
    guarded([&] { last_error() = explanation(kernel, status, policy, inputs); });
    return nubridge_last_error();
}

void nubridge_kernel_fault_post(const nubridge_kernel* kernel, nubridge_status status, int32_t policy,
                                const double* inputs) {
    if (kernel == nullptr || status == NUBRIDGE_OK) return;
    kernel->fault.post(status, policy, inputs, kernel->stepper->description().inputs.size());
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
