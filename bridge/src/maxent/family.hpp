#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace nubridge::maxent {

/// The sign in front of the interactions: p~(s; nu) = exp(sign * SUM_a nu_a X_a(s)) g(s) / Z(nu).
enum class Sign : int { minus = -1, plus = +1 };

/// -1.0 or +1.0.
constexpr double factor(Sign sign) noexcept {
    return sign == Sign::minus ? -1.0 : 1.0;
}

/// A law written out: states, what the observables are there, and how likely they are.
struct WeightedStates {
    /// size() x state_size().
    std::vector<double> states = {};
    /// X_a(s), size() x nu_count().
    std::vector<double> statistics = {};
    /// Sum to 1.
    std::vector<double> probabilities = {};
    double log_partition = 0.0;

    std::size_t size() const noexcept { return probabilities.size(); }
};

/// A maximum-entropy family p~(s; nu), the exponential family of its observables X_a(s) over the base measure g(s).
///
/// Pure and re-entrant. Spans hold one instance; `nu` has nu_count() entries, moments have moment_count(), which may
/// exceed nu_count() where the moments are redundant (a categorical law keeps all its occupancies). A state is a row of
/// state_size() numbers: counts, contents of sites, values.
///
/// **Failure is an exception, everywhere.** A nu without a law (Z infinite) and moments of no law throw InvalidArgument
/// that names the value and the rule; an inverse that does not settle throws NotConverged. A family on the step path
/// overrides with `noexcept` and without allocation (Categorical); all others may allocate.
class Family {
public:
    virtual ~Family() = default;

    virtual Sign sign() const noexcept = 0;
    virtual std::size_t nu_count() const noexcept = 0;
    virtual std::size_t moment_count() const noexcept = 0;
    virtual std::size_t state_size() const noexcept = 0;
    /// One a nu; each name fits an identifier of C and NMODL when the names of species do.
    virtual std::vector<std::string> nu_names() const = 0;
    virtual std::vector<std::string> moment_names() const { return nu_names(); }

    /// ln Z(nu); per site for an infinite chain.
    virtual double log_partition(std::span<const double> nu) const = 0;
    /// <X_a> under p~.
    virtual void moments(std::span<const double> nu, std::span<double> moments) const = 0;
    /// The inverse problem: the nu whose moments these are.
    virtual void from_moments(std::span<const double> moments, std::span<double> nu) const = 0;
    /// Cov(X_a, X_b), nu_count() x nu_count(), row-major: sign * d<X_a>/dnu_b.
    virtual void fisher(std::span<const double> nu, std::span<double> fisher) const = 0;
    /// Independent states s ~ p~, rows of state_size(); the same seed gives the same samples.
    virtual void sample(std::span<const double> nu, std::uint64_t seed, std::span<double> samples) const = 0;
    /// The whole law. For a continuous state: nodes and weights of a quadrature that is exact for polynomials.
    /// @throws InvalidArgument when there are more states than max_states.
    virtual WeightedStates states(std::span<const double> nu) const = 0;
    /// X_a(s) of any state, also one of probability 0.
    virtual void statistics(std::span<const double> state, std::span<double> statistics) const = 0;
    /// Whether p~(s) is above 0 for every nu.
    virtual bool supports(std::span<const double> state) const = 0;

    /// <f>, a sum over states(nu).
    double expectation(std::span<const double> nu, const std::function<double(std::span<const double>)>& f) const;

    /// The most states that are ever written out.
    static constexpr std::size_t max_states = std::size_t{1} << 21;
};

}  // namespace nubridge::maxent
