// The step of paired molecules, compiled once per instruction set: define NUBRIDGE_PAIRED(name) before including.
// Everything has internal linkage: no code of one instruction set may serve another. Vectors are the
// compiler's extension, of the processor's width.

#include <cstddef>

#include "dynamics/paired_kernel.hpp"

namespace nubridge::dynamics {
namespace {

using R = PairedRates;
#if defined(__AVX2__)
constexpr std::size_t width = 4;
#else
constexpr std::size_t width = 2;
#endif
using Vector [[gnu::vector_size(width * sizeof(double))]] = double;
using Anywhere [[gnu::vector_size(width * sizeof(double)), gnu::aligned(8)]] = double;

/// A row of nine in lanes of twelve.
struct Row {
    static constexpr std::size_t parts = R::lanes / width;
    Vector part[parts];
};

[[gnu::always_inline]] inline Row load(const double* from) {
    Row row;
    for (std::size_t v = 0; v < Row::parts; ++v) row.part[v] = *reinterpret_cast<const Anywhere*>(from + width * v);
    return row;
}
[[gnu::always_inline]] inline Row load(const R::Lanes& row) {
    return load(row.data());
}
[[gnu::always_inline]] inline void store(const Row& row, double* to) {
    for (std::size_t v = 0; v < Row::parts; ++v) *reinterpret_cast<Anywhere*>(to + width * v) = row.part[v];
}

[[gnu::always_inline]] inline Row operator+(Row a, const Row& b) {
    for (std::size_t v = 0; v < Row::parts; ++v) a.part[v] += b.part[v];
    return a;
}
[[gnu::always_inline]] inline Row operator-(Row a, const Row& b) {
    for (std::size_t v = 0; v < Row::parts; ++v) a.part[v] -= b.part[v];
    return a;
}
[[gnu::always_inline]] inline Row operator*(Row a, const Row& b) {
    for (std::size_t v = 0; v < Row::parts; ++v) a.part[v] *= b.part[v];
    return a;
}
[[gnu::always_inline]] inline Row operator*(double a, Row b) {
    for (std::size_t v = 0; v < Row::parts; ++v) b.part[v] *= a;
    return b;
}
[[gnu::always_inline]] inline double total(const Row& row) {
    Vector sum = row.part[0];
    for (std::size_t v = 1; v < Row::parts; ++v) sum += row.part[v];
    double all = 0.0;
    for (std::size_t lane = 0; lane < width; ++lane) all += sum[lane];
    return all;
}

/// The state in rows of whole vectors: what one stage stores, the next one loads as it lies.
struct State {
    static constexpr std::size_t margin = 4;
    /// Zeros around the nine, so that neighbours are read shifted.
    using Wide = double[margin + R::lanes + margin];
    alignas(32) Wide m, a;
    alignas(32) double q[R::lanes], p[R::turns][R::lanes];
    double k, t, c;
};

/// Nine numbers, 0 in the lanes past them.
[[gnu::always_inline]] inline Row nine(const double* from) {
    Row row{};
    for (std::size_t v = 0; v < R::kinds / width; ++v)
        row.part[v] = *reinterpret_cast<const Anywhere*>(from + width * v);
    row.part[R::kinds / width] = Vector{from[R::kinds - 1]};
    return row;
}

/// The nine of a row alone.
[[gnu::always_inline]] inline void give(const Row& row, double* to) {
    for (std::size_t v = 0; v < R::kinds / width; ++v) *reinterpret_cast<Anywhere*>(to + width * v) = row.part[v];
    to[R::kinds - 1] = row.part[R::kinds / width][0];
}

[[gnu::always_inline]] inline void read(const double* x, State& s) {
    for (std::size_t i = 0; i < State::margin; ++i) {
        s.m[i] = s.m[State::margin + R::lanes + i] = 0.0;
        s.a[i] = s.a[State::margin + R::lanes + i] = 0.0;
    }
    store(nine(x + R::M), s.m + State::margin);
    store(nine(x + R::A), s.a + State::margin);
    store(nine(x + R::Q), s.q);
    for (std::size_t d = 0; d < R::turns; ++d) store(nine(x + R::P + d * R::kinds), s.p[d]);
    s.k = x[R::K];
    s.t = x[R::T];
    s.c = x[R::C];
}

/// What calcium does to a row of nine.
[[gnu::always_inline]] inline Row bound(const R::Lobes& lobes, double ca_uM, const State::Wide& wide) {
    const double* x = wide + State::margin;
    const Row gained = load(lobes.c_on) * load(x - 3) + load(lobes.n_on) * load(x - 1);
    const Row lost = load(lobes.c_off) * load(x + 3) + load(lobes.n_off) * load(x + 1);
    return ca_uM * (gained - load(lobes.on) * load(x)) + (lost - load(lobes.off) * load(x));
}

/// One stage of Euler's method. Not inlined: the compiler would copy all rates to the stack before the first stage.
[[gnu::noinline]] void advance(const R& k, double ca_uM, double h_ms, State& s) {
    const Row m = load(s.m + State::margin), a = load(s.a + State::margin), q = load(s.q);
    double subunits[2 * R::kinds + R::lanes], returned[R::turns][2 * R::kinds + R::lanes];  // twice over, to be turned
    store(a, subunits);
    store(a, subunits + R::kinds);
    const Row taken = load(k.k_on) * (s.k * m) - load(k.k_off) * a;
    const Row beside = load(k.beside_on) * (s.t * a) - load(k.beside_off) * q;
    const Row second = load(k.beside_p) * q;
    Row to_a = bound(k.bound, ca_uM, s.a) + taken - beside;
    Row phosphorylated = 2.0 * second - beside, ions = load(k.beside_ions) * q;
    store(m + h_ms * (bound(k.free, ca_uM, s.m) - taken), s.m + State::margin);
    store(q + h_ms * (beside - second), s.q);
    for (std::size_t d = 0; d < R::turns; ++d) {
        const Row pairs = load(s.p[d]);
        const Row on = load(k.pair_on[d]) * a * load(subunits + d);
        const Row to_second = load(k.to_second[d]) * pairs - on;
        store(to_second, returned[d]);
        store(to_second, returned[d] + R::kinds);
        to_a = to_a + (load(k.to_first[d]) * pairs - on);
        phosphorylated = phosphorylated + load(k.phosphorylated[d]) * pairs;
        ions = ions + load(k.ions[d]) * pairs;
        store(pairs + h_ms * (on - load(k.pair_off[d]) * pairs), s.p[d]);
    }
    for (std::size_t d = 0; d < R::turns; ++d) to_a = to_a + load(returned[d] + R::kinds - d);
    store(a + h_ms * to_a, s.a + State::margin);
    for (std::size_t i = R::kinds; i < R::lanes; ++i) s.a[State::margin + i] = 0.0;  // turned rows are full
    s.k -= h_ms * total(taken);
    s.t += h_ms * total(phosphorylated);
    s.c += h_ms * total(ions);
}

/// x <- share x + (1 - share) s.
[[gnu::always_inline]] inline void mix(double share, const State& s, double* x) {
    const auto row = [&](const double* end, double* to) {
        const Row last = load(end);
        give(last + share * (nine(to) - last), to);
    };
    const auto one = [&](double end, double& to) { to = end + share * (to - end); };
    row(s.m + State::margin, x + R::M);
    row(s.a + State::margin, x + R::A);
    row(s.q, x + R::Q);
    for (std::size_t d = 0; d < R::turns; ++d) row(s.p[d], x + R::P + d * R::kinds);
    one(s.k, x[R::K]);
    one(s.t, x[R::T]);
    one(s.c, x[R::C]);
}

}  // namespace

void NUBRIDGE_PAIRED(step)(const PairedRates& k, double ca_uM, const StepPlan& plan, double* x) noexcept {
    State s;  // NOLINT(cppcoreguidelines-pro-type-member-init): read writes all of it
    for (std::size_t step = 0; step < plan.steps; ++step) {
        read(x, s);
        for (std::size_t stage = 0; stage < plan.stages; ++stage) advance(k, ca_uM, plan.stage_ms, s);
        mix(1.0 / static_cast<double>(plan.stages), s, x);
    }
}

void NUBRIDGE_PAIRED(observe)(const PairedObservables& weights, const double* x, double* observables) noexcept {
    constexpr std::size_t rows = PairedWeights::rows, last = R::states - R::lanes;
    for (const PairedWeights& one : weights) {
        Row sum = load(one.row[rows - 1]) * load(x + last);
        for (std::size_t r = 0; r + 1 < rows; ++r) sum = sum + load(one.row[r]) * load(x + r * R::lanes);
        *observables++ = total(sum);
    }
}

}  // namespace nubridge::dynamics
