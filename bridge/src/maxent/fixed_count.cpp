#include "maxent/fixed_count.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "chemistry/random_stream.hpp"
#include "units/error.hpp"

namespace nubridge::maxent {

namespace {

double logistic(double x) noexcept {
    return 1.0 / (1.0 + std::exp(-x));
}

double log_one_plus_exp(double x) noexcept {
    return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

double mean_count(std::span<const double> h, double shift) noexcept {
    double sum = 0.0;
    for (const double one : h) sum += logistic(one + shift);
    return sum;
}

/// So that the free units have a mean of `count`, about.
double shift_to(std::span<const double> h, std::size_t count) noexcept {
    const auto [least, most] = std::ranges::minmax(h);
    const auto wanted = static_cast<double>(count), units = static_cast<double>(h.size());
    const double odds = std::log(wanted / (units - wanted));
    double low = odds - most, high = odds - least;
    while (high - low > 1e-6 * std::max(1.0, std::abs(low))) {
        const double middle = 0.5 * (low + high);
        (mean_count(h, middle) < wanted ? low : high) = middle;
    }
    return 0.5 * (low + high);
}

}  // namespace

FixedCount::FixedCount(std::span<const double> h, std::size_t count) : count_(count), p_(h.size()) {
    if (count > h.size()) {
        throw InvalidArgument(std::to_string(count) + " units are to be active of " + std::to_string(h.size()) +
                              "; pass at most as many as there are");
    }
    if (!std::ranges::all_of(h, [](double one) { return std::isfinite(one); }))
        throw InvalidArgument("an h is not finite; pass finite numbers");
    if (count == 0 || count == h.size()) {
        std::ranges::fill(p_, count == 0 ? 0.0 : 1.0);
        if (count > 0) {
            for (const double one : h) log_free_ += one;
        }
    } else {
        const double shift = shift_to(h, count);
        for (std::size_t i = 0; i < h.size(); ++i) {
            p_[i] = logistic(h[i] + shift);
            log_free_ += log_one_plus_exp(h[i] + shift);
        }
        log_free_ -= shift * static_cast<double>(count);
    }
    const std::size_t width = count + 1;
    begin_.assign((h.size() + 1) * width, 0.0);
    begin_[0] = 1.0;
    for (std::size_t i = 0; i < h.size(); ++i) {
        const double* before = begin_.data() + i * width;
        double* after = begin_.data() + (i + 1) * width;
        const double active = p_[i], quiescent = 1.0 - p_[i];
        const auto [least, most] = reach(i + 1);
        if (least == 0) after[0] = before[0] * quiescent;
        for (std::size_t k = std::max<std::size_t>(least, 1); k <= most; ++k)
            after[k] = before[k] * quiescent + before[k - 1] * active;
    }
}

FixedCount::Reach FixedCount::reach(std::size_t first_units) const noexcept {
    const std::size_t rest = units() - first_units;
    return {count_ > rest ? count_ - rest : 0, std::min(first_units, count_)};
}

double FixedCount::log_partition() const noexcept {
    return log_free_ + std::log(begin(units(), count_));
}

void FixedCount::moments(std::span<double> moments) const {
    // rest[k]: of the units after i, count - 1 - k are active.
    std::vector<double> rest(count_ + 1, 0.0);
    if (count_ == 0) {
        std::ranges::fill(moments, 0.0);
        return;
    }
    rest[count_ - 1] = 1.0;
    const double whole = begin(units(), count_);
    for (std::size_t i = units(); i-- > 0;) {
        const double active = p_[i], quiescent = 1.0 - p_[i];
        const auto [least, most] = reach(i);
        const std::size_t end = std::min(most + 1, count_);
        double sum = 0.0;
        for (std::size_t k = least; k < end; ++k) sum += begin(i, k) * rest[k];
        moments[i] = std::min(active * sum / whole, 1.0);
        for (std::size_t k = std::max<std::size_t>(least, 1) - 1; k < end; ++k)
            rest[k] = rest[k] * quiescent + rest[k + 1] * active;
    }
}

void FixedCount::sample(std::uint64_t seed, std::uint64_t run, std::span<std::uint8_t> pattern) const {
    chemistry::RandomStream random(seed, run);
    std::size_t left = count_;
    for (std::size_t i = units(); i-- > 0;) {
        const double active = left == 0 ? 0.0 : p_[i] * begin(i, left - 1);
        const bool is_active = random.next().uniform * begin(i + 1, left) < active;
        pattern[i] = is_active ? 1 : 0;
        left -= is_active ? 1 : 0;
    }
}

}  // namespace nubridge::maxent
