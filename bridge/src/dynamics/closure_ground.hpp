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

/// The means that a closure is made of, at one nu, with all rate constants 1.
class ClosurePoint {
public:
    virtual ~ClosurePoint() = default;

    /// Cov(X_a, X_b).
    virtual Eigen::MatrixXd fisher() const = 0;
    /// <a_r (X_a(s + v_r) - X_a(s))>, terms x nu.
    virtual Eigen::MatrixXd flux() const = 0;
    /// d/dnu_b SUM_r weight_r flux_ra, nu x nu.
    virtual Eigen::MatrixXd flux_slope(std::span<const double> weights) const = 0;
    /// SUM_c (d/dnu_b Cov(X_a, X_c)) direction_c, nu x nu.
    virtual Eigen::MatrixXd fisher_slope(const Eigen::VectorXd& direction) const = 0;
};

/// How a family writes out what reactions do.
class ClosureGround {
public:
    virtual ~ClosureGround() = default;
    virtual std::unique_ptr<ClosurePoint> at(std::span<const double> nu) const = 0;
};

/// Sums over the states of counts, Gaussian quadratures, categorical laws, open chains and short rings.
/// @param hopping the species of the network that hop, one term each.
/// @throws InvalidArgument for a family without molecules, and for a reaction that it cannot hold.
std::unique_ptr<const ClosureGround> enumerated_ground(const std::shared_ptr<const chemistry::ReactionNetwork>& network,
                                                       std::shared_ptr<const maxent::Family> family, const Roles& roles,
                                                       const std::vector<std::size_t>& hopping);

/// Sums over four neighbouring sites of a ring or an infinite chain, per site.
std::unique_ptr<const ClosureGround> chain_ground(const chemistry::ReactionNetwork& network,
                                                  std::shared_ptr<const maxent::IsingChain> family, const Roles& roles,
                                                  const std::vector<std::size_t>& hopping);

}  // namespace nubridge::dynamics
