#pragma once

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
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
    /// Points in the interior of the family.
    std::vector<std::vector<double>> points;
    /// Where <X_0>, the moment of nu_0, stands among the moments; the others follow it.
    std::size_t first_moment = 0;
    /// Whether the states are few enough to be written out.
    bool enumerable = true;
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
    /// Steps in units of one over a standard deviation, or of 1 where that is smaller: the five-point difference is
    /// wrong by the fifth cumulant times step^4 / 30, below 1e-7 for cumulants up to 30000, and by the rounding of f
    /// over the step.
    static constexpr double step = 0.003;
    static constexpr double tolerance = 1e-7;

    const maxent::Family& family() const { return *GetParam().family; }
    std::size_t nu_count() const { return family().nu_count(); }
    double sign() const { return maxent::factor(family().sign()); }

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
    /// The larger of 1 and the standard deviation of each observable.
    std::vector<double> widths(const std::vector<double>& nu) const {
        const Eigen::VectorXd variances = fisher(nu).diagonal();
        std::vector<double> widths;
        for (const double variance : variances) widths.push_back(std::max(1.0, std::sqrt(variance)));
        return widths;
    }
    /// df/dnu_a with a step h.
    template <class Function>
    static std::vector<double> slope(const Function& f, const std::vector<double>& nu, std::size_t a, double h) {
        const auto moved = [&](double by) {
            auto there = nu;
            there[a] += by * h;
            return f(there);
        };
        const auto near = moved(1), before = moved(-1), far = moved(2), long_before = moved(-2);
        std::vector<double> slope;
        for (std::size_t i = 0; i < near.size(); ++i)
            slope.push_back((8 * (near[i] - before[i]) - (far[i] - long_before[i])) / (12 * h));
        return slope;
    }
    std::vector<double> samples(const std::vector<double>& nu, std::uint64_t seed, std::size_t count) const {
        std::vector<double> samples(count * family().state_size());
        family().sample(nu, seed, samples);
        return samples;
    }
    std::vector<double> statistics(const double* state) const {
        std::vector<double> x(nu_count());
        family().statistics({state, family().state_size()}, x);
        return x;
    }
};

TEST_P(FamilyConformance, GradientOfLogPartitionIsTheSignedMoments) {
    const auto log_partition = [&](const auto& nu) { return std::vector<double>{family().log_partition(nu)}; };
    for (const auto& nu : GetParam().points) {
        const double rounding = 32 * epsilon * (std::abs(family().log_partition(nu)) + 1.0) / step;
        const auto width = widths(nu);
        for (std::size_t a = 0; a < nu_count(); ++a) {
            EXPECT_NEAR(sign() * slope(log_partition, nu, a, step / width[a])[0], moment(nu, a),
                        width[a] * (tolerance + rounding))
                << family().nu_names()[a];
        }
    }
}

