#include "dynamics/stepper.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <utility>

#include "dynamics/rosenbrock.hpp"
#include "dynamics/subunit_sums.hpp"
#include "units/error.hpp"
#include "units/units.hpp"

namespace nubridge::dynamics {

namespace {

std::vector<std::string> names_of(const std::vector<Observable>& observables) {
    std::vector<std::string> names;
    for (const auto& one : observables) names.push_back(one.name);
    return names;
}

class OccupancyStepper final : public Stepper {
public:
    explicit OccupancyStepper(ReducedModelDefinition definition)
        : Stepper({definition.name, definition.states, definition.inputs, names_of(definition.observables),
                   definition.policy}),
          model_(std::move(definition)) {}

    Outcome initial(Policy policy, const double* inputs, double* state) const noexcept override {
        return model_.initial_moments(policy, inputs, state);
    }
    Outcome rhs(Policy policy, const double* state, const double* inputs, double* rates) const noexcept override {
        return model_.rhs_moments(policy, state, inputs, rates);
    }
    Outcome step(Policy policy, const double* inputs, double dt_ms, double* state) const noexcept override {
        return model_.step_moments(policy, state, inputs, dt_ms, state);
    }
    Outcome newton(Policy policy, const double* /*state*/, const double* inputs, double gamma_ms,
                   double* vector) const noexcept override {
        return model_.newton_moments(policy, inputs, gamma_ms, vector);
    }
    Outcome observe(const double* state, double* observables) const noexcept override {
        model_.observe_moments(state, observables);
        return Outcome::ok;
    }
    Outcome observe_rates(const double* /*state*/, const double* rates, double* observables) const noexcept override {
        return observe(rates, observables);  // linear
    }

private:
    ReducedModel model_;
};

class AmountStepper final : public Stepper {
public:
    explicit AmountStepper(MassActionDefinition definition)
        : Stepper({definition.name, definition.states, definition.inputs, names_of(definition.observables),
                   definition.policy}),
          network_(std::move(definition)) {}

    Outcome initial(Policy policy, const double* inputs, double* state) const noexcept override {
        return network_.initial(policy, inputs, state);
    }
    Outcome rhs(Policy policy, const double* state, const double* inputs, double* rates) const noexcept override {
        return network_.rhs(policy, state, inputs, rates);
    }
    Outcome step(Policy policy, const double* inputs, double dt_ms, double* state) const noexcept override {
        return network_.step(policy, inputs, dt_ms, state);
    }
    const MassAction* network() const noexcept override { return &network_; }
    Outcome newton(Policy policy, const double* state, const double* inputs, double gamma_ms,
                   double* vector) const noexcept override {
        return network_.newton(policy, state, inputs, gamma_ms, vector);
    }
    Outcome observe(const double* state, double* observables) const noexcept override {
        network_.observe(state, observables);
        return Outcome::ok;
    }
    Outcome observe_rates(const double* /*state*/, const double* rates, double* observables) const noexcept override {
        return observe(rates, observables);  // linear
    }

private:
    MassAction network_;
};

class LearnedStepper final : public Stepper {
public:
    explicit LearnedStepper(LearnedDefinition definition)
        : Stepper(described(definition)), definition_(std::move(definition)) {
        const std::size_t n = definition_.family->nu_count();
        if (n > max_learned_nu || definition_.inputs.size() > ReducedModel::max_inputs)
            throw ModelInvalid("model '" + definition_.name + "': " + std::to_string(n) + " nu and " +
                               std::to_string(definition_.inputs.size()) + " inputs; a mechanism steps at most " +
                               std::to_string(max_learned_nu) + " and " + std::to_string(ReducedModel::max_inputs) +
                               ": learn a smaller model");
    }

