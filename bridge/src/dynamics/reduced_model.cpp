#include "dynamics/reduced_model.hpp"

#include <cmath>
#include <set>
#include <sstream>
#include <utility>

#include "dynamics/rosenbrock.hpp"
#include "units/error.hpp"

namespace nubridge::dynamics {

namespace {

template <class... Parts>
[[noreturn]] void refuse(const std::string& model, const Parts&... parts) {
    std::ostringstream message;
    message << "model '" << model << "': ";
    (message << ... << parts);
    throw ModelInvalid(message.str());
}

ReducedModelDefinition with_distinct_names(ReducedModelDefinition definition) {
    std::set<std::string> seen;
    const auto once = [&](const std::string& name, const char* what) {
        if (name.empty()) refuse(definition.name, "a ", what, " has an empty name; name it");
        if (!seen.insert(name).second)
            refuse(definition.name, "the name '", name, "' of a ", what, " is used twice; names are unique");
    };
    for (const auto& state : definition.states) once(state, "state");
    for (const auto& input : definition.inputs) once(input.name, "input");
    for (const auto& observable : definition.observables) once(observable.name, "observable");
    return definition;
}

}  // namespace

ReducedModel::ReducedModel(ReducedModelDefinition definition)
    : definition_(with_distinct_names(std::move(definition))),
      family_(definition_.states.size(), definition_.sign),
      closure_(TransitionNetwork(definition_.states.size(), definition_.inputs.size(), definition_.transitions),
               definition_.sign),
      propagator_(closure_.network()) {
    require_valid();
    for (std::size_t i = 0; i < input_count(); ++i) {
        bool multiplies = false;
        for (const Transition& transition : definition_.transitions) multiplies = multiplies || transition.input == i;
        domain_.push_back({definition_.inputs[i].lower, definition_.inputs[i].upper, multiplies});
    }
}

void ReducedModel::require_valid() const {
    for (const Input& input : definition_.inputs) {
        if (!std::isfinite(input.lower) || !std::isfinite(input.upper) || input.lower >= input.upper) {
            refuse(definition_.name, "the domain of input '", input.name, "' is [", input.lower, ", ", input.upper,
                   "]; it needs two finite numbers, the first smaller");
        }
    }
    for (const Transition& transition : definition_.transitions) {
        if (transition.input && definition_.inputs[*transition.input].lower < 0.0) {
            refuse(definition_.name, "input '", definition_.inputs[*transition.input].name,
                   "' multiplies a rate but its domain starts at ", definition_.inputs[*transition.input].lower,
                   "; start it at 0 or above");
        }
    }
    if (definition_.observables.empty())
        refuse(definition_.name, "there is no observable; NEURON would have nothing to read");
    for (const Observable& observable : definition_.observables) {
        if (observable.weights.size() != state_count()) {
            refuse(definition_.name, "observable '", observable.name, "' has ", observable.weights.size(),
                   " weights for ", state_count(), " states");
        }
        for (const double weight : observable.weights) {
            if (!std::isfinite(weight))
                refuse(definition_.name, "a weight of observable '", observable.name, "' is ", weight,
                       "; weights are finite");
        }
    }
}

Outcome ReducedModel::admit_outside(Policy policy, std::size_t input, double value, double& admitted) const noexcept {
    const Bounds& bounds = domain_[input];
    if (!std::isfinite(value) || (bounds.multiplies_a_rate && value < 0.0)) return Outcome::invalid_input;
    if (policy == Policy::error) return Outcome::outside_refused;
    if (policy == Policy::clamp) admitted = value < bounds.lower ? bounds.lower : bounds.upper;
    return Outcome::outside;
}

Outcome ReducedModel::initial_moments(Policy policy, const double* inputs, double* moments) const noexcept {
    double u[max_inputs];
    const Outcome outcome = admit(policy, inputs, u);
    if (outcome > Outcome::outside) return outcome;
    return propagator_.steady_state(u, moments) ? outcome : Outcome::invalid_state;
}

Outcome ReducedModel::rhs_moments(Policy policy, const double* moments, const double* inputs,
                                  double* rates) const noexcept {
    double u[max_inputs];
    const Outcome outcome = admit(policy, inputs, u);
    if (outcome > Outcome::outside) return outcome;
    propagator_.rates(u, moments, rates);
    return outcome;
}

Outcome ReducedModel::step_moments(Policy policy, const double* moments, const double* inputs, double dt_ms,
                                   double* out) const noexcept {
    double u[max_inputs];
    const Outcome outcome = admit(policy, inputs, u);
    if (outcome > Outcome::outside) return outcome;
    return propagator_.step(u, dt_ms, moments, out) ? outcome : Outcome::invalid_state;
}

Outcome ReducedModel::newton_moments(Policy policy, const double* inputs, double gamma_ms, double* x) const noexcept {
    double u[max_inputs];
    const Outcome outcome = admit(policy, inputs, u);
    if (outcome > Outcome::outside) return outcome;
    propagator_.solve_implicit(u, gamma_ms, x);
    return outcome;
}

void ReducedModel::observe_moments(const double* moments, double* observables) const noexcept {
    for (std::size_t k = 0; k < observable_count(); ++k) {
        double sum = 0.0;
        for (std::size_t state = 0; state < state_count(); ++state)
            sum += definition_.observables[k].weights[state] * moments[state];
        observables[k] = sum;
    }
}

Outcome ReducedModel::rhs(Policy policy, const double* nu, const double* inputs, double* rhs) const noexcept {
    double u[max_inputs];
    const Outcome outcome = admit(policy, inputs, u);
    if (outcome > Outcome::outside) return outcome;
    closure_.rhs({nu, nu_count()}, {u, input_count()}, {rhs, nu_count()});
    return outcome;
}

Outcome ReducedModel::step_ramp(Policy policy, const double* nu, const double* begin, const double* end, double dt_ms,
                                double tolerance, double* out) const noexcept {
    double u_begin[max_inputs], u_end[max_inputs];
    const Outcome first = admit(policy, begin, u_begin);
    if (first > Outcome::outside) return first;
    const Outcome last = admit(policy, end, u_end);
    if (last > Outcome::outside) return last;

    using Solver = Rosenbrock<static_cast<int>(max_states) - 1>;
    const auto n = static_cast<Eigen::Index>(nu_count());
    const auto m = static_cast<Eigen::Index>(input_count());
    const auto inputs_at = [&](double t, double* u) {
        for (Eigen::Index i = 0; i < m; ++i) u[i] = u_begin[i] + (u_end[i] - u_begin[i]) * (t / dt_ms);
    };
    const auto f = [&](double t, const Solver::Vector& y, Solver::Vector& slope) {
        double u[max_inputs];
        inputs_at(t, u);
        closure_.rhs({y.data(), nu_count()}, {u, input_count()}, {slope.data(), nu_count()});
    };
    const auto df = [&](double t, const Solver::Vector& y, Solver::Matrix& jacobian, Solver::Vector& time_derivative) {
        double u[max_inputs];
        double by_input[max_states * max_inputs];
        inputs_at(t, u);
        closure_.jacobian_nu({y.data(), nu_count()}, {u, input_count()}, {jacobian.data(), nu_count() * nu_count()});
        closure_.jacobian_input({y.data(), nu_count()}, {u, input_count()}, {by_input, nu_count() * input_count()});
        time_derivative.setZero();
        for (Eigen::Index a = 0; a < n; ++a) {
            for (Eigen::Index i = 0; i < m; ++i)
                time_derivative[a] += by_input[a * m + i] * (u_end[i] - u_begin[i]) / dt_ms;
        }
    };
    Solver::Vector y = Eigen::Map<const Solver::Vector>(nu, n);
    Solver solver;
    if (!solver.integrate(f, df, dt_ms, tolerance, y).converged) return Outcome::not_converged;
    Eigen::Map<Solver::Vector>(out, n) = y;
    return first == Outcome::ok ? last : first;
}

}  // namespace nubridge::dynamics
