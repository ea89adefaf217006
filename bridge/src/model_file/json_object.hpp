#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "units/error.hpp"

namespace nubridge::model_file {

using nlohmann::json;

/// @throws ModelSyntaxError that names the place.
json parse_json(std::string_view text, const std::string& origin);

/// Reads members of one JSON object and refuses what it does not know.
class Object {
public:
    Object(const json& value, std::string where, const std::set<std::string>& known)
        : value_(value), where_(std::move(where)) {
        if (!value.is_object()) fail("must be an object, found " + std::string(value.type_name()));
        for (const auto& [key, member] : value.items()) {
            if (!known.contains(key)) fail("has an unknown member '" + key + "'; known: " + joined(known));
        }
    }

    [[noreturn]] void fail(const std::string& what) const { throw ModelInvalid(where_ + " " + what); }

    const json& member(const std::string& key) const {
        const auto found = value_.find(key);
        if (found == value_.end()) fail("lacks the member '" + key + "'; add it");
        return *found;
    }
    bool has(const std::string& key) const { return value_.contains(key); }
    std::string text(const std::string& key) const {
        const json& found = member(key);
        if (!found.is_string()) fail("needs a string as '" + key + "', found " + found.dump());
        return found.get<std::string>();
    }
    double number(const std::string& key) const {
        const json& found = member(key);
        if (!found.is_number()) fail("needs a number as '" + key + "', found " + found.dump());
        return found.get<double>();
    }
    const json& list(const std::string& key) const {
        const json& found = member(key);
        if (!found.is_array() || found.empty()) fail("needs a list with at least one entry as '" + key + "'");
        return found;
    }

    /// The texts of a list of at least one.
    std::vector<std::string> texts(const std::string& key) const {
        std::vector<std::string> found;
        for (const json& one : list(key)) {
            if (!one.is_string()) fail("needs names as '" + key + "', found " + one.dump());
            found.push_back(one.get<std::string>());
        }
        return found;
    }
    /// A whole number from 0 on.
    std::size_t count(const std::string& key) const {
        const json& found = member(key);
        if (!found.is_number_unsigned()) fail("needs a whole number as '" + key + "', found " + found.dump());
        return found.get<std::size_t>();
    }

private:
    static std::string joined(const std::set<std::string>& names) {
        std::string text;
        for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
        return text;
    }

    const json& value_;
    std::string where_;
};

/// @throws ModelInvalid that lists the known names.
std::size_t index_of(const Object& object, const std::vector<std::string>& names, const std::string& name,
                     const char* what);

}  // namespace nubridge::model_file
