#include <array>
#include <utility>

#include "dynamics/chain_rules.hpp"
#include "dynamics/closure_ground.hpp"

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

class ChainPoint final : public ClosurePoint {
public:
    ChainPoint(const IsingChain& family, const std::vector<std::vector<Gain>>& gains, std::span<const double> nu)
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

class ChainGround final : public ClosureGround {
public:
    ChainGround(std::shared_ptr<const IsingChain> family, const std::vector<ChainTerm>& terms)
        : family_(std::move(family)) {
        for (const ChainTerm& term : terms) gains_.push_back(gains_of(term));
    }

    std::unique_ptr<ClosurePoint> at(std::span<const double> nu) const override {
        return std::make_unique<ChainPoint>(*family_, gains_, nu);
    }

private:
    std::vector<Gain> gains_of(const ChainTerm& term) const {
        const std::size_t q = family_->contents();
        std::vector<Gain> gains;
        for (std::size_t i = 0; i < q * q * q * q; ++i) {
            const Window before{i % q, i / q % q, i / (q * q) % q, i / (q * q * q)};
            VectorXd amount = VectorXd::Zero(static_cast<Index>(family_->nu_count()));
            bool changes = false;
            for (const SiteRule& rule : term.site) {
                if (before[1] != rule.from) continue;
                changes = true;
                amount += change(before, {before[0], rule.to, before[2], before[3]});
            }
            for (const BondRule& rule : term.bond) {
                if (before[1] != rule.left || before[2] != rule.right) continue;
                changes = true;
                amount += rule.share * change(before, {before[0], rule.new_left, rule.new_right, before[3]});
            }
            if (changes) gains.push_back({i, std::move(amount)});
        }
        return gains;
    }

    VectorXd change(const Window& before, const Window& after) const {
        VectorXd change(static_cast<Index>(family_->nu_count()));
        for (std::size_t a = 0; a < family_->nu_count(); ++a) {
            double sum = 0.0;
            for (std::size_t k = 0; k < 4; ++k) sum += family_->on_site(a, after[k]) - family_->on_site(a, before[k]);
            for (std::size_t k = 0; k < 3; ++k)
                sum += family_->on_bond(a, after[k], after[k + 1]) - family_->on_bond(a, before[k], before[k + 1]);
            change[static_cast<Index>(a)] = sum;
        }
        return change;
    }

    std::shared_ptr<const IsingChain> family_;
    std::vector<std::vector<Gain>> gains_;
};

}  // namespace

std::unique_ptr<const ClosureGround> chain_ground(const chemistry::ReactionNetwork& network,
                                                  std::shared_ptr<const IsingChain> family, const Roles& roles,
                                                  const std::vector<std::size_t>& hopping) {
    return std::make_unique<ChainGround>(std::move(family), chain_terms(network, roles, hopping));
}

}  // namespace nubridge::dynamics
