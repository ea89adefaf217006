#pragma once

#include <cstddef>
#include <vector>

#include "chemistry/network.hpp"
#include "dynamics/closure_ground.hpp"

namespace nubridge::dynamics {

/// What a term does to one site, or to two neighbours, of a chain; 0 is empty, a + 1 the family's species a.
struct SiteRule {
    std::size_t from, to;
};
struct BondRule {
    std::size_t left, right, new_left, new_right;
    /// Of the rate constant.
    double share;
};
struct ChainTerm {
    std::vector<SiteRule> site;
    std::vector<BondRule> bond;
};

/// The reactions of a network on single-occupancy sites, then one term a hopping species.
///
/// As the lattice engine has them: 0 -> A at k an empty site; A -> 0 and A -> B at k a molecule; A -> B + C at k/2 a
/// side, where that side is empty: B stays, C goes there; A + B -> ... at k a bond. A product that is also a reactant
/// keeps its site, the others take the free sites in the order written; the one product of A + B -> C takes either
/// site with the same chance, and so do the two of A + A -> B + C. A hop goes to an empty neighbour.
/// @throws InvalidArgument that names a reaction that does not fit on such sites.
std::vector<ChainTerm> chain_terms(const chemistry::ReactionNetwork& network, const Roles& roles,
                                   const std::vector<std::size_t>& hopping);

}  // namespace nubridge::dynamics
