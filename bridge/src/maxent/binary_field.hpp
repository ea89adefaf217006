#pragma once

#include <cstddef>

#include "maxent/family.hpp"

namespace nubridge::maxent {

/// Binary units on a graph of cliques (Markov random field): X_a(s) is the product of the units of clique a, so that
/// its moment is the probability that all of them are 1.
///
/// Exact by variable elimination; the cost of ln Z and all moments is a few times units * 2^(width + 1), that of the
/// Fisher matrix is cliques times as much. A graph that is too tightly knit for that is sampled (GibbsSampler), and
/// everything that needs ln Z throws InvalidArgument.
class BinaryField final : public Family {
public:
    /// The widest separator of the elimination that is taken on.
    static constexpr std::size_t max_width = 20;

    /// @param cliques lists of units.
    /// @throws InvalidArgument that names what does not fit: no unit, a clique that is empty or stands twice.
    BinaryField(std::vector<std::string> units, std::vector<std::vector<std::size_t>> cliques, Sign sign = Sign::plus);

    Sign sign() const noexcept override { return sign_; }
    std::size_t nu_count() const noexcept override { return cliques_.size(); }
    std::size_t moment_count() const noexcept override { return cliques_.size(); }
    std::size_t state_size() const noexcept override { return units_.size(); }
    std::vector<std::string> nu_names() const override;
    double log_partition(std::span<const double> nu) const override;
    void moments(std::span<const double> nu, std::span<double> moments) const override;
    void from_moments(std::span<const double> moments, std::span<double> nu) const override;
    void fisher(std::span<const double> nu, std::span<double> fisher) const override;
    /// Exact: against the order of elimination.
    void sample(std::span<const double> nu, std::uint64_t seed, std::span<double> samples) const override;
    WeightedStates states(std::span<const double> nu) const override;
    void statistics(std::span<const double> state, std::span<double> statistics) const override;
    bool supports(std::span<const double> state) const override;

    /// The largest separator; the tree width or a little above. Above max_width it is that at which elimination stops.
    std::size_t width() const noexcept { return width_; }
    /// Lists of units, each in ascending order.
    const std::vector<std::vector<std::size_t>>& cliques() const noexcept { return cliques_; }
    /// X_a(s).
    double product(std::size_t a, std::span<const double> state) const noexcept;

private:
    /// What one elimination needs: the unit, then its separator; bits of a table's index in this order.
    struct Bag {
        std::vector<std::size_t> units;
        std::vector<std::size_t> cliques;
        std::vector<std::size_t> children;
        /// Where the units of the separator stand in the parent's bag.
        std::vector<std::size_t> in_parent;
        std::size_t parent;
    };
    /// Log tables of the bags and what is left of them when their unit is summed out.
    struct Elimination {
        std::vector<std::vector<double>> tables, messages;
        double log_partition = 0.0;
    };

    void require_definition() const;
    void build_bags();
    void require_elimination() const;
    Elimination eliminate(std::span<const double> nu, std::span<const std::size_t> set_to_one) const;
    void clique_probabilities(const Elimination& tables, std::span<double> moments) const;

    std::vector<std::string> units_;
    std::vector<std::vector<std::size_t>> cliques_;
    Sign sign_;
    std::vector<Bag> bags_;
    std::size_t width_ = 0;
    /// The unit at which the graph is too wide.
    std::size_t widest_ = 0;
};

}  // namespace nubridge::maxent
