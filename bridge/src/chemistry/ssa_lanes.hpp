#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "chemistry/random_stream.hpp"

namespace nubridge::chemistry {

/// The next candidate event and the rate at which candidates come.
struct Schedule {
    double time_s = 0.0;
    /// Decides which reaction it is, and whether it fires.
    double uniform = 0.0;
    /// Candidates per second, and its inverse.
    double total = 0.0;
    double inverse_total = 0.0;
    /// The unit-rate waiting time that is left while `total` is 0.
    double pending = 0.0;
};

/// Exact events of up to 16 reactions of at most two reactants, without a branch that depends on which one fires.
///
/// Each reaction has a lane with its rate constant and its two factors (a count, a count less one, or 1). When reaction
/// j fires, every lane's factors change by constants that stand in column j: small whole numbers, so that nothing
/// drifts. Candidates come at a ceiling a few percent above the sum of the propensities, which is moved when the sum
/// leaves its reach; a candidate past the sum fires nothing (column `idle`). So the draw does not wait for the sum.
class Lanes {
public:
    static constexpr std::size_t max_reactions = 16;

    explicit Lanes(std::size_t reactions = 0) noexcept;

    /// propensity = k first second
    void set(std::size_t reaction, double k, double first, double second) noexcept;
    /// What one firing of `fired` adds to the factors of `reaction`.
    void set_change(std::size_t fired, std::size_t reaction, double first, double second) noexcept;

    /// Moves the ceiling when the sum of the propensities has left its reach; returns whether it did.
    bool follow(Schedule& schedule) const noexcept;

    /// Whether a candidate fires whose share of its propensity's bound is [0, bound): asked with the reaction, the time
    /// in s, and how far the candidate lies into it.
    using Accept = std::function<bool(std::size_t reaction, double t_s, double into)>;

    /// Runs candidates up to t_s, at most `most` of them, and returns their number. `accept` may be empty.
    std::uint64_t run(double t_s, std::uint64_t most, Schedule& schedule, RandomStream& random, const Accept& accept);

    /// How often each reaction fired since the last call of `forget`.
    std::uint64_t fired(std::size_t reaction) const noexcept { return fired_[reaction]; }
    void forget() noexcept { fired_ = {}; }

private:
    static constexpr std::size_t width = 4;
    static constexpr std::size_t max_blocks = max_reactions / width;
    using Row = std::array<double, width>;
    template <std::size_t Blocks>
    struct Registers;
    struct Differences;

    template <std::size_t Blocks, bool Asks>
    std::uint64_t run_any(double t_s, std::uint64_t most, Schedule& schedule, RandomStream& random,
                          const Accept& accept);
    template <std::size_t Blocks, bool Asks>
    std::uint64_t run_wide(double t_s, std::uint64_t most, Schedule& schedule, RandomStream& random,
                           const Accept& accept);
    template <std::size_t Blocks, bool Asks>
    std::uint64_t loop(double t_s, std::uint64_t most, Schedule& schedule, RandomStream& random, const Accept& accept);
    template <std::size_t Blocks>
    std::uint64_t run_blocks(double t_s, std::uint64_t most, Schedule& schedule, RandomStream& random,
                             const Accept& accept);
    double sum() const noexcept;

    // Reaction j stands in row j % blocks, lane j / blocks: sums run down the rows first, then along the lanes.
    struct alignas(32) Factors {
        std::array<Row, max_blocks> first{}, second{};
    };
    std::size_t blocks_;
    alignas(32) std::array<Row, max_blocks> k_{};
    Factors now_;
    std::array<Factors, max_reactions + 1> changes_{};
    std::array<std::uint64_t, max_reactions + 1> fired_{};
};

}  // namespace nubridge::chemistry
