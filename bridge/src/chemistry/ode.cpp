#include "chemistry/ode.hpp"

#include <algorithm>
#include <boost/numeric/odeint/stepper/rosenbrock4.hpp>
#include <cmath>
#include <limits>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

const boost::numeric::odeint::default_rosenbrock_coefficients<double> rodas;

/// x^m / m! and its derivative.
double power(double x, int m) noexcept {
    return m == 1 ? x : m == 2 ? 0.5 * x * x : x * x * x / 6.0;
}
double power_slope(double x, int m) noexcept {
    return m == 1 ? 1.0 : m == 2 ? x : 0.5 * x * x;
}

}  // namespace

OdeEngine::OdeEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options)
    : network_(std::move(network)),
      relative_(options.relative_tolerance),
      absolute_(options.absolute_tolerance),
      inputs_(options.inputs),
      stop_(options.stop),
      lu_(network_->species_count(), pattern(*network_)) {
    if (!(relative_ >= 1e-13 && relative_ <= 0.1))
        refuse<InvalidArgument>("the relative tolerance is ", relative_, "; it lies between 1e-13 and 0.1");
    if (!(absolute_ > 0.0)) refuse<InvalidArgument>("the absolute tolerance is ", absolute_, "; it must be positive");
    const std::size_t n = network_->species_count();
    for (std::size_t r = 0; r < network_->reaction_count(); ++r) {
        for (const auto& term : network_->terms(r)) {
            for (const auto& change : network_->changes(r)) {
                slopes_.push_back(
                    {lu_.at(change.species, term.species), slope_count_, static_cast<double>(change.delta)});
            }
            ++slope_count_;
        }
    }
    for (std::size_t s = 0; s < n; ++s) diagonal_.push_back(lu_.at(s, s));
    slope_.resize(slope_count_);
    jacobian_.resize(lu_.values().size());
    for (Vector* vector : {&x_, &fresh_, &error_, &trial_, &scratch_, &moved_}) vector->resize(n);
    for (Vector& vector : g_) vector.resize(n);
    k_.resize(network_->reaction_count());
    for (std::size_t i = 0; i < inputs_.size(); ++i) add_input(i);
    Vector initial;
    for (const Species& one : network_->definition().species) initial.push_back(one.initial);
    restart(initial, 0);
}

std::vector<std::pair<std::size_t, std::size_t>> OdeEngine::pattern(const ReactionNetwork& network) {
    std::vector<std::pair<std::size_t, std::size_t>> entries;
    for (std::size_t r = 0; r < network.reaction_count(); ++r) {
        for (const auto& change : network.changes(r)) {
            for (const auto& term : network.terms(r)) entries.emplace_back(change.species, term.species);
        }
    }
    return entries;
}

void OdeEngine::add_input(std::size_t number) {
    const Input& input = inputs_[number];
    const bool is_species = input.target == Input::Target::species;
    std::size_t slope = 0;
    for (std::size_t r = 0; r < k_.size(); ++r) {
        const Reaction& one = network_->definition().reactions[r];
        if (!is_species && one.parameter == input.index) driven_rates_.push_back({r, number, one.factor});
        for (const auto& term : network_->terms(r)) {
            if (is_species && term.species == input.index) driven_terms_.push_back({r, number, slope});
            ++slope;
        }
    }
}

void OdeEngine::follow(double t_s, bool before, Vector& x) noexcept {
    const auto value = [&](const Input& input) {
        return before ? input.waveform.value_before(t_s) : input.waveform.value(t_s);
    };
    for (const Input& input : inputs_) {
        if (input.target == Input::Target::species) x[input.index] = value(input);
    }
    for (const DrivenRate& one : driven_rates_) k_[one.reaction] = one.factor * value(inputs_[one.input]);
}

void OdeEngine::rates(const Vector& x, Vector& dxdt) noexcept {
    std::fill(dxdt.begin(), dxdt.end(), 0.0);
    for (std::size_t r = 0; r < k_.size(); ++r) {
        double rate = k_[r];
        for (const auto& term : network_->terms(r)) rate *= power(x[term.species], term.multiplicity);
        for (const auto& change : network_->changes(r)) dxdt[change.species] += change.delta * rate;
    }
}

