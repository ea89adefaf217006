#pragma once

#include <boost/hash2/sha2.hpp>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

/// Model texts to break one rule at a time.
namespace nubridge::test {

using nlohmann::json;

/// A two-state channel, unsealed.
inline json channel_model() {
    return json::parse(R"({
        "schema": "nubridge-model", "schema_version": 1, "name": "channel", "title": "A two-state channel", "policy": "clamp",
        "family": {"kind": "categorical", "sign": -1, "states": ["closed", "open"]},
        "inputs": [{"name": "ca", "unit": "uM", "domain": [0.01, 100]}],
        "dynamics": {"kind": "closure", "transitions": [
            {"from": "closed", "to": "open", "rate": 50, "unit": "/uM/s", "input": "ca"},
            {"from": "open", "to": "closed", "rate": 0.01, "unit": "/ms"}]},
        "observables": [{"name": "popen", "unit": "1", "weights": {"open": 1}}],
        "provenance": {"source": "a test"}})");
}

/// The seal as model_file.hpp describes it, made a second time: SHA-256 over the text without its hash, keys sorted, no
/// white space.
inline std::string hash_by_hand(json document) {
    document.erase("hash");
    const std::string text = document.dump();
    boost::hash2::sha2_256 digest;
    digest.update(text.data(), text.size());
    std::ostringstream hex;
    hex << "sha256:" << digest.result();
    return hex.str();
}

inline std::string sealed(json document) {
    document["hash"] = hash_by_hand(document);
    return document.dump(2);
}

}  // namespace nubridge::test
