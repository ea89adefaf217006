// The exact step, compiled once per instruction set: define NUBRIDGE_KERNEL_SET before including.
// Everything has internal linkage: no code of one instruction set may serve another.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "dynamics/propagator.hpp"

namespace nubridge::dynamics {
namespace {

using Batch = double __attribute__((vector_size(batch_width * sizeof(double))));
/// Two states of one instance.
using Pair = double __attribute__((vector_size(2 * sizeof(double))));

template <class Value>
Value broadcast(double value);
template <>
[[gnu::always_inline]] inline double broadcast(double value) {
    return value;
}
template <>
[[gnu::always_inline]] inline Batch broadcast(double value) {
    return Batch{value, value, value, value};
}

template <>
[[gnu::always_inline]] inline Pair broadcast(double value) {
    return Pair{value, value};
}

inline Pair swapped(const Pair& pair) {
    return Pair{pair[1], pair[0]};
}

/// The sum over all states from the sum over the elements of x.
inline double total(double sum) {
    return sum;
}
inline Batch total(const Batch& sums) {
    return sums;
}
inline Pair total(const Pair& sum) {
    return sum + swapped(sum);
}

// glibc's vector mathematics, called by its ABI names: within 4 units in the last place.
#if defined(NUBRIDGE_HAVE_LIBMVEC) && defined(__AVX2__)
extern "C" Batch _ZGVdN4v_exp(Batch);  // NOLINT(bugprone-reserved-identifier)
extern "C" Batch _ZGVdN4v_log(Batch);  // NOLINT(bugprone-reserved-identifier)
inline Batch exp_of(const Batch& x) {
    return _ZGVdN4v_exp(x);
}
inline Batch log_of(const Batch& x) {
    return _ZGVdN4v_log(x);
}
#else
inline Batch exp_of(const Batch& x) {
    return Batch{std::exp(x[0]), std::exp(x[1]), std::exp(x[2]), std::exp(x[3])};
}
inline Batch log_of(const Batch& x) {
    return Batch{std::log(x[0]), std::log(x[1]), std::log(x[2]), std::log(x[3])};
}
#endif

inline double largest(double value) {
    return value;
}
inline double largest(const Pair& equal) {
    return equal[0];
}
inline double largest(const Batch& values) {
    const double first = values[0] > values[1] ? values[0] : values[1];
    const double second = values[2] > values[3] ? values[2] : values[3];
    return first > second ? first : second;
}

/// Whether a sum of probabilities is 1 but for rounding; false for NaN.
inline bool near_one(double sum) {
    return sum > 1.0 - 1e-9 && sum < 1.0 + 1e-9;
}
inline bool near_one(const Pair& equal) {
    return near_one(equal[0]);
}
inline bool near_one(const Batch& sums) {
    return near_one(sums[0]) && near_one(sums[1]) && near_one(sums[2]) && near_one(sums[3]);
}

/// stage_limit[m] is the largest a = h * shift for which m terms of the series of e^a leave out less than 2e-13. The
/// column sums of hM are a, so that is also the largest error of a probability.
inline constexpr std::size_t max_stages = 20;
constexpr std::array<double, max_stages + 1> make_stage_limits() {
    std::array<double, max_stages + 1> limits{};
    for (std::size_t m = 1; m <= max_stages; ++m) {
        double factorial = 1.0;
        for (std::size_t k = 2; k <= m + 1; ++k) factorial *= static_cast<double>(k);
        double low = 0.0, high = 4.0;
        for (int bisection = 0; bisection < 60; ++bisection) {
            const double middle = 0.5 * (low + high);
            double power = 1.0;
            for (std::size_t k = 0; k <= m; ++k) power *= middle;
            (power / factorial < 2e-13 ? low : high) = middle;
        }
        limits[m] = low;
    }
    return limits;
}
inline constexpr auto stage_limit = make_stage_limits();
/// Steps longer than this many series are left to squaring.
inline constexpr double max_substeps = 16.0;

/// Calls f(0) ... f(N - 1) with compile-time indices.
template <std::size_t N, class F>
[[gnu::always_inline]] inline void unrolled(F&& f) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (f(std::integral_constant<std::size_t, I>{}), ...);
    }
    (std::make_index_sequence<N>{});
}

