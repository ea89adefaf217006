#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "chemistry/random_stream.hpp"
#include "dynamics/mass_action.hpp"

namespace nubridge::dynamics {

/// A network of MassAction in whole molecules: leaps in which each molecule of a state takes one of the reactions that
/// start there, or none, with the probabilities rate * h.
///
/// Independent molecules are so a Markov chain whose stationary law is that of the reactions, at any h; the mean moves
/// as by Euler's method. No leap is longer than a tenth of the fastest rate's time. Whole numbers and totals are kept
/// exactly. Immutable; every function is pure, re-entrant and does not allocate.
class MoleculeLeap {
public:
    explicit MoleculeLeap(const MassActionDefinition& definition);

    /// x (uM) to whole molecules in volume_um3: each amount up or down by chance so that its mean stays, the state that
    /// holds a total at the start taking what is left of the nearest whole total.
    void round(double volume_um3, chemistry::RandomStream& random, double* x) const noexcept;
    /// x after dt_ms at constant inputs.
    /// @param fastest_per_ms the largest rate out of any state.
    void leap(const double* inputs, double dt_ms, double fastest_per_ms, double volume_um3,
              chemistry::RandomStream& random, double* x) const noexcept;

private:
    struct Channel {
        std::size_t second = 0;  ///< states: none
        std::size_t input = 0;   ///< inputs: none
        std::size_t change_begin = 0, change_end = 0;
        double rate_constant = 0.0;
        bool takes_two = false;  ///< of the same state
    };
    /// The reactions that start with a molecule of one state.
    struct Source {
        std::size_t state = 0;
        std::size_t begin = 0, end = 0;
    };

    void once(const double* inputs, double h_ms, double per_uM, chemistry::RandomStream& random,
              double* counts) const noexcept;
    double rate(const Channel& channel, std::size_t state, const double* inputs, double per_uM,
                const double* counts) const noexcept;
    void fire(const Channel& channel, double times, double* counts) const noexcept;

    std::size_t states_ = 0;
    std::size_t inputs_ = 0;
    std::vector<ConservedTotal> totals_;
    std::vector<Source> sources_;
    std::vector<Channel> channels_;
    std::vector<StateChange> changes_;
};

}  // namespace nubridge::dynamics
