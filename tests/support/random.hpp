#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace nubridge::test {

/// Random numbers that are the same with every standard library.
class Random {
public:
    explicit Random(std::uint64_t seed) : generator_(seed) {}

    /// In [lower, upper).
    double uniform(double lower, double upper) {
        return lower + (upper - lower) * static_cast<double>(generator_() >> 11) * 0x1p-53;
    }
    /// In [lower, upper), every decade as likely.
    double log_uniform(double lower, double upper) { return std::exp(uniform(std::log(lower), std::log(upper))); }
    /// In 0 .. count - 1.
    std::size_t index(std::size_t count) { return static_cast<std::size_t>(generator_() % count); }
    /// Positive, summing to 1.
    std::vector<double> probabilities(std::size_t count) {
        std::vector<double> p(count);
        double sum = 0.0;
        for (double& one : p) sum += one = log_uniform(1e-3, 1.0);
        for (double& one : p) one /= sum;
        return p;
    }
    std::vector<double> uniforms(std::size_t count, double lower, double upper) {
        std::vector<double> values(count);
        for (double& value : values) value = uniform(lower, upper);
        return values;
    }

private:
    std::mt19937_64 generator_;
};

}  // namespace nubridge::test