/// A topology known when the model is loaded.
struct LoadedTopology {
    static constexpr std::size_t max_states = TransitionNetwork::max_states;
    static constexpr std::size_t max_entries = TransitionNetwork::max_states + TransitionNetwork::max_transitions * 2;
    const KernelData& data;
    template <class F>
    void each_state(F&& f) const {
        for (std::size_t state = 0; state < data.states; ++state) f(state);
    }
    template <class F>
    void each_input(F&& f) const {
        for (std::size_t input = 0; input < data.inputs; ++input) f(input);
    }
    template <class F>
    void each_entry(F&& f) const {
        for (std::size_t entry = 0; entry < data.entries; ++entry) f(entry);
    }
    /// Component 0 of an entry is constant, component 1 + i is multiplied by input i.
    template <class Value>
    Value coefficient(std::size_t component, std::size_t entry) const {
        return broadcast<Value>(data.coefficients[component * data.entries + entry]);
    }
    /// start + SUM over the entries of `row` of rates[entry] x[source].
    template <class Value>
    [[gnu::always_inline]] Value row_sum(std::size_t row, const Value& start, const Value* rates,
                                         const Value* x) const {
        Value sum = start;
        for (std::uint32_t entry = data.row_begin[row]; entry < data.row_begin[row + 1]; ++entry)
            sum += rates[entry] * x[data.source[entry]];
        return sum;
    }
};

/// A topology known when the library is compiled: all its loops unroll and the state stays in registers.
/// `Pattern` has states, inputs and edges, an array of undirected {a, b} in any order.
template <class Pattern>
struct CompiledTopology {
    static constexpr std::size_t max_states = Pattern::states;
    static constexpr std::size_t max_entries = Pattern::states + 2 * Pattern::edges.size();
    const KernelData& data;
    static constexpr bool joined(std::size_t a, std::size_t b) {
        if (a == b) return true;
        for (const auto& edge : Pattern::edges) {
            if ((edge[0] == a && edge[1] == b) || (edge[0] == b && edge[1] == a)) return true;
        }
        return false;
    }
    struct Tables {
        std::array<std::size_t, Pattern::states + 1> row_begin{};
        std::array<std::size_t, max_entries> source{};
    };
    static constexpr Tables make_tables() {
        Tables tables;
        std::size_t entry = 0;
        for (std::size_t row = 0; row < Pattern::states; ++row) {
            for (std::size_t column = 0; column < Pattern::states; ++column) {
                if (joined(row, column)) tables.source[entry++] = column;
            }
            tables.row_begin[row + 1] = entry;
        }
        return tables;
    }
    static constexpr Tables tables = make_tables();

    template <class F>
    [[gnu::always_inline]] void each_state(F&& f) const {
        unrolled<Pattern::states>(f);
    }
    template <class F>
    [[gnu::always_inline]] void each_input(F&& f) const {
        unrolled<Pattern::inputs>(f);
    }
    template <class F>
    [[gnu::always_inline]] void each_entry(F&& f) const {
        unrolled<max_entries>(f);
    }
    template <class Value>
    [[gnu::always_inline]] Value coefficient(std::size_t component, std::size_t entry) const {
        return broadcast<Value>(data.coefficients[component * max_entries + entry]);
    }
    template <std::size_t Row, class Value>
    [[gnu::always_inline]] Value row_sum(std::integral_constant<std::size_t, Row>, const Value& start,
                                         const Value* rates, const Value* x) const {
        constexpr std::size_t begin = tables.row_begin[Row];
        constexpr std::size_t count = tables.row_begin[Row + 1] - begin;
        Value sum = start;
        unrolled<count>([&](auto i) { sum += rates[begin + i] * x[tables.source[begin + i]]; });
        return sum;
    }
    static bool matches(const KernelData& data) {
        return data.inputs == Pattern::inputs &&
               std::equal(data.row_begin.begin(), data.row_begin.end(), tables.row_begin.begin(),
                          tables.row_begin.end()) &&
               std::equal(data.source.begin(), data.source.end(), tables.source.begin(), tables.source.end());
    }
};

