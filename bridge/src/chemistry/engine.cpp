#include "chemistry/engine.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

#include "chemistry/cme.hpp"
#include "chemistry/grid_ssa.hpp"
#include "chemistry/langevin.hpp"
#include "chemistry/lattice.hpp"
#include "chemistry/ode.hpp"
#include "chemistry/pde.hpp"
#include "chemistry/refuse.hpp"
#include "chemistry/spde.hpp"
#include "chemistry/ssa.hpp"
#include "chemistry/tau.hpp"
#include "units/units.hpp"

namespace nubridge::chemistry {

double molecules_per_unit(const ReactionNetwork& network, double volume_um3) {
    if (network.definition().unit == AmountUnit::molecules) return 1.0;
    if (!(volume_um3 > 0.0) || !std::isfinite(volume_um3)) {
        refuse<InvalidArgument>("the network '", network.definition().name, "' is in uM and the volume is ", volume_um3,
                                " um3; whole molecules need a finite positive volume: pass volume_um3");
    }
    return units::molecules_of_uM(1.0, volume_um3);
}

void Engine::field(std::size_t, std::span<double>) const {
    refuse<InvalidArgument>("the engine is well mixed and has no fields; read amounts, or use a regime with a space");
}

void Engine::set_field(std::size_t, std::span<const double>) {
    refuse<InvalidArgument>("the engine is well mixed and has no fields; write amounts, or use a regime with a space");
}

std::unique_ptr<Engine> make_engine(std::shared_ptr<const ReactionNetwork> network, Regime regime,
                                    const EngineOptions& options) {
    network = clamped(std::move(network), options.inputs);
    switch (regime) {
        case Regime::ssa:
            return std::make_unique<SsaEngine>(std::move(network), options);
        case Regime::ode:
            return std::make_unique<OdeEngine>(std::move(network), options);
        case Regime::cme:
            return std::make_unique<CmeEngine>(std::move(network), options);
        case Regime::lattice:
            return std::make_unique<LatticeEngine>(std::move(network), options);
        case Regime::grid_ssa:
            return std::make_unique<GridSsaEngine>(std::move(network), options);
        case Regime::spde:
            return std::make_unique<SpdeEngine>(std::move(network), options);
        case Regime::pde:
            return std::make_unique<PdeEngine>(std::move(network), options);
        case Regime::tau:
            return std::make_unique<TauEngine>(std::move(network), options);
        case Regime::langevin:
            return std::make_unique<LangevinEngine>(std::move(network), options);
        default:
            refuse<InvalidArgument>("there is no regime ", static_cast<int>(regime), "; they are 0 to 8");
    }
}

std::uint64_t Engine::pairs(std::int32_t, std::int32_t) const {
    refuse<InvalidArgument>("the engine has no sites, so no pairs of neighbours; take the regime lattice");
}

namespace {

void require_ensemble(const ReactionNetwork& network, std::span<const double> initial,
                      std::span<const double> times_s) {
    if (initial.size() != network.species_count()) {
        refuse<InvalidArgument>("there are ", initial.size(), " initial amounts for ", network.species_count(),
                                " species");
    }
    require_times(times_s);
}

/// What of an engine is recorded: sums of its amounts, or each amount when there are no weights; then pairs.
struct Record {
    std::span<const double> times_s;
    std::span<const double> weights;  // columns x species
    std::span<const std::array<std::int32_t, 2>> pairs;

    /// One run, times x columns; `variances` may be null.
    void run(Engine& engine, std::span<double> amounts, double* out, double* variances,
             EnsembleProgress& progress) const {
        for (const double t_s : times_s) {
            if (progress.stop.load(std::memory_order_relaxed)) refuse<Stopped>("stopped before ", t_s, " s");
            engine.advance(t_s);
            engine.amounts(amounts);
            progress.points.fetch_add(1, std::memory_order_relaxed);
            if (weights.data() == nullptr) out = std::copy(amounts.begin(), amounts.end(), out);
            for (std::size_t first = 0; first < weights.size(); first += amounts.size()) {
                const auto row = weights.subspan(first, amounts.size());
                *out++ = std::inner_product(row.begin(), row.end(), amounts.begin(), 0.0);
                if (variances != nullptr) *variances++ = engine.variance(row);
            }
            for (const auto& [a, b] : pairs) *out++ = static_cast<double>(engine.pairs(a, b));
            if (variances != nullptr) variances = std::fill_n(variances, pairs.size(), 0.0);
        }
    }
};

/// Which run is next, which are whole, and what went wrong first; shared by the threads.
class Ledger {
public:
    Ledger(std::size_t runs, EnsembleProgress& progress) : events_(runs, unfinished), progress_(progress) {}

