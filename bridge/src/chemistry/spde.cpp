#include "chemistry/spde.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

/// Of a step, times the fastest rate.
constexpr double stable = 0.2;

}  // namespace

SpdeEngine::SpdeEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options)
    : FieldEngine(std::move(network), options),
      step_s_(options.step_s),
      seed_(options.seed),
      extents_(voxels_.network().reaction_count(), std::vector<double>(voxels_.count())),
      trial_(n_.size()),
      share_(n_.size()),
      k_(extents_.size()),
      k_now_(extents_.size()) {
    if (!(step_s_ >= 0.0))
        refuse<InvalidArgument>("step_s is ", step_s_, " s; it is not negative, and 0 lets the engine choose");
    for (std::size_t s = 0; s < voxels_.network().species_count(); ++s) {
        for (std::size_t axis = 0; axis < 3; ++axis) {
            if (voxels_.moves(s, axis)) lanes_.push_back({s, axis, std::vector<double>(voxels_.count())});
        }
    }
    for (std::size_t r = 0; r < extents_.size(); ++r) driven_ = driven_ || rates_.driven(r);
    SpdeEngine::restart(initial(), options.run);
}

void SpdeEngine::restart(std::span<const double> amounts, std::uint64_t run) {
    restart_fields(amounts);
    random_ = RandomStream(seed_, run);
    has_other_ = false;
}

/// Box and Muller: two from a pair.
double SpdeEngine::normal() noexcept {
    has_other_ = !has_other_;
    if (!has_other_) return other_normal_;
    const auto [exponential, uniform] = random_.next();
    const double radius = std::sqrt(2.0 * exponential), angle = 2.0 * std::numbers::pi * uniform;
    other_normal_ = radius * std::sin(angle);
    return radius * std::cos(angle);
}

/// The number of sets of molecules times k, by falling powers as in the master equation.
double SpdeEngine::propensity(std::size_t reaction, const std::vector<double>& n, std::size_t voxel) const noexcept {
    const auto& [terms, face] = voxels_.reaction(reaction);
    if ((face & ~voxels_.border(voxel)) != 0) return 0.0;
    double k = k_[reaction];
    for (const auto& term : terms) {
        const double amount = std::max(n[term.species * voxels_.count() + voxel], 0.0);
        for (int m = 0; m < term.multiplicity; ++m) k *= std::max(amount - m, 0.0);
    }
    return k;
}

/// The greatest rate at which molecules leave, of all voxels, with the constants in k_.
double SpdeEngine::fastest() noexcept {
    double fastest = 0.0;
    for (std::size_t s = 0; s < voxels_.network().species_count(); ++s) {
        double faces = 0.0;
        for (std::size_t axis = 0; axis < 3; ++axis) faces += voxels_.moves(s, axis) ? 4.0 : 0.0;
        fastest = std::max(fastest, faces * voxels_.hop_per_s(s));
    }
    std::fill(share_.begin(), share_.end(), 0.0);  // molecules lost a second
    for (std::size_t r = 0; r < extents_.size(); ++r) {
        for (std::size_t v = 0; v < voxels_.count(); ++v) {
            const double rate = propensity(r, n_, v);
            for (const auto& [s, delta] : voxels_.network().changes(r))
                share_[s * voxels_.count() + v] += delta < 0 ? -delta * rate : 0.0;
        }
    }
    for (std::size_t i = 0; i < n_.size(); ++i) fastest = std::max(fastest, share_[i] / std::max(n_[i], 1.0));
    return fastest;
}

/// At most `rest_s`, in which the inputs are smooth.
double SpdeEngine::chosen_step(double rest_s) noexcept {
    rates_.at(time_s_, k_);
    double h_s = std::min(rest_s, stable / fastest());
    if (!driven_) return h_s;
    rates_.bounds(time_s_, std::nextafter(time_s_ + h_s, 0.0), k_);
    return std::min(h_s, stable / fastest());
}

/// Simpson's mean over the step: exact for one cubic.
void SpdeEngine::take_mean_rates(double h_s) noexcept {
    const double weights[] = {1.0 / 6.0, 4.0 / 6.0, 1.0 / 6.0};
    std::fill(k_.begin(), k_.end(), 0.0);
    for (std::size_t i = 0; i < 3; ++i) {
        rates_.at(time_s_ + 0.5 * static_cast<double>(i) * h_s, k_now_);
        for (std::size_t r = 0; r < k_.size(); ++r) k_[r] += weights[i] * k_now_[r];
    }
}

