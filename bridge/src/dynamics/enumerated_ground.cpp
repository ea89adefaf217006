#include <algorithm>
#include <functional>
#include <utility>

#include "chemistry/refuse.hpp"
#include "dynamics/chain_rules.hpp"
#include "dynamics/closure_ground.hpp"
#include "maxent/categorical.hpp"
#include "maxent/counts.hpp"
#include "maxent/gaussian.hpp"

namespace nubridge::dynamics {

namespace {

using chemistry::ReactionNetwork;
using chemistry::refuse;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using maxent::Family;
using maxent::IsingChain;
using maxent::WeightedStates;

using State = std::span<const double>;
/// Called with a propensity and the state after the reaction.
using Emit = std::function<void(double, State)>;
/// All that a term can do from a state.
using Events = std::function<void(State, std::size_t term, const Emit&)>;

Index at(std::size_t i) {
    return static_cast<Index>(i);
}

class EnumeratedMeans final : public ClosureMeans {
public:
    EnumeratedMeans(const Family& family, const Events& events, std::size_t terms, std::span<const double> nu)
        : family_(family),
          events_(events),
          terms_(terms),
          law_(family.states(nu)),
          mean_(VectorXd::Zero(at(nu.size()))) {
        for (std::size_t i = 0; i < law_.size(); ++i) mean_ += law_.probabilities[i] * x(i);
    }

    MatrixXd fisher() const override {
        MatrixXd sum = MatrixXd::Zero(mean_.size(), mean_.size());
        for (std::size_t i = 0; i < law_.size(); ++i) {
            const VectorXd centred = x(i) - mean_;
            sum += law_.probabilities[i] * centred * centred.transpose();
        }
        return sum;
    }

    MatrixXd flux() const override {
        MatrixXd sum = MatrixXd::Zero(at(terms_), mean_.size());
        for (std::size_t i = 0; i < law_.size(); ++i) {
            for (std::size_t r = 0; r < terms_; ++r) sum.row(at(r)) += law_.probabilities[i] * gain(i, r).transpose();
        }
        return sum;
    }

    // d<g>/dnu_b = sign Cov(g, X_b).
    MatrixXd flux_slope(std::span<const double> weights) const override {
        MatrixXd sum = MatrixXd::Zero(mean_.size(), mean_.size());
        for (std::size_t i = 0; i < law_.size(); ++i) {
            VectorXd gains = VectorXd::Zero(mean_.size());
            for (std::size_t r = 0; r < terms_; ++r) gains += weights[r] * gain(i, r);
            sum += maxent::factor(family_.sign()) * law_.probabilities[i] * gains * (x(i) - mean_).transpose();
        }
        return sum;
    }

    // The slope of a covariance is sign times the third central moment.
    MatrixXd fisher_slope(const VectorXd& direction) const override {
        MatrixXd sum = MatrixXd::Zero(mean_.size(), mean_.size());
        for (std::size_t i = 0; i < law_.size(); ++i) {
            const VectorXd centred = x(i) - mean_;
            sum += maxent::factor(family_.sign()) * law_.probabilities[i] * centred.dot(direction) * centred *
                   centred.transpose();
        }
        return sum;
    }

private:
    Eigen::Map<const VectorXd> x(std::size_t i) const {
        return {law_.statistics.data() + i * family_.nu_count(), at(family_.nu_count())};
    }

    VectorXd gain(std::size_t i, std::size_t term) const {
        VectorXd sum = VectorXd::Zero(mean_.size()), after(mean_.size());
        const State state(law_.states.data() + i * family_.state_size(), family_.state_size());
        events_(state, term, [&](double propensity, State next) {
            if (propensity == 0.0 || !family_.supports(next)) return;
            family_.statistics(next, {after.data(), family_.nu_count()});
            sum += propensity * (after - x(i));
        });
        return sum;
    }

