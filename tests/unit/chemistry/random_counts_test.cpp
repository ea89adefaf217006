#include "chemistry/random_counts.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "chemistry.hpp"

namespace nubridge::test {
namespace {

using chemistry::RandomStream;

/// Chi-square of the counts against their probabilities, cells of fewer than ten merged, as a normal number.
double z_of_histogram(const std::map<double, double>& found, double draws,
                      const std::function<double(double)>& log_probability) {
    double chi_square = 0.0, cells = 0.0, expected = 0.0, counted = 0.0;
    for (double k = 0.0; k <= found.rbegin()->first + 100.0; ++k) {
        expected += draws * std::exp(log_probability(k));
        counted += found.contains(k) ? found.at(k) : 0.0;
        if (expected < 10.0) continue;
        chi_square += (counted - expected) * (counted - expected) / expected;
        ++cells;
        expected = counted = 0.0;
    }
    return (chi_square - cells) / std::sqrt(2.0 * cells);
}

constexpr double draws = 200'000;

TEST(Poisson, HasItsLawBelowAndAboveTheChangeOfMethod) {
    RandomStream random(11, 0);
    for (const double mean : {0.3, 9.9, 10.1, 47.0, 1000.0}) {
        std::map<double, double> found;
        for (int i = 0; i < draws; ++i) ++found[chemistry::poisson(random, mean)];
        const auto law = [&](double k) { return k * std::log(mean) - mean - std::lgamma(k + 1); };
        EXPECT_LT(std::abs(z_of_histogram(found, draws, law)), 4.0) << mean;
    }
    EXPECT_EQ(chemistry::poisson(random, 0.0), 0.0);
}

TEST(Poisson, HasMeanAndVarianceWhereCountsAreHuge) {
    RandomStream random(12, 0);
    std::vector<double> sample;
    for (int i = 0; i < 20'000; ++i) sample.push_back((chemistry::poisson(random, 1e12) - 1e12) / 1e6);
    expect_moments(sample, 0.0, 1.0);
}

TEST(Binomial, HasItsLawBelowAndAboveTheChangeOfMethod) {
    RandomStream random(13, 0);
    for (const auto& [n, p] : {std::pair{1.0, 0.5}, {30.0, 0.3}, {30.0, 0.9}, {200.0, 0.07}, {1000.0, 0.5}}) {
        std::map<double, double> found;
        for (int i = 0; i < draws; ++i) ++found[chemistry::binomial(random, n, p)];
        EXPECT_LE(found.rbegin()->first, n);
        const auto law = [n = n, p = p](double k) {
            return k > n ? -1e9
                         : std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) + k * std::log(p) +
                               (n - k) * std::log1p(-p);
        };
        EXPECT_LT(std::abs(z_of_histogram(found, draws, law)), 4.0) << n << ' ' << p;
    }
    EXPECT_EQ(chemistry::binomial(random, 0.0, 0.3), 0.0);
    EXPECT_EQ(chemistry::binomial(random, 5.0, 0.0), 0.0);
    EXPECT_EQ(chemistry::binomial(random, 5.0, 1.0), 5.0);
}

TEST(NormalNumbers, HaveMomentsOfTheNormalLaw) {
    chemistry::NormalNumbers normals(RandomStream(14, 0));
    std::vector<double> sample, products;
    for (int i = 0; i < draws; ++i) {
        const double a = normals.next(), b = normals.next();
        sample.push_back(a);
        products.push_back(a * b);
    }
    expect_moments(sample, 0.0, 1.0);
    expect_moments(products, 0.0, 1.0);
}

}  // namespace
}  // namespace nubridge::test
