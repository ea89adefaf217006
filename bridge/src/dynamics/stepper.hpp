#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dynamics/mass_action.hpp"
#include "dynamics/reduced_model.hpp"
#include "dynamics/vector_field.hpp"
#include "maxent/family.hpp"

namespace nubridge::dynamics {

/// A model of any kind in the state that a mechanism keeps: occupancies of a channel, amounts of a network, nu of a
/// learned family.
///
/// Pure and re-entrant; pointers are to one instance. Inputs are in their own units, times in ms.
class Stepper {
public:
    /// What there is to name.
    struct Description {
        std::string name;
        std::vector<std::string> states;
        std::vector<Input> inputs;
        std::vector<std::string> observables;
        Policy policy = Policy::clamp;
    };

    explicit Stepper(Description description) : description_(std::move(description)) {}
    virtual ~Stepper() = default;
    const Description& description() const noexcept { return description_; }

    /// The steady state at constant inputs; of amounts without the reactions that are off at rest.
    virtual Outcome initial(Policy policy, const double* inputs, double* state) const noexcept = 0;
    /// d state/dt.
    virtual Outcome rhs(Policy policy, const double* state, const double* inputs, double* rates) const noexcept = 0;
    /// The state after dt_ms at constant inputs, in place.
    virtual Outcome step(Policy policy, const double* inputs, double dt_ms, double* state) const noexcept = 0;
    /// The network of a model in amounts, which can be stepped in whole molecules; else null.
    virtual const MassAction* network() const noexcept { return nullptr; }
    /// vector <- (I - gamma J)^-1 vector, J = d rhs/d state.
    virtual Outcome newton(Policy policy, const double* state, const double* inputs, double gamma_ms,
                           double* vector) const noexcept = 0;
    virtual Outcome observe(const double* state, double* observables) const noexcept = 0;
    /// How fast the observables move when the state moves at these rates.
    virtual Outcome observe_rates(const double* state, const double* rates, double* observables) const noexcept = 0;

private:
    Description description_;
};

/// A vector field that was learned on a family, with the domain of its data.
struct LearnedDefinition {
    std::string name;
    std::vector<Input> inputs;
    std::shared_ptr<const maxent::Family> family;
    std::shared_ptr<const VectorField> field;
    std::vector<double> coefficients;
    struct Range {
        double lower = 0.0;
        double upper = 0.0;
    };
    /// One a nu.
    std::vector<Range> domain;
    Policy policy = Policy::clamp;
};

/// The most nu of a learned model that a mechanism steps.
inline constexpr std::size_t max_learned_nu = 32;

/// In occupancies, by exact steps. Does not allocate.
/// @throws ModelInvalid.
std::unique_ptr<const Stepper> occupancy_stepper(ReducedModelDefinition definition);
/// In amounts (uM), by explicit steps. Does not allocate.
/// @throws ModelInvalid.
std::unique_ptr<const Stepper> amount_stepper(MassActionDefinition definition);
/// In sums over the subunits of CaMKII (SubunitSums), by explicit steps. Does not allocate.
/// @throws ModelInvalid.
std::unique_ptr<const Stepper> subunit_stepper(MassActionDefinition definition);
/// In nu, by L-stable steps of relative and absolute error 1e-8; the observables are the moments <X>. Fields and
/// families may allocate, so steps do.
/// @throws ModelInvalid for more than max_learned_nu nu, or too many inputs.
std::unique_ptr<const Stepper> learned_stepper(LearnedDefinition definition);

}  // namespace nubridge::dynamics
