#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "chemistry/state_space.hpp"

namespace nubridge::chemistry {

/// SUM_j c_j x^j, x a time in s after some moment.
struct Polynomial {
    /// Three reactants and a rate constant, each a cubic.
    static constexpr std::size_t max_degree = 12;

    std::array<double, max_degree + 1> c = {1.0};
    std::size_t degree = 0;

    /// @pre the degrees sum to at most max_degree.
    void multiply(const Polynomial& other) noexcept;
    /// No value on [0, width] is larger in size.
    double bound(double width) const noexcept;
    /// SUM_{j>0} |c_j| width^j.
    double swing(double width) const noexcept;
};

/// The sparse generator of the master equation dp/dt = SUM_g phi_g(t) A_g p on a set of states, and its exact step.
///
/// The groups g are the reactions that move in time alike; group 0 has phi = 1. The entries of A_g are kept by
/// destination, as rate = coefficient of the reaction x ways. What jumps out of the set goes to a sink.
///
/// **The step** is uniformisation for rates that are polynomials in time: p(t) = exp(-q t) u(t) with u' = B(t) u,
/// B = q I + SUM_g phi_g A_g, and the Taylor series of u, (k+1) u_{k+1} = SUM_j B_j u_{k-j}. With constant rates and q
/// at least the largest rate of leaving, every term is non-negative and it is the textbook method (Jensen 1953;
/// Stewart, Introduction to the Numerical Solution of Markov Chains, 8.2). The number of terms comes from a majorant of
/// the series, so that less than 1e-16 of the probability is cut off; no step-size control is needed.
class Generator {
public:
    /// What a step did.
    struct Outcome {
        /// Probability that went to the sink.
        double leaked = 0.0;
        /// The step was given up because more leaked than allowed; the result is no distribution.
        bool leaks = false;
    };

    /// The jumps of the space, found by looking up every firing; rates are 0 until coefficients are given.
    /// @param group of each reaction, below `groups`.
    void build(const StateSpace& space, std::span<const std::uint32_t> group, std::size_t groups);
    /// One coefficient a reaction: events per way and second where phi = 1.
    void set_coefficients(std::span<const double> coefficients) noexcept;

    std::size_t jump_count() const noexcept;
    /// Jumps q h of the longest step; exp of more might overflow.
    static constexpr double most_jumps = 400.0;
    /// The longest time, at most `h_s`, that one step of at most `jumps` <= most_jumps may take.
    double longest_step_s(std::span<const Polynomial> phi, double h_s, double jumps = most_jumps) const noexcept;
    /// dp/dt at x = 0, without the sink. @return the mean number of events per second.
    double slope(std::span<const Polynomial> phi, std::span<const double> p, std::span<double> dpdt) const noexcept;
    /// From p at x = 0 to `out` at x = h_s.
    /// @pre h_s is at most longest_step_s.
    /// @throws Stopped.
    Outcome step(std::span<const Polynomial> phi, double h_s, double allowed, std::span<const double> p,
                 std::span<double> out);
    /// Whether leap is cheaper than steps: for few states and many jumps.
    bool prefers_leap(std::span<const Polynomial> phi, double h_s) const noexcept;
    /// step for any h_s, by squaring the matrix of a short step again and again; its columns are kept at the sum 1, and
    /// nothing is subtracted, so that slow changes keep their digits beside fast ones.
    /// @pre nothing jumps out of the set and the rates are constant.
    /// @throws Stopped.
    void leap(std::span<const Polynomial> phi, double h_s, std::span<const double> p, std::span<double> out);
    /// After a step that leaks: the states that it leaks from, but for the least.
    std::vector<std::uint32_t> leaking() const;
    /// Terms summed since the beginning.
    std::uint64_t terms() const noexcept { return terms_; }

private:
    struct Jump {
        std::uint32_t from;
        std::uint32_t to;
        std::uint32_t reaction;
        double ways;
    };
    struct Group {
        std::vector<std::size_t> first;  // of each destination; one past the last
        std::vector<std::uint32_t> from;
        std::vector<std::uint32_t> reaction;
        std::vector<double> ways;
        std::vector<double> rate;
        std::vector<double> leaving;  // one a state, the sink included
        std::vector<Jump> outward;    // to the sink
        std::vector<double> outward_rate;
        double fastest = 0.0;
    };

    static void take(Group& group, std::size_t states, const std::vector<Jump>& jumps);
    double uniform_rate(std::span<const Polynomial> phi, double h_s) const noexcept;
    std::size_t terms_needed(std::span<const Polynomial> phi, double q, double h_s) const noexcept;
    void start(std::span<const Polynomial> phi, std::span<const double> p);
    void next_term(std::span<const Polynomial> phi, double q, double h_s, std::size_t k) noexcept;
    void square();
    std::span<const double> combined(const Polynomial& phi, double h_s, std::size_t k) noexcept;

    const StateSpace* space_ = nullptr;
    std::size_t states_ = 0;
    std::vector<Group> groups_;
    std::vector<std::vector<double>> history_;  // u_k h^k in place k modulo their number
    std::vector<double> history_sink_;
    std::vector<double> sum_, mixed_;
    std::vector<double> matrix_, product_;  // of leap, by columns
    double sum_sink_ = 0.0;
    std::uint64_t terms_ = 0;
};

}  // namespace nubridge::chemistry
