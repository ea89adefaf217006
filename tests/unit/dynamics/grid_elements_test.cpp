#include "dynamics/grid_elements.hpp"

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
using dynamics::GridElements;

Numbers rhs(const GridElements& grid, const FieldPoint& at) {
    Numbers f(grid.nu_count());
    grid.rhs(at, f);
    return f;
}

/// One cell [0, spacing] of one argument with value, slope, value, slope.
double cell(double spacing, const Numbers& coefficients, double nu) {
    GridElements grid(0, {{{0}}}, {spacing});
    grid.add({0, {0}});
    grid.add({0, {1}});
    return rhs(grid, {Numbers{nu}, {}, coefficients})[0];
}

TEST(GridElements, OfOneCellGivesTheStatedNumbers) {
    GridElements grid(0, {{{0}}}, {0.5});
    EXPECT_EQ(grid.cover(Numbers{0.15}, {}), 4u);
    const Numbers coefficients{1, -.5, 2, .75}, nu{0.15};
    Numbers slope(1);
    EXPECT_NEAR(rhs(grid, {nu, {}, coefficients})[0], 1.09525, 1e-14);
    grid.jacobian({nu, {}, coefficients}, slope, {});
    EXPECT_NEAR(slope[0], 1.9550, 1e-13);
}

// Catmull and Rom's interpolation is that of slopes by central differences: p = (1, 2, 4, 8).
TEST(GridElements, WithSlopesByDifferencesIsCatmullAndRoms) {
    EXPECT_NEAR(cell(1.0, {2, 1.5, 4, 3}, 0.3), 2.4635, 1e-14);
}

/// F_0 of (nu_0, u), F_1 of (nu_1, nu_0), F_2 of nu_1 alone; spacings differ.
GridElements mixed(Random& random, Numbers& coefficients) {
    GridElements grid(1, {{{0, 3}}, {{1, 0}}, {{1}}}, {0.5, 0.25, 0.0, 2.0});
    for (int k = 0; k < 200; ++k)
        grid.cover(Numbers{random.uniform(-1, 1), random.uniform(-1, 1), 0.0}, Numbers{random.uniform(0, 5)});
    coefficients.clear();
    for (std::size_t j = 0; j < grid.coefficient_count(); ++j) coefficients.push_back(random.uniform(-1, 1));
    return grid;
}

TEST(GridElements, DerivativesAreTheSlopesInNuInputsAndCoefficients) {
    Random random(1);
    Numbers coefficients;
    const GridElements grid = mixed(random, coefficients);
    const std::size_t n = 3, width = coefficients.size();
    constexpr double h = 1e-5;
    for (int k = 0; k < 20; ++k) {
        Numbers nu{random.uniform(-.9, .9), random.uniform(-.9, .9), 0.3}, u{random.uniform(0.2, 4.8)};
        Numbers by_nu(n * n), by_input(n), by_coefficient(n * width), back(n, 0.0), gradient(width, 0.0);
        grid.jacobian({nu, u, coefficients}, by_nu, by_input);
        grid.by_coefficient({nu, u, coefficients}, by_coefficient);
        const Numbers adjoint{0.3, -1.2, 0.7};
        grid.pull_back({nu, u, coefficients}, adjoint, back, gradient);
        const auto expect_slope = [&](double& moved, const auto& found) {
            const double centre = moved;
            moved = centre + h;
            const Numbers up = rhs(grid, {nu, u, coefficients});
            moved = centre - h;
            const Numbers down = rhs(grid, {nu, u, coefficients});
            moved = centre;
            for (std::size_t a = 0; a < n; ++a) EXPECT_NEAR(found(a), (up[a] - down[a]) / (2 * h), 1e-7);
        };
        for (std::size_t b = 0; b < n; ++b) {
            expect_slope(nu[b], [&](std::size_t a) { return by_nu[a * n + b]; });
            double sum = 0.0;
            for (std::size_t a = 0; a < n; ++a) sum += adjoint[a] * by_nu[a * n + b];
            EXPECT_NEAR(back[b], sum, 1e-13);
        }
        expect_slope(u[0], [&](std::size_t a) { return by_input[a]; });
        for (std::size_t j = 0; j < width; ++j) {
            double sum = 0.0;
            for (std::size_t a = 0; a < n; ++a) sum += adjoint[a] * by_coefficient[a * width + j];
            EXPECT_NEAR(gradient[j], sum, 1e-13);
        }
        const Numbers f = rhs(grid, {nu, u, coefficients});
        for (std::size_t a = 0; a < n; ++a) {
            double sum = 0.0;
            for (std::size_t j = 0; j < width; ++j) sum += by_coefficient[a * width + j] * coefficients[j];
            EXPECT_NEAR(f[a], sum, 1e-12);
        }
    }
}

TEST(GridElements, ValueAndSlopeAreContinuousAcrossCells) {
    Random random(2);
    Numbers coefficients;
    const GridElements grid = mixed(random, coefficients);
    constexpr double e = 1e-9;
    const auto look = [&](double nu1, Numbers& by_nu) {
        Numbers by_input(3);
        const Numbers nu{0.1, nu1, 0.0}, u{1.0};
        grid.jacobian({nu, u, coefficients}, by_nu, by_input);
        return rhs(grid, {nu, u, coefficients});
    };
    for (const double edge : {-0.5, 0.0, 0.25}) {
        Numbers left(9), right(9);
        const Numbers below = look(edge - e, left), above = look(edge + e, right);
        for (std::size_t a = 0; a < 3; ++a) EXPECT_NEAR(below[a], above[a], 1e-7);
        for (std::size_t k = 0; k < 9; ++k) EXPECT_NEAR(left[k], right[k], 1e-6);
    }
}

TEST(GridElements, CellsAreMadeOnDemandAndKeepTheirPlaces) {
    GridElements grid(0, {{{0}}, {{0, 1}}}, {1.0, 1.0});
    EXPECT_EQ(grid.cover(Numbers{0.5, 0.5}, {}), 2u * 2u + 4u * 4u);
    EXPECT_EQ(grid.cover(Numbers{0.7, 0.2}, {}), 0u);
    EXPECT_EQ(grid.cover(Numbers{0.5, 1.5}, {}), 2u * 4u);  // two more corners of the second alone
    Numbers f(2), coefficients(grid.coefficient_count(), 1.0);
    EXPECT_TRUE(grid.rhs({Numbers{0.5, 1.9}, {}, coefficients}, f));
    EXPECT_FALSE(grid.rhs({Numbers{0.5, 2.1}, {}, coefficients}, f));
    EXPECT_FALSE(grid.rhs({Numbers{-7.5, 0.5}, {}, coefficients}, f));
    EXPECT_EQ(f[0], 0.0);
}

TEST(GridElements, RefusesWhatIsNoGrid) {
    const auto refused = [](GridElements::Component component, Numbers spacing, const std::vector<std::string>& words) {
        expect_refusal<InvalidArgument>([&] { GridElements(1, {component}, spacing); }, words);
    };
    refused({{}}, {1, 1}, {"0 arguments", "1 to 6"});
    refused({{0, 0}}, {1, 1}, {"twice"});
    refused({{2}}, {1, 1}, {"above 1"});
    refused({{1}}, {1, -2}, {"-2", "above 0"});
    refused({{0}}, {1}, {"1 spacings", "2 nu and inputs"});
    GridElements grid(0, {{{0}}}, {1.0});
    expect_refusal<InvalidArgument>([&] { grid.cover(Numbers{std::numeric_limits<double>::quiet_NaN()}, {}); },
                                    {"nan", "finite"});
}

}  // namespace
}  // namespace nubridge::test
