#include "model_file/json_object.hpp"

#include <algorithm>

namespace nubridge::model_file {

json parse_json(std::string_view text, const std::string& origin) {
    try {
        return json::parse(text);
    } catch (const json::parse_error& error) {
        throw ModelSyntaxError(origin + ": not valid JSON at byte " + std::to_string(error.byte) + " of " +
                               std::to_string(text.size()) +
                               "; the file may be truncated: restore it or make it again with `nubridge train`");
    } catch (const json::out_of_range& error) {
        throw ModelSyntaxError(origin + ": a number is too large: " + error.what() + "; correct it");
    }
}

std::size_t index_of(const Object& object, const std::vector<std::string>& names, const std::string& name,
                     const char* what) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    std::string known;
    for (const auto& one : names) known += (known.empty() ? "" : ", ") + one;
    object.fail("names an unknown " + std::string(what) + " '" + name + "'; known: " + known);
}

}  // namespace nubridge::model_file
