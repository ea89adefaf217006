// The step of the sums over subunits, compiled once per instruction set: define NUBRIDGE_PAIRED(name) before including.

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "dynamics/paired_rows.hpp"
#include "dynamics/subunit_kernel.hpp"

namespace nubridge::dynamics {
namespace {

using U = SubunitRates;
constexpr double tiny = 1e-200;  // of an amount that divides

/// The state in rows.
struct Sums {
    alignas(32) Wide m, a;
    alignas(32) double b[R::lanes];
    double k, s, q, h, c;
};

/// d/dt of it.
struct SumSlopes {
    Row m, a, b;
    double k, s, q, h, c;
};

/// What phosphorylation does to subunits in pairs, per ms: it reaches the subunit itself, or its partner.
struct Closed {
    alignas(32) double own[R::lanes];
    Row partner;
    double pairs_of_phosphorylated;
};

[[gnu::always_inline]] inline void read(const double* x, Sums& sums) {
    read(x + U::M, sums.m);
    read(x + U::A, sums.a);
    store(nine(x + U::B), sums.b);
    sums.k = x[U::K];
    sums.s = x[U::S];
    sums.q = x[U::Q];
    sums.h = x[U::H];
    sums.c = x[U::C];
}

/// Who pairs with whom, by maximum entropy: P_ij = y_i y_j, P_ii = y_i^2, Q_i = y_i y_0 of the given B_i and Q, thus
/// Q = y_0 Y and B_i = y_i (Y + y_0 + y_i) with Y = SUM y. Of the n_i subunits not in Q it takes n_i^2/(N + n_i), N =
/// SUM n, to be in pairs of their own kind, which is exact where all kinds are alike; the others are Y^2.
[[gnu::always_inline]] inline Closed close(const U& k, const Sums& s) {
    const Row b = load(s.b), phosphorylation = load(k.phosphorylation);
    const double all = total(b), others = std::max(all - s.q, 1e-12 * all + tiny);
    const Row n = (others / (all + tiny)) * b;
    const double y = std::sqrt(others - total(n * n / (others + n))), per_y = 1.0 / y;
    const double partners = y + s.q * per_y;
    const Row per_b = 2.0 / (partners + root(partners * partners + 4.0 * b));
    const double reached = total(phosphorylation * per_b * b);
    Closed closed;  // NOLINT(cppcoreguidelines-pro-type-member-init): all of it is written here
    store((partners * phosphorylation) * per_b, closed.own);
    closed.partner = reached * per_b;
    closed.pairs_of_phosphorylated = reached * per_y;
    const std::size_t f = k.fastest;
    if (s.b[f] > 2.0 * s.h) closed.own[f] = k.phosphorylation[f] * (1.0 - s.h / s.b[f]);
    return closed;
}

[[gnu::always_inline]] inline SumSlopes flow(const U& k, double ca_uM, const Closed& closed, const Sums& s) {
    const Row m = load(s.m + margin), a = load(s.a + margin), b = load(s.b);
    const double single = total(a), phosphorylated = s.s - s.q, fastest = s.a[margin + k.fastest];
    const Row taken = load(k.k_on) * (s.k * m) - load(k.k_off) * a;
    const Row paired = k.pair_on * (a * ((single + phosphorylated) + a)) - k.pair_off * b;
    const Row own = load(closed.own) * b, back = closed.partner * b;
    SumSlopes d;  // NOLINT(cppcoreguidelines-pro-type-member-init): all of it is written here
    d.m = bound(k.free, ca_uM, s.m) - taken;
    d.a = bound(k.bound, ca_uM, s.a) + taken - paired + back;
    d.b = paired - own - back;
    d.k = -total(taken);
    d.s = total(own);
    d.q = k.pair_on * single * phosphorylated - (k.pair_off + closed.pairs_of_phosphorylated) * s.q;
    d.h = k.pair_on * fastest * fastest - (k.pair_off + k.phosphorylation[k.fastest]) * s.h;
    d.c = total(load(k.ions) * own);
    return d;
}

/// s <- s + h d.
[[gnu::always_inline]] inline void add(double h_ms, const SumSlopes& d, Sums& s) {
    store(load(s.m + margin) + h_ms * d.m, s.m + margin);
    store(load(s.a + margin) + h_ms * d.a, s.a + margin);
    store(load(s.b) + h_ms * d.b, s.b);
    s.k += h_ms * d.k;
    s.s += h_ms * d.s;
    s.q += h_ms * d.q;
    s.h += h_ms * d.h;
    s.c += h_ms * d.c;
}

/// x <- share x + (1 - share) s.
[[gnu::always_inline]] inline void mix(double share, const Sums& s, double* x) {
    mix_nine(share, s.m + margin, x + U::M);
    mix_nine(share, s.a + margin, x + U::A);
    mix_nine(share, s.b, x + U::B);
    mix(share, s.k, x[U::K]);
    mix(share, s.s, x[U::S]);
    mix(share, s.q, x[U::Q]);
    mix(share, s.h, x[U::H]);
    mix(share, s.c, x[U::C]);
}

}  // namespace

/// Who pairs with whom is found once a step: that changes in milliseconds, phosphorylation takes seconds.
void NUBRIDGE_PAIRED(sums_step)(const SubunitRates& k, double ca_uM, const StepPlan& plan, double* x) noexcept {
    Sums s;  // NOLINT(cppcoreguidelines-pro-type-member-init): read writes all of it
    for (std::size_t step = 0; step < plan.steps; ++step) {
        read(x, s);
        const Closed closed = close(k, s);
        for (std::size_t stage = 0; stage < plan.stages; ++stage) add(plan.stage_ms, flow(k, ca_uM, closed, s), s);
        mix(1.0 / static_cast<double>(plan.stages), s, x);
    }
}

void NUBRIDGE_PAIRED(sums_slopes)(const SubunitRates& k, double ca_uM, const double* x, double* slopes) noexcept {
    Sums s;  // NOLINT(cppcoreguidelines-pro-type-member-init): read writes all of it
    read(x, s);
    const SumSlopes d = flow(k, ca_uM, close(k, s), s);
    give(d.m, slopes + U::M);
    give(d.a, slopes + U::A);
    give(d.b, slopes + U::B);
    slopes[U::K] = d.k;
    slopes[U::S] = d.s;
    slopes[U::Q] = d.q;
    slopes[U::H] = d.h;
    slopes[U::C] = d.c;
}

}  // namespace nubridge::dynamics
