#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "dynamics/grid_elements.hpp"
#include "dynamics/network_closure.hpp"
#include "dynamics/polynomial.hpp"
#include "maxent/family.hpp"

namespace nubridge::model_file {

/// The family of a JSON description, the "family" section of a model file; `origin` names it in messages.
///
/// | kind | members |
/// |---|---|
/// | counts | species, order (1), base (counting, poisson, binomial), sites (of binomial), largest |
/// | ising_chain | species, boundary (infinite, ring, open), sites, couplings (pairs of species; all) |
/// | binary_field | units, cliques (lists of units) |
/// | gaussian | variables |
/// | categorical | states, the reference first |
///
/// All have kind and sign (-1; of a chain and a field +1).
/// @throws ModelSyntaxError, ModelInvalid; InvalidArgument from the family.
std::shared_ptr<const maxent::Family> read_family(std::string_view text, const std::string& origin);

/// The options of a closure: inputs (names of species and parameters), theta (one number a term), hop_per_s (an object
/// of species), empty (a species), volume_um3.
/// @throws ModelSyntaxError, ModelInvalid.
dynamics::ClosureOptions read_closure_options(std::string_view text, const std::string& origin,
                                              const chemistry::ReactionNetwork& network);

/// An empty grid: inputs (how many), spacing (one a nu and input), arguments (one list a nu, of places among nu and
/// inputs).
/// @throws ModelSyntaxError, ModelInvalid; InvalidArgument from the grid.
dynamics::GridElements read_grid(std::string_view text, const std::string& origin);

/// A polynomial field: inputs (how many), products (one list a nu, each product a list of places among nu and inputs).
/// @throws ModelSyntaxError, ModelInvalid; InvalidArgument from the field.
dynamics::Polynomial read_polynomial(std::string_view text, const std::string& origin);

}  // namespace nubridge::model_file
