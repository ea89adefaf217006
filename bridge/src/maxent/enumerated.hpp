#pragma once

#include "maxent/family.hpp"

namespace nubridge::maxent {

/// A family whose law is written out: everything is a sum over states(nu).
class EnumeratedFamily : public Family {
public:
    std::size_t moment_count() const noexcept override { return nu_count(); }

    double log_partition(std::span<const double> nu) const override;
    void moments(std::span<const double> nu, std::span<double> moments) const override;
    void fisher(std::span<const double> nu, std::span<double> fisher) const override;
    void sample(std::span<const double> nu, std::uint64_t seed, std::span<double> samples) const override;
};

/// Turns log weights into probabilities and ln Z.
void normalise(std::span<const double> log_weights, WeightedStates& law);

}  // namespace nubridge::maxent
