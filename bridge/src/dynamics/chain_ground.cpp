#include <algorithm>
#include <array>
#include <utility>

#include "chemistry/refuse.hpp"
#include "dynamics/chain_rules.hpp"
#include "dynamics/closure_ground.hpp"
#include "maxent/inverse.hpp"
#include "maxent/pair_law.hpp"

namespace nubridge::dynamics {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using maxent::IsingChain;

Index at(std::size_t i) {
    return static_cast<Index>(i);
}

/// What a term adds to X, at its rate, when four neighbours hold this; what it changes lies in the middle.
struct Gain {
    std::size_t window;
    VectorXd amount;
};
using Window = std::array<std::size_t, 4>;

class ChainMeans final : public ClosureMeans {
public:
    ChainMeans(const IsingChain& family, const std::vector<std::vector<Gain>>& gains, std::span<const double> nu)
        : family_(family), gains_(gains), solved_(family.solve(nu)), four_(family.cluster(*solved_, 4, false)) {}

    MatrixXd fisher() const override {
        MatrixXd total(at(family_.nu_count()), at(family_.nu_count()));
        family_.fisher(*solved_, {total.data(), static_cast<std::size_t>(total.size())});
        const bool infinite = family_.definition().boundary == IsingChain::Boundary::infinite;
        return infinite ? total : total / static_cast<double>(family_.state_size());
    }

    MatrixXd flux() const override {
        MatrixXd flux = MatrixXd::Zero(at(gains_.size()), at(family_.nu_count()));
        for (std::size_t r = 0; r < gains_.size(); ++r) {
            for (const Gain& gain : gains_[r])
                flux.row(at(r)) += four_.probability[gain.window] * gain.amount.transpose();
        }
        return flux;
    }

    MatrixXd flux_slope(std::span<const double> weights) const override {
        const auto n = at(family_.nu_count());
        MatrixXd slope = MatrixXd::Zero(n, n);
        for (std::size_t r = 0; r < gains_.size(); ++r) {
            for (const Gain& gain : gains_[r]) {
                const Eigen::Map<const VectorXd> score(four_.score.data() + at(gain.window) * n, n);
                slope += weights[r] * four_.probability[gain.window] * gain.amount * score.transpose();
            }
        }
        return slope;
    }

    // Cov(X_a, X_c) = sign d<X_a>/dnu_c, and d^2 p = p (score score^T + curvature).
    MatrixXd fisher_slope(const VectorXd& direction) const override {
        const auto n = direction.size();
        const IsingChain::Cluster two = family_.cluster(*solved_, 2, true);
        MatrixXd slope = MatrixXd::Zero(n, n);
        for (std::size_t i = 0; i < two.probability.size(); ++i) {
            const std::size_t left = i % family_.contents(), right = i / family_.contents();
            const Eigen::Map<const VectorXd> score(two.score.data() + at(i) * n, n);
            const Eigen::Map<const MatrixXd> curvature(two.curvature.data() + at(i) * n * n, n, n);
            const VectorXd second = score * score.dot(direction) + curvature * direction;
            for (Index a = 0; a < n; ++a) {
                const auto nu = static_cast<std::size_t>(a);
                const double x = family_.on_site(nu, left) + family_.on_bond(nu, left, right);
                slope.row(a) += maxent::factor(family_.sign()) * two.probability[i] * x * second.transpose();
            }
        }
        return slope;
    }

private:
    const IsingChain& family_;
    const std::vector<std::vector<Gain>>& gains_;
    std::shared_ptr<const IsingChain::Solved> solved_;
    IsingChain::Cluster four_;
};

VectorXd change(const IsingChain& family, const Window& before, const Window& after) {
    VectorXd change(at(family.nu_count()));
    for (std::size_t a = 0; a < family.nu_count(); ++a) {
        double sum = 0.0;
        for (std::size_t k = 0; k < 4; ++k) sum += family.on_site(a, after[k]) - family.on_site(a, before[k]);
        for (std::size_t k = 0; k < 3; ++k)
            sum += family.on_bond(a, after[k], after[k + 1]) - family.on_bond(a, before[k], before[k + 1]);
        change[at(a)] = sum;
    }
    return change;
}

std::vector<Gain> gains_of(const IsingChain& family, const ChainTerm& term) {
    const std::size_t q = family.contents();
    std::vector<Gain> gains;
    for (std::size_t i = 0; i < q * q * q * q; ++i) {
        const Window before{i % q, i / q % q, i / (q * q) % q, i / (q * q * q)};
        VectorXd amount = VectorXd::Zero(at(family.nu_count()));
        bool changes = false;
        for (const SiteRule& rule : term.site) {
            if (before[1] != rule.from) continue;
            changes = true;
            amount += change(family, before, {before[0], rule.to, before[2], before[3]});
        }
        for (const BondRule& rule : term.bond) {
            if (before[1] != rule.left || before[2] != rule.right) continue;
            changes = true;
            amount += rule.share * change(family, before, {before[0], rule.new_left, rule.new_right, before[3]});
        }
        if (changes) gains.push_back({i, std::move(amount)});
    }
    return gains;
}

class ChainGround final : public MeansGround {
public:
    ChainGround(std::shared_ptr<const IsingChain> family, std::vector<std::vector<Gain>> gains)
        : MeansGround(family), family_(std::move(family)), gains_(std::move(gains)) {}

protected:
    std::unique_ptr<ClosureMeans> at(std::span<const double> nu) const override {
        return std::make_unique<ChainMeans>(*family_, gains_, nu);
    }

private:
    std::shared_ptr<const IsingChain> family_;
    std::vector<std::vector<Gain>> gains_;
};

/// One species with its coupling on the infinite chain, in closed form: occupancy and pairs m determine the law of four
/// neighbours, sign nu is the slope of their entropy, and F = (dnu/dm) flux.
class PairGround final : public ClosureGround {
public:
    PairGround(std::shared_ptr<const IsingChain> family, const std::vector<std::vector<Gain>>& gains)
        : family_(std::move(family)) {
        for (const auto& term : gains) {
            auto& own = terms_.emplace_back();
            for (const Gain& gain : term) own.push_back({gain.window, {gain.amount[0], gain.amount[1]}});
        }
    }

