// The family and the dynamics through the C interface.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "c_api.hpp"
#include "csv.hpp"
#include "expect.hpp"

namespace nubridge::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

class Steps : public SkTest {
protected:
    std::vector<double> step_moments(std::vector<double> moments, const std::vector<double>& calcium_uM,
                                     double dt_ms) const {
        EXPECT_EQ(nubridge_step_moments(sk(), model_policy, calcium_uM.size(), moments.data(), calcium_uM.data(), dt_ms,
                                        moments.data(), nullptr),
                  NUBRIDGE_OK);
        return moments;
    }
    std::vector<double> step(std::vector<double> nu, const std::vector<double>& calcium_uM, double dt_ms) const {
        EXPECT_EQ(nubridge_step(sk(), model_policy, calcium_uM.size(), nu.data(), calcium_uM.data(), dt_ms, nu.data(),
                                nullptr),
                  NUBRIDGE_OK);
        return nu;
    }
    std::vector<double> moments(const std::vector<double>& nu) const {
        std::vector<double> moments(nu.size() / nus * states);
        EXPECT_EQ(nubridge_moments(sk(), nu.size() / nus, nu.data(), moments.data()), NUBRIDGE_OK);
        return moments;
    }
    static void expect_near(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
        ASSERT_EQ(a.size(), b.size());
        for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], tolerance) << "number " << i;
    }
    static std::vector<double> row(const std::vector<double>& rows, std::size_t index, std::size_t width) {
        const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(index * width);
        return {begin, begin + static_cast<std::ptrdiff_t>(width)};
    }
    /// Nine instances, two blocks and one more, at calcium from 0.05 to 9 uM.
    const std::vector<double> nine_uM_{0.05, 0.3, 0.7, 1.0, 2.0, 3.0, 5.0, 7.0, 9.0};
};

TEST_F(Steps, FollowTheOracleOfACalciumStep) {
    auto p = steady_moments({0.05});
    auto nu = steady_nu({0.05});
    double now_ms = 0.0;
    for (const auto& expected : read_oracle("sk_step_0p05_5_0p05.csv")) {
        const std::vector<double> calcium_uM{expected.at("ca_uM_held_up_to_t")};
        p = step_moments(p, calcium_uM, expected.at("t_ms") - now_ms);
        nu = step(nu, calcium_uM, expected.at("t_ms") - now_ms);
        now_ms = expected.at("t_ms");
        double popen = 0.0, popen_of_nu = 0.0;
        ASSERT_EQ(nubridge_observe_moments(sk(), 1, p.data(), &popen), NUBRIDGE_OK);
        ASSERT_EQ(nubridge_observe(sk(), 1, nu.data(), &popen_of_nu), NUBRIDGE_OK);
        EXPECT_NEAR(popen, expected.at("Po"), 1e-12) << now_ms << " ms";
        EXPECT_NEAR(popen_of_nu, expected.at("Po"), 1e-12) << now_ms << " ms";
    }
}

TEST_F(Steps, RowsAreStepsOfEachInstanceAlone) {
    const auto p = steady_moments(nine_uM_);
    const auto nu = steady_nu(nine_uM_);
    auto calcium_uM = nine_uM_;
    std::reverse(calcium_uM.begin(), calcium_uM.end());
    const auto stepped = step_moments(p, calcium_uM, 0.5);
    const auto stepped_nu = step(nu, calcium_uM, 0.5);
    for (std::size_t i = 0; i < 9; ++i) {
        expect_near(row(stepped, i, states), step_moments(row(p, i, states), {calcium_uM[i]}, 0.5), 1e-12);
        expect_near(row(stepped_nu, i, nus), step(row(nu, i, nus), {calcium_uM[i]}, 0.5), 1e-8);
        expect_near(moments(row(stepped_nu, i, nus)), row(stepped, i, states), 1e-12);
    }
}

