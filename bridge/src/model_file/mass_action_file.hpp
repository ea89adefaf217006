#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "dynamics/mass_action.hpp"
#include "dynamics/stepper.hpp"

namespace nubridge::model_file {

/// A kernel read from its file.
struct MassActionFile {
    dynamics::MassActionDefinition definition;
    bool in_sums = false;
    std::string text;
    std::filesystem::path path;
};

/// Reads, checks the hash and validates the schema "nubridge-kernel": name, title, inputs as of a model, observables
/// (names of groups of the network), policy, provenance, and dynamics with
///
/// | member | |
/// |---|---|
/// | kind | "mass_action", in the amounts of the network; "subunit_sums", in the sums of dynamics::SubunitSums |
/// | net | the network as `.net` text, in uM |
/// | driven | {species: input}: amounts that an input gives |
/// | totals | [{input, start, observable}]: conserved totals, the species that holds all of one at the start |
/// | off_at_rest | parameters whose reactions are off while the resting state is sought; none if left out |
///
/// @throws ModelNotFound, ModelSyntaxError, ModelSchemaError, ModelHashError, ModelInvalid, NetworkInvalid.
MassActionFile read_mass_action(const std::filesystem::path& path);

/// The stepper of a file.
/// @throws ModelInvalid.
std::unique_ptr<const dynamics::Stepper> stepper_of(dynamics::MassActionDefinition definition, bool in_sums);

/// Checks an unsealed text and returns it with its hash, indented for people.
std::string seal_mass_action(std::string_view text, const std::string& origin);

}  // namespace nubridge::model_file