/// The same topology with two neighbouring states in one Pair, for one instance: an entry joins two pairs of states,
/// straight or crosswise, and carries both coefficients. Half the operations of CompiledTopology on the chain that a
/// single step has to wait for.
template <class Pattern>
struct PairTopology {
    using Single = CompiledTopology<Pattern>;
    static constexpr std::size_t max_states = (Pattern::states + 1) / 2;
    const KernelData& data;

    struct Entry {
        std::size_t target = 0;
        std::size_t source = 0;
        bool crosswise = false;
        /// The states that lane `lane` of this entry joins; past the last state where there is none.
        constexpr std::size_t row(std::size_t lane) const { return 2 * target + lane; }
        constexpr std::size_t column(std::size_t lane) const { return 2 * source + (crosswise ? 1 - lane : lane); }
        constexpr bool joins(std::size_t lane) const {
            return row(lane) < Pattern::states && column(lane) < Pattern::states &&
                   Single::joined(row(lane), column(lane));
        }
    };
    template <class F>
    static constexpr void each_possible(F&& f) {
        for (std::size_t target = 0; target < max_states; ++target) {
            for (std::size_t source = 0; source < max_states; ++source) {
                for (const bool crosswise : {false, true}) {
                    const Entry entry{target, source, crosswise};
                    if (entry.joins(0) || entry.joins(1)) f(entry);
                }
            }
        }
    }
    static constexpr std::size_t max_entries = [] {
        std::size_t count = 0;
        each_possible([&](const Entry&) { ++count; });
        return count;
    }();
    static constexpr std::array<Entry, max_entries> table = [] {
        std::array<Entry, max_entries> entries{};
        std::size_t count = 0;
        each_possible([&](const Entry& entry) { entries[count++] = entry; });
        return entries;
    }();
    /// Coefficients in this order, from those by rows.
    static std::vector<double> pack(const KernelData& data) {
        std::vector<double> packed;
        for (std::size_t component = 0; component < 1 + Pattern::inputs; ++component) {
            for (const Entry& entry : table) {
                for (std::size_t lane = 0; lane < 2; ++lane) {
                    double value = 0.0;
                    for (std::uint32_t e = data.row_begin[entry.row(lane) % Pattern::states];
                         entry.joins(lane) && e < data.row_begin[entry.row(lane) + 1]; ++e) {
                        if (data.source[e] == entry.column(lane))
                            value = data.coefficients[component * data.entries + e];
                    }
                    packed.push_back(value);
                }
            }
        }
        return packed;
    }

    template <class F>
    [[gnu::always_inline]] void each_state(F&& f) const {
        unrolled<max_states>(f);
    }
    template <class F>
    [[gnu::always_inline]] void each_input(F&& f) const {
        unrolled<Pattern::inputs>(f);
    }
    template <class F>
    [[gnu::always_inline]] void each_entry(F&& f) const {
        unrolled<max_entries>(f);
    }
    template <class Value>
    [[gnu::always_inline]] Pair coefficient(std::size_t component, std::size_t entry) const {
        const double* lanes = data.pairs.data() + 2 * (component * max_entries + entry);
        return Pair{lanes[0], lanes[1]};
    }
    template <std::size_t Row>
    [[gnu::always_inline]] Pair row_sum(std::integral_constant<std::size_t, Row>, const Pair& start, const Pair* rates,
                                        const Pair* x) const {
        Pair straight = start;  // two chains of dependent sums
        Pair crosswise{};
        unrolled<max_entries>([&](auto e) {
            constexpr Entry entry = table[e];
            if constexpr (entry.target == Row && !entry.crosswise) straight += rates[e] * x[entry.source];
            if constexpr (entry.target == Row && entry.crosswise) crosswise += rates[e] * swapped(x[entry.source]);
        });
        return straight + crosswise;
    }
};

