#include "dynamics/paired_kernel.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace nubridge::dynamics {

void paired_step_generic(const PairedRates& rates, double ca_uM, double h_ms, std::size_t substeps, double* x) noexcept;
#if defined(NUBRIDGE_HAVE_AVX2)
void paired_step_avx2(const PairedRates& rates, double ca_uM, double h_ms, std::size_t substeps, double* x) noexcept;
#endif

PairedStep choose_paired_step() {
#if defined(NUBRIDGE_HAVE_AVX2)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return paired_step_avx2;
#endif
    return paired_step_generic;
}

namespace {

using R = PairedRates;
/// Reactants in ascending order and net changes of the amounts.
using Change = std::map<std::size_t, double>;
using Key = std::pair<std::vector<std::size_t>, Change>;

/// Where the rate of every reaction of the topology belongs.
class Slots {
public:
    explicit Slots(R& rates) : rates_(rates) {
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
            if (i + 3 < R::kinds) calcium(base + i, base + i + 3, lobes.c_on[i], lobes.c_off[i]);
            if (i % 3 < 2) calcium(base + i, base + i + 1, lobes.n_on[i], lobes.n_off[i]);
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
        phosphorylate(both, i, R::A + j, rates_.first_p[d][i]);
        if (d > 0) phosphorylate(both, j, R::A + i, rates_.second_p[d][i]);
        rates_.second_ions[d][i] = ions(j);
        rates_.ions[i] = ions(i);
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
    static double ions(std::size_t kind) {
        const std::size_t on_both_lobes = kind / 3 + kind % 3;
        return static_cast<double>(on_both_lobes);
    }

    R& rates_;
    std::map<Key, double*> driven_;
    std::map<Key, double*> free_;
};

}  // namespace

std::unique_ptr<PairedRates> PairedRates::of(const MassActionDefinition& definition) {
    if (definition.states.size() != states) return nullptr;
    auto rates = std::make_unique<PairedRates>();
    const Slots slots(*rates);
    for (const MassActionReaction& reaction : definition.reactions) {
        double* const slot = slots.find(reaction);
        if (slot == nullptr) return nullptr;
        *slot += reaction.rate_constant;
    }
    return rates;
}

}  // namespace nubridge::dynamics
