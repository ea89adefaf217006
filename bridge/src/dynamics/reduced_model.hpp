#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dynamics/closure.hpp"
#include "dynamics/propagator.hpp"
#include "maxent/categorical.hpp"

namespace nubridge::dynamics {

/// What happens to an input outside the domain. The numbers are those of the C interface.
enum class Policy : int { clamp = 1, extrapolate = 2, error = 3 };

/// An input u of the dynamics: calcium, voltage, temperature.
struct Input {
    std::string name;
    std::string unit;
    /// The domain in which the model's errors are stated.
    double lower = 0.0;
    double upper = 0.0;
};

/// A linear observable SUM_s weight_s p_s of the occupancies.
struct Observable {
    std::string name;
    std::string unit;
    std::vector<double> weights;
};

/// Everything that defines a reduced model; see model_file for its text form.
struct ReducedModelDefinition {
    std::string name;
    maxent::Sign sign = maxent::Sign::minus;
    std::vector<std::string> states;
    std::vector<Input> inputs;
    std::vector<Transition> transitions;
    std::vector<Observable> observables;
    Policy policy = Policy::clamp;
};

/// The outcome of one instance on the step path.
enum class Outcome : int { ok, outside, invalid_input, invalid_state, outside_refused, not_converged };

/// A maximum-entropy family, its dynamics and its observables: one immutable object, shared by every instance and
/// thread.
///
/// All functions are pure and take one instance; the state is the caller's, either nu or the dual moments
/// (occupancies). An input that multiplies a rate must be finite and >= 0; outside its domain the policy decides and
/// the outcome says so.
class ReducedModel {
public:
    static constexpr std::size_t max_states = TransitionNetwork::max_states;
    static constexpr std::size_t max_inputs = TransitionNetwork::max_inputs;

    /// @throws ModelInvalid for a definition that breaks a rule; the message names it.
    explicit ReducedModel(ReducedModelDefinition definition);

    const ReducedModelDefinition& definition() const noexcept { return definition_; }
    const maxent::Categorical& family() const noexcept { return family_; }
    const Closure& closure() const noexcept { return closure_; }
    const Propagator& propagator() const noexcept { return propagator_; }
    std::size_t nu_count() const noexcept { return family_.nu_count(); }
    std::size_t state_count() const noexcept { return family_.moment_count(); }
    std::size_t input_count() const noexcept { return definition_.inputs.size(); }
    std::size_t observable_count() const noexcept { return definition_.observables.size(); }

    /// Checks the inputs and applies the policy: `admitted` is what the dynamics sees.
    Outcome admit(Policy policy, const double* inputs, double* admitted) const noexcept {
        Outcome outcome = Outcome::ok;
        for (std::size_t i = 0; i < domain_.size(); ++i) {
            admitted[i] = inputs[i];
            if (inputs[i] >= domain_[i].lower && inputs[i] <= domain_[i].upper) [[likely]]
                continue;
            const Outcome one = admit_outside(policy, i, inputs[i], admitted[i]);
            if (one != Outcome::outside) return one;
            outcome = one;
        }
        return outcome;
    }

    /// The steady state at constant inputs, as occupancies.
    Outcome initial_moments(Policy policy, const double* inputs, double* moments) const noexcept;
    /// d moments/dt, per ms.
    Outcome rhs_moments(Policy policy, const double* moments, const double* inputs, double* rates) const noexcept;
    /// The exact step at constant inputs; in place allowed.
    Outcome step_moments(Policy policy, const double* moments, const double* inputs, double dt_ms,
                         double* out) const noexcept;
    /// x <- (I - gamma Q)^-1 x.
    Outcome newton_moments(Policy policy, const double* inputs, double gamma_ms, double* x) const noexcept;
    /// Linear observables of the occupancies.
    void observe_moments(const double* moments, double* observables) const noexcept;

    /// d nu/dt, per ms.
    Outcome rhs(Policy policy, const double* nu, const double* inputs, double* rhs) const noexcept;
    /// nu after dt_ms while the inputs move linearly from `begin` to `end`, by Rosenbrock steps of the given tolerance.
    Outcome step_ramp(Policy policy, const double* nu, const double* begin, const double* end, double dt_ms,
                      double tolerance, double* out) const noexcept;

private:
    struct Bounds {
        double lower;
        double upper;
        bool multiplies_a_rate;
    };
    Outcome admit_outside(Policy policy, std::size_t input, double value, double& admitted) const noexcept;
    void require_valid() const;

    ReducedModelDefinition definition_;
    maxent::Categorical family_;
    Closure closure_;
    Propagator propagator_;
    std::vector<Bounds> domain_;
};

}  // namespace nubridge::dynamics