inline constexpr auto reciprocal = [] {
    std::array<double, max_stages + 1> values{};
    for (std::size_t k = 1; k <= max_stages; ++k) values[k] = 1.0 / static_cast<double>(k);
    return values;
}();

/// y = exp(hQ) x = e^-a (x + hM/1 (x + hM/2 (x + ...))), a = h * shift, with the scalar series of e^a beside it so that
/// the truncated weights sum to 1. x is non-negative and sums to 1 but for rounding; y takes that rounding back, so
/// that no drift builds up over steps. All but the stages themselves lies off the chain of dependent operations.
template <class Topology, class Value>
[[gnu::always_inline]] inline bool series(Topology topology, const Value* rates, const Value& shift, double h,
                                          std::size_t stages, const Value* x, Value* y) {
    Value sum{};
    Value size{};
    topology.each_state([&](auto state) { sum += x[state]; });
    topology.each_state([&](auto state) { size += x[state] < 0.0 ? -x[state] : x[state]; });
    sum = total(sum);
    const Value one = broadcast<Value>(1.0);
    Value weight = one;
    Value previous[Topology::max_states];
    topology.each_state([&](auto state) { y[state] = x[state]; });
    for (std::size_t stage = stages; stage > 0; --stage) {
        const Value factor = broadcast<Value>(h * reciprocal[stage]);
        topology.each_state([&](auto state) { previous[state] = factor * y[state]; });
        topology.each_state([&](auto row) { y[row] = topology.row_sum(row, x[row], rates, previous); });
        weight = one + factor * shift * weight;
    }
    const Value scale = (one + one - sum) / weight;
    topology.each_state([&](auto state) { y[state] *= scale; });
    return near_one(sum) && near_one(total(size));
}

template <class Topology, class Value>
[[gnu::always_inline]] inline bool advance(const KernelData& data, Topology topology, const Value* u, double h,
                                           const Value* x, Value* y) {
    Value rates[Topology::max_entries];
    Value shift = broadcast<Value>(data.shift[0]);
    topology.each_entry([&](auto entry) { rates[entry] = topology.template coefficient<Value>(0, entry); });
    topology.each_input([&](auto input) {
        shift += u[input] * broadcast<Value>(data.shift[1 + input]);
        topology.each_entry(
            [&](auto entry) { rates[entry] += u[input] * topology.template coefficient<Value>(1 + input, entry); });
    });
    const double span = h * largest(shift);
    if (span <= stage_limit[max_stages]) [[likely]] {
        std::size_t stages = 1;
        while (span > stage_limit[stages]) ++stages;
        return series(topology, rates, shift, h, stages, x, y);
    }
    if (!(span <= max_substeps * stage_limit[max_stages])) return false;
    const auto substeps = static_cast<std::size_t>(span / stage_limit[max_stages]) + 1;
    Value begin[Topology::max_states];
    topology.each_state([&](auto state) { begin[state] = x[state]; });
    bool ok = true;
    for (std::size_t step = 0; step < substeps; ++step) {
        ok = series(topology, rates, shift, h / static_cast<double>(substeps), max_stages, begin, y) && ok;
        topology.each_state([&](auto state) { begin[state] = y[state]; });
    }
    return ok;
}

template <class Topology>
bool single(const KernelData& data, const double* u, double h, const double* x, double* y) noexcept {
    double result[Topology::max_states];
    const Topology topology{data};
    if (!advance(data, topology, u, h, x, result)) return false;
    topology.each_state([&](auto state) { y[state] = result[state]; });
    return true;
}

/// Two numbers, loaded one by one: the caller has just stored them one by one, and a load that spans two stores has to
/// wait for both.
template <bool Both>
[[gnu::always_inline]] inline Pair load_pair(const double* x) {
#if defined(__SSE2__)
    if constexpr (Both) return _mm_loadh_pd(_mm_load_sd(x), x + 1);
    return _mm_load_sd(x);
#else
    return Pair{x[0], Both ? x[1] : 0.0};
#endif
}

