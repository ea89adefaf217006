#include "dynamics/mass_action.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>
#include <utility>

#include "dynamics/molecule_leap.hpp"
#include "dynamics/paired_kernel.hpp"
#include "units/error.hpp"

namespace nubridge::dynamics {

namespace {

constexpr std::size_t max_states = MassAction::max_states;
constexpr std::size_t max_inputs = MassAction::max_inputs;
constexpr double no_bound = INFINITY;
/// Of a step but for one: more make it cheaper, by less and less, and less exact.
constexpr std::size_t most_stages = 4;

template <class... Parts>
[[noreturn]] void refuse(const std::string& model, const Parts&... parts) {
    std::ostringstream message;
    message << "model '" << model << "': ";
    (message << ... << parts);
    throw ModelInvalid(message.str());
}

/// SUM a b in four sums, so that no addition waits for the one before.
double dot(const double* a, const double* b, std::size_t count) {
    double sums[4] = {};
    std::size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        for (std::size_t lane = 0; lane < 4; ++lane) sums[lane] += a[i + lane] * b[i + lane];
    }
    for (; i < count; ++i) sums[0] += a[i] * b[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace

MassAction::MassAction(MassActionDefinition definition) : definition_(std::move(definition)) {
    require_valid();
    compile_reactions();
    compile_bounds();
    compile_order();
    paired_ = PairedNetwork::of(definition_);
    molecules_ = std::make_unique<const MoleculeLeap>(definition_);
}

MassAction::~MassAction() = default;

void MassAction::require_valid() const {
    const std::string& name = definition_.name;
    const std::size_t n = state_count();
    if (n == 0 || n > max_states) refuse(name, n, " states; a kernel holds 1 to ", max_states, ": lump the network");
    if (input_count() > max_inputs) refuse(name, input_count(), " inputs; a kernel holds ", max_inputs);
    for (const Input& input : definition_.inputs) {
        if (!(input.lower >= 0.0) || !std::isfinite(input.upper) || input.lower >= input.upper)
            refuse(name, "the domain of input '", input.name, "' is [", input.lower, ", ", input.upper,
                   "]; it needs two finite numbers from 0 on, the first smaller");
    }
    for (const MassActionReaction& reaction : definition_.reactions) {
        bool inside = reaction.first < n && reaction.second.value_or(0) < n;
        inside = inside && reaction.input.value_or(0) < std::max<std::size_t>(input_count(), 1);
        for (const StateChange& change : reaction.changes) inside = inside && change.state < n;
        if (!inside) refuse(name, "a reaction names a state or an input that is not there");
        if (!(reaction.rate_constant >= 0.0) || !std::isfinite(reaction.rate_constant))
            refuse(name, "a rate is ", reaction.rate_constant, "; rates are finite and not negative");
    }
    for (const ConservedTotal& total : definition_.totals) {
        if (total.input >= input_count() || total.start >= n || total.weights.size() != n)
            refuse(name, "a total names a state or an input that is not there");
    }
    if (definition_.observables.empty()) refuse(name, "there is no observable; NEURON would have nothing to read");
}

void MassAction::compile_reactions() {
    const auto n = static_cast<std::uint32_t>(state_count());
    const auto index = [](std::size_t i) { return static_cast<std::uint32_t>(i); };
    for (const MassActionReaction& reaction : definition_.reactions) {
        const std::uint32_t first = index(reaction.first);
        const std::uint32_t second = reaction.second ? index(*reaction.second) : n;
        std::uint32_t scale = reaction.off_at_rest ? index(1 + input_count()) : 0;
        if (reaction.input) scale = index(1 + *reaction.input);
        for (const StateChange& change : reaction.changes) {
            changes_.push_back(change);
            const double coefficient = change.count * reaction.rate_constant;
            terms_.push_back({index(change.state), first, second, scale, coefficient});
            if (second < n) terms_.push_back({index(change.state), second, first, scale, coefficient});
        }
        fluxes_.push_back({first, second, scale, index(changes_.size()), reaction.rate_constant});
    }
}

/// The rate out of a state: of component 0 without an input, 1 + i per unit of input i. A second reactant is at most
/// the total that holds every such partner.
double MassAction::rate_out(std::size_t state, std::size_t component) const {
    double sum = 0.0;
    std::vector<double> partner(state_count(), 0.0);
    for (const MassActionReaction& one : definition_.reactions) {
        if (one.first != state && one.second != state) continue;
        if (!one.second) {
            if ((one.input ? 1 + *one.input : 0) == component) sum += one.rate_constant;
            continue;
        }
        const bool twice = one.first == *one.second;
        partner[one.first == state ? *one.second : one.first] += (twice ? 2.0 : 1.0) * one.rate_constant;
    }
    if (std::all_of(partner.begin(), partner.end(), [](double k) { return k == 0.0; })) return sum;
    const ConservedTotal* nearest = nullptr;
    double slope = no_bound;
    for (const ConservedTotal& total : definition_.totals) {
        double most = 0.0;
        for (std::size_t j = 0; j < partner.size(); ++j) {
            if (partner[j] > 0.0)
                most = std::max(most, total.weights[j] > 0.0 ? partner[j] / total.weights[j] : no_bound);
        }
        if (most < slope) {
            slope = most;
            nearest = &total;
        }
    }
    if (nearest == nullptr) {
        refuse(definition_.name, "no total bounds the partners of state '", definition_.states[state],
               "'; state the conserved totals");
    }
    return component == 1 + nearest->input ? sum + slope : sum;
}

void MassAction::compile_bounds() {
    const std::size_t width = 1 + input_count();
    std::vector<std::vector<double>> rows;
    for (std::size_t state = 0; state < state_count(); ++state) {
        std::vector<double> row(width);
        for (std::size_t component = 0; component < width; ++component) row[component] = rate_out(state, component);
        const auto exceeds = [](const std::vector<double>& a, const std::vector<double>& b) {
            return std::equal(a.begin(), a.end(), b.begin(), [](double x, double y) { return x >= y; });
        };
        if (std::any_of(rows.begin(), rows.end(), [&](const auto& other) { return exceeds(other, row); })) continue;
        std::erase_if(rows, [&](const auto& other) { return exceeds(row, other); });
        rows.push_back(row);
    }
    for (const auto& row : rows) bounds_.insert(bounds_.end(), row.begin(), row.end());
}

/// States with few neighbours are eliminated first, so that little fills in.
void MassAction::compile_order() {
    std::vector<std::size_t> neighbours(state_count(), 0);
    for (const Term& term : terms_) ++neighbours[term.column];
    elimination_.resize(state_count());
    std::iota(elimination_.begin(), elimination_.end(), 0U);
    std::stable_sort(elimination_.begin(), elimination_.end(),
                     [&](auto a, auto b) { return neighbours[a] < neighbours[b]; });
}

Outcome MassAction::admit(Policy policy, const double* inputs, double* admitted) const noexcept {
    Outcome outcome = Outcome::ok;
    for (std::size_t i = 0; i < input_count(); ++i) {
        const Input& input = definition_.inputs[i];
        admitted[i] = inputs[i];
        if (inputs[i] >= input.lower && inputs[i] <= input.upper) [[likely]]
            continue;
        if (!std::isfinite(inputs[i]) || inputs[i] < 0.0) return Outcome::invalid_input;
        if (policy == Policy::error) return Outcome::outside_refused;
        if (policy == Policy::clamp) admitted[i] = std::clamp(inputs[i], input.lower, input.upper);
        outcome = Outcome::outside;
    }
    return outcome;
}

void MassAction::scales(const double* inputs, bool at_rest, double* factors) const noexcept {
    factors[0] = 1.0;
    std::copy_n(inputs, input_count(), factors + 1);
    factors[1 + input_count()] = at_rest ? 0.0 : 1.0;
}

double MassAction::largest_rate(const double* inputs) const noexcept {
    double largest = 0.0;
    for (const double* row = bounds_.data(); row != bounds_.data() + bounds_.size(); row += 1 + input_count()) {
        double rate = row[0];
        for (std::size_t i = 0; i < input_count(); ++i) rate += row[1 + i] * inputs[i];
        largest = std::max(largest, rate);
    }
    return largest;
}

void MassAction::rates_by_reactions(const double* inputs, bool at_rest, const double* x, double* rates) const noexcept {
    double factors[2 + max_inputs];
    double amounts[max_states + 1];
    const std::size_t n = state_count();
    scales(inputs, at_rest, factors);
    std::copy_n(x, n, amounts);
    amounts[n] = 1.0;
    std::fill_n(rates, n, 0.0);
    std::size_t change = 0;
    for (const Flux& one : fluxes_) {
        const double flux = one.rate_constant * factors[one.scale] * amounts[one.first] * amounts[one.second];
        for (; change < one.change_end; ++change) rates[changes_[change].state] += changes_[change].count * flux;
    }
}

void MassAction::step_by_reactions(const double* inputs, const StepPlan& plan, double* x) const noexcept {
    double begin[max_states], rates[max_states];
    const double stages = static_cast<double>(plan.stages);
    for (std::size_t step = 0; step < plan.steps; ++step) {
        std::copy_n(x, state_count(), begin);
        for (std::size_t stage = 0; stage < plan.stages; ++stage) {
            rates_by_reactions(inputs, false, x, rates);
            for (std::size_t i = 0; i < state_count(); ++i) x[i] += plan.stage_ms * rates[i];
        }
        for (std::size_t i = 0; i < state_count(); ++i) x[i] += (begin[i] - x[i]) / stages;
    }
}

std::optional<StepPlan> MassAction::plan(const double* inputs, double dt_ms) const noexcept {
    const double span = dt_ms * largest_rate(inputs);
    if (!(span < static_cast<double>(max_substeps))) return std::nullopt;
    const auto needed = static_cast<std::size_t>(span) + 1;
    StepPlan cut;
    cut.steps = (needed + most_stages - 1) / most_stages;
    cut.stages = 1 + (needed + cut.steps - 1) / cut.steps;
    cut.stage_ms = dt_ms / static_cast<double>(cut.steps * (cut.stages - 1));
    return cut;
}

Outcome MassAction::step(Policy policy, const double* inputs, double dt_ms, double* x) const noexcept {
    double u[max_inputs] = {};
    const Outcome outcome = admit(policy, inputs, u);
    if (outcome > Outcome::outside) return outcome;
    const auto cut = plan(u, dt_ms);
    if (!cut) return Outcome::not_converged;
    if (paired_) {
        paired_->step(paired_->rates, u[0], *cut, x);
    } else {
        step_by_reactions(u, *cut, x);
    }
    return std::isfinite(dot(x, x, state_count())) ? outcome : Outcome::invalid_state;
}

void MassAction::round(double volume_um3, chemistry::RandomStream& random, double* x) const noexcept {
    molecules_->round(volume_um3, random, x);
}

Outcome MassAction::leap(Policy policy, const double* inputs, double dt_ms, double volume_um3,
                         chemistry::RandomStream& random, double* x) const noexcept {
    double u[max_inputs] = {};
    const Outcome outcome = admit(policy, inputs, u);
    if (outcome > Outcome::outside) return outcome;
    const double fastest_per_ms = largest_rate(u);
    if (!(dt_ms * fastest_per_ms < static_cast<double>(max_substeps))) return Outcome::not_converged;
    if (!std::isfinite(dot(x, x, state_count()))) return Outcome::invalid_state;
    molecules_->leap(u, dt_ms, fastest_per_ms, volume_um3, random, x);
    return outcome;
}

Outcome MassAction::rhs(Policy policy, const double* x, const double* inputs, double* rates) const noexcept {
    double u[max_inputs] = {};
    const Outcome outcome = admit(policy, inputs, u);
    if (outcome > Outcome::outside) return outcome;
    rates_by_reactions(u, false, x, rates);
    return outcome;
}

/// Gauss elimination without a pivot search: the columns of I - gamma J are dominated by their diagonals.
bool MassAction::solve(const double* inputs, bool at_rest, const double* x, double gamma_ms,
                       double* vector) const noexcept {
    double factors[2 + max_inputs];
    double matrix[max_states][max_states];
    const std::size_t n = state_count();
    scales(inputs, at_rest, factors);
    for (std::size_t i = 0; i < n; ++i) {
        std::fill_n(matrix[i], n, 0.0);
        matrix[i][i] = 1.0;
    }
    for (const Term& term : terms_) {
        const double other = term.other < n ? x[term.other] : 1.0;
        matrix[term.row][term.column] -= gamma_ms * term.coefficient * factors[term.scale] * other;
    }
    for (std::size_t k = 0; k < n; ++k) {
        const std::uint32_t pivot = elimination_[k];
        if (!(std::abs(matrix[pivot][pivot]) > 1e-300)) return false;
        for (std::size_t below = k + 1; below < n; ++below) {
            const std::uint32_t row = elimination_[below];
            const double factor = matrix[row][pivot] / matrix[pivot][pivot];
            if (factor == 0.0) continue;
            for (std::size_t column = 0; column < n; ++column) matrix[row][column] -= factor * matrix[pivot][column];
            vector[row] -= factor * vector[pivot];
        }
    }
    for (std::size_t k = n; k-- > 0;) {
        const std::uint32_t row = elimination_[k];
        for (std::size_t after = k + 1; after < n; ++after)
            vector[row] -= matrix[row][elimination_[after]] * vector[elimination_[after]];
        vector[row] /= matrix[row][row];
    }
    return true;
}

Outcome MassAction::newton(Policy policy, const double* x, const double* inputs, double gamma_ms,
                           double* vector) const noexcept {
    double u[max_inputs] = {};
    const Outcome outcome = admit(policy, inputs, u);
    if (outcome > Outcome::outside) return outcome;
    return solve(u, false, x, gamma_ms, vector) ? outcome : Outcome::invalid_state;
}

/// One implicit Euler step at rest by Newton's method.
bool MassAction::relax(const double* inputs, double h_ms, double* x) const noexcept {
    double begin[max_states], rates[max_states], residual[max_states];
    const std::size_t n = state_count();
    std::copy_n(x, n, begin);
    for (int iteration = 0; iteration < 20; ++iteration) {
        rates_by_reactions(inputs, true, x, rates);
        for (std::size_t i = 0; i < n; ++i) residual[i] = begin[i] + h_ms * rates[i] - x[i];
        if (!solve(inputs, true, x, h_ms, residual)) return false;
        double change = 0.0, size = 0.0;
        for (std::size_t i = 0; i < n; ++i) {
            x[i] = std::max(0.0, x[i] + residual[i]);
            change = std::max(change, std::abs(residual[i]));
            size = std::max(size, x[i]);
        }
        if (change <= 1e-13 * size) return true;
    }
    return true;
}

Outcome MassAction::initial(Policy policy, const double* inputs, double* x) const noexcept {
    double u[max_inputs] = {};
    const Outcome outcome = admit(policy, inputs, u);
    if (outcome > Outcome::outside) return outcome;
    std::fill_n(x, state_count(), 0.0);
    for (const ConservedTotal& total : definition_.totals) x[total.start] = u[total.input];
    for (double h_ms = 0.01; h_ms < 2e6; h_ms *= 10.0) {
        if (!relax(u, h_ms, x)) return Outcome::invalid_state;
    }
    for (int last = 0; last < 4; ++last) {
        if (!relax(u, 1e6, x)) return Outcome::invalid_state;
    }
    return outcome;
}

void MassAction::observe(const double* x, double* observables) const noexcept {
    if (paired_) return paired_->observe(paired_->observables, x, observables);
    for (std::size_t k = 0; k < observable_count(); ++k) {
        const auto& weights = definition_.observables[k].weights;
        observables[k] = dot(weights.data(), x, weights.size());
    }
}

}  // namespace nubridge::dynamics
