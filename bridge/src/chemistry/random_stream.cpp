#include "chemistry/random_stream.hpp"

#include <bit>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define NUBRIDGE_X86
#endif

#include "chemistry/philox.hpp"

namespace nubridge::chemistry {

namespace {

constexpr std::size_t n = RandomStream::block;

constexpr std::uint64_t low_half = 0xFFFFFFFF;

/// The round keys of a seed, each in a lane of 64 bits.
struct Keys {
    explicit Keys(std::uint64_t seed) {
        auto k0 = static_cast<std::uint32_t>(seed), k1 = static_cast<std::uint32_t>(seed >> 32);
        for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9, k1 += 0xBB67AE85) {
            first[round] = k0;
            second[round] = k1;
        }
    }
    std::uint32_t first[10], second[10];
};

/// -ln u for u in (0, 1): fdlibm's series in f = (m-1)/(m+1) with u = 2^e m, m in [sqrt(1/2), sqrt(2)); within 1 ulp,
/// no branch.
inline double minus_log(double u) {
    const auto bits = std::bit_cast<std::uint64_t>(u);
    // Moves the border of the exponent from 1 to sqrt(1/2).
    const std::uint64_t shifted = bits + (0x3FF0000000000000 - 0x3FE6A09E667F3BCD);
    // e + 1023 as a double, by the exponent of 2^52: SSE2 and AVX2 convert no 64-bit integers.
    const double e = std::bit_cast<double>((shifted >> 52) | 0x4330000000000000) - (0x1p52 + 1023.0);
    const double m = std::bit_cast<double>((shifted & 0x000FFFFFFFFFFFFF) + 0x3FE6A09E667F3BCD);
    const double f = m - 1.0;
    const double s = f / (2.0 + f);
    const double z = s * s, w = z * z;
    const double even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
    const double odd =
        z * (6.666666666666735130e-01 +
             w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
    const double half_square = 0.5 * f * f;
    constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
    return (half_square - (s * (half_square + (even + odd)) + e * ln2_low)) - f - e * ln2_high;
}

/// 52 bits in (0, 1), odd multiples of 2^-53.
inline double uniform_of(std::uint64_t bits) {
    return std::bit_cast<double>((bits >> 12) | 0x3FF0000000000000) - (1.0 - 0x1p-53);
}

inline __attribute__((always_inline)) void to_numbers(const std::uint64_t* low, const std::uint64_t* high,
                                                      double* exponential, double* uniform) {
    for (std::size_t i = 0; i < n; ++i) exponential[i] = minus_log(uniform_of(low[i]));
    for (std::size_t i = 0; i < n; ++i) uniform[i] = uniform_of(high[i]);
}

// n Philox blocks with the counters first, first + 1, ... A lane of 64 bits holds one 32-bit word of a counter; what a
// product leaves in the upper half does no harm before the end. AVX2 without FMA rounds as SSE2 does, so that both give
// the same numbers.
#ifdef NUBRIDGE_X86
__attribute__((target("avx2"))) void fill_avx2(const Keys& keys, std::uint64_t run, std::uint64_t first,
                                               double* exponential, double* uniform) {
    alignas(64) std::uint64_t low[n], high[n];
#define NUBRIDGE_ALL(value) _mm256_set1_epi64x(static_cast<long long>(value))
    const __m256i multiplier0 = NUBRIDGE_ALL(0xD2511F53), multiplier1 = NUBRIDGE_ALL(0xCD9E8D57),
                  mask = NUBRIDGE_ALL(low_half);
    for (std::size_t i = 0; i < n; i += 4) {
        const auto at = first + i;
        __m256i c0 = _mm256_add_epi64(NUBRIDGE_ALL(at), _mm256_set_epi64x(3, 2, 1, 0)), c1 = _mm256_srli_epi64(c0, 32);
        __m256i c2 = NUBRIDGE_ALL(run & low_half), c3 = NUBRIDGE_ALL(run >> 32);
        for (int round = 0; round < 10; ++round) {
            const __m256i a = _mm256_mul_epu32(c0, multiplier0), b = _mm256_mul_epu32(c2, multiplier1);
            c0 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(b, 32), c1), NUBRIDGE_ALL(keys.first[round]));
            c2 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(a, 32), c3), NUBRIDGE_ALL(keys.second[round]));
            c1 = b;
            c3 = a;
        }
        const __m256i word0 = _mm256_or_si256(_mm256_and_si256(c0, mask), _mm256_slli_epi64(c1, 32));
        const __m256i word1 = _mm256_or_si256(_mm256_and_si256(c2, mask), _mm256_slli_epi64(c3, 32));
        _mm256_store_si256(reinterpret_cast<__m256i*>(low + i), word0);
        _mm256_store_si256(reinterpret_cast<__m256i*>(high + i), word1);
    }
#undef NUBRIDGE_ALL
    to_numbers(low, high, exponential, uniform);
}
#endif

void fill_any(const Keys& keys, std::uint64_t run, std::uint64_t first, double* exponential, double* uniform) {
    alignas(64) std::uint64_t low[n], high[n];
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t at = first + i;
        const auto words = philox4x32({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at >> 32),
                                       static_cast<std::uint32_t>(run), static_cast<std::uint32_t>(run >> 32)},
                                      {keys.first[0], keys.second[0]});
        low[i] = words[0] | (std::uint64_t{words[1]} << 32);
        high[i] = words[2] | (std::uint64_t{words[3]} << 32);
    }
    to_numbers(low, high, exponential, uniform);
}

}  // namespace

void RandomStream::refill() noexcept {
    const Keys keys(seed_);
#ifdef NUBRIDGE_X86
    static const bool wide = __builtin_cpu_supports("avx2");
    (wide && !narrow_ ? fill_avx2 : fill_any)(keys, run_, counter_, exponential_.data(), uniform_.data());
#else
    fill_any(keys, run_, counter_, exponential_.data(), uniform_.data());
#endif
    counter_ += n;
    used_ = 0;
}

}  // namespace nubridge::chemistry
