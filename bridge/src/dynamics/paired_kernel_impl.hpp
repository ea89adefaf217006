// The step of paired molecules, compiled once per instruction set: define NUBRIDGE_PAIRED(name) before including.

#include <cstddef>

#include "dynamics/paired_kernel.hpp"
#include "dynamics/paired_rows.hpp"

namespace nubridge::dynamics {
namespace {

/// The state in rows of whole vectors: what one stage stores, the next one loads as it lies.
struct State {
    alignas(32) Wide m, a;
    alignas(32) double q[R::lanes], p[R::turns][R::lanes];
    double k, t, c;
};

[[gnu::always_inline]] inline void read(const double* x, State& s) {
    read(x + R::M, s.m);
    read(x + R::A, s.a);
    store(nine(x + R::Q), s.q);
    for (std::size_t d = 0; d < R::turns; ++d) store(nine(x + R::P + d * R::kinds), s.p[d]);
    s.k = x[R::K];
    s.t = x[R::T];
    s.c = x[R::C];
}

/// One stage of Euler's method. Not inlined: the compiler would copy all rates to the stack before the first stage.
[[gnu::noinline]] void advance(const R& k, double ca_uM, double h_ms, State& s) {
    const Row m = load(s.m + margin), a = load(s.a + margin), q = load(s.q);
    double subunits[2 * R::kinds + R::lanes], returned[R::turns][2 * R::kinds + R::lanes];  // twice over, to be turned
    store(a, subunits);
    store(a, subunits + R::kinds);
    const Row taken = load(k.k_on) * (s.k * m) - load(k.k_off) * a;
    const Row beside = load(k.beside_on) * (s.t * a) - load(k.beside_off) * q;
    const Row second = load(k.beside_p) * q;
    Row to_a = bound(k.bound, ca_uM, s.a) + taken - beside;
    Row phosphorylated = 2.0 * second - beside, ions = load(k.beside_ions) * q;
    store(m + h_ms * (bound(k.free, ca_uM, s.m) - taken), s.m + margin);
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
    store(a + h_ms * to_a, s.a + margin);
    for (std::size_t i = R::kinds; i < R::lanes; ++i) s.a[margin + i] = 0.0;  // turned rows are full
    s.k -= h_ms * total(taken);
    s.t += h_ms * total(phosphorylated);
    s.c += h_ms * total(ions);
}

/// x <- share x + (1 - share) s.
[[gnu::always_inline]] inline void mix(double share, const State& s, double* x) {
    mix_nine(share, s.m + margin, x + R::M);
    mix_nine(share, s.a + margin, x + R::A);
    mix_nine(share, s.q, x + R::Q);
    for (std::size_t d = 0; d < R::turns; ++d) mix_nine(share, s.p[d], x + R::P + d * R::kinds);
    mix(share, s.k, x[R::K]);
    mix(share, s.t, x[R::T]);
    mix(share, s.c, x[R::C]);
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
