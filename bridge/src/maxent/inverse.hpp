#pragma once

#include <span>

#include "maxent/family.hpp"

namespace nubridge::maxent {

/// Solves <X>(nu) = moments by Newton's method on the convex ln Z(nu) - sign nu . moments, with step halving; for
/// families whose moments are those of nu.
///
/// @param nu the start, inside the family; then the solution.
/// @throws InvalidArgument when the moments belong to no law of the family, NotConverged after 200 steps; both name the
///     moment that is furthest off.
void solve_moments(const Family& family, std::span<const double> moments, std::span<double> nu);

/// @throws InvalidArgument for a number that is not finite, named as the family's nu.
void require_finite(std::span<const double> values, const Family& family, const char* what);

}  // namespace nubridge::maxent
