#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "dynamics/reduced_model.hpp"

namespace nubridge::model_file {

/// The schema that this library reads and writes; any other is refused.
inline constexpr int schema_version = 1;

/// A model read from its file: the definition, and what identifies the text.
struct ModelFile {
    dynamics::ReducedModelDefinition definition;
    /// "sha256:" and 64 hexadecimal digits over the text without its hash, keys sorted, no white space.
    std::string hash;
    std::string text;
    std::filesystem::path path;
};

/// Reads, checks the hash and validates the schema.
/// @param path the file.
/// @throws ModelNotFound, ModelSyntaxError, ModelSchemaError, ModelHashError, ModelInvalid, each naming the file, the
/// value and the remedy.
ModelFile read(const std::filesystem::path& path);

/// Parses a sealed text; `origin` names it in messages.
ModelFile parse(std::string_view text, const std::string& origin);

/// Checks schema and hash of a sealed text, also of a learned model, which parse() refuses.
void verify(std::string_view text, const std::string& origin);

/// Checks an unsealed text (a hash in it is replaced) and returns it with its hash, indented for people.
std::string seal(std::string_view text, const std::string& origin);

/// Writes `text` so that the file is either the old one or the whole new one.
/// @throws FileError naming the path and the system's reason.
void write(const std::string& text, const std::filesystem::path& path);

/// The file of a model given as a name, a folder or a file.
///
/// A name is looked for as NAME/model.json in the folders of NUBRIDGE_MODELS (colons between), then in `models` beside
/// the folder of the shared library.
/// @throws ModelNotFound with the folders searched and the names that exist.
std::filesystem::path find(const std::string& name_or_path);

}  // namespace nubridge::model_file
