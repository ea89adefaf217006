// The step of paired molecules, compiled once per instruction set: define NUBRIDGE_PAIRED_STEP before including.
// Everything has internal linkage: no code of one instruction set may serve another. Plain loops of twelve, so that
// the compiler makes vectors of them.

#include <cstddef>

#include "dynamics/paired_kernel.hpp"

namespace nubridge::dynamics {
namespace {

using R = PairedRates;

/// A row of nine twice over, so that it can be read turned.
using Turned = double[2 * R::kinds + R::lanes];

[[gnu::always_inline]] inline void repeat(const double* row, Turned& turned) {
    for (std::size_t i = 0; i < R::lanes; ++i) turned[i] = row[i];
    for (std::size_t i = 0; i < R::lanes; ++i) turned[R::kinds + i] = row[i];
}

[[gnu::always_inline]] inline double total(const double* row) {
    double four[4] = {};
    for (std::size_t i = 0; i < R::lanes; ++i) four[i % 4] += row[i];
    return (four[0] + four[1]) + (four[2] + four[3]);
}

/// Calcium on the two lobes of x[9]; adds to rates[lanes].
[[gnu::always_inline]] inline void bind_calcium(const R::Lobes& lobes, double ca_uM, const double* __restrict x,
                                                double* __restrict rates) {
    double c[R::lanes], n[R::lanes];
    for (std::size_t i = 0; i < R::lanes; ++i) c[i] = lobes.c_on[i] * ca_uM * x[i] - lobes.c_off[i] * x[i + 3];
    for (std::size_t i = 0; i < R::lanes; ++i) n[i] = lobes.n_on[i] * ca_uM * x[i] - lobes.n_off[i] * x[i + 1];
    for (std::size_t i = 0; i < R::lanes; ++i) rates[i] -= c[i] + n[i];
    for (std::size_t i = 0; i < 6; ++i) rates[i + 3] += c[i];
    for (std::size_t i = 0; i < 8; ++i) rates[i + 1] += n[i];
}

/// dx/dt. Lanes past the ninth of a row spill into the next one, which is written after it.
[[gnu::always_inline]] inline void rates_of(const R& k, double ca_uM, const double* __restrict x,
                                            double* __restrict rates) {
    double m[R::lanes], a[R::lanes], phosphorylated[R::lanes] = {}, ions[R::lanes] = {};  // sums by lanes
    double to_second[R::turns][R::lanes];
    Turned subunits;
    repeat(x + R::A, subunits);
    const double free = x[R::K];
    const double active = x[R::T];
    for (std::size_t i = 0; i < R::lanes; ++i) {
        const double on = k.k_on[i] * free * x[R::M + i] - k.k_off[i] * x[R::A + i];
        m[i] = -on;
        a[i] = on;
    }
    rates[R::K] = total(m);
    bind_calcium(k.free, ca_uM, x + R::M, m);
    bind_calcium(k.bound, ca_uM, x + R::A, a);
    for (std::size_t d = 0; d < R::turns; ++d) {
        const double* __restrict pairs = x + R::P + d * R::kinds;
        double* __restrict out = rates + R::P + d * R::kinds;
        for (std::size_t i = 0; i < R::lanes; ++i) {
            const double on = k.pair_on[d][i] * subunits[i] * subunits[i + d] - k.pair_off[d][i] * pairs[i];
            const double first = k.first_p[d][i] * pairs[i];
            const double second = k.second_p[d][i] * pairs[i];
            out[i] = on - first - second;
            a[i] += second - on;
            to_second[d][i] = first - on;
            phosphorylated[i] += first + second;
            ions[i] += k.ions[i] * first + k.second_ions[d][i] * second;
        }
    }
    Turned returned[R::turns];  // all turned before any is read: a load over two young stores would wait for both
    for (std::size_t d = 0; d < R::turns; ++d) repeat(to_second[d], returned[d]);
    for (std::size_t d = 0; d < R::turns; ++d) {
        for (std::size_t i = 0; i < R::lanes; ++i) a[i] += returned[d][R::kinds + i - d];
    }
    for (std::size_t i = 0; i < R::lanes; ++i) {
        const double on = k.beside_on[i] * active * x[R::A + i] - k.beside_off[i] * x[R::Q + i];
        const double second = k.beside_p[i] * x[R::Q + i];
        rates[R::Q + i] = on - second;
        a[i] -= on;
        phosphorylated[i] += 2.0 * second - on;
        ions[i] += k.ions[i] * second;
    }
    for (std::size_t i = 0; i < R::kinds; ++i) rates[R::M + i] = m[i];
    for (std::size_t i = 0; i < R::kinds; ++i) rates[R::A + i] = a[i];
    rates[R::T] = total(phosphorylated);
    rates[R::C] = total(ions);
}

}  // namespace

void NUBRIDGE_PAIRED_STEP(const PairedRates& k, double ca_uM, double h_ms, std::size_t substeps, double* x) noexcept {
    alignas(32) double first[R::room];
    alignas(32) double second[R::room];
    alignas(32) double middle[R::room];
    for (std::size_t i = R::states; i < R::room; ++i) middle[i] = 0.0;
    for (std::size_t step = 0; step < substeps; ++step) {
        rates_of(k, ca_uM, x, first);
        for (std::size_t i = 0; i < R::states; ++i) middle[i] = x[i] + h_ms * first[i];
        rates_of(k, ca_uM, middle, second);
        for (std::size_t i = 0; i < R::states; ++i) x[i] += 0.5 * h_ms * (first[i] + second[i]);
    }
}

}  // namespace nubridge::dynamics
