#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

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

    using Lanes = std::array<double, lanes>;
    using Turns = std::array<Lanes, turns>;
    /// Calcium on M and A: into i from i - 3 (C lobe) and i - 1 (N lobe), from i + 3 and i + 1 as it leaves those, and
    /// out of i by its coming and going.
    struct Lobes {
        Lanes c_on{}, n_on{}, c_off{}, n_off{}, on{}, off{};
    };
    alignas(32) Lobes free{}, bound{};
    Lanes k_on{}, k_off{};
    /// What makes a pair; all that ends it; what of that gives back its first and its second subunit, phosphorylates
    /// one, and takes calcium along to T.
    Turns pair_on{}, pair_off{}, to_first{}, to_second{}, phosphorylated{}, ions{};
    /// The same of a subunit beside T.
    Lanes beside_on{}, beside_off{}, beside_p{}, beside_ions{};
};

/// x after some steps at constant calcium; x has `states` numbers.
using PairedStep = void (*)(const PairedRates&, double ca_uM, const StepPlan& plan, double* x) noexcept;

/// The weights of an observable in rows of lanes. The last row ends with the last state, so that what it shares with
/// the one before is 0 in it.
struct PairedWeights {
    static constexpr std::size_t rows = (PairedRates::states + PairedRates::lanes - 1) / PairedRates::lanes;
    std::array<PairedRates::Lanes, rows> row{};
};
using PairedObservables = std::vector<PairedWeights>;
/// observables = weights x; x has `states` numbers.
using PairedObserve = void (*)(const PairedObservables& weights, const double* x, double* observables) noexcept;

/// A network of this topology with the kernels for this processor, those with AVX2 where it has that.
struct PairedNetwork {
    PairedRates rates{};
    PairedObservables observables{};
    PairedStep step = nullptr;
    PairedObserve observe = nullptr;

    /// Of a network of this topology, or none.
    static std::unique_ptr<const PairedNetwork> of(const MassActionDefinition& definition);
};

}  // namespace nubridge::dynamics
