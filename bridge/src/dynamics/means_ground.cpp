#include <cmath>
#include <sstream>
#include <utility>

#include "chemistry/refuse.hpp"
#include "dynamics/closure_ground.hpp"

namespace nubridge::dynamics {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using maxent::Family;

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

[[noreturn]] void refuse_singular(const Family& family, const VectorXd& direction) {
    std::ostringstream text;
    text.precision(3);
    const double largest = direction.cwiseAbs().maxCoeff();
    const auto names = family.nu_names();
    for (Index a = 0; a < direction.size(); ++a) {
        const double part = direction[a] / largest;
        if (std::abs(part) > 1e-3)
            text << (text.tellp() > 0 ? " " : "") << std::showpos << part << " " << names[static_cast<std::size_t>(a)];
    }
    chemistry::refuse<InvalidArgument>("the Fisher matrix is singular: moving nu along (", text.str(),
                                       ") does not change the law; drop one of these from the family, or move nu");
}

/// Solves Cov y = b, scaled to unit variances.
class FisherSolver {
public:
    FisherSolver(const Family& family, const MatrixXd& fisher) {
        scale_ = fisher.diagonal();
        for (Index a = 0; a < scale_.size(); ++a) {
            if (!(scale_[a] > 0.0)) refuse_singular(family, VectorXd::Unit(scale_.size(), a));
            scale_[a] = 1.0 / std::sqrt(scale_[a]);
        }
        const MatrixXd scaled = scale_.asDiagonal() * fisher * scale_.asDiagonal();
        solver_.compute(scaled);
        if (!(solver_.vectorD().minCoeff() > 1e-13)) {
            const Eigen::SelfAdjointEigenSolver<MatrixXd> modes(scaled);
            refuse_singular(family, scale_.asDiagonal() * modes.eigenvectors().col(0));
        }
    }

    MatrixXd solve(const MatrixXd& b) const { return scale_.asDiagonal() * solver_.solve(scale_.asDiagonal() * b); }

private:
    VectorXd scale_;
    Eigen::LDLT<MatrixXd> solver_;
};

}  // namespace

MeansGround::MeansGround(std::shared_ptr<const Family> family) : family_(std::move(family)) {}

void MeansGround::basis(std::span<const double> nu, std::span<double> basis) const {
    slopes(nu, {}, basis, {});
}

// From Cov F = sign b: Cov dF = sign db - (dCov) F.
void MeansGround::slopes(std::span<const double> nu, std::span<const double> weights, std::span<double> basis,
                         std::span<double> by_nu) const {
    const double sign = maxent::factor(family_->sign());
    const auto means = at(nu);
    const FisherSolver solver(*family_, means->fisher());
    const MatrixXd flux = means->flux();
    const MatrixXd f = sign * solver.solve(flux.transpose());
    Eigen::Map<RowMajor>(basis.data(), flux.rows(), flux.cols()) = f.transpose();
    const auto terms = static_cast<std::size_t>(flux.rows()), square = nu.size() * nu.size();
    for (std::size_t row = 0; row * square < by_nu.size(); ++row) {
        const auto own = weights.subspan(row * terms, terms);
        const VectorXd direction = f * Eigen::Map<const VectorXd>(own.data(), std::ssize(own));
        Eigen::Map<RowMajor>(by_nu.data() + row * square, std::ssize(nu), std::ssize(nu)) =
            solver.solve(sign * means->flux_slope(own) - means->fisher_slope(direction));
    }
}

}  // namespace nubridge::dynamics