TEST_F(Steps, InPlaceIsTheSameStep) {
    for (const std::size_t rows : {1u, 4u, 9u}) {
        const std::vector<double> start_uM(rows, 0.05), calcium_uM(rows, 5.0);
        for (const double dt_ms : {0.025, 500.0}) {
            const auto p = steady_moments(start_uM);
            std::vector<double> out(p.size());
            ASSERT_EQ(nubridge_step_moments(sk(), model_policy, rows, p.data(), calcium_uM.data(), dt_ms, out.data(),
                                            nullptr),
                      NUBRIDGE_OK);
            EXPECT_EQ(step_moments(p, calcium_uM, dt_ms), out) << rows << " rows";
            const auto nu = steady_nu(start_uM);
            std::vector<double> nu_out(nu.size());
            ASSERT_EQ(
                nubridge_step(sk(), model_policy, rows, nu.data(), calcium_uM.data(), dt_ms, nu_out.data(), nullptr),
                NUBRIDGE_OK);
            EXPECT_EQ(step(nu, calcium_uM, dt_ms), nu_out) << rows << " rows";
        }
    }
}

TEST_F(Steps, AWrongRowIsNanAndTheOthersAreRight) {
    const auto calcium_uM = nine_uM_;
    const auto p = steady_moments(std::vector<double>(9, 1.0));
    const auto expected = step_moments(p, calcium_uM, 0.5);
    for (std::size_t bad = 0; bad < 9; ++bad) {
        auto with_input = calcium_uM;
        with_input[bad] = -1.0;
        auto with_state = p;
        with_state[bad * states + 2] = nan;
        std::vector<double> out(p.size());
        const auto check = [&](const char* what) {
            for (std::size_t i = 0; i < 9; ++i) {
                if (i == bad) {
                    for (const double value : row(out, i, states))
                        EXPECT_TRUE(std::isnan(value)) << what << " of row " << bad;
                } else {
                    expect_near(row(out, i, states), row(expected, i, states), 1e-12);
                }
            }
        };
        EXPECT_EQ(nubridge_step_moments(sk(), model_policy, 9, p.data(), with_input.data(), 0.5, out.data(), nullptr),
                  NUBRIDGE_INVALID_INPUT);
        check("input");
        EXPECT_EQ(nubridge_step_moments(sk(), model_policy, 9, with_state.data(), calcium_uM.data(), 0.5, out.data(),
                                        nullptr),
                  NUBRIDGE_INVALID_STATE);
        check("state");
    }
}

TEST_F(Steps, AWrongRowOfNuIsNanAndTheOthersAreRight) {
    const auto nu = steady_nu(std::vector<double>(9, 1.0));
    const auto expected = step(nu, nine_uM_, 0.5);
    for (std::size_t bad = 0; bad < 9; ++bad) {
        auto broken = nu;
        broken[bad * nus + 2] = nan;
        EXPECT_EQ(nubridge_step(sk(), model_policy, 9, broken.data(), nine_uM_.data(), 0.5, broken.data(), nullptr),
                  NUBRIDGE_INVALID_STATE);
        for (std::size_t i = 0; i < 9; ++i) {
            if (i == bad) {
                for (const double value : row(broken, i, nus)) EXPECT_TRUE(std::isnan(value)) << "row " << bad;
            } else {
                expect_near(row(broken, i, nus), row(expected, i, nus), 1e-8);
            }
        }
    }
}

TEST_F(Steps, OneWrongInstanceAloneIsNanToo) {
    auto p = steady_moments({1.0});
    const double negative_uM = -1.0;
    EXPECT_EQ(nubridge_step_moments(sk(), model_policy, 1, p.data(), &negative_uM, 0.5, p.data(), nullptr),
              NUBRIDGE_INVALID_INPUT);
    for (const double value : p) EXPECT_TRUE(std::isnan(value));
}

TEST_F(Steps, AnErrorOutweighsAWarningOfAnEarlierRow) {
    const auto p = steady_moments(std::vector<double>(3, 1.0));
    std::vector<double> out(p.size());
    for (const auto& calcium_uM : {std::vector<double>{2000.0, nan, 1.0}, {nan, 2000.0, 1.0}, {1.0, 2000.0, -1.0}}) {
        EXPECT_EQ(nubridge_step_moments(sk(), model_policy, 3, p.data(), calcium_uM.data(), 0.5, out.data(), nullptr),
                  NUBRIDGE_INVALID_INPUT);
    }
}

