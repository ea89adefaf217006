#pragma once

#include <string>

#include "chemistry/network.hpp"

namespace nubridge::chemistry {

/// The unit of a rate constant of reactions of this order: "uM/s", "1/s", "1/(uM s)", "1/(uM^2 s)".
std::string rate_unit(AmountUnit unit, std::size_t order);

/// Compares the units that parameters state with what they are used for; those that state none pass.
///
/// A unit is a product of powers: names, `^` and a whole number, blanks or `*`, `/` before a name or a parenthesis.
///
/// @throws NetworkInvalid when the rate constant of a reaction does not have rate_unit of its order, or the parameter
///     that is an initial amount not the unit of the amounts; the message names the parameter and both units.
void require_units(const NetworkDefinition& definition);

}  // namespace nubridge::chemistry
