#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "dynamics/stepper.hpp"

namespace nubridge::model_file {

/// A model of any kind, read from its file to be stepped.
struct StepperFile {
    std::unique_ptr<const dynamics::Stepper> stepper;
    std::string text;
    std::filesystem::path path;
};

/// Reads a channel's model, a kernel or a learned model; a learned model on a categorical family is stepped in
/// occupancies where its rates allow that, and observed by the groups of its network that are sums of its states.
/// @throws ModelNotFound, ModelSyntaxError, ModelSchemaError, ModelHashError, ModelInvalid, NetworkInvalid;
///     InvalidArgument from a closure.
StepperFile read_stepper(const std::filesystem::path& path);

}  // namespace nubridge::model_file
