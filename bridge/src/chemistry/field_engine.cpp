#include "chemistry/field_engine.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

FieldEngine::FieldEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options)
    : voxels_(std::move(network), options),
      rates_(voxels_, options.inputs),
      stop_(options.stop),
      n_(voxels_.network().species_count() * voxels_.count()) {}

std::vector<double> FieldEngine::initial() const {
    std::vector<double> amounts;
    for (const Species& one : voxels_.network().definition().species) amounts.push_back(one.initial);
    return amounts;
}

void FieldEngine::require_time(double t_s) const {
    if (t_s >= time_s_ && std::isfinite(t_s)) return;
    refuse<InvalidArgument>("cannot advance from ", time_s_, " s to ", t_s,
                            " s; pass a finite time that is not in the past");
}

double FieldEngine::open_piece(double knot_s, double t_s) noexcept {
    if (knot_s != knot_s_) {
        knot_s_ = knot_s;
        rates_.until(knot_s);
        forget_rates();
    }
    return std::min(t_s, knot_s);
}

void FieldEngine::look_at_stop() const {
    if (stop_ != nullptr && stop_->load(std::memory_order_relaxed))
        throw Stopped("the run was stopped at " + std::to_string(time_s_) + " s");
}

double FieldEngine::total(std::size_t species) const noexcept {
    const double* first = n_.data() + species * voxels_.count();
    return std::accumulate(first, first + voxels_.count(), 0.0);
}

void FieldEngine::amounts(std::span<double> amounts) const noexcept {
    for (std::size_t s = 0; s < amounts.size(); ++s) {
        amounts[s] = voxels_.clamped(s) ? rates_.clamped_amount(s, time_s_) : total(s) / voxels_.molecules_per_unit();
    }
}

void FieldEngine::add_evenly(std::size_t species, double molecules) noexcept {
    const auto n = of(n_, species);
    for (std::size_t v = 0; v < n.size(); ++v) {
        if (voxels_.lives(species, v)) n[v] += molecules / static_cast<double>(voxels_.homes(species));
    }
}

void FieldEngine::set_amount(std::size_t species, double amount) {
    if (voxels_.clamped(species)) {
        rates_.set_clamped(species, amount);
        return changed();
    }
    if (!(amount >= 0.0) || !std::isfinite(amount))
        refuse<InvalidArgument>("the amount of '", voxels_.network().definition().species[species].name, "' is ",
                                amount, "; it must be finite and not negative");
    const double before = total(species), after = amount * voxels_.molecules_per_unit();
    if (after >= before) {
        add_evenly(species, after - before);
    } else {
        for (double& n : of(n_, species)) n *= after / before;
    }
    changed();
}

void FieldEngine::set_rate_constant(std::size_t reaction, double k) {
    rates_.set_rate_constant(reaction, k);
    changed();
}

void FieldEngine::field(std::size_t species, std::span<double> out) const {
    const double unit = voxels_.molecules_per_field_unit();
    for (std::size_t v = 0; v < out.size(); ++v) {
        out[v] = !voxels_.clamped(species)   ? n_[species * voxels_.count() + v] / unit
                 : voxels_.lives(species, v) ? voxels_.even_field(species, rates_.clamped_amount(species, time_s_))
                                             : 0.0;
    }
}

void FieldEngine::set_field(std::size_t species, std::span<const double> amounts) {
    voxels_.require_field(species, amounts);
    const auto n = of(n_, species);
    for (std::size_t v = 0; v < n.size(); ++v) n[v] = amounts[v] * voxels_.molecules_per_field_unit();
    changed();
}

void FieldEngine::restart_fields(std::span<const double> amounts) {
    time_s_ = 0.0;
    knot_s_ = -1.0;
    rates_.restart(amounts);
    std::fill(n_.begin(), n_.end(), 0.0);
    for (std::size_t s = 0; s < amounts.size(); ++s) {
        if (!voxels_.clamped(s)) set_amount(s, amounts[s]);
    }
    steps_ = 0;
}

}  // namespace nubridge::chemistry
