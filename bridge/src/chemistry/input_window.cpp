#include "chemistry/input_window.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nubridge::chemistry {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// The least part of its bound that an input of a tight window may have: at most a fifth of the candidates are in vain.
constexpr double tight = 0.8;

}  // namespace

InputWindow::InputWindow(std::vector<Input> inputs)
    : inputs_(std::move(inputs)), upper_(inputs_.size(), 0.0), constant_(inputs_.size(), 0) {}

double InputWindow::next_knot(double t_s) const noexcept {
    double knot_s = infinity;
    for (const Input& input : inputs_) knot_s = std::min(knot_s, input.waveform.next_knot(t_s));
    return knot_s;
}

void InputWindow::open(double t_s) noexcept {
    if (t_s == 0.0) wanted_s_ = 1.0;
    begin_s_ = t_s;
    end_s_ = next_knot(t_s) == infinity ? infinity : t_s + wanted_s_;
    measure();
    wanted_s_ *= 2.0;
}

void InputWindow::shorten() noexcept {
    const double knot_s = next_knot(begin_s_);
    end_s_ = knot_s < end_s_ ? knot_s : std::max(begin_s_ + length_s() / 2.0, std::nextafter(begin_s_, infinity));
    wanted_s_ = 2.0 * length_s();
    measure();
}

void InputWindow::measure() noexcept {
    // After the last knot nothing moves; the end itself belongs to the next window.
    const double last_s = end_s_ == infinity ? begin_s_ : std::max(begin_s_, std::nextafter(end_s_, -infinity));
    tight_ = true;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
        const auto [low, high] = inputs_[i].waveform.range(begin_s_, last_s);
        constant_[i] = static_cast<char>(low == high);
        // Horner's rule may pass Bernstein's bound by rounding.
        upper_[i] = std::max(constant_[i] ? high : high * (1.0 + 1e-12), 0.0);
        tight_ = tight_ && low >= tight * upper_[i];
    }
}

double InputWindow::value(std::size_t input, double t_s) const noexcept {
    return constant_[input] ? upper_[input] : std::max(inputs_[input].waveform.value(t_s), 0.0);
}

}  // namespace nubridge::chemistry
