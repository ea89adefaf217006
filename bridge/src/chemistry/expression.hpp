#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace nubridge::chemistry {

/// The value of a constant expression: numbers, names, + - * / ^ (also **), parentheses, the functions exp ln log10
/// log2 sqrt abs sin cos tan min max, the constants _pi and _e.
///
/// @param value_of gives the value of a name, or throws.
/// @throws NetworkInvalid that quotes `text` and names what it cannot read.
double evaluate(std::string_view text, const std::function<double(const std::string&)>& value_of);

}  // namespace nubridge::chemistry
