#include "chemistry/pde.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Strang's error has even powers of the step; where diffusion or reactions are much faster than the step, all.
constexpr PdeEngine::Extrapolation ways[] = {{{1.0 / 24.0, -16.0 / 15.0, 81.0 / 40.0}, {0.0, -0.8, 1.8}, -1.0 / 5.0},
                                             {{0.5, -4.0, 4.5}, {0.0, -2.0, 3.0}, -1.0 / 3.0}};

double required_relative(double tolerance) {
    if (!(tolerance >= 1e-12 && tolerance <= 0.1))
        refuse<InvalidArgument>("the relative tolerance is ", tolerance, "; it lies between 1e-12 and 0.1");
    return tolerance;
}

double required_absolute(double tolerance) {
    if (!(tolerance > 0.0)) refuse<InvalidArgument>("the absolute tolerance is ", tolerance, "; it must be positive");
    return tolerance;
}

}  // namespace

PdeEngine::PdeEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options)
    : FieldEngine(std::move(network), options),
      relative_(required_relative(options.relative_tolerance)),
      absolute_(required_absolute(options.absolute_tolerance) * voxels_.molecules_per_field_unit()),
      longest_s_(options.step_s > 0.0 ? options.step_s : infinity),
      heat_(voxels_),
      reactions_(voxels_, rates_, std::max(0.1 * relative_, 1e-13), 0.1 * absolute_),
      here_(voxels_.network().species_count()) {
    if (!(options.step_s >= 0.0))
        refuse<InvalidArgument>("step_s is ", options.step_s, " s; it is not negative, and 0 lets the engine choose");
    if (!rates_.driven() && options.step_s == 0.0 && voxels_.network().reaction_count() > 0 &&
        CoupledVoxels::fits(voxels_)) {
        EngineOptions each;
        each.relative_tolerance = relative_;
        each.absolute_tolerance = absolute_;
        each.stop = options.stop;
        coupled_ = std::make_unique<CoupledVoxels>(voxels_, each);
    }
    for (auto& column : columns_) column.resize(coupled_ ? 0 : n_.size());
    PdeEngine::restart(initial(), 0);
}

void PdeEngine::changed() noexcept {
    reactions_.forget();
    if (coupled_) {
        is_fresh_ = false;
    } else {
        first_step();
    }
}

void PdeEngine::advance_coupled(double t_s) {
    if (!is_fresh_) {
        std::vector<double> k(voxels_.network().reaction_count());
        rates_.at(time_s_, k);
        coupled_->restart(n_, k);
        coupled_from_s_ = time_s_;
        steps_before_ = steps_;
        is_fresh_ = true;
    }
    coupled_->advance(t_s - coupled_from_s_);
    coupled_->read(n_);
    time_s_ = t_s;
    steps_ = steps_before_ + coupled_->steps();
}

void PdeEngine::restart(std::span<const double> amounts, std::uint64_t) {
    restart_fields(amounts);
    changed();
}

/// A fraction of the time in which the reactions of the busiest voxel act.
void PdeEngine::first_step() noexcept {
    double fastest = 0.0;
    for (std::size_t v = 0; v < voxels_.count(); ++v) {
        for (std::size_t s = 0; s < here_.size(); ++s) here_[s] = n_[s * voxels_.count() + v];
        fastest = std::max(fastest, reactions_.fastest(time_s_, voxels_.border(v), here_));
    }
    suggested_s_ = fastest > 0.0 ? 0.1 / fastest : infinity;
}

void PdeEngine::diffuse(std::vector<double>& n, double h_s) noexcept {
    heat_.prepare(h_s);
    for (std::size_t s = 0; s < here_.size(); ++s) {
        if (!voxels_.clamped(s)) heat_.apply(s, of(n, s));
    }
}

