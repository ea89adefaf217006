#pragma once

#include <algorithm>
#include <cmath>

namespace nubridge::maxent {

/// One species on an infinite chain in closed form (learning.md 1.11): a site is occupied at exp(h), two occupied
/// neighbours at exp(h + j). Sums of positive numbers only, so each is right in its last digits however small it is.
struct PairLaw {
    /// A site.
    double log_partition;
    /// A site is occupied, is empty; both, one given, none of two neighbours are occupied.
    double occupied, empty, both, one, none;
    /// d occupied/dh, d occupied/dj = d both/dh, d both/dj.
    double by_h, mixed, by_j;
};

/// T = (z x; x e) has eigenvalues lambda and lambda - d; (lambda - z)(lambda - e) = x^2.
inline PairLaw pair_law(double h, double j) noexcept {
    const double scale = std::max({0.0, h + j, 0.5 * h});
    const double z = std::exp(-scale), e = std::exp(h + j - scale), x2 = std::exp(h - 2.0 * scale);
    const double d = std::sqrt((z - e) * (z - e) + 4.0 * x2);
    const double larger = 0.5 * (std::abs(z - e) + d), smaller = x2 / larger;
    const double over_z = e > z ? larger : smaller, over_e = e > z ? smaller : larger;
    const double lambda = z + over_z, d3 = d * d * d;
    const double both = over_z * e / (d * lambda);
    return {scale + std::log(lambda),
            over_z / d,
            over_e / d,
            both,
            x2 / (d * lambda),
            over_e * z / (d * lambda),
            x2 * (z + e) / d3,
            2.0 * x2 * e / d3,
            2.0 * x2 * e * e / (d3 * lambda) + both * (1.0 - both)};
}

}  // namespace nubridge::maxent
