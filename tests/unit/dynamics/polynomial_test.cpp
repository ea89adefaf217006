#include "dynamics/polynomial.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "expect.hpp"
#include "units/error.hpp"

namespace {

using nubridge::InvalidArgument;
using nubridge::dynamics::Polynomial;
using nubridge::test::expect_refusal;
using Numbers = std::vector<double>;

TEST(Polynomial, OfTwoNuAndAnInputHasTheValueAndSlopesOfItsProducts) {
    // F_0 = 2 + 3 x y^2 + 5 u, F_1 = 7 y at x = 2, y = 3, u = 0.5.
    const Polynomial field(1, {{{}, {0, 1, 1}, {2}}, {{1}}});
    const Numbers nu{2, 3}, u{0.5}, c{2, 3, 5, 7};
    Numbers f(2), by_nu(4), by_input(2), by_coefficient(8), back{1, 1}, gradient{1, 1, 1, 1};
    EXPECT_TRUE(field.rhs({nu, u, c}, f));
    EXPECT_EQ(f, (Numbers{58.5, 21}));
    field.jacobian({nu, u, c}, by_nu, by_input);
    EXPECT_EQ(by_nu, (Numbers{27, 36, 0, 7}));
    EXPECT_EQ(by_input, (Numbers{5, 0}));
    field.by_coefficient({nu, u, c}, by_coefficient);
    EXPECT_EQ(by_coefficient, (Numbers{1, 18, 0.5, 0, 0, 0, 0, 3}));
    field.pull_back({nu, u, c}, Numbers{10, 100}, back, gradient);
    EXPECT_EQ(back, (Numbers{271, 1061}));
    EXPECT_EQ(gradient, (Numbers{11, 181, 6, 301}));
}

TEST(Polynomial, FactorsThatAreNotThereAreRefused) {
    expect_refusal<InvalidArgument>([] { Polynomial(1, {{{0, 2}}}); }, {"factor 2", "2 nu and inputs"});
    expect_refusal<InvalidArgument>([] { Polynomial(1, {}); }, {"no nu"});
}

}  // namespace
