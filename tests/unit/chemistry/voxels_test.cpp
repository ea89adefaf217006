#include "chemistry/voxels.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "space.hpp"

namespace nubridge::test {
namespace {

using chemistry::VoxelRates;
using chemistry::Voxels;

std::vector<double> constants(const Voxels& voxels) {
    VoxelRates rates(voxels, {});
    std::vector<double> amounts, k(voxels.network().reaction_count());
    for (const auto& one : voxels.network().definition().species) amounts.push_back(one.initial);
    rates.restart(amounts);
    rates.at(0.0, k);
    return k;
}

TEST(Voxels, ConstantsMakeEvenlySpreadMoleculesReactAsWellMixedOnes) {
    // 24 voxels, 6 of them at z-.
    const NetworkDefinition network{.name = "x",
                                    .species = {{"A", 1}, {"B", 1}, {"W", 1}, {"F", 5, true}},
                                    .reactions = {{"source", {}, {0}, {}, 6.0},
                                                  {"pair", {0, 0}, {1}, {}, 1.0},
                                                  {"bind", {0, 2}, {2}, {}, 1.0},
                                                  {"stick", {0}, {2}, {}, 1.0},
                                                  {"wall pair", {2, 2}, {}, {}, 1.0},
                                                  {"fed", {0, 3}, {0, 0, 3}, {}, 1.0},
                                                  {"three", {0, 1, 2}, {2}, {}, 1.0}}};
    const Space space{.shape = {3, 2, 4}, .diffusion_um2_s = {1, 1, 1, 0}, .face = {0, 0, 5, 0}};
    const Voxels voxels(made(network), in_space(space));
    // k times the product of homes over the meeting voxels; a half for pairs.
    const std::vector<double> expected{6.0 / 24, 24 / 2.0, 24.0, 4.0, 6 / 2.0, 5.0, 24.0 * 24.0};
    const auto found = constants(voxels);
    for (std::size_t r = 0; r < expected.size(); ++r)
        EXPECT_DOUBLE_EQ(found[r], expected[r]) << network.reactions[r].name;
}

TEST(Voxels, ConcentrationsUseTheVolumeOfAVoxel) {
    const NetworkDefinition network{.name = "x",
                                    .unit = chemistry::AmountUnit::uM,
                                    .species = {{"A", 1}, {"B", 1}},
                                    .reactions = {{"meet", {0, 1}, {}, {}, 3.0}}};
    const Voxels voxels(made(network), in_space({.shape = {5, 1, 1}, .spacing_um = 0.2, .diffusion_um2_s = {1, 1}}));
    EXPECT_NEAR(constants(voxels)[0], 3.0 / (602.214076 * 0.008), 1e-12);
    EXPECT_NEAR(voxels.molecules_per_field_unit(), 602.214076 * 0.008, 1e-12);
    EXPECT_NEAR(voxels.hop_per_s(0), 25.0, 1e-12);
}

TEST(Voxels, HopsLeadToNeighboursAndReflectOrWrapAtTheEnds) {
    Space space{.shape = {3, 2, 2}, .diffusion_um2_s = {1}};
    const Voxels box(made(decay(1, 1)), in_space(space));
    space.periodic = true;
    const Voxels ring(made(decay(1, 1)), in_space(space));
    EXPECT_EQ(box.neighbour(0, 1), 1u);
    EXPECT_EQ(box.neighbour(0, 5), 6u);
    EXPECT_EQ(box.neighbour(0, 0), 0u);
    EXPECT_EQ(ring.neighbour(0, 0), 2u);
    EXPECT_EQ(ring.neighbour(11, 3), 8u);
    for (std::size_t v = 0; v < ring.count(); ++v) {
        for (std::size_t side = 0; side < Voxels::sides; ++side)
            EXPECT_EQ(ring.neighbour(ring.neighbour(v, side), side ^ 1u), v);
    }
}

TEST(Voxels, AFaceStopsTheBoxFromWrappingAcrossIt) {
    const Space space{.shape = {3, 2, 2}, .periodic = true, .diffusion_um2_s = {1}, .face = {1}};
    const Voxels voxels(made(decay(1, 1)), in_space(space));
    EXPECT_FALSE(voxels.wraps(0));
    EXPECT_TRUE(voxels.wraps(1));
    EXPECT_FALSE(voxels.moves(0, 0));
    EXPECT_TRUE(voxels.moves(0, 1));
    EXPECT_EQ(voxels.homes(0), 4u);
    EXPECT_EQ(voxels.home_list(0), (std::vector<std::uint32_t>{0, 3, 6, 9}));
}

struct Refusal {
    std::string name;
    std::optional<Space> space;
    std::vector<std::string> words;
};

class VoxelRefusals : public testing::TestWithParam<Refusal> {};

TEST_P(VoxelRefusals, NameTheCulprit) {
    auto options = in_space({});
    options.space = GetParam().space;
    const NetworkDefinition network{.name = "x", .species = {{"A", 1}, {"W", 1}}, .reactions = {{"meet", {0, 1}, {}}}};
    for (const Regime regime : {Regime::grid_ssa, Regime::spde, Regime::pde}) {
        expect_refused<InvalidArgument>([&] { make_engine(made(network), regime, options); }, GetParam().words);
    }
}

const double nan = std::numeric_limits<double>::quiet_NaN();
INSTANTIATE_TEST_SUITE_P(
    Of, VoxelRefusals,
    testing::Values(
        Refusal{"NoSpace", {}, {"space", "ssa"}},
        Refusal{"NoDiffusion", Space{.shape = {2, 1, 1}, .diffusion_um2_s = {0, 0}}, {"without diffusion", "ssa"}},
        Refusal{"NegativeDiffusion", Space{.shape = {2, 1, 1}, .diffusion_um2_s = {1, -2}}, {"'W'", "-2"}},
        Refusal{"NoNumber", Space{.shape = {2, 1, 1}, .diffusion_um2_s = {nan, 1}}, {"'A'", "nan"}},
        Refusal{"Spacing", Space{.spacing_um = 0.0, .diffusion_um2_s = {1, 1}}, {"spacing", "0 um"}},
        Refusal{"Empty", Space{.shape = {0, 1, 1}, .diffusion_um2_s = {1, 1}}, {"0 x 1 x 1"}},
        Refusal{"Huge", Space{.shape = {1u << 20, 1u << 20, 1u << 30}, .diffusion_um2_s = {1, 1}}, {"2^31"}},
        Refusal{"AbsentFace",
                Space{.shape = {4, 1, 1}, .diffusion_um2_s = {1, 1}, .face = {0, 5}},
                {"'W'", "z-", "one voxel"}},
        Refusal{"UnknownFace", Space{.shape = {4, 1, 1}, .diffusion_um2_s = {1, 1}, .face = {0, 7}}, {"'W'", "7"}},
        Refusal{"Apart",
                Space{.shape = {4, 1, 1}, .diffusion_um2_s = {1, 1}, .face = {1, 2}},
                {"'meet'", "share no voxel"}}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace nubridge::test
