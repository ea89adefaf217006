#include "maxent/counts.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "chemistry/refuse.hpp"
#include "maxent/inverse.hpp"

namespace nubridge::maxent {

namespace {

using chemistry::refuse;

/// The rest that is left out, relative to Z and already divided by the square of the largest statistic.
constexpr double log_negligible = -46.0;

double binomial(double n, std::size_t k) {
    double product = 1.0;
    for (std::size_t i = 0; i < k; ++i) product *= (n - static_cast<double>(i)) / static_cast<double>(i + 1);
    return product;
}

/// All multi-indices of this total order, the first species most often first.
void append_powers(std::vector<std::vector<std::size_t>>& powers, std::vector<std::size_t> begun, std::size_t species,
                   std::size_t left) {
    if (begun.size() + 1 == species) {
        begun.push_back(left);
        powers.push_back(std::move(begun));
        return;
    }
    for (std::size_t power = left + 1; power-- > 0;) {
        auto next = begun;
        next.push_back(power);
        append_powers(powers, std::move(next), species, left - power);
    }
}

}  // namespace

Counts::Counts(Definition definition) : definition_(std::move(definition)) {
    require_definition();
    for (std::size_t order = 1; order <= definition_.order; ++order)
        append_powers(powers_, {}, definition_.species.size(), order);
}

void Counts::require_definition() const {
    if (definition_.species.empty()) refuse<InvalidArgument>("a family of counts has no species; name at least one");
    if (definition_.order < 1 || definition_.order > 6)
        refuse<InvalidArgument>("the order of the counts is ", definition_.order, "; it is 1 to 6");
    const bool binomial_base = definition_.base == Base::binomial;
    if (binomial_base != definition_.sites.has_value()) {
        refuse<InvalidArgument>("the base ", binomial_base ? "'binomial' lacks the number of sites" : "has sites",
                                binomial_base ? "; pass sites=N" : " and is not 'binomial'; leave sites out");
    }
    if (binomial_base && definition_.largest)
        refuse<InvalidArgument>("the base 'binomial' is bounded by its sites; leave largest out");
    const std::size_t bound = definition_.sites.value_or(definition_.largest.value_or(1));
    const auto species = static_cast<double>(definition_.species.size());
    // Fewer states than nu leave directions of nu that change nothing.
    if (bounded() && bound < definition_.order) {
        refuse<InvalidArgument>("at most ", bound, " molecules do not fill the order ", definition_.order,
                                "; lower the order or allow more molecules");
    }
    if (bounded() && species * std::log(static_cast<double>(bound) + 1.0) >
                         std::log(static_cast<double>(max_states)) + (binomial_base ? std::lgamma(species + 1.0) : 0.0))
        refuse<InvalidArgument>("counts up to ", bound, " of ", definition_.species.size(), " species are more than ",
                                max_states, " states; lower the bound");
}

std::vector<std::string> Counts::nu_names() const {
    std::vector<std::string> names;
    for (const auto& power : powers_) {
        std::string name;
        for (std::size_t i = 0; i < power.size(); ++i) {
            for (std::size_t k = 0; k < power[i]; ++k) name += (name.empty() ? "" : "_") + definition_.species[i];
        }
        names.push_back(std::move(name));
    }
    return names;
}

void Counts::statistics(std::span<const double> state, std::span<double> statistics) const {
    for (std::size_t a = 0; a < powers_.size(); ++a) {
        statistics[a] = 1.0;
        for (std::size_t i = 0; i < state.size(); ++i) {
            if (powers_[a][i] > 0) statistics[a] *= binomial(state[i], powers_[a][i]);
        }
    }
}

bool Counts::supports(std::span<const double> state) const {
    if (std::any_of(state.begin(), state.end(), [](double n) { return n < 0.0; })) return false;
    if (definition_.largest) {
        return *std::max_element(state.begin(), state.end()) <= static_cast<double>(*definition_.largest);
    }
    return !definition_.sites ||
           std::accumulate(state.begin(), state.end(), 0.0) <= static_cast<double>(*definition_.sites);
}

double Counts::log_base(std::span<const double> state) const {
    if (definition_.base == Base::counting) return 0.0;
    double sum = 0.0, total = 0.0;
    for (const double n : state) {
        sum -= std::lgamma(n + 1.0);
        total += n;
    }
    if (definition_.base == Base::poisson) return sum;
    const auto sites = static_cast<double>(definition_.sites.value_or(0));  // a binomial base has them
    return sum + std::lgamma(sites + 1.0) - std::lgamma(sites - total + 1.0);
}

double Counts::exponent(std::span<const double> nu, std::span<const double> statistics) const {
    double sum = 0.0;
    for (std::size_t a = 0; a < nu.size(); ++a) sum += nu[a] * statistics[a];
    return factor(definition_.sign) * sum;
}

// Along one axis the highest coefficient that is not 0 decides; 1/n! alone outweighs order 1.
void Counts::require_axis(std::span<const double> nu, std::size_t species) const {
    std::size_t deciding = nu.size();
    std::size_t highest = 0;
    for (std::size_t a = 0; a < nu.size(); ++a) {
        const std::size_t order = std::accumulate(powers_[a].begin(), powers_[a].end(), std::size_t{0});
        if (powers_[a][species] == order && order > highest && nu[a] != 0.0) {
            deciding = a;
            highest = order;
        }
    }
    const bool poisson = definition_.base == Base::poisson;
    if (poisson && highest < 2) return;
    if (deciding < nu.size() && factor(definition_.sign) * nu[deciding] < 0.0) return;
    const auto name = deciding < nu.size() ? nu_names()[deciding] : definition_.species[species];
    refuse<InvalidArgument>(
        "nu of '", name, "' is ", deciding < nu.size() ? nu[deciding] : 0.0, ", where Z is infinite: with the sign ",
        static_cast<int>(definition_.sign), " and the base '", poisson ? "poisson" : "counting",
        "' the highest order that is not 0 must be ", definition_.sign == Sign::minus ? "positive" : "negative",
        "; correct nu, or bound the counts (largest)");
}

void Counts::require_law(std::span<const double> nu) const {
    require_finite(nu, *this, "nu");
    if (bounded()) return;
    for (std::size_t i = 0; i < definition_.species.size(); ++i) require_axis(nu, i);
}

Counts::Truncation Counts::truncation(std::span<const double> nu) const {
    require_law(nu);
    if (bounded()) {
        const std::size_t bound = definition_.sites.value_or(definition_.largest.value_or(0));
        return {std::vector<std::size_t>(definition_.species.size(), bound), 0.0};
    }
    return definition_.species.size() == 1 ? one_species(nu) : several_species(nu);
}

// ln w(n+1) - ln w(n) = D(n) - [poisson] ln(n+1), and around N Vandermonde gives D(N+m) = SUM_j d_j binom(m, j) with
// d_j = sign SUM_k nu_k binom(N, k-1-j). With all d_j <= 0 for j >= 1 the ratios only fall, and what lies beyond N is
// at most w(N) r / (1 - r).
Counts::Truncation Counts::one_species(std::span<const double> nu) const {
    const bool poisson = definition_.base == Base::poisson;
    const auto coefficient = [&](double n, std::size_t j) {
        double sum = 0.0;
        for (std::size_t k = j + 1; k <= nu.size(); ++k) sum += nu[k - 1] * binomial(n, k - 1 - j);
        return factor(definition_.sign) * sum;
    };
    double log_w = 0.0, largest = 0.0;
    for (std::size_t n = 0; n < max_states; ++n) {
        const auto x = static_cast<double>(n);
        const double log_ratio = coefficient(x, 0) - (poisson ? std::log(x + 1.0) : 0.0);
        if (log_ratio < -1e-12 && n > 8) {
            const double log_tail = log_w + log_ratio - std::log(-std::expm1(log_ratio)) - largest;
            const double spread = 2.0 * std::log(std::max(1.0, binomial(x, nu.size())));
            bool falls = log_tail + spread < log_negligible;
            for (std::size_t j = 1; falls && j < nu.size(); ++j) falls = coefficient(x, j) <= 0.0;
            if (falls) return {{n}, std::exp(log_tail)};
        }
        log_w += log_ratio;
        largest = std::max(largest, log_w);
    }
    refuse<InvalidArgument>("the law of '", definition_.species[0], "' does not fit ", max_states,
                            " states: it is almost not normalisable; move nu, or bound the counts (largest)");
}

// Doubles the sides of a box whose outer faces still carry probability.
Counts::Truncation Counts::several_species(std::span<const double> nu) const {
    Truncation cut{std::vector<std::size_t>(definition_.species.size(), 16), 0.0};
    for (;;) {
        double states = 1.0;
        for (const std::size_t side : cut.largest) states *= static_cast<double>(side) + 1.0;
        if (states > static_cast<double>(max_states)) {
            refuse<InvalidArgument>("the law of ", definition_.species.size(), " species does not fit ", max_states,
                                    " states, or Z is infinite; move nu, or bound the counts (largest)");
        }
        const WeightedStates law = on_box(nu, cut.largest);
        bool grown = false;
        cut.tail = 0.0;
        const auto before = cut.largest;
        for (std::size_t i = 0; i < before.size(); ++i) {
            double outer = 0.0, inner = 0.0;
            for (std::size_t s = 0; s < law.size(); ++s) {
                const double n = law.states[s * before.size() + i];
                if (n == static_cast<double>(before[i])) outer += law.probabilities[s];
                if (n + 1 == static_cast<double>(before[i])) inner += law.probabilities[s];
            }
            const double tail = outer == 0.0 ? 0.0 : outer < inner ? outer * outer / (inner - outer) : 1.0;
            cut.tail += tail;
            const double spread = 2.0 * std::log(binomial(static_cast<double>(before[i]), definition_.order));
            if (tail > 0.0 && std::log(tail) + spread > log_negligible) {
                cut.largest[i] *= 2;
                grown = true;
            }
        }
        if (!grown) return cut;
    }
}

WeightedStates Counts::on_box(std::span<const double> nu, std::span<const std::size_t> largest) const {
    WeightedStates law;
    std::vector<double> log_weights, state(largest.size(), 0.0), x(nu_count());
    for (;;) {
        if (supports(state)) {
            statistics(state, x);
            law.states.insert(law.states.end(), state.begin(), state.end());
            law.statistics.insert(law.statistics.end(), x.begin(), x.end());
            log_weights.push_back(log_base(state) + exponent(nu, x));
        }
        std::size_t i = 0;
        while (i < state.size() && state[i] == static_cast<double>(largest[i])) state[i++] = 0.0;
        if (i == state.size()) break;
        state[i] += 1.0;
    }
    normalise(log_weights, law);
    return law;
}

WeightedStates Counts::states(std::span<const double> nu) const {
    return on_box(nu, truncation(nu).largest);
}

// Newton's method starts from the law of order 1 with these means.
void Counts::from_moments(std::span<const double> moments, std::span<double> nu) const {
    require_finite(moments, *this, "the moment");
    std::fill(nu.begin(), nu.end(), 0.0);
    const std::size_t species = definition_.species.size();
    double free_sites = definition_.sites ? static_cast<double>(*definition_.sites) : 0.0;
    for (std::size_t i = 0; i < species; ++i) free_sites -= moments[i];
    for (std::size_t i = 0; i < species; ++i) {
        const bool fits = moments[i] > 0.0 && (!definition_.sites || free_sites > 0.0) &&
                          (!definition_.largest || moments[i] < static_cast<double>(*definition_.largest));
        if (!fits) {
            refuse<InvalidArgument>("the moment of '", definition_.species[i], "' is ", moments[i],
                                    "; inside the family it is positive", bounded() ? " and below the bound" : "",
                                    ": check the data");
        }
        double log_odds = std::log(moments[i]);
        if (definition_.base == Base::binomial) log_odds -= std::log(free_sites);
        if (definition_.base == Base::counting) log_odds -= std::log1p(moments[i]);
        nu[i] = factor(definition_.sign) * log_odds;
    }
    solve_moments(*this, moments, nu);
}

}  // namespace nubridge::maxent
