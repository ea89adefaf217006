#include "chemistry/spde.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "space.hpp"

namespace nubridge::test {
namespace {

using chemistry::SpdeEngine;

std::vector<double> initial(const ReactionNetwork& network) {
    std::vector<double> amounts;
    for (const auto& one : network.definition().species) amounts.push_back(one.initial);
    return amounts;
}

TEST(Spde, FreeDiffusionHasTheMultinomialVariance) {
    // One long run, read every 5 times of the slowest mode (1 / 10 s).
    const Space space{.shape = {4, 3, 1}, .spacing_um = 0.1, .diffusion_um2_s = {0.1}};
    SpdeEngine engine(made(decay(0.0, 12'000)), in_space(space));
    std::vector<double> sample;
    for (int i = 1; i <= 800; ++i) {
        engine.advance(0.5 * i);
        sample.push_back(field_of(engine)[5]);
    }
    const Moments found(sample);
    EXPECT_NEAR(found.mean, 1000.0, 4 * found.mean_error);
    EXPECT_NEAR(found.variance, 1000.0 * 11 / 12, 4 * found.variance_error);
}

TEST(Spde, HasTheMomentsOfGridSsaAtManyMolecules) {
    const auto network = made(abc(6000, 2000, 2000, 0.0004));
    const Space space{.shape = {4, 2, 1}, .spacing_um = 0.1, .diffusion_um2_s = {0.01, 0.03, 0.02}};
    std::vector<std::vector<double>> means, totals;
    for (const Regime regime : {Regime::spde, Regime::grid_ssa}) {
        const auto engine = make_engine(network, regime, in_space(space));
        std::vector<double> in_voxel, in_all;
        for (std::uint64_t run = 0; run < 500; ++run) {
            engine->restart(initial(*network), run);
            engine->advance(0.6);
            in_voxel.push_back(field_of(*engine, 1)[3]);
            in_all.push_back(amounts_of(*engine, *network)[1]);
        }
        means.push_back(in_voxel);
        totals.push_back(in_all);
    }
    for (const auto& pair : {means, totals}) {
        const Moments a(pair[0]), b(pair[1]);
        EXPECT_LT(std::abs(a.mean - b.mean), 4 * std::hypot(a.mean_error, b.mean_error)) << a.mean << " " << b.mean;
        EXPECT_LT(std::abs(a.variance - b.variance), 4 * std::hypot(a.variance_error, b.variance_error))
            << a.variance << " " << b.variance;
    }
}

TEST(Spde, ConservesTotalsAndIsNeverNegativeEvenFromAPoint) {
    const auto network = made(abc(0, 0, 0, 0.5));
    const Space space{.shape = {5, 5, 2}, .spacing_um = 0.1, .diffusion_um2_s = {0.1, 0.2, 0.3}};
    SpdeEngine engine(network, in_space(space));
    put_in_one(engine, 0, 300, 1);
    put_in_one(engine, 49, 200, 2);
    for (int i = 1; i <= 50; ++i) {
        engine.advance(0.01 * i);
        const auto n = amounts_of(engine, *network);
        EXPECT_NEAR(n[0] + n[1], 300.0, 1e-9);
        EXPECT_NEAR(n[0] + n[2], 200.0, 1e-9);
        for (std::size_t s = 0; s < 3; ++s) {
            const auto field = field_of(engine, s);
            EXPECT_GE(*std::min_element(field.begin(), field.end()), 0.0);
        }
    }
}

TEST(Spde, RunOfASeedRepeatsToTheByte) {
    const auto network = made(abc());
    const Space space{.shape = {3, 2, 1}, .spacing_um = 0.1, .diffusion_um2_s = {0.1, 0.2, 0.3}};
    SpdeEngine one(network, in_space(space)), other(network, in_space(space));
    one.advance(0.123);
    one.restart(initial(*network), 3);
    other.restart(initial(*network), 3);
    one.advance(0.05);
    other.advance(0.05);
    EXPECT_EQ(field_of(one, 1), field_of(other, 1));
}

TEST(Spde, FollowsADrivenRate) {
    // 0 -> A at 1e5 t to 1 s, then 0; mean and variance 5e4.
    const auto network = made(
        {.name = "births", .parameters = {{"in", 1.0}}, .species = {{"A", 0}}, .reactions = {{"in", {}, {0}, 0, 1.0}}});
    auto options = in_space({.shape = {3, 1, 1}, .spacing_um = 0.1, .diffusion_um2_s = {0.01}});
    options.inputs = {{chemistry::Input::Target::parameter, 0, {{0.0, 1.0}, {{0.0, 1e5}, {0.0}}}}};
    const auto engine = make_engine(network, Regime::spde, options);
    std::vector<double> sample;
    for (std::uint64_t run = 0; run < 400; ++run) {
        engine->restart(initial(*network), run);
        engine->advance(1.5);
        sample.push_back(amounts_of(*engine, *network)[0]);
    }
    expect_moments(sample, 5e4, 5e4);
}

TEST(Spde, RefusesANegativeStep) {
    auto options = in_space({.shape = {2, 1, 1}, .diffusion_um2_s = {1}});
    options.step_s = -1.0;
    expect_refused<InvalidArgument>([&] { make_engine(made(decay(1, 1)), Regime::spde, options); }, {"step_s", "-1"});
}

}  // namespace
}  // namespace nubridge::test
