// Models, errors and faults of the C interface.
#include <atomic>
#include <memory>
#include <mutex>

#include "c_api/culprit.hpp"
#include "c_api/guarded.hpp"
#include "c_api/model_handle.hpp"

using nubridge::InvalidArgument;
using nubridge::c_api::culprit;
using nubridge::c_api::fail;
using nubridge::c_api::guarded;
using nubridge::c_api::last_error;
using nubridge::c_api::remedy;

namespace {

void require_pointer(const void* pointer, const char* what) {
    if (pointer == nullptr) throw InvalidArgument(std::string(what) + " is null; pass a valid pointer");
}

std::unique_ptr<nubridge_model> open_model(const char* name_or_path) {
    require_pointer(name_or_path, "the model's name");
    return std::make_unique<nubridge_model>(nubridge::model_file::read(nubridge::model_file::find(name_or_path)));
}

std::string explanation(const nubridge_model* handle, nubridge_status status, std::int32_t policy,
                        const double* inputs) {
    if (handle == nullptr)
        return "no model is loaded: initialise with finitialize() first, and check that the model file is found";
    const std::string prefix = "nubridge model '" + handle->file.definition.name + "': ";
    if (policy == NUBRIDGE_POLICY_MODEL) policy = static_cast<std::int32_t>(handle->model.definition().policy);
    if (inputs != nullptr && status == NUBRIDGE_INVALID_INPUT)
        return prefix + culprit(handle->model.definition().inputs, status, inputs);
    if (inputs != nullptr && (status == NUBRIDGE_OUTSIDE || status == NUBRIDGE_OUTSIDE_REFUSED)) {
        return prefix + culprit(handle->model.definition().inputs, status, inputs) + remedy(policy);
    }
    if (status == NUBRIDGE_INVALID_STATE) {
        return prefix +
               "the state is not finite or is no probability; look for NaN in what was written to it, or initialise "
               "again";
    }
    return prefix + nubridge_status_text(status);
}

}  // namespace

const char* nubridge_version(void) {
    return NUBRIDGE_VERSION;
}

nubridge_status nubridge_require_abi(int32_t abi_version) {
    if (abi_version == NUBRIDGE_ABI_VERSION) return NUBRIDGE_OK;
    return fail(NUBRIDGE_ABI_MISMATCH, "this caller was compiled for nubridge interface " +
                                           std::to_string(abi_version) + ", the library " +
                                           NUBRIDGE_VERSION " has interface " + std::to_string(NUBRIDGE_ABI_VERSION) +
                                           "; compile it again with `nubridge mechanisms`");
}

const char* nubridge_status_text(nubridge_status status) {
#define NUBRIDGE_STATUS_CASE(name, value, text) \
    case NUBRIDGE_##name:                       \
        return text;
    switch (static_cast<nubridge_status_code>(status)) {
        NUBRIDGE_STATUS_LIST(NUBRIDGE_STATUS_CASE)
        default:
            return "unknown status";
    }
#undef NUBRIDGE_STATUS_CASE
}

const char* nubridge_last_error(void) {
    return last_error().c_str();
}

const char* nubridge_explain(const nubridge_model* model, nubridge_status status, int32_t policy,
                             const double* inputs) {
    guarded([&] { last_error() = explanation(model, status, policy, inputs); });
    return nubridge_last_error();
}

nubridge_status nubridge_model_open(const char* name_or_path, nubridge_model** out) {
    return guarded([&] {
        require_pointer(out, "the place for the model");
        *out = open_model(name_or_path).release();
    });
}

nubridge_status nubridge_model_open_once(const char* name_or_path, nubridge_model** slot) {
    return guarded([&] {
        require_pointer(slot, "the slot for the model");
        static std::mutex
            opening;  // later callers read the slot plainly, so nobody may touch it once the first has returned
        const std::lock_guard<std::mutex> lock(opening);
        if (*slot == nullptr) *slot = open_model(name_or_path).release();
    });
}

void nubridge_model_close(nubridge_model* model) {
    delete model;
}

nubridge_status nubridge_model_seal(const char* json, const char* path) {
    return guarded([&] {
        require_pointer(json, "the model text");
        require_pointer(path, "the path");
        nubridge::model_file::write(nubridge::model_file::seal(json, path), path);
    });
}

nubridge_status nubridge_model_verify(const char* json, const char* origin) {
    return guarded([&] {
        require_pointer(json, "the model text");
        require_pointer(origin, "the origin");
        nubridge::model_file::verify(json, origin);
    });
}

const char* nubridge_model_name(const nubridge_model* model) {
    return model->file.definition.name.c_str();
}
const char* nubridge_model_hash(const nubridge_model* model) {
    return model->file.hash.c_str();
}
const char* nubridge_model_json(const nubridge_model* model) {
    return model->file.text.c_str();
}
const char* nubridge_model_path(const nubridge_model* model) {
    return model->file.path.c_str();
}

size_t nubridge_count(const nubridge_model* model, int32_t kind) {
    switch (kind) {
        case NUBRIDGE_ITEM_NU:
            return model->model.nu_count();
        case NUBRIDGE_ITEM_STATE:
            return model->model.state_count();
        case NUBRIDGE_ITEM_INPUT:
            return model->model.input_count();
        case NUBRIDGE_ITEM_OBSERVABLE:
            return model->model.observable_count();
        default:
            return 0;
    }
}

const char* nubridge_item_name(const nubridge_model* model, int32_t kind, size_t index) {
    if (index >= nubridge_count(model, kind)) return nullptr;
    const auto& definition = model->model.definition();
    switch (kind) {
        case NUBRIDGE_ITEM_NU:
            return definition.states[index + 1].c_str();
        case NUBRIDGE_ITEM_STATE:
            return definition.states[index].c_str();
        case NUBRIDGE_ITEM_INPUT:
            return definition.inputs[index].name.c_str();
        default:
            return definition.observables[index].name.c_str();
    }
}

const char* nubridge_item_unit(const nubridge_model* model, int32_t kind, size_t index) {
    if (index >= nubridge_count(model, kind)) return nullptr;
    if (kind == NUBRIDGE_ITEM_INPUT) return model->model.definition().inputs[index].unit.c_str();
    if (kind == NUBRIDGE_ITEM_OBSERVABLE) return model->model.definition().observables[index].unit.c_str();
    return "1";
}

nubridge_status nubridge_domain(const nubridge_model* model, size_t index, double* lower, double* upper) {
    return guarded([&] {
        if (index >= model->model.input_count()) {
            throw InvalidArgument("there is no input " + std::to_string(index) + "; the model has " +
                                  std::to_string(model->model.input_count()));
        }
        *lower = model->model.definition().inputs[index].lower;
        *upper = model->model.definition().inputs[index].upper;
    });
}

int32_t nubridge_model_policy(const nubridge_model* model) {
    return static_cast<int32_t>(model->model.definition().policy);
}

void nubridge_fault_post(const nubridge_model* model, nubridge_status status, int32_t policy, const double* inputs) {
    if (model == nullptr || status == NUBRIDGE_OK) return;
    model->fault.post(status, policy, inputs, model->model.input_count());
}

nubridge_status nubridge_fault_take(const nubridge_model* model) {
    if (model == nullptr) return NUBRIDGE_OK;
    return model->fault.take([&](nubridge_status status, std::int32_t policy, const double* inputs) {
        nubridge_explain(model, status, policy, inputs);
    });
}

int32_t nubridge_first_outside(const nubridge_model* model) {
    return model != nullptr && model->fault.is_first_outside() ? 1 : 0;
}
