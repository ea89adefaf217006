#pragma once

#include "chemistry/random_stream.hpp"

namespace nubridge::chemistry {

/// A whole number from the Poisson distribution: waiting times below a mean of 10, else Hoermann's transformed
/// rejection (PTRS; Insurance: Mathematics and Economics 12:39, 1993). 0 for a mean of 0.
double poisson(RandomStream& random, double mean) noexcept;

/// A whole number from the binomial distribution: waiting times where fewer than 10 are expected, else Hoermann's
/// transformed rejection (BTRS; J Stat Comput Simul 46:101, 1993).
/// @param n a whole number.
/// @param p in [0, 1].
double binomial(RandomStream& random, double n, double p) noexcept;

/// Standard normal numbers by Box and Muller, two from one pair of the stream.
class NormalNumbers {
public:
    explicit NormalNumbers(RandomStream random = RandomStream()) noexcept : random_(random) {}
    double next() noexcept;

private:
    RandomStream random_;
    double spare_ = 0.0;
    bool has_spare_ = false;
};

}  // namespace nubridge::chemistry
