#include "chemistry/diffusion.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace nubridge::chemistry {

namespace {

/// Neighbouring lines that go through the cache together.
constexpr std::size_t most_lanes = 64;

/// out_q = SUM_j kernel_j (padded_{q - j lanes} + padded_{q + j lanes}).
void convolve(const double* centre, std::span<const double> kernel, std::size_t lanes, std::size_t count,
              double* out) noexcept {
    constexpr std::size_t block = 16;
    std::size_t q = 0;
    for (; q + block <= count; q += block) {
        double sum[block];
        for (std::size_t i = 0; i < block; ++i) sum[i] = kernel[0] * centre[q + i];
        for (std::size_t j = 1; j < kernel.size(); ++j) {
            const double* before = centre + q - j * lanes;
            const double* after = centre + q + j * lanes;
            for (std::size_t i = 0; i < block; ++i) sum[i] += kernel[j] * (before[i] + after[i]);
        }
        for (std::size_t i = 0; i < block; ++i) out[q + i] = sum[i];
    }
    for (; q < count; ++q) {
        double sum = kernel[0] * centre[q];
        for (std::size_t j = 1; j < kernel.size(); ++j)
            sum += kernel[j] * (*(centre + q - j * lanes) + centre[q + j * lanes]);
        out[q] = sum;
    }
}

}  // namespace

HeatKernel::HeatKernel(const Voxels& voxels) : voxels_(voxels) {
    for (std::size_t s = 0; s < voxels.network().species_count(); ++s) {
        const double hop = voxels.hop_per_s(s);
        const auto known = std::find(hops_per_s_.begin(), hops_per_s_.end(), hop);
        hop_of_.push_back(static_cast<std::size_t>(known - hops_per_s_.begin()));
        if (known == hops_per_s_.end()) hops_per_s_.push_back(hop);
    }
    std::size_t longest = 0;
    for (std::size_t axis = 0; axis < 3; ++axis) {
        longest = std::max(longest, voxels.length(axis));
        padded_.resize(std::max(padded_.size(), 3 * voxels.length(axis) * std::min(voxels.stride(axis), most_lanes)));
    }
    decay_.reserve(2 * longest);
    cosine_.reserve(2 * longest);
    for (Span& span : spans_) {
        span.kernels.resize(hops_per_s_.size());
        for (auto& axes : span.kernels) {
            for (std::size_t axis = 0; axis < 3; ++axis) axes[axis].reserve(voxels.length(axis) + 1);
        }
    }
}

void HeatKernel::prepare(double t_s) noexcept {
    const auto known = std::find_if(spans_.begin(), spans_.end(), [=](const Span& one) { return one.t_s == t_s; });
    if (known != spans_.end()) {
        current_ = static_cast<std::size_t>(known - spans_.begin());
        return;
    }
    current_ = next_;
    next_ = (next_ + 1) % kept;
    spans_[current_].t_s = t_s;
    for (std::size_t i = 0; i < hops_per_s_.size(); ++i) {
        for (std::size_t axis = 0; axis < 3; ++axis) {
            if (voxels_.length(axis) > 1) fill(spans_[current_].kernels[i][axis], hops_per_s_[i] * t_s, axis);
        }
    }
}

void HeatKernel::fill(Kernel& kernel, double tau, std::size_t axis) noexcept {
    const std::size_t n = voxels_.length(axis), ring = voxels_.wraps(axis) ? n : 2 * n, reach = ring / 2;
    decay_.resize(ring);
    cosine_.resize(ring);
    for (std::size_t k = 0; k < ring; ++k) {
        const double angle = std::numbers::pi * static_cast<double>(k) / static_cast<double>(ring);
        decay_[k] = std::exp(-4.0 * tau * std::sin(angle) * std::sin(angle)) / static_cast<double>(ring);
        cosine_[k] = std::cos(2.0 * angle);
    }
    kernel.clear();
    double sum = 0.0;
    for (std::size_t j = 0; j <= reach; ++j) {
        double share = 0.0;
        for (std::size_t k = 0, at = 0; k < ring; ++k, at = at + j < ring ? at + j : at + j - ring)
            share += decay_[k] * cosine_[at];
        if (2 * j == ring) share *= 0.5;  // the far end is met from both sides
        if (j > 0 && share < 1e-17) break;
        kernel.push_back(share);
        sum += j == 0 ? share : 2.0 * share;
    }
    for (double& share : kernel) share /= sum;
}

/// Lines side by side, continued beyond their ends by their images or by themselves.
void HeatKernel::pad(const double* lines, std::size_t axis, std::size_t reach, std::size_t lanes) noexcept {
    const std::size_t n = voxels_.length(axis), stride = voxels_.stride(axis);
    const bool wraps = voxels_.wraps(axis);
    double* out = padded_.data();
    const auto copy = [&](std::size_t i) { out = std::copy_n(lines + i * stride, lanes, out); };
    for (std::size_t j = reach; j > 0; --j) copy(wraps ? n - j : j - 1);
    for (std::size_t i = 0; i < n; ++i) copy(i);
    for (std::size_t j = 0; j < reach; ++j) copy(wraps ? j : n - 1 - j);
}

void HeatKernel::along(std::size_t axis, const Kernel& kernel, std::span<double> field) noexcept {
    const std::size_t n = voxels_.length(axis), stride = voxels_.stride(axis), reach = kernel.size() - 1;
    if (reach == 0) return;
    std::array<double, most_lanes> row;
    for (std::size_t outer = 0; outer < field.size(); outer += n * stride) {
        for (std::size_t inner = 0; inner < stride; inner += most_lanes) {
            const std::size_t lanes = std::min(most_lanes, stride - inner);
            double* lines = field.data() + outer + inner;
            pad(lines, axis, reach, lanes);
            const double* centre = padded_.data() + reach * lanes;
            if (lanes == stride) {
                convolve(centre, kernel, lanes, n * lanes, lines);
                continue;
            }
            for (std::size_t i = 0; i < n; ++i) {
                convolve(centre + i * lanes, kernel, lanes, lanes, row.data());
                std::copy_n(row.data(), lanes, lines + i * stride);
            }
        }
    }
}

void HeatKernel::apply(std::size_t species, std::span<double> field) noexcept {
    const auto& kernels = spans_[current_].kernels[hop_of_[species]];
    for (std::size_t axis = 0; axis < 3; ++axis) {
        if (voxels_.moves(species, axis)) along(axis, kernels[axis], field);
    }
}

}  // namespace nubridge::chemistry
