#pragma once

#include <array>
#include <atomic>

#include "dynamics/reduced_model.hpp"
#include "model_file/model_file.hpp"
#include "nubridge/nubridge.h"

/// The model behind the opaque C type: immutable but for the first fault of its worker threads.
struct nubridge_model {
    explicit nubridge_model(nubridge::model_file::ModelFile read) : file(std::move(read)), model(file.definition) {}

    nubridge::model_file::ModelFile file;
    nubridge::dynamics::ReducedModel model;

    /// Fault slot: whoever moves `fault_owner` from 0 to 1 fills it, then publishes by `fault_status`.
    mutable std::atomic<int> fault_owner{0};
    mutable std::atomic<nubridge_status> fault_status{NUBRIDGE_OK};
    mutable std::int32_t fault_policy = NUBRIDGE_POLICY_MODEL;
    mutable std::array<double, nubridge::dynamics::ReducedModel::max_inputs> fault_inputs{};
    mutable std::atomic<bool> outside_said{false};
};
