#include "maxent/family.hpp"

namespace nubridge::maxent {

double Family::expectation(std::span<const double> nu, const std::function<double(std::span<const double>)>& f) const {
    const WeightedStates law = states(nu);
    double sum = 0.0;
    for (std::size_t i = 0; i < law.size(); ++i)
        sum += law.probabilities[i] * f(std::span(law.states).subspan(i * state_size(), state_size()));
    return sum;
}

}  // namespace nubridge::maxent
