#include "chemistry/voxels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

constexpr std::size_t most_voxels = std::size_t{1} << 31;
constexpr const char* side_name[] = {"", "x-", "x+", "y-", "y+", "z-", "z+"};

void require_rate(const char* what, const std::string& name, double value) {
    if (value >= 0.0 && std::isfinite(value)) return;
    refuse<InvalidArgument>("the ", what, " of '", name, "' is ", value, "; it must be finite and not negative");
}

/// A number and its slope in time.
struct Moving {
    explicit Moving(double number, double per_s = 0.0) : value(number), slope(per_s) {}
    double value, slope;
};
Moving operator*(const Moving& a, const Moving& b) {
    return Moving(a.value * b.value, a.value * b.slope + a.slope * b.value);
}

}  // namespace

Voxels::Voxels(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options)
    : network_(std::move(network)) {
    if (!options.space)
        refuse<InvalidArgument>("the regime lives in a space and none was given; pass one, or use the regime ssa");
    const Space& space = *options.space;
    require_space(space);
    shape(space);
    const double volume_um3 = std::pow(space.spacing_um, 3) * static_cast<double>(count());
    unit_ = chemistry::molecules_per_unit(*network_, volume_um3);
    for (std::size_t s = 0; s < network_->species_count(); ++s) {
        hop_per_s_.push_back(space.diffusion_um2_s[s] / (space.spacing_um * space.spacing_um));
        homes_.push_back(count_on(face_[s]));
    }
    for (std::size_t r = 0; r < network_->reaction_count(); ++r) {
        const auto& one = network_->definition().reactions[r];
        Reaction reaction{{}, 0};
        for (const auto* side : {&one.reactants, &one.products}) {
            for (const std::size_t s : *side) reaction.face |= face_[s];
        }
        const std::size_t meeting = count_on(reaction.face);
        if (meeting == 0)
            refuse<InvalidArgument>("the species of the reaction '", one.name,
                                    "' share no voxel; put them on faces that meet");
        double scale = std::pow(unit_, 1.0 - static_cast<double>(network_->order(r))) / static_cast<double>(meeting);
        for (const auto& term : network_->terms(r)) {
            scale *=
                std::pow(static_cast<double>(homes_[term.species]), term.multiplicity) / factorial(term.multiplicity);
            if (clamped(term.species))
                scale *= std::pow(unit_ / static_cast<double>(homes_[term.species]), term.multiplicity);
            else
                reaction.terms.push_back(term);
        }
        scale_.push_back(scale);
        reactions_.push_back(std::move(reaction));
    }
}

void Voxels::require_space(const Space& space) const {
    std::size_t voxels = 1;
    for (const std::size_t edge : space.shape) {
        voxels = edge == 0 || voxels > most_voxels / edge ? most_voxels : voxels * edge;
        if (edge == 0 || voxels >= most_voxels)
            refuse<InvalidArgument>("the box has ", space.shape[0], " x ", space.shape[1], " x ", space.shape[2],
                                    " voxels; it needs at least 1 along each axis and fewer than 2^31 in all");
    }
    if (!(space.spacing_um > 0.0) || !std::isfinite(space.spacing_um))
        refuse<InvalidArgument>("the spacing is ", space.spacing_um, " um; it must be finite and positive");
    const auto& species = network_->definition().species;
    if (space.diffusion_um2_s.size() != species.size())
        refuse<InvalidArgument>("there are ", space.diffusion_um2_s.size(), " diffusion constants for ", species.size(),
                                " species; pass one each");
    for (std::size_t s = 0; s < species.size(); ++s)
        require_rate("diffusion constant", species[s].name, space.diffusion_um2_s[s]);
    if (std::all_of(space.diffusion_um2_s.begin(), space.diffusion_um2_s.end(), [](double d) { return d == 0.0; }))
        refuse<InvalidArgument>(
            "a grid without diffusion constants: all are 0 um2/s; pass diffusion_um2_s, or use ssa");
    if (!space.face.empty() && space.face.size() != species.size())
        refuse<InvalidArgument>("there are ", space.face.size(), " faces for ", species.size(),
                                " species; pass one each, or none");
}