    void basis(std::span<const double> nu, std::span<double> basis) const override { slopes(nu, {}, basis, {}); }

    void slopes(std::span<const double> nu, std::span<const double> weights, std::span<double> basis,
                std::span<double> by_nu) const override {
        require_finite(nu, *family_, "nu");
        const double sign = maxent::factor(family_->sign());
        const PairLaw law = maxent::pair_law(sign * nu[0], sign * nu[1]);
        require_law(law);
        const Inverse inverse(law);
        const Curvature bend(inverse);
        const std::array<double, 16> windows = windows_of(law, inverse);
        for (std::size_t r = 0; r < terms_.size(); ++r) {
            const Pair f = bend.nu_by_m(flux(windows, r));
            for (std::size_t a = 0; a < 2; ++a) basis[2 * r + a] = sign * f[a];
        }
        if (by_nu.empty()) return;
        const std::array<Pair, 16> window_slopes = slopes_of(inverse);
        for (std::size_t row = 0; 4 * row < by_nu.size(); ++row) {
            const auto own = weights.subspan(row * terms_.size(), terms_.size());
            slope(law, bend, moved(windows, window_slopes, own), by_nu.subspan(4 * row, 4));
        }
    }

private:
    using PairLaw = maxent::PairLaw;
    using Pair = std::array<double, 2>;
    struct PairGain {
        std::size_t window;
        Pair amount;
    };

    /// One over each probability.
    struct Inverse {
        explicit Inverse(const PairLaw& p)
            : occupied(1 / p.occupied), empty(1 / p.empty), both(1 / p.both), one(1 / p.one), none(1 / p.none) {}
        double occupied, empty, both, one, none;
    };

    /// Derivatives of sign nu by m = (occupied, both): those of the entropy, so that they are symmetric.
    struct Curvature {
        explicit Curvature(const Inverse& p)
            : second{2 * p.one + 4 * p.none - p.occupied - p.empty, -2 * p.one - 2 * p.none,
                     p.both + p.none + 2 * p.one} {
            const double one = 2 * p.one * p.one, none = p.none * p.none;
            third = {p.occupied * p.occupied - p.empty * p.empty - one + 8 * none, one - 4 * none, 2 * none - one,
                     one - p.both * p.both - none};
        }
        Pair nu_by_m(const Pair& m) const {
            return {second[0] * m[0] + second[1] * m[1], second[1] * m[0] + second[2] * m[1]};
        }
        std::array<double, 3> second;
        std::array<double, 4> third{};
    };

