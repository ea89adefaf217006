#pragma once

#include <Eigen/Dense>
#include <cstddef>
#include <vector>

namespace nubridge::maxent {

/// A matrix that depends on nu, with its first and second derivatives and a factor exp(log_scale) taken out.
struct MatrixJet {
    Eigen::MatrixXd value;
    /// One a nu; empty when no derivatives are carried.
    std::vector<Eigen::MatrixXd> first = {};
    /// d^2/dnu_a dnu_b with a >= b at a (a + 1) / 2 + b; empty when no second derivatives are carried.
    std::vector<Eigen::MatrixXd> second = {};
    double log_scale = 0.0;

    static std::size_t pair(std::size_t a, std::size_t b) noexcept {
        return a >= b ? a * (a + 1) / 2 + b : b * (b + 1) / 2 + a;
    }
};

MatrixJet product(const MatrixJet& left, const MatrixJet& right);
/// By squaring; exponent >= 0.
MatrixJet power(MatrixJet base, std::size_t exponent);

/// The largest eigenvalue and its eigenvector v (v > 0, |v| = 1) of a positive symmetric matrix, with as many
/// derivatives as the matrix carries.
struct DominantPair {
    double value;
    Eigen::VectorXd vector;
    std::vector<double> value_first = {}, value_second = {};
    std::vector<Eigen::VectorXd> vector_first = {}, vector_second = {};
};
DominantPair dominant_pair(const MatrixJet& matrix);

}  // namespace nubridge::maxent
