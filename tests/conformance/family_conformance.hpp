#pragma once

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "maxent/family.hpp"

/// What every maximum-entropy family must do. A family joins with
///     INSTANTIATE_TEST_SUITE_P(Name, FamilyConformance, testing::ValuesIn(cases), case_name);
namespace nubridge::test {

struct FamilyCase {
    std::string name;
    std::shared_ptr<const maxent::Family> family;
    /// Points in the interior of the family; |nu| up to a few.
    std::vector<std::vector<double>> points;
    /// Where <X_0>, the moment of nu_0, stands among the moments; the others follow it.
    std::size_t first_moment = 0;
    /// X_a(s) of a sampled state.
    std::function<double(std::int32_t state, std::size_t a)> statistic;
    /// A bound of |X_a|, from which the rounding of ln Z and the size of its derivatives follow.
    double largest_statistic = 1.0;
};

inline void PrintTo(const FamilyCase& one, std::ostream* out) {
    *out << one.name;
}
inline std::string case_name(const testing::TestParamInfo<FamilyCase>& info) {
    return info.param.name;
}

class FamilyConformance : public testing::TestWithParam<FamilyCase> {
protected:
    static constexpr double epsilon = std::numeric_limits<double>::epsilon();

    const maxent::Family& family() const { return *GetParam().family; }
    std::size_t nu_count() const { return family().nu_count(); }
    double sign() const { return static_cast<double>(static_cast<int>(family().sign())); }

