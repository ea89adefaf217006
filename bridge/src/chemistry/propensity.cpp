#include "chemistry/propensity.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

/// n (n-1) ... (n-m+1), 0 where that would be negative.
double falling(double n, int m) noexcept {
    double product = n;
    for (int i = 1; i < m; ++i) product *= std::max(n - i, 0.0);
    return std::max(product, 0.0);
}

}  // namespace

Propensities::Propensities(std::shared_ptr<const ReactionNetwork> network, std::vector<Input> inputs,
                           double molecules_per_unit)
    : network_(std::move(network)), inputs_(std::move(inputs)), unit_(molecules_per_unit) {
    for (std::size_t r = 0; r < network_->reaction_count(); ++r) {
        Row row;
        row.scale = std::pow(unit_, 1.0 - static_cast<double>(network_->order(r)));
        for (const auto& term : network_->terms(r)) {
            row.scale /= factorial(term.multiplicity);
            row.terms.push_back(term);
        }
        rows_.push_back(std::move(row));
    }
    for (std::size_t i = 0; i < inputs_.size(); ++i) add_driver(i);
    reset();
}

void Propensities::add_driver(std::size_t number) {
    const Input& input = inputs_[number];
    for (std::size_t r = 0; r < rows_.size(); ++r) {
        Row& row = rows_[r];
        if (input.target == Input::Target::parameter) {
            if (network_->definition().reactions[r].parameter == input.index) row.rate = number;
            continue;
        }
        const auto drives = [&](const ReactionNetwork::Term& term) { return term.species == input.index; };
        for (const auto& term : row.terms) {
            if (drives(term)) row.driven.push_back({number, term.multiplicity});
        }
        std::erase_if(row.terms, drives);
    }
}

void Propensities::reset() {
    for (std::size_t r = 0; r < rows_.size(); ++r) {
        const double k = rows_[r].rate ? network_->definition().reactions[r].factor : network_->rate_constant(r);
        rows_[r].k = rows_[r].scale * k;
    }
}

void Propensities::set_rate_constant(std::size_t reaction, double k) {
    const Reaction& one = network_->definition().reactions[reaction];
    if (!(k >= 0.0) || !std::isfinite(k)) {
        refuse<InvalidArgument>("the rate constant of '", one.name, "' is ", k, "; it must be finite and not negative");
    }
    for (const Input& input : inputs_) {
        if (input.target == Input::Target::parameter && one.parameter == input.index) refuse_driven(*network_, input);
    }
    rows_[reaction].k = rows_[reaction].scale * k;
}

void Propensities::require_free(std::size_t species) const {
    for (const Input& input : inputs_) {
        if (input.target == Input::Target::species && input.index == species) refuse_driven(*network_, input);
    }
}

double Propensities::combinations(std::size_t reaction, std::span<const double> n) const noexcept {
    double product = 1.0;
    for (const auto& term : rows_[reaction].terms) product *= falling(n[term.species], term.multiplicity);
    return product;
}

double Propensities::rate(std::size_t reaction, double t_s) const noexcept {
    const Row& row = rows_[reaction];
    double product = row.k;
    if (row.rate) product *= std::max(inputs_[*row.rate].waveform.value(t_s), 0.0);
    for (const auto& [input, m] : row.driven) product *= falling(inputs_[input].waveform.value(t_s) * unit_, m);
    return product;
}

double Propensities::integral(std::size_t reaction, double from_s, double to_s) const noexcept {
    const Row& row = rows_[reaction];
    const double width = to_s - from_s;
    if (!row.rate && row.driven.empty()) return row.k * width;
    const double middle = 0.5 * (from_s + to_s), reach = 0.5 * width * std::sqrt(0.6);
    return width / 18.0 *
           (5.0 * (rate(reaction, middle - reach) + rate(reaction, middle + reach)) + 8.0 * rate(reaction, middle));
}

double Propensities::bound(std::size_t reaction, double from_s, double to_s) const noexcept {
    const Row& row = rows_[reaction];
    double product = row.k;
    if (row.rate) product *= std::max(inputs_[*row.rate].waveform.range(from_s, to_s).second, 0.0);
    for (const auto& [input, m] : row.driven)
        product *= falling(inputs_[input].waveform.range(from_s, to_s).second * unit_, m);
    return product;
}

double Propensities::next_stop(double t_s) const noexcept {
    double stop_s = std::numeric_limits<double>::infinity();
    for (const Input& input : inputs_) stop_s = std::min(stop_s, input.waveform.next_stop(t_s));
    return stop_s;
}

void Propensities::follow(double t_s, std::span<double> n) const noexcept {
    for (const Input& input : inputs_) {
        if (input.target == Input::Target::species) n[input.index] = input.waveform.value(t_s) * unit_;
    }
}

}  // namespace nubridge::chemistry
