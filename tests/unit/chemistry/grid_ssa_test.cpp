#include "chemistry/grid_ssa.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>

#include "space.hpp"

namespace nubridge::test {
namespace {

using chemistry::GridSsaEngine;
using chemistry::Input;

Space cubes(std::array<std::size_t, 3> shape, std::vector<double> diffusion_um2_s, bool periodic = false) {
    return {.shape = shape, .spacing_um = 0.1, .periodic = periodic, .diffusion_um2_s = std::move(diffusion_um2_s)};
}

std::vector<double> initial(const ReactionNetwork& network) {
    std::vector<double> amounts;
    for (const auto& one : network.definition().species) amounts.push_back(one.initial);
    return amounts;
}

TEST(GridSsa, MoleculesThatDiffuseFreelyAreMultinomial) {
    for (const bool periodic : {false, true}) {
        GridSsaEngine engine(made(decay(0.0, 0)), in_space(cubes({3, 2, 2}, {0.1}, periodic)));
        std::vector<double> sample;
        for (std::uint64_t run = 0; run < 2000; ++run) {
            engine.restart(std::vector{0.0}, run);
            put_in_one(engine, 7, 120);
            engine.advance(0.5);  // 5 times the slowest mode's 1 / 10 s
            const auto field = field_of(engine);
            ASSERT_EQ(std::accumulate(field.begin(), field.end(), 0.0), 120.0);
            sample.push_back(field[0]);
        }
        expect_moments(sample, 10.0, 120.0 / 12 * 11 / 12);
    }
}

TEST(GridSsa, InitialMoleculesAreMultinomialToo) {
    GridSsaEngine engine(made(decay(1.0, 120)), in_space(cubes({3, 2, 2}, {0.1})));
    std::vector<double> sample;
    for (std::uint64_t run = 0; run < 4000; ++run) {
        engine.restart(std::vector{120.0}, run);
        sample.push_back(field_of(engine)[5]);
    }
    expect_moments(sample, 10.0, 120.0 / 12 * 11 / 12);
}

TEST(GridSsa, WithFastDiffusionHasTheMomentsOfSsa) {
    const auto network =
        made({.name = "annihilation", .species = {{"A", 60}}, .reactions = {{"r", {0, 0}, {}, {}, 0.02}}});
    GridSsaEngine grid(network, in_space(cubes({3, 1, 2}, {1.0})));
    const auto mixed = make_engine(network, Regime::ssa, {.seed = 21});
    std::vector<double> from_grid, from_mixed;
    for (std::uint64_t run = 0; run < 10'000; ++run) {
        if (run < 1000) {
            grid.restart(initial(*network), run);
            grid.advance(0.2);
            from_grid.push_back(static_cast<double>(grid.count(0)));
        }
        mixed->restart(initial(*network), run);
        mixed->advance(0.2);
        from_mixed.push_back(amounts_of(*mixed, *network)[0]);
    }
    const Moments a(from_grid), b(from_mixed);
    EXPECT_LT(std::abs(a.mean - b.mean), 4 * std::hypot(a.mean_error, b.mean_error)) << a.mean << " " << b.mean;
    EXPECT_LT(std::abs(a.variance - b.variance), 4 * std::hypot(a.variance_error, b.variance_error));
}

TEST(GridSsa, FromAPointFollowsThePdeInEveryVoxel) {
    const auto network = made(decay(2.0, 0));
    const Space space = cubes({6, 4, 1}, {0.15});
    GridSsaEngine engine(network, in_space(space));
    std::vector<double> sum(24, 0.0);
    constexpr int runs = 400, molecules = 500;
    for (std::uint64_t run = 0; run < runs; ++run) {
        engine.restart(std::vector{0.0}, run);
        put_in_one(engine, 8, molecules);
        engine.advance(0.1);
        const auto field = field_of(engine);
        for (std::size_t v = 0; v < field.size(); ++v) sum[v] += field[v];
    }
    const auto pde = make_engine(network, Regime::pde, in_space(space));
    put_in_one(*pde, 8, molecules);
    pde->advance(0.1);
    const auto mean = field_of(*pde);
    double chi_square = 0.0;
    for (std::size_t v = 0; v < mean.size(); ++v) {
        const double p = mean[v] / molecules, z = (sum[v] - runs * mean[v]) / std::sqrt(runs * mean[v] * (1 - p));
        EXPECT_LT(std::abs(z), 4.0) << "voxel " << v;
        chi_square += z * z * (1 - p);
    }
    EXPECT_NEAR(chi_square, 24.0, 4 * std::sqrt(2 * 24.0));
}

TEST(GridSsa, ConservesTotalsExactly) {
    GridSsaEngine engine(made(abc()), in_space(cubes({4, 4, 4}, {0.1, 0.2, 0.3})));
    for (int i = 1; i <= 10; ++i) {
        engine.advance(0.02 * i);
        EXPECT_EQ(engine.count(0) + engine.count(1), 500);
        EXPECT_EQ(engine.count(1), engine.count(2));
        for (std::size_t s = 0; s < 3; ++s) {
            const auto field = field_of(engine, s);
            EXPECT_EQ(std::accumulate(field.begin(), field.end(), 0.0), static_cast<double>(engine.count(s)));
        }
    }
    EXPECT_GT(engine.events(), 10'000u);
}

TEST(GridSsa, CutIntoWindowsIsTheUncutRunToTheByte) {
    auto options = in_space(cubes({5, 3, 2}, {0.1, 0.2, 0.3}));
    options.inputs = {steps(Input::Target::species, 1, {0.0, 0.02, 0.03}, {200.0, 20.0, 400.0})};
    const auto uncut = make_engine(made(abc()), Regime::grid_ssa, options);
    const auto cut = make_engine(made(abc()), Regime::grid_ssa, options);
    uncut->advance(0.1);
    for (int i = 1; i <= 400; ++i) cut->advance(i == 400 ? 0.1 : 0.00025 * i);
    EXPECT_EQ(cut->events(), uncut->events());
    for (std::size_t s = 0; s < 3; ++s) EXPECT_EQ(field_of(*cut, s), field_of(*uncut, s));
}

TEST(GridSsa, RunOfASeedDoesNotDependOnWhatRanBefore) {
    const auto network = made(abc());
    GridSsaEngine one(network, in_space(cubes({4, 2, 1}, {0.1, 0.2, 0.3})));
    auto options = in_space(*in_space(cubes({4, 2, 1}, {0.1, 0.2, 0.3})).space);
    options.run = 5;
    GridSsaEngine other(network, options);
    one.advance(0.3);
    one.set_rate_constant(0, 7.0);
    one.restart(initial(*network), 5);
    one.advance(0.1);
    other.advance(0.1);
    EXPECT_EQ(field_of(one, 2), field_of(other, 2));
}

/// 0 -> A at a rate that a waveform drives: Poisson with the integral as its mean.
std::vector<double> driven_births(const chemistry::Waveform& waveform, double t_s) {
    const auto network = made(
        {.name = "births", .parameters = {{"in", 1.0}}, .species = {{"A", 0}}, .reactions = {{"in", {}, {0}, 0, 1.0}}});
    auto options = in_space(cubes({3, 3, 1}, {0.01}));
    options.inputs = {{Input::Target::parameter, 0, waveform}};
    const auto engine = make_engine(network, Regime::grid_ssa, options);
    std::vector<double> sample;
    for (std::uint64_t run = 0; run < 3000; ++run) {
        engine->restart(std::vector{0.0}, run);
        engine->advance(t_s);
        sample.push_back(amounts_of(*engine, *network)[0]);
    }
    return sample;
}

TEST(GridSsa, HonoursARateThatJumps) {
    // 1 /s to 2 s, nothing to 3 s, then 40 /s.
    expect_moments(driven_births({{0.0, 2.0, 3.0}, {{1.0}, {0.0}, {40.0}}}, 3.5), 22.0, 22.0);
}

TEST(GridSsa, HonoursARateThatMoves) {
    // 30 t^2 to 1 s, then nothing.
    expect_moments(driven_births({{0.0, 1.0}, {{0.0, 0.0, 30.0}, {0.0}}}, 2.0), 10.0, 10.0);
}

TEST(GridSsa, SurfaceMoleculesStayOnTheirFaceInBalance) {
    // A <-> W at z+: detailed balance gives W / A = 3 whatever the mesh; diffusion in the face included.
    const auto network = made({.name = "wall",
                               .species = {{"A", 200}, {"W", 0}},
                               .reactions = {{"stick", {0}, {1}, {}, 3.0}, {"leave", {1}, {0}, {}, 1.0}}});
    Space space = cubes({3, 2, 4}, {0.1, 0.02});
    space.face = {0, 6};
    GridSsaEngine engine(network, in_space(space));
    std::vector<double> sample;
    for (std::uint64_t run = 0; run < 150; ++run) {
        engine.restart(initial(*network), run);
        engine.advance(4.0);
        const auto field = field_of(engine, 1);
        ASSERT_EQ(std::accumulate(field.begin(), field.begin() + 18, 0.0), 0.0);
        sample.push_back(static_cast<double>(engine.count(1)));
    }
    expect_moments(sample, 150.0, 200 * 0.75 * 0.25);
}

TEST(GridSsa, ChangesActAtOnce) {
    GridSsaEngine engine(made(decay(1.0, 100)), in_space(cubes({4, 1, 1}, {0.1})));
    engine.set_amount(0, 1000);
    EXPECT_EQ(engine.count(0), 1000);
    engine.set_amount(0, 250);
    const auto field = field_of(engine);
    EXPECT_EQ(std::accumulate(field.begin(), field.end(), 0.0), 250.0);
    engine.set_rate_constant(0, 0.0);
    engine.advance(1.0);
    EXPECT_EQ(engine.count(0), 250);
    engine.set_rate_constant(0, 1e3);
    engine.advance(1.1);
    EXPECT_EQ(engine.count(0), 0);
    put_in_one(engine, 3, 5);
    EXPECT_EQ(engine.count(0), 5);
}

TEST(GridSsa, EndsWhenAskedTo) {
    const std::atomic<bool> stop{true};
    auto options = in_space(cubes({4, 4, 1}, {1.0, 1.0, 1.0}));
    options.stop = &stop;
    GridSsaEngine engine(made(abc()), options);
    EXPECT_THROW(engine.advance(1e9), Stopped);
}

TEST(GridSsa, RefusesWhatCannotBeAField) {
    auto network = abc();
    network.species[2].fixed = true;
    Space space = cubes({4, 1, 1}, {1.0, 1.0, 0.0});
    space.face = {0, 1, 0};
    GridSsaEngine engine(made(network), in_space(space));
    const auto writing = [&](std::size_t species, std::vector<double> field) {
        return [&engine, species, field] { engine.set_field(species, field); };
    };
    expect_refused<InvalidArgument>(writing(0, {1, 2, -3, 4}), {"'A'", "-3"});
    expect_refused<InvalidArgument>(writing(0, {1, 2}), {"'A'", "2", "4 voxels"});
    expect_refused<InvalidArgument>(writing(0, {3e9, 0, 0, 0}), {"'A'", "2^31"});
    expect_refused<InvalidArgument>(writing(1, {0, 2, 0, 0}), {"'B'", "voxel 1", "face"});
    expect_refused<InvalidArgument>(writing(2, {0, 0, 0, 0}), {"'C'", "clamped"});
    expect_refused<InvalidArgument>([&] { engine.set_amount(0, 3e9); }, {"'A'", "2^31"});
    expect_refused<InvalidArgument>([&] { engine.set_rate_constant(0, -1.0); }, {"'apart'", "-1"});
    expect_refused<InvalidArgument>([&] { engine.advance(-1.0); }, {"-1"});
}

TEST(GridSsa, WellMixedEnginesHaveNoFields) {
    const auto engine = make_engine(made(decay(1.0, 10)), Regime::ssa, {});
    EXPECT_EQ(engine->cubes(), 0u);
    expect_refused<InvalidArgument>([&] { engine->field(0, {}); }, {"well mixed"});
    expect_refused<InvalidArgument>([&] { engine->set_field(0, {}); }, {"well mixed"});
}

}  // namespace
}  // namespace nubridge::test
