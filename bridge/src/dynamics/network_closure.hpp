#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "chemistry/input.hpp"
#include "chemistry/network.hpp"
#include "dynamics/closure_ground.hpp"
#include "dynamics/transition_network.hpp"
#include "maxent/family.hpp"

namespace nubridge::dynamics {

/// What a closure needs beside the network and the family.
struct ClosureOptions {
    /// A species or a parameter whose value is given with nu.
    struct Input {
        chemistry::Input::Target target;
        std::size_t index;
    };
    std::vector<Input> inputs = {};
    /// One a term; empty for 1.
    std::vector<double> theta = {};
    /// Of a chain: hops per side and second, one a species of the network; empty for none.
    std::vector<double> hop_per_s = {};
    /// Of counts with a binomial base: the species that the empty sites are.
    std::optional<std::size_t> empty = {};
    /// um3; needed by a network in uM where a propensity is not linear in the members of the family.
    double volume_um3 = 0.0;
};

/// The parameter-free maximum-entropy closure of any mass-action network on any family that can write out what a
/// reaction does: d nu/dt = F = sign Cov^-1 SUM_r theta_r <a_r (X(s + v_r) - X(s))>, per second.
///
/// A term is a reaction, in the network's order, or the hops of one species of a chain, after them. The family's
/// species are found in the network by their names. A species outside the family is read where it is fixed or an
/// input, and ignored where it is only made. On counts and Gaussian variables propensities are k n(n-1).../m!; a
/// reaction that would leave a finite support does not fire there. The states of a categorical family are species,
/// and each reaction turns one into another. On a chain reactions mean what they mean to the lattice engine
/// (dynamics/chain_rules.hpp).
///
/// Pure and re-entrant; spans hold one instance.
class NetworkClosure {
public:
    /// @throws InvalidArgument that names what does not fit.
    NetworkClosure(std::shared_ptr<const chemistry::ReactionNetwork> network,
                   std::shared_ptr<const maxent::Family> family, ClosureOptions options);

    std::size_t nu_count() const noexcept { return family_->nu_count(); }
    std::size_t input_count() const noexcept { return options_.inputs.size(); }
    std::size_t term_count() const noexcept { return term_names_.size(); }
    const std::vector<std::string>& term_names() const noexcept { return term_names_; }
    const std::vector<double>& theta() const noexcept { return options_.theta; }
    const maxent::Family& family() const noexcept { return *family_; }

    /// F.
    /// @throws InvalidArgument for a nu without a law, an input that is negative or not finite, and a singular Fisher
    ///     matrix, whose redundant direction it names.
    void rhs(std::span<const double> nu, std::span<const double> inputs, std::span<double> rhs) const;
    /// F with this theta in place of theta().
    void rhs(std::span<const double> nu, std::span<const double> inputs, std::span<const double> theta,
             std::span<double> rhs) const;
    /// F_r of each term with theta_r = 1, row-major term_count() x nu_count(): F = SUM_r theta_r F_r.
    void terms(std::span<const double> nu, std::span<const double> inputs, std::span<double> terms) const;
    /// dF_a/dnu_b (nu_count() x nu_count()) and dF_a/du_i (nu_count() x input_count()), exact.
    void jacobian(std::span<const double> nu, std::span<const double> inputs, std::span<double> by_nu,
                  std::span<double> by_input) const;
    void jacobian(std::span<const double> nu, std::span<const double> inputs, std::span<const double> theta,
                  std::span<double> by_nu, std::span<double> by_input) const;
    /// terms(), and dF/dnu for each of several theta (rows of term_count()): rows x nu_count() x
    /// nu_count().
    void slopes(std::span<const double> nu, std::span<const double> inputs, std::span<const double> theta,
                std::span<double> terms, std::span<double> by_nu) const;

    /// On a categorical family with these theta: the same dynamics as transitions between its states, by which they
    /// step exactly. Nothing on another family, for a negative theta, and where a rate is not linear in at most one
    /// input.
    std::optional<std::vector<Transition>> transitions(std::span<const double> theta) const;

private:
    /// k [* parameter] PRODUCT of what is outside the family.
    struct Rate {
        double constant = 0.0;
        std::vector<std::size_t> parameter_inputs;
        std::vector<std::pair<std::size_t, int>> driven;
    };
    void require_inputs() const;
    Roles roles() const;
    /// Appends a term a hopping species; those species.
    std::vector<std::size_t> add_hops(const Roles& roles);
    Rate rate_of(std::size_t reaction, const Roles& roles) const;
    void write_rates(std::span<const double> inputs, std::span<double> rates) const;
    double rate_slope(const Rate& rate, std::span<const double> inputs, std::size_t input) const;
    double amount_factor(double amount, int multiplicity) const;
    double amount_slope(double amount, int multiplicity) const;

    std::shared_ptr<const chemistry::ReactionNetwork> network_;
    std::shared_ptr<const maxent::Family> family_;
    ClosureOptions options_;
    std::vector<std::string> term_names_;
    std::vector<Rate> rates_;
    std::unique_ptr<const ClosureGround> ground_;
};

}  // namespace nubridge::dynamics
