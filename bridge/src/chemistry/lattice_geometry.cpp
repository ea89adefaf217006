#include "chemistry/lattice_geometry.hpp"

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

LatticeGeometry::LatticeGeometry(const Space& space) {
    for (const std::size_t extent : space.shape) {
        if (extent == 0 || extent > most_sites / sites_) {
            refuse<InvalidArgument>("the lattice is ", space.shape[0], " x ", space.shape[1], " x ", space.shape[2],
                                    " sites; each edge has at least 1 and the whole at most 2^30: change the shape");
        }
        if (space.periodic && extent == 2)
            refuse<InvalidArgument>(
                "a periodic edge of 2 sites joins each pair twice; take 1, 3 or more, or a reflecting lattice");
        if (extent > 1) {
            const auto edge = static_cast<std::uint32_t>(extent), stride = static_cast<std::uint32_t>(sites_);
            along_[axes_++] = {edge, stride, 1.0 / edge, 1.0 / stride, space.periodic};
        }
        sites_ *= extent;
    }
    if (axes_ == 0)
        refuse<InvalidArgument>("a lattice of 1 site has no neighbours; take the regime ssa, or more sites");
}

}  // namespace nubridge::chemistry
