#include "chemistry/langevin.hpp"

#include <algorithm>
#include <cmath>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

LangevinEngine::LangevinEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options)
    : LeapEngine(std::move(network), options),
      first_(combinations_.size()),
      extents_(combinations_.size()),
      net_(n_.size()),
      propensity_(combinations_.size()),
      changers_(n_.size()) {
    for (std::size_t r = 0; r < combinations_.size(); ++r) {
        for (const auto& [s, delta] : network_->changes(r)) changers_[s].emplace_back(r, delta);
    }
    std::vector<double> initial;
    for (const Species& one : network_->definition().species) initial.push_back(one.initial);
    restart(initial, options.run);
}

double LangevinEngine::molecules(std::size_t species, double amount) const {
    if (!(amount >= 0.0) || !std::isfinite(amount)) {
        refuse<InvalidArgument>("the amount of '", network_->definition().species[species].name, "' is ", amount,
                                "; it must be finite and not negative");
    }
    return amount * unit_;
}

void LangevinEngine::seed(std::uint64_t run) {
    normals_ = NormalNumbers(RandomStream(seed_, run));
    clipped_ = 0;
}

/// Scales what lessens a species that ends below 0 to what there is of it; false when it does not end there.
bool LangevinEngine::clip(std::size_t species) noexcept {
    double taken = 0.0, change = 0.0;
    for (const auto& [r, delta] : changers_[species]) {
        change += delta * extents_[r];
        taken -= std::min(delta * extents_[r], 0.0);
    }
    net_[species] = change;
    if (n_[species] + change >= -1e-14 * taken) return false;  // rounding
    for (const auto& [r, delta] : changers_[species]) {
        if (delta * extents_[r] < 0.0) extents_[r] *= n_[species] / taken;
    }
    return true;
}

void LangevinEngine::react() noexcept {
    // A species that was clipped stays at or above 0 whatever becomes of the others: each is clipped once at most.
    bool any = false;
    for (bool again = true; again;) {
        again = false;
        for (std::size_t s = 0; s < n_.size(); ++s) again = clip(s) || again;
        any = any || again;
    }
    clipped_ += any ? 1 : 0;
    for (std::size_t s = 0; s < n_.size(); ++s) n_[s] = std::max(n_[s] + net_[s], 0.0);  // 0: rounding
    combine();
}

void LangevinEngine::leap(double h_s) noexcept {
    const double middle_s = time_s_ + 0.5 * h_s;
    first_ = combinations_;
    for (std::size_t r = 0; r < first_.size(); ++r) {
        const double mean = first_[r] > 0.0 ? first_[r] * propensities_.integral(r, time_s_, middle_s) : 0.0;
        extents_[r] = mean > 0.0 ? mean + std::sqrt(mean) * normals_.next() : 0.0;
    }
    react();
    for (std::size_t r = 0; r < first_.size(); ++r) {
        const double twice = 2.0 * combinations_[r] - first_[r];
        const double mean = twice != 0.0 ? twice * propensities_.integral(r, middle_s, time_s_ + h_s) : 0.0;
        extents_[r] = mean > 0.0 ? mean + std::sqrt(mean) * normals_.next() : mean;
    }
    react();
}

void LangevinEngine::advance(double t_s) {
    require_future(t_s);
    while (time_s_ < t_s) {
        require_not_stopped();
        const double end_s = std::min(t_s, propensities_.next_stop(time_s_));
        for (std::size_t r = 0; r < propensity_.size(); ++r)
            propensity_[r] = combinations_[r] * propensities_.rate(r, time_s_);
        const double rest = end_s - time_s_, longest = longest_leap(propensity_);
        const double h = longest >= rest ? rest : std::min(longest, 0.5 * rest);
        if (time_s_ + h == time_s_ && h < rest) {
            refuse<NotConverged>("the langevin engine stands still at ", time_s_, " s: a leap may last ", h,
                                 " s only; lower the fastest rates, or use ssa");
        }
        leap(h);
        time_s_ = h == rest ? end_s : time_s_ + h;
        ++events_;
    }
    propensities_.follow(time_s_, n_);
}

}  // namespace nubridge::chemistry
