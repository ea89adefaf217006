#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "chemistry/engine.hpp"
#include "chemistry/input.hpp"
#include "chemistry/network.hpp"

namespace nubridge::chemistry {

/// Propensities in molecules and seconds, as a product of the `combinations` of the reactants and the `rate` of one
/// combination, which moves in time when an input drives the rate constant or a reactant.
class Propensities {
public:
    /// @param network its driven species are fixed (see `clamped`).
    /// @param molecules_per_unit of the network's amounts.
    Propensities(std::shared_ptr<const ReactionNetwork> network, std::vector<Input> inputs, double molecules_per_unit);

    std::size_t size() const noexcept { return rows_.size(); }
    /// Back to the network's rate constants.
    void reset();
    /// @throws InvalidArgument for a rate constant that is negative or not finite, or that an input drives.
    void set_rate_constant(std::size_t reaction, double k);
    /// @throws InvalidArgument when an input drives the species.
    void require_free(std::size_t species) const;

    /// PROD n (n-1) ... / m! over the reactants that no input drives, and never below 0; n are molecules.
    double combinations(std::size_t reaction, std::span<const double> n) const noexcept;
    /// Per second.
    double rate(std::size_t reaction, double t_s) const noexcept;
    /// Of the rate, from `from_s` to `to_s`: exact without inputs, else by Gauss' three points, which calls for a
    /// `to_s` of at most next_stop(from_s).
    double integral(std::size_t reaction, double from_s, double to_s) const noexcept;
    /// A number that the rate does not exceed from `from_s` to `to_s`.
    double bound(std::size_t reaction, double from_s, double to_s) const noexcept;
    /// Where an input jumps, or has moved far; infinity without inputs.
    double next_stop(double t_s) const noexcept;
    /// Writes the molecules of the driven species.
    void follow(double t_s, std::span<double> n) const noexcept;

private:
    struct Row {
        double k = 0.0;                             // per combination, without what is driven
        double scale = 1.0;                         // k of a rate constant of 1 per unit of amount
        std::vector<ReactionNetwork::Term> terms;   // not driven
        std::vector<ReactionNetwork::Term> driven;  // species: of inputs_
        std::optional<std::size_t> rate;            // the input that is the rate constant
    };
    void add_driver(std::size_t number);

    std::shared_ptr<const ReactionNetwork> network_;
    std::vector<Input> inputs_;
    double unit_;
    std::vector<Row> rows_;
};

}  // namespace nubridge::chemistry
