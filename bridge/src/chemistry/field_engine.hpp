#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "chemistry/engine.hpp"
#include "chemistry/voxels.hpp"

namespace nubridge::chemistry {

/// What pde and spde share: real numbers of molecules in the voxels of a box, at first spread evenly over their homes.
///
/// What set_amount adds is spread evenly, what it removes is taken from each voxel in proportion.
class FieldEngine : public Engine {
public:
    double time_s() const noexcept final { return time_s_; }
    void amounts(std::span<double> amounts) const noexcept final;
    void set_amount(std::size_t species, double amount) final;
    void set_rate_constant(std::size_t reaction, double k) final;
    std::uint64_t events() const noexcept final { return steps_; }
    std::size_t cubes() const noexcept final { return voxels_.count(); }
    void field(std::size_t species, std::span<double> out) const final;
    void set_field(std::size_t species, std::span<const double> amounts) final;

protected:
    FieldEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options);

    /// Rates or amounts were changed from outside.
    virtual void changed() noexcept = 0;
    /// Another piece of the inputs begins.
    virtual void forget_rates() noexcept {}
    void restart_fields(std::span<const double> amounts);
    std::vector<double> initial() const;
    /// @throws InvalidArgument for a time that is not finite or in the past.
    void require_time(double t_s) const;
    /// Keeps rates_ on this side of `knot_s`, where the inputs may jump; the lesser of it and t_s.
    double open_piece(double knot_s, double t_s) noexcept;
    /// @throws Stopped when another thread wishes so.
    void look_at_stop() const;
    std::span<double> of(std::vector<double>& fields, std::size_t species) const noexcept {
        return {fields.data() + species * voxels_.count(), voxels_.count()};
    }

    Voxels voxels_;
    VoxelRates rates_;
    const std::atomic<bool>* stop_;
    std::vector<double> n_;  // species x voxels
    double time_s_ = 0.0, knot_s_ = -1.0;
    std::uint64_t steps_ = 0;

private:
    double total(std::size_t species) const noexcept;
    void add_evenly(std::size_t species, double molecules) noexcept;
};

}  // namespace nubridge::chemistry
