#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "chemistry/sparse_lu.hpp"
#include "chemistry/voxels.hpp"

namespace nubridge::chemistry {

/// Mass action within one voxel after another, in molecules: RODAS as in OdeEngine, for rates that may move in time.
class VoxelReactions {
public:
    /// @param relative,absolute tolerances; the absolute one in molecules of a voxel.
    VoxelReactions(const Voxels& voxels, const VoxelRates& rates, double relative, double absolute);

    /// After a change of VoxelRates.
    void forget() noexcept;
    /// From t_s over h_s in the voxel with that border.
    /// @param n one entry a species.
    /// @throws NotConverged when no step meets the tolerance.
    void advance(double t_s, double h_s, std::uint8_t border, std::span<double> n);
    /// The greatest rate at which a change of `n` is felt, 1/s.
    double fastest(double t_s, std::uint8_t border, std::span<const double> n) noexcept;

private:
    using Vector = std::vector<double>;
    struct Slope {
        std::size_t position;
        std::size_t slope;
        double delta;
    };
    struct Constants {
        double t_s;
        Vector k;
    };

    static std::vector<std::pair<std::size_t, std::size_t>> pattern(const Voxels& voxels);
    const Vector& constants(double t_s) noexcept;
    void changes(std::span<const double> n, std::span<const double> k, Vector& dndt) const noexcept;
    void slopes(double t_s, std::span<const double> n) noexcept;
    bool step(double t_s, double h_s, std::span<const double> n) noexcept;
    double error_norm(std::span<const double> n) const noexcept;

    const Voxels& voxels_;
    const VoxelRates& rates_;
    double relative_, absolute_;
    bool driven_ = false;
    std::uint8_t border_ = 0;
    std::vector<Slope> slope_list_;
    std::vector<std::size_t> diagonal_;
    SparseLu lu_;
    std::array<Constants, 8> kept_;
    std::size_t next_ = 0;
    double suggested_s_;
    Vector slope_, jacobian_, trial_, fresh_, error_, scratch_, moving_, push_;
    std::array<Vector, 5> g_;
};

}  // namespace nubridge::chemistry
