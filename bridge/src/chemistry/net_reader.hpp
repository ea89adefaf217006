#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "chemistry/network.hpp"

namespace nubridge::chemistry {

/// Reads BioNetGen's `.net` text: the blocks parameters, species, reactions and groups. Everything else is refused by
/// name, nothing is skipped but comments.
///
/// The comment line `# unit: uM` (or `molecules`, the default) states the unit of the amounts. A rate in a reaction
/// line is BioNetGen's: the factor of the product of the amounts, without the m! of equal reactants; it is converted to
/// the label-invariant convention of Reaction.
///
/// More comments that speak: `# unit: 1/(uM s)` at the end of a parameter's line (see require_units), `#bind` at the
/// end of a reaction's line (its name; bind.1, bind.2 when several have it), the line `# name: S1 K(p~U)` (what the
/// species S1, or the reaction of that label, is called).
///
/// @param origin the file's name, for messages; also the network's name without folder and ending.
/// @param overrides values that replace those of parameters by name; expressions that read them follow.
/// @throws NetworkInvalid with the line, what stands there, and what to do.
NetworkDefinition read_net(std::string_view text, const std::string& origin,
                           const std::map<std::string, double>& overrides = {}, std::optional<AmountUnit> unit = {});

}  // namespace nubridge::chemistry
