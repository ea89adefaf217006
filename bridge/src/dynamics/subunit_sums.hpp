#pragma once

#include <vector>

#include "dynamics/mass_action.hpp"
#include "dynamics/stepper.hpp"
#include "dynamics/subunit_kernel.hpp"

namespace nubridge::dynamics {

/// The network of calmodulin and CaMKII with its 54 kinds of pairs given up for sums over their subunits: 32 states in
/// the order of SubunitRates, 29 without the two totals and the calcium on S.
///
/// The sums follow the network but for one thing, which partner a subunit has when it is phosphorylated: that is the
/// law of maximum entropy of the given sums. While nothing is phosphorylated they are exact. All rates are read from
/// the network. Stepped as MassAction is, under the same bound, but that who pairs with whom is found once a step: S is
/// of first order in its length.
///
/// Immutable after construction; every function is pure, re-entrant and does not allocate.
class SubunitSums final : public Stepper {
public:
    /// @throws ModelInvalid for another topology, rates of pairs that depend on the partner, or an observable that is
    /// not a sum over subunits.
    explicit SubunitSums(MassActionDefinition definition);

    Outcome initial(Policy policy, const double* inputs, double* state) const noexcept override;
    Outcome rhs(Policy policy, const double* state, const double* inputs, double* rates) const noexcept override;
    Outcome step(Policy policy, const double* inputs, double dt_ms, double* state) const noexcept override;
    Outcome newton(Policy policy, const double* state, const double* inputs, double gamma_ms,
                   double* vector) const noexcept override;
    Outcome observe(const double* state, double* observables) const noexcept override;
    Outcome observe_rates(const double* state, const double* rates, double* observables) const noexcept override;

    const SubunitRates& rates() const noexcept { return rates_; }
    /// The sums of the network's amounts.
    void sum_up(const double* amounts, double* state) const noexcept;

private:
    MassAction network_;
    SubunitRates rates_{};
    std::vector<std::vector<double>> weights_;
    SubunitStep step_ = paired_sums_step_generic;
    SubunitSlopes slopes_ = paired_sums_slopes_generic;
};

}  // namespace nubridge::dynamics
