#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "chemistry/engine.hpp"
#include "chemistry/network.hpp"
#include "chemistry/sparse_lu.hpp"

namespace nubridge::chemistry {

/// Mass action, dx/dt = SUM_r change_r k_r PROD_s x_s^m / m!, by the L-stable Rosenbrock method RODAS of order 4(3)
/// (Hairer and Wanner, Solving Ordinary Differential Equations II, IV.7) with the exact Jacobian, sparse factors and
/// error control. Linear laws such as conserved totals hold to rounding. Inputs enter at each stage's own time and with
/// their time derivative, and a step ends where one jumps or has a kink, so that the order holds.
class OdeEngine final : public Engine {
public:
    /// @param network its driven species are fixed (see `clamped`).
    /// @throws InvalidArgument for a relative tolerance outside 1e-13 to 0.1 or an absolute one that is not positive.
    OdeEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options);

    double time_s() const noexcept override { return time_s_; }
    void advance(double t_s) override;
    void amounts(std::span<double> amounts) const noexcept override;
    void set_amount(std::size_t species, double amount) override;
    void set_rate_constant(std::size_t reaction, double k) override;
    void restart(std::span<const double> amounts, std::uint64_t run) override;
    std::uint64_t events() const noexcept override { return steps_; }

private:
    using Vector = std::vector<double>;
    /// d(change of `row`)/d(amount of `column`) += delta * d(rate of reaction)/d(amount of its term).
    struct Slope {
        std::size_t position;
        std::size_t slope;
        double delta;
    };

    /// The rate constant of `reaction` is factor * the value of an input.
    struct DrivenRate {
        std::size_t reaction;
        std::size_t input;
        double factor;
    };
    /// A reactant that follows an input: the place of its slope in slope_.
    struct DrivenTerm {
        std::size_t reaction;
        std::size_t input;
        std::size_t slope;
    };

    static std::vector<std::pair<std::size_t, std::size_t>> pattern(const ReactionNetwork& network);
    void add_input(std::size_t number);
    double checked_amount(std::size_t species, double amount) const;
    /// Driven amounts and rate constants as they are at t_s, or just before it.
    void follow(double t_s, bool before, Vector& x) noexcept;
    void rates(const Vector& x, Vector& dxdt) noexcept;
    void jacobian(const Vector& x) noexcept;
    /// d(dx/dt)/dt at fixed amounts, from the inputs' slopes at time_s_; after jacobian().
    void drift_of_inputs() noexcept;
    /// One step of h_s, to end_s, from x_ to fresh_; false when the matrix is singular.
    bool step(double h_s, double end_s) noexcept;
    /// Where a step ends at the latest.
    double stop_s(double t_s) const noexcept;
    /// The error of that step; at most 1 is good.
    double error_norm() const noexcept;

    std::shared_ptr<const ReactionNetwork> network_;
    double relative_, absolute_;
    std::vector<Input> inputs_;
    std::vector<DrivenRate> driven_rates_;
    std::vector<DrivenTerm> driven_terms_;
    const std::atomic<bool>* stop_;
    Vector k_;
    std::vector<Slope> slopes_;
    std::vector<std::size_t> diagonal_;
    std::size_t slope_count_ = 0;
    SparseLu lu_;

    Vector x_, fresh_, error_, trial_, slope_, scratch_, jacobian_, moved_;
    std::array<Vector, 5> g_;
    double time_s_ = 0.0;
    double suggested_s_ = 0.0;
    std::uint64_t steps_ = 0;
};

}  // namespace nubridge::chemistry