    Outcome initial(Policy policy, const double* inputs, double* state) const noexcept override {
        for (std::size_t a = 0; a < count(); ++a)
            state[a] = 0.5 * (definition_.domain[a].lower + definition_.domain[a].upper);
        double before[max_learned_nu];
        for (double duration_ms = 1e3; duration_ms < 1e10; duration_ms *= 10.0) {
            std::copy_n(state, count(), before);
            const Outcome outcome = step(policy, inputs, duration_ms, state);
            if (outcome > Outcome::outside) return outcome;
            double moved = 0.0;
            for (std::size_t a = 0; a < count(); ++a)
                moved = std::max(moved, std::abs(state[a] - before[a]) / (1.0 + std::abs(state[a])));
            if (!inside(state, 1.0)) return Outcome::not_converged;  // on its way to infinity
            if (moved < 10.0 * tolerance) return outcome;
        }
        return Outcome::not_converged;
    }

    Outcome rhs(Policy policy, const double* state, const double* inputs, double* rates) const noexcept override {
        return with_inputs(policy, state, inputs, [&](const double* u) { return slope(state, u, rates); });
    }

    Outcome step(Policy policy, const double* inputs, double dt_ms, double* state) const noexcept override {
        return with_inputs(policy, state, inputs, [&](const double* u) {
            Solver::Vector y = Eigen::Map<const Eigen::VectorXd>(state, size()), begin(size());
            const bool known = slope(state, u, begin.data()) && inside(state);
            const auto f = [&](double, const Solver::Vector& at, Solver::Vector& out) {
                try {
                    slope(at.data(), u, out.data());
                } catch (const std::exception&) {  // a trial beyond the laws of the family: a shorter one follows
                    out.setConstant(std::numeric_limits<double>::quiet_NaN());
                }
            };
            const auto df = [&](double, const Solver::Vector& at, Solver::Matrix& jacobian, Solver::Vector& by_time) {
                slopes(at.data(), u, jacobian);
                by_time.setZero();
            };
            Solver solver;
            if (dt_ms > 0.0 && !solver.integrate(f, df, dt_ms, tolerance, y).converged)
                throw NotConverged("a step does not settle");
            std::copy_n(y.data(), count(), state);
            return known;
        });
    }

    Outcome newton(Policy policy, const double* state, const double* inputs, double gamma_ms,
                   double* vector) const noexcept override {
        return with_inputs(policy, state, inputs, [&](const double* u) {
            Solver::Matrix system(size(), size());
            slopes(state, u, system);
            system = Solver::Matrix::Identity(size(), size()) - gamma_ms * system;
            Eigen::Map<Eigen::VectorXd> x(vector, size());
            const Solver::Vector b = x;
            x = Eigen::PartialPivLU<Solver::Matrix>(system).solve(b);
            return true;
        });
    }

    Outcome observe(const double* state, double* observables) const noexcept override {
        return kept([&] {
            std::vector<double> moments(definition_.family->moment_count());
            definition_.family->moments({state, count()}, moments);
            std::copy(moments.end() - static_cast<std::ptrdiff_t>(count()), moments.end(), observables);
            return true;
        });
    }

    Outcome observe_rates(const double* state, const double* rates, double* observables) const noexcept override {
        return kept([&] {
            Solver::Matrix fisher(size(), size());
            definition_.family->fisher({state, count()}, {fisher.data(), count() * count()});
            Eigen::Map<Eigen::VectorXd>(observables, size()) =
                maxent::factor(definition_.family->sign()) * fisher * Eigen::Map<const Eigen::VectorXd>(rates, size());
            return true;
        });
    }

private:
    using Solver = Rosenbrock<static_cast<int>(max_learned_nu)>;
    static constexpr double tolerance = 1e-8;

    static Description described(const LearnedDefinition& definition) {
        const auto names = definition.family->nu_names();
        Description description{definition.name, {}, definition.inputs, names, definition.policy};
        for (const auto& name : names) description.states.push_back("nu_" + name);
        return description;
    }

