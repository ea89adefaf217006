#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "chemistry/random_stream.hpp"
#include "maxent/binary_field.hpp"

namespace nubridge::maxent {

/// Markov chains of a binary field, for graphs that no elimination can sum out: Gibbs sweeps and parallel tempering.
///
/// A sweep draws every unit once, in the order of the field, from its law given all others. States are rows of
/// state_size() zeros and ones. Random numbers are those of one RandomStream, so that the same seed gives the same
/// chains.
class GibbsSampler {
public:
    /// The field outlives the sampler.
    explicit GibbsSampler(const BinaryField& field);

    /// How the states of `sample` come about.
    struct Chain {
        std::size_t sweeps;
        /// Replicas at the inverse temperatures 0, 1/(rungs - 1), ..., 1, of which neighbours may swap after each sweep
        /// (Swendsen and Wang 1986); 1 for a plain chain.
        std::size_t rungs = 1;
    };

    /// The ends of independent chains, each from a state drawn with equal chances.
    /// @throws InvalidArgument for a nu that is not finite, and for no sweep or rung.
    void sample(std::span<const double> nu, const Chain& chain, std::uint64_t seed, std::span<double> samples) const;

    /// Moves chains on from where they are.
    /// @param held one a unit, true for units that stay; may be empty.
    /// @param step has random numbers of its own; `sample` has those of step 0.
    /// @throws InvalidArgument for a nu that is not finite, and for a state that is not of zeros and ones.
    void move(std::span<const double> nu, std::size_t sweeps, std::span<const std::uint8_t> held, std::uint64_t seed,
              std::uint64_t step, std::span<double> states) const;

private:
    /// nu times the product of `others_[begin]` to `others_[end - 1]` is added to what drives a unit.
    struct Term {
        std::size_t nu, begin, end;
    };

    void require(std::span<const double> nu, std::size_t sweeps) const;
    std::size_t units() const noexcept { return first_term_.size() - 1; }
    double drive(std::span<const double> nu, std::span<const double> state, std::size_t unit) const noexcept;
    void sweep(std::span<const double> nu, double inverse_temperature, std::span<const std::uint8_t> held,
               std::span<double> state, chemistry::RandomStream& random) const noexcept;
    void swap_neighbours(std::span<const double> nu, std::size_t first, std::span<double> replicas,
                         chemistry::RandomStream& random) const;

    const BinaryField& field_;
    std::vector<std::size_t> first_term_;
    std::vector<Term> terms_;
    std::vector<std::size_t> others_;
};

}  // namespace nubridge::maxent
