#pragma once

#include <cstddef>

#include "dynamics/paired_kernel.hpp"

namespace nubridge::dynamics {

/// What the sums over subunits need of the network of calmodulin and CaMKII, in the rows of PairedRates. States in this
/// order: K; M[9]; A[9]; S, phosphorylated subunits, free or in pairs; B[9], subunits in pairs that are not; Q, pairs
/// with one of S; H, pairs of two `fastest`, the kind that is phosphorylated fastest; C, the calcium on S.
struct SubunitRates {
    using R = PairedRates;
    static constexpr std::size_t K = R::K;
    static constexpr std::size_t M = R::M;
    static constexpr std::size_t A = R::A;
    static constexpr std::size_t S = R::T;
    static constexpr std::size_t B = S + 1;
    static constexpr std::size_t Q = B + R::kinds;
    static constexpr std::size_t H = Q + 1;
    static constexpr std::size_t C = H + 1;
    static constexpr std::size_t states = C + 1;

    alignas(32) R::Lobes free{}, bound{};
    R::Lanes k_on{}, k_off{};
    /// Phosphorylation of a subunit in a pair, and the calcium that it takes along.
    R::Lanes phosphorylation{}, ions{};
    /// Of any two subunits.
    double pair_on = 0.0, pair_off = 0.0;
    std::size_t fastest = 0;
};

/// x after some steps at constant calcium; x has `states` numbers.
using SubunitStep = void (*)(const SubunitRates&, double ca_uM, const StepPlan& plan, double* x) noexcept;
/// dx/dt, per ms.
using SubunitSlopes = void (*)(const SubunitRates&, double ca_uM, const double* x, double* slopes) noexcept;

void paired_sums_step_generic(const SubunitRates& rates, double ca_uM, const StepPlan& plan, double* x) noexcept;
void paired_sums_slopes_generic(const SubunitRates& rates, double ca_uM, const double* x, double* slopes) noexcept;
#if defined(NUBRIDGE_HAVE_AVX2)
void paired_sums_step_avx2(const SubunitRates& rates, double ca_uM, const StepPlan& plan, double* x) noexcept;
void paired_sums_slopes_avx2(const SubunitRates& rates, double ca_uM, const double* x, double* slopes) noexcept;
#endif

}  // namespace nubridge::dynamics