void OdeEngine::jacobian(const Vector& x) noexcept {
    std::size_t place = 0;
    for (std::size_t r = 0; r < k_.size(); ++r) {
        const auto terms = network_->terms(r);
        for (std::size_t i = 0; i < terms.size(); ++i) {
            double slope = k_[r];
            for (std::size_t j = 0; j < terms.size(); ++j) {
                const double amount = x[terms[j].species];
                slope *= j == i ? power_slope(amount, terms[j].multiplicity) : power(amount, terms[j].multiplicity);
            }
            slope_[place++] = slope;
        }
    }
    std::fill(jacobian_.begin(), jacobian_.end(), 0.0);
    for (const Slope& one : slopes_) jacobian_[one.position] += one.delta * slope_[one.slope];
}

void OdeEngine::drift_of_inputs() noexcept {
    std::fill(moved_.begin(), moved_.end(), 0.0);
    for (const DrivenRate& one : driven_rates_) {
        double rate = one.factor * inputs_[one.input].waveform.slope(time_s_);
        for (const auto& term : network_->terms(one.reaction)) rate *= power(x_[term.species], term.multiplicity);
        for (const auto& change : network_->changes(one.reaction)) moved_[change.species] += change.delta * rate;
    }
    for (const DrivenTerm& one : driven_terms_) {
        const double rate = slope_[one.slope] * inputs_[one.input].waveform.slope(time_s_);
        for (const auto& change : network_->changes(one.reaction)) moved_[change.species] += change.delta * rate;
    }
}

bool OdeEngine::step(double h, double end_s) noexcept {
    const auto& c = rodas;
    const double a[5][4] = {{}, {c.a21}, {c.a31, c.a32}, {c.a41, c.a42, c.a43}, {c.a51, c.a52, c.a53, c.a54}};
    const double b[6][5] = {{},
                            {c.c21},
                            {c.c31, c.c32},
                            {c.c41, c.c42, c.c43},
                            {c.c51, c.c52, c.c53, c.c54},
                            {c.c61, c.c62, c.c63, c.c64, c.c65}};
    const double at[4] = {0.0, c.c2, c.c3, c.c4};
    // Boost has d4 with the wrong sign; the sums of the rows of Gamma, which d is, follow from c.
    const double drift[6] = {c.d1, c.d2, c.d3, -std::abs(c.d4), 0.0, 0.0};
    const auto matrix = lu_.values();
    for (std::size_t i = 0; i < matrix.size(); ++i) matrix[i] = -jacobian_[i];
    for (const std::size_t i : diagonal_) matrix[i] += 1.0 / (c.gamma * h);
    if (!lu_.factor()) return false;
    const std::size_t n = x_.size();
    for (std::size_t stage = 0; stage < 6; ++stage) {
        Vector& out = stage < 5 ? g_[stage] : error_;
        if (stage < 5) {
            trial_ = x_;
            for (std::size_t j = 0; j < stage; ++j) {
                for (std::size_t i = 0; i < n; ++i) trial_[i] += a[stage][j] * g_[j][i];
            }
        } else {
            for (std::size_t i = 0; i < n; ++i) trial_[i] += g_[4][i];
        }
        if (!inputs_.empty()) follow(stage < 4 ? time_s_ + at[stage] * h : end_s, stage >= 4, trial_);
        rates(trial_, out);
        for (std::size_t j = 0; j < stage; ++j) {
            for (std::size_t i = 0; i < n; ++i) out[i] += b[stage][j] / h * g_[j][i];
        }
        if (!inputs_.empty()) {
            for (std::size_t i = 0; i < n; ++i) out[i] += h * drift[stage] * moved_[i];
        }
        lu_.solve(out, scratch_);
    }
    for (std::size_t i = 0; i < n; ++i) fresh_[i] = trial_[i] + error_[i];
    return true;
}

double OdeEngine::error_norm() const noexcept {
    double worst = 0.0;
    for (std::size_t i = 0; i < x_.size(); ++i) {
        const double scale = absolute_ + relative_ * std::max(std::abs(x_[i]), std::abs(fresh_[i]));
        const double one = std::abs(error_[i]) / scale;
        if (!(one <= worst)) worst = one;  // NaN too
        if (std::isnan(worst)) break;
    }
    return worst;
}

