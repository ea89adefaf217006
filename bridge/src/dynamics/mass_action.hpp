#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chemistry/random_stream.hpp"
#include "dynamics/reduced_model.hpp"

namespace nubridge::dynamics {

/// How often a state changes in one reaction.
struct StateChange {
    std::size_t state = 0;
    double count = 0.0;
};

/// A mass-action reaction of one or two reactants; flux = rate_constant [* input] * product of the reactants.
struct MassActionReaction {
    std::size_t first = 0;
    std::optional<std::size_t> second;
    std::vector<StateChange> changes;
    /// /ms, or per uM of the second reactant, or per unit of the input.
    double rate_constant = 0.0;
    std::optional<std::size_t> input;
    /// Off while the resting state is sought: what it makes is never unmade.
    bool off_at_rest = false;
};

/// A conserved total that an input gives: SUM weight x = the input. At the start all of it is in one state.
struct ConservedTotal {
    std::size_t input = 0;
    std::size_t start = 0;
    std::vector<double> weights;
};

/// A reaction network as the dynamics of amounts in uM; see model_file for its text form.
struct MassActionDefinition {
    std::string name;
    std::vector<std::string> states;
    std::vector<Input> inputs;
    std::vector<MassActionReaction> reactions;
    std::vector<ConservedTotal> totals;
    std::vector<Observable> observables;
    Policy policy = Policy::clamp;
};

/// How a span of time is cut: steps of `stages` Euler stages.
struct StepPlan {
    std::size_t steps = 1;
    std::size_t stages = 2;
    double stage_ms = 0.0;
};

/// Defined in molecule_leap.hpp.
class MoleculeLeap;

/// The kernel of a topology that is compiled, with its rates; defined in paired_kernel.hpp.
struct PairedNetwork;

/// A network in the form that the kernels read, and dx/dt = F(x; inputs) of it.
///
/// The explicit step is the optimal one of second order among those that preserve strong stability (Ketcheson 2008,
/// doi:10.1137/07070485X; of two stages it is Heun's): stages of Euler, then their end and the begin in the weights
/// (stages - 1) : 1. A stage times the largest rate out of any state is at most 1, so that none makes an amount
/// negative, and by Gershgorin's circles of a network that conserves its totals no eigenvalue is beyond -2 / stage.
///
/// Immutable after construction; every function is pure, re-entrant and does not allocate.
class MassAction {
public:
    static constexpr std::size_t max_states = 96;
    static constexpr std::size_t max_inputs = ReducedModel::max_inputs;
    static constexpr std::size_t max_substeps = 100000;

    /// @throws ModelInvalid for a definition that breaks a rule; the message names it.
    explicit MassAction(MassActionDefinition definition);
    ~MassAction();
    MassAction(const MassAction&) = delete;
    MassAction& operator=(const MassAction&) = delete;

    const MassActionDefinition& definition() const noexcept { return definition_; }
    std::size_t state_count() const noexcept { return definition_.states.size(); }
    std::size_t input_count() const noexcept { return definition_.inputs.size(); }
    std::size_t observable_count() const noexcept { return definition_.observables.size(); }
    /// Whether a kernel of a topology that we compile serves this network.
    bool is_compiled() const noexcept { return paired_ != nullptr; }

    /// The steady state at constant inputs without the reactions that are off at rest.
    Outcome initial(Policy policy, const double* inputs, double* x) const noexcept;
    /// dx/dt in uM/ms.
    Outcome rhs(Policy policy, const double* x, const double* inputs, double* rates) const noexcept;
    /// x after dt_ms at constant inputs, in place.
    Outcome step(Policy policy, const double* inputs, double dt_ms, double* x) const noexcept;
    /// x in whole molecules: see MoleculeLeap::round.
    void round(double volume_um3, chemistry::RandomStream& random, double* x) const noexcept;
    /// x after dt_ms at constant inputs in whole molecules: see MoleculeLeap::leap.
    Outcome leap(Policy policy, const double* inputs, double dt_ms, double volume_um3, chemistry::RandomStream& random,
                 double* x) const noexcept;
    /// vector <- (I - gamma J(x))^-1 vector.
    Outcome newton(Policy policy, const double* x, const double* inputs, double gamma_ms,
                   double* vector) const noexcept;
    /// Linear observables of the amounts.
    void observe(const double* x, double* observables) const noexcept;
    /// The largest rate out of any state, /ms, at any amounts that the totals allow.
    double largest_rate(const double* inputs) const noexcept;
    /// The inputs that are stepped with, as the policy has it.
    Outcome admit(Policy policy, const double* inputs, double* admitted) const noexcept;
    /// How a step is cut, or none for more than max_substeps.
    std::optional<StepPlan> plan(const double* inputs, double dt_ms) const noexcept;
    /// dx/dt by the list of reactions, whatever kernel serves the step.
    void rates_by_reactions(const double* inputs, bool at_rest, const double* x, double* rates) const noexcept;

private:
    /// One entry of the Jacobian: coefficient * factor[scale] * x[other], other = states for 1.
    struct Term {
        std::uint32_t row = 0;
        std::uint32_t column = 0;
        std::uint32_t other = 0;
        std::uint32_t scale = 0;
        double coefficient = 0.0;
    };
    struct Flux {
        std::uint32_t first = 0;
        std::uint32_t second = 0;
        std::uint32_t scale = 0;
        std::uint32_t change_end = 0;
        double rate_constant = 0.0;
    };

    void require_valid() const;
    void compile_reactions();
    void compile_bounds();
    void compile_order();
    void scales(const double* inputs, bool at_rest, double* factors) const noexcept;
    bool solve(const double* inputs, bool at_rest, const double* x, double gamma_ms, double* vector) const noexcept;
    bool relax(const double* inputs, double h_ms, double* x) const noexcept;
    void step_by_reactions(const double* inputs, const StepPlan& plan, double* x) const noexcept;
    double rate_out(std::size_t state, std::size_t component) const;

    MassActionDefinition definition_;
    std::vector<Flux> fluxes_;
    std::vector<StateChange> changes_;
    std::vector<Term> terms_;
    std::vector<std::uint32_t> elimination_;
    /// Rates out of a state as affine functions of the inputs, those that no other exceeds: rows of 1 + inputs.
    std::vector<double> bounds_;
    std::unique_ptr<const PairedNetwork> paired_;
    std::unique_ptr<const MoleculeLeap> molecules_;
};

}  // namespace nubridge::dynamics
