// Conservation laws: the integer null space of the stoichiometric matrix, by elimination in whole numbers. 64-bit
// numbers that notice an overflow do nearly every network; the rest is done again without a bound.
#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <exception>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "chemistry/network.hpp"
#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

using Big = boost::multiprecision::cpp_int;
struct Overflow : std::exception {};

std::int64_t times(std::int64_t a, std::int64_t b) {
    std::int64_t product = 0;
    if (__builtin_mul_overflow(a, b, &product)) throw Overflow();
    return product;
}
std::int64_t minus(std::int64_t a, std::int64_t b) {
    std::int64_t difference = 0;
    // The lowest number is refused too, so that every number has a negative.
    if (__builtin_sub_overflow(a, b, &difference) || difference == std::numeric_limits<std::int64_t>::min())
        throw Overflow();
    return difference;
}
Big times(const Big& a, const Big& b) {
    return a * b;
}
Big minus(const Big& a, const Big& b) {
    return a - b;
}
std::int64_t common_divisor(std::int64_t a, std::int64_t b) {
    return std::gcd(a, b);
}
Big common_divisor(const Big& a, const Big& b) {
    return boost::multiprecision::gcd(a, b);
}

/// Sparse: species to coefficient, no zeros.
template <class Int>
using Row = std::map<std::size_t, Int>;

template <class Int>
void divide_by_common_divisor(Row<Int>& row) {
    Int divisor = 0;
    for (const auto& [s, value] : row) divisor = common_divisor(divisor, value);
    if (divisor > 1) {
        for (auto& [s, value] : row) value /= divisor;
    }
}

/// row <- (row * pivot[column] - pivot * row[column]) / gcd: no entry in `column` any more.
template <class Int>
void eliminate(Row<Int>& row, const Row<Int>& pivot, std::size_t column) {
    const Int& a = pivot.at(column);
    const Int& b = row.at(column);
    const Int divisor = common_divisor(a, b);
    const Int keep = a / divisor, take = b / divisor;
    for (auto& [s, value] : row) value = times(value, keep);
    for (const auto& [s, value] : pivot) {
        const auto [place, fresh] = row.try_emplace(s, 0);
        place->second = minus(place->second, times(take, value));
        if (place->second == 0) row.erase(place);
    }
    divide_by_common_divisor(row);
}

/// Reduced rows, each under its pivot: its highest species, so that the laws are spanned by the early species.
template <class Int>
std::map<std::size_t, Row<Int>> reduced(const std::set<std::vector<std::pair<std::size_t, int>>>& changes) {
    std::map<std::size_t, Row<Int>> pivots;
    for (const auto& change : changes) {
        Row<Int> row;
        for (const auto& [s, delta] : change) row.emplace(s, delta);
        for (auto place = row.rbegin(); place != row.rend();) {
            const std::size_t column = place->first;
            const auto pivot = pivots.find(column);
            if (pivot != pivots.end()) eliminate(row, pivot->second, column);
            place = std::make_reverse_iterator(row.lower_bound(column));
        }
        if (row.empty()) continue;
        divide_by_common_divisor(row);
        pivots.emplace(row.rbegin()->first, std::move(row));
    }
    // Ascending: the rows that are taken away hold no other pivot any more.
    for (auto& [column, row] : pivots) {
        std::vector<std::size_t> others;
        for (const auto& [s, value] : row) {
            if (s != column && pivots.contains(s)) others.push_back(s);
        }
        for (const std::size_t s : others) eliminate(row, pivots.at(s), s);
    }
    return pivots;
}

template <class Int>
std::vector<Row<Int>> laws(const ReactionNetwork& network) {
    std::set<std::vector<std::pair<std::size_t, int>>> changes;
    for (std::size_t r = 0; r < network.reaction_count(); ++r) {
        std::vector<std::pair<std::size_t, int>> change;
        for (const auto& [s, delta] : network.changes(r)) change.emplace_back(s, delta);
        std::sort(change.begin(), change.end());
        if (!change.empty()) changes.insert(std::move(change));
    }
    const auto pivots = reduced<Int>(changes);
    std::map<std::size_t, std::vector<std::size_t>> pivots_with;  // by free species
    for (const auto& [column, row] : pivots) {
        for (const auto& [s, value] : row) {
            if (s != column) pivots_with[s].push_back(column);
        }
    }
    std::vector<Row<Int>> found;
    for (std::size_t free = 0; free < network.species_count(); ++free) {
        if (pivots.contains(free) || network.definition().species[free].fixed) continue;
        Int scale = 1;
        for (const std::size_t column : pivots_with[free]) {
            const Int entry = pivots.at(column).at(column);
            scale = times(scale, Int(entry / common_divisor(scale, entry)));
        }
        Row<Int> law{{free, scale}};
        for (const std::size_t column : pivots_with[free]) {
            const auto& row = pivots.at(column);
            law[column] = minus(Int(0), times(Int(scale / row.at(column)), row.at(free)));
        }
        divide_by_common_divisor(law);
        if (law.begin()->second < 0) {
            for (auto& [s, value] : law) value = minus(Int(0), value);
        }
        found.push_back(std::move(law));
    }
    return found;
}

template <class Int>
std::vector<std::vector<std::int64_t>> dense(const ReactionNetwork& network) {
    std::vector<std::vector<std::int64_t>> result;
    for (const auto& law : laws<Int>(network)) {
        auto& weights = result.emplace_back(network.species_count(), 0);
        for (const auto& [s, value] : law) {
            if (value > std::numeric_limits<std::int64_t>::max() || value < -std::numeric_limits<std::int64_t>::max()) {
                refuse("a conservation law of '", network.definition().name, "' has the weight ", value, " for '",
                       network.definition().species[s].name, "'; weights are held to 64 bits: scale the stoichiometry");
            }
            weights[s] = static_cast<std::int64_t>(value);
        }
    }
    return result;
}

}  // namespace

std::vector<std::vector<std::int64_t>> ReactionNetwork::conservation_laws() const {
    try {
        return dense<std::int64_t>(*this);
    } catch (const Overflow&) {
        return dense<Big>(*this);
    }
}

}  // namespace nubridge::chemistry
