#include "dynamics/basis_combination.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "dynamics/scratch.hpp"

namespace nubridge::dynamics {

BasisCombination::BasisCombination(std::shared_ptr<const NetworkClosure> closure, bool each_nu)
    : closure_(std::move(closure)), each_nu_(each_nu) {}

bool BasisCombination::rhs(const FieldPoint& at, std::span<double> rhs) const {
    if (!each_nu_) {
        closure_->rhs(at.nu, at.inputs, at.coefficients, rhs);
        return true;
    }
    const std::size_t n = nu_count(), terms = closure_->term_count();
    Scratch scratch;
    const auto basis = scratch.numbers(terms * n);
    closure_->terms(at.nu, at.inputs, basis);
    std::fill(rhs.begin(), rhs.end(), 0.0);
    for (std::size_t a = 0; a < n; ++a) {
        for (std::size_t r = 0; r < terms; ++r) rhs[a] += at.coefficients[a * terms + r] * basis[r * n + a];
    }
    return true;
}

void BasisCombination::jacobian(const FieldPoint& at, std::span<double> by_nu, std::span<double> by_input) const {
    if (!each_nu_) return closure_->jacobian(at.nu, at.inputs, at.coefficients, by_nu, by_input);
    const std::size_t n = nu_count(), m = input_count(), terms = closure_->term_count();
    std::vector<double> one(n * n), driven(n * m);
    for (std::size_t a = 0; a < n; ++a) {  // row a of the closure with the theta of nu_a
        closure_->jacobian(at.nu, at.inputs, at.coefficients.subspan(a * terms, terms), one, driven);
        std::copy_n(one.begin() + static_cast<std::ptrdiff_t>(a * n), n,
                    by_nu.begin() + static_cast<std::ptrdiff_t>(a * n));
        std::copy_n(driven.begin() + static_cast<std::ptrdiff_t>(a * m), m,
                    by_input.begin() + static_cast<std::ptrdiff_t>(a * m));
    }
}

void BasisCombination::by_coefficient(const FieldPoint& at, std::span<double> out) const {
    const std::size_t n = nu_count(), terms = closure_->term_count(), width = coefficient_count();
    std::vector<double> basis(terms * n);
    closure_->terms(at.nu, at.inputs, basis);
    std::fill(out.begin(), out.end(), 0.0);
    for (std::size_t a = 0; a < n; ++a) {
        const std::size_t first = each_nu_ ? a * terms : 0;
        for (std::size_t r = 0; r < terms; ++r) out[a * width + first + r] = basis[r * n + a];
    }
}

void BasisCombination::pull_back(const FieldPoint& at, std::span<const double> adjoint, std::span<double> by_nu,
                                 std::span<double> by_coefficient) const {
    const std::size_t n = nu_count(), terms = closure_->term_count(), rows = each_nu_ ? n : 1;
    Scratch scratch;
    const auto basis = scratch.numbers(terms * n), slopes = scratch.numbers(rows * n * n);
    closure_->slopes(at.nu, at.inputs, at.coefficients, basis, slopes);
    for (std::size_t a = 0; a < n; ++a) {
        const std::size_t row = each_nu_ ? a : 0;  // nu_a has the slopes of its own theta
        for (std::size_t b = 0; b < n; ++b) by_nu[b] += adjoint[a] * slopes[(row * n + a) * n + b];
        for (std::size_t r = 0; r < terms; ++r) by_coefficient[row * terms + r] += adjoint[a] * basis[r * n + a];
    }
}

}  // namespace nubridge::dynamics
