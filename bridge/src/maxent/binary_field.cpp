#include "maxent/binary_field.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "chemistry/refuse.hpp"
#include "maxent/enumerated.hpp"
#include "maxent/inverse.hpp"
#include "maxent/random_numbers.hpp"

namespace nubridge::maxent {

namespace {

using chemistry::refuse;

constexpr double impossible = -std::numeric_limits<double>::infinity();
constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

double log_sum(double a, double b) {
    const double larger = std::max(a, b);
    return larger == impossible ? impossible : larger + std::log1p(std::exp(std::min(a, b) - larger));
}

std::size_t place_of(const std::vector<std::size_t>& units, std::size_t unit) {
    return static_cast<std::size_t>(std::find(units.begin(), units.end(), unit) - units.begin());
}

/// The bits of `index` at these places, packed.
std::size_t gather(std::size_t index, std::span<const std::size_t> places) {
    std::size_t packed = 0;
    for (std::size_t i = 0; i < places.size(); ++i) packed |= (index >> places[i] & 1U) << i;
    return packed;
}

/// The bits that these units have in a bag.
std::size_t mask_of(const std::vector<std::size_t>& bag, std::span<const std::size_t> units) {
    std::size_t mask = 0;
    for (const std::size_t unit : units) {
        const std::size_t place = place_of(bag, unit);
        if (place < bag.size()) mask |= std::size_t{1} << place;
    }
    return mask;
}

}  // namespace

BinaryField::BinaryField(std::vector<std::string> units, std::vector<std::vector<std::size_t>> cliques, Sign sign)
    : units_(std::move(units)), cliques_(std::move(cliques)), sign_(sign) {
    for (auto& clique : cliques_) std::sort(clique.begin(), clique.end());
    require_definition();
    build_bags();
}

void BinaryField::require_definition() const {
    if (units_.empty() || cliques_.empty()) {
        refuse<InvalidArgument>("a binary field has ", units_.size(), " units and ", cliques_.size(),
                                " cliques; it needs at least one of both");
    }
    std::set<std::vector<std::size_t>> seen;
    for (std::size_t a = 0; a < cliques_.size(); ++a) {
        const auto& clique = cliques_[a];
        if (clique.empty()) refuse<InvalidArgument>("clique ", a, " has no units; remove it");
        if (clique.back() >= units_.size())
            refuse<InvalidArgument>("clique ", a, " names unit ", clique.back(), "; there are ", units_.size());
        if (std::adjacent_find(clique.begin(), clique.end()) != clique.end())
            refuse<InvalidArgument>("clique ", a, " names a unit twice; name it once");
        if (!seen.insert(clique).second)
            refuse<InvalidArgument>("clique ", a, " ('", nu_names()[a], "') stands twice; remove one");
    }
}

// Always the unit with the fewest neighbours next; its neighbours become one clique.
void BinaryField::build_bags() {
    std::vector<std::set<std::size_t>> neighbours(units_.size());
    for (const auto& clique : cliques_) {
        for (const std::size_t u : clique) {
            for (const std::size_t w : clique) {
                if (u != w) neighbours[u].insert(w);
            }
        }
    }
    std::vector<std::size_t> turn(units_.size(), nowhere);
    for (std::size_t step = 0; step < units_.size(); ++step) {
        std::size_t next = nowhere;
        for (std::size_t u = 0; u < units_.size(); ++u) {
            if (turn[u] == nowhere && (next == nowhere || neighbours[u].size() < neighbours[next].size())) next = u;
        }
        turn[next] = step;
        Bag bag{{next}, {}, {}, {}, nowhere};
        bag.units.insert(bag.units.end(), neighbours[next].begin(), neighbours[next].end());
        width_ = std::max(width_, neighbours[next].size());
        if (width_ > max_width) {
            widest_ = next;
            return;
        }
        for (const std::size_t u : neighbours[next]) {
            neighbours[u].erase(next);
            for (const std::size_t w : neighbours[next]) {
                if (u != w) neighbours[u].insert(w);
            }
        }
        bags_.push_back(std::move(bag));
    }
    const auto first_turn = [&](std::span<const std::size_t> units) {
        std::size_t first = nowhere;
        for (const std::size_t unit : units) first = std::min(first, turn[unit]);
        return first;
    };
    for (std::size_t a = 0; a < cliques_.size(); ++a) bags_[first_turn(cliques_[a])].cliques.push_back(a);
    for (std::size_t b = 0; b < bags_.size(); ++b) {
        const auto separator = std::span(bags_[b].units).subspan(1);
        bags_[b].parent = first_turn(separator);
        if (separator.empty()) continue;
        Bag& parent = bags_[bags_[b].parent];
        parent.children.push_back(b);
        for (const std::size_t unit : separator) bags_[b].in_parent.push_back(place_of(parent.units, unit));
    }
}

void BinaryField::require_elimination() const {
    if (width_ <= max_width) return;
    refuse<InvalidArgument>("the cliques are so tightly knit that summing out '", units_[widest_], "' joins ", width_,
                            " units, and tables hold at most ", max_width,
                            "; sample with the method gibbs or tempering and learn with cd or pcd, or drop cliques "
                            "until the graph is closer to a tree");
}

std::vector<std::string> BinaryField::nu_names() const {
    std::vector<std::string> names;
    for (const auto& clique : cliques_) {
        std::string name;
        for (const std::size_t unit : clique) name += (name.empty() ? "" : "_") + units_[unit];
        names.push_back(std::move(name));
    }
    return names;
}

BinaryField::Elimination BinaryField::eliminate(std::span<const double> nu,
                                                std::span<const std::size_t> set_to_one) const {
    require_elimination();
    Elimination out{std::vector<std::vector<double>>(bags_.size()), std::vector<std::vector<double>>(bags_.size())};
    for (std::size_t b = 0; b < bags_.size(); ++b) {
        const Bag& bag = bags_[b];
        auto& table = out.tables[b];
        table.assign(std::size_t{1} << bag.units.size(), 0.0);
        for (const std::size_t a : bag.cliques) {
            const std::size_t all = mask_of(bag.units, cliques_[a]);
            for (std::size_t i = 0; i < table.size(); ++i) {
                if ((i & all) == all) table[i] += factor(sign_) * nu[a];
            }
        }
        for (const std::size_t child : bag.children) {
            for (std::size_t i = 0; i < table.size(); ++i)
                table[i] += out.messages[child][gather(i, bags_[child].in_parent)];
        }
        if (std::find(set_to_one.begin(), set_to_one.end(), bag.units[0]) != set_to_one.end()) {
            for (std::size_t i = 0; i < table.size(); i += 2) table[i] = impossible;
        }
        for (std::size_t i = 0; i < table.size(); i += 2) out.messages[b].push_back(log_sum(table[i], table[i + 1]));
        if (bag.parent == nowhere) out.log_partition += out.messages[b][0];
    }
    return out;
}

// From the last bag back: P(bag) = P(separator) exp(table - message).
void BinaryField::clique_probabilities(const Elimination& done, std::span<double> moments) const {
    std::vector<std::vector<double>> beliefs(bags_.size());
    for (std::size_t b = bags_.size(); b-- > 0;) {
        const Bag& bag = bags_[b];
        std::vector<double> separator(done.messages[b].size(), bag.parent == nowhere ? 1.0 : 0.0);
        if (bag.parent != nowhere) {
            const auto& above = beliefs[bag.parent];
            for (std::size_t i = 0; i < above.size(); ++i) separator[gather(i, bag.in_parent)] += above[i];
        }
        beliefs[b].assign(done.tables[b].size(), 0.0);
        for (std::size_t i = 0; i < beliefs[b].size(); ++i) {
            if (separator[i / 2] > 0.0)
                beliefs[b][i] = separator[i / 2] * std::exp(done.tables[b][i] - done.messages[b][i / 2]);
        }
        for (const std::size_t a : bag.cliques) {
            const std::size_t all = mask_of(bag.units, cliques_[a]);
            moments[a] = 0.0;
            for (std::size_t i = 0; i < beliefs[b].size(); ++i) {
                if ((i & all) == all) moments[a] += beliefs[b][i];
            }
        }
    }
}

double BinaryField::log_partition(std::span<const double> nu) const {
    require_finite(nu, *this, "nu");
    return eliminate(nu, {}).log_partition;
}

void BinaryField::moments(std::span<const double> nu, std::span<double> moments) const {
    require_finite(nu, *this, "nu");
    clique_probabilities(eliminate(nu, {}), moments);
}

// Cov(X_a, X_b) = <X_a> (<X_b | clique a is all 1> - <X_b>).
void BinaryField::fisher(std::span<const double> nu, std::span<double> fisher) const {
    const std::size_t n = nu_count();
    std::vector<double> mean(n), given(n);
    moments(nu, mean);
    for (std::size_t a = 0; a < n; ++a) {
        clique_probabilities(eliminate(nu, cliques_[a]), given);
        for (std::size_t b = 0; b < n; ++b) fisher[a * n + b] = mean[a] * (given[b] - mean[b]);
        fisher[a * n + a] = mean[a] * (1.0 - mean[a]);
    }
    for (std::size_t a = 0; a < n; ++a) {
        for (std::size_t b = 0; b < a; ++b)
            fisher[a * n + b] = fisher[b * n + a] = 0.5 * (fisher[a * n + b] + fisher[b * n + a]);
    }
}

void BinaryField::from_moments(std::span<const double> moments, std::span<double> nu) const {
    for (std::size_t a = 0; a < nu.size(); ++a) {
        if (!(moments[a] > 0.0 && moments[a] < 1.0)) {
            refuse<InvalidArgument>("the moment of '", nu_names()[a], "' is ", moments[a],
                                    "; inside the family a probability lies between 0 and 1: check the data");
        }
        const bool alone = cliques_[a].size() == 1;
        nu[a] = alone ? factor(sign_) * std::log(moments[a] / (1.0 - moments[a])) : 0.0;
    }
    solve_moments(*this, moments, nu);
}

void BinaryField::sample(std::span<const double> nu, std::uint64_t seed, std::span<double> samples) const {
    require_finite(nu, *this, "nu");
    const Elimination done = eliminate(nu, {});
    Uniform uniform(seed);
    for (std::size_t start = 0; start < samples.size(); start += units_.size()) {
        const auto state = samples.subspan(start, units_.size());
        for (std::size_t b = bags_.size(); b-- > 0;) {
            const Bag& bag = bags_[b];
            std::size_t separator = 0;
            for (std::size_t i = 1; i < bag.units.size(); ++i)
                separator |= static_cast<std::size_t>(state[bag.units[i]] == 1.0) << (i - 1);
            const double one = std::exp(done.tables[b][2 * separator + 1] - done.messages[b][separator]);
            state[bag.units[0]] = uniform() < one ? 1.0 : 0.0;
        }
    }
}

WeightedStates BinaryField::states(std::span<const double> nu) const {
    require_finite(nu, *this, "nu");
    if (units_.size() > 20)
        refuse<InvalidArgument>(units_.size(), " units have 2^", units_.size(),
                                " states; at most 2^20 are written out");
    const std::size_t count = std::size_t{1} << units_.size();
    WeightedStates law;
    law.states.resize(count * units_.size());
    law.statistics.resize(count * nu_count());
    std::vector<double> log_weights(count, 0.0);
    for (std::size_t i = 0; i < count; ++i) {
        const auto state = std::span(law.states).subspan(i * units_.size(), units_.size());
        for (std::size_t u = 0; u < units_.size(); ++u) state[u] = static_cast<double>(i >> u & 1U);
        const auto x = std::span(law.statistics).subspan(i * nu_count(), nu_count());
        statistics(state, x);
        for (std::size_t a = 0; a < nu.size(); ++a) log_weights[i] += factor(sign_) * nu[a] * x[a];
    }
    normalise(log_weights, law);
    return law;
}

void BinaryField::statistics(std::span<const double> state, std::span<double> statistics) const {
    for (std::size_t a = 0; a < cliques_.size(); ++a) statistics[a] = product(a, state);
}

double BinaryField::product(std::size_t a, std::span<const double> state) const noexcept {
    double product = 1.0;
    for (const std::size_t unit : cliques_[a]) product *= state[unit];
    return product;
}

bool BinaryField::supports(std::span<const double> state) const {
    return std::all_of(state.begin(), state.end(), [](double s) { return s == 0.0 || s == 1.0; });
}

}  // namespace nubridge::maxent
