#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dynamics/transition_network.hpp"

namespace nubridge::dynamics {

/// A transition network in the form that the kernels read: M(u) = Q(u) + shift(u) I by rows, all entries non-negative,
/// as shift(u) is the largest rate out of any state, or a little more.
///
/// Entry e of row j adds (coefficients[e] + SUM_i u_i coefficients[(1 + i) entries + e]) x[source[e]] to (M x)_j;
/// shift(u) = shift[0] + SUM_i u_i shift[1 + i].
struct KernelData {
    std::size_t states = 0;
    std::size_t inputs = 0;
    std::size_t entries = 0;
    std::vector<std::uint32_t> row_begin;
    std::vector<std::uint32_t> source;
    std::vector<double> coefficients;
    std::vector<double> shift;
    /// The coefficients once more in the order of the chosen kernel, where it has one of its own.
    std::vector<double> pairs;
};

/// Instances that the batch kernel advances together.
inline constexpr std::size_t batch_width = 4;

/// One instance: y = exp(h Q(u)) x for h (ms) and a non-negative x that sums to 1 within 1e-9; y is non-negative and
/// sums to 1. False, with y undefined, where x does not sum to 1 or the step is too long for the series.
using SingleKernel = bool (*)(const KernelData&, const double* u, double h, const double* x, double* y) noexcept;
/// The same for batch_width instances, instance index last: u[inputs][batch_width], x and y[states][batch_width].
using BatchKernel = bool (*)(const KernelData&, const double* u, double h, const double* x, double* y) noexcept;
/// The same in nu of the categorical family of that sign: nu and nu_out[states - 1][batch_width].
using BatchNuKernel = bool (*)(const KernelData&, double sign, const double* u, double h, const double* nu,
                               double* nu_out) noexcept;

struct KernelSet {
    SingleKernel single;
    BatchKernel batch;
    BatchNuKernel batch_nu;
};

/// The exact step of dp/dt = Q(u) p at constant u by uniformisation (Jensen 1953): exp(hQ) = e^(-h shift) exp(hM),
/// whose series has no negative term, so that no probability can come out negative whatever the rounding. Long steps
/// square the propagator.
///
/// Immutable after construction; every function is pure, re-entrant and does not allocate.
class Propagator {
public:
    explicit Propagator(const TransitionNetwork& network);

    /// p <- exp(dt Q(u)) p. dt_ms >= 0, u finite and >= 0, p non-negative. In place allowed. False when p is no
    /// probability.
    bool step(const double* u, double dt_ms, const double* p, double* p_out) const noexcept;
    /// batch_width instances at once, instance index last. False when any of them needs `step` on its own; p_out is
    /// then undefined.
    bool step_batch(const double* u, double dt_ms, const double* p, double* p_out) const noexcept {
        return kernels_.batch(data_, u, dt_ms, p, p_out);
    }
    /// The same in nu. False also where an occupancy is no number.
    bool step_nu_batch(double sign, const double* u, double dt_ms, const double* nu, double* nu_out) const noexcept {
        return kernels_.batch_nu(data_, sign, u, dt_ms, nu, nu_out);
    }
    /// dp/dt = Q(u) p, per ms.
    void rates(const double* u, const double* p, double* rates) const noexcept;
    /// x <- (I - gamma Q(u))^-1 x. gamma_ms >= 0.
    void solve_implicit(const double* u, double gamma_ms, double* x) const noexcept;
    /// The steady state at constant u, by the Grassmann-Taksar-Heyman elimination (no subtraction: full relative
    /// accuracy of every occupancy). False when it is not unique at this u.
    bool steady_state(const double* u, double* p) const noexcept;

    std::size_t state_count() const noexcept { return data_.states; }
    const KernelData& data() const noexcept { return data_; }

private:
    bool step_by_squaring(const double* u, double dt_ms, const double* p, double* p_out) const noexcept;
    void off_diagonal(const double* u, double* q) const noexcept;

    KernelData data_;
    KernelSet kernels_;
};

/// The kernels for this network on this processor: AVX2 where it has it, unrolled where the topology is one that we
/// compile. Fills `pairs`.
KernelSet choose_kernels(KernelData& data);

}  // namespace nubridge::dynamics
