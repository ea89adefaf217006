#pragma once

#include <Eigen/Dense>
#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "chemistry/network.hpp"
#include "maxent/family.hpp"
#include "maxent/ising_chain.hpp"

namespace nubridge::dynamics {

/// What each species of the network is to the family.
struct Roles {
    static constexpr std::size_t outside = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t empty = outside - 1;

    /// One a species: its place in the family, the empty sites, or outside.
    std::vector<std::size_t> of;

    bool inside(std::size_t species) const { return of[species] != outside; }
};

/// F_r = sign Cov^-1 <a_r (X(s + v_r) - X(s))> of each term, with all rate constants 1.
class ClosureGround {
public:
    virtual ~ClosureGround() = default;
    /// F_r, row-major terms x nu.
    /// @throws InvalidArgument for a nu without a law and for a singular Fisher matrix.
    virtual void basis(std::span<const double> nu, std::span<double> basis) const = 0;
    /// basis(), and d/dnu_b SUM_r weight_r F_ra for each of several weights (rows of terms): rows x nu x nu.
    virtual void slopes(std::span<const double> nu, std::span<const double> weights, std::span<double> basis,
                        std::span<double> by_nu) const = 0;
};

/// The means that F is made of, at one nu.
class ClosureMeans {
public:
    virtual ~ClosureMeans() = default;

    /// Cov(X_a, X_b).
    virtual Eigen::MatrixXd fisher() const = 0;
    /// <a_r (X_a(s + v_r) - X_a(s))>, terms x nu.
    virtual Eigen::MatrixXd flux() const = 0;
    /// d/dnu_b SUM_r weight_r flux_ra, nu x nu.
    virtual Eigen::MatrixXd flux_slope(std::span<const double> weights) const = 0;
    /// SUM_c (d/dnu_b Cov(X_a, X_c)) direction_c, nu x nu.
    virtual Eigen::MatrixXd fisher_slope(const Eigen::VectorXd& direction) const = 0;
};

/// A ground whose family writes out the means: F by solving with the Fisher matrix.
class MeansGround : public ClosureGround {
public:
    explicit MeansGround(std::shared_ptr<const maxent::Family> family);
    void basis(std::span<const double> nu, std::span<double> basis) const final;
    void slopes(std::span<const double> nu, std::span<const double> weights, std::span<double> basis,
                std::span<double> by_nu) const final;

protected:
    virtual std::unique_ptr<ClosureMeans> at(std::span<const double> nu) const = 0;

private:
    std::shared_ptr<const maxent::Family> family_;
};

/// Sums over the states of counts, Gaussian quadratures, categorical laws, open chains and short rings.
/// @param hopping the species of the network that hop, one term each.
/// @throws InvalidArgument for a family without molecules, and for a reaction that it cannot hold.
std::unique_ptr<const ClosureGround> enumerated_ground(const std::shared_ptr<const chemistry::ReactionNetwork>& network,
                                                       std::shared_ptr<const maxent::Family> family, const Roles& roles,
                                                       const std::vector<std::size_t>& hopping);

/// Sums over four neighbouring sites of a ring or an infinite chain, per site; in closed form for one species on the
/// infinite chain.
std::unique_ptr<const ClosureGround> chain_ground(const chemistry::ReactionNetwork& network,
                                                  std::shared_ptr<const maxent::IsingChain> family, const Roles& roles,
                                                  const std::vector<std::size_t>& hopping);

}  // namespace nubridge::dynamics
