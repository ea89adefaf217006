#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "dynamics/vector_field.hpp"
#include "maxent/family.hpp"

namespace nubridge::learning {

/// What was seen of one protocol: awake moments at times, and the inputs that drove them.
struct Protocol {
    /// Ascending.
    std::vector<double> times_s = {};
    /// times x inputs, linear between the times.
    std::vector<double> inputs = {};
    /// times x nu: <X_a> of the data, for each nu.
    std::vector<double> awake = {};
    /// One a time: the weights of the sum over times. 0 leaves a time out.
    std::vector<double> weights = {};
    /// nu at the first time.
    std::vector<double> begin = {};
};

/// The action S = SUM_i w_i (ln Z(nu(t_i)) - sign nu(t_i) . awake_i) of one protocol: SUM w_i KL(p(t_i) || p~(nu(t_i)))
/// up to a constant of the data, with nu(t) by Runge and Kutta's fourth order on `substeps` equal steps from each time
/// to the next.
///
/// Gradients are those of this sum, exact to rounding: the adjoint is that of the discrete steps.
/// Immutable and re-entrant. What throws: InvalidArgument, when nu leaves the region where the family has a law.
class Action {
public:
    /// @throws InvalidArgument for sizes that do not fit, times that do not ascend, numbers that are not finite.
    Action(std::shared_ptr<const dynamics::VectorField> field, std::shared_ptr<const maxent::Family> family,
           Protocol protocol, std::size_t substeps);

    std::size_t time_count() const noexcept { return protocol_.times_s.size(); }
    const dynamics::VectorField& field() const noexcept { return *field_; }

    /// S, and nu at the times (times x nu) unless `trajectory` is empty.
    double value(std::span<const double> coefficients, std::span<double> trajectory) const;
    /// S; `gradient` gets dS/dc, by the discrete adjoint: one run forward and one back.
    double by_adjoint(std::span<const double> coefficients, std::span<double> gradient) const;
    /// The same by forward sensitivities.
    double by_sensitivities(std::span<const double> coefficients, std::span<double> gradient) const;
    /// d nu_a(t_i)/dc_j, times x nu x coefficients; `trajectory` as above.
    void sensitivities(std::span<const double> coefficients, std::span<double> trajectory, std::span<double> out) const;

private:
    /// One step of Runge and Kutta: inputs at its begin, middle and end.
    struct Step {
        double h;
        std::vector<double> inputs[3];
    };
    Step step(std::size_t interval, std::size_t substep) const;
    /// `stages`, unless it is null, gets the four points where F was read, one after the other.
    void advance(const Step& step, std::span<const double> coefficients, std::span<double> nu,
                 std::vector<double>* stages) const;
    /// With `tangent` (nu x coefficients) carried along.
    void advance(const Step& step, std::span<const double> coefficients, std::span<double> nu,
                 std::vector<double>& tangent) const;
    /// The adjoint at a step's end to that at its begin; adds to the gradient.
    void retreat(const Step& step, std::span<const double> coefficients, std::span<const double> stages,
                 std::span<double> adjoint, std::span<double> gradient) const;
    double loss(std::size_t time, std::span<const double> nu) const;
    /// Adds w_i sign (asleep - awake).
    void add_slope(std::size_t time, std::span<const double> nu, std::span<double> slope) const;

    std::shared_ptr<const dynamics::VectorField> field_;
    std::shared_ptr<const maxent::Family> family_;
    Protocol protocol_;
    std::size_t substeps_;
};

/// The sum of the actions of all protocols and its gradient by the adjoint, the same numbers for any number of threads.
///
/// @param actions of one field.
/// @param values one a protocol.
/// @param gradient SUM dS/dc; not written if empty.
double total(std::span<const Action* const> actions, std::span<const double> coefficients, std::size_t threads,
             std::span<double> values, std::span<double> gradient);

}  // namespace nubridge::learning