TEST_P(FamilyConformance, FisherMatrixIsTheSignedSlopeOfTheMoments) {
    for (const auto& nu : GetParam().points) {
        const Eigen::MatrixXd covariance = fisher(nu);
        const auto width = widths(nu);
        for (std::size_t b = 0; b < nu_count(); ++b) {
            const auto found = slope([&](const auto& at) { return moments(at); }, nu, b, step / width[b]);
            for (std::size_t a = 0; a < nu_count(); ++a) {
                const double rounding = 32 * epsilon * (std::abs(moment(nu, a)) / width[a] + 1.0) / step;
                EXPECT_NEAR(sign() * found[GetParam().first_moment + a],
                            covariance(static_cast<Eigen::Index>(a), static_cast<Eigen::Index>(b)),
                            width[a] * width[b] * (tolerance + rounding))
                    << family().nu_names()[a] << ", " << family().nu_names()[b];
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

// An error e of the moments moves nu by Fisher^-1 e; theirs is a few roundings of their size and of the law's width.
TEST_P(FamilyConformance, FromMomentsInvertsMoments) {
    for (const auto& nu : GetParam().points) {
        std::vector<double> back(nu_count());
        family().from_moments(moments(nu), back);
        const Eigen::MatrixXd inverse = fisher(nu).inverse().cwiseAbs();
        Eigen::VectorXd error(inverse.rows());
        for (std::size_t a = 0; a < nu_count(); ++a)
            error[static_cast<Eigen::Index>(a)] = 256 * epsilon * (std::abs(moment(nu, a)) + widths(nu)[a]);
        for (std::size_t a = 0; a < nu_count(); ++a) {
            EXPECT_NEAR(back[a], nu[a], (inverse * error)[static_cast<Eigen::Index>(a)] + 64 * epsilon)
                << family().nu_names()[a];
        }
    }
}

TEST_P(FamilyConformance, StatesAreTheLaw) {
    if (!GetParam().enumerable) return;
    for (const auto& nu : GetParam().points) {
        const auto law = family().states(nu);
        EXPECT_NEAR(std::accumulate(law.probabilities.begin(), law.probabilities.end(), 0.0), 1.0, 1e-12);
        EXPECT_NEAR(law.log_partition, family().log_partition(nu), 64 * epsilon * (1.0 + std::abs(law.log_partition)));
        for (std::size_t i = 0; i < law.size(); ++i) {
            const auto x = statistics(law.states.data() + i * family().state_size());
            for (std::size_t a = 0; a < nu_count(); ++a) ASSERT_EQ(x[a], law.statistics[i * nu_count() + a]);
        }
    }
}

TEST_P(FamilyConformance, ExpectationsOfTheObservablesAreTheMoments) {
    if (!GetParam().enumerable) return;
    for (const auto& nu : GetParam().points) {
        EXPECT_NEAR(family().expectation(nu, [](auto) { return 1.0; }), 1.0, 1e-12);
        for (std::size_t a = 0; a < nu_count(); ++a) {
            const double found = family().expectation(nu, [&](auto state) { return statistics(state.data())[a]; });
            EXPECT_NEAR(found, moment(nu, a), 1e-12 * (std::abs(moment(nu, a)) + widths(nu)[a]));
        }
    }
}

// The variance is that of a state's observable, which on an infinite chain is not the Fisher matrix of a site; the seed
// is fixed, so four standard errors hold for ever or never.
TEST_P(FamilyConformance, SampleMeansAreTheMomentsWithinFourStandardErrors) {
    const std::size_t count = 20000;
    for (const auto& nu : GetParam().points) {
        const auto states = samples(nu, 20240611, count);
        std::vector<double> mean(nu_count(), 0.0);
        for (std::size_t i = 0; i < count; ++i) {
            const auto x = statistics(states.data() + i * family().state_size());
            for (std::size_t a = 0; a < nu_count(); ++a) mean[a] += x[a] / static_cast<double>(count);
        }
        for (std::size_t a = 0; a < nu_count(); ++a) {
            const double centre = moment(nu, a);
            const auto squared = [&](auto state) { return std::pow(statistics(state.data())[a] - centre, 2); };
            const auto i = static_cast<Eigen::Index>(a);
            const double variance = GetParam().enumerable ? family().expectation(nu, squared) : fisher(nu)(i, i);
            EXPECT_NEAR(mean[a], moment(nu, a), 4 * std::sqrt(variance / static_cast<double>(count)))
                << family().nu_names()[a];
        }
    }
}

TEST_P(FamilyConformance, SamplesAreStatesOfTheFamily) {
    const auto states = samples(GetParam().points.front(), 3, 500);
    for (std::size_t i = 0; i < states.size(); i += family().state_size())
        EXPECT_TRUE(family().supports({states.data() + i, family().state_size()}));
}

TEST_P(FamilyConformance, TheSameSeedGivesTheSameSamples) {
    const auto& nu = GetParam().points.front();
    const auto few = samples(nu, 7, 100), many = samples(nu, 7, 200);
    EXPECT_EQ(few, samples(nu, 7, 100));
    EXPECT_EQ(few, std::vector<double>(many.begin(), many.begin() + static_cast<std::ptrdiff_t>(few.size())));
}

TEST_P(FamilyConformance, AnotherSeedGivesOtherSamples) {
    const auto& nu = GetParam().points.front();
    std::set<std::vector<double>> seen;
    for (std::uint64_t seed = 0; seed < 8; ++seed) seen.insert(samples(nu, seed, 100));
    EXPECT_EQ(seen.size(), 8u);
}

TEST_P(FamilyConformance, EveryNuAndMomentHasANameOfItsOwn) {
    const auto nu = family().nu_names(), moments = family().moment_names();
    EXPECT_EQ(std::set<std::string>(nu.begin(), nu.end()).size(), nu_count());
    EXPECT_EQ(std::set<std::string>(moments.begin(), moments.end()).size(), family().moment_count());
}

}  // namespace nubridge::test
