#include "maxent/inverse.hpp"

#include <Eigen/Dense>
#include <cmath>
#include <limits>

#include "chemistry/refuse.hpp"

namespace nubridge::maxent {

namespace {

using chemistry::refuse;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int most_steps = 200;

VectorXd moments_at(const Family& family, const VectorXd& nu) {
    VectorXd moments(nu.size());
    family.moments({nu.data(), family.nu_count()}, {moments.data(), family.nu_count()});
    return moments;
}

/// The convex function; infinite where there is no law.
double objective(const Family& family, const VectorXd& nu, const VectorXd& target) {
    try {
        const double value =
            family.log_partition({nu.data(), family.nu_count()}) - factor(family.sign()) * nu.dot(target);
        return std::isnan(value) ? std::numeric_limits<double>::infinity() : value;
    } catch (const InvalidArgument&) {
        return std::numeric_limits<double>::infinity();
    }
}

template <class Kind>
[[noreturn]] void refuse_moments(const Family& family, const VectorXd& nu, const VectorXd& target, const char* why) {
    const VectorXd found = moments_at(family, nu);
    Index worst = 0;
    (found - target).cwiseAbs().maxCoeff(&worst);
    const auto name = family.moment_names()[static_cast<std::size_t>(worst)];
    refuse<Kind>("the moment of '", name, "' is ", target[worst], " and the nearest law found has ", found[worst], ": ",
                 why, "; check the moments, or take a family that holds them");
}

}  // namespace

void require_finite(std::span<const double> values, const Family& family, const char* what) {
    for (std::size_t a = 0; a < values.size(); ++a) {
        if (!std::isfinite(values[a]))
            refuse<InvalidArgument>(what, " of '", family.nu_names()[a], "' is ", values[a],
                                    "; it must be a finite number");
    }
}

void solve_moments(const Family& family, std::span<const double> moments, std::span<double> nu_out) {
    const auto n = static_cast<Index>(family.nu_count());
    const VectorXd target = Eigen::Map<const VectorXd>(moments.data(), n);
    VectorXd nu = Eigen::Map<const VectorXd>(nu_out.data(), n);
    MatrixXd fisher(n, n);
    double value = objective(family, nu, target);
    for (int step = 0; step < most_steps; ++step) {
        family.fisher({nu.data(), family.nu_count()}, {fisher.data(), static_cast<std::size_t>(n * n)});
        const VectorXd scale =
            fisher.diagonal().cwiseMax(std::numeric_limits<double>::min()).cwiseSqrt().cwiseInverse();
        const Eigen::LDLT<MatrixXd> solver(scale.asDiagonal() * fisher * scale.asDiagonal());
        if (solver.vectorD().minCoeff() < 1e-15)
            refuse_moments<InvalidArgument>(family, nu, target, "no law of the family has these moments");
        const VectorXd gap = target - moments_at(family, nu);
        const VectorXd move = factor(family.sign()) * (scale.asDiagonal() * solver.solve(scale.cwiseProduct(gap)));
        const double decrement = std::abs(gap.dot(move));
        double part = 1.0;
        double next = objective(family, nu + move, target);
        // Near the minimum the objective is flat to rounding, and the whole step is right.
        while (decrement > 1e-10 && !(next <= value - 1e-4 * part * decrement) && part > 1e-12) {
            part *= 0.5;
            next = objective(family, nu + part * move, target);
        }
        if (part <= 1e-12 || !std::isfinite(next))
            refuse_moments<InvalidArgument>(family, nu, target, "no law of the family has these moments");
        nu += part * move;
        value = next;
        if (decrement < 1e-20) {
            Eigen::Map<VectorXd>(nu_out.data(), n) = nu;
            return;
        }
    }
    refuse_moments<NotConverged>(family, nu, target, "Newton's method has not settled after 200 steps");
}

}  // namespace nubridge::maxent
