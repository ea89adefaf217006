#include "maxent/gaussian.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "expect.hpp"
#include "units/error.hpp"

namespace {

using nubridge::InvalidArgument;
using nubridge::maxent::Gaussian;
using nubridge::maxent::Sign;
using nubridge::test::expect_refusal;
using Numbers = std::vector<double>;

TEST(Gaussian, OfOneVariableIsTheNormalLaw) {
    const Gaussian family({"x"});
    const double mean = 2.0, variance = 0.25;
    Numbers nu(2);
    family.from_moments(Numbers{mean, mean * mean + variance}, nu);
    EXPECT_NEAR(nu[0], -mean / variance, 1e-13);
    EXPECT_NEAR(nu[1], 0.5 / variance, 1e-13);
    EXPECT_NEAR(family.log_partition(nu),
                0.5 * std::log(2 * std::numbers::pi * variance) + mean * mean / (2 * variance), 1e-12);
    const double fourth = family.expectation(nu, [&](auto x) { return std::pow(x[0] - mean, 4); });
    EXPECT_NEAR(fourth, 3 * variance * variance, 1e-13);
    EXPECT_NEAR(family.expectation(nu, [&](auto x) { return std::pow(x[0] - mean, 10); }), 945 * std::pow(variance, 5),
                1e-11);
}

TEST(Gaussian, WithoutALawIsRefused) {
    expect_refusal<InvalidArgument>(
        [] {
            Gaussian({"x"}).log_partition(Numbers{0.0, -0.5});
        },
        {"precision -1", "sign -1", "positive definite"});
    expect_refusal<InvalidArgument>([] { Gaussian({"x"}, Sign::plus).log_partition(Numbers{0.0, 0.5}); }, {"negative"});
    Numbers nu(5);
    expect_refusal<InvalidArgument>(
        [&] {
            Gaussian({"x", "y"}).from_moments(Numbers{0, 0, 1, 2, 1}, nu);
        },
        {"variance -1", "covariance"});
    expect_refusal<InvalidArgument>([] { Gaussian(std::vector<std::string>{}); }, {"0 variables"});
}

}  // namespace