void PdeEngine::react(std::vector<double>& n, double t_s, double h_s) {
    for (std::size_t v = 0; v < voxels_.count(); ++v) {
        if (v % 1024 == 0) look_at_stop();
        for (std::size_t s = 0; s < here_.size(); ++s) here_[s] = n[s * voxels_.count() + v];
        reactions_.advance(t_s, h_s, voxels_.border(v), here_);
        for (std::size_t s = 0; s < here_.size(); ++s) n[s * voxels_.count() + v] = here_[s];
    }
}

void PdeEngine::split(std::vector<double>& n, std::size_t parts, double h_s) {
    n = n_;
    const double part_s = h_s / static_cast<double>(parts);
    diffuse(n, 0.5 * part_s);
    for (std::size_t i = 0; i < parts; ++i) {
        react(n, time_s_ + static_cast<double>(i) * part_s, part_s);
        diffuse(n, i + 1 < parts ? part_s : 0.5 * part_s);
    }
}

double PdeEngine::error_of(const Extrapolation& way) noexcept {
    const auto& [one, two, three] = columns_;
    double worst = 0.0;
    for (std::size_t s = 0; s < here_.size(); ++s) {
        double greatest = 0.0;
        for (const double n : of(columns_[2], s)) greatest = std::max(greatest, std::abs(n));
        // What rounding in the sums over a line leaves.
        const double floor = absolute_ + 1e-14 * greatest;
        for (std::size_t i = s * voxels_.count(); i < (s + 1) * voxels_.count(); ++i) {
            const double high = way.high[0] * one[i] + way.high[1] * two[i] + way.high[2] * three[i];
            const double low = way.low[1] * two[i] + way.low[2] * three[i];
            const double error = std::abs(high - low) / (floor + relative_ * std::max(std::abs(n_[i]), std::abs(high)));
            if (!(error <= worst)) worst = error;
            if (std::isnan(worst)) return worst;
        }
    }
    return worst;
}

void PdeEngine::accept(const Extrapolation& way) noexcept {
    const auto& [one, two, three] = columns_;
    for (std::size_t i = 0; i < n_.size(); ++i)
        n_[i] = way.high[0] * one[i] + way.high[1] * two[i] + way.high[2] * three[i];
}

/// One step that meets the tolerance, and does not pass `end_s`.
void PdeEngine::step_to(double end_s) {
    while (true) {
        const double rest = end_s - time_s_, wish = std::min(suggested_s_, longest_s_);
        const double h = wish >= rest ? rest : wish >= 0.5 * rest ? 0.5 * rest : wish;
        if (time_s_ + h == time_s_ && h < rest)
            refuse<NotConverged>("the pde engine stands still at ", time_s_,
                                 " s: no step keeps the relative error within ", relative_, "; loosen the tolerance");
        for (std::size_t i = 0; i < columns; ++i) split(columns_[i], i + 1, h);
        ++steps_;
        const Extrapolation* best = nullptr;
        double factor = 0.1;
        for (const Extrapolation& way : ways) {
            const double error = error_of(way);
            const double wished = 0.9 * std::pow(std::max(error, 1e-10), way.exponent);
            if (!(wished > factor)) continue;  // NaN too
            factor = std::min(wished, 5.0);
            best = error <= 1.0 ? &way : nullptr;
        }
        if (best != nullptr) {
            accept(*best);
            time_s_ = h == rest ? end_s : time_s_ + h;
            suggested_s_ = std::max(h * factor, h < suggested_s_ ? suggested_s_ : 0.0);
            return;
        }
        suggested_s_ = h * std::min(factor, 0.9);
    }
}

void PdeEngine::advance(double t_s) {
    require_time(t_s);
    if (coupled_) return advance_coupled(t_s);
    while (time_s_ < t_s) {
        look_at_stop();
        if (voxels_.network().reaction_count() == 0) {
            diffuse(n_, t_s - time_s_);
            time_s_ = t_s;
            ++steps_;
        } else {
            step_to(open_piece(rates_.next_stop(time_s_), t_s));
        }
    }
}

}  // namespace nubridge::chemistry
