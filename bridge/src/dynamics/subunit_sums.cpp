#include "dynamics/subunit_sums.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "dynamics/paired_kernel.hpp"
#include "units/error.hpp"

namespace nubridge::dynamics {

namespace {

using R = PairedRates;
using U = SubunitRates;
constexpr std::size_t count = U::states;

[[noreturn]] void refuse(const MassActionDefinition& definition, const std::string& why) {
    throw ModelInvalid("model '" + definition.name + "': " + why + "; use the kind 'mass_action'");
}

bool differs(double a, double b) {
    return std::abs(a - b) > 1e-12 * (std::abs(a) + std::abs(b));
}

/// The state of the network that is the pair of the kinds i and i + d.
std::size_t pair_of(std::size_t d, std::size_t i) {
    return R::P + d * R::kinds + i;
}

/// Calls visit(state of the network, its sum, how often it counts there).
template <class Visit>
void each_term(const U& rates, const Visit& visit) {
    for (std::size_t i = 0; i <= R::T; ++i) visit(i, i, 1.0);
    for (std::size_t i = 0; i < R::kinds; ++i) {
        for (std::size_t d = 0; d < R::turns; ++d) {
            visit(pair_of(d, i), U::B + i, 1.0);
            visit(pair_of(d, i), U::B + (i + d) % R::kinds, 1.0);
        }
        for (const std::size_t sum : {U::S, U::B + i, U::Q}) visit(R::Q + i, sum, 1.0);
    }
    visit(pair_of(0, rates.fastest), U::H, 1.0);
    visit(R::C, U::C, 1.0);
}

U rates_of(const MassActionDefinition& definition) {
    const auto network = PairedNetwork::of(definition);
    if (!network) refuse(definition, "sums over subunits need the network of calmodulin and CaMKII of 75 states");
    const R& from = network->rates;
    U rates;
    rates.free = from.free;
    rates.bound = from.bound;
    rates.k_on = from.k_on;
    rates.k_off = from.k_off;
    rates.phosphorylation = from.beside_p;
    rates.ions = from.beside_ions;
    for (std::size_t i = 0; i < R::kinds; ++i) rates.ions[i] /= std::max(from.beside_p[i], 1e-300);
    rates.pair_on = from.beside_on[0];
    rates.pair_off = from.beside_off[0];
    const auto fastest = std::max_element(from.beside_p.begin(), from.beside_p.begin() + R::kinds);
    rates.fastest = static_cast<std::size_t>(fastest - from.beside_p.begin());
    for (std::size_t i = 0; i < R::kinds; ++i) {
        bool alike = !differs(from.beside_on[i], rates.pair_on) && !differs(from.beside_off[i], rates.pair_off);
        for (std::size_t d = 0; d < R::turns; ++d) {
            const double first = from.beside_p[i], second = d > 0 ? from.beside_p[(i + d) % R::kinds] : 0.0;
            alike = alike && !differs(from.pair_on[d][i], rates.pair_on) &&
                    !differs(from.to_first[d][i], rates.pair_off + second) &&
                    !differs(from.to_second[d][i], rates.pair_off + first);
        }
        if (!alike)
            refuse(definition, "the rates of a pair depend on the partner, or homodimers have laws of their own");
    }
    return rates;
}

/// The weights over the sums that give the same as those over the network's states.
std::vector<double> weights_of(const MassActionDefinition& definition, const U& rates, const std::string& name,
                               const std::vector<double>& weights) {
    std::vector<double> sums(count, 0.0);
    std::copy_n(weights.begin(), U::S + 1, sums.begin());
    for (std::size_t i = 0; i < R::kinds; ++i) sums[U::B + i] = weights[pair_of(0, i)] / 2.0;
    sums[U::C] = weights[R::C];
    std::vector<double> again(R::states, 0.0);
    each_term(rates, [&](std::size_t state, std::size_t sum, double times) { again[state] += times * sums[sum]; });
    for (std::size_t state = 0; state < R::states; ++state) {
        if (differs(again[state], weights[state])) refuse(definition, "'" + name + "' is not a sum over subunits");
    }
    return sums;
}

Stepper::Description described(const MassActionDefinition& definition, const U& rates) {
    Stepper::Description description{definition.name, definition.states, definition.inputs, {}, definition.policy};
    auto& states = description.states;
    states.resize(std::min(states.size(), R::T));
    states.emplace_back("phosphorylated");
    for (std::size_t i = 0; i < R::kinds; ++i) states.push_back("paired " + definition.states[R::A + i]);
    states.emplace_back("pairs with phosphorylated");
    states.push_back(definition.states[pair_of(0, rates.fastest)]);
    states.push_back(definition.states[R::C]);
    for (const Observable& one : definition.observables) description.observables.push_back(one.name);
    return description;
}

}  // namespace

SubunitSums::SubunitSums(MassActionDefinition definition)
    : Stepper(described(definition, rates_of(definition))),
      network_(std::move(definition)),
      rates_(rates_of(network_.definition())) {
    for (const Observable& one : network_.definition().observables)
        weights_.push_back(weights_of(network_.definition(), rates_, one.name, one.weights));
#if defined(NUBRIDGE_HAVE_AVX2)
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return;
    step_ = paired_sums_step_avx2;
    slopes_ = paired_sums_slopes_avx2;
#endif
}

void SubunitSums::sum_up(const double* amounts, double* state) const noexcept {
    std::fill_n(state, count, 0.0);
    each_term(rates_, [&](std::size_t from, std::size_t sum, double times) { state[sum] += times * amounts[from]; });
}

Outcome SubunitSums::initial(Policy policy, const double* inputs, double* state) const noexcept {
    double amounts[R::states];
    const Outcome outcome = network_.initial(policy, inputs, amounts);
    if (outcome <= Outcome::outside) sum_up(amounts, state);
    return outcome;
}

Outcome SubunitSums::rhs(Policy policy, const double* state, const double* inputs, double* rates) const noexcept {
    double u[MassAction::max_inputs] = {};
    const Outcome outcome = network_.admit(policy, inputs, u);
    if (outcome <= Outcome::outside) slopes_(rates_, u[0], state, rates);
    return outcome;
}

Outcome SubunitSums::step(Policy policy, const double* inputs, double dt_ms, double* state) const noexcept {
    double u[MassAction::max_inputs] = {};
    const Outcome outcome = network_.admit(policy, inputs, u);
    if (outcome > Outcome::outside) return outcome;
    const auto plan = network_.plan(u, dt_ms);
    if (!plan) return Outcome::not_converged;
    step_(rates_, u[0], *plan, state);
    double sum = 0.0;
    for (std::size_t i = 0; i < count; ++i) sum += state[i];
    return std::isfinite(sum) ? outcome : Outcome::invalid_state;
}

/// With a Jacobian of differences, which a Newton iteration asks no more of.
Outcome SubunitSums::newton(Policy policy, const double* state, const double* inputs, double gamma_ms,
                            double* vector) const noexcept {
    constexpr int size = static_cast<int>(count);
    using Vector = Eigen::Matrix<double, size, 1>;
    double u[MassAction::max_inputs] = {};
    const Outcome outcome = network_.admit(policy, inputs, u);
    if (outcome > Outcome::outside) return outcome;
    Vector at = Eigen::Map<const Vector>(state), begin, end;
    slopes_(rates_, u[0], at.data(), begin.data());
    Eigen::Matrix<double, size, size> system;
    const double least = 1e-3 * std::sqrt(std::numeric_limits<double>::epsilon());  // of a difference, uM
    for (int j = 0; j < size; ++j) {
        const double kept = at[j];
        at[j] += std::max(least, 1e3 * least * std::abs(kept));
        slopes_(rates_, u[0], at.data(), end.data());
        system.col(j) = -gamma_ms / (at[j] - kept) * (end - begin);
        system(j, j) += 1.0;
        at[j] = kept;
    }
    if (!system.allFinite()) return Outcome::invalid_state;
    Eigen::Map<Vector> x(vector);
    const Vector b = x;
    x = Eigen::PartialPivLU<Eigen::Matrix<double, size, size>>(system).solve(b);
    return outcome;
}

Outcome SubunitSums::observe(const double* state, double* observables) const noexcept {
    static_assert(count % 4 == 0);
    for (const auto& weights : weights_) {
        double sums[4] = {};  // in lanes, so that no addition waits for the one before
        for (std::size_t i = 0; i < count; i += 4) {
            for (std::size_t lane = 0; lane < 4; ++lane) sums[lane] += weights[i + lane] * state[i + lane];
        }
        *observables++ = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
    return Outcome::ok;
}

Outcome SubunitSums::observe_rates(const double* /*state*/, const double* rates, double* observables) const noexcept {
    return observe(rates, observables);  // linear
}

}  // namespace nubridge::dynamics
