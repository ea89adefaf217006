#include "maxent/gaussian.hpp"

#include <Eigen/Dense>
#include <cmath>
#include <numbers>
#include <utility>

#include "chemistry/refuse.hpp"
#include "maxent/inverse.hpp"
#include "maxent/random_numbers.hpp"

namespace nubridge::maxent {

namespace {

using chemistry::refuse;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr Index quadrature_nodes = 6;

Index at(std::size_t i) {
    return static_cast<Index>(i);
}

}  // namespace

struct Gaussian::Law {
    VectorXd mean;
    MatrixXd covariance;
    double log_partition;
};

Gaussian::Gaussian(std::vector<std::string> variables, Sign sign) : variables_(std::move(variables)), sign_(sign) {
    if (variables_.empty() || variables_.size() > 64)
        refuse<InvalidArgument>("a Gaussian family has ", variables_.size(), " variables; it has 1 to 64");
}

std::size_t Gaussian::pair(std::size_t i, std::size_t j) const noexcept {
    if (i > j) std::swap(i, j);
    const std::size_t n = variables_.size();
    return n + i * n - i * (i + 1) / 2 + j;
}

std::vector<std::string> Gaussian::nu_names() const {
    std::vector<std::string> names = variables_;
    for (std::size_t i = 0; i < variables_.size(); ++i) {
        for (std::size_t j = i; j < variables_.size(); ++j) names.push_back(variables_[i] + "_" + variables_[j]);
    }
    return names;
}

// With the precision P = -sign (J + J^T): mean = P^-1 sign h, ln Z = (h . mean sign + n ln 2 pi - ln det P) / 2.
Gaussian::Law Gaussian::law(std::span<const double> nu) const {
    require_finite(nu, *this, "nu");
    const std::size_t n = variables_.size();
    MatrixXd precision(at(n), at(n));
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j)
            precision(at(i), at(j)) = -factor(sign_) * nu[pair(i, j)] * (i == j ? 2.0 : 1.0);
    }
    const Eigen::LLT<MatrixXd> solver(precision);
    if (solver.info() != Eigen::Success || solver.matrixLLT().diagonal().minCoeff() <= 0.0) {
        const Eigen::SelfAdjointEigenSolver<MatrixXd> modes(precision);
        refuse<InvalidArgument>("nu has the precision ", modes.eigenvalues()[0],
                                " in one direction, where Z is infinite: with the sign ", static_cast<int>(sign_),
                                " the quadratic part must be ", sign_ == Sign::minus ? "positive" : "negative",
                                " definite; correct '", nu_names()[pair(0, 0)], "' and its like");
    }
    const VectorXd h = factor(sign_) * Eigen::Map<const VectorXd>(nu.data(), at(n));
    Law out{solver.solve(h), solver.solve(MatrixXd::Identity(at(n), at(n))), 0.0};
    const double log_det = 2.0 * solver.matrixLLT().diagonal().array().log().sum();
    out.log_partition = 0.5 * (h.dot(out.mean) + static_cast<double>(n) * std::log(2.0 * std::numbers::pi) - log_det);
    return out;
}

double Gaussian::log_partition(std::span<const double> nu) const {
    return law(nu).log_partition;
}

void Gaussian::moments(std::span<const double> nu, std::span<double> moments) const {
    const Law p = law(nu);
    for (std::size_t i = 0; i < variables_.size(); ++i) {
        moments[i] = p.mean[at(i)];
        for (std::size_t j = i; j < variables_.size(); ++j)
            moments[pair(i, j)] = p.covariance(at(i), at(j)) + p.mean[at(i)] * p.mean[at(j)];
    }
}

void Gaussian::from_moments(std::span<const double> moments, std::span<double> nu) const {
    require_finite(moments, *this, "the moment");
    const std::size_t n = variables_.size();
    const VectorXd mean = Eigen::Map<const VectorXd>(moments.data(), at(n));
    MatrixXd covariance(at(n), at(n));
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) covariance(at(i), at(j)) = moments[pair(i, j)] - mean[at(i)] * mean[at(j)];
    }
    const Eigen::LLT<MatrixXd> solver(covariance);
    if (solver.info() != Eigen::Success) {
        const Eigen::SelfAdjointEigenSolver<MatrixXd> modes(covariance);
        refuse<InvalidArgument>("the moments have the variance ", modes.eigenvalues()[0],
                                " in one direction; a covariance is positive definite: check the data");
    }
    const MatrixXd precision = solver.solve(MatrixXd::Identity(at(n), at(n)));
    const VectorXd h = precision * mean;
    for (std::size_t i = 0; i < n; ++i) {
        nu[i] = factor(sign_) * h[at(i)];
        for (std::size_t j = i; j < n; ++j)
            nu[pair(i, j)] = -factor(sign_) * precision(at(i), at(j)) * (i == j ? 0.5 : 1.0);
    }
}