    /// A run that nobody has; the number of runs when there is none.
    std::size_t take() noexcept { return std::min(next_.fetch_add(1, std::memory_order_relaxed), events_.size()); }

    void finish(std::size_t run, std::uint64_t events) {
        const std::lock_guard lock(mutex_);
        events_[run] = events;
        for (; whole_.runs < events_.size() && events_[whole_.runs] != unfinished; ++whole_.runs)
            whole_.events += events_[whole_.runs];
        progress_.finish(whole_);
    }

    void fail(std::exception_ptr failure) {
        const std::lock_guard lock(mutex_);
        if (!failure_) failure_ = std::move(failure);
        next_ = events_.size();
    }

    void rethrow() const {
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    static constexpr std::uint64_t unfinished = ~std::uint64_t{0};
    std::vector<std::uint64_t> events_;  // of each run
    EnsembleProgress& progress_;
    EnsembleProgress::Whole whole_;
    std::atomic<std::size_t> next_{0};
    std::exception_ptr failure_;
    std::mutex mutex_;
};

}  // namespace

void require_times(std::span<const double> times_s) {
    double before = 0.0;
    for (const double t : times_s) {
        if (!(t >= before) || !std::isfinite(t))
            refuse<InvalidArgument>("the time ", t, " s follows ", before, " s; times are finite and ascend from 0");
        before = t;
    }
}

void share_runs(std::size_t runs, std::size_t threads, EnsembleProgress& progress,
                const std::function<RunWorker()>& make_worker) {
    Ledger ledger(runs, progress);
    const auto work = [&] {
        try {
            const RunWorker worker = make_worker();
            for (std::size_t run = ledger.take(); run < runs; run = ledger.take()) ledger.finish(run, worker(run));
        } catch (...) {
            ledger.fail(std::current_exception());
        }
    };
    std::vector<std::jthread> others;
    const std::size_t useful = std::clamp<std::size_t>(threads, 1, std::max<std::size_t>(runs, 1));
    for (std::size_t i = 1; i < useful; ++i) others.emplace_back(work);
    work();
    others.clear();
    ledger.rethrow();
}

void run_ensemble(const std::shared_ptr<const ReactionNetwork>& network, Regime regime, const EngineOptions& options,
                  std::size_t runs, std::size_t threads, std::span<const double> initial,
                  std::span<const double> times_s, std::span<const double> weights, std::span<double> out,
                  std::span<double> variances, EnsembleProgress* progress) {
    require_ensemble(*network, initial, times_s);
    if (!variances.empty() && weights.data() == nullptr)
        refuse<InvalidArgument>("variances are recorded of weighted sums; pass weights");
    const Record record{times_s, weights, options.recorded_pairs};
    EnsembleProgress unseen;
    EnsembleProgress& watched = progress == nullptr ? unseen : *progress;
    EngineOptions stoppable = options;
    stoppable.stop = &watched.stop;
    const std::size_t stride = runs == 0 ? 0 : out.size() / runs;
    share_runs(runs, threads, watched, [&]() -> RunWorker {
        const std::shared_ptr<Engine> engine = make_engine(network, regime, stoppable);
        return [&, engine, amounts = std::vector<double>(network->species_count())](std::size_t run) mutable {
            engine->restart(initial, options.run + run);
            record.run(*engine, amounts, out.data() + run * stride,
                       variances.empty() ? nullptr : variances.data() + run * stride, watched);
            return engine->events();
        };
    });
}

}  // namespace nubridge::chemistry
