// Rows of nine numbers in the lanes of vectors, the compiler's extension, of the processor's width. Everything has
// internal linkage: no code of one instruction set may serve another.
#pragma once

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include <cmath>
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
[[gnu::always_inline]] inline Row operator+(double a, Row b) {
    for (std::size_t v = 0; v < Row::parts; ++v) b.part[v] += a;
    return b;
}
[[gnu::always_inline]] inline Row operator/(Row a, const Row& b) {
    for (std::size_t v = 0; v < Row::parts; ++v) a.part[v] /= b.part[v];
    return a;
}
[[gnu::always_inline]] inline Row operator/(double a, Row b) {
    for (std::size_t v = 0; v < Row::parts; ++v) b.part[v] = a / b.part[v];
    return b;
}
[[gnu::always_inline]] inline Row root(Row a) {
    for (std::size_t v = 0; v < Row::parts; ++v) {
#if defined(__AVX2__)
        a.part[v] = _mm256_sqrt_pd(a.part[v]);
#elif defined(__SSE2__)
        a.part[v] = _mm_sqrt_pd(a.part[v]);
#else
        for (std::size_t lane = 0; lane < width; ++lane) a.part[v][lane] = std::sqrt(a.part[v][lane]);
#endif
    }
    return a;
}
[[gnu::always_inline]] inline double total(const Row& row) {
    Vector sum = row.part[0];
    for (std::size_t v = 1; v < Row::parts; ++v) sum += row.part[v];
    double all = 0.0;
    for (std::size_t lane = 0; lane < width; ++lane) all += sum[lane];
    return all;
}

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

/// to <- share to + (1 - share) end.
[[gnu::always_inline]] inline void mix(double share, double end, double& to) {
    to = end + share * (to - end);
}
[[gnu::always_inline]] inline void mix_nine(double share, const double* end, double* to) {
    const Row last = load(end);
    give(last + share * (nine(to) - last), to);
}

/// Zeros around the nine, so that neighbours are read shifted.
constexpr std::size_t margin = 4;
using Wide = double[margin + R::lanes + margin];
[[gnu::always_inline]] inline void read(const double* from, Wide& wide) {
    for (std::size_t i = 0; i < margin; ++i) wide[i] = wide[margin + R::lanes + i] = 0.0;
    store(nine(from), wide + margin);
}

/// What calcium does to a row of nine.
[[gnu::always_inline]] inline Row bound(const R::Lobes& lobes, double ca_uM, const Wide& wide) {
    const double* x = wide + margin;
    const Row gained = load(lobes.c_on) * load(x - 3) + load(lobes.n_on) * load(x - 1);
    const Row lost = load(lobes.c_off) * load(x + 3) + load(lobes.n_off) * load(x + 1);
    return ca_uM * (gained - load(lobes.on) * load(x)) + (lost - load(lobes.off) * load(x));
}

}  // namespace
}  // namespace nubridge::dynamics
