#pragma once

#include <sstream>

#include "units/error.hpp"

namespace nubridge::chemistry {

/// Throws `Kind` with the parts as its message.
template <class Kind = NetworkInvalid, class... Parts>
[[noreturn]] void refuse(const Parts&... parts) {
    std::ostringstream message;
    message.precision(15);
    (message << ... << parts);
    throw Kind(message.str());
}

}  // namespace nubridge::chemistry