// Isserlis' theorem, with x = mean + y.
void Gaussian::fisher(std::span<const double> nu, std::span<double> fisher) const {
    const Law p = law(nu);
    const std::size_t n = variables_.size(), all = nu_count();
    const auto s = [&](std::size_t i, std::size_t j) { return p.covariance(at(i), at(j)); };
    const auto m = [&](std::size_t i) { return p.mean[at(i)]; };
    const auto set = [&](std::size_t a, std::size_t b, double value) {
        fisher[a * all + b] = fisher[b * all + a] = value;
    };
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) set(i, j, s(i, j));
        for (std::size_t k = 0; k < n; ++k) {
            for (std::size_t l = k; l < n; ++l) set(i, pair(k, l), m(k) * s(i, l) + m(l) * s(i, k));
        }
        for (std::size_t j = i; j < n; ++j) {
            for (std::size_t k = 0; k < n; ++k) {
                for (std::size_t l = k; l < n; ++l) {
                    set(pair(i, j), pair(k, l),
                        s(i, k) * s(j, l) + s(i, l) * s(j, k) + m(i) * m(k) * s(j, l) + m(i) * m(l) * s(j, k) +
                            m(j) * m(k) * s(i, l) + m(j) * m(l) * s(i, k));
                }
            }
        }
    }
}

// Box and Muller's pairs, one number of each.
void Gaussian::sample(std::span<const double> nu, std::uint64_t seed, std::span<double> samples) const {
    const Law p = law(nu);
    const MatrixXd root = p.covariance.llt().matrixL();
    Uniform uniform(seed);
    VectorXd z(at(variables_.size()));
    for (std::size_t start = 0; start < samples.size(); start += variables_.size()) {
        for (double& one : z) {
            const double radius = std::sqrt(-2.0 * std::log1p(-uniform()));
            one = radius * std::cos(2.0 * std::numbers::pi * uniform());
        }
        Eigen::Map<VectorXd>(samples.data() + start, z.size()) = p.mean + root * z;
    }
}

// Gauss and Hermite's nodes are the eigenvalues of the recurrence of the orthogonal polynomials (Golub and Welsch
// 1969).
WeightedStates Gaussian::states(std::span<const double> nu) const {
    const std::size_t n = variables_.size();
    if (n > 8) {
        refuse<InvalidArgument>(n, " variables are too many for a quadrature of 6 nodes each, at most 8 are possible; ",
                                "use moments");
    }
    const Law p = law(nu);
    const MatrixXd root = p.covariance.llt().matrixL();
    MatrixXd recurrence = MatrixXd::Zero(quadrature_nodes, quadrature_nodes);
    for (Index k = 1; k < quadrature_nodes; ++k)
        recurrence(k - 1, k) = recurrence(k, k - 1) = std::sqrt(static_cast<double>(k));
    const Eigen::SelfAdjointEigenSolver<MatrixXd> modes(recurrence);
    WeightedStates out;
    out.log_partition = p.log_partition;
    std::size_t count = 1;
    for (std::size_t i = 0; i < n; ++i) count *= static_cast<std::size_t>(quadrature_nodes);
    out.states.resize(count * n);
    out.statistics.resize(count * nu_count());
    VectorXd z(at(n));
    for (std::size_t i = 0; i < count; ++i) {
        double weight = 1.0;
        std::size_t rest = i;
        for (double& one : z) {
            const Index node = at(rest) % quadrature_nodes;
            rest /= static_cast<std::size_t>(quadrature_nodes);
            one = modes.eigenvalues()[node];
            weight *= modes.eigenvectors()(0, node) * modes.eigenvectors()(0, node);
        }
        out.probabilities.push_back(weight);
        Eigen::Map<VectorXd>(out.states.data() + i * n, z.size()) = p.mean + root * z;
        statistics(std::span(out.states).subspan(i * n, n),
                   std::span(out.statistics).subspan(i * nu_count(), nu_count()));
    }
    return out;
}

void Gaussian::statistics(std::span<const double> state, std::span<double> statistics) const {
    for (std::size_t i = 0; i < variables_.size(); ++i) {
        statistics[i] = state[i];
        for (std::size_t j = i; j < variables_.size(); ++j) statistics[pair(i, j)] = state[i] * state[j];
    }
}

}  // namespace nubridge::maxent
