#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace nubridge::chemistry {

/// LU factors of matrices of one sparse pattern, without pivoting, in an order that keeps the fill small.
///
/// For the matrices 1 / (gamma h) - J of implicit steps: a step that is short enough makes their diagonal dominate, and
/// a factor that fails says so. Positions in values() are found once, by at().
class SparseLu {
public:
    /// @param entries (row, column) of what may be nonzero; the diagonal is added.
    SparseLu(std::size_t size, const std::vector<std::pair<std::size_t, std::size_t>>& entries);

    /// The index in values() of an entry of the pattern.
    std::size_t at(std::size_t row, std::size_t column) const;
    /// The matrix to factor; factor() replaces it by its factors.
    std::span<double> values() noexcept { return values_; }
    /// False when a pivot is zero or not finite.
    bool factor() noexcept;
    /// x <- A^-1 x. `scratch` has the size of x.
    void solve(std::span<double> x, std::span<double> scratch) const noexcept;

private:
    std::size_t size_;
    std::vector<std::size_t> order_,
        place_;  // order_[i]: the row that is eliminated as number i; place_ is its inverse
    std::vector<std::size_t> begin_, diagonal_, column_;  // rows in that order, columns ascending in it
    std::vector<double> values_, work_, reciprocal_;
};

}  // namespace nubridge::chemistry