void Voxels::require_face(std::size_t species, std::uint8_t face) const {
    const std::string& name = network_->definition().species[species].name;
    if (face > sides) refuse<InvalidArgument>("'", name, "' lives on face ", int{face}, "; faces are 1 to 6");
    if (length_[(face - 1) / 2] == 1)
        refuse<InvalidArgument>("'", name, "' lives on the face ", side_name[face],
                                ", but the box has one voxel across it; give it more, or leave the face out");
}

void Voxels::shape(const Space& space) {
    length_ = space.shape;
    stride_ = {1, length_[0], length_[0] * length_[1]};
    wraps_ = {space.periodic, space.periodic, space.periodic};
    face_.assign(network_->species_count(), 0);
    for (std::size_t s = 0; s < space.face.size(); ++s) {
        if (space.face[s] == 0) continue;
        require_face(s, space.face[s]);
        face_[s] = static_cast<std::uint8_t>(1u << (space.face[s] - 1));
        wraps_[(space.face[s] - 1) / 2] = false;
    }
    for (std::size_t axis = 0; axis < 3; ++axis) {
        const auto step = static_cast<std::ptrdiff_t>(stride_[axis]);
        const auto across = wraps_[axis] ? step * static_cast<std::ptrdiff_t>(length_[axis] - 1) : 0;
        hop_[2 * axis] = {-step, across};
        hop_[2 * axis + 1] = {step, -across};
    }
    border_.resize(length_[0] * length_[1] * length_[2]);
    for (std::size_t v = 0; v < border_.size(); ++v) {
        const std::array<std::size_t, 3> at{v % length_[0], v / length_[0] % length_[1], v / stride_[2]};
        unsigned border = 0;
        for (std::size_t axis = 0; axis < 3; ++axis) {
            if (at[axis] == 0) border |= 1u << (2 * axis);
            if (at[axis] + 1 == length_[axis]) border |= 2u << (2 * axis);
        }
        border_[v] = static_cast<std::uint8_t>(border);
    }
}

std::size_t Voxels::count_on(std::uint8_t face) const noexcept {
    std::size_t voxels = 1;
    for (std::size_t axis = 0; axis < 3; ++axis) {
        const unsigned both = (face >> (2 * axis)) & 3u;
        if (both == 3) return 0;
        if (both == 0) voxels *= length_[axis];
    }
    return voxels;
}

bool Voxels::moves(std::size_t species, std::size_t axis) const noexcept {
    return hop_per_s_[species] > 0.0 && !clamped(species) && length_[axis] > 1 &&
           (face_[species] >> (2 * axis) & 3u) == 0;
}

double Voxels::molecules_per_field_unit() const noexcept {
    return network_->definition().unit == AmountUnit::molecules ? 1.0 : unit_ / static_cast<double>(count());
}

double Voxels::even_field(std::size_t species, double amount) const noexcept {
    return amount * unit_ / static_cast<double>(homes_[species]) / molecules_per_field_unit();
}

std::vector<std::uint32_t> Voxels::home_list(std::size_t species) const {
    std::vector<std::uint32_t> homes;
    homes.reserve(homes_[species]);
    for (std::size_t v = 0; v < count(); ++v) {
        if (lives(species, v)) homes.push_back(static_cast<std::uint32_t>(v));
    }
    return homes;
}

void Voxels::require_field(std::size_t species, std::span<const double> amounts) const {
    const auto& one = network_->definition().species[species];
    if (one.fixed)
        refuse<InvalidArgument>("'", one.name, "' is clamped, the same everywhere; set its amount instead of a field");
    if (amounts.size() != count())
        refuse<InvalidArgument>("the field of '", one.name, "' has ", amounts.size(), " entries for ", count(),
                                " voxels");
    for (std::size_t v = 0; v < count(); ++v) {
        require_rate("field", one.name, amounts[v]);
        if (amounts[v] != 0.0 && !lives(species, v))
            refuse<InvalidArgument>("the field of '", one.name, "' is ", amounts[v], " in voxel ", v,
                                    ", off the face on which it lives; pass 0 there");
    }
}

VoxelRates::VoxelRates(const Voxels& voxels, std::span<const Input> inputs)
    : voxels_(voxels),
      inputs_(inputs.begin(), inputs.end()),
      species_input_(voxels.network().species_count(), none),
      reaction_input_(voxels.network().reaction_count(), none),
      k_(voxels.network().reaction_count()),
      amounts_(voxels.network().species_count()) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
        if (inputs_[i].target == Input::Target::species) species_input_[inputs_[i].index] = i;
        for (std::size_t r = 0; r < k_.size() && inputs_[i].target == Input::Target::parameter; ++r) {
            if (voxels.network().definition().reactions[r].parameter == inputs_[i].index) reaction_input_[r] = i;
        }
    }
}

