#pragma once

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <cstddef>

namespace nubridge::dynamics {

/// The outcome of an adaptive integration.
struct IntegrationResult {
    bool converged = false;
    std::size_t steps = 0;
    std::size_t rejected = 0;
};

/// RODAS3 (Sandu et al. 1997, Atmos. Environ. 31:3459): a four-stage Rosenbrock method of order 3 with an embedded one
/// of order 2; L-stable and stiffly accurate, with linear systems only. For dy/dt = f(t, y) with exact derivatives.
///
/// @tparam MaxSize the largest system; all storage is of that size and lives in the object.
template <int MaxSize>
class Rosenbrock {
public:
    using Vector = Eigen::Matrix<double, Eigen::Dynamic, 1, 0, MaxSize, 1>;
    using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor, MaxSize, MaxSize>;

    static constexpr std::size_t max_steps = 100000;

    /// Advances y from t = 0 to `duration`, each step's error at most tolerance * (1 + |y|).
    ///
    /// @param f    f(t, y, out): the right-hand side.
    /// @param df   df(t, y, jacobian, time_derivative): df/dy and df/dt.
    template <class F, class DF>
    IntegrationResult integrate(F&& f, DF&& df, double duration, double tolerance, Vector& y) {
        IntegrationResult result;
        double t = 0.0;
        double h = duration;
        while (t < duration) {
            if (result.steps + result.rejected >= max_steps) return result;
            h = std::min(h, duration - t);
            const double error = attempt(f, df, t, h, tolerance, y);
            const bool accepted = error <= 1.0;
            if (accepted) {
                t = duration - t <= h ? duration : t + h;
                y = next_;
                ++result.steps;
            } else {
                ++result.rejected;
            }
            const double factor = std::isfinite(error) ? 0.9 * std::cbrt(1.0 / std::max(error, 1e-10)) : 0.1;
            h *= std::clamp(factor, 0.1, accepted ? 5.0 : 0.9);
            if (t < duration && !(h > 1e-14 * duration)) return result;
        }
        result.converged = true;
        return result;
    }

private:
    /// One trial step into next_; returns the error in units of the tolerance.
    template <class F, class DF>
    double attempt(F& f, DF& df, double t, double h, double tolerance, const Vector& y) {
        const Eigen::Index n = y.size();
        Matrix system(n, n);
        Vector slope(n), time_derivative(n), k1(n), k2(n), k3(n), k4(n);
        df(t, y, system, time_derivative);
        system = Matrix::Identity(n, n) * (2.0 / h) - system;  // gamma = 1/2
        const Eigen::PartialPivLU<Matrix> lu(system);
        f(t, y, slope);
        k1 = lu.solve(slope + 0.5 * h * time_derivative);
        k2 = lu.solve(slope + 4.0 / h * k1 + 1.5 * h * time_derivative);
        next_ = y + 2.0 * k1;
        f(t + h, next_, slope);
        k3 = lu.solve(slope + (k1 - k2) / h);
        next_ = y + 2.0 * k1 + k3;
        f(t + h, next_, slope);
        k4 = lu.solve(slope + (k1 - k2 - 8.0 / 3.0 * k3) / h);
        next_ = y + 2.0 * k1 + k3 + k4;
        return (k4.array() / (tolerance * (1.0 + y.array().abs().max(next_.array().abs())))).abs().maxCoeff();
    }

    Vector next_;
};

}  // namespace nubridge::dynamics
