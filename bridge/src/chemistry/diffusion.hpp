#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "chemistry/voxels.hpp"

namespace nubridge::chemistry {

/// Diffusion between voxels over a time span, exact for the discrete Laplacian.
///
/// The Laplacian is a sum over axes that commute, so its exponential is a product of one-dimensional heat kernels. The
/// kernel of a ring of M voxels is f_j = 1/M SUM_k exp(-4 tau sin^2(pi k / M)) cos(2 pi k j / M) with tau = D t / h^2;
/// a reflecting chain of n is a ring of 2n on which every molecule has its image. No entry is negative and their sum is
/// 1: no span is too long, nothing becomes negative, and the mass stays to rounding.
class HeatKernel {
public:
    explicit HeatKernel(const Voxels& voxels);

    /// The kernels of this span; a few are kept, so that turning between them costs nothing.
    void prepare(double t_s) noexcept;
    /// Lets a species diffuse over the span that was prepared last. `field`: one entry a voxel.
    void apply(std::size_t species, std::span<double> field) noexcept;

private:
    static constexpr std::size_t kept = 8;

    /// Of one axis and one constant: entry j is the share that moves j voxels either way, up to where it is negligible.
    using Kernel = std::vector<double>;
    struct Span {
        double t_s = -1.0;
        std::vector<std::array<Kernel, 3>> kernels;  // by distinct constant
    };

    void fill(Kernel& kernel, double tau, std::size_t axis) noexcept;
    void along(std::size_t axis, const Kernel& kernel, std::span<double> field) noexcept;
    void pad(const double* lines, std::size_t axis, std::size_t reach, std::size_t lanes) noexcept;

    const Voxels& voxels_;
    std::vector<double> hops_per_s_;   // distinct
    std::vector<std::size_t> hop_of_;  // by species
    std::array<Span, kept> spans_;
    std::size_t current_ = 0, next_ = 0;
    std::vector<double> padded_, decay_, cosine_;
};

}  // namespace nubridge::chemistry
