#include "chemistry/random_stream.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "chemistry/philox.hpp"

namespace nubridge::test {
namespace {

using chemistry::philox4x32;
using chemistry::RandomStream;
using Words = std::array<std::uint32_t, 4>;

// kat_vectors of Random123, the authors' library.
TEST(Philox, GivesTheKnownAnswers) {
    EXPECT_EQ(philox4x32({}, {}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
    EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
    EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, IsPhiloxOfSeedRunAndPlace) {
    const std::uint64_t seed = 0x1234567890abcdef, run = 0xfedcba0987654321;
    RandomStream stream(seed, run);
    for (std::uint32_t i = 0; i < 200; ++i) {
        const auto words = philox4x32({i, 0, 0x87654321, 0xfedcba09}, {0x90abcdef, 0x12345678});
        const auto uniform = [](std::uint32_t low, std::uint32_t high) {
            return static_cast<double>(((std::uint64_t{high} << 32 | low) >> 12) * 2 + 1) * 0x1p-53;
        };
        const auto pair = stream.next();
        EXPECT_EQ(pair.uniform, uniform(words[2], words[3]));
        EXPECT_NEAR(pair.exponential, -std::log(uniform(words[0], words[1])), 4e-16 * (1.0 + pair.exponential));
    }
}

TEST(RandomStream, IsTheSameWithRegistersOfAnyWidth) {
    RandomStream wide(7, 3), any(7, 3, RandomStream::Registers::any);
    for (int i = 0; i < 10000; ++i) {
        const auto a = wide.next(), b = any.next();
        ASSERT_EQ(std::memcmp(&a, &b, sizeof a), 0) << i;
    }
}

TEST(RandomStream, DiffersBetweenSeedsAndRuns) {
    RandomStream stream(1, 1), other_seed(2, 1), other_run(1, 2);
    const double uniform = stream.next().uniform;
    EXPECT_NE(uniform, other_seed.next().uniform);
    EXPECT_NE(uniform, other_run.next().uniform);
}

TEST(RandomStream, HasTheMomentsOfItsDistributions) {
    constexpr int n = 1'000'000;
    RandomStream stream(11, 0);
    double e = 0, ee = 0, u = 0, uu = 0, eu = 0;
    for (int i = 0; i < n; ++i) {
        const auto pair = stream.next();
        ASSERT_GT(pair.exponential, 0.0);
        ASSERT_GT(pair.uniform, 0.0);
        ASSERT_LT(pair.uniform, 1.0);
        e += pair.exponential / n;
        ee += pair.exponential * pair.exponential / n;
        u += pair.uniform / n;
        uu += pair.uniform * pair.uniform / n;
        eu += pair.exponential * pair.uniform / n;
    }
    const double k = 4 / std::sqrt(n);
    EXPECT_NEAR(e, 1.0, k);
    EXPECT_NEAR(ee, 2.0, k * std::sqrt(20.0));
    EXPECT_NEAR(u, 0.5, k * std::sqrt(1 / 12.0));
    EXPECT_NEAR(uu, 1 / 3.0, k * std::sqrt(4 / 45.0));
    EXPECT_NEAR(eu, 0.5, k * std::sqrt(2.0 / 3 - 0.25));
}

}  // namespace
}  // namespace nubridge::test
