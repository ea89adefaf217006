// How an ensemble is watched and ended from outside.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "chemistry.hpp"
#include "chemistry/engine.hpp"

namespace nubridge::chemistry {
namespace {

using test::expect_refused;
using test::made;
using test::shipped;

const std::vector<double> times{0.25, 0.5, 0.75, 1.0};

TEST(EnsembleProgress, CountsPointsRunsAndEvents) {
    const auto network = made(shipped("decay"));
    const std::vector<double> initial{100};
    std::vector<double> out(20);
    for (const std::size_t threads : {1u, 2u}) {
        EnsembleProgress progress;
        run_ensemble(network, Regime::ssa, {.seed = 3}, 5, threads, initial, times, {}, out, {}, &progress);
        double fired = 0;
        for (std::size_t run = 0; run < 5; ++run) fired += 100 - out[run * 4 + 3];
        EXPECT_EQ(progress.points, 20u);
        EXPECT_EQ(progress.whole().runs, 5u);
        EXPECT_EQ(static_cast<double>(progress.whole().events), fired);
    }
}

TEST(EnsembleProgress, StopsBeforeTheFirstRunWhenItIsSet) {
    const auto network = made(shipped("decay"));
    const std::vector<double> initial{100};
    std::vector<double> out(20);
    EnsembleProgress progress;
    progress.stop = true;
    expect_refused<Stopped>(
        [&] { run_ensemble(network, Regime::ssa, {}, 5, 2, initial, times, {}, out, {}, &progress); }, {"stopped"});
    EXPECT_EQ(progress.whole().runs, 0u);
}

TEST(EnsembleProgress, StopLeavesTheFirstRunsWhole) {
    const auto network = made(shipped("decay"));
    const std::vector<double> initial{1000};
    const std::size_t runs = 200'000;
    std::vector<double> out(runs * 4, -1.0), whole(out.size());
    EnsembleProgress progress;
    std::jthread other([&] {
        while (progress.whole().runs < 10) std::this_thread::yield();
        progress.stop = true;
    });
    expect_refused<Stopped>(
        [&] { run_ensemble(network, Regime::ssa, {}, runs, 2, initial, times, {}, out, {}, &progress); }, {"stopped"});
    const std::size_t kept = progress.whole().runs;
    EXPECT_GE(kept, 10u);
    EXPECT_LT(kept, runs);
    run_ensemble(network, Regime::ssa, {}, kept, 1, initial, times, {}, std::span(whole).first(kept * 4));
    EXPECT_TRUE(std::equal(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(kept * 4), out.begin()));
}

}  // namespace
}  // namespace nubridge::chemistry
