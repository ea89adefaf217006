#pragma once

#include <utility>

#include "c_api/fault_slot.hpp"
#include "dynamics/reduced_model.hpp"
#include "model_file/model_file.hpp"
#include "nubridge/nubridge.h"

/// The model behind the opaque C type: immutable but for the first fault of its worker threads.
struct nubridge_model {
    explicit nubridge_model(nubridge::model_file::ModelFile read) : file(std::move(read)), model(file.definition) {}

    nubridge::model_file::ModelFile file;
    nubridge::dynamics::ReducedModel model;

    mutable nubridge::c_api::FaultSlot fault;
};
