#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "chemistry/network.hpp"
#include "dynamics/network_closure.hpp"
#include "maxent/family.hpp"

/// Networks by a letter or two, closures as functions, and a plain integrator.
namespace nubridge::test {

using Numbers = std::vector<double>;

/// A network in molecules of reactions written "A + A -> B", "0 -> A", with these rate constants.
inline std::shared_ptr<const chemistry::ReactionNetwork> network_of(
    const std::vector<std::string>& species, const std::vector<std::pair<std::string, double>>& reactions) {
    chemistry::NetworkDefinition definition;
    definition.name = "test";
    for (const auto& name : species) definition.species.push_back({name});
    for (const auto& [text, rate] : reactions) {
        chemistry::Reaction reaction;
        reaction.name = text;
        reaction.factor = rate;
        std::vector<std::size_t>* side = &reaction.reactants;
        for (std::size_t from = 0, to = 0; from < text.size(); from = to + 1) {
            to = std::min(text.find(' ', from), text.size());
            const std::string word = text.substr(from, to - from);
            if (word == "->") side = &reaction.products;
            for (std::size_t s = 0; s < species.size(); ++s) {
                if (species[s] == word) side->push_back(s);
            }
        }
        definition.reactions.push_back(std::move(reaction));
    }
    return std::make_shared<const chemistry::ReactionNetwork>(std::move(definition));
}

inline Numbers rhs(const dynamics::NetworkClosure& closure, const Numbers& nu, const Numbers& inputs = {}) {
    Numbers f(closure.nu_count());
    closure.rhs(nu, inputs, f);
    return f;
}

inline Numbers moments(const maxent::Family& family, const Numbers& nu) {
    Numbers m(family.moment_count());
    family.moments(nu, m);
    return m;
}

inline Numbers fisher(const maxent::Family& family, const Numbers& nu) {
    Numbers c(family.nu_count() * family.nu_count());
    family.fisher(nu, c);
    return c;
}

/// Molecules and pairs a site of the infinite chain, exactly: decay k, A + A -> 0 at c, A + A -> A at g, no hopping.
inline Numbers pairs_law(double t, double rho0, double eta0, double k, double c, double g) {
    const double a0 = eta0 / rho0, all = k + c + g, gone = -std::expm1(-all * t) / all;
    const double rho = rho0 * std::exp(-k * t - (2 * c + g) * a0 * gone);
    return {rho, a0 * std::exp(-all * t) * rho};
}

/// Runge and Kutta's fourth order, `steps` equal steps of dy/dt = f(y).
template <class F>
Numbers integrate(const F& f, Numbers y, double t, std::size_t steps) {
    const double h = t / static_cast<double>(steps);
    const auto ahead = [&](const Numbers& slope, double by) {
        Numbers out = y;
        for (std::size_t i = 0; i < y.size(); ++i) out[i] += by * slope[i];
        return out;
    };
    for (std::size_t step = 0; step < steps; ++step) {
        const Numbers a = f(y), b = f(ahead(a, h / 2)), c = f(ahead(b, h / 2)), d = f(ahead(c, h));
        for (std::size_t i = 0; i < y.size(); ++i) y[i] += h / 6 * (a[i] + 2 * b[i] + 2 * c[i] + d[i]);
    }
    return y;
}

}  // namespace nubridge::test
