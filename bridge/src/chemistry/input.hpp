#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "chemistry/network.hpp"

namespace nubridge::chemistry {

/// A number that moves in time: cubic pieces between knots, its first value before them and its last after them.
///
/// Two neighbours may meet with a jump; the value at a knot is that of the piece that begins there.
class Waveform {
public:
    /// value = c[0] + c[1] x + c[2] x^2 + c[3] x^3 with x = t_s - (the piece's knot).
    using Piece = std::array<double, 4>;

    /// @param knots_s finite, ascending strictly.
    /// @param pieces one a knot; the last holds a constant, its other coefficients are 0.
    /// @throws InvalidArgument that names the knot.
    Waveform(std::vector<double> knots_s, std::vector<Piece> pieces);

    double value(double t_s) const noexcept;
    /// From the left: at a jump, the value before it.
    double value_before(double t_s) const noexcept;
    /// From the right, per second.
    double slope(double t_s) const noexcept;
    /// The same number as powers 0 to 3 of the time after t_s, valid until the next knot.
    Piece about(double t_s) const noexcept;
    /// The least and the greatest value in [from_s, to_s], to rounding.
    std::pair<double, double> range(double from_s, double to_s) const noexcept;
    /// The first knot after t_s; infinity when there is none.
    double next_knot(double t_s) const noexcept;
    /// Where a step from t_s ends at the latest: at the next jump or kink, or at the 16th smooth knot, so that no pulse
    /// is stepped over; infinity when there is none.
    double next_stop(double t_s) const noexcept;

private:
    std::size_t piece(double t_s) const noexcept;
    bool is_smooth(std::size_t knot, double scale) const noexcept;

    std::vector<double> knots_s_;
    std::vector<Piece> pieces_;
    std::vector<double> stops_s_;  // one a knot: the next stop after it
};

/// A species or a parameter that follows a waveform from outside, in the network's unit.
struct Input {
    enum class Target : int { species = 0, parameter = 2 };
    Target target = Target::species;
    /// Of the species or the parameter.
    std::size_t index = 0;
    Waveform waveform;
};

/// The network in which every driven species is clamped, so that reactions read it and do not change it.
/// @throws InvalidArgument for an index out of range, an item driven twice, a waveform below 0, and a parameter from
///     which other parameters are computed or which no reaction has as its rate.
std::shared_ptr<const ReactionNetwork> clamped(std::shared_ptr<const ReactionNetwork> network,
                                               std::span<const Input> inputs);

/// For an amount or a rate constant that is set by hand while the input drives it.
/// @throws InvalidArgument that names the driven item.
[[noreturn]] void refuse_driven(const ReactionNetwork& network, const Input& input);

}  // namespace nubridge::chemistry
