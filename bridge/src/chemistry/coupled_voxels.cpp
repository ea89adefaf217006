#include "chemistry/coupled_voxels.hpp"

#include <algorithm>
#include <string>

namespace nubridge::chemistry {

namespace {

/// Unknowns times the square of the band that couples them, about the operations of a factorisation.
constexpr double most_operations = 1e7;
/// Names and the order of elimination take their time, too.
constexpr double most_unknowns = 2e4;

}  // namespace

bool CoupledVoxels::fits(const Voxels& voxels) noexcept {
    const std::size_t longest = std::max({voxels.length(0), voxels.length(1), voxels.length(2)});
    const double species = static_cast<double>(voxels.network().species_count());
    const std::size_t slice = voxels.count() / longest;
    const double band = species * static_cast<double>(slice);
    const double unknowns = species * static_cast<double>(voxels.count());
    return unknowns <= most_unknowns && unknowns * band * band <= most_operations;
}

CoupledVoxels::CoupledVoxels(const Voxels& voxels, const EngineOptions& options) {
    NetworkDefinition definition{.name = voxels.network().definition().name};
    for (const Species& one : voxels.network().definition().species) {
        for (std::size_t v = 0; v < voxels.count(); ++v)
            definition.species.push_back({one.name + " in voxel " + std::to_string(v), 0.0, one.fixed});
    }
    add_reactions(voxels, definition);
    add_hops(voxels, definition);
    engine_ = std::make_unique<OdeEngine>(std::make_shared<const ReactionNetwork>(std::move(definition)), options);
}

void CoupledVoxels::add_reactions(const Voxels& voxels, NetworkDefinition& definition) {
    for (std::size_t r = 0; r < voxels.network().reaction_count(); ++r) {
        const Reaction& one = voxels.network().definition().reactions[r];
        multiplicities_.push_back(1.0);
        for (const auto& term : voxels.reaction(r).terms) multiplicities_.back() *= factorial(term.multiplicity);
        for (std::size_t v = 0; v < voxels.count(); ++v) {
            if (!voxels.meets(r, v)) continue;
            Reaction copy{.name = one.name + " in voxel " + std::to_string(v), .reactants = {}, .products = {}};
            const auto put = [&](const std::vector<std::size_t>& side, std::vector<std::size_t>& out) {
                for (const std::size_t s : side) {
                    if (!voxels.clamped(s)) out.push_back(s * voxels.count() + v);
                }
            };
            put(one.reactants, copy.reactants);
            put(one.products, copy.products);
            definition.reactions.push_back(std::move(copy));
            reaction_of_.push_back(r);
        }
    }
}

void CoupledVoxels::add_hops(const Voxels& voxels, NetworkDefinition& definition) const {
    for (std::size_t s = 0; s < voxels.network().species_count(); ++s) {
        for (std::size_t v = 0; v < voxels.count(); ++v) {
            for (std::size_t side = 0; side < Voxels::sides; ++side) {
                const std::size_t w = voxels.neighbour(v, side);
                if (w == v || !voxels.moves(s, side / 2) || !voxels.lives(s, v)) continue;
                definition.reactions.push_back({.name = "hop " + std::to_string(definition.reactions.size()),
                                                .reactants = {s * voxels.count() + v},
                                                .products = {s * voxels.count() + w},
                                                .factor = voxels.hop_per_s(s)});
            }
        }
    }
}

void CoupledVoxels::restart(std::span<const double> n, std::span<const double> k) {
    std::vector<double> amounts(n.begin(), n.end());
    for (double& amount : amounts) amount = std::max(amount, 0.0);
    engine_->restart(amounts, 0);
    for (std::size_t i = 0; i < reaction_of_.size(); ++i)
        engine_->set_rate_constant(i, k[reaction_of_[i]] * multiplicities_[reaction_of_[i]]);
}

}  // namespace nubridge::chemistry
