#include "maxent/transfer.hpp"

#include <cmath>
#include <utility>

namespace nubridge::maxent {

using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

void rescale(MatrixJet& jet) {
    const double size = jet.value.cwiseAbs().maxCoeff();
    jet.value /= size;
    for (auto& one : jet.first) one /= size;
    for (auto& one : jet.second) one /= size;
    jet.log_scale += std::log(size);
}

MatrixJet identity_like(const MatrixJet& other) {
    const auto q = other.value.rows();
    return {MatrixXd::Identity(q, q), std::vector<MatrixXd>(other.first.size(), MatrixXd::Zero(q, q)),
            std::vector<MatrixXd>(other.second.size(), MatrixXd::Zero(q, q)), 0.0};
}

}  // namespace

MatrixJet product(const MatrixJet& left, const MatrixJet& right) {
    MatrixJet out{left.value * right.value, {}, {}, left.log_scale + right.log_scale};
    for (std::size_t a = 0; a < left.first.size(); ++a)
        out.first.emplace_back(left.first[a] * right.value + left.value * right.first[a]);
    for (std::size_t a = 0; !left.second.empty() && a < left.first.size(); ++a) {
        for (std::size_t b = 0; b <= a; ++b) {
            const std::size_t ab = MatrixJet::pair(a, b);
            out.second.emplace_back(left.second[ab] * right.value + left.first[a] * right.first[b] +
                                    left.first[b] * right.first[a] + left.value * right.second[ab]);
        }
    }
    rescale(out);
    return out;
}

MatrixJet power(MatrixJet base, std::size_t exponent) {
    MatrixJet out = identity_like(base);
    for (; exponent > 0; exponent /= 2) {
        if (exponent % 2 == 1) out = product(out, base);
        if (exponent > 1) base = product(base, base);
    }
    return out;
}

// Perturbation theory with M = lambda - T + v v^T, which is invertible: M^-1 is the reduced resolvent where its
// argument is orthogonal to v.
DominantPair dominant_pair(const MatrixJet& matrix) {
    const MatrixXd& t = matrix.value;
    const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(t);
    VectorXd v = solver.eigenvectors().col(t.rows() - 1).cwiseAbs();
    for (int i = 0; i < 3; ++i) v = (t * v).normalized();  // small components to full relative precision
    DominantPair out{v.dot(t * v), v};
    if (matrix.first.empty()) return out;
    const Eigen::PartialPivLU<MatrixXd> m(out.value * MatrixXd::Identity(t.rows(), t.cols()) - t + v * v.transpose());
    for (const MatrixXd& d : matrix.first) {
        out.value_first.push_back(v.dot(d * v));
        out.vector_first.emplace_back(m.solve(d * v - out.value_first.back() * v));
    }
    if (matrix.second.empty()) return out;
    for (std::size_t a = 0; a < matrix.first.size(); ++a) {
        for (std::size_t b = 0; b <= a; ++b) {
            const VectorXd bent = matrix.second[MatrixJet::pair(a, b)] * v + matrix.first[a] * out.vector_first[b] +
                                  matrix.first[b] * out.vector_first[a];
            out.value_second.push_back(v.dot(bent));
            const VectorXd rest = bent - out.value_first[a] * out.vector_first[b] -
                                  out.value_first[b] * out.vector_first[a] - out.value_second.back() * v;
            out.vector_second.emplace_back(m.solve(rest) - out.vector_first[a].dot(out.vector_first[b]) * v);
        }
    }
    return out;
}

}  // namespace nubridge::maxent
