#pragma once

#include <optional>

#include "maxent/enumerated.hpp"

namespace nubridge::maxent {

/// g(n): 1 (with K = 1 a geometric law), 1/n! (Poisson), or the number of ways to place the molecules on N common
/// sites, N! / (n_1! n_2! ... (N - SUM n)!) (binomial, multinomial).
enum class Base { counting, poisson, binomial };

/// Molecules of one or several species in a well-mixed volume: X_m(n) = PRODUCT_i binom(n_i, m_i) for every
/// multi-index m of total order 1 to K, lower orders first: A, B, A_A, A_B, B_B, ...
///
/// Infinite supports are cut where the rest is negligible, see truncation().
class Counts final : public EnumeratedFamily {
public:
    struct Definition {
        std::vector<std::string> species;
        std::size_t order = 1;
        Base base = Base::counting;
        Sign sign = Sign::minus;
        /// N of the binomial base, needed there and refused elsewhere.
        std::optional<std::size_t> sites = {};
        /// Bounds every count of a counting or Poisson base, so that every nu has a law.
        std::optional<std::size_t> largest = {};
    };
    /// The counts that are summed, and how much is left out.
    struct Truncation {
        std::vector<std::size_t> largest;
        /// Of the probability outside: a bound for one species, an estimate for several; 0 for a finite support.
        double tail = 0.0;
    };

    /// @throws InvalidArgument that names what does not fit.
    explicit Counts(Definition definition);

    Sign sign() const noexcept override { return definition_.sign; }
    std::size_t nu_count() const noexcept override { return powers_.size(); }
    std::size_t state_size() const noexcept override { return definition_.species.size(); }
    std::vector<std::string> nu_names() const override;
    void from_moments(std::span<const double> moments, std::span<double> nu) const override;
    /// @throws InvalidArgument for a nu without a law, or whose law does not fit max_states.
    WeightedStates states(std::span<const double> nu) const override;
    void statistics(std::span<const double> state, std::span<double> statistics) const override;
    bool supports(std::span<const double> state) const override;

    /// Of one species the bound is rigorous: beyond the cut the terms fall at least as fast as a geometric series.
    Truncation truncation(std::span<const double> nu) const;
    const Definition& definition() const noexcept { return definition_; }

private:
    bool bounded() const noexcept { return definition_.base == Base::binomial || definition_.largest.has_value(); }
    void require_definition() const;
    void require_law(std::span<const double> nu) const;
    void require_axis(std::span<const double> nu, std::size_t species) const;
    Truncation one_species(std::span<const double> nu) const;
    Truncation several_species(std::span<const double> nu) const;
    /// The law on the box of counts up to these.
    WeightedStates on_box(std::span<const double> nu, std::span<const std::size_t> largest) const;
    double log_base(std::span<const double> state) const;
    double exponent(std::span<const double> nu, std::span<const double> statistics) const;

    Definition definition_;
    /// m of every nu.
    std::vector<std::vector<std::size_t>> powers_;
};

}  // namespace nubridge::maxent
