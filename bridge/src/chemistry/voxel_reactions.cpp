#include "chemistry/voxel_reactions.hpp"

#include <algorithm>
#include <boost/numeric/odeint/stepper/rosenbrock4.hpp>
#include <cmath>
#include <limits>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// RODAS (Hairer and Wanner, Solving Ordinary Differential Equations II, IV.7), by stage.
const boost::numeric::odeint::default_rosenbrock_coefficients<double> rodas;
const double rodas_a[6][5] = {{},
                              {rodas.a21},
                              {rodas.a31, rodas.a32},
                              {rodas.a41, rodas.a42, rodas.a43},
                              {rodas.a51, rodas.a52, rodas.a53, rodas.a54},
                              {rodas.a51, rodas.a52, rodas.a53, rodas.a54, 1.0}};
const double rodas_c[6][5] = {{},
                              {rodas.c21},
                              {rodas.c31, rodas.c32},
                              {rodas.c41, rodas.c42, rodas.c43},
                              {rodas.c51, rodas.c52, rodas.c53, rodas.c54},
                              {rodas.c61, rodas.c62, rodas.c63, rodas.c64, rodas.c65}};
const double rodas_time[6] = {0.0, rodas.c2, rodas.c3, rodas.c4, 1.0, 1.0};
/// Boost's d4 lacks the sign of Hairer's and Wanner's: the gammas of a stage sum to it.
const double rodas_slope[6] = {rodas.d1, rodas.d2, rodas.d3, -rodas.d4, 0.0, 0.0};

double power(double x, int m) noexcept {
    return m == 1 ? x : m == 2 ? x * x : x * x * x;
}
double power_slope(double x, int m) noexcept {
    return m == 1 ? 1.0 : m == 2 ? 2.0 * x : 3.0 * x * x;
}

}  // namespace

VoxelReactions::VoxelReactions(const Voxels& voxels, const VoxelRates& rates, double relative, double absolute)
    : voxels_(voxels),
      rates_(rates),
      relative_(relative),
      absolute_(absolute),
      lu_(voxels.network().species_count(), pattern(voxels)),
      suggested_s_(infinity) {
    const std::size_t species = voxels.network().species_count(), reactions = voxels.network().reaction_count();
    std::size_t slopes = 0;
    for (std::size_t r = 0; r < reactions; ++r) {
        driven_ = driven_ || rates.driven(r);
        for (const auto& term : voxels.reaction(r).terms) {
            for (const auto& change : voxels.network().changes(r))
                slope_list_.push_back(
                    {lu_.at(change.species, term.species), slopes, static_cast<double>(change.delta)});
            ++slopes;
        }
    }
    for (std::size_t s = 0; s < species; ++s) diagonal_.push_back(lu_.at(s, s));
    slope_.resize(slopes);
    jacobian_.resize(lu_.values().size());
    for (Vector* vector : {&trial_, &fresh_, &error_, &scratch_, &push_}) vector->resize(species);
    for (Vector& vector : g_) vector.resize(species);
    moving_.resize(reactions);
    for (Constants& one : kept_) one.k.resize(reactions);
    forget();
}

std::vector<std::pair<std::size_t, std::size_t>> VoxelReactions::pattern(const Voxels& voxels) {
    std::vector<std::pair<std::size_t, std::size_t>> entries;
    for (std::size_t r = 0; r < voxels.network().reaction_count(); ++r) {
        for (const auto& change : voxels.network().changes(r)) {
            for (const auto& term : voxels.reaction(r).terms) entries.emplace_back(change.species, term.species);
        }
    }
    return entries;
}

void VoxelReactions::forget() noexcept {
    for (Constants& one : kept_) one.t_s = -1.0;
}

/// Voxels are advanced over the same times, so that the constants of a few times serve them all.
const VoxelReactions::Vector& VoxelReactions::constants(double t_s) noexcept {
    const double asked_s = driven_ ? t_s : 0.0;
    for (const Constants& one : kept_) {
        if (one.t_s == asked_s) return one.k;
    }
    Constants& fresh = kept_[next_];
    next_ = (next_ + 1) % kept_.size();
    fresh.t_s = asked_s;
    rates_.at(t_s, fresh.k);
    return fresh.k;
}

/// dn/dt with the constants `k`, or what moving constants `k` add to its slope.
void VoxelReactions::changes(std::span<const double> n, std::span<const double> k, Vector& dndt) const noexcept {
    std::fill(dndt.begin(), dndt.end(), 0.0);
    for (std::size_t r = 0; r < k.size(); ++r) {
        if (k[r] == 0.0 || (voxels_.reaction(r).face & ~border_) != 0) continue;
        double rate = k[r];
        for (const auto& term : voxels_.reaction(r).terms) rate *= power(n[term.species], term.multiplicity);
        for (const auto& change : voxels_.network().changes(r)) dndt[change.species] += change.delta * rate;
    }
}

