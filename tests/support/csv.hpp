#pragma once

#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace nubridge::test {

/// The rows of tests/support/oracles/<name>, each column under its heading, as text.
inline std::vector<std::map<std::string, std::string>> read_oracle_text(const std::string& name) {
    const std::string path = std::string(NUBRIDGE_ORACLES) + "/" + name;
    std::ifstream file(path);
    if (!file) throw std::runtime_error("cannot read " + path);
    const auto cells = [](const std::string& line) {
        std::vector<std::string> result;
        std::istringstream text(line);
        for (std::string cell; std::getline(text, cell, ',');) result.push_back(cell);
        return result;
    };
    std::string line;
    std::getline(file, line);
    const auto headings = cells(line);
    std::vector<std::map<std::string, std::string>> rows;
    while (std::getline(file, line)) {
        const auto values = cells(line);
        if (values.size() != headings.size()) throw std::runtime_error(path + ": a row of another length: " + line);
        auto& row = rows.emplace_back();
        for (std::size_t i = 0; i < values.size(); ++i) row[headings[i]] = values[i];
    }
    if (rows.empty()) throw std::runtime_error(path + " has no rows");
    return rows;
}

/// Where all are numbers.
inline std::vector<std::map<std::string, double>> read_oracle(const std::string& name) {
    std::vector<std::map<std::string, double>> rows;
    for (const auto& text : read_oracle_text(name)) {
        auto& row = rows.emplace_back();
        for (const auto& [heading, value] : text) row[heading] = std::stod(value);
    }
    return rows;
}

}  // namespace nubridge::test