template <class Pattern>
bool single_by_pairs(const KernelData& data, const double* u, double h, const double* x, double* y) noexcept {
    const PairTopology<Pattern> topology{data};
    Pair inputs[Pattern::inputs];
    topology.each_input([&](auto input) { inputs[input] = broadcast<Pair>(u[input]); });
    Pair begin[topology.max_states];
    Pair end[topology.max_states];
    topology.each_state([&](auto pair) { begin[pair] = load_pair<(2 * pair + 1 < Pattern::states)>(x + 2 * pair); });
    if (!advance(data, topology, inputs, h, begin, end)) return false;
    topology.each_state(
        [&](auto pair) { std::memcpy(y + 2 * pair, &end[pair], 2 * pair + 1 < Pattern::states ? 16 : 8); });
    return true;
}

template <class Topology>
bool batch(const KernelData& data, const double* u, double h, const double* x, double* y) noexcept {
    return advance(data, Topology{data}, reinterpret_cast<const Batch*>(u), h, reinterpret_cast<const Batch*>(x),
                   reinterpret_cast<Batch*>(y));
}

/// The same in nu: occupancies p_a = exp(sign nu_a) / Z, the step, and back.
template <class Topology>
bool batch_nu(const KernelData& data, double sign, const double* u, double h, const double* nu,
              double* nu_out) noexcept {
    const Topology topology{data};
    const auto* exponents = reinterpret_cast<const Batch*>(nu);
    auto* out = reinterpret_cast<Batch*>(nu_out);
    Batch x[Topology::max_states];
    Batch y[Topology::max_states]{};
    Batch shift{};
    Batch z{};
    topology.each_state([&](auto state) {
        x[state] = state == 0 ? Batch{} : sign * exponents[state - (state > 0)];
        shift = x[state] > shift ? x[state] : shift;
    });
    topology.each_state([&](auto state) { z += x[state] = exp_of(x[state] - shift); });
    const Batch scale = 1.0 / z;
    topology.each_state([&](auto state) { x[state] *= scale; });
    if (!advance(data, topology, reinterpret_cast<const Batch*>(u), h, x, y)) return false;
    const Batch reference = 1.0 / y[0];
    topology.each_state([&](auto state) {
        if (state > 0) out[state - (state > 0)] = sign * log_of(y[state] * reference);
    });
    return true;
}

/// Hirschberg's SK channel: C1-C2-C3-C4 with O1 at C3 and O2 at C4, one input.
struct HirschbergPattern {
    static constexpr std::size_t states = 6;
    static constexpr std::size_t inputs = 1;
    static constexpr std::array<std::array<std::size_t, 2>, 5> edges{{{0, 1}, {1, 2}, {2, 3}, {2, 4}, {3, 5}}};
};
/// A two-state channel, one input.
struct TwoStatePattern {
    static constexpr std::size_t states = 2;
    static constexpr std::size_t inputs = 1;
    static constexpr std::array<std::array<std::size_t, 2>, 1> edges{{{0, 1}}};
};

template <class Pattern>
bool take(KernelData& data, KernelSet& set) {
    using Topology = CompiledTopology<Pattern>;
    if (!Topology::matches(data)) return false;
    data.pairs = PairTopology<Pattern>::pack(data);
    set = {single_by_pairs<Pattern>, batch<Topology>, batch_nu<Topology>};
    return true;
}

template <class... Patterns>
KernelSet choose(KernelData& data) {
    KernelSet set{single<LoadedTopology>, batch<LoadedTopology>, batch_nu<LoadedTopology>};
    (void)(take<Patterns>(data, set) || ...);
    return set;
}

}  // namespace

KernelSet NUBRIDGE_KERNEL_SET(KernelData& data) {
    return choose<HirschbergPattern, TwoStatePattern>(data);
}

}  // namespace nubridge::dynamics