void VoxelRates::restart(std::span<const double> amounts) {
    for (std::size_t r = 0; r < k_.size(); ++r) k_[r] = voxels_.network().rate_constant(r);
    for (std::size_t s = 0; s < amounts_.size(); ++s) {
        if (voxels_.clamped(s) && species_input_[s] == none) set_clamped(s, amounts[s]);
    }
}

void VoxelRates::set_rate_constant(std::size_t reaction, double k) {
    const std::string& name = voxels_.network().definition().reactions[reaction].name;
    require_rate("rate constant", name, k);
    if (reaction_input_[reaction] != none) refuse_driven(voxels_.network(), inputs_[reaction_input_[reaction]]);
    k_[reaction] = k;
}

void VoxelRates::set_clamped(std::size_t species, double amount) {
    const std::string& name = voxels_.network().definition().species[species].name;
    require_rate("amount", name, amount);
    if (species_input_[species] != none) refuse_driven(voxels_.network(), inputs_[species_input_[species]]);
    amounts_[species] = amount;
}

double VoxelRates::clamped_amount(std::size_t species, double t_s) const noexcept {
    const std::size_t input = species_input_[species];
    return input == none ? amounts_[species] : std::max(inputs_[input].waveform.value(t_s), 0.0);
}

bool VoxelRates::driven(std::size_t reaction) const noexcept {
    const auto terms = voxels_.network().terms(reaction);
    return reaction_input_[reaction] != none || std::any_of(terms.begin(), terms.end(), [this](const auto& term) {
               return species_input_[term.species] != none;
           });
}

/// `value` gives what an input counts as: a number, or a number with its slope.
template <class Value>
auto VoxelRates::constant(std::size_t r, const Value& value) const noexcept {
    using Number = decltype(value(inputs_.front().waveform));
    const std::size_t driver = reaction_input_[r];
    const double factor = voxels_.network().definition().reactions[r].factor;
    Number k(voxels_.scale_[r] * (driver == none ? k_[r] : factor));
    if (driver != none) k = k * value(inputs_[driver].waveform);
    for (const auto& term : voxels_.network().terms(r)) {
        if (!voxels_.clamped(term.species)) continue;
        const std::size_t input = species_input_[term.species];
        const Number amount = input == none ? Number(amounts_[term.species]) : value(inputs_[input].waveform);
        for (int m = 0; m < term.multiplicity; ++m) k = k * amount;
    }
    return k;
}

double VoxelRates::at(double t_s, std::size_t reaction) const noexcept {
    const double at_s = std::min(t_s, last_s_);
    return constant(reaction, [at_s](const Waveform& waveform) { return std::max(waveform.value(at_s), 0.0); });
}

void VoxelRates::at(double t_s, std::span<double> k) const noexcept {
    for (std::size_t r = 0; r < k_.size(); ++r) k[r] = at(t_s, r);
}

void VoxelRates::slopes(double t_s, std::span<double> dkdt) const noexcept {
    const double at_s = std::min(t_s, last_s_);
    const auto moving = [at_s](const Waveform& one) { return Moving(one.value(at_s), one.slope(at_s)); };
    for (std::size_t r = 0; r < k_.size(); ++r) dkdt[r] = constant(r, moving).slope;
}

void VoxelRates::bounds(double from_s, double to_s, std::span<double> k) const noexcept {
    const auto greatest = [=](const Waveform& waveform) { return std::max(waveform.range(from_s, to_s).second, 0.0); };
    for (std::size_t r = 0; r < k_.size(); ++r) k[r] = constant(r, greatest);
}

double VoxelRates::next_knot(double t_s) const noexcept {
    double next = std::numeric_limits<double>::infinity();
    for (const Input& input : inputs_) next = std::min(next, input.waveform.next_knot(t_s));
    return next;
}

double VoxelRates::next_stop(double t_s) const noexcept {
    double next = std::numeric_limits<double>::infinity();
    for (const Input& input : inputs_) next = std::min(next, input.waveform.next_stop(t_s));
    return next;
}

void VoxelRates::until(double end_s) noexcept {
    last_s_ = std::nextafter(end_s, 0.0);
}

}  // namespace nubridge::chemistry
