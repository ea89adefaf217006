#pragma once

#include <cstddef>
#include <vector>

#include "chemistry/input.hpp"

namespace nubridge::chemistry {

/// A window of time in which every input stays below a bound: what exact thinning needs.
///
/// Candidates are drawn with the bounds of the window; at a candidate's time the true values decide. Windows follow
/// each other without a gap and depend on what they are asked only, never on where a caller pauses. A window ends at a
/// knot unless the inputs move little across it, so that piecewise-constant inputs have no candidate in vain.
class InputWindow {
public:
    explicit InputWindow(std::vector<Input> inputs = {});

    bool empty() const noexcept { return inputs_.empty(); }
    const std::vector<Input>& inputs() const noexcept { return inputs_; }

    /// A new window from t_s on, as long as the last ones were worth.
    void open(double t_s) noexcept;
    /// Ends this window earlier: at its first knot, or else at half its length.
    void shorten() noexcept;
    /// Whether each input stays within a quarter of its bound.
    bool is_tight() const noexcept { return tight_; }
    double length_s() const noexcept { return end_s_ - begin_s_; }
    /// The first time that belongs to the next window; infinity after the last knot.
    double end_s() const noexcept { return end_s_; }

    /// The greatest that an input can be in this window, in the network's unit.
    double upper(std::size_t input) const noexcept { return upper_[input]; }
    /// The input itself, in the network's unit, never below 0.
    double value(std::size_t input, double t_s) const noexcept;

private:
    double next_knot(double t_s) const noexcept;
    void measure() noexcept;

    std::vector<Input> inputs_;
    std::vector<double> upper_;
    std::vector<char> constant_;
    double begin_s_ = 0.0;
    double end_s_ = 0.0;
    double wanted_s_ = 1.0;
    bool tight_ = true;
};

}  // namespace nubridge::chemistry