TEST_F(Steps, FlagsMarkTheRowsOutsideTheDomain) {
    const auto p = steady_moments(std::vector<double>(9, 1.0));
    const auto nu = steady_nu(std::vector<double>(9, 1.0));
    auto calcium_uM = nine_uM_;
    calcium_uM[1] = 2000.0;
    calcium_uM[8] = 1000.5;
    const std::vector<uint8_t> expected{0, 1, 0, 0, 0, 0, 0, 0, 1};
    std::vector<double> out(p.size());
    std::vector<uint8_t> outside;
    const auto fresh = [&] { return (outside = std::vector<uint8_t>(9, 77)).data(); };
    EXPECT_EQ(nubridge_step_moments(sk(), model_policy, 9, p.data(), calcium_uM.data(), 0.5, out.data(), fresh()),
              NUBRIDGE_OUTSIDE);
    EXPECT_EQ(outside, expected);
    EXPECT_EQ(nubridge_step(sk(), model_policy, 9, nu.data(), calcium_uM.data(), 0.5, out.data(), fresh()),
              NUBRIDGE_OUTSIDE);
    EXPECT_EQ(outside, expected);
    EXPECT_EQ(nubridge_rhs(sk(), model_policy, 9, nu.data(), calcium_uM.data(), out.data(), fresh()), NUBRIDGE_OUTSIDE);
    EXPECT_EQ(outside, expected);
    EXPECT_EQ(nubridge_rhs_moments(sk(), model_policy, 9, p.data(), calcium_uM.data(), out.data(), fresh()),
              NUBRIDGE_OUTSIDE);
    EXPECT_EQ(outside, expected);
    EXPECT_EQ(nubridge_initial(sk(), model_policy, 9, calcium_uM.data(), out.data(), fresh()), NUBRIDGE_OUTSIDE);
    EXPECT_EQ(outside, expected);
    EXPECT_EQ(nubridge_initial_moments(sk(), model_policy, 9, calcium_uM.data(), out.data(), fresh()),
              NUBRIDGE_OUTSIDE);
    EXPECT_EQ(outside, expected);
    EXPECT_EQ(nubridge_step_ramp(sk(), model_policy, 9, nu.data(), nine_uM_.data(), calcium_uM.data(), 0.5, 1e-6,
                                 out.data(), fresh()),
              NUBRIDGE_OUTSIDE);
    EXPECT_EQ(outside, expected);
    EXPECT_EQ(
        nubridge_step_moments(sk(), NUBRIDGE_POLICY_ERROR, 9, p.data(), calcium_uM.data(), 0.5, out.data(), fresh()),
        NUBRIDGE_OUTSIDE_REFUSED);
    EXPECT_EQ(outside, expected);
    uint8_t alone = 77;
    EXPECT_EQ(nubridge_step_moments(sk(), model_policy, 1, p.data(), &calcium_uM[1], 0.5, out.data(), &alone),
              NUBRIDGE_OUTSIDE);
    EXPECT_EQ(alone, 1);
    EXPECT_EQ(nubridge_step_moments(sk(), model_policy, 1, p.data(), &calcium_uM[0], 0.5, out.data(), &alone),
              NUBRIDGE_OK);
    EXPECT_EQ(alone, 0);
}

TEST_F(Steps, ThePolicyOfTheCallDecides) {
    const auto p = steady_moments({1.0});
    const double far_uM = 5000.0;
    const auto step_with = [&](int32_t policy, nubridge_status status) {
        std::vector<double> out(states);
        EXPECT_EQ(nubridge_step_moments(sk(), policy, 1, p.data(), &far_uM, 0.05, out.data(), nullptr), status);
        return out;
    };
    expect_near(step_with(NUBRIDGE_POLICY_CLAMP, NUBRIDGE_OUTSIDE), step_moments(p, {1000.0}, 0.05), 1e-14);
    const auto extrapolated = step_with(NUBRIDGE_POLICY_EXTRAPOLATE, NUBRIDGE_OUTSIDE);
    EXPECT_EQ(step_with(NUBRIDGE_POLICY_MODEL, NUBRIDGE_OUTSIDE), extrapolated) << "sk's own policy is extrapolate";
    step_with(NUBRIDGE_POLICY_ERROR, NUBRIDGE_OUTSIDE_REFUSED);
}

TEST_F(Steps, RowsOfZeroAreNoWork) {
    EXPECT_EQ(nubridge_step_moments(sk(), model_policy, 0, nullptr, nullptr, 0.5, nullptr, nullptr), NUBRIDGE_OK);
    EXPECT_EQ(nubridge_step(sk(), model_policy, 0, nullptr, nullptr, 0.5, nullptr, nullptr), NUBRIDGE_OK);
    EXPECT_EQ(nubridge_rhs(sk(), model_policy, 0, nullptr, nullptr, nullptr, nullptr), NUBRIDGE_OK);
}

