#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace nubridge::maxent {

/// Binary units of which exactly `count` are active, else independent: p(s) = exp(SUM_i h_i s_i) / Z over the patterns
/// with that many (conditional Bernoulli law; Chen, Dempster and Liu, Biometrika 81:457, 1994).
///
/// All by the recursion of the number active among the first i units, of positive terms. It runs on the probabilities
/// of the units that are free, shifted to a mean of `count`, which changes nothing and makes that number the likeliest:
/// no logarithm is needed, and nothing that counts underflows. Time and memory are units x count.
class FixedCount {
public:
    /// @param h one a unit, finite.
    /// @param count at most the number of units.
    /// @throws InvalidArgument for more, or for an h that is not finite.
    FixedCount(std::span<const double> h, std::size_t count);

    /// ln Z.
    double log_partition() const noexcept;
    /// The probability that each unit is active; they sum to `count`.
    void moments(std::span<double> moments) const;
    /// One pattern, a byte a unit, by the random numbers of (seed, run).
    void sample(std::uint64_t seed, std::uint64_t run, std::span<std::uint8_t> pattern) const;

private:
    /// How few and how many of the first units may be active, for `count` in all.
    struct Reach {
        std::size_t least, most;
    };
    Reach reach(std::size_t first_units) const noexcept;

    std::size_t units() const noexcept { return p_.size(); }
    double begin(std::size_t unit, std::size_t active) const noexcept { return begin_[unit * (count_ + 1) + active]; }

    std::size_t count_;
    double log_free_ = 0.0;      // ln of the free units' partition sum, less shift x count
    std::vector<double> p_;      // of each unit when free and shifted
    std::vector<double> begin_;  // (units + 1) x (count + 1): so many of the first i units are active
};

}  // namespace nubridge::maxent
