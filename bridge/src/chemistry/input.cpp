#include "chemistry/input.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

double cubic(const Waveform::Piece& c, double x) noexcept {
    return c[0] + x * (c[1] + x * (c[2] + x * c[3]));
}

double cubic_slope(const Waveform::Piece& c, double x) noexcept {
    return c[1] + x * (2.0 * c[2] + x * 3.0 * c[3]);
}

/// Where the slope of a cubic is 0; NaN and infinity stand for no such place.
std::array<double, 2> turning_points(const Waveform::Piece& c) noexcept {
    const double root = std::sqrt(c[2] * c[2] - 3.0 * c[3] * c[1]);
    const double sum = -(c[2] + std::copysign(root, c[2]));
    return {sum / (3.0 * c[3]), c[1] / sum};
}

void require_parameter(const ReactionNetwork& network, std::size_t index) {
    const auto& definition = network.definition();
    const std::string& name = definition.parameters[index].name;
    for (const Parameter& other : definition.parameters) {
        if (std::find(other.uses.begin(), other.uses.end(), index) == other.uses.end()) continue;
        refuse<InvalidArgument>("the parameter '", other.name, "' is computed from '", name,
                                "', which an input drives; drive '", other.name, "' instead");
    }
    const auto rate = [&](const Reaction& one) { return one.parameter == index; };
    if (std::none_of(definition.reactions.begin(), definition.reactions.end(), rate)) {
        refuse<InvalidArgument>("an input drives the parameter '", name, "', which is the rate of no reaction");
    }
}

}  // namespace

Waveform::Waveform(std::vector<double> knots_s, std::vector<Piece> pieces)
    : knots_s_(std::move(knots_s)), pieces_(std::move(pieces)) {
    if (knots_s_.empty() || pieces_.size() != knots_s_.size())
        refuse<InvalidArgument>("a waveform has ", knots_s_.size(), " knots and ", pieces_.size(),
                                " pieces; it needs one piece a knot, at least one");
    for (std::size_t i = 0; i < knots_s_.size(); ++i) {
        const bool ascends = i == 0 || knots_s_[i] > knots_s_[i - 1];
        const auto finite = [](double c) { return std::isfinite(c); };
        if (std::isfinite(knots_s_[i]) && ascends && std::all_of(pieces_[i].begin(), pieces_[i].end(), finite))
            continue;
        refuse<InvalidArgument>("knot ", i, " of a waveform is ", knots_s_[i], " s with the value ", pieces_[i][0],
                                "; times ascend and all numbers are finite");
    }
    if (pieces_.back()[1] != 0.0 || pieces_.back()[2] != 0.0 || pieces_.back()[3] != 0.0)
        refuse<InvalidArgument>("the last piece of a waveform moves; it goes on for ever and must be constant");
    double scale = 0.0;
    for (const Piece& one : pieces_) scale = std::max(scale, std::abs(one[0]));
    stops_s_.assign(knots_s_.size(), std::numeric_limits<double>::infinity());
    for (std::size_t i = knots_s_.size() - 1, stop = knots_s_.size(); i-- > 0;) {
        if (!is_smooth(i + 1, scale)) stop = i + 1;
        const std::size_t end = std::min(stop, i + 16);
        if (end < knots_s_.size()) stops_s_[i] = knots_s_[end];
    }
}

bool Waveform::is_smooth(std::size_t knot, double scale) const noexcept {
    const double width = knots_s_[knot] - knots_s_[knot - 1];
    const double after = knot + 1 < knots_s_.size() ? knots_s_[knot + 1] - knots_s_[knot] : width;
    const double jump = cubic(pieces_[knot - 1], width) - pieces_[knot][0];
    const double kink = (cubic_slope(pieces_[knot - 1], width) - pieces_[knot][1]) * std::min(width, after);
    return std::abs(jump) <= 1e-8 * scale && std::abs(kink) <= 1e-7 * scale;
}

std::size_t Waveform::piece(double t_s) const noexcept {
    const auto after = std::upper_bound(knots_s_.begin(), knots_s_.end(), t_s);
    return after == knots_s_.begin() ? 0 : static_cast<std::size_t>(after - knots_s_.begin()) - 1;
}

