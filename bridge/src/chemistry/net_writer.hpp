#pragma once

#include <string>

#include "chemistry/network.hpp"

namespace nubridge::chemistry {

/// The network as `.net` text that read_net reads back to the same network; equal networks give equal text.
///
/// Numbers have the shortest form that reads back to the same double. Rates are BioNetGen's: k / m! of m equal
/// reactants. A reaction that is not called R<number> has its name as the comment at the end of its line.
std::string write_net(const NetworkDefinition& definition);

}  // namespace nubridge::chemistry
