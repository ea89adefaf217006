#include "chemistry/random_counts.hpp"

#include <cmath>
#include <numbers>

namespace nubridge::chemistry {

namespace {

/// ln k! - [(k + 1/2) ln k - k + ln(2 pi) / 2], k >= 1.
double stirling_error(double k) noexcept {
    if (k < 10.0) {
        double factorial = 1.0;
        for (double i = 2.0; i <= k; ++i) factorial *= i;
        return std::log(factorial) - (k + 0.5) * std::log(k) + k - 0.5 * std::log(2.0 * std::numbers::pi);
    }
    const double square = 1.0 / (k * k);
    return (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0))) / k;
}

/// ln of the probability of k, in a form whose terms do not cancel where k is close to a large mean.
double log_poisson(double k, double mean) noexcept {
    if (k == 0.0) return -mean;
    const double excess = (k - mean) / mean;
    const double deviance = mean * ((1.0 + excess) * std::log1p(excess) - excess);
    return -deviance - stirling_error(k) - 0.5 * std::log(2.0 * std::numbers::pi * k);
}

/// How many of n waiting times Exp(1) end before `until`: their order statistics are n^-1 E1, + (n-1)^-1 E2, ...
double count_before(RandomStream& random, double n, double until) noexcept {
    double count = 0.0;
    for (double t = random.next().exponential / n; t <= until && count < n;) {
        ++count;
        t += random.next().exponential / (n - count);
    }
    return count;
}

}  // namespace

double poisson(RandomStream& random, double mean) noexcept {
    if (mean < 10.0) {
        double count = 0.0;
        for (double t = random.next().exponential; t <= mean; t += random.next().exponential) ++count;
        return count;
    }
    const double b = 0.931 + 2.53 * std::sqrt(mean), a = -0.059 + 0.02483 * b;
    const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), squeeze = 0.9277 - 3.6224 / (b - 2.0);
    while (true) {
        const auto [minus_log_v, uniform] = random.next();
        const double u = uniform - 0.5, us = 0.5 - std::abs(u);
        const double k = std::floor((2.0 * a / us + b) * u + mean + 0.43);
        const double v = std::exp(-minus_log_v);
        if (us >= 0.07 && v <= squeeze) return k;
        if (k < 0.0 || (us < 0.013 && v > us)) continue;
        if (std::log(inverse_alpha / (a / (us * us) + b)) - minus_log_v <= log_poisson(k, mean)) return k;
    }
}

double binomial(RandomStream& random, double n, double p) noexcept {
    if (p > 0.5) return n - binomial(random, n, 1.0 - p);
    if (n * p < 10.0) return n > 0.0 && p > 0.0 ? count_before(random, n, -std::log1p(-p)) : 0.0;
    const double spread = std::sqrt(n * p * (1.0 - p));
    const double b = 1.15 + 2.53 * spread, a = -0.0873 + 0.0248 * b + 0.01 * p;
    const double alpha = (2.83 + 5.1 / b) * spread, squeeze = 0.92 - 4.2 / b;
    // Poisson(k; n p) Poisson(n - k; n q) is binomial up to a constant factor (Loader 2000).
    const auto weight = [&](double k) { return log_poisson(k, n * p) + log_poisson(n - k, n * (1.0 - p)); };
    while (true) {
        const auto [minus_log_v, uniform] = random.next();
        const double u = uniform - 0.5, us = 0.5 - std::abs(u);
        const double k = std::floor((2.0 * a / us + b) * u + n * p + 0.5);
        if (us >= 0.07 && std::exp(-minus_log_v) <= squeeze) return k;
        if (k < 0.0 || k > n) continue;
        const double mode = std::floor((n + 1.0) * p);
        if (std::log(alpha / (a / (us * us) + b)) - minus_log_v <= weight(k) - weight(mode)) return k;
    }
}

double NormalNumbers::next() noexcept {
    if (has_spare_) {
        has_spare_ = false;
        return spare_;
    }
    const auto [half_square, turn] = random_.next();
    const double radius = std::sqrt(2.0 * half_square), angle = 2.0 * std::numbers::pi * turn;
    spare_ = radius * std::sin(angle);
    has_spare_ = true;
    return radius * std::cos(angle);
}

}  // namespace nubridge::chemistry
