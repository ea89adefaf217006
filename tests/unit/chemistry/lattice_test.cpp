#include "chemistry/lattice.hpp"

#include <gtest/gtest.h>

#include <set>

#include "chemistry.hpp"
#include "random.hpp"

namespace nubridge::test {
namespace {

using chemistry::EngineOptions;
using chemistry::LatticeEngine;
using chemistry::Reaction;
using chemistry::Regime;
using chemistry::Space;
using chemistry::Waveform;

EngineOptions on(const Space& space, std::uint64_t seed = 3, std::uint64_t run = 0) {
    EngineOptions options{.seed = seed, .run = run};
    options.space = space;
    return options;
}

Space box(std::array<std::size_t, 3> shape, bool periodic, std::vector<double> diffusion_um2_s) {
    return {.shape = shape, .periodic = periodic, .diffusion_um2_s = std::move(diffusion_um2_s)};
}

std::vector<std::int32_t> sites_of(const LatticeEngine& engine) {
    std::vector<std::int32_t> sites(engine.site_count());
    engine.sites(sites);
    return sites;
}

/// A, B and C that meet, part, are born, die and walk at their own speeds: every kind of channel.
NetworkDefinition busy() {
    return {.name = "busy",
            .species = {{"A", 30}, {"B", 20}, {"C", 5}},
            .reactions = {{"bind", {0, 1}, {2}, {}, 2.0},
                          {"part", {2}, {0, 1}, {}, 1.0},
                          {"birth", {}, {1}, {}, 0.2},
                          {"death", {1}, {}, {}, 0.5},
                          {"pair", {0, 0}, {0, 1}, {}, 0.3}}};
}

TEST(LatticeGeometry, KnowsEveryNeighbourInEachDimension) {
    const Space boxes[] = {box({7, 1, 1}, false, {}), box({7, 1, 1}, true, {}), box({5, 4, 1}, false, {}),
                           box({5, 4, 1}, true, {}),  box({1, 4, 3}, true, {}), box({5, 3, 4}, false, {}),
                           box({5, 3, 4}, true, {})};
    for (const Space& space : boxes) {
        const chemistry::LatticeGeometry geometry(space);
        const auto [nx, ny, nz] = space.shape;
        std::set<std::pair<std::size_t, std::uint32_t>> bonds;
        for (std::size_t site = 0; site < geometry.sites(); ++site) {
            const std::size_t at[3] = {site % nx, site / nx % ny, site / nx / ny};
            std::multiset<std::size_t> expected, found;
            for (std::size_t axis = 0; axis < 3; ++axis) {
                for (const std::size_t shift : {std::size_t{1}, space.shape[axis] - 1}) {
                    std::size_t there[3] = {at[0], at[1], at[2]};
                    there[axis] = (at[axis] + shift) % space.shape[axis];
                    const bool wraps = (shift == 1) != (there[axis] > at[axis]);
                    if (space.shape[axis] > 1 && (space.periodic || !wraps))
                        expected.insert(there[0] + nx * (there[1] + ny * there[2]));
                }
            }
            geometry.for_each_neighbour(static_cast<std::uint32_t>(site), [&](std::uint32_t other, std::uint32_t bond) {
                found.insert(other);
                bonds.insert({bond, static_cast<std::uint32_t>(site)});
                EXPECT_EQ((std::set{geometry.lower_end(bond), geometry.upper_end(bond)}),
                          (std::set{static_cast<std::uint32_t>(site), other}));
            });
            EXPECT_EQ(found, expected) << "site " << site << " of " << nx << "x" << ny << "x" << nz;
        }
        EXPECT_TRUE(bonds.size() % 2 == 0 && !bonds.empty());
    }
}

TEST(LatticeGeometry, QuotientsByProductsAreExactOnLargeLattices) {
    const Space space = box({1021, 1019, 1013}, true, {});
    const chemistry::LatticeGeometry geometry(space);
    Random random(1);
    for (int i = 0; i < 100'000; ++i) {
        const std::size_t site = i < 2000 ? geometry.sites() - 1 - random.index(2000) : random.index(geometry.sites());
        const std::size_t y = site / 1021 % 1019;
        const std::size_t up = y == 1018 ? site - 1018 * 1021 : site + 1021;
        ASSERT_EQ(geometry.neighbour(static_cast<std::uint32_t>(site), 3), up);
    }
}

TEST(Partition, HoldsWhatItIsTold) {
    chemistry::Partition lists(3000, 3);
    std::vector<std::set<std::uint32_t>> expected(3);
    std::vector<int> of(3000, -1);
    Random random(2);
    for (int i = 0; i < 60'000; ++i) {
        const auto item = static_cast<std::uint32_t>(random.index(3000));
        if (of[item] >= 0) {
            lists.leave(item, static_cast<std::size_t>(of[item]));
            expected[static_cast<std::size_t>(of[item])].erase(item);
        }
        of[item] = static_cast<int>(random.index(4)) - 1;
        if (of[item] < 0) continue;
        lists.join(item, static_cast<std::size_t>(of[item]));
        expected[static_cast<std::size_t>(of[item])].insert(item);
    }
    for (std::size_t list = 0; list < 3; ++list) {
        std::set<std::uint32_t> found;
        for (std::size_t i = 0; i < lists.size(list); ++i) found.insert(lists.at(list, i));
        EXPECT_EQ(found, expected[list]);
        EXPECT_EQ(found.size(), lists.size(list));
    }
}

TEST(LatticeEngine, ACutRunIsTheUncutRun) {
    for (const auto rule : {Space::Rule::events, Space::Rule::hop_and_react}) {
        Space space = box({9, 8, 5}, true, {2.0, 1.0, 0.0});
        space.rule = rule;
        auto options = on(space);
        options.step_s = rule == Space::Rule::events ? 0.0 : 0.01;
        LatticeEngine whole(made(busy()), options), cut(made(busy()), options);
        for (int i = 1; i <= 4000; ++i) cut.advance(i * 0.0025);
        whole.advance(10.0);
        EXPECT_GT(whole.events(), 500u);
        EXPECT_EQ(whole.events(), cut.events());
        EXPECT_EQ(sites_of(whole), sites_of(cut));
        whole.advance(11.0);
        cut.advance(11.0);
        EXPECT_EQ(sites_of(whole), sites_of(cut));
    }
}

TEST(LatticeEngine, ARunDependsOnItsSeedAndNumberOnly) {
    const auto options = on(box({20, 20, 1}, false, {1.0, 1.0, 1.0}), 8, 4);
    LatticeEngine first(made(busy()), options), again(made(busy()), options);
    again.advance(0.7);
    again.set_rate_constant(0, 9.0);
    again.restart(std::vector<double>{30.0, 20.0, 5.0}, 4);
    EXPECT_EQ(sites_of(first), sites_of(again));
    first.advance(2.0);
    again.advance(2.0);
    EXPECT_EQ(sites_of(first), sites_of(again));
    again.restart(std::vector<double>{30.0, 20.0, 5.0}, 5);
    again.advance(2.0);
    EXPECT_NE(sites_of(first), sites_of(again));
}

TEST(LatticeEngine, KeepsEveryConservationLawExactly) {
    NetworkDefinition network = busy();
    network.reactions.resize(2);
    for (const auto rule : {Space::Rule::events, Space::Rule::hop_and_react}) {
        Space space = box({6, 6, 6}, true, {1.0, 1.0, 0.5});
        space.rule = rule;
        LatticeEngine engine(made(network), on(space));
        for (int i = 1; i <= 200; ++i) {
            engine.advance(0.05 * i);
            const auto now = amounts_of(engine, *made(network));
            ASSERT_EQ(now[0] + now[2], 35.0);
            ASSERT_EQ(now[1] + now[2], 25.0);
        }
        EXPECT_GT(engine.events(), 1000u);
    }
}

/// What a reaction leaves of the given ring, once it has fired, in all runs.
std::set<std::vector<std::int32_t>> outcomes(const Reaction& reaction, const std::vector<std::int32_t>& sites,
                                             Space::Rule rule = Space::Rule::events) {
    NetworkDefinition network{.name = "x", .species = {{"A"}, {"B"}, {"C"}, {"D"}, {"F", 0, true}}};
    network.reactions = {reaction};
    const bool steps = rule == Space::Rule::hop_and_react;
    Space space = box({sites.size(), 1, 1}, true, std::vector<double>(5, steps ? 0.5 : 0.0));
    space.rule = rule;
    LatticeEngine engine(made(network), on(space));
    std::set<std::vector<std::int32_t>> found;
    for (std::size_t run = 0; run < 60; ++run) {
        engine.restart(std::vector<double>(5), run);
        engine.set_sites(sites);
        for (double t_s = 0.0; engine.events() == 0 && t_s < 200.0;) engine.advance(t_s += 0.01);
        found.insert(sites_of(engine));
    }
    return found;
}

using Outcomes = std::set<std::vector<std::int32_t>>;

TEST(LatticeEngine, ProductsTakeTheirPlaces) {
    enum { a, b, c, d, f, o = -1 };
    EXPECT_EQ(outcomes({"r", {0}, {1, 2}}, {a, o, d, o}), (Outcomes{{b, c, d, o}, {b, o, d, c}}));
    EXPECT_EQ(outcomes({"r", {0}, {1, 0}}, {a, o, d, o}), (Outcomes{{a, b, d, o}, {a, o, d, b}}));
    EXPECT_EQ(outcomes({"r", {0}, {1, 2}}, {a, d, o, d}), (Outcomes{{a, d, o, d}})) << "no place at the sides";
    EXPECT_EQ(outcomes({"r", {}, {1}}, {a, o, o, d}), (Outcomes{{a, b, o, d}, {a, o, b, d}}));
    EXPECT_EQ(outcomes({"r", {0, 1}, {2}}, {a, b, o, d}), (Outcomes{{c, o, o, d}, {o, c, o, d}}));
    EXPECT_EQ(outcomes({"r", {1, 0}, {2, 3}}, {a, b, o, o}), (Outcomes{{d, c, o, o}}));
    EXPECT_EQ(outcomes({"r", {0, 1}, {3, 0}}, {a, b, o, o}), (Outcomes{{a, d, o, o}})) << "A keeps its site";
    EXPECT_EQ(outcomes({"r", {0, 1}, {1}}, {a, b, o, o}), (Outcomes{{o, b, o, o}})) << "B keeps its site";
    EXPECT_EQ(outcomes({"r", {0, 0}, {0}}, {a, a, o, o}), (Outcomes{{a, o, o, o}, {o, a, o, o}}));
    EXPECT_EQ(outcomes({"r", {0, 0}, {1, 2}}, {a, a, o, o}), (Outcomes{{b, c, o, o}, {c, b, o, o}}));
    EXPECT_EQ(outcomes({"r", {0, 4}, {1}}, {a, f, o, o}), (Outcomes{{b, f, o, o}})) << "a fixed species is read";
    EXPECT_EQ(outcomes({"r", {0}, {1, 4}}, {a, o, o, o}), (Outcomes{{b, o, o, o}})) << "and not made";
    // Full sites: hopping cannot move anything before the reaction.
    EXPECT_EQ(outcomes({"r", {0, 1}, {3, 2}}, {a, b, b}, Space::Rule::hop_and_react), (Outcomes{{d, c, b}, {d, b, c}}));
}

TEST(LatticeEngine, WritesActAtOnce) {
    const auto network =
        made(NetworkDefinition{.name = "x", .species = {{"A", 0}, {"B", 0}}, .reactions = {{"d", {0}, {1}, {}, 0.0}}});
    LatticeEngine engine(network, on(box({400, 1, 1}, false, {0.0, 0.0})));
    std::vector<double> left;
    for (std::size_t run = 0; run < 2000; ++run) {
        engine.restart(std::vector<double>{0.0, 0.0}, run);
        engine.advance(1.0);
        engine.set_amount(0, 50);
        engine.advance(2.0);
        EXPECT_EQ(amounts_of(engine, *network)[0], 50);
        engine.set_rate_constant(0, 0.7);
        engine.advance(2.6);
        engine.set_amount(1, 0);
        left.push_back(amounts_of(engine, *network)[0]);
    }
    const double p = std::exp(-0.7 * 0.6);
    expect_moments(left, 50 * p, 50 * p * (1 - p));
}

TEST(LatticeEngine, PlacesMoleculesUniformly) {
    const NetworkDefinition network{.name = "x", .species = {{"A", 3}, {"B", 2}}};
    LatticeEngine engine(made(network), on(box({10, 1, 1}, false, {0.0, 0.0})));
    std::vector<double> of_a(10), of_b(10);
    const int runs = 5000;
    for (std::size_t run = 0; run < runs; ++run) {
        engine.restart(std::vector<double>{3.0, 2.0}, run);
        engine.set_amount(0, 5);
        engine.set_amount(1, 1);
        const auto sites = sites_of(engine);
        for (std::size_t i = 0; i < 10; ++i) {
            of_a[i] += sites[i] == 0;
            of_b[i] += sites[i] == 1;
        }
    }
    for (std::size_t i = 0; i < 10; ++i) {
        EXPECT_NEAR(of_a[i], runs * 0.5, 4 * std::sqrt(runs * 0.25));
        EXPECT_NEAR(of_b[i], runs * 0.1, 4 * std::sqrt(runs * 0.09));
    }
}

TEST(LatticeEngine, CountsPairsOfAnyTwoContents) {
    const NetworkDefinition network{.name = "x", .species = {{"A", 0}, {"B", 0}}};
    LatticeEngine open(made(network), on(box({3, 2, 1}, false, {0.0, 0.0})));
    open.set_sites(std::vector<std::int32_t>{0, 0, 1, 0, -1, 1});
    EXPECT_EQ(open.pairs(0, 0), 2u);
    EXPECT_EQ(open.pairs(1, 1), 1u);
    EXPECT_EQ(open.pairs(0, 1), 1u);
    EXPECT_EQ(open.pairs(1, 0), 1u);
    EXPECT_EQ(open.pairs(0, -1), 2u);
    EXPECT_EQ(open.pairs(-1, -1), 0u);
}

/// k(t) = 2 t until 1 s, then 0.5.
TEST(LatticeEngine, ADrivenRateIsHonouredAsItMoves) {
    NetworkDefinition network{
        .name = "x", .parameters = {{"k", 1.0}}, .species = {{"A", 80}}, .reactions = {{"d", {0}, {}, 0, 1.0}}};
    const Waveform wave({0.0, 1.0}, {{0.0, 2.0, 0.0, 0.0}, {0.5, 0.0, 0.0, 0.0}});
    for (const auto rule : {Space::Rule::events, Space::Rule::hop_and_react}) {
        Space space = box({100, 1, 1}, true, {0.5});
        space.rule = rule;
        auto options = on(space);
        options.inputs = {{chemistry::Input::Target::parameter, 0, wave}};
        LatticeEngine engine(made(network), options), cut(made(network), options);
        std::vector<double> left;
        for (std::size_t run = 0; run < 4000; ++run) {
            engine.restart(std::vector<double>{80.0}, run);
            engine.advance(1.5);
            left.push_back(amounts_of(engine, *made(network))[0]);
        }
        const double p = std::exp(-1.25);
        expect_moments(left, 80 * p, 80 * p * (1 - p));
        for (int i = 1; i <= 300; ++i) cut.advance(0.005 * i);
        engine.restart(std::vector<double>{80.0}, 0);
        engine.advance(1.5);
        EXPECT_EQ(sites_of(cut), sites_of(engine));
        expect_refused<InvalidArgument>([&] { engine.set_rate_constant(0, 1.0); }, {"'d'", "input"});
    }
}

TEST(LatticeEngine, ADrivenRateOfAPairIsThinnedWhereTheyMeet) {
    // One pair of A and B on a full ring of 3 sites: k(t) = t, so that it waits with P = exp(-t^2/2).
    NetworkDefinition network{.name = "x",
                              .parameters = {{"k", 1.0}},
                              .species = {{"A", 1}, {"B", 1}, {"C", 1}},
                              .reactions = {{"r", {0, 1}, {2, 2}, 0, 1.0}}};
    auto options = on(box({3, 1, 1}, true, {0.0, 0.0, 0.0}));
    options.inputs = {
        {chemistry::Input::Target::parameter, 0, Waveform({0.0, 5.0}, {{0.0, 1.0, 0.0, 0.0}, {5.0, 0.0, 0.0, 0.0}})}};
    LatticeEngine engine(made(network), options);
    std::vector<double> left;
    for (std::size_t run = 0; run < 5000; ++run) {
        engine.restart(std::vector<double>{1.0, 1.0, 1.0}, run);
        engine.advance(1.2);
        left.push_back(amounts_of(engine, *made(network))[0]);
    }
    const Moments found(left);
    EXPECT_NEAR(found.mean, std::exp(-0.72), 4 * found.mean_error);
}

/// On a full ring nothing moves, so a bond waits until its two molecules meet and react: geometric in the steps.
TEST(LatticeEngine, HopAndReactMeetsAtTheRateOfTheBond) {
    for (const std::array<std::size_t, 3> shape : {std::array<std::size_t, 3>{4, 1, 1}, {4, 4, 1}, {4, 4, 4}}) {
        NetworkDefinition network{.name = "x",
                                  .species = {{"A", 1}, {"B", 0}, {"C", 0}, {"D", 0}},
                                  .reactions = {{"r", {0, 1}, {2, 3}, {}, 0.4}}};
        Space space = box(shape, true, {1.0, 0.5, 1.0, 1.0});
        space.rule = Space::Rule::hop_and_react;
        auto options = on(space);
        options.step_s = 0.02;
        LatticeEngine engine(made(network), options);
        std::vector<std::int32_t> sites(engine.site_count(), 2);
        sites[0] = 0;
        sites[1] = 1;
        std::vector<double> left;
        for (std::size_t run = 0; run < 4000; ++run) {
            engine.restart(std::vector<double>(4), run);
            engine.set_sites(sites);
            engine.advance(2.0);
            left.push_back(amounts_of(engine, *made(network))[0]);
        }
        // A step in which both try, and could react twice, is rarer than (k step)^2.
        const double p = std::exp(-0.4 * 2.0);
        const Moments found(left);
        EXPECT_NEAR(found.mean, p, 4 * found.mean_error + 0.4 * 2.0 * 0.4 * 0.02) << "edges " << shape[2];
    }
}

TEST(LatticeEngine, HopAndReactHopsOnceAStep) {
    const double step_s = 0.01;
    Space space = box({201, 1, 1}, false, {1.0 / (2 * step_s)});
    space.rule = Space::Rule::hop_and_react;
    LatticeEngine engine(made(NetworkDefinition{.name = "x", .species = {{"A", 0}}}), on(space));
    std::vector<std::int32_t> centre(201, -1);
    centre[100] = 0;
    std::vector<double> squares;
    for (std::size_t run = 0; run < 3000; ++run) {
        engine.restart(std::vector<double>{0.0}, run);
        engine.set_sites(centre);
        engine.advance(40 * step_s);
        EXPECT_EQ(engine.events(), 40u);
        const auto sites = sites_of(engine);
        const auto at = std::find(sites.begin(), sites.end(), 0) - sites.begin();
        squares.push_back(static_cast<double>((at - 100) * (at - 100)));
    }
    const Moments found(squares);
    EXPECT_NEAR(found.mean, 40.0, 4 * found.mean_error);
}

TEST(LatticeEngine, StopsWhenAskedAndGoesOn) {
    for (const auto rule : {Space::Rule::events, Space::Rule::hop_and_react}) {
        Space space = box({50, 50, 1}, true, {1.0, 1.0, 1.0});
        space.rule = rule;
        std::atomic<bool> stop{true};
        auto options = on(space);
        options.stop = &stop;
        options.step_s = rule == Space::Rule::events ? 0.0 : 0.1;
        LatticeEngine engine(made(busy()), options);
        expect_refused<Stopped>([&] { engine.advance(1e6); }, {"stopped at"});
        const double t_s = engine.time_s();
        EXPECT_LT(t_s, 1e6);
        stop = false;
        engine.advance(t_s + 1.0);
        EXPECT_EQ(engine.time_s(), t_s + 1.0);
    }
}

TEST(LatticeEngine, RefusesWhatDoesNotFitByName) {
    const auto network = made(busy());
    const Space space = box({10, 10, 1}, true, {1.0, 1.0, 1.0});
    const auto refused = [&](const NetworkDefinition& definition, const EngineOptions& options,
                             const std::vector<std::string>& words) {
        expect_refused<InvalidArgument>([&] { LatticeEngine(made(definition), options).advance(1.0); }, words);
    };
    refused(busy(), {}, {"no space"});
    refused(shipped("sk"), on(space), {"'sk'", "uM", "molecules"});
    refused(busy(), on(box({1, 1, 1}, false, {1, 1, 1})), {"1 site"});
    refused(busy(), on(box({0, 1, 1}, false, {1, 1, 1})), {"0 x 1 x 1"});
    refused(busy(), on(box({1u << 20, 1u << 20, 1u << 20}, false, {1, 1, 1})), {"2^30"});
    refused(busy(), on(box({2, 9, 9}, true, {1, 1, 1})), {"2 sites", "twice"});
    refused(busy(), on(box({9, 5, 1}, true, {1, 1, 1})), {"55 molecules", "45 sites"});
    refused(busy(), on(box({9, 9, 1}, true, {1, 1})), {"2 diffusion constants", "3 species"});
    refused(busy(), on(box({9, 9, 1}, true, {1, -2, 1})), {"'B'", "-2"});
    Space wrong = space;
    wrong.spacing_um = 0.0;
    refused(busy(), on(wrong), {"spacing", "0 um"});
    wrong = space;
    wrong.face = {0, 0, 3};
    refused(busy(), on(wrong), {"'C'", "face", "grid-ssa"});
    auto driven = on(space);
    driven.inputs = {{chemistry::Input::Target::species, 1, Waveform({0.0}, {{1.0, 0.0, 0.0, 0.0}})}};
    refused(busy(), driven, {"'B'", "drive a rate"});
    NetworkDefinition three = busy();
    three.reactions = {{"meet", {0, 0, 1}, {2}}};
    refused(three, on(space), {"'meet'", "3 reactants"});
    three.reactions = {{"burst", {0}, {1, 1, 1}}};
    refused(three, on(space), {"'burst'", "makes 3"});
    three.reactions = {{"nothing", {}, {}}};
    refused(three, on(space), {"'nothing'", "makes 0"});

    Space stepped = space;
    stepped.rule = Space::Rule::hop_and_react;
    auto long_step = on(stepped);
    long_step.step_s = 1.0;
    refused(busy(), long_step, {"'A'", "4 times", "0.25 s"});
    NetworkDefinition eager = busy();
    eager.reactions[0].factor = 100.0;
    refused(eager, on(stepped), {"'A' and 'B'", "probability 50", "shorter step_s"});
    stepped.diffusion_um2_s = {0.0, 0.0, 0.0};
    refused(busy(), on(stepped), {"step_s"});

    LatticeEngine engine(network, on(space));
    engine.advance(1.0);
    expect_refused<InvalidArgument>([&] { engine.advance(0.5); }, {"from 1 s to 0.5 s"});
    expect_refused<InvalidArgument>([&] { engine.set_amount(1, 99.0); }, {"'B'", "find a site"});
    expect_refused<InvalidArgument>([&] { engine.set_amount(1, 101.0); }, {"'B'", "101"});
    expect_refused<InvalidArgument>([&] { engine.restart(std::vector<double>{0.0, 0.0, -1.0}, 0); }, {"'C'", "-1"});
    expect_refused<InvalidArgument>([&] { engine.set_rate_constant(1, -3.0); }, {"'part'", "-3"});
    expect_refused<InvalidArgument>([&] { engine.set_sites(std::vector<std::int32_t>(7)); }, {"7", "100"});
    expect_refused<InvalidArgument>([&] { engine.set_sites(std::vector<std::int32_t>(100, 3)); }, {"species 3", "2"});
    expect_refused<InvalidArgument>([&] { engine.pairs(0, -2); }, {"-2"});
}

}  // namespace
}  // namespace nubridge::test