    const Family& family_;
    const Events& events_;
    std::size_t terms_;
    WeightedStates law_;
    VectorXd mean_;
};

class EnumeratedGround final : public MeansGround {
public:
    EnumeratedGround(std::shared_ptr<const Family> family, Events events, std::size_t terms)
        : MeansGround(family), family_(std::move(family)), events_(std::move(events)), terms_(terms) {}

protected:
    std::unique_ptr<ClosureMeans> at(std::span<const double> nu) const override {
        return std::make_unique<EnumeratedMeans>(*family_, events_, terms_, nu);
    }

private:
    std::shared_ptr<const Family> family_;
    Events events_;
    std::size_t terms_;
};

/// Amounts side by side: counts, or the variables of a Gaussian law.
Events amounts_change(const std::shared_ptr<const ReactionNetwork>& network, const Roles& roles, double sites) {
    return [network, roles, sites](State state, std::size_t r, const Emit& emit) {
        double propensity = 1.0;
        for (const auto& term : network->terms(r)) {
            const std::size_t role = roles.of[term.species];
            if (role == Roles::outside) continue;
            double amount = role == Roles::empty ? sites : state[role];
            for (std::size_t i = 0; role == Roles::empty && i < state.size(); ++i) amount -= state[i];
            for (int k = 0; k < term.multiplicity; ++k) propensity *= (amount - k) / (k + 1);
        }
        std::vector<double> next(state.begin(), state.end());
        for (const auto& change : network->changes(r)) {
            if (roles.of[change.species] < state.size()) next[roles.of[change.species]] += change.delta;
        }
        emit(propensity, next);
    };
}

/// One molecule that turns from state to state.
Events state_changes(const ReactionNetwork& network, const Roles& roles) {
    std::vector<std::pair<double, double>> moves;
    for (const auto& reaction : network.definition().reactions) {
        const auto inside = [&](const std::vector<std::size_t>& side) {
            std::vector<double> found;
            for (const std::size_t s : side) {
                if (roles.inside(s)) found.push_back(static_cast<double>(roles.of[s]));
            }
            return found;
        };
        const auto from = inside(reaction.reactants), to = inside(reaction.products);
        if (from.size() != 1 || to.size() != 1) {
            refuse<InvalidArgument>("the reaction '", reaction.name, "' takes ", from.size(), " and makes ", to.size(),
                                    " of the family's states; on a categorical family each reaction turns one into "
                                    "another: correct the states");
        }
        moves.emplace_back(from[0], to[0]);
    }
    return [moves](State state, std::size_t r, const Emit& emit) {
        if (state[0] == moves[r].first) emit(1.0, {&moves[r].second, 1});
    };
}

Events chain_changes(std::vector<ChainTerm> terms, bool ring) {
    return [terms = std::move(terms), ring](State state, std::size_t r, const Emit& emit) {
        std::vector<double> next(state.begin(), state.end());
        const auto is = [&](std::size_t site, std::size_t content) {
            return state[site] == static_cast<double>(content);
        };
        for (std::size_t k = 0; k < state.size(); ++k) {
            for (const SiteRule& rule : terms[r].site) {
                if (!is(k, rule.from)) continue;
                next[k] = static_cast<double>(rule.to);
                emit(1.0, next);
                next[k] = state[k];
            }
            if (!ring && k + 1 == state.size()) break;
            const std::size_t right = (k + 1) % state.size();
            for (const BondRule& rule : terms[r].bond) {
                if (!is(k, rule.left) || !is(right, rule.right)) continue;
                next[k] = static_cast<double>(rule.new_left);
                next[right] = static_cast<double>(rule.new_right);
                emit(rule.share, next);
                next[k] = state[k];
                next[right] = state[right];
            }
        }
    };
}

}  // namespace

std::unique_ptr<const ClosureGround> enumerated_ground(const std::shared_ptr<const ReactionNetwork>& network,
                                                       std::shared_ptr<const Family> family, const Roles& roles,
                                                       const std::vector<std::size_t>& hopping) {
    const std::size_t terms = network->reaction_count() + hopping.size();
    Events events;
    if (const auto* counts = dynamic_cast<const maxent::Counts*>(family.get())) {
        events = amounts_change(network, roles, static_cast<double>(counts->definition().sites.value_or(0)));
    } else if (dynamic_cast<const maxent::Gaussian*>(family.get()) != nullptr) {
        events = amounts_change(network, roles, 0.0);
    } else if (dynamic_cast<const maxent::Categorical*>(family.get()) != nullptr) {
        events = state_changes(*network, roles);
    } else if (const auto* chain = dynamic_cast<const IsingChain*>(family.get())) {
        events = chain_changes(chain_terms(*network, roles, hopping),
                               chain->definition().boundary == IsingChain::Boundary::ring);
    } else {
        refuse<InvalidArgument>(
            "this family holds no molecules that a reaction could change; take Counts, Gaussian, "
            "Categorical or IsingChain");
    }
    return std::make_unique<EnumeratedGround>(std::move(family), std::move(events), terms);
}

}  // namespace nubridge::dynamics
