#include "maxent/ising_chain.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "chemistry/refuse.hpp"
#include "maxent/enumerated.hpp"
#include "maxent/inverse.hpp"
#include "maxent/pair_law.hpp"
#include "maxent/random_numbers.hpp"
#include "maxent/transfer.hpp"

namespace nubridge::maxent {

namespace {

using chemistry::refuse;
using Eigen::Index;
using Eigen::MatrixXd;

std::size_t power_of(std::size_t base, std::size_t exponent) {
    std::size_t product = 1;
    for (std::size_t i = 0; i < exponent; ++i) product *= base;
    return product;
}

Index at(std::size_t i) {
    return static_cast<Index>(i);
}

}  // namespace

/// T with exp(log_scale) taken out, ln T with it, and sign * X of a bond with half of each of its two sites.
struct IsingChain::Transfer {
    MatrixJet jet;
    MatrixXd log;
    std::vector<MatrixXd> exponent;
};

/// ln Z (per site for the infinite chain) and its derivatives.
struct IsingChain::Derivatives {
    double value = 0.0;
    std::vector<double> first, second;
};

struct IsingChain::Solved {
    Transfer transfer;
    /// Of the infinite chain.
    std::optional<DominantPair> pair;
    Derivatives log_z;
};

IsingChain::IsingChain(Definition definition) : definition_(std::move(definition)) {
    const std::size_t species = definition_.species.size();
    if (definition_.couplings) {
        couplings_ = *definition_.couplings;
    } else {
        for (std::size_t a = 0; a < species; ++a) {
            for (std::size_t b = a; b < species; ++b) couplings_.emplace_back(a, b);
        }
    }
    for (auto& [a, b] : couplings_) {
        if (a > b) std::swap(a, b);
    }
    require_definition();
    sites_ = definition_.sites.value_or(sites_);
}

void IsingChain::require_definition() const {
    const std::size_t species = definition_.species.size();
    if (species < 1 || species > 8)
        refuse<InvalidArgument>("a chain has ", species, " species; it has 1 to 8: name them");
    std::set<std::pair<std::size_t, std::size_t>> seen;
    for (const auto& one : couplings_) {
        if (one.second >= species)
            refuse<InvalidArgument>("a coupling names species ", one.second, "; there are ", species);
        if (!seen.insert(one).second) {
            refuse<InvalidArgument>("'", definition_.species[one.first], "' and '", definition_.species[one.second],
                                    "' are coupled twice; remove one");
        }
    }
    const bool infinite = definition_.boundary == Boundary::infinite;
    if (!infinite && !definition_.sites)
        refuse<InvalidArgument>("a finite chain lacks its number of sites; pass sites=N");
    const std::size_t least = definition_.boundary == Boundary::ring ? 3 : 2;
    if (definition_.sites && (*definition_.sites < least || *definition_.sites > (infinite ? 8 : 100'000))) {
        refuse<InvalidArgument>("the chain has ", *definition_.sites, " sites; it has ", least, " to ",
                                infinite ? 8 : 100'000, infinite ? " in the stretch that a state holds" : "");
    }
}

std::vector<std::string> IsingChain::nu_names() const {
    std::vector<std::string> names = definition_.species;
    for (const auto& [a, b] : couplings_) names.push_back(definition_.species[a] + "_" + definition_.species[b]);
    return names;
}

double IsingChain::on_site(std::size_t a, std::size_t content) const noexcept {
    return a + 1 == content ? 1.0 : 0.0;
}

double IsingChain::on_bond(std::size_t a, std::size_t left, std::size_t right) const noexcept {
    if (a < definition_.species.size()) return 0.0;
    const auto& [low, high] = couplings_[a - definition_.species.size()];
    return std::min(left, right) == low + 1 && std::max(left, right) == high + 1 ? 1.0 : 0.0;
}

IsingChain::Transfer IsingChain::transfer(std::span<const double> nu, std::size_t order) const {
    require_finite(nu, *this, "nu");
    const auto q = at(contents());
    Transfer out{{}, MatrixXd::Zero(q, q), std::vector<MatrixXd>(nu_count(), MatrixXd(q, q))};
    for (std::size_t a = 0; a < nu_count(); ++a) {
        for (std::size_t s = 0; s < contents(); ++s) {
            for (std::size_t r = 0; r < contents(); ++r) {
                out.exponent[a](at(s), at(r)) =
                    factor(sign()) * (0.5 * (on_site(a, s) + on_site(a, r)) + on_bond(a, s, r));
            }
        }
        out.log += nu[a] * out.exponent[a];
    }
    out.jet.log_scale = out.log.maxCoeff();
    out.jet.value = (out.log.array() - out.jet.log_scale).exp().matrix();
    for (std::size_t a = 0; order > 0 && a < nu_count(); ++a) {
        out.jet.first.emplace_back(out.jet.value.cwiseProduct(out.exponent[a]));
        for (std::size_t b = 0; order > 1 && b <= a; ++b)
            out.jet.second.emplace_back(out.jet.first[a].cwiseProduct(out.exponent[b]));
    }
    return out;
}

IsingChain::Derivatives IsingChain::infinite_derivatives(const Transfer& t, const DominantPair& pair,
                                                         std::size_t order) const {
    Derivatives out{t.jet.log_scale + std::log(pair.value), {}, {}};
    for (const double one : pair.value_first) out.first.push_back(one / pair.value);
    for (std::size_t a = 0; order > 1 && a < nu_count(); ++a) {
        for (std::size_t b = 0; b <= a; ++b)
            out.second.push_back(pair.value_second[MatrixJet::pair(a, b)] / pair.value - out.first[a] * out.first[b]);
    }
    return out;
}

// A ring closes with the trace; at the ends of an open chain each end site has only half of its exponent in T.
IsingChain::Derivatives IsingChain::finite_derivatives(const Transfer& t, std::span<const double> nu,
                                                       std::size_t order) const {
    const bool ring = definition_.boundary == Boundary::ring;
    const MatrixJet p = power(t.jet, ring ? sites_ : sites_ - 1);
    const auto q = at(contents());
    MatrixXd closing = MatrixXd::Identity(q, q);
    std::vector<MatrixXd> bend(nu_count(), MatrixXd::Zero(q, q));
    if (!ring) {
        closing.setZero();
        for (std::size_t a = 0; a < definition_.species.size(); ++a) {
            bend[a].row(at(a + 1)).array() += 0.5 * factor(sign());
            bend[a].col(at(a + 1)).array() += 0.5 * factor(sign());
            closing += nu[a] * bend[a];
        }
    }
    const double shift = ring ? 0.0 : closing.maxCoeff();
    if (!ring) closing = (closing.array() - shift).exp().matrix();
    const double z = closing.cwiseProduct(p.value).sum();
    Derivatives out{p.log_scale + shift + std::log(z), {}, {}};
    for (std::size_t a = 0; a < p.first.size(); ++a)
        out.first.push_back(closing.cwiseProduct(p.first[a] + bend[a].cwiseProduct(p.value)).sum() / z);
    for (std::size_t a = 0; order > 1 && a < nu_count(); ++a) {
        for (std::size_t b = 0; b <= a; ++b) {
            const MatrixXd second = p.second[MatrixJet::pair(a, b)] + bend[a].cwiseProduct(p.first[b]) +
                                    bend[b].cwiseProduct(p.first[a]) +
                                    bend[a].cwiseProduct(bend[b]).cwiseProduct(p.value);
            out.second.push_back(closing.cwiseProduct(second).sum() / z - out.first[a] * out.first[b]);
        }
    }
    return out;
}

IsingChain::Solved IsingChain::solve(std::span<const double> nu, std::size_t order) const {
    Solved out{transfer(nu, order), {}, {}};
    if (definition_.boundary == Boundary::infinite) {
        out.pair = dominant_pair(out.transfer.jet);
        out.log_z = infinite_derivatives(out.transfer, *out.pair, order);
    } else {
        out.log_z = finite_derivatives(out.transfer, nu, order);
    }
    return out;
}

std::shared_ptr<const IsingChain::Solved> IsingChain::solve(std::span<const double> nu) const {
    return std::make_shared<const Solved>(solve(nu, 2));
}

PairLaw IsingChain::pair_law_at(std::span<const double> nu) const {
    require_finite(nu, *this, "nu");
    return pair_law(factor(sign()) * nu[0], factor(sign()) * nu[1]);
}

double IsingChain::log_partition(std::span<const double> nu) const {
    if (is_pair_law()) return pair_law_at(nu).log_partition;
    return solve(nu, 0).log_z.value;
}

void IsingChain::moments(std::span<const double> nu, std::span<double> moments) const {
    if (is_pair_law()) {
        const PairLaw law = pair_law_at(nu);
        moments[0] = law.occupied;
        moments[1] = law.both;
        return;
    }
    const Solved here = solve(nu, 1);
    for (std::size_t a = 0; a < moments.size(); ++a) moments[a] = factor(sign()) * here.log_z.first[a];
}

void IsingChain::fisher(std::span<const double> nu, std::span<double> fisher) const {
    if (is_pair_law()) {
        const PairLaw law = pair_law_at(nu);
        fisher[0] = law.by_h;
        fisher[1] = fisher[2] = law.mixed;
        fisher[3] = law.by_j;
        return;
    }
    this->fisher(solve(nu, 2), fisher);
}

void IsingChain::fisher(const Solved& at, std::span<double> fisher) const {
    for (std::size_t a = 0; a < nu_count(); ++a) {
        for (std::size_t b = 0; b < nu_count(); ++b)
            fisher[a * nu_count() + b] = at.log_z.second[MatrixJet::pair(a, b)];
    }
}

void IsingChain::from_moments(std::span<const double> moments, std::span<double> nu) const {
    require_finite(moments, *this, "the moment");
    const std::size_t species = definition_.species.size();
    const double sites = definition_.boundary == Boundary::infinite ? 1.0 : static_cast<double>(sites_);
    double empty = 1.0;
    for (std::size_t a = 0; a < species; ++a) empty -= moments[a] / sites;
    for (std::size_t a = 0; a < species; ++a) {
        if (!(moments[a] > 0.0) || !(empty > 0.0)) {
            refuse<InvalidArgument>("the moment of '", definition_.species[a], "' is ", moments[a],
                                    "; occupancies are positive and leave empty sites: check the data");
        }
        nu[a] = factor(sign()) * std::log(moments[a] / sites / empty);
    }
    std::fill(nu.begin() + static_cast<std::ptrdiff_t>(species), nu.end(), 0.0);
    if (is_pair_law()) {
        const double rho = moments[0], eta = moments[1], single = rho - eta, none = 1.0 - 2.0 * rho + eta;
        if (!(eta > 0.0 && single > 0.0 && none > 0.0)) {
            refuse<InvalidArgument>("the moment of '", nu_names()[1], "' is ", eta, "; with ", rho,
                                    " molecules a site it lies between ", std::max(0.0, 2.0 * rho - 1.0), " and ", rho,
                                    ": check the data");
        }
        nu[0] = factor(sign()) * std::log((1.0 - rho) * single * single / (rho * none * none));
        nu[1] = factor(sign()) * std::log(eta * none / (single * single));
        return;
    }
    solve_moments(*this, moments, nu);
}

void IsingChain::sample(std::span<const double> nu, std::uint64_t seed, std::span<double> samples) const {
    const Transfer t = transfer(nu, 0);
    const std::size_t q = contents();
    const bool infinite = definition_.boundary == Boundary::infinite, ring = definition_.boundary == Boundary::ring;
    // ahead[k](s, c): the weight of everything after site k when it holds s; c is the first site's content on a ring.
    std::vector<MatrixXd> ahead(sites_);
    if (infinite) {
        std::fill(ahead.begin(), ahead.end(), dominant_pair(t.jet).vector);
    } else {
        ahead[sites_ - 1] = ring ? t.jet.value : MatrixXd::Ones(at(q), 1);
        for (std::size_t a = 0; !ring && a < definition_.species.size(); ++a)
            ahead[sites_ - 1](at(a + 1), 0) = std::exp(0.5 * factor(sign()) * nu[a]);
        for (std::size_t k = sites_ - 1; k-- > 0;) {
            ahead[k] = t.jet.value * ahead[k + 1];
            ahead[k] /= ahead[k].maxCoeff();
        }
    }
    Uniform uniform(seed);
    std::vector<double> weights(q);
    for (std::size_t start = 0; start < samples.size(); start += sites_) {
        for (std::size_t s = 0; s < q; ++s) {
            const auto i = at(s);
            weights[s] = ahead[0](i, ring ? i : 0);
            if (infinite) weights[s] *= weights[s];
            if (!ring && !infinite && s > 0) weights[s] *= std::exp(0.5 * factor(sign()) * nu[s - 1]);
        }
        std::size_t here = uniform.choose(weights);
        const Index column = ring ? at(here) : 0;
        samples[start] = static_cast<double>(here);
        for (std::size_t k = 1; k < sites_; ++k) {
            for (std::size_t s = 0; s < q; ++s) weights[s] = t.jet.value(at(here), at(s)) * ahead[k](at(s), column);
            here = uniform.choose(weights);
            samples[start + k] = static_cast<double>(here);
        }
    }
}

void IsingChain::statistics(std::span<const double> state, std::span<double> statistics) const {
    std::fill(statistics.begin(), statistics.end(), 0.0);
    const bool ring = definition_.boundary == Boundary::ring, infinite = definition_.boundary == Boundary::infinite;
    const double site_weight = infinite ? 1.0 / static_cast<double>(sites_) : 1.0;
    const double bond_weight = infinite ? 1.0 / static_cast<double>(sites_ - 1) : 1.0;
    for (std::size_t k = 0; k < sites_; ++k) {
        const auto here = static_cast<std::size_t>(state[k]);
        if (here > 0) statistics[here - 1] += site_weight;
        if (here == 0 || (k + 1 == sites_ && !ring)) continue;
        const auto next = static_cast<std::size_t>(state[(k + 1) % sites_]);
        for (std::size_t a = definition_.species.size(); a < nu_count(); ++a)
            statistics[a] += bond_weight * on_bond(a, here, next);
    }
}

bool IsingChain::supports(std::span<const double> state) const {
    return std::all_of(state.begin(), state.end(),
                       [this](double s) { return s >= 0.0 && s < static_cast<double>(contents()); });
}

WeightedStates IsingChain::states(std::span<const double> nu) const {
    if (static_cast<double>(sites_) * std::log(static_cast<double>(contents())) >
        std::log(static_cast<double>(max_states))) {
        refuse<InvalidArgument>("a chain of ", sites_, " sites with ", contents(), " contents each has more than ",
                                max_states, " states; take fewer sites, a ring or the infinite chain");
    }
    const std::size_t count = power_of(contents(), sites_);
    WeightedStates law;
    law.states.resize(count * sites_);
    law.statistics.resize(count * nu_count());
    std::vector<double> log_weights(count, 0.0);
    for (std::size_t i = 0; i < count; ++i) {
        const auto state = std::span(law.states).subspan(i * sites_, sites_);
        for (std::size_t k = 0, rest = i; k < sites_; ++k, rest /= contents())
            state[k] = static_cast<double>(rest % contents());
        const auto x = std::span(law.statistics).subspan(i * nu_count(), nu_count());
        statistics(state, x);
        for (std::size_t a = 0; a < nu.size(); ++a) log_weights[i] += factor(sign()) * nu[a] * x[a];
    }
    if (definition_.boundary == Boundary::infinite) {
        law.probabilities = cluster(solve(nu, 2), sites_, false).probability;
        law.log_partition = log_partition(nu);
    } else {
        require_finite(nu, *this, "nu");
        normalise(log_weights, law);
    }
    return law;
}

// What a stretch of sites has beside its bonds, at (last, first) site: as a ring the rest of it, else the eigenvector
// at both ends.
MatrixJet IsingChain::closing(const Solved& here, std::size_t sites, bool with_curvature) const {
    if (!here.pair) return power(here.transfer.jet, sites_ - sites + 1);
    const auto& v = here.pair->vector;
    const auto& first = here.pair->vector_first;
    const auto& second = here.pair->vector_second;
    MatrixJet out{v * v.transpose(), {}, {}, 0.0};
    for (std::size_t a = 0; a < nu_count(); ++a) {
        const MatrixXd half = v * first[a].transpose();
        out.first.emplace_back(half + half.transpose());
        for (std::size_t b = 0; with_curvature && b <= a; ++b) {
            const MatrixXd bent = v * second[MatrixJet::pair(a, b)].transpose() + first[a] * first[b].transpose();
            out.second.emplace_back(bent + bent.transpose());
        }
    }
    return out;
}

// ln p = SUM of the bonds' ln T + ln of the closing weight, whose logarithm is differentiated here, - ln Z.
IsingChain::Cluster IsingChain::cluster(const Solved& here, std::size_t sites, bool with_curvature) const {
    const bool ring = definition_.boundary == Boundary::ring;
    if (definition_.boundary == Boundary::open || sites < 1 || sites > (ring ? sites_ : 8)) {
        refuse<InvalidArgument>("the probabilities of ", sites,
                                " neighbouring sites are the same everywhere on a ring of as many, or on the infinite "
                                "chain (1 to 8); take such a boundary");
    }
    const std::size_t n = nu_count(), q = contents(), count = power_of(q, sites);
    const double share = ring ? 1.0 : static_cast<double>(sites) - 1.0;  // of ln Z
    const Transfer& t = here.transfer;
    const MatrixJet end = closing(here, sites, with_curvature);
    const MatrixXd log_end = end.value.array().log() + (end.log_scale - share * here.log_z.value);
    std::vector<MatrixXd> slope, bend;
    for (std::size_t a = 0; a < n; ++a) {
        slope.emplace_back(end.first[a].cwiseQuotient(end.value));
        for (std::size_t b = 0; with_curvature && b <= a; ++b) {
            const std::size_t ab = MatrixJet::pair(a, b);
            bend.emplace_back(end.second[ab].cwiseQuotient(end.value) - slope[a].cwiseProduct(slope[b]));
            bend.back().array() -= share * here.log_z.second[ab];
        }
    }
    Cluster out{sites, std::vector<double>(count), std::vector<double>(count * n), {}};
    if (with_curvature) out.curvature.resize(count * n * n);
    std::vector<Index> s(sites);
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t k = 0, rest = i; k < sites; ++k, rest /= q) s[k] = at(rest % q);
        double log_p = log_end(s.back(), s.front());
        for (std::size_t k = 0; k + 1 < sites; ++k) log_p += t.log(s[k], s[k + 1]);
        out.probability[i] = std::exp(log_p);
        for (std::size_t a = 0; a < n; ++a) {
            double& score = out.score[i * n + a];
            score = slope[a](s.back(), s.front()) - share * here.log_z.first[a];
            for (std::size_t k = 0; k + 1 < sites; ++k) score += t.exponent[a](s[k], s[k + 1]);
            for (std::size_t b = 0; with_curvature && b < n; ++b)
                out.curvature[(i * n + a) * n + b] = bend[MatrixJet::pair(a, b)](s.back(), s.front());
        }
    }
    return out;
}

}  // namespace nubridge::maxent
