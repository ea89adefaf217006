// Networks of two-state neurons, and patterns with a fixed number active, of the C interface.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "c_api/guarded.hpp"
#include "c_api/network_handle.hpp"
#include "c_api/progress_handle.hpp"
#include "chemistry/neural_cme.hpp"
#include "chemistry/neural_network.hpp"
#include "chemistry/neural_ssa.hpp"
#include "maxent/fixed_count.hpp"

using nubridge::InvalidArgument;
using nubridge::c_api::guarded;
using nubridge::c_api::required;
using nubridge::c_api::watched;
using nubridge::chemistry::EnsembleProgress;
using nubridge::chemistry::NeuralCme;
using nubridge::chemistry::NeuralEnsemble;
using nubridge::chemistry::NeuralNetwork;
using nubridge::chemistry::NeuralRates;
using nubridge::chemistry::NeuralResponse;
using nubridge::maxent::FixedCount;

struct nubridge_neural {
    std::shared_ptr<const NeuralNetwork> network;
};

namespace {

void require_distribution(std::span<const double> p) {
    double sum = 0.0;
    for (const double one : p) {
        if (!(one >= 0.0) || !std::isfinite(one))
            throw InvalidArgument("a probability is " + std::to_string(one) + "; it must be finite and not negative");
        sum += one;
    }
    if (!(std::abs(sum - 1.0) <= 1e-9)) {
        throw InvalidArgument("the probabilities sum to " + std::to_string(sum) +
                              "; they must sum to 1 within 1e-9: normalise them");
    }
}

}  // namespace

nubridge_status nubridge_neural_open(size_t neurons, const double* weights, const double* inputs,
                                     const nubridge_neural_rates* rates, nubridge_neural** out) {
    return guarded([&] {
        required(rates, "the rates");
        required(out, "the place for the network");
        const NeuralRates given{rates->decay_per_s, rates->max_rate_per_s, rates->gain_factor, rates->threshold_level,
                                static_cast<NeuralResponse>(rates->response_code)};
        *out = new nubridge_neural{
            std::make_shared<const NeuralNetwork>(std::span(required(weights, "the weights"), neurons * neurons),
                                                  std::span(required(inputs, "the inputs"), neurons), given)};
    });
}

void nubridge_neural_close(nubridge_neural* neural) {
    delete neural;
}

nubridge_status nubridge_neural_simulate(const nubridge_neural* neural, uint64_t seed, uint64_t first_run, size_t runs,
                                         size_t threads, const uint8_t* begin, size_t times, const double* times_s,
                                         uint8_t* patterns, nubridge_progress* progress) {
    return guarded([&] {
        const auto& network = required(neural, "the network")->network;
        NeuralEnsemble ensemble;
        ensemble.seed = seed;
        ensemble.first_run = first_run;
        ensemble.runs = runs;
        ensemble.threads = threads;
        ensemble.initial = {required(begin, "the pattern at the beginning"), network->size()};
        ensemble.times_s = {required(times_s, "the times"), times};
        const std::span out(required(patterns, "the place for the patterns"), runs * times * network->size());
        nubridge::chemistry::run_neural_ensemble(network, ensemble, out, watched(progress));
    });
}

nubridge_status nubridge_neural_distribution(const nubridge_neural* neural, const double* begin, size_t times,
                                             const double* times_s, double* p, nubridge_progress* progress) {
    return guarded([&] {
        const NeuralCme cme(*required(neural, "the network")->network);
        const std::span given(required(begin, "the distribution at the beginning"), cme.states());
        const std::span until_s(required(times_s, "the times"), times);
        required(p, "the place for the distributions");
        require_distribution(given);
        nubridge::chemistry::require_times(until_s);
        EnsembleProgress unseen;
        EnsembleProgress& seen = progress == nullptr ? unseen : progress->of;
        const double* before = begin;
        double now_s = 0.0;
        for (const double t_s : until_s) {
            const std::span row(p, cme.states());
            std::copy_n(before, cme.states(), p);
            cme.advance(t_s - now_s, row, seen.stop);
            seen.points.fetch_add(1, std::memory_order_relaxed);
            now_s = t_s;
            before = p;
            p += cme.states();
        }
    });
}

nubridge_status nubridge_neural_steady_state(const nubridge_neural* neural, double* p, nubridge_progress* progress) {
    return guarded([&] {
        const NeuralCme cme(*required(neural, "the network")->network);
        EnsembleProgress unseen;
        cme.steady({required(p, "the place for the distribution"), cme.states()},
                   (progress == nullptr ? unseen : progress->of).stop);
    });
}

nubridge_status nubridge_fixed_count(size_t rows, size_t units, const size_t* counts, const double* h, size_t threads,
                                     double* log_z, double* moments) {
    return guarded([&] {
        if (rows == 0) return;
        required(counts, "the numbers of active units");
        required(h, "the rows of h");
        required(log_z, "the place for ln Z");
        EnsembleProgress unseen;
        nubridge::chemistry::share_runs(rows, threads, unseen, [&]() -> nubridge::chemistry::RunWorker {
            return [&](std::size_t row) {
                const FixedCount law({h + row * units, units}, counts[row]);
                log_z[row] = law.log_partition();
                if (moments != nullptr) law.moments({moments + row * units, units});
                return std::uint64_t{1};
            };
        });
    });
}

nubridge_status nubridge_fixed_count_sample(size_t units, size_t active, const double* h, uint64_t seed,
                                            uint64_t first_run, size_t samples, uint8_t* patterns) {
    return guarded([&] {
        const FixedCount law({required(h, "the h"), units}, active);
        if (samples > 0) required(patterns, "the place for the patterns");
        for (std::size_t i = 0; i < samples; ++i) law.sample(seed, first_run + i, {patterns + i * units, units});
    });
}
