#include "dynamics/smooth_map.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "closures.hpp"
#include "expect.hpp"
#include "random.hpp"
#include "units/error.hpp"

namespace nubridge::test {
namespace {

using dynamics::FieldPoint;
using dynamics::SmoothMap;

TEST(SmoothMap, OfOneUnitIsThePlaneAndTheTangentThatWereWritten) {
    const SmoothMap map(1, {1.0, -2.0}, {0.5, 2.0}, {0.3, 0.7, -0.2});
    const Numbers c{0.1, 0.2, 0.3, 0.4}, nu{1.5}, u{1.0};
    Numbers f(1);
    EXPECT_TRUE(map.rhs({nu, u, c}, f));
    const double z = 1.0, y = 1.5;
    EXPECT_NEAR(f[0], 0.1 + 0.2 * z + 0.3 * y + 0.4 * std::tanh(0.3 + 0.7 * z - 0.2 * y), 1e-15);
}

// Central differences of 1e-5: their own error is of the order 1e-10.
TEST(SmoothMap, HasTheSlopesOfItsValues) {
    Random random(11);
    constexpr std::size_t n = 3, m = 2, units = 7;
    const SmoothMap map(n, random.uniforms(n + m, -1, 1), random.uniforms(n + m, 0.5, 2.0),
                        random.uniforms(units * (1 + n + m), -1, 1));
    Numbers x = random.uniforms(n + m, -1, 1), c = random.uniforms(map.coefficient_count(), -1, 1);
    ASSERT_EQ(c.size(), n * (1 + n + m + units));
    Numbers by_nu(n * n), by_input(n * m), by_c(n * c.size()), up(n), down(n);
    const auto at = [&] {
        return FieldPoint{std::span<const double>(x).first(n), std::span<const double>(x).last(m), c};
    };
    const auto differences = [&](double& moved) {
        const double kept = moved;
        moved = kept + 1e-5;
        map.rhs(at(), up);
        moved = kept - 1e-5;
        map.rhs(at(), down);
        moved = kept;
        Numbers slope(n);
        for (std::size_t a = 0; a < n; ++a) slope[a] = (up[a] - down[a]) / 2e-5;
        return slope;
    };
    map.jacobian(at(), by_nu, by_input);
    map.by_coefficient(at(), by_c);
    for (std::size_t i = 0; i < n + m; ++i) {
        const Numbers slope = differences(x[i]);
        for (std::size_t a = 0; a < n; ++a)
            EXPECT_NEAR(i < n ? by_nu[a * n + i] : by_input[a * m + i - n], slope[a], 1e-8);
    }
    for (std::size_t j = 0; j < c.size(); ++j) {
        const Numbers slope = differences(c[j]);
        for (std::size_t a = 0; a < n; ++a) EXPECT_NEAR(by_c[a * c.size() + j], slope[a], 1e-8);
    }
}

TEST(SmoothMap, RefusesWhatDoesNotFit) {
    expect_refusal<InvalidArgument>([] { SmoothMap(1, {0.0, 0.0}, {1.0}, {}); }, {"2 centres, 1 scales"});
    expect_refusal<InvalidArgument>([] { SmoothMap(1, {0.0}, {1.0}, {1.0}); }, {"1 numbers of units"});
    expect_refusal<InvalidArgument>([] { SmoothMap(1, {0.0}, {0.0}, {}); }, {"scales above 0"});
    expect_refusal<InvalidArgument>([] { SmoothMap(1, {std::numeric_limits<double>::quiet_NaN()}, {1.0}, {}); },
                                    {"finite"});
}

}  // namespace
}  // namespace nubridge::test
