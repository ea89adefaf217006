#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "dynamics/reduced_model.hpp"
#include "nubridge/nubridge.h"

namespace nubridge::c_api {

/// The one of the known inputs that caused `status`, in words; `otherwise` when it is none of them.
inline std::string culprit(const std::vector<dynamics::Input>& known, nubridge_status status, const double* inputs,
                           const char* otherwise = "an input is at fault") {
    std::ostringstream text;
    text.precision(15);
    for (std::size_t i = 0; i < known.size(); ++i) {
        const auto& input = known[i];
        const bool finite = std::isfinite(inputs[i]);
        const bool outside = !(inputs[i] >= input.lower && inputs[i] <= input.upper);
        if (status == NUBRIDGE_INVALID_INPUT ? finite && (inputs[i] >= 0.0 || input.lower < 0.0) : !outside) continue;
        text << "input '" << input.name << "' is " << inputs[i] << " " << input.unit;
        if (status == NUBRIDGE_INVALID_INPUT) {
            text << "; it must be finite and not negative: look for what writes it, or shorten dt";
        } else {
            text << ", outside the domain " << input.lower << " to " << input.upper << " " << input.unit;
        }
        return text.str();
    }
    return otherwise;
}

/// What to do, after an input that left the domain.
inline const char* remedy(std::int32_t policy) {
    switch (policy) {
        case NUBRIDGE_POLICY_CLAMP:
            return "; the policy clamp holds it at the bound: keep the input inside or train a wider model";
        case NUBRIDGE_POLICY_EXTRAPOLATE:
            return "; the policy extrapolate goes on with it: errors are not stated there";
        default:
            return "; the policy is error: choose clamp or extrapolate, keep the input inside, or train a wider model";
    }
}

}  // namespace nubridge::c_api