    double log_partition(std::vector<double> nu, std::size_t a = 0, double da = 0.0, std::size_t b = 0,
                         double db = 0.0) const {
        nu[a] += da;
        nu[b] += db;
        return family().log_partition(nu);
    }
    std::vector<double> moments(const std::vector<double>& nu) const {
        std::vector<double> moments(family().moment_count());
        family().moments(nu, moments);
        return moments;
    }
    double moment(const std::vector<double>& nu, std::size_t a) const {
        return moments(nu)[GetParam().first_moment + a];
    }
    Eigen::MatrixXd fisher(const std::vector<double>& nu) const {
        std::vector<double> flat(nu_count() * nu_count());
        family().fisher(nu, flat);
        const auto n = static_cast<Eigen::Index>(nu_count());
        return Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(flat.data(), n,
                                                                                                        n);
    }
    std::vector<std::int32_t> samples(const std::vector<double>& nu, std::uint64_t seed, std::size_t count) const {
        std::vector<std::int32_t> samples(count);
        family().sample(nu, seed, samples);
        return samples;
    }
    /// Rounding of one ln Z: its own size and that of the sum inside, in units of epsilon.
    double rounding(const std::vector<double>& nu) const { return 8 * epsilon * (1.0 + std::abs(log_partition(nu))); }
    /// A cumulant of order k of variables bounded by X is below k! (2X)^k: the size of the k-th derivative of ln Z.
    double derivative_bound(int order) const {
        return std::tgamma(order + 1) * std::pow(2 * GetParam().largest_statistic, order);
    }
};

// (f(h) - f(-h)) / 2h is wrong by f''' h^2 / 6 and by the rounding of f over h.
TEST_P(FamilyConformance, GradientOfLogPartitionIsTheSignedMoments) {
    const double h = 1e-5;
    for (const auto& nu : GetParam().points) {
        for (std::size_t a = 0; a < nu_count(); ++a) {
            const double gradient = (log_partition(nu, a, h) - log_partition(nu, a, -h)) / (2 * h);
            EXPECT_NEAR(gradient, sign() * moment(nu, a), derivative_bound(3) * h * h / 6 + rounding(nu) / h)
                << "nu " << a;
        }
    }
}

// The four-point difference is wrong by f'''' h^2 / 3 and by four roundings over 4 h^2.
TEST_P(FamilyConformance, HessianOfLogPartitionIsTheFisherMatrix) {
    const double h = 1e-3;
    for (const auto& nu : GetParam().points) {
        const double tolerance = derivative_bound(4) * h * h / 3 + rounding(nu) / (h * h);
        const Eigen::MatrixXd covariance = fisher(nu);
        for (std::size_t a = 0; a < nu_count(); ++a) {
            for (std::size_t b = 0; b < nu_count(); ++b) {
                const double second = (log_partition(nu, a, h, b, h) - log_partition(nu, a, h, b, -h) -
                                       log_partition(nu, a, -h, b, h) + log_partition(nu, a, -h, b, -h)) /
                                      (4 * h * h);
                EXPECT_NEAR(second, covariance(static_cast<Eigen::Index>(a), static_cast<Eigen::Index>(b)), tolerance)
                    << "nu " << a << ", " << b;
            }
        }
    }
}

TEST_P(FamilyConformance, FisherMatrixIsTheSignedSlopeOfTheMoments) {
    const double h = 1e-5;
    for (const auto& nu : GetParam().points) {
        const Eigen::MatrixXd covariance = fisher(nu);
        for (std::size_t b = 0; b < nu_count(); ++b) {
            auto above = nu, below = nu;
            above[b] += h;
            below[b] -= h;
            for (std::size_t a = 0; a < nu_count(); ++a) {
                const double slope = (moment(above, a) - moment(below, a)) / (2 * h);
                EXPECT_NEAR(sign() * slope, covariance(static_cast<Eigen::Index>(a), static_cast<Eigen::Index>(b)),
                            derivative_bound(4) * h * h / 6 + 8 * epsilon * GetParam().largest_statistic / h);
            }
        }
    }
}

TEST_P(FamilyConformance, FisherMatrixIsSymmetricAndPositiveDefinite) {
    for (const auto& nu : GetParam().points) {
        const Eigen::MatrixXd covariance = fisher(nu);
        EXPECT_TRUE(covariance.isApprox(covariance.transpose(), 4 * epsilon));
        EXPECT_GT(Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(covariance).eigenvalues().minCoeff(), 0.0);
    }
}

// An error e of the moments moves nu by Fisher^-1 e.
TEST_P(FamilyConformance, FromMomentsInvertsMoments) {
    for (const auto& nu : GetParam().points) {
        std::vector<double> back(nu_count());
        family().from_moments(moments(nu), back);
        const double amplification =
            1.0 / Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(fisher(nu)).eigenvalues().minCoeff();
        for (std::size_t a = 0; a < nu_count(); ++a) {
            EXPECT_NEAR(back[a], nu[a], 32 * epsilon * GetParam().largest_statistic * (1.0 + amplification))
                << "nu " << a;
        }
    }
}

// Each mean has the standard deviation sqrt(Cov_aa / count); the seed is fixed, so four of them hold for ever or never.
TEST_P(FamilyConformance, SampleMeansAreTheMomentsWithinFourSigma) {
    const std::size_t count = 20000;
    for (const auto& nu : GetParam().points) {
        const auto states = samples(nu, 20240611, count);
        const Eigen::MatrixXd covariance = fisher(nu);
        for (std::size_t a = 0; a < nu_count(); ++a) {
            double mean = 0.0;
            for (const std::int32_t state : states) mean += GetParam().statistic(state, a) / static_cast<double>(count);
            const auto i = static_cast<Eigen::Index>(a);
            EXPECT_NEAR(mean, moment(nu, a), 4 * std::sqrt(covariance(i, i) / static_cast<double>(count)))
                << "nu " << a;
        }
    }
}

TEST_P(FamilyConformance, TheSameSeedGivesTheSameSamples) {
    const auto& nu = GetParam().points.front();
    EXPECT_EQ(samples(nu, 7, 100), samples(nu, 7, 100));
    const auto longer = samples(nu, 7, 200);
    EXPECT_EQ(samples(nu, 7, 100), std::vector<std::int32_t>(longer.begin(), longer.begin() + 100));
}

TEST_P(FamilyConformance, AnotherSeedGivesOtherSamples) {
    const auto& nu = GetParam().points.front();
    std::set<std::vector<std::int32_t>> seen;
    for (std::uint64_t seed = 0; seed < 8; ++seed) seen.insert(samples(nu, seed, 100));
    EXPECT_EQ(seen.size(), 8u);
}

}  // namespace nubridge::test
