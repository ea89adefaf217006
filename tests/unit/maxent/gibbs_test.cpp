#include "maxent/gibbs.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "expect.hpp"
#include "random.hpp"
#include "units/error.hpp"

namespace {

using nubridge::InvalidArgument;
using nubridge::maxent::BinaryField;
using nubridge::maxent::GibbsSampler;
using nubridge::maxent::Sign;
using nubridge::test::expect_refusal;
using Numbers = std::vector<double>;

/// All units, pairs and two triplets of `count` units.
BinaryField complete(std::size_t count, Sign sign = Sign::plus) {
    std::vector<std::string> names;
    std::vector<std::vector<std::size_t>> cliques{{0, 1, 2}, {1, 3, 4}};
    for (std::size_t u = 0; u < count; ++u) {
        names.push_back("u" + std::to_string(u));
        cliques.push_back({u});
        for (std::size_t w = u + 1; w < count; ++w) cliques.push_back({u, w});
    }
    return {names, cliques, sign};
}

/// The largest of the observables' means of these states, off the exact moments, in standard errors.
double largest_z(const BinaryField& field, const Numbers& nu, const Numbers& states) {
    Numbers exact(nu.size()), mean(nu.size(), 0.0), x(nu.size());
    field.moments(nu, exact);
    const std::size_t count = states.size() / field.state_size();
    for (std::size_t i = 0; i < count; ++i) {
        field.statistics({states.data() + i * field.state_size(), field.state_size()}, x);
        for (std::size_t a = 0; a < nu.size(); ++a) mean[a] += x[a] / static_cast<double>(count);
    }
    double largest = 0.0;
    for (std::size_t a = 0; a < nu.size(); ++a) {
        const double error = std::sqrt(exact[a] * (1.0 - exact[a]) / static_cast<double>(count));
        largest = std::max(largest, std::abs(mean[a] - exact[a]) / error);
    }
    return largest;
}

TEST(GibbsSampler, ChainsEndInTheLawOfEitherSign) {
    nubridge::test::Random random(5);
    for (const Sign sign : {Sign::plus, Sign::minus}) {
        const BinaryField field = complete(7, sign);
        const Numbers nu = random.uniforms(field.nu_count(), -0.7, 0.7);
        Numbers samples(10'000 * field.state_size());
        GibbsSampler(field).sample(nu, {30, 1}, 1, samples);
        EXPECT_LT(largest_z(field, nu, samples), 4.0);
        GibbsSampler(field).sample(nu, {30, 4}, 2, samples);
        EXPECT_LT(largest_z(field, nu, samples), 4.0);
    }
}

TEST(GibbsSampler, SweepsKeepTheLawFromTheFirst) {
    nubridge::test::Random random(6);
    const BinaryField field = complete(7);
    const Numbers nu = random.uniforms(field.nu_count(), -1.0, 1.0);
    Numbers states(20'000 * field.state_size());
    field.sample(nu, 3, states);
    const Numbers before = states;
    GibbsSampler(field).move(nu, 1, {}, 4, 1, states);
    EXPECT_NE(states, before);
    EXPECT_LT(largest_z(field, nu, states), 4.0);
}

// All 0 and all 1 are peaks that no single unit leaves; all 1 has exp(10 * 10.0 - 5 * 19.8) = e times the weight of
// all 0, and a plain chain falls to either side.
TEST(GibbsSampler, TemperingCrossesBetweenPeaksWhereAPlainChainStays) {
    std::vector<std::vector<std::size_t>> cliques;
    Numbers nu;
    for (std::size_t u = 0; u < 5; ++u) {
        cliques.push_back({u});
        nu.push_back(-19.8);
        for (std::size_t w = u + 1; w < 5; ++w) {
            cliques.push_back({u, w});
            nu.push_back(10.0);
        }
    }
    const BinaryField field({"a", "b", "c", "d", "e"}, cliques);
    Numbers samples(800 * field.state_size());
    GibbsSampler(field).sample(nu, {300, 1}, 1, samples);
    EXPECT_GT(largest_z(field, nu, samples), 4.0);
    GibbsSampler(field).sample(nu, {300, 16}, 1, samples);
    EXPECT_LT(largest_z(field, nu, samples), 4.0);
}

TEST(GibbsSampler, HeldUnitsStayAndTheOthersHaveTheirConditionalLaw) {
    const BinaryField field({"a", "b"}, {{0}, {1}, {0, 1}});
    const Numbers nu{0.3, -1.0, 2.0};
    const std::vector<std::uint8_t> held{1, 0};
    Numbers states(20'000, 1.0);
    GibbsSampler(field).move(nu, 1, held, 1, 1, states);
    double on = 0.0;
    for (std::size_t i = 0; i < states.size(); i += 2) {
        ASSERT_EQ(states[i], 1.0);
        on += states[i + 1] / 10'000;
    }
    const double exact = 1.0 / (1.0 + std::exp(-1.0));
    EXPECT_LT(std::abs(on - exact), 4.0 * std::sqrt(exact * (1.0 - exact) / 10'000));
}

TEST(GibbsSampler, TheSameSeedAndStepGiveTheSameChains) {
    const BinaryField field = complete(6);
    const GibbsSampler sampler(field);
    const Numbers nu(field.nu_count(), 0.1);
    const auto moved = [&](std::uint64_t seed, std::uint64_t step) {
        Numbers states(100 * field.state_size(), 0.0);
        sampler.move(nu, 2, {}, seed, step, states);
        return states;
    };
    EXPECT_EQ(moved(1, 1), moved(1, 1));
    EXPECT_NE(moved(1, 1), moved(1, 2));
    EXPECT_NE(moved(1, 1), moved(2, 1));
    Numbers few(10 * field.state_size()), many(20 * field.state_size());
    sampler.sample(nu, {3, 2}, 7, few);
    sampler.sample(nu, {3, 2}, 7, many);
    EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin()));
}

TEST(GibbsSampler, WhatCannotBeSampledIsRefused) {
    const BinaryField field = complete(5);
    const GibbsSampler sampler(field);
    Numbers nu(field.nu_count(), 0.0), states(field.state_size(), 0.5);
    expect_refusal<InvalidArgument>([&] { sampler.sample(nu, {0, 1}, 1, states); }, {"0 sweeps"});
    expect_refusal<InvalidArgument>([&] { sampler.sample(nu, {1, 0}, 1, states); }, {"0 rungs"});
    expect_refusal<InvalidArgument>([&] { sampler.move(nu, 1, {}, 1, 1, states); }, {"chain 0", "binary"});
    nu[2] = std::nan("");
    expect_refusal<InvalidArgument>([&] { sampler.sample(nu, {1, 1}, 1, states); }, {"nu", "nan"});
}

}  // namespace
