#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nubridge::maxent {

/// The sign in front of the interactions: p~(s; nu) = exp(sign * SUM_a nu_a X_a(s)) g(s) / Z(nu).
enum class Sign : int { minus = -1, plus = +1 };

/// A maximum-entropy family p~(s; nu), the exponential family of its observables X_a(s).
///
/// Pure and re-entrant. Spans hold one instance; `nu` has nu_count() entries, moments have moment_count(), which may
/// exceed nu_count() where the moments are redundant (a categorical law keeps all its occupancies).
class Family {
public:
    virtual ~Family() = default;

    virtual Sign sign() const noexcept = 0;
    virtual std::size_t nu_count() const noexcept = 0;
    virtual std::size_t moment_count() const noexcept = 0;

    /// ln Z(nu).
    virtual double log_partition(std::span<const double> nu) const noexcept = 0;
    /// <X_a> under p~.
    virtual void moments(std::span<const double> nu, std::span<double> moments) const noexcept = 0;
    /// The inverse problem: the nu whose moments these are. nu is infinite on the boundary of the family.
    virtual void from_moments(std::span<const double> moments, std::span<double> nu) const noexcept = 0;
    /// Cov(X_a, X_b), nu_count() x nu_count(), row-major: sign * d<X_a>/dnu_b.
    virtual void fisher(std::span<const double> nu, std::span<double> fisher) const noexcept = 0;
    /// Independent states s ~ p~; the same seed gives the same samples on every machine.
    virtual void sample(std::span<const double> nu, std::uint64_t seed, std::span<std::int32_t> samples) const = 0;
};

}  // namespace nubridge::maxent