    std::size_t count() const noexcept { return definition_.domain.size(); }
    Eigen::Index size() const noexcept { return std::ssize(definition_.domain); }

    /// Whether nu is in the domain, or off it by at most `widths` of it.
    bool inside(const double* nu, double widths = 0.0) const noexcept {
        for (std::size_t a = 0; a < count(); ++a) {
            const auto& [lower, upper] = definition_.domain[a];
            const double slack = 1e-9 + (1e-9 + widths) * (upper - lower);
            if (!(nu[a] >= lower - slack && nu[a] <= upper + slack)) return false;
        }
        return true;
    }

    FieldPoint point(const double* nu, const double* u) const noexcept {
        return {{nu, count()}, {u, definition_.inputs.size()}, definition_.coefficients};
    }
    /// F per ms; whether it was learned there.
    bool slope(const double* nu, const double* u, double* rates) const {
        const bool reached = definition_.field->rhs(point(nu, u), {rates, count()});
        for (std::size_t a = 0; a < count(); ++a) rates[a] *= units::per_ms_of_per_s;
        return reached;
    }
    void slopes(const double* nu, const double* u, Solver::Matrix& jacobian) const {
        double by_input[max_learned_nu * ReducedModel::max_inputs];
        definition_.field->jacobian(point(nu, u), {jacobian.data(), count() * count()},
                                    {by_input, count() * definition_.inputs.size()});
        jacobian *= units::per_ms_of_per_s;
    }

    /// Runs `body`, which says whether the model was learned where it went.
    template <class Body>
    static Outcome kept(const Body& body) noexcept {
        try {
            return body() ? Outcome::ok : Outcome::outside;
        } catch (const NotConverged&) {
            return Outcome::not_converged;
        } catch (const std::exception&) {
            return Outcome::invalid_state;
        }
    }
    template <class Body>
    Outcome with_inputs(Policy policy, const double* state, const double* inputs, const Body& body) const noexcept {
        double u[ReducedModel::max_inputs];
        const Outcome admitted = admit(policy, inputs, u);
        if (admitted > Outcome::outside) return admitted;
        for (std::size_t a = 0; a < count(); ++a) {
            if (!std::isfinite(state[a])) return Outcome::invalid_state;
        }
        const Outcome outcome = std::max(admitted, kept([&] { return body(u); }));
        return outcome == Outcome::outside && policy == Policy::error ? Outcome::outside_refused : outcome;
    }
    Outcome admit(Policy policy, const double* inputs, double* u) const noexcept {
        Outcome outcome = Outcome::ok;
        for (std::size_t i = 0; i < definition_.inputs.size(); ++i) {
            const Input& known = definition_.inputs[i];
            u[i] = inputs[i];
            if (inputs[i] >= known.lower && inputs[i] <= known.upper) continue;
            if (!std::isfinite(inputs[i]) || (inputs[i] < 0.0 && known.lower >= 0.0)) return Outcome::invalid_input;
            if (policy == Policy::error) return Outcome::outside_refused;
            if (policy == Policy::clamp) u[i] = inputs[i] < known.lower ? known.lower : known.upper;
            outcome = Outcome::outside;
        }
        return outcome;
    }

    LearnedDefinition definition_;
};

}  // namespace

std::unique_ptr<const Stepper> occupancy_stepper(ReducedModelDefinition definition) {
    return std::make_unique<const OccupancyStepper>(std::move(definition));
}

std::unique_ptr<const Stepper> amount_stepper(MassActionDefinition definition) {
    return std::make_unique<const AmountStepper>(std::move(definition));
}

std::unique_ptr<const Stepper> subunit_stepper(MassActionDefinition definition) {
    return std::make_unique<const SubunitSums>(std::move(definition));
}

std::unique_ptr<const Stepper> learned_stepper(LearnedDefinition definition) {
    return std::make_unique<const LearnedStepper>(std::move(definition));
}

}  // namespace nubridge::dynamics
