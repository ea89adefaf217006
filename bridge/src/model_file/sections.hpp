#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dynamics/reduced_model.hpp"
#include "model_file/json_object.hpp"

namespace nubridge::model_file {

/// "sha256:" and 64 hexadecimal digits over the text without its hash, keys sorted, no white space.
std::string hash_of(json document);

/// The whole file.
/// @throws ModelNotFound with the system's reason.
std::string text_of(const std::filesystem::path& path);

/// @throws ModelHashError where the text states another hash than it has.
void require_hash(const json& document, const std::string& origin);

/// The section "inputs": name, unit and domain of each.
/// @throws ModelInvalid.
std::vector<dynamics::Input> read_inputs(const Object& root, const std::string& where);

/// The member "policy".
/// @throws ModelInvalid.
dynamics::Policy read_policy(const Object& root);

/// Whether the dynamics is a vector field with coefficients that were fitted; anything else is a channel's closure.
bool is_learned(const json& document);

}  // namespace nubridge::model_file
