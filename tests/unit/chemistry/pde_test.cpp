#include "chemistry/pde.hpp"

#include <gtest/gtest.h>

#include <numbers>
#include <numeric>

#include "space.hpp"

namespace nubridge::test {
namespace {

using chemistry::Input;

constexpr double pi = std::numbers::pi;

/// A that does nothing but diffuse.
NetworkDefinition still() {
    return {.name = "still", .species = {{"A", 0}}};
}

/// 1 + cos of the first mode of a reflecting chain of n voxels.
std::vector<double> mode(std::size_t n) {
    std::vector<double> field;
    for (std::size_t i = 0; i < n; ++i)
        field.push_back(1.0 + std::cos(pi * (static_cast<double>(i) + 0.5) / static_cast<double>(n)));
    return field;
}

TEST(Pde, ADiffusingModeDecaysWithItsEigenvalue) {
    const auto engine = make_engine(made(still()), Regime::pde,
                                    in_space({.shape = {20, 1, 1}, .spacing_um = 0.1, .diffusion_um2_s = {0.3}}));
    engine->set_field(0, mode(20));
    engine->advance(0.7);
    const double rate = 4 * 30.0 * std::pow(std::sin(pi / 40), 2);
    const auto field = field_of(*engine);
    for (std::size_t i = 0; i < 20; ++i)
        EXPECT_NEAR(field[i], 1.0 + (mode(20)[i] - 1.0) * std::exp(-0.7 * rate), 1e-13);
}

TEST(Pde, APeriodicModeDecaysWithItsEigenvalue) {
    const Space space{.shape = {1, 7, 6}, .spacing_um = 0.1, .periodic = true, .diffusion_um2_s = {0.3}};
    const auto engine = make_engine(made(still()), Regime::pde, in_space(space));
    std::vector<double> wave;
    for (std::size_t v = 0; v < 42; ++v)
        wave.push_back(std::cos(2 * pi * static_cast<double>(v % 7) / 7) *
                       std::cos(2 * pi * static_cast<double>(v / 7) / 6));
    auto field = wave;
    for (double& one : field) one += 2.0;
    engine->set_field(0, field);
    engine->advance(0.02);
    const double rate = 4 * 30.0 * (std::pow(std::sin(pi / 7), 2) + std::pow(std::sin(pi / 6), 2));
    field = field_of(*engine);
    for (std::size_t v = 0; v < 42; ++v) EXPECT_NEAR(field[v], 2.0 + wave[v] * std::exp(-0.02 * rate), 1e-13);
}

TEST(Pde, ConvergesToTheContinuousSolutionWithTheSquareOfTheSpacing) {
    // On 1 um, D = 0.1: exp(-D pi^2 t) for the first mode; as cell averages.
    const auto error = [](std::size_t n) {
        const Space space{.shape = {n, 1, 1}, .spacing_um = 1.0 / static_cast<double>(n), .diffusion_um2_s = {0.1}};
        const auto engine = make_engine(made(still()), Regime::pde, in_space(space));
        engine->set_field(0, mode(n));
        engine->advance(1.0);
        const double exact = 1.0 + std::cos(pi * 0.5 / static_cast<double>(n)) * std::exp(-0.1 * pi * pi);
        return std::abs(field_of(*engine)[0] - exact);
    };
    EXPECT_NEAR(error(16) / error(32), 4.0, 0.1);
    EXPECT_NEAR(error(32) / error(64), 4.0, 0.05);
}

/// As one system, as small grids are; and split, which a longest step asks for.
class PdeWays : public testing::TestWithParam<double> {
protected:
    EngineOptions options(Space space, double relative = 1e-8, double absolute = 1e-12) {
        auto made = in_space(std::move(space));
        made.relative_tolerance = relative;
        made.absolute_tolerance = absolute;
        made.step_s = GetParam();
        return made;
    }
};
INSTANTIATE_TEST_SUITE_P(Of, PdeWays, testing::Values(0.0, 1e3),
                         [](const auto& way) { return way.param > 0.0 ? "Split" : "Coupled"; });

TEST_P(PdeWays, APointThatDecaysFollowsTheHeatKernel) {
    // Far from the ends the discrete kernel is exp(-2 tau) I_j(2 tau).
    const auto engine = make_engine(made(decay(3.0, 0)), Regime::pde,
                                    options({.shape = {41, 1, 1}, .spacing_um = 0.1, .diffusion_um2_s = {0.1}}));
    put_in_one(*engine, 20, 1.0);
    engine->advance(0.2);
    const auto field = field_of(*engine);
    for (int j = 0; j < 8; ++j) {
        const double exact = std::exp(-0.6 - 4.0) * std::cyl_bessel_i(static_cast<double>(j), 4.0);
        EXPECT_NEAR(field[static_cast<std::size_t>(20 + j)], exact, 1e-8 * exact);
        EXPECT_NEAR(field[static_cast<std::size_t>(20 - j)], exact, 1e-8 * exact);
    }
}

TEST_P(PdeWays, UniformFieldsFollowTheOde) {
    const auto network = made(abc());
    const Space space{.shape = {3, 2, 2}, .diffusion_um2_s = {1, 2, 3}};
    const auto pde = make_engine(network, Regime::pde, options(space));
    const auto ode = make_engine(network, Regime::ode, {});
    for (const double t_s : {0.01, 0.5, 20.0}) {
        pde->advance(t_s);
        ode->advance(t_s);
        const auto a = amounts_of(*pde, *network), b = amounts_of(*ode, *network);
        for (std::size_t s = 0; s < 3; ++s) EXPECT_NEAR(a[s], b[s], 1e-6 * b[s]);
    }
}

/// B meets C where they diffuse into each other.
std::unique_ptr<Engine> front(double tolerance, double step_s) {
    auto options = in_space({.shape = {24, 1, 1}, .spacing_um = 0.1, .diffusion_um2_s = {0.02, 0.3, 0.1}});
    options.relative_tolerance = tolerance;
    options.absolute_tolerance = 1e-3 * tolerance;
    options.step_s = step_s;
    auto engine = make_engine(made(abc(0, 0, 0, 0.003)), Regime::pde, options);
    std::vector<double> left(24, 0.0), right(24, 0.0);
    std::fill(left.begin(), left.begin() + 12, 100.0);
    std::fill(right.begin() + 12, right.end(), 60.0);
    engine->set_field(1, left);
    engine->set_field(2, right);
    return engine;
}

TEST_P(PdeWays, KeepsItsToleranceAndTheMass) {
    const auto fine = front(1e-11, 1e3), usual = front(1e-7, GetParam());
    fine->advance(0.4);
    usual->advance(0.4);
    for (std::size_t s = 0; s < 3; ++s) {
        const auto a = field_of(*usual, s), b = field_of(*fine, s);
        for (std::size_t v = 0; v < a.size(); ++v) EXPECT_NEAR(a[v], b[v], 3e-7 * (b[v] + 1e-3));
    }
    EXPECT_LT(usual->events(), fine->events());
    std::vector<double> n(3);
    usual->amounts(n);
    EXPECT_NEAR(n[0] + n[1], 1200.0, 1200.0 * 1e-12);
    EXPECT_NEAR(n[0] + n[2], 720.0, 720.0 * 1e-12);
    EXPECT_GT(n[0], 10.0);
}

TEST(Pde, TheStepIsNoLongerThanAsked) {
    auto options = in_space({.shape = {4, 1, 1}, .diffusion_um2_s = {0, 1, 1}});
    options.step_s = 0.01;
    const auto engine = make_engine(made(abc()), Regime::pde, options);
    engine->advance(1.0);
    EXPECT_GE(engine->events(), 100u);
}

TEST_P(PdeWays, StiffReactionsTakeNoStepsOfTheirOwnTime) {
    // A <-> B at 1e6 /s; the slow time is 1 s.
    const NetworkDefinition network{.name = "stiff",
                                    .species = {{"A", 0}, {"B", 100}},
                                    .reactions = {{"f", {0}, {1}, {}, 1e6}, {"b", {1}, {0}, {}, 3e6}}};
    const Space space{.shape = {10, 1, 1}, .spacing_um = 0.1, .diffusion_um2_s = {0.01, 0.03}};
    const auto engine = make_engine(made(network), Regime::pde, options(space, 1e-5, 1e-5));
    put_in_one(*engine, 0, 100.0, 1);
    engine->advance(1.0);
    EXPECT_LT(engine->events(), 2000u);
    EXPECT_NEAR(field_of(*engine, 0)[0] / field_of(*engine, 1)[0], 3.0, 1e-3);
}

TEST(Pde, FollowsADrivenSpeciesInTime) {
    // dA/dt = k S(t) with S = 2 + 3 t to 1 s, then 5: integrals by hand.
    const auto network =
        made({.name = "driven", .species = {{"S", 2}, {"A", 0}}, .reactions = {{"make", {0}, {0, 1}, {}, 4.0}}});
    auto options = in_space({.shape = {2, 2, 1}, .diffusion_um2_s = {0, 1}});
    options.inputs = {{Input::Target::species, 0, {{0.0, 1.0}, {{2.0, 3.0}, {5.0}}}}};
    const auto engine = make_engine(network, Regime::pde, options);
    engine->advance(0.5);
    EXPECT_NEAR(amounts_of(*engine, *network)[1], 4 * (2 * 0.5 + 1.5 * 0.25), 1e-9);
    EXPECT_NEAR(amounts_of(*engine, *network)[0], 3.5, 1e-12);
    engine->advance(3.0);
    EXPECT_NEAR(amounts_of(*engine, *network)[1], 4 * (3.5 + 10.0), 1e-9);
}

TEST(Pde, StepsOverSmoothKnotsOfAnInput) {
    // dA/dt = 30 t^2, told in 400 pieces of (t - knot); 4 s.
    std::vector<double> knots_s;
    std::vector<chemistry::Waveform::Piece> pieces;
    for (int i = 0; i < 400; ++i) {
        knots_s.push_back(0.01 * i);
        pieces.push_back({30 * knots_s[i] * knots_s[i], 60 * knots_s[i], 30.0});
    }
    knots_s.push_back(4.0);
    pieces.push_back({480.0});
    const auto network = made(
        {.name = "in", .parameters = {{"in", 1.0}}, .species = {{"A", 0}}, .reactions = {{"in", {}, {0}, 0, 1.0}}});
    auto options = in_space({.shape = {2, 2, 1}, .diffusion_um2_s = {1}});
    options.inputs = {{Input::Target::parameter, 0, {knots_s, pieces}}};
    const auto engine = make_engine(network, Regime::pde, options);
    engine->advance(4.0);
    EXPECT_NEAR(amounts_of(*engine, *network)[0], 640.0, 1e-7);
    EXPECT_LT(engine->events(), 60u);
    expect_refused<InvalidArgument>([&] { engine->set_rate_constant(0, 1.0); }, {"drives 'in'"});
}

TEST_P(PdeWays, SurfaceReactionsHappenAtTheWall) {
    // A reaches the wall at z-, where it sticks, as in the well-mixed network while diffusion is fast.
    const auto network =
        made({.name = "wall", .species = {{"A", 100}, {"W", 0}}, .reactions = {{"stick", {0}, {1}, {}, 2.0}}});
    const Space space{.shape = {2, 2, 4}, .spacing_um = 0.1, .diffusion_um2_s = {20.0, 0.0}, .face = {0, 5}};
    const auto engine = make_engine(network, Regime::pde, options(space, 1e-4, 1e-4));
    engine->advance(0.5);
    EXPECT_NEAR(amounts_of(*engine, *network)[0], 100 * std::exp(-1.0), 0.3);
    const auto field = field_of(*engine, 1);
    EXPECT_NEAR(std::accumulate(field.begin(), field.begin() + 4, 0.0), 100 * (1 - std::exp(-1.0)), 0.3);
    EXPECT_EQ(std::accumulate(field.begin() + 4, field.end(), 0.0), 0.0);
}

TEST(Pde, ASmallGridResolvesFastDiffusionToAWallInFewSteps) {
    const auto network =
        made({.name = "wall", .species = {{"A", 100}, {"W", 0}}, .reactions = {{"stick", {0}, {1}, {}, 2.0}}});
    const Space space{.shape = {2, 2, 8}, .spacing_um = 0.1, .diffusion_um2_s = {1000.0, 0.0}, .face = {0, 5}};
    const auto engine = make_engine(network, Regime::pde, in_space(space));
    engine->advance(0.5);
    EXPECT_LT(engine->events(), 500u);
    // By hand: W fills with the flux; A is lower at the wall by about 16 / 1e5 of itself a voxel.
    EXPECT_NEAR(amounts_of(*engine, *network)[0], 100 * std::exp(-1.0), 0.05);
    engine->set_rate_constant(0, 0.0);
    const double before = amounts_of(*engine, *network)[1];
    engine->advance(1.0);
    EXPECT_DOUBLE_EQ(amounts_of(*engine, *network)[1], before);
    engine->set_amount(1, 7.0);
    engine->advance(1.5);
    EXPECT_DOUBLE_EQ(amounts_of(*engine, *network)[1], 7.0);
    EXPECT_GT(engine->events(), 0u);
}

TEST(Pde, RefusesTolerancesAndStepsThatAreNone) {
    const auto open = [](double relative, double absolute, double step_s) {
        return [=] {
            auto options = in_space({.shape = {2, 1, 1}, .diffusion_um2_s = {1}});
            options.relative_tolerance = relative;
            options.absolute_tolerance = absolute;
            options.step_s = step_s;
            make_engine(made(decay(1, 1)), Regime::pde, options);
        };
    };
    expect_refused<InvalidArgument>(open(0.5, 1.0, 0.0), {"relative", "0.5"});
    expect_refused<InvalidArgument>(open(1e-6, 0.0, 0.0), {"absolute", "0"});
    expect_refused<InvalidArgument>(open(1e-6, 1.0, -0.1), {"step_s", "-0.1"});
}

}  // namespace
}  // namespace nubridge::test