TEST_F(Steps, AStepThatIsNoDurationIsRefused) {
    auto p = steady_moments({1.0});
    auto nu = steady_nu({1.0});
    const double calcium_uM = 1.0;
    for (const double dt_ms : {-0.025, nan, infinity, -infinity}) {
        EXPECT_EQ(nubridge_step_moments(sk(), model_policy, 1, p.data(), &calcium_uM, dt_ms, p.data(), nullptr),
                  NUBRIDGE_INVALID_ARGUMENT);
        EXPECT_EQ(nubridge_step(sk(), model_policy, 1, nu.data(), &calcium_uM, dt_ms, nu.data(), nullptr),
                  NUBRIDGE_INVALID_ARGUMENT);
        EXPECT_EQ(nubridge_newton_moments(sk(), model_policy, &calcium_uM, dt_ms, p.data()), NUBRIDGE_INVALID_ARGUMENT);
        EXPECT_EQ(nubridge_step_ramp(sk(), model_policy, 1, nu.data(), &calcium_uM, &calcium_uM, dt_ms, 1e-6, nu.data(),
                                     nullptr),
                  NUBRIDGE_INVALID_ARGUMENT);
    }
    EXPECT_EQ(p, steady_moments({1.0})) << "a refused call leaves the state alone";
    for (const double tolerance : {0.0, 1e-13, 0.2, nan, -1e-6}) {
        EXPECT_EQ(nubridge_step_ramp(sk(), model_policy, 1, nu.data(), &calcium_uM, &calcium_uM, 0.1, tolerance,
                                     nu.data(), nullptr),
                  NUBRIDGE_INVALID_ARGUMENT)
            << tolerance;
    }
}

TEST_F(Steps, ANegativeOccupancyIsRefusedThoughTheSumIsOne) {
    std::vector<double> p{1.5, -0.5, 0.0, 0.0, 0.0, 0.0};
    const double calcium_uM = 1.0;
    EXPECT_EQ(nubridge_step_moments(sk(), model_policy, 1, p.data(), &calcium_uM, 0.025, p.data(), nullptr),
              NUBRIDGE_INVALID_STATE);
}

TEST_F(Steps, ALongestStepIsTheSteadyState) {
    expect_near(step_moments(steady_moments({0.05}), {1.0}, 1e300), steady_moments({1.0}), 1e-12);
}

TEST_F(Steps, RampIsTheExactStepWhereTheInputStands) {
    const auto nu = steady_nu({0.05, 0.3});
    const std::vector<double> calcium_uM{2.0, 5.0};
    std::vector<double> ramped(nu.size());
    ASSERT_EQ(nubridge_step_ramp(sk(), model_policy, 2, nu.data(), calcium_uM.data(), calcium_uM.data(), 1.0, 1e-9,
                                 ramped.data(), nullptr),
              NUBRIDGE_OK);
    expect_near(moments(ramped), moments(step(nu, calcium_uM, 1.0)), 1e-7);
}

TEST_F(Steps, NewtonSolvesTheImplicitStep) {
    const std::vector<double> b{0.4, 0.3, 0.1, 0.1, 0.05, 0.05};
    const double calcium_uM = 3.0, gamma_ms = 0.2;
    auto x = b;
    std::vector<double> rates(states);
    ASSERT_EQ(nubridge_newton_moments(sk(), model_policy, &calcium_uM, gamma_ms, x.data()), NUBRIDGE_OK);
    ASSERT_EQ(nubridge_rhs_moments(sk(), model_policy, 1, x.data(), &calcium_uM, rates.data(), nullptr), NUBRIDGE_OK);
    for (std::size_t i = 0; i < states; ++i) EXPECT_NEAR(x[i] - gamma_ms * rates[i], b[i], 1e-15);
}

