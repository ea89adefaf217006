#include "dynamics/paired_kernel.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace nubridge::dynamics {

void paired_step_generic(const PairedRates& rates, double ca_uM, const StepPlan& plan, double* x) noexcept;
void paired_observe_generic(const PairedObservables& weights, const double* x, double* observables) noexcept;
#if defined(NUBRIDGE_HAVE_AVX2)
void paired_step_avx2(const PairedRates& rates, double ca_uM, const StepPlan& plan, double* x) noexcept;
void paired_observe_avx2(const PairedObservables& weights, const double* x, double* observables) noexcept;
#endif

namespace {

using R = PairedRates;
/// Reactants in ascending order and net changes of the amounts.
using Change = std::map<std::size_t, double>;
using Key = std::pair<std::vector<std::size_t>, Change>;

/// Phosphorylation of the first and of the second of a pair; the other rates have their places in PairedRates.
struct Phosphorylation {
    R::Turns first{}, second{};
};

double ions(std::size_t kind) {
    const std::size_t on_both_lobes = kind / 3 + kind % 3;
    return static_cast<double>(on_both_lobes);
}

/// Where the rate of every reaction of the topology belongs.
class Slots {
public:
    Slots(R& rates, Phosphorylation& phosphorylation) : rates_(rates), phosphorylation_(phosphorylation) {
        bind_lobes(R::M, rates.free);
        bind_lobes(R::A, rates.bound);
        for (std::size_t i = 0; i < R::kinds; ++i) {
            reversible({R::K, R::M + i}, {R::A + i}, rates.k_on[i], rates.k_off[i]);
            reversible({R::T, R::A + i}, {R::Q + i}, rates.beside_on[i], rates.beside_off[i]);
            phosphorylate(R::Q + i, i, R::T, rates.beside_p[i]);
            for (std::size_t d = 0; d < R::turns; ++d) pair(d, i);
        }
    }

    /// The place of this reaction's rate, or null.
    double* find(const MassActionReaction& reaction) const {
        std::vector<std::size_t> reactants{reaction.first};
        if (reaction.second) reactants.push_back(*reaction.second);
        std::sort(reactants.begin(), reactants.end());
        Change change;
        for (const StateChange& one : reaction.changes) change[one.state] += one.count;
        std::erase_if(change, [](const auto& one) { return one.second == 0.0; });
        const auto& slots = reaction.input ? driven_ : free_;
        const auto found = slots.find({reactants, change});
        return found == slots.end() || reaction.input.value_or(0) != 0 ? nullptr : found->second;
    }

private:
    void bind_lobes(std::size_t base, R::Lobes& lobes) {
        for (std::size_t i = 0; i < R::kinds; ++i) {
            if (i + 3 < R::kinds) calcium(base + i, base + i + 3, lobes.c_on[i + 3], lobes.c_off[i]);
            if (i % 3 < 2) calcium(base + i, base + i + 1, lobes.n_on[i + 1], lobes.n_off[i]);
        }
    }
    void calcium(std::size_t from, std::size_t to, double& on, double& off) {
        driven_[{{from}, {{from, -1.0}, {to, 1.0}}}] = &on;
        free_[{{to}, {{from, 1.0}, {to, -1.0}}}] = &off;
    }
    void pair(std::size_t d, std::size_t i) {
        const std::size_t j = (i + d) % R::kinds;
        const std::size_t both = R::P + d * R::kinds + i;
        reversible({R::A + i, R::A + j}, {both}, rates_.pair_on[d][i], rates_.pair_off[d][i]);
        phosphorylate(both, i, R::A + j, phosphorylation_.first[d][i]);
        if (d > 0) phosphorylate(both, j, R::A + i, phosphorylation_.second[d][i]);
    }
    void reversible(std::vector<std::size_t> left, const std::vector<std::size_t>& right, double& on, double& off) {
        Change change;
        for (const std::size_t state : left) change[state] -= 1.0;
        for (const std::size_t state : right) change[state] += 1.0;
        std::sort(left.begin(), left.end());
        free_[{left, change}] = &on;
        for (auto& one : change) one.second = -one.second;
        free_[{right, change}] = &off;
    }
    /// The subunit `kind` of the pair `from` joins T, its partner becomes `partner`.
    void phosphorylate(std::size_t from, std::size_t kind, std::size_t partner, double& rate) {
        Change change{{from, -1.0}};
        change[R::T] += 1.0;
        change[partner] += 1.0;
        if (ions(kind) > 0.0) change[R::C] += ions(kind);
        free_[{{from}, change}] = &rate;
    }

    R& rates_;
    Phosphorylation& phosphorylation_;
    std::map<Key, double*> driven_;
    std::map<Key, double*> free_;
};

/// The rates out of each kind.
void add_up(R::Lobes& lobes) {
    for (std::size_t i = 0; i < R::kinds; ++i) {
        const auto from = [&](const R::Lanes& rates, std::size_t kind) { return kind < R::kinds ? rates[kind] : 0.0; };
        lobes.on[i] = from(lobes.c_on, i + 3) + from(lobes.n_on, i + 1);
        lobes.off[i] = (i < 3 ? 0.0 : lobes.c_off[i - 3]) + (i < 1 ? 0.0 : lobes.n_off[i - 1]);
    }
}

/// The sums of rates that the kernels read.
void add_up(const Phosphorylation& by, R& rates) {
    add_up(rates.free);
    add_up(rates.bound);
    for (std::size_t i = 0; i < R::kinds; ++i) {
        rates.beside_ions[i] = ions(i) * rates.beside_p[i];
        for (std::size_t d = 0; d < R::turns; ++d) {
            const double first = by.first[d][i], second = by.second[d][i];
            rates.to_first[d][i] = rates.pair_off[d][i] + second;
            rates.to_second[d][i] = rates.pair_off[d][i] + first;
            rates.phosphorylated[d][i] = first + second;
            rates.ions[d][i] = ions(i) * first + ions((i + d) % R::kinds) * second;
            rates.pair_off[d][i] += first + second;
        }
    }
}

void choose_kernels(PairedNetwork& network) {
    network.step = paired_step_generic;
    network.observe = paired_observe_generic;
#if defined(NUBRIDGE_HAVE_AVX2)
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return;
    network.step = paired_step_avx2;
    network.observe = paired_observe_avx2;
#endif
}

}  // namespace

std::unique_ptr<const PairedNetwork> PairedNetwork::of(const MassActionDefinition& definition) {
    if (definition.states.size() != R::states) return nullptr;
    auto network = std::make_unique<PairedNetwork>();
    Phosphorylation phosphorylation;
    const Slots slots(network->rates, phosphorylation);
    for (const MassActionReaction& reaction : definition.reactions) {
        double* const slot = slots.find(reaction);
        if (slot == nullptr) return nullptr;
        *slot += reaction.rate_constant;
    }
    add_up(phosphorylation, network->rates);
    for (const Observable& one : definition.observables) {
        auto& rows = network->observables.emplace_back().row;
        for (std::size_t i = 0; i < R::states; ++i) {
            const std::size_t r = i / R::lanes;
            rows[r][r + 1 < PairedWeights::rows ? i % R::lanes : i + R::lanes - R::states] = one.weights[i];
        }
    }
    choose_kernels(*network);
    return network;
}

}  // namespace nubridge::dynamics
