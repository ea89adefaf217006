#include "maxent/categorical.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "expect.hpp"
#include "random.hpp"
#include "units/error.hpp"

namespace {

using nubridge::InvalidArgument;
using nubridge::maxent::Categorical;
using nubridge::maxent::Sign;
using nubridge::test::expect_refusal;
using nubridge::test::Random;

constexpr double infinity = std::numeric_limits<double>::infinity();

std::vector<double> moments(const Categorical& family, const std::vector<double>& nu) {
    std::vector<double> moments(family.moment_count());
    family.moments(nu, moments);
    return moments;
}

std::vector<double> from_moments(const Categorical& family, const std::vector<double>& moments) {
    std::vector<double> nu(family.nu_count());
    family.from_moments(moments, nu);
    return nu;
}

TEST(Categorical, OneStateIsRefused) {
    for (const std::size_t states : {0u, 1u}) {
        expect_refusal<InvalidArgument>([&] { const Categorical family(states); },
                                        {"has " + std::to_string(states) + " states", "\"states\""});
    }
}

TEST(Categorical, HasOneNuLessThanStates) {
    const Categorical family(6);
    EXPECT_EQ(family.nu_count(), 5u);
    EXPECT_EQ(family.moment_count(), 6u);
    EXPECT_EQ(family.sign(), Sign::minus);
}

TEST(Categorical, NuZeroIsTheUniformLaw) {
    const Categorical family(4);
    EXPECT_EQ(moments(family, {0, 0, 0}), std::vector<double>(4, 0.25));
    EXPECT_DOUBLE_EQ(family.log_partition(std::vector<double>{0, 0, 0}), std::log(4.0));
}

TEST(Categorical, SignDecidesWhichWayNuPushes) {
    const std::vector<double> nu{std::log(3.0)};
    EXPECT_NEAR(moments(Categorical(2, Sign::minus), nu)[1], 0.25, 1e-15);
    EXPECT_NEAR(moments(Categorical(2, Sign::plus), nu)[1], 0.75, 1e-15);
}

TEST(Categorical, MomentsSumToOneAndAreNotNegative) {
    Random random(2);
    for (const Sign sign : {Sign::minus, Sign::plus}) {
        for (int i = 0; i < 200; ++i) {
            const Categorical family(2 + random.index(30), sign);
            const auto p = moments(family, random.uniforms(family.nu_count(), -800.0, 800.0));
            EXPECT_NEAR(std::accumulate(p.begin(), p.end(), 0.0), 1.0, 1e-15 * static_cast<double>(p.size()));
            for (const double one : p) EXPECT_GE(one, 0.0);
        }
    }
}

TEST(Categorical, HugeNuNeitherOverflowsNorUnderflows) {
    const Categorical family(3, Sign::plus);
    EXPECT_EQ(family.log_partition(std::vector<double>{1000.0, -1000.0}), 1000.0);
    EXPECT_EQ(moments(family, {1000.0, 1000.0}), (std::vector<double>{0.0, 0.5, 0.5}));
    EXPECT_NEAR(family.log_partition(std::vector<double>{-1000.0, -1000.0}), 0.0, 1e-300);
}

TEST(Categorical, AnEmptyStateHasAnInfiniteNuAndReturnsEmpty) {
    for (const Sign sign : {Sign::minus, Sign::plus}) {
        const Categorical family(3, sign);
        const std::vector<double> p{0.25, 0.0, 0.75};
        const auto nu = from_moments(family, p);
        EXPECT_EQ(nu[0], sign == Sign::minus ? infinity : -infinity);
        const auto back = moments(family, nu);
        for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(back[i], p[i], 1e-15);
        EXPECT_EQ(back[1], 0.0);
        EXPECT_NEAR(family.log_partition(nu), std::log(4.0), 1e-15);
        std::vector<double> fisher(4);
        family.fisher(nu, fisher);
        EXPECT_EQ(fisher[0], 0.0);
        EXPECT_EQ(fisher[1], 0.0);
        EXPECT_NEAR(fisher[3], 0.75 * 0.25, 1e-15);
    }
}

TEST(Categorical, AnEmptyStateIsNeverSampled) {
    const Categorical family(3);
    std::vector<std::int32_t> samples(10000);
    family.sample(std::vector<double>{infinity, 0.0}, 5, samples);
    for (const std::int32_t sample : samples) EXPECT_NE(sample, 1);
}

TEST(Categorical, ExpectationIsTheWeightedSumOfTheOccupancies) {
    Random random(3);
    for (const Sign sign : {Sign::minus, Sign::plus}) {
        const Categorical family(7, sign);
        const auto nu = random.uniforms(6, -5.0, 5.0);
        const auto values = random.uniforms(7, -2.0, 2.0);
        const auto p = moments(family, nu);
        EXPECT_NEAR(family.expectation(nu, values), std::inner_product(p.begin(), p.end(), values.begin(), 0.0), 1e-14);
        EXPECT_NEAR(family.expectation(nu, std::vector<double>(7, 1.0)), 1.0, 1e-14);
    }
}

// Four equally likely states: each sample is the two leading bits of the generator, whose sequence the C++ standard
// fixes.
TEST(Categorical, SamplesAreThoseOfTheStandardGeneratorOnEveryMachine) {
    const Categorical family(4);
    std::vector<std::int32_t> samples(1000);
    family.sample(std::vector<double>{0.0, 0.0, 0.0}, 5489, samples);
    std::mt19937_64 generator(5489);
    for (const std::int32_t sample : samples) EXPECT_EQ(sample, static_cast<std::int32_t>(generator() >> 62));
}

TEST(Categorical, ManyCopiesFollowTheMultinomialLaw) {
    const Categorical family(3);
    const std::vector<double> nu{0.5, -0.5};
    const auto p = moments(family, nu);
    const std::size_t count = 100000;
    std::vector<std::int32_t> samples(count);
    family.sample(nu, 11, samples);
    double chi_squared = 0.0;
    for (std::int32_t state = 0; state < 3; ++state) {
        const double expected = static_cast<double>(count) * p[static_cast<std::size_t>(state)];
        const auto found = static_cast<double>(std::count(samples.begin(), samples.end(), state));
        chi_squared += (found - expected) * (found - expected) / expected;
    }
    EXPECT_LT(chi_squared, 18.4);  // two degrees of freedom: exceeded once in 10^4 seeds
}

}  // namespace