void SpdeEngine::begin_diffusion(double h_s) {
    for (auto& [species, axis, flux] : lanes_) {
        look_at_stop();
        const auto n = of(n_, species), trial = of(trial_, species);
        const double hop = voxels_.hop_per_s(species) * h_s;
        for (std::size_t v = 0; v < n.size(); ++v) {
            const std::size_t w = voxels_.neighbour(v, 2 * axis + 1);
            flux[v] = w == v ? 0.0 : hop * (n[v] - n[w]) + std::sqrt(hop * (n[v] + n[w])) * normal();
            trial[v] -= flux[v];
            trial[w] += flux[v];
        }
    }
}

void SpdeEngine::begin_reactions(double h_s) {
    for (std::size_t r = 0; r < extents_.size(); ++r) {
        look_at_stop();
        for (std::size_t v = 0; v < voxels_.count(); ++v) {
            const double mean = h_s * propensity(r, n_, v);
            const double times = mean > 0.0 ? mean + std::sqrt(mean) * normal() : 0.0;
            extents_[r][v] = times;
            for (const auto& [s, delta] : voxels_.network().changes(r))
                trial_[s * voxels_.count() + v] += delta * times;
        }
    }
}

/// Half of the drift at the start is replaced by that at the end.
void SpdeEngine::correct(double h_s) noexcept {
    for (auto& [species, axis, flux] : lanes_) {
        const auto n = of(n_, species), trial = of(trial_, species);
        const double half = 0.5 * h_s * voxels_.hop_per_s(species);
        for (std::size_t v = 0; v < n.size(); ++v) {
            const std::size_t w = voxels_.neighbour(v, 2 * axis + 1);
            flux[v] += half * ((trial[v] - trial[w]) - (n[v] - n[w]));
        }
    }
    for (std::size_t r = 0; r < extents_.size(); ++r) {
        for (std::size_t v = 0; v < voxels_.count(); ++v) {
            extents_[r][v] += 0.5 * h_s * (propensity(r, trial_, v) - propensity(r, n_, v));
        }
    }
}

/// share_: the part of what would leave that may.
void SpdeEngine::limit() noexcept {
    std::fill(share_.begin(), share_.end(), 0.0);
    for (const auto& [species, axis, flux] : lanes_) {
        const auto leaving = of(share_, species);
        for (std::size_t v = 0; v < flux.size(); ++v) {
            leaving[flux[v] > 0.0 ? v : voxels_.neighbour(v, 2 * axis + 1)] += std::abs(flux[v]);
        }
    }
    for (std::size_t r = 0; r < extents_.size(); ++r) {
        for (const auto& [s, delta] : voxels_.network().changes(r)) {
            const auto leaving = of(share_, s);
            for (std::size_t v = 0; v < leaving.size(); ++v) leaving[v] += std::max(-delta * extents_[r][v], 0.0);
        }
    }
    // A little less than all, so that rounding leaves nothing below 0.
    for (std::size_t i = 0; i < n_.size(); ++i)
        share_[i] = share_[i] > n_[i] * (1.0 - 1e-13) ? n_[i] * (1.0 - 1e-13) / share_[i] : 1.0;
}

void SpdeEngine::apply() noexcept {
    for (const auto& [species, axis, flux] : lanes_) {
        const auto n = of(n_, species), share = of(share_, species);
        for (std::size_t v = 0; v < n.size(); ++v) {
            const std::size_t w = voxels_.neighbour(v, 2 * axis + 1);
            const double through = flux[v] * share[flux[v] > 0.0 ? v : w];
            n[v] -= through;
            n[w] += through;
        }
    }
    for (std::size_t r = 0; r < extents_.size(); ++r) {
        for (std::size_t v = 0; v < voxels_.count(); ++v) {
            double times = extents_[r][v], share = 1.0;
            for (const auto& [s, delta] : voxels_.network().changes(r)) {
                if (delta * times < 0.0) share = std::min(share, share_[s * voxels_.count() + v]);
            }
            for (const auto& [s, delta] : voxels_.network().changes(r))
                n_[s * voxels_.count() + v] += delta * times * share;
        }
    }
}

void SpdeEngine::step(double h_s) {
    take_mean_rates(h_s);
    trial_ = n_;
    begin_diffusion(h_s);
    begin_reactions(h_s);
    correct(h_s);
    limit();
    apply();
}

void SpdeEngine::advance(double t_s) {
    require_time(t_s);
    while (time_s_ < t_s) {
        look_at_stop();
        const double end_s = open_piece(rates_.next_knot(time_s_), t_s), rest = end_s - time_s_;
        const double longest = step_s_ > 0.0 ? step_s_ : chosen_step(rest);
        const double h = longest >= rest ? rest : longest >= 0.5 * rest ? 0.5 * rest : longest;
        step(h);
        time_s_ = h == rest ? end_s : time_s_ + h;
        ++steps_;
    }
}

}  // namespace nubridge::chemistry
