#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "maxent/family.hpp"

namespace nubridge::maxent {

struct MatrixJet;  // of transfer.hpp
struct DominantPair;
struct PairLaw;  // of pair_law.hpp

/// A one-dimensional lattice gas of one or several species with nearest-neighbour couplings (Ising, Potts), by transfer
/// matrix.
///
/// A site is empty (0) or holds one molecule (a + 1 for species a). X_a is the number of molecules of species a, X_ab
/// the number of bonds whose two sites hold a and b, in either order. T(s, s') = exp(sign [(h_s + h_s')/2 + J_ss']).
/// Per site and bond for the infinite chain, totals for the others; an open chain has N - 1 bonds, a ring N.
class IsingChain final : public Family {
public:
    enum class Boundary { open, ring, infinite };
    struct Definition {
        std::vector<std::string> species;
        Boundary boundary = Boundary::infinite;
        /// N; for the infinite chain how many neighbours a state holds (4 unless said).
        std::optional<std::size_t> sites = {};
        /// Pairs of species that have a J; all pairs unless said.
        std::optional<std::vector<std::pair<std::size_t, std::size_t>>> couplings = {};
        Sign sign = Sign::plus;
    };

    /// The probabilities of the contents of `sites` neighbouring sites of a ring or an infinite chain, and how they
    /// move with nu.
    struct Cluster {
        std::size_t sites;
        /// contents^sites; the first site is the lowest digit.
        std::vector<double> probability;
        /// d ln p / dnu_a, probability.size() x nu_count().
        std::vector<double> score;
        /// d^2 ln p / dnu_a dnu_b, probability.size() x nu_count()^2; empty unless asked for.
        std::vector<double> curvature;
    };

    /// @throws InvalidArgument that names what does not fit.
    explicit IsingChain(Definition definition);

    Sign sign() const noexcept override { return definition_.sign; }
    std::size_t nu_count() const noexcept override { return definition_.species.size() + couplings_.size(); }
    std::size_t moment_count() const noexcept override { return nu_count(); }
    std::size_t state_size() const noexcept override { return sites_; }
    std::vector<std::string> nu_names() const override;
    double log_partition(std::span<const double> nu) const override;
    void moments(std::span<const double> nu, std::span<double> moments) const override;
    /// In closed form for one species on the infinite chain, else by Newton's method.
    void from_moments(std::span<const double> moments, std::span<double> nu) const override;
    void fisher(std::span<const double> nu, std::span<double> fisher) const override;
    /// Exact, site by site; of an infinite chain independent stretches of state_size() sites.
    void sample(std::span<const double> nu, std::uint64_t seed, std::span<double> samples) const override;
    /// Of an infinite chain the stretches of state_size() sites, statistics per site and bond of the stretch.
    WeightedStates states(std::span<const double> nu) const override;
    void statistics(std::span<const double> state, std::span<double> statistics) const override;
    bool supports(std::span<const double> state) const override;

    /// The transfer matrix at one nu and ln Z with two derivatives: solved once for all that is asked of that nu.
    struct Solved;
    std::shared_ptr<const Solved> solve(std::span<const double> nu) const;
    void fisher(const Solved& at, std::span<double> fisher) const;
    /// @param sites 1 to 8; on a ring at most N.
    /// @throws InvalidArgument for an open chain, whose sites differ.
    Cluster cluster(const Solved& at, std::size_t sites, bool with_curvature) const;

    const Definition& definition() const noexcept { return definition_; }
    /// Contents of a site: empty or one of the species.
    std::size_t contents() const noexcept { return definition_.species.size() + 1; }
    /// One species with its coupling on the infinite chain, which pair_law() solves.
    bool is_pair_law() const noexcept {
        return definition_.boundary == Boundary::infinite && definition_.species.size() == 1 && nu_count() == 2;
    }
    /// What a site with this content and a bond with these two add to nu_a's observable.
    double on_site(std::size_t a, std::size_t content) const noexcept;
    double on_bond(std::size_t a, std::size_t left, std::size_t right) const noexcept;

private:
    struct Transfer;
    struct Derivatives;
    void require_definition() const;
    Transfer transfer(std::span<const double> nu, std::size_t order) const;
    PairLaw pair_law_at(std::span<const double> nu) const;
    Solved solve(std::span<const double> nu, std::size_t order) const;
    Derivatives infinite_derivatives(const Transfer& t, const DominantPair& pair, std::size_t order) const;
    Derivatives finite_derivatives(const Transfer& t, std::span<const double> nu, std::size_t order) const;
    MatrixJet closing(const Solved& at, std::size_t sites, bool with_curvature) const;

    Definition definition_;
    std::vector<std::pair<std::size_t, std::size_t>> couplings_;
    std::size_t sites_ = 4;
};

}  // namespace nubridge::maxent