    /// The probabilities of four neighbours, the first the lowest bit.
    static std::array<double, 16> windows_of(const PairLaw& p, const Inverse& inverse) {
        const std::array<double, 4> pair{p.none, p.one, p.one, p.both};
        const std::array<double, 2> site{inverse.empty, inverse.occupied};
        std::array<double, 16> windows{};
        for (std::size_t i = 0; i < 16; ++i)
            windows[i] = pair[i & 3] * pair[i >> 1 & 3] * pair[i >> 2] * site[i >> 1 & 1] * site[i >> 2 & 1];
        return windows;
    }

    /// How the logarithms of windows_of() move with m.
    static std::array<Pair, 16> slopes_of(const Inverse& p) {
        const std::array<Pair, 4> pair{Pair{-2 * p.none, p.none}, Pair{p.one, -p.one}, Pair{p.one, -p.one},
                                       Pair{0.0, p.both}};
        const std::array<double, 2> site{-p.empty, p.occupied};
        std::array<Pair, 16> slopes{};
        for (std::size_t i = 0; i < 16; ++i) {
            const Pair left = pair[i & 3], middle = pair[i >> 1 & 3], right = pair[i >> 2];
            slopes[i] = {left[0] + middle[0] + right[0] - site[i >> 1 & 1] - site[i >> 2 & 1],
                         left[1] + middle[1] + right[1]};
        }
        return slopes;
    }

    /// Their squares are divided by.
    static void require_law(const PairLaw& law) {
        const double least = std::min({law.occupied, law.empty, law.both, law.one, law.none});
        if (!(least > 1e-100)) {
            chemistry::refuse<InvalidArgument>(
                "the Fisher matrix is singular: of occupied and empty sites and pairs "
                "one has the probability ",
                least, "; move nu to where all occur");
        }
    }

    Pair flux(const std::array<double, 16>& windows, std::size_t term) const {
        Pair sum{};
        for (const auto& [i, amount] : terms_[term]) {
            for (std::size_t a = 0; a < 2; ++a) sum[a] += windows[i] * amount[a];
        }
        return sum;
    }

    /// The flux of all terms, and d flux/dm_l.
    struct Flux {
        Pair total{};
        std::array<Pair, 2> by_m{};
    };
    Flux moved(const std::array<double, 16>& windows, const std::array<Pair, 16>& window_slopes,
               std::span<const double> weights) const {
        Flux flux;
        for (std::size_t r = 0; r < terms_.size(); ++r) {
            for (const auto& [i, amount] : terms_[r]) {
                for (std::size_t a = 0; a < 2; ++a) {
                    const double gain = weights[r] * windows[i] * amount[a];
                    flux.total[a] += gain;
                    for (std::size_t l = 0; l < 2; ++l) flux.by_m[l][a] += gain * window_slopes[i][l];
                }
            }
        }
        return flux;
    }

    /// dF/dnu = (dF/dm)(dm/dnu), where the two signs cancel.
    static void slope(const PairLaw& law, const Curvature& bend, const Flux& flux, std::span<double> by_nu) {
        std::array<Pair, 2> by_m{};
        for (std::size_t l = 0; l < 2; ++l) {
            by_m[l] = bend.nu_by_m(flux.by_m[l]);
            for (std::size_t a = 0; a < 2; ++a)
                by_m[l][a] += bend.third[l + a] * flux.total[0] + bend.third[l + a + 1] * flux.total[1];
        }
        for (std::size_t a = 0; a < 2; ++a) {
            by_nu[2 * a] = by_m[0][a] * law.by_h + by_m[1][a] * law.mixed;
            by_nu[2 * a + 1] = by_m[0][a] * law.mixed + by_m[1][a] * law.by_j;
        }
    }

    std::shared_ptr<const IsingChain> family_;
    std::vector<std::vector<PairGain>> terms_;
};

}  // namespace

std::unique_ptr<const ClosureGround> chain_ground(const chemistry::ReactionNetwork& network,
                                                  std::shared_ptr<const IsingChain> family, const Roles& roles,
                                                  const std::vector<std::size_t>& hopping) {
    std::vector<std::vector<Gain>> gains;
    for (const ChainTerm& term : chain_terms(network, roles, hopping)) gains.push_back(gains_of(*family, term));
    if (family->is_pair_law()) return std::make_unique<PairGround>(std::move(family), gains);
    return std::make_unique<ChainGround>(std::move(family), std::move(gains));
}

}  // namespace nubridge::dynamics