double Waveform::value(double t_s) const noexcept {
    const std::size_t i = piece(t_s);
    return cubic(pieces_[i], std::max(t_s - knots_s_[i], 0.0));
}

double Waveform::value_before(double t_s) const noexcept {
    const std::size_t i = piece(t_s);
    return i > 0 && knots_s_[i] == t_s ? cubic(pieces_[i - 1], t_s - knots_s_[i - 1]) : value(t_s);
}

double Waveform::slope(double t_s) const noexcept {
    if (t_s < knots_s_.front()) return 0.0;
    const std::size_t i = piece(t_s);
    return cubic_slope(pieces_[i], t_s - knots_s_[i]);
}

Waveform::Piece Waveform::about(double t_s) const noexcept {
    if (t_s < knots_s_.front()) return {pieces_.front()[0]};
    const std::size_t i = piece(t_s);
    const Piece& c = pieces_[i];
    const double x = t_s - knots_s_[i];
    return {cubic(c, x), c[1] + x * (2.0 * c[2] + x * 3.0 * c[3]), c[2] + 3.0 * c[3] * x, c[3]};
}

std::pair<double, double> Waveform::range(double from_s, double to_s) const noexcept {
    double least = value(from_s), greatest = least;
    for (std::size_t i = piece(from_s); i < pieces_.size() && knots_s_[i] <= to_s; ++i) {
        const double from = std::max(from_s - knots_s_[i], 0.0);
        const double to = (i + 1 < pieces_.size() ? std::min(to_s, knots_s_[i + 1]) : to_s) - knots_s_[i];
        const auto turns = turning_points(pieces_[i]);
        for (const double x : {from, std::max(to, from), turns[0], turns[1]}) {
            if (!(x >= from && x <= to)) continue;
            least = std::min(least, cubic(pieces_[i], x));
            greatest = std::max(greatest, cubic(pieces_[i], x));
        }
    }
    return {least, greatest};
}

double Waveform::next_knot(double t_s) const noexcept {
    const auto after = std::upper_bound(knots_s_.begin(), knots_s_.end(), t_s);
    return after == knots_s_.end() ? std::numeric_limits<double>::infinity() : *after;
}

double Waveform::next_stop(double t_s) const noexcept {
    return t_s < knots_s_.front() ? knots_s_.front() : stops_s_[piece(t_s)];
}

std::shared_ptr<const ReactionNetwork> clamped(std::shared_ptr<const ReactionNetwork> network,
                                               std::span<const Input> inputs) {
    if (inputs.empty()) return network;
    NetworkDefinition definition = network->definition();
    std::set<std::pair<Input::Target, std::size_t>> driven;
    for (const Input& input : inputs) {
        const bool species = input.target == Input::Target::species;
        const std::size_t count = species ? definition.species.size() : definition.parameters.size();
        if (input.index >= count) refuse<InvalidArgument>("an input drives item ", input.index, "; there are ", count);
        const std::string& name =
            species ? definition.species[input.index].name : definition.parameters[input.index].name;
        if (!driven.emplace(input.target, input.index).second)
            refuse<InvalidArgument>("two inputs drive '", name, "'; give one");
        constexpr double ever = std::numeric_limits<double>::max();
        const auto [least, greatest] = input.waveform.range(-ever, ever);
        if (least < 0.0 && least < -1e-12 * greatest)
            refuse<InvalidArgument>("the input '", name, "' falls to ", least, "; amounts and rates are not negative");
        if (species)
            definition.species[input.index].fixed = true;
        else
            require_parameter(*network, input.index);
    }
    return std::make_shared<const ReactionNetwork>(std::move(definition));
}

void refuse_driven(const ReactionNetwork& network, const Input& input) {
    const auto& definition = network.definition();
    const bool is_species = input.target == Input::Target::species;
    refuse<InvalidArgument>("an input drives '",
                            is_species ? definition.species[input.index].name : definition.parameters[input.index].name,
                            "'; leave that input out to set ", is_species ? "the amount" : "the rate", " by hand");
}

}  // namespace nubridge::chemistry
