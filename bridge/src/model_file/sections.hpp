#pragma once

#include <string>
#include <vector>

#include "dynamics/reduced_model.hpp"
#include "model_file/json_object.hpp"

namespace nubridge::model_file {

/// "sha256:" and 64 hexadecimal digits over the text without its hash, keys sorted, no white space.
std::string hash_of(json document);

/// The section "inputs": name, unit and domain of each.
/// @throws ModelInvalid.
std::vector<dynamics::Input> read_inputs(const Object& root, const std::string& where);

/// The member "policy".
/// @throws ModelInvalid.
dynamics::Policy read_policy(const Object& root);

}  // namespace nubridge::model_file