TEST_F(Steps, JacobiansAreTheSlopesOfTheRightHandSide) {
    const auto nu = steady_nu({0.7});
    const double calcium_uM = 1.5, h = 1e-5;
    std::vector<double> d_nu(nus * nus), d_input(nus), only(nus);
    ASSERT_EQ(nubridge_jacobian(sk(), model_policy, 1, nu.data(), &calcium_uM, d_nu.data(), d_input.data()),
              NUBRIDGE_OK);
    ASSERT_EQ(nubridge_jacobian(sk(), model_policy, 1, nu.data(), &calcium_uM, nullptr, only.data()), NUBRIDGE_OK);
    EXPECT_EQ(only, d_input);
    const auto rhs = [&](std::size_t a, double shift, double uM) {
        auto moved = nu;
        moved[a] += shift;
        std::vector<double> slope(nus);
        EXPECT_EQ(nubridge_rhs(sk(), model_policy, 1, moved.data(), &uM, slope.data(), nullptr), NUBRIDGE_OK);
        return slope;
    };
    for (std::size_t b = 0; b < nus; ++b) {
        const auto above = rhs(b, h, calcium_uM), below = rhs(b, -h, calcium_uM);
        for (std::size_t a = 0; a < nus; ++a) EXPECT_NEAR(d_nu[a * nus + b], (above[a] - below[a]) / (2 * h), 1e-8);
    }
    const auto above = rhs(0, 0.0, calcium_uM + 1.0), below = rhs(0, 0.0, calcium_uM);
    for (std::size_t a = 0; a < nus; ++a) EXPECT_NEAR(d_input[a], above[a] - below[a], 1e-13);
}

TEST_F(Steps, FamilyFunctionsAgreeWithEachOther) {
    const auto p = steady_moments(nine_uM_);
    std::vector<double> nu(9 * nus), log_z(9), fisher(9 * nus * nus);
    ASSERT_EQ(nubridge_from_moments(sk(), 9, p.data(), nu.data()), NUBRIDGE_OK);
    expect_near(moments(nu), p, 1e-15);
    ASSERT_EQ(nubridge_log_partition(sk(), 9, nu.data(), log_z.data()), NUBRIDGE_OK);
    ASSERT_EQ(nubridge_fisher(sk(), 9, nu.data(), fisher.data()), NUBRIDGE_OK);
    for (std::size_t i = 0; i < 9; ++i) {
        EXPECT_NEAR(std::exp(-log_z[i]), p[i * states], 1e-15);  // C1 is the reference, nu = 0
        for (std::size_t a = 0; a < nus; ++a) {
            for (std::size_t b = 0; b < nus; ++b) {
                const double p_a = p[i * states + 1 + a], p_b = p[i * states + 1 + b];
                EXPECT_NEAR(fisher[(i * nus + a) * nus + b], (a == b ? p_a : 0.0) - p_a * p_b, 1e-15);
            }
        }
    }
}

TEST_F(Steps, SamplesRepeatAndFollowTheMoments) {
    const auto nu = steady_nu({0.5, 5.0});
    const std::size_t count = 20000;
    std::vector<int32_t> samples(2 * count), again(2 * count);
    ASSERT_EQ(nubridge_sample(sk(), 2, nu.data(), count, 3, samples.data()), NUBRIDGE_OK);
    ASSERT_EQ(nubridge_sample(sk(), 2, nu.data(), count, 3, again.data()), NUBRIDGE_OK);
    EXPECT_EQ(samples, again);
    const auto p = moments(nu);
    for (std::size_t i = 0; i < 2; ++i) {
        for (int32_t state = 0; state < 6; ++state) {
            const auto begin = samples.begin() + static_cast<std::ptrdiff_t>(i * count);
            const auto found =
                static_cast<double>(std::count(begin, begin + static_cast<std::ptrdiff_t>(count), state));
            const double expected = p[i * states + static_cast<std::size_t>(state)];
            EXPECT_NEAR(found / count, expected, 4 * std::sqrt(expected / count));
        }
    }
}

TEST_F(Steps, AnEmptyStateIsAnInfiniteNuThatAStepMakesFinite) {
    const std::vector<double> p{1, 0, 0, 0, 0, 0}, calcium_uM{1.0};
    std::vector<double> nu(nus);
    ASSERT_EQ(nubridge_from_moments(sk(), 1, p.data(), nu.data()), NUBRIDGE_OK);
    EXPECT_EQ(nu, std::vector<double>(nus, infinity));
    expect_near(moments(step(nu, calcium_uM, 0.5)), step_moments(p, calcium_uM, 0.5), 1e-14);
    std::vector<double> four(4 * nus, infinity);
    expect_near(row(moments(step(four, {1, 1, 1, 1}, 0.5)), 3, states), step_moments(p, calcium_uM, 0.5), 1e-12);
}

}  // namespace
}  // namespace nubridge::test
