#include <gtest/gtest.h>

#include "chemistry.hpp"
#include "chemistry/lattice.hpp"
#include "ising.hpp"

namespace nubridge::test {
namespace {

using chemistry::EngineOptions;
using chemistry::LatticeEngine;
using chemistry::Space;

/// A ring of `sites` on which the only species, or all of `species`, hop at `hop_s` a side.
EngineOptions ring(std::size_t sites, double hop_s = 0.0, std::size_t species = 1) {
    EngineOptions options;
    options.space =
        Space{.shape = {sites, 1, 1}, .periodic = true, .diffusion_um2_s = std::vector<double>(species, hop_s)};
    return options;
}

/// Runs of A molecules, pairs and triplets a site at one time.
struct Clusters {
    std::vector<double> rho, eta, tau;

    void add(const LatticeEngine& engine) {
        std::vector<std::int32_t> sites(engine.site_count());
        engine.sites(sites);
        double counts[3] = {0.0, 0.0, 0.0};
        for (std::size_t i = 0; i < sites.size(); ++i) {
            for (std::size_t n = 0; n < 3 && sites[(i + n) % sites.size()] == 0; ++n) counts[n] += 1.0;
        }
        const auto size = static_cast<double>(sites.size());
        EXPECT_EQ(static_cast<double>(engine.pairs(0, 0)), counts[1]);
        rho.push_back(counts[0] / size);
        eta.push_back(counts[1] / size);
        tau.push_back(counts[2] / size);
    }
};

void expect_mean(const std::vector<double>& sample, double mean, const std::string& what) {
    const Moments found(sample);
    EXPECT_NEAR(found.mean, mean, 4 * found.mean_error) << what << " z " << (found.mean - mean) / found.mean_error;
}

struct Expected {
    double rho, eta, tau;
};

/// Independent chains of 1e5 sites from h = 0.5, J = 0.1, against `law` at each time.
void expect_law(const NetworkDefinition& network, const std::function<Expected(double)>& law) {
    const std::size_t runs = 20;
    const std::vector<double> times{0.0, 0.25, 0.5, 1.0, 2.0};
    const Ising start{0.5, 0.1};
    Random random(12);
    LatticeEngine engine(made(network), ring(100'000));
    std::vector<Clusters> found(times.size());
    for (std::size_t run = 0; run < runs; ++run) {
        engine.restart(std::vector<double>{0.0}, run);
        engine.set_sites(start.chain(engine.site_count(), random));
        for (std::size_t i = 0; i < times.size(); ++i) {
            engine.advance(times[i]);
            found[i].add(engine);
        }
    }
    for (std::size_t i = 0; i < times.size(); ++i) {
        const Expected expected = law(times[i]);
        const std::string at = " at " + std::to_string(times[i]) + " s";
        expect_mean(found[i].rho, expected.rho, "rho" + at);
        expect_mean(found[i].eta, expected.eta, "eta" + at);
        if (expected.tau > 0.0) expect_mean(found[i].tau, expected.tau, "triplets" + at);
    }
}

NetworkDefinition one_species(std::vector<chemistry::Reaction> reactions) {
    return {.name = "x", .species = {{"A", 0}}, .reactions = std::move(reactions)};
}

TEST(LatticeLaws, DecayThinsTheChain) {
    const Ising start{0.5, 0.1};
    expect_law(one_species({{"d", {0}, {}, {}, 1.0}}), [&](double t) {
        return Expected{start.rho() * std::exp(-t), start.eta() * std::exp(-2 * t),
                        start.eta() * start.eta() / start.rho() * std::exp(-3 * t)};
    });
}

TEST(LatticeLaws, LangmuirsAdsorptionFillsAndEmpties) {
    const double death = 1.0, birth = 0.5, s = death + birth, fill = birth / s;
    const double rho = Ising{0.5, 0.1}.rho(), eta = Ising{0.5, 0.1}.eta(), b = 2 * birth * (rho - fill) / s;
    expect_law(one_species({{"d", {0}, {}, {}, death}, {"b", {}, {0}, {}, birth}}), [&](double t) {
        return Expected{fill + (rho - fill) * std::exp(-s * t),
                        fill * fill + b * std::exp(-s * t) + (eta - fill * fill - b) * std::exp(-2 * s * t), 0.0};
    });
}

TEST(LatticeLaws, DecayAnnihilationAndCoalescenceTogether) {
    const double k = 0.4, c = 0.7, g = 0.9, s = k + c + g;
    const double rho = Ising{0.5, 0.1}.rho(), a0 = Ising{0.5, 0.1}.eta() / rho;
    expect_law(one_species({{"d", {0}, {}, {}, k}, {"c", {0, 0}, {}, {}, c}, {"g", {0, 0}, {0}, {}, g}}),
               [&](double t) {
                   const double a = a0 * std::exp(-s * t);
                   const double left = rho * std::exp(-k * t - (2 * c + g) * a0 * (1 - std::exp(-s * t)) / s);
                   return Expected{left, a * left, a * a * left};
               });
}

TEST(LatticeLaws, AnnihilationHasThePublishedDigits) {
    const std::vector<double> rho{0.283120371731, 0.208251399302}, eta{0.068779339765, 0.018611455106};
    expect_law(one_species({{"c", {0, 0}, {}, {}, 1.0}}), [&](double t) {
        if (t == 1.0) return Expected{rho[0], eta[0], 0.0};
        if (t == 2.0) return Expected{rho[1], eta[1], 0.0};
        const double a0 = Ising{0.5, 0.1}.eta() / Ising{0.5, 0.1}.rho(), a = a0 * std::exp(-t);
        const double left = Ising{0.5, 0.1}.rho() * std::exp(-2 * (a0 - a));
        return Expected{left, a * left, 0.0};
    });
}

/// Annihilation with hopping on a ring of 12: the master equation over 4096 states.
TEST(LatticeLaws, AnnihilationWithHoppingIsTheMasterEquationOfARing) {
    struct Case {
        double hop_s, rho, eta;
    };
    for (const Case& one : {Case{1.0, .19748176, .02763292}, Case{50.0, .18521191, .03121197}}) {
        Ising start(0.5, 0.1);
        Random random(5);
        LatticeEngine engine(made(one_species({{"c", {0, 0}, {}, {}, 1.0}})), ring(12, one.hop_s));
        Clusters found;
        for (std::size_t run = 0; run < 20'000; ++run) {
            engine.restart(std::vector<double>{0.0}, run);
            engine.set_sites(start.ring(12, random));
            engine.advance(2.0);
            found.add(engine);
        }
        expect_mean(found.rho, one.rho, "rho, hops " + std::to_string(one.hop_s));
        expect_mean(found.eta, one.eta, "eta, hops " + std::to_string(one.hop_s));
    }
}

/// The rates d rho/dt and d eta/dt of a chain with A -> 2A to a random side, from its start by a short run.
TEST(LatticeLaws, BranchingStartsAtItsMomentRates) {
    const Ising start{0.5, 0.1};
    const double rho = start.rho(), a = rho - start.eta(), t = 0.002;
    Random random(7);
    LatticeEngine engine(made(one_species({{"b", {0}, {0, 0}, {}, 1.0}})), ring(100'000));
    std::vector<double> of_rho, of_eta;
    for (std::size_t run = 0; run < 60; ++run) {
        engine.restart(std::vector<double>{0.0}, run);
        engine.set_sites(start.chain(engine.site_count(), random));
        Clusters before, after;
        before.add(engine);
        engine.advance(t);
        after.add(engine);
        of_rho.push_back((after.rho[0] - before.rho[0]) / t);
        of_eta.push_back((after.eta[0] - before.eta[0]) / t);
    }
    // The second order in t adds less than t times a rate of order 1.
    const Moments rho_rate(of_rho), eta_rate(of_eta);
    EXPECT_NEAR(rho_rate.mean, a, 4 * rho_rate.mean_error + t);
    EXPECT_NEAR(eta_rate.mean, a + a * a / (1 - rho), 4 * eta_rate.mean_error + t);
}

TEST(LatticeLaws, HoppingHasTheBernoulliEquilibrium) {
    // A pair of neighbours is a pair of draws without replacement. The slowest mode decays at 20 (2 pi / 60)^2 /s.
    const std::size_t sites = 60, molecules = 20;
    NetworkDefinition network{.name = "x", .species = {{"A", 0}}};
    LatticeEngine engine(made(network), ring(sites, 20.0));
    std::vector<std::int32_t> block(sites, -1);
    std::fill_n(block.begin(), molecules, 0);
    std::vector<double> pairs;
    for (std::size_t run = 0; run < 400; ++run) {
        engine.restart(std::vector<double>{0.0}, run);
        engine.set_sites(block);
        engine.advance(60.0);
        EXPECT_EQ(amounts_of(engine, *made(network))[0], molecules);
        pairs.push_back(static_cast<double>(engine.pairs(0, 0)));
    }
    const double n = sites, m = molecules;
    expect_mean(pairs, m * (m - 1) / (n - 1), "pairs");
}

TEST(LatticeLaws, AWalkerSpreadsAsDiffusionSays) {
    for (const std::size_t dimensions : {1, 2, 3}) {
        const std::size_t edge = 61;
        const double d_um2_s = 0.7, spacing_um = 0.5, t = 3.0;
        EngineOptions options;
        options.space =
            Space{.shape = {edge, dimensions > 1 ? edge : std::size_t{1}, dimensions > 2 ? edge : std::size_t{1}},
                  .spacing_um = spacing_um,
                  .diffusion_um2_s = {d_um2_s}};
        LatticeEngine engine(made(NetworkDefinition{.name = "x", .species = {{"A", 0}}}), options);
        std::vector<std::int32_t> centre(engine.site_count(), -1), sites(engine.site_count());
        centre[centre.size() / 2] = 0;
        std::vector<double> squares;
        for (std::size_t run = 0; run < (dimensions == 3 ? 100u : 2000u); ++run) {
            if (run % 100 == 0) engine.restart(std::vector<double>{0.0}, run);
            engine.set_sites(centre);
            engine.advance(engine.time_s() + t);
            engine.sites(sites);
            const auto found = static_cast<std::size_t>(std::find(sites.begin(), sites.end(), 0) - sites.begin());
            double square = 0.0;
            for (std::size_t axis = 0, rest = found; axis < dimensions; ++axis, rest /= edge)
                square += std::pow((static_cast<double>(rest % edge) - 30.0) * spacing_um, 2);
            squares.push_back(square);
        }
        expect_mean(squares, 2.0 * static_cast<double>(dimensions) * d_um2_s * t,
                    "square in " + std::to_string(dimensions) + " dimensions");
    }
}

}  // namespace
}  // namespace nubridge::test
