#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "chemistry/engine.hpp"
#include "chemistry/net_reader.hpp"
#include "chemistry/network.hpp"
#include "files.hpp"
#include "units/error.hpp"

/// Networks and statistics for the tests of chemistry.
namespace nubridge::test {

using chemistry::NetworkDefinition;
using chemistry::ReactionNetwork;

inline NetworkDefinition shipped(const std::string& name, const std::map<std::string, double>& overrides = {}) {
    const std::string path = std::string(NUBRIDGE_MODELS_FOLDER) + "/networks/" + name + ".net";
    return chemistry::read_net(read_text(path), path, overrides);
}

inline std::shared_ptr<const ReactionNetwork> made(NetworkDefinition definition) {
    return std::make_shared<const ReactionNetwork>(std::move(definition));
}

inline std::size_t species_of(const NetworkDefinition& definition, const std::string& name) {
    for (std::size_t s = 0; s < definition.species.size(); ++s) {
        if (definition.species[s].name == name) return s;
    }
    throw std::runtime_error("no species " + name);
}

inline double observed(const NetworkDefinition& definition, const std::string& name,
                       const std::vector<double>& amounts) {
    for (const auto& one : definition.observables) {
        if (one.name != name) continue;
        double sum = 0.0;
        for (const auto& [s, weight] : one.terms) sum += weight * amounts[s];
        return sum;
    }
    throw std::runtime_error("no observable " + name);
}

inline std::vector<double> amounts_of(const chemistry::Engine& engine, const ReactionNetwork& network) {
    std::vector<double> amounts(network.species_count());
    engine.amounts(amounts);
    return amounts;
}

/// Mean and variance with their standard errors.
struct Moments {
    explicit Moments(const std::vector<double>& sample) {
        const double n = static_cast<double>(sample.size());
        for (const double x : sample) mean += x / n;
        double fourth = 0.0;
        for (const double x : sample) {
            variance += (x - mean) * (x - mean) / (n - 1);
            fourth += std::pow(x - mean, 4) / n;
        }
        mean_error = std::sqrt(variance / n);
        variance_error = std::sqrt((fourth - variance * variance) / n);
    }
    double mean = 0.0, variance = 0.0, mean_error = 0.0, variance_error = 0.0;
};

/// Within four standard errors.
inline void expect_moments(const std::vector<double>& sample, double mean, double variance) {
    const Moments found(sample);
    EXPECT_NEAR(found.mean, mean, 4 * found.mean_error) << "z " << (found.mean - mean) / found.mean_error;
    EXPECT_NEAR(found.variance, variance, 4 * found.variance_error)
        << "z " << (found.variance - variance) / found.variance_error;
}

/// The message of a refusal holds every word.
template <class Error>
void expect_refused(const std::function<void()>& call, const std::vector<std::string>& words) {
    try {
        call();
        ADD_FAILURE() << "it was accepted";
    } catch (const Error& error) {
        for (const auto& word : words)
            EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
}

}  // namespace nubridge::test
