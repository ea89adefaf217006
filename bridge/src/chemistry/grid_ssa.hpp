#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "chemistry/engine.hpp"
#include "chemistry/random_stream.hpp"
#include "chemistry/voxel_groups.hpp"
#include "chemistry/voxels.hpp"

namespace nubridge::chemistry {

/// The reaction-diffusion master equation on the voxels of a box, exactly: whole molecules that hop to each neighbour
/// with D / h^2 and react within their voxel (constants: Voxels).
///
/// Voxels are chosen by composition and rejection (Slepoy, Thompson and Plimpton, J Chem Phys 128:205101, 2008, here
/// over the voxels as in the next-subvolume method of Elf and Ehrenberg, Syst Biol 1:230, 2004): those with a
/// propensity below 2^e are one group, a candidate is a member of a group, and fires with probability propensity / 2^e.
/// So the cost of an event does not depend on the number of voxels. A voxel moves to a higher group at once and to a
/// lower one when a rejection finds it too high; what a hop adds and takes is followed in its sum, which every
/// rejection makes anew. Within the voxel the search is linear in species and reactions.
///
/// Rates that move in time: the bounds hold for a window, about one candidate a voxel long, and a candidate of such a
/// reaction fires with probability rate(t) / bound, which is exact thinning.
///
/// The initial molecules, whose number is rounded for the whole box, are put at random among their homes, as is what
/// set_amount adds; what it removes is chosen at random among the molecules.
class GridSsaEngine final : public Engine {
public:
    /// @throws InvalidArgument as Voxels, and for more than 2^31 - 1 molecules of a species.
    GridSsaEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options);

    double time_s() const noexcept override { return time_s_; }
    /// @throws NotConverged when a species grows beyond 2^31 - 1 molecules.
    void advance(double t_s) override;
    void amounts(std::span<double> amounts) const noexcept override;
    void set_amount(std::size_t species, double amount) override;
    void set_rate_constant(std::size_t reaction, double k) override;
    void restart(std::span<const double> amounts, std::uint64_t run) override;
    std::uint64_t events() const noexcept override { return events_; }
    std::size_t cubes() const noexcept override { return voxels_.count(); }
    void field(std::size_t species, std::span<double> out) const override;
    void set_field(std::size_t species, std::span<const double> amounts) override;

    /// Candidates looked at, fired or not.
    std::uint64_t candidates() const noexcept { return candidates_; }
    std::int64_t count(std::size_t species) const noexcept { return totals_[species]; }

    static constexpr std::int64_t max_count = (std::int64_t{1} << 31) - 1;

private:
    /// Random numbers drawn ahead, so that the voxels they will lead to are fetched in time.
    static constexpr std::size_t ahead = 8;

    /// What begins the row of a voxel; its counts and a 1 follow.
    struct Head {
        double weight;
        VoxelGroups::Place place;
    };
    struct Mover {
        double per_s;  // out of a voxel, through all sides
        double inverse;
        std::uint32_t species;
        std::uint32_t side_count;
        std::array<std::uint8_t, Voxels::sides> sides;
    };
    /// propensity = k n0 (n1 - offset1) (n2 - offset2), absent reactants being the constant 1.
    struct Rule {
        double k;
        std::array<std::uint32_t, 3> reactants;
        std::array<std::int32_t, 2> offsets;
        std::uint32_t reaction;
        std::uint8_t face;
        bool driven;
    };

    Head& head(std::size_t voxel) noexcept { return *reinterpret_cast<Head*>(rows_.get() + voxel * row_bytes_); }
    std::int32_t* counts(std::size_t voxel) noexcept {
        return reinterpret_cast<std::int32_t*>(rows_.get() + voxel * row_bytes_ + sizeof(Head));
    }
    const std::int32_t* counts(std::size_t voxel) const noexcept {
        return reinterpret_cast<const std::int32_t*>(rows_.get() + voxel * row_bytes_ + sizeof(Head));
    }
    static double propensity(const Rule& rule, const std::int32_t* n) noexcept;
    double weight(std::size_t voxel) noexcept;
    void build();
    void take_constants();
    void weigh_all() noexcept;
    void regroup(std::size_t voxel) noexcept;
    void shift(std::size_t voxel, std::uint32_t species, std::int32_t delta) noexcept;
    void settle(std::size_t voxel) noexcept;
    void candidate(double t_s);
    void hop(std::size_t voxel, const Mover& mover, double point) noexcept;
    void fire(std::size_t voxel, std::size_t reaction);
    void draw() noexcept;
    void run(double t_s);
    void open_window();
    double remaining() const noexcept;
    void reschedule(double remaining) noexcept;
    std::int64_t whole_count(std::size_t species, double amount) const;
    void place(std::size_t species, std::int64_t molecules);
    void remove(std::size_t species, std::int64_t molecules);
    template <class Change>
    void change(const Change& change);

    std::shared_ptr<const ReactionNetwork> network_;
    Voxels voxels_;
    VoxelRates rates_;
    std::uint64_t seed_;
    const std::atomic<bool>* stop_;

    std::size_t row_bytes_;
    std::unique_ptr<std::byte[]> rows_;
    std::vector<Mover> movers_;
    std::vector<Rule> rules_;
    std::vector<std::vector<std::uint32_t>> readers_;  // by species: rules
    std::vector<double> out_per_s_, constants_;        // by species; by reaction, with bounds of what moves
    std::vector<std::int64_t> totals_;

    VoxelGroups groups_;
    bool fetches_;

    RandomStream random_;
    std::array<RandomStream::Pair, ahead> pairs_{};
    std::size_t turn_ = 0;
    double time_s_ = 0.0, next_s_ = 0.0, window_end_s_ = 0.0;
    double uniform_ = 0.0, pending_ = 0.0;
    std::uint64_t events_ = 0, candidates_ = 0;
};

}  // namespace nubridge::chemistry