void OdeEngine::advance(double t_s) {
    if (!(t_s >= time_s_) || !std::isfinite(t_s)) {
        refuse<InvalidArgument>("cannot advance from ", time_s_, " s to ", t_s,
                                " s; pass a finite time that is not in the past");
    }
    bool fresh_jacobian = false;
    while (time_s_ < t_s) {
        if (stop_ != nullptr && stop_->load(std::memory_order_relaxed))
            refuse<Stopped>("the ode engine was stopped at ", time_s_, " s");
        const double end_s = stop_s(t_s);
        const double rest = end_s - time_s_;
        // The last two steps share what is left, so that no sliver remains.
        const double h = suggested_s_ >= rest ? rest : suggested_s_ >= 0.5 * rest ? 0.5 * rest : suggested_s_;
        if (time_s_ + h == time_s_ && h < rest) {
            refuse<NotConverged>("the ode engine stands still at ", time_s_,
                                 " s: no step keeps the relative error within ", relative_,
                                 "; loosen the tolerance or look for amounts that run away");
        }
        if (!fresh_jacobian) {
            follow(time_s_, false, x_);
            jacobian(x_);
            drift_of_inputs();
        }
        fresh_jacobian = true;
        const double next_s = h == rest ? end_s : time_s_ + h;
        const double error = step(h, next_s) ? error_norm() : std::numeric_limits<double>::quiet_NaN();
        ++steps_;
        const double factor =
            std::isfinite(error) ? std::clamp(0.9 * std::pow(std::max(error, 1e-10), -0.25), 0.2, 5.0) : 0.1;
        if (error <= 1.0) {
            x_.swap(fresh_);
            time_s_ = next_s;
            suggested_s_ = std::max(h * factor, h < suggested_s_ ? suggested_s_ : 0.0);
            fresh_jacobian = false;
        } else {
            suggested_s_ = h * std::min(factor, 0.9);
        }
    }
    follow(time_s_, false, x_);
}

double OdeEngine::stop_s(double t_s) const noexcept {
    for (const Input& input : inputs_) t_s = std::min(t_s, input.waveform.next_stop(time_s_));
    return t_s;
}

void OdeEngine::amounts(std::span<double> amounts) const noexcept {
    std::copy(x_.begin(), x_.end(), amounts.begin());
}

double OdeEngine::checked_amount(std::size_t species, double amount) const {
    if (!(amount >= 0.0) || !std::isfinite(amount)) {
        refuse<InvalidArgument>("the amount of '", network_->definition().species[species].name, "' is ", amount,
                                "; it must be finite and not negative");
    }
    return amount;
}

void OdeEngine::set_amount(std::size_t species, double amount) {
    for (const Input& input : inputs_) {
        if (input.target == Input::Target::species && input.index == species) refuse_driven(*network_, input);
    }
    x_[species] = checked_amount(species, amount);
}

void OdeEngine::set_rate_constant(std::size_t reaction, double k) {
    if (!(k >= 0.0) || !std::isfinite(k)) {
        refuse<InvalidArgument>("the rate constant of '", network_->definition().reactions[reaction].name, "' is ", k,
                                "; it must be finite and not negative");
    }
    for (const DrivenRate& one : driven_rates_) {
        if (one.reaction == reaction) refuse_driven(*network_, inputs_[one.input]);
    }
    k_[reaction] = k;
}

void OdeEngine::restart(std::span<const double> amounts, std::uint64_t) {
    time_s_ = 0.0;
    steps_ = 0;
    for (std::size_t s = 0; s < x_.size(); ++s) x_[s] = checked_amount(s, amounts[s]);
    for (std::size_t r = 0; r < k_.size(); ++r) k_[r] = network_->rate_constant(r);
    follow(time_s_, false, x_);
    rates(x_, trial_);
    // A first step that moves nothing by more than a hundredth of its tolerance; it grows fivefold a step.
    double fastest = 0.0;
    for (std::size_t s = 0; s < x_.size(); ++s)
        fastest = std::max(fastest, std::abs(trial_[s]) / (absolute_ + relative_ * x_[s]));
    suggested_s_ = fastest > 0.0 ? std::max(0.01 / fastest, 1e-12) : 1.0;
}

}  // namespace nubridge::chemistry
