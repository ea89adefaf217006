#include <gtest/gtest.h>

#include "chemistry.hpp"
#include "chemistry/ode.hpp"

namespace nubridge::test {
namespace {

using chemistry::OdeEngine;

/// camkii and camkii75 side by side, in `ode`.
class Pair {
public:
    /// @param change what is done to both networks.
    explicit Pair(const std::function<void(NetworkDefinition&)>& change = [](NetworkDefinition&) {}) {
        for (const char* name : {"camkii", "camkii75"}) {
            auto definition = shipped(name);
            change(definition);
            networks.push_back(made(definition));
            engines.push_back(std::make_unique<OdeEngine>(
                networks.back(), chemistry::EngineOptions{.relative_tolerance = 1e-9, .absolute_tolerance = 1e-20}));
        }
    }

    void advance(double t_s) {
        for (auto& one : engines) one->advance(t_s);
    }
    void set_calcium(double amount_uM) {
        for (std::size_t i = 0; i < 2; ++i)
            engines[i]->set_amount(species_of(networks[i]->definition(), "Ca"), amount_uM);
    }
    void expect_equal_observables() const {
        const auto full = amounts_of(*engines[0], *networks[0]), lumped = amounts_of(*engines[1], *networks[1]);
        for (const auto& one : networks[1]->definition().observables) {
            const double expected = observed(networks[0]->definition(), one.name, full);
            EXPECT_NEAR(observed(networks[1]->definition(), one.name, lumped), expected, 1e-8 * expected)
                << one.name << " at " << engines[0]->time_s() << " s";
        }
    }

    std::vector<std::shared_ptr<const ReactionNetwork>> networks;
    std::vector<std::unique_ptr<OdeEngine>> engines;
};

void clamp_calcium(NetworkDefinition& definition) {
    definition.species[species_of(definition, "Ca")].fixed = true;
}

TEST(Lumping, OfCamkiiHas75SpeciesAnd264Reactions) {
    const ReactionNetwork network(shipped("camkii75"));
    EXPECT_EQ(network.species_count(), 75u);
    EXPECT_EQ(network.reaction_count(), 264u);
    EXPECT_EQ(network.conservation_laws().size(), 2u);  // calcium on phosphorylated kinase is no longer counted
}

TEST(Lumping, FollowsTheFullNetworkClosed) {
    Pair pair;
    for (const double t_s : {1e-3, 0.01, 0.1, 1.0, 10.0, 100.0}) {
        pair.advance(t_s);
        pair.expect_equal_observables();
    }
}

TEST(Lumping, FollowsTheFullNetworkClampedAndStepped) {
    Pair pair(clamp_calcium);
    for (const double calcium_uM : {0.1, 1.0, 10.0, 0.5}) {
        pair.set_calcium(calcium_uM);
        pair.advance(pair.engines[0]->time_s() + 2.0);
        pair.expect_equal_observables();
    }
}

TEST(Lumping, FollowsTheFullNetworkUnderAPulseTrain) {
    Pair pair(clamp_calcium);
    // 20 Hz, calcium 0.1 + 10 exp(-t / 12 ms) uM, held for 4 ms each
    for (int step = 0; step < 100; ++step) {
        double calcium_uM = 0.1;
        for (double since_s = 4e-3 * step; since_s > -1e-9; since_s -= 0.05)
            calcium_uM += 10.0 * std::exp(-since_s / 0.012);
        pair.set_calcium(calcium_uM);
        pair.advance(4e-3 * (step + 1));
        if (step % 10 == 9) pair.expect_equal_observables();
    }
}

}  // namespace
}  // namespace nubridge::test
