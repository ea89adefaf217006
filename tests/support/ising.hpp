#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "random.hpp"

namespace nubridge::test {

/// The Ising lattice gas p ~ exp(h n + J nn) on a chain: one molecule a site, nn pairs of neighbours.
class Ising {
public:
    Ising(double h, double j) : h_(h), j_(j) {}

    /// Molecules and pairs a site of the infinite chain, from the larger eigenvalue of the transfer matrix.
    double rho() const {
        const double e = std::exp(h_ + j_), d = std::sqrt((1 - e) * (1 - e) + 4 * std::exp(h_));
        return (e + ((e - 1) * e + 2 * std::exp(h_)) / d) / (1 + e + d);
    }
    double eta() const {
        const double e = std::exp(h_ + j_), d = std::sqrt((1 - e) * (1 - e) + 4 * std::exp(h_));
        return (e + (e - 1) * e / d) / (1 + e + d);
    }
    /// A piece of the infinite chain, which is a Markov chain along its sites: species 0, or -1 for an empty site.
    std::vector<std::int32_t> chain(std::size_t sites, Random& random) const {
        const double after_molecule = eta() / rho(), after_empty = (rho() - eta()) / (1 - rho());
        std::vector<std::int32_t> result;
        double p = rho();
        for (std::size_t i = 0; i < sites; ++i) {
            const bool molecule = random.uniform(0.0, 1.0) < p;
            result.push_back(molecule ? 0 : -1);
            p = molecule ? after_molecule : after_empty;
        }
        return result;
    }
    /// A ring, by the weights of its 2^sites states.
    std::vector<std::int32_t> ring(std::size_t sites, Random& random) {
        if (cumulative_.empty()) weigh(sites);
        const double pick = random.uniform(0.0, cumulative_.back());
        std::size_t state = 0;
        while (cumulative_[state] <= pick) ++state;
        std::vector<std::int32_t> result;
        for (std::size_t i = 0; i < sites; ++i) result.push_back((state >> i & 1) != 0 ? 0 : -1);
        return result;
    }

private:
    void weigh(std::size_t sites) {
        double sum = 0.0;
        for (std::size_t state = 0; state < std::size_t{1} << sites; ++state) {
            double energy = 0.0;
            for (std::size_t i = 0; i < sites; ++i) {
                const bool here = (state >> i & 1) != 0, next = (state >> (i + 1) % sites & 1) != 0;
                energy += (here ? h_ : 0.0) + (here && next ? j_ : 0.0);
            }
            cumulative_.push_back(sum += std::exp(energy));
        }
    }
    double h_, j_;
    std::vector<double> cumulative_;
};

}  // namespace nubridge::test
