#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

namespace nubridge::maxent {

/// Uniform numbers that are the same with every standard library: 53 bits of a generator whose sequence the C++
/// standard fixes.
class Uniform {
public:
    explicit Uniform(std::uint64_t seed) : generator_(seed) {}

    /// In [0, 1).
    double operator()() { return static_cast<double>(generator_() >> 11) * 0x1p-53; }

    /// An index, each as likely as its weight; the weights need not sum to 1.
    std::size_t choose(std::span<const double> weights) {
        double sum = 0.0;
        for (const double weight : weights) sum += weight;
        double remaining = (*this)() * sum;
        std::size_t index = 0;
        while (index + 1 < weights.size() && remaining >= weights[index]) remaining -= weights[index++];
        while (weights[index] == 0.0 && index > 0) --index;
        return index;
    }

private:
    std::mt19937_64 generator_;
};

}  // namespace nubridge::maxent
