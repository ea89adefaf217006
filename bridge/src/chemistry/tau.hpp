#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "chemistry/leap.hpp"
#include "chemistry/random_counts.hpp"

namespace nubridge::chemistry {

/// Explicit tau-leaping in whole molecules (Cao, Gillespie and Petzold, J Chem Phys 124:044109, 2006) by the weak
/// trapezoidal rule of LeapEngine.
///
/// A reaction that has less than ten firings left is critical: it fires once in a leap at most, at its end. Where a
/// leap would hold fewer than ten events, a hundred are run one by one, exactly, by the direct method; inputs are met
/// by thinning. A half leap that took more than there is, whatever comes back, is drawn anew with half the length, so
/// that no count is ever negative, not even inside a leap.
///
/// A run that is read inside a half leap goes on to the same end of it: the firings so far are drawn from those of the
/// whole, from random numbers of their own.
class TauEngine final : public LeapEngine {
public:
    TauEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options);

    void advance(double t_s) override;
    /// Half leaps and exact events, since time 0.
    std::uint64_t leaps() const noexcept { return leaps_; }

private:
    static constexpr double few_firings = 10.0;
    static constexpr int exact_events = 100;

    /// A reaction that fires at a time; none: nothing until then.
    struct Event {
        double time_s;
        std::optional<std::size_t> reaction;
    };

    double molecules(std::size_t species, double amount) const override;
    void forget() noexcept override;
    void seed(std::uint64_t run) override;

    void plan();
    void plan_leap(double length_s);
    void plan_event();
    bool plan_second_half();
    /// Draws the firings from time_s_ to end_s with these combinations; false when they take more than there is.
    bool draw(std::span<const double> combinations, double end_s);
    /// The first event from time_s_ to limit_s among the reactions that are critical, or of all.
    Event first_event(double limit_s, bool only_critical);
    void mark_critical() noexcept;
    void finish() noexcept;
    void fire(std::size_t reaction, double times) noexcept;
    void fire_one(std::size_t reaction) noexcept;
    void split(double t_s) noexcept;

    RandomStream random_, splits_;
    std::vector<char> critical_;
    std::vector<double> noncritical_, bounds_, first_, second_, taken_;
    std::vector<std::vector<std::size_t>> dependents_;

    // What is planned from time_s_ on.
    bool planned_ = false;
    double end_s_ = 0.0;
    std::vector<double> firings_;         // by reaction, up to end_s_
    std::optional<std::size_t> event_;    // fires at end_s_ unless a half follows
    std::optional<double> second_end_s_;  // of the half that follows
    bool leaping_ = false;
    int exact_left_ = 0;
    std::uint64_t leaps_ = 0;
};

}  // namespace nubridge::chemistry
