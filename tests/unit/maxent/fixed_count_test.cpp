#include "maxent/fixed_count.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "expect.hpp"
#include "random.hpp"
#include "units/error.hpp"

namespace nubridge::test {
namespace {

using maxent::FixedCount;

/// Partition sum and the units' probabilities by writing every pattern out.
struct Enumerated {
    Enumerated(const std::vector<double>& h, std::size_t count) : moments(h.size()) {
        for (std::size_t state = 0; state < std::size_t{1} << h.size(); ++state) {
            if (static_cast<std::size_t>(std::popcount(state)) != count) continue;
            double energy = 0.0;
            for (std::size_t i = 0; i < h.size(); ++i) energy += ((state >> i) & 1U) != 0 ? h[i] : 0.0;
            z += std::exp(energy);
            for (std::size_t i = 0; i < h.size(); ++i) moments[i] += ((state >> i) & 1U) != 0 ? std::exp(energy) : 0.0;
        }
        for (double& one : moments) one /= z;
    }
    double z = 0.0;
    std::vector<double> moments;
};

TEST(FixedCount, IsTheSumOverItsPatternsForEveryCount) {
    const auto h = Random(3).uniforms(10, -4.0, 4.0);
    std::vector<double> moments(10);
    for (std::size_t count = 0; count <= 10; ++count) {
        const Enumerated law(h, count);
        const FixedCount found(h, count);
        found.moments(moments);
        EXPECT_NEAR(found.log_partition(), std::log(law.z), 1e-13);
        for (std::size_t i = 0; i < 10; ++i) EXPECT_NEAR(moments[i], law.moments[i], 1e-14);
    }
}

TEST(FixedCount, OfEqualUnitsIsABinomialCoefficientForAThousand) {
    for (const std::size_t count : {1U, 37U, 500U, 999U}) {
        const auto k = static_cast<double>(count);
        const FixedCount law(std::vector<double>(1000, -3.0), count);
        const double exact = std::lgamma(1001.0) - std::lgamma(k + 1.0) - std::lgamma(1001.0 - k) - 3.0 * k;
        EXPECT_NEAR(law.log_partition() / exact, 1.0, 1e-12);
        std::vector<double> moments(1000);
        law.moments(moments);
        for (const double one : moments) EXPECT_NEAR(one, k / 1000.0, 1e-12);
    }
}

TEST(FixedCount, KeepsItsDigitsWhereFreeUnitsWouldNeverHaveThatMany) {
    auto h = Random(4).uniforms(1000, -300.0, 300.0);
    std::vector<double> moments(1000), opposite(1000);
    FixedCount(h, 20).moments(moments);
    EXPECT_NEAR(std::accumulate(moments.begin(), moments.end(), 0.0), 20.0, 1e-11);
    // What is active here is quiescent where all signs are turned.
    for (double& one : h) one = -one;
    FixedCount(h, 980).moments(opposite);
    for (std::size_t i = 0; i < 1000; ++i) EXPECT_NEAR(moments[i] + opposite[i], 1.0, 1e-12);
}

TEST(FixedCount, SamplesHaveItsProbabilities) {
    const auto h = Random(5).uniforms(6, -2.0, 2.0);
    const FixedCount law(h, 2);
    const Enumerated exact(h, 2);
    constexpr std::uint64_t draws = 100'000;
    std::vector<double> seen(64);
    std::vector<std::uint8_t> pattern(6);
    for (std::uint64_t run = 0; run < draws; ++run) {
        law.sample(9, run, pattern);
        std::size_t state = 0;
        for (std::size_t i = 0; i < 6; ++i) state |= static_cast<std::size_t>(pattern[i]) << i;
        ++seen[state];
    }
    for (std::size_t state = 0; state < 64; ++state) {
        double energy = 0.0;
        for (std::size_t i = 0; i < 6; ++i) energy += ((state >> i) & 1U) != 0 ? h[i] : 0.0;
        const double p = std::popcount(state) == 2 ? std::exp(energy) / exact.z : 0.0;
        EXPECT_LE(std::abs(seen[state] / draws - p), 4.0 * std::sqrt(p * (1.0 - p) / draws));
    }
}

TEST(FixedCount, RefusesWhatHasNoLaw) {
    expect_refusal<InvalidArgument>([] { FixedCount(std::vector{0.0, 0.0}, 3); }, {"3 units", "of 2"});
    expect_refusal<InvalidArgument>(
        [] {
            FixedCount(std::vector{0.0, std::numeric_limits<double>::infinity()}, 1);
        },
        {"h is not finite"});
}

}  // namespace
}  // namespace nubridge::test
