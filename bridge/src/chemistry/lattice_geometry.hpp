#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "chemistry/space.hpp"

namespace nubridge::chemistry {

/// The sites of a box, x fastest, and the bonds between nearest neighbours along the axes that have more than one site.
///
/// Side 2a leads down the a-th such axis and side 2a+1 up; bond `axes() * site + a` joins a site to the next one up.
class LatticeGeometry {
public:
    static constexpr std::uint32_t none = 0xFFFFFFFF;
    static constexpr std::size_t most_sites = std::size_t{1} << 30;

    /// @throws InvalidArgument for fewer than 2 or more than 2^30 sites, and a periodic axis of 2 sites.
    explicit LatticeGeometry(const Space& space);

    std::size_t sites() const noexcept { return sites_; }
    std::size_t axes() const noexcept { return axes_; }
    std::size_t sides() const noexcept { return 2 * axes_; }

    /// The site on that side, or `none` beyond a reflecting edge.
    std::uint32_t neighbour(std::uint32_t site, std::size_t side) const noexcept {
        const Axis& axis = along_[side / 2];
        const std::uint32_t coordinate = axis.coordinate(site);
        return side % 2 == 0 ? axis.below(site, coordinate) : axis.above(site, coordinate);
    }
    /// Calls visit(neighbour, bond) for every neighbour.
    template <class Visit>
    void for_each_neighbour(std::uint32_t site, const Visit& visit) const {
        for (std::size_t a = 0; a < axes_; ++a) {
            const std::uint32_t coordinate = along_[a].coordinate(site);
            const std::uint32_t below = along_[a].below(site, coordinate), above = along_[a].above(site, coordinate);
            if (below != none) visit(below, bond(below, a));
            if (above != none) visit(above, bond(site, a));
        }
    }
    std::uint32_t lower_end(std::uint32_t bond) const noexcept { return bond / static_cast<std::uint32_t>(axes_); }
    std::uint32_t upper_end(std::uint32_t bond) const noexcept {
        return neighbour(lower_end(bond), 2 * (bond % axes_) + 1);
    }

private:
    struct Axis {
        std::uint32_t extent = 1, stride = 1;
        double per_extent = 1.0, per_stride = 1.0;
        bool periodic = false;

        /// The quotients of whole numbers below 2^30, by products: a half more keeps them off the edge.
        std::uint32_t coordinate(std::uint32_t site) const noexcept {
            const auto row = static_cast<std::uint32_t>((site + 0.5) * per_stride);
            return row - extent * static_cast<std::uint32_t>((row + 0.5) * per_extent);
        }
        std::uint32_t below(std::uint32_t site, std::uint32_t coordinate) const noexcept {
            if (coordinate > 0) return site - stride;
            return periodic ? site + (extent - 1) * stride : none;
        }
        std::uint32_t above(std::uint32_t site, std::uint32_t coordinate) const noexcept {
            if (coordinate + 1 < extent) return site + stride;
            return periodic ? site - (extent - 1) * stride : none;
        }
    };

    std::uint32_t bond(std::uint32_t lower_end, std::size_t axis) const noexcept {
        return lower_end * static_cast<std::uint32_t>(axes_) + static_cast<std::uint32_t>(axis);
    }

    std::array<Axis, 3> along_;
    std::size_t axes_ = 0;
    std::size_t sites_ = 1;
};

}  // namespace nubridge::chemistry
