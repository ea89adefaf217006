#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "expect.hpp"
#include "nubridge/nubridge.h"

namespace {

using nubridge::test::expect_words;
using Numbers = std::vector<double>;

/// Two neurons that excite each other.
class Neural : public testing::Test {
protected:
    Neural() { nubridge_neural_open(2, weights.data(), inputs.data(), &rates, &neural); }
    ~Neural() override { nubridge_neural_close(neural); }

    const nubridge_neural_rates rates{10.0, 40.0, 1.0, 2.0, NUBRIDGE_NEURAL_LOGISTIC};
    const Numbers weights{0.0, 2.0, 2.0, 0.0}, inputs{0.0, 0.0}, times_s{0.1, 50.0};
    const std::vector<std::uint8_t> quiescent{0, 0};
    nubridge_neural* neural = nullptr;
};

TEST_F(Neural, HasItsSteadyStateAtALateTime) {
    const Numbers begin{1.0, 0.0, 0.0, 0.0};
    Numbers p(8), rest(4);
    ASSERT_EQ(nubridge_neural_distribution(neural, begin.data(), 2, times_s.data(), p.data(), nullptr), NUBRIDGE_OK);
    ASSERT_EQ(nubridge_neural_steady_state(neural, rest.data(), nullptr), NUBRIDGE_OK);
    for (std::size_t state = 0; state < 4; ++state) EXPECT_NEAR(p[4 + state], rest[state], 1e-14);
    EXPECT_NEAR(rest[1] / rest[0], 40.0 / (1.0 + std::exp(2.0)) / 10.0, 1e-14);
}

TEST_F(Neural, RunsAreCountedAndEndWhenTheyAreStopped) {
    std::vector<std::uint8_t> patterns(std::size_t{3} * 2 * 2);
    nubridge_progress* progress = nullptr;
    ASSERT_EQ(nubridge_progress_open(&progress), NUBRIDGE_OK);
    const auto simulate = [&] {
        return nubridge_neural_simulate(neural, 1, 0, 3, 2, quiescent.data(), 2, times_s.data(), patterns.data(),
                                        progress);
    };
    EXPECT_EQ(simulate(), NUBRIDGE_OK);
    EXPECT_EQ(nubridge_progress_points(progress), 6U);
    nubridge_progress_stop(progress);
    EXPECT_EQ(simulate(), NUBRIDGE_STOPPED);
    nubridge_progress_close(progress);
}

TEST_F(Neural, NullIsRefusedByName) {
    Numbers p(4);
    EXPECT_EQ(nubridge_neural_open(2, nullptr, inputs.data(), &rates, &neural), NUBRIDGE_INVALID_ARGUMENT);
    expect_words(nubridge_last_error(), {"the weights is null"});
    EXPECT_EQ(nubridge_neural_steady_state(nullptr, p.data(), nullptr), NUBRIDGE_INVALID_ARGUMENT);
    expect_words(nubridge_last_error(), {"the network is null"});
    EXPECT_EQ(nubridge_neural_distribution(neural, nullptr, 2, times_s.data(), p.data(), nullptr),
              NUBRIDGE_INVALID_ARGUMENT);
    expect_words(nubridge_last_error(), {"distribution at the beginning is null"});
    EXPECT_EQ(nubridge_neural_simulate(neural, 1, 0, 1, 1, quiescent.data(), 2, times_s.data(), nullptr, nullptr),
              NUBRIDGE_INVALID_ARGUMENT);
    expect_words(nubridge_last_error(), {"place for the patterns is null"});
    EXPECT_EQ(nubridge_fixed_count_sample(2, 1, nullptr, 1, 0, 1, nullptr), NUBRIDGE_INVALID_ARGUMENT);
    nubridge_neural_close(nullptr);
}

TEST(FixedCount, RowsHaveTheirOwnNumbersOfActiveUnits) {
    const Numbers h{0.0, 1.0, 0.0, 1.0};
    const std::vector<std::size_t> counts{1, 2};
    Numbers log_z(2), moments(4);
    ASSERT_EQ(nubridge_fixed_count(2, 2, counts.data(), h.data(), 2, log_z.data(), moments.data()), NUBRIDGE_OK);
    EXPECT_NEAR(log_z[0], std::log(1.0 + std::exp(1.0)), 1e-15);
    EXPECT_NEAR(log_z[1], 1.0, 1e-15);
    EXPECT_NEAR(moments[0], 1.0 / (1.0 + std::exp(1.0)), 1e-15);
    EXPECT_EQ(moments[2], 1.0);
    EXPECT_EQ(nubridge_fixed_count(2, 2, counts.data(), h.data(), 1, log_z.data(), nullptr), NUBRIDGE_OK);
    const std::size_t three = 3;
    EXPECT_EQ(nubridge_fixed_count(1, 2, &three, h.data(), 1, log_z.data(), nullptr), NUBRIDGE_INVALID_ARGUMENT);
    expect_words(nubridge_last_error(), {"3 units", "of 2"});
}

}  // namespace