void VoxelReactions::slopes(double t_s, std::span<const double> n) noexcept {
    const Vector& k = constants(t_s);
    std::size_t place = 0;
    for (std::size_t r = 0; r < k.size(); ++r) {
        const auto& [terms, face] = voxels_.reaction(r);
        for (std::size_t i = 0; i < terms.size(); ++i) {
            double slope = (face & ~border_) == 0 ? k[r] : 0.0;
            for (std::size_t j = 0; j < terms.size(); ++j) {
                const double amount = n[terms[j].species];
                slope *= j == i ? power_slope(amount, terms[j].multiplicity) : power(amount, terms[j].multiplicity);
            }
            slope_[place++] = slope;
        }
    }
    std::fill(jacobian_.begin(), jacobian_.end(), 0.0);
    for (const Slope& one : slope_list_) jacobian_[one.position] += one.delta * slope_[one.slope];
}

double VoxelReactions::fastest(double t_s, std::uint8_t border, std::span<const double> n) noexcept {
    border_ = border;
    slopes(t_s, n);
    double fastest = 0.0;
    for (const std::size_t i : diagonal_) fastest = std::max(fastest, std::abs(jacobian_[i]));
    return fastest;
}

/// From n to fresh_ with the jacobian there; false when the matrix is singular.
bool VoxelReactions::step(double t_s, double h, std::span<const double> n) noexcept {
    const auto matrix = lu_.values();
    for (std::size_t i = 0; i < matrix.size(); ++i) matrix[i] = -jacobian_[i];
    for (const std::size_t i : diagonal_) matrix[i] += 1.0 / (rodas.gamma * h);
    if (!lu_.factor()) return false;
    if (driven_) {
        rates_.slopes(t_s, moving_);
        changes(n, moving_, push_);
    }
    for (std::size_t stage = 0; stage < 6; ++stage) {
        Vector& out = stage < 5 ? g_[stage] : error_;
        std::copy(n.begin(), n.end(), trial_.begin());
        for (std::size_t j = 0; j < stage; ++j) {
            for (std::size_t i = 0; i < n.size(); ++i) trial_[i] += rodas_a[stage][j] * g_[j][i];
        }
        changes(trial_, constants(t_s + rodas_time[stage] * h), out);
        for (std::size_t j = 0; j < stage; ++j) {
            for (std::size_t i = 0; i < n.size(); ++i) out[i] += rodas_c[stage][j] / h * g_[j][i];
        }
        if (driven_) {
            for (std::size_t i = 0; i < n.size(); ++i) out[i] += h * rodas_slope[stage] * push_[i];
        }
        lu_.solve(out, scratch_);
    }
    for (std::size_t i = 0; i < n.size(); ++i) fresh_[i] = trial_[i] + error_[i];
    return true;
}

/// At most 1 is good; NaN is not.
double VoxelReactions::error_norm(std::span<const double> n) const noexcept {
    double worst = 0.0;
    for (std::size_t i = 0; i < n.size(); ++i) {
        const double one =
            std::abs(error_[i]) / (absolute_ + relative_ * std::max(std::abs(n[i]), std::abs(fresh_[i])));
        if (!(one <= worst)) worst = one;
        if (std::isnan(worst)) break;
    }
    return worst;
}

void VoxelReactions::advance(double t_s, double h_s, std::uint8_t border, std::span<double> n) {
    border_ = border;
    double done_s = 0.0;
    while (done_s < h_s) {
        changes(n, constants(t_s + done_s), trial_);
        const bool still = std::all_of(trial_.begin(), trial_.end(), [](double change) { return change == 0.0; });
        if (still && !driven_) return;
        slopes(t_s + done_s, n);
        const double rest_s = h_s - done_s;
        double h = suggested_s_ >= rest_s ? rest_s : suggested_s_ >= 0.5 * rest_s ? 0.5 * rest_s : suggested_s_;
        while (true) {
            const double error = step(t_s + done_s, h, n) ? error_norm(n) : std::numeric_limits<double>::quiet_NaN();
            const double factor =
                std::isfinite(error) ? std::clamp(0.9 * std::pow(std::max(error, 1e-10), -0.25), 0.2, 5.0) : 0.1;
            if (error <= 1.0) {
                suggested_s_ = std::max(h * factor, h < suggested_s_ ? suggested_s_ : 0.0);
                break;
            }
            h *= std::min(factor, 0.9);
            suggested_s_ = h;
            if (t_s + done_s + h == t_s + done_s)
                refuse<NotConverged>("the reactions of a voxel stand still at ", t_s + done_s,
                                     " s: no step keeps the relative error within ", relative_,
                                     "; loosen the tolerance or look for amounts that run away");
        }
        std::copy(fresh_.begin(), fresh_.end(), n.begin());
        done_s = h == rest_s ? h_s : done_s + h;
    }
}

}  // namespace nubridge::chemistry
