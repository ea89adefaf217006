#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "dynamics/mass_action.hpp"

namespace nubridge::dynamics {

/// The topology of calmodulin and CaMKII (Pepke et al. 2010), which is compiled. States in this order:
/// K; M[9] calmodulin with c and n ions on its lobes, 3c + n; A[9] its complexes with K; T phosphorylated subunits;
/// P[5][9] pairs of the subunits i and i + d (mod 9), row d; Q[9] pairs of T with the subunit i; C the calcium on T.
///
/// Rows of nine are computed in lanes of twelve, three vectors of four: a rate of a lane past the ninth is 0.
struct PairedRates {
    static constexpr std::size_t kinds = 9;
    static constexpr std::size_t lanes = 12;
    static constexpr std::size_t turns = 5;
    static constexpr std::size_t K = 0;
    static constexpr std::size_t M = 1;
    static constexpr std::size_t A = M + kinds;
    static constexpr std::size_t T = A + kinds;
    static constexpr std::size_t P = T + 1;
    static constexpr std::size_t Q = P + turns * kinds;
    static constexpr std::size_t C = Q + kinds;
    static constexpr std::size_t states = C + 1;
    /// What a kernel may read and write past the last state.
    static constexpr std::size_t room = states + lanes;

    using Lanes = std::array<double, lanes>;
    using Turns = std::array<Lanes, turns>;
    /// Calcium on and off the C lobe (i to i + 3) and the N lobe (i to i + 1) of M and A.
    struct Lobes {
        Lanes c_on{}, c_off{}, n_on{}, n_off{};
    };
    alignas(32) Lobes free{}, bound{};
    Lanes k_on{}, k_off{};
    Turns pair_on{}, pair_off{};
    /// Phosphorylation of the first and of the second of a pair, and of the subunit beside T.
    Turns first_p{}, second_p{};
    Lanes beside_on{}, beside_off{}, beside_p{};
    /// Calcium ions on each kind, and on the second of a pair.
    Lanes ions{};
    Turns second_ions{};

    /// The rates of a network of this topology, or none.
    static std::unique_ptr<PairedRates> of(const MassActionDefinition& definition);
};

/// x after `substeps` steps of h_ms of Heun's method at constant calcium; x has `room` numbers, those past the last
/// state finite.
using PairedStep = void (*)(const PairedRates&, double ca_uM, double h_ms, std::size_t substeps, double* x) noexcept;

/// The kernel for this processor: AVX2 where it has it.
PairedStep choose_paired_step();

}  // namespace nubridge::dynamics
