#include "maxent/gibbs.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "chemistry/refuse.hpp"
#include "maxent/inverse.hpp"

namespace nubridge::maxent {

namespace {

using chemistry::RandomStream;
using chemistry::refuse;

/// ln of the law's weight.
double log_weight(const BinaryField& field, std::span<const double> nu, std::span<const double> state) {
    double sum = 0.0;
    for (std::size_t a = 0; a < nu.size(); ++a) sum += nu[a] * field.product(a, state);
    return factor(field.sign()) * sum;
}

}  // namespace

GibbsSampler::GibbsSampler(const BinaryField& field) : field_(field), first_term_{0} {
    const auto& cliques = field.cliques();
    std::vector<std::vector<std::size_t>> of_unit(field.state_size());
    for (std::size_t a = 0; a < cliques.size(); ++a) {
        for (const std::size_t unit : cliques[a]) of_unit[unit].push_back(a);
    }
    for (std::size_t unit = 0; unit < of_unit.size(); ++unit) {
        for (const std::size_t a : of_unit[unit]) {
            const std::size_t begin = others_.size();
            std::copy_if(cliques[a].begin(), cliques[a].end(), std::back_inserter(others_),
                         [unit](std::size_t other) { return other != unit; });
            terms_.push_back({a, begin, others_.size()});
        }
        first_term_.push_back(terms_.size());
    }
}

void GibbsSampler::require(std::span<const double> nu, std::size_t sweeps) const {
    require_finite(nu, field_, "nu");
    if (sweeps < 1) refuse<InvalidArgument>("a chain has 0 sweeps; it needs at least 1");
}

double GibbsSampler::drive(std::span<const double> nu, std::span<const double> state, std::size_t unit) const noexcept {
    double sum = 0.0;
    for (std::size_t t = first_term_[unit]; t < first_term_[unit + 1]; ++t) {
        double product = nu[terms_[t].nu];
        for (std::size_t i = terms_[t].begin; i < terms_[t].end; ++i) product *= state[others_[i]];
        sum += product;
    }
    return factor(field_.sign()) * sum;
}

void GibbsSampler::sweep(std::span<const double> nu, double inverse_temperature, std::span<const std::uint8_t> held,
                         std::span<double> state, RandomStream& random) const noexcept {
    for (std::size_t unit = 0; unit < state.size(); ++unit) {
        if (!held.empty() && held[unit] != 0) continue;
        const double one = 1.0 / (1.0 + std::exp(-inverse_temperature * drive(nu, state, unit)));
        state[unit] = random.next().uniform < one ? 1.0 : 0.0;
    }
}

// Two replicas swap with the chance min(1, exp(difference of inverse temperatures * difference of log weights)), which
// keeps the law of both together.
void GibbsSampler::swap_neighbours(std::span<const double> nu, std::size_t first, std::span<double> replicas,
                                   RandomStream& random) const {
    const std::size_t rungs = replicas.size() / units();
    const double apart = 1.0 / (static_cast<double>(rungs) - 1.0);
    for (std::size_t r = first; r + 1 < rungs; r += 2) {
        const auto hot = replicas.subspan(r * units(), units()), cold = replicas.subspan((r + 1) * units(), units());
        const double gain = apart * (log_weight(field_, nu, hot) - log_weight(field_, nu, cold));
        if (random.next().exponential > -gain) std::swap_ranges(hot.begin(), hot.end(), cold.begin());
    }
}

void GibbsSampler::sample(std::span<const double> nu, const Chain& chain, std::uint64_t seed,
                          std::span<double> samples) const {
    require(nu, chain.sweeps);
    if (chain.rungs < 1) refuse<InvalidArgument>("a chain has 0 rungs; it needs at least 1");
    RandomStream random(seed, 0);
    std::vector<double> replicas(chain.rungs * units());
    const auto last = std::span(replicas).last(units());
    for (std::size_t start = 0; start < samples.size(); start += units()) {
        for (double& unit : replicas) unit = random.next().uniform < 0.5 ? 1.0 : 0.0;
        for (std::size_t turn = 0; turn < chain.sweeps; ++turn) {
            for (std::size_t r = 0; r < chain.rungs; ++r) {
                const double inverse_temperature =
                    chain.rungs == 1 ? 1.0 : static_cast<double>(r) / (static_cast<double>(chain.rungs) - 1.0);
                sweep(nu, inverse_temperature, {}, std::span(replicas).subspan(r * units(), units()), random);
            }
            swap_neighbours(nu, turn % 2, replicas, random);
        }
        std::copy(last.begin(), last.end(), samples.subspan(start, units()).begin());
    }
}

void GibbsSampler::move(std::span<const double> nu, std::size_t sweeps, std::span<const std::uint8_t> held,
                        std::uint64_t seed, std::uint64_t step, std::span<double> states) const {
    require(nu, sweeps);
    RandomStream random(seed, step);
    for (std::size_t start = 0; start < states.size(); start += units()) {
        const auto state = states.subspan(start, units());
        if (!field_.supports(state))
            refuse<InvalidArgument>("chain ", start / units(),
                                    " stands on numbers other than 0 and 1; pass binary states");
        for (std::size_t turn = 0; turn < sweeps; ++turn) sweep(nu, 1.0, held, state, random);
    }
}

}  // namespace nubridge::maxent
