#include "chemistry/neural_ssa.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

NeuralSsa::NeuralSsa(std::shared_ptr<const NeuralNetwork> network, std::uint64_t seed)
    : network_(std::move(network)),
      seed_(seed),
      pattern_(network_->size()),
      currents_(network_->size()),
      order_(network_->size()),
      place_(network_->size()) {
    restart(std::vector<std::uint8_t>(network_->size()), 0);
}

void NeuralSsa::restart(std::span<const std::uint8_t> pattern, std::uint64_t run) {
    require_pattern(pattern, network_->size());
    std::ranges::copy(pattern, pattern_.begin());
    network_->currents(pattern_, currents_);
    random_ = RandomStream(seed_, run);
    active_ = 0;
    std::size_t quiescent = pattern_.size();
    for (std::size_t neuron = 0; neuron < pattern_.size(); ++neuron) {
        place_[neuron] = static_cast<std::uint32_t>(pattern_[neuron] != 0 ? active_++ : --quiescent);
        order_[place_[neuron]] = static_cast<std::uint32_t>(neuron);
    }
    next_s_ = 0.0;
    events_ = 0;
    schedule();
}

void NeuralSsa::advance(double t_s, const std::atomic<bool>& stop) {
    constexpr std::uint64_t stop_every = 4096;
    for (std::uint64_t candidate = 1; next_s_ <= t_s; ++candidate) {
        if (candidate % stop_every == 0 && stop.load(std::memory_order_relaxed))
            refuse<Stopped>("stopped before ", t_s, " s");
        try_candidate();
        schedule();
    }
}

void NeuralSsa::schedule() noexcept {
    const auto active = static_cast<double>(active_), quiescent = static_cast<double>(pattern_.size() - active_);
    candidates_per_s_ = network_->decay_per_s() * active + network_->bound_per_s(active_) * quiescent;
    if (candidates_per_s_ == 0.0) {
        next_s_ = std::numeric_limits<double>::infinity();
        return;
    }
    const auto pair = random_.next();
    next_s_ += pair.exponential / candidates_per_s_;
    uniform_ = pair.uniform;
}

void NeuralSsa::try_candidate() noexcept {
    const double at = uniform_ * candidates_per_s_;
    const double decay = network_->decay_per_s(), decays = decay * static_cast<double>(active_);
    if (at < decays || active_ == pattern_.size())
        return change(order_[std::min(static_cast<std::size_t>(at / decay), active_ - 1)]);
    const double bound = network_->bound_per_s(active_);
    const double share = (at - decays) / bound;
    const std::size_t place = std::min(static_cast<std::size_t>(share), pattern_.size() - active_ - 1);
    const std::size_t neuron = order_[active_ + place];
    const double into = (share - static_cast<double>(place)) * bound;
    if (into < network_->rate_per_s(currents_[neuron])) change(neuron);
}

void NeuralSsa::change(std::size_t neuron) noexcept {
    constexpr std::uint64_t sum_anew_every = 65536;  // rounding makes about 256 epsilon of it
    const bool activates = pattern_[neuron] == 0;
    const std::size_t border = activates ? active_++ : --active_;
    const std::uint32_t other = order_[border];
    std::swap(order_[place_[neuron]], order_[border]);
    std::swap(place_[neuron], place_[other]);
    pattern_[neuron] = activates ? 1 : 0;
    if (++events_ % sum_anew_every == 0)
        network_->currents(pattern_, currents_);
    else
        network_->add_weights_from(neuron, activates ? 1.0 : -1.0, currents_);
}

void run_neural_ensemble(const std::shared_ptr<const NeuralNetwork>& network, const NeuralEnsemble& ensemble,
                         std::span<std::uint8_t> patterns, EnsembleProgress* progress) {
    require_times(ensemble.times_s);
    require_pattern(ensemble.initial, network->size());
    EnsembleProgress unseen;
    EnsembleProgress& watched = progress == nullptr ? unseen : *progress;
    const std::size_t neurons = network->size(), stride = ensemble.times_s.size() * neurons;
    share_runs(ensemble.runs, ensemble.threads, watched, [&]() -> RunWorker {
        return [&, engine = std::make_shared<NeuralSsa>(network, ensemble.seed)](std::size_t run) {
            engine->restart(ensemble.initial, ensemble.first_run + run);
            auto out = patterns.begin() + static_cast<std::ptrdiff_t>(run * stride);
            for (const double t_s : ensemble.times_s) {
                if (watched.stop.load(std::memory_order_relaxed)) refuse<Stopped>("stopped before ", t_s, " s");
                engine->advance(t_s, watched.stop);
                out = std::ranges::copy(engine->pattern(), out).out;
                watched.points.fetch_add(1, std::memory_order_relaxed);
            }
            return engine->events();
        };
    });
}

}  // namespace nubridge::chemistry
