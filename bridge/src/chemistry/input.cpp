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

/// The least and the greatest of Bernstein's coefficients on [x, x + width].
std::pair<double, double> hull(const Waveform::Piece& c, double x, double width) noexcept {
    const double a = cubic(c, x);
    const double b = (c[1] + x * (2.0 * c[2] + x * 3.0 * c[3])) * width / 3.0;
    const double second = (c[2] + 3.0 * c[3] * x) * width * width / 3.0;
    const double d = cubic(c, x + width);
    return std::minmax({a, a + b, a + 2.0 * b + second, d});
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
}

std::size_t Waveform::piece(double t_s) const noexcept {
    const auto after = std::upper_bound(knots_s_.begin(), knots_s_.end(), t_s);
    return after == knots_s_.begin() ? 0 : static_cast<std::size_t>(after - knots_s_.begin()) - 1;
}

double Waveform::value(double t_s) const noexcept {
    const std::size_t i = piece(t_s);
    return cubic(pieces_[i], std::max(t_s - knots_s_[i], 0.0));
}

double Waveform::slope(double t_s) const noexcept {
    if (t_s < knots_s_.front()) return 0.0;
    const std::size_t i = piece(t_s);
    const Piece& c = pieces_[i];
    const double x = t_s - knots_s_[i];
    return c[1] + x * (2.0 * c[2] + x * 3.0 * c[3]);
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
        const double from = std::max(from_s, knots_s_[i]);
        const double to = i + 1 < pieces_.size() ? std::min(to_s, knots_s_[i + 1]) : to_s;
        const auto [low, high] = hull(pieces_[i], from - knots_s_[i], std::max(to - from, 0.0));
        least = std::min(least, low);
        greatest = std::max(greatest, high);
    }
    return {least, greatest};
}

double Waveform::next_knot(double t_s) const noexcept {
    const auto after = std::upper_bound(knots_s_.begin(), knots_s_.end(), t_s);
    return after == knots_s_.end() ? std::numeric_limits<double>::infinity() : *after;
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
        const double least =
            input.waveform.range(-std::numeric_limits<double>::max(), std::numeric_limits<double>::max()).first;
        if (least < -1e-12)
            refuse<InvalidArgument>("the input '", name, "' falls to ", least, "; amounts and rates are not negative");
        if (species)
            definition.species[input.index].fixed = true;
        else
            require_parameter(*network, input.index);
    }
    return std::make_shared<const ReactionNetwork>(std::move(definition));
}

}  // namespace nubridge::chemistry
