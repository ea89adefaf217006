#include "chemistry/leap.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

LeapEngine::LeapEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options)
    : network_(std::move(network)),
      unit_(molecules_per_unit(*network_, options.volume_um3)),
      propensities_(network_, options.inputs, unit_),
      seed_(options.seed),
      epsilon_(options.epsilon),
      longest_s_(options.step_s > 0.0 ? options.step_s : std::numeric_limits<double>::infinity()),
      stop_(options.stop),
      n_(network_->species_count()),
      combinations_(network_->reaction_count()),
      readers_(network_->species_count()),
      drift_(n_.size()),
      spread_(n_.size()),
      loss_(n_.size()) {
    if (!(epsilon_ > 0.0 && epsilon_ <= 0.5))
        refuse<InvalidArgument>("epsilon is ", epsilon_, "; it lies above 0 and at most at 0.5: 0.03 is usual");
    if (!(options.step_s >= 0.0) || !std::isfinite(options.step_s))
        refuse<InvalidArgument>("step_s is ", options.step_s,
                                " s; pass a positive time, or 0 to let the engine choose");
    for (std::size_t r = 0; r < network_->reaction_count(); ++r) {
        for (const auto& [s, m] : network_->terms(r)) {
            Reader& reader = readers_[s];
            const std::size_t order = network_->order(r);
            if (order > reader.order) reader = {order, m};
            if (order == reader.order) reader.multiplicity = std::max(reader.multiplicity, m);
        }
    }
}

void LeapEngine::require_future(double t_s) const {
    if (!(t_s >= time_s_) || !std::isfinite(t_s)) {
        refuse<InvalidArgument>("cannot advance from ", time_s_, " s to ", t_s,
                                " s; pass a finite time that is not in the past");
    }
}

void LeapEngine::require_not_stopped() const {
    if (stop_ != nullptr && stop_->load(std::memory_order_relaxed))
        refuse<Stopped>("the run was stopped at ", time_s_, " s");
}

void LeapEngine::combine() noexcept {
    for (std::size_t r = 0; r < combinations_.size(); ++r) combinations_[r] = propensities_.combinations(r, n_);
}

/// epsilon n / g, at least one molecule; g bounds how much more a propensity changes than its reactant does.
double LeapEngine::change_allowed(std::size_t species) const noexcept {
    const auto [order, m] = readers_[species];
    const double n = n_[species];
    double g = static_cast<double>(order);
    if (m == 2 && n > 1.0) g *= 1.0 + 0.5 / (n - 1.0);
    if (m == 3 && n > 2.0) g += 1.0 / (n - 1.0) + 2.0 / (n - 2.0);
    return std::max(epsilon_ * n / g, 1.0);
}

double LeapEngine::longest_leap(std::span<const double> propensities) noexcept {
    for (auto* sums : {&drift_, &spread_, &loss_}) std::fill(sums->begin(), sums->end(), 0.0);
    for (std::size_t r = 0; r < propensities.size(); ++r) {
        if (propensities[r] == 0.0) continue;
        for (const auto& [s, delta] : network_->changes(r)) {
            drift_[s] += delta * propensities[r];
            spread_[s] += delta * delta * propensities[r];
            if (delta < 0) loss_[s] -= delta * propensities[r];
        }
    }
    double longest = longest_s_;
    const double share = std::sqrt(epsilon_);
    for (std::size_t s = 0; s < n_.size(); ++s) {
        if (readers_[s].order == 0 || spread_[s] == 0.0) continue;
        const double allowed = change_allowed(s);
        longest = std::min({longest, allowed / std::abs(drift_[s]), allowed * allowed / spread_[s]});
        if (loss_[s] > 0.0) longest = std::min(longest, share * n_[s] / loss_[s]);
    }
    return longest;
}

void LeapEngine::amounts(std::span<double> amounts) const noexcept {
    for (std::size_t s = 0; s < n_.size(); ++s) amounts[s] = n_[s] / unit_;
}

void LeapEngine::set_amount(std::size_t species, double amount) {
    propensities_.require_free(species);
    n_[species] = molecules(species, amount);
    combine();
    forget();
}

void LeapEngine::set_rate_constant(std::size_t reaction, double k) {
    propensities_.set_rate_constant(reaction, k);
    combine();
    forget();
}

void LeapEngine::restart(std::span<const double> amounts, std::uint64_t run) {
    time_s_ = 0.0;
    events_ = 0;
    propensities_.reset();
    for (std::size_t s = 0; s < n_.size(); ++s) n_[s] = molecules(s, amounts[s]);
    propensities_.follow(time_s_, n_);
    combine();
    forget();
    seed(run);
}

}  // namespace nubridge::chemistry
