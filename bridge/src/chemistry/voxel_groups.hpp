#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace nubridge::chemistry {

/// Voxels by how much may happen in them: a group holds those whose weight lies in one quarter of a power of two, so
/// that a candidate of a group is accepted with a probability of 0.8 to 1.
///
/// Groups span 32 powers of two; what lies below is in the lowest group, which costs rejections only. Members stand in
/// blocks that the groups share: no allocation after construction.
class VoxelGroups {
public:
    static constexpr int none = -1;
    static constexpr std::size_t count = 128;

    /// Where a voxel stands.
    struct Place {
        std::uint32_t slot;
        std::int16_t group;
    };

    explicit VoxelGroups(std::size_t voxels)
        : blocks_((voxels + block - 1) / block + count), per_group_((voxels + block - 1) / block) {
        members_.resize(blocks_ * block);
        table_.resize(count * per_group_);
        clear(1.0);
    }

    /// Empties all groups; the highest quarter of them stays for weights above `greatest`.
    void clear(double greatest) noexcept;

    /// The group with the least limit that is not below the weight; `count` or more when there is none; `none` for 0.
    int group_of(double weight) const noexcept {
        if (!(weight > 0.0)) return none;
        const auto step = static_cast<int>((std::bit_cast<std::uint64_t>(weight) - 1) >> 50) - base_;
        return step > 0 ? step : 0;
    }
    double limit(int group) const noexcept { return limits_[static_cast<std::size_t>(group)]; }
    double total() const noexcept { return total_; }
    double inverse_total() const noexcept { return inverse_total_; }
    /// The groups have drifted so far down that their lowest is too coarse.
    bool is_low() const noexcept { return occupied_[0] >> 32 == 0 && occupied_[1] == 0; }

    Place enter(std::uint32_t voxel, int group) noexcept {
        const auto g = static_cast<std::size_t>(group);
        const std::uint32_t slot = sizes_[g]++;
        if (slot % block == 0) table_[g * per_group_ + slot / block] = free_[--free_count_];
        member(g, slot) = voxel;
        if (slot == 0) occupied_[g / 64] |= std::uint64_t{1} << (g % 64);
        sums_[g] = limits_[g] * sizes_[g];
        return {slot, static_cast<std::int16_t>(group)};
    }
    /// Who stands at that place from now on: the last of the group, perhaps the one that leaves.
    std::uint32_t leave(Place place) noexcept {
        const auto g = static_cast<std::size_t>(place.group);
        const std::uint32_t last = --sizes_[g], moved = member(g, last);
        member(g, place.slot) = moved;
        if (last % block == 0) free_[free_count_++] = table_[g * per_group_ + last / block];
        if (last == 0) occupied_[g / 64] &= ~(std::uint64_t{1} << (g % 64));
        sums_[g] = limits_[g] * sizes_[g];
        return moved;
    }
    /// After members changed.
    void add_up() noexcept {
        total_ = 0.0;
        for (std::size_t word = 0; word < 2; ++word) {
            for (std::uint64_t rest = occupied_[word]; rest != 0; rest &= rest - 1)
                total_ += sums_[word * 64 + static_cast<std::size_t>(std::countr_zero(rest))];
        }
        inverse_total_ = 1.0 / total_;
    }

    /// A member of a group, and a number below the group's limit, both random, from a uniform number; total() > 0.
    struct Choice {
        const std::uint32_t* voxel;
        double point;
    };
    Choice choose(double uniform) const noexcept {
        double rest = uniform * total_;
        std::size_t g = 0;
        for (std::size_t word = 2; word-- > 0;) {
            for (std::uint64_t left = occupied_[word]; left != 0;) {
                const auto bit = static_cast<std::size_t>(std::bit_width(left)) - 1;
                g = word * 64 + bit;
                if (rest < sums_[g]) return in_group(g, rest);
                rest -= sums_[g];
                left ^= std::uint64_t{1} << bit;
            }
        }
        return in_group(g, sums_[g]);  // rounding may lead past the end
    }

private:
    static constexpr std::size_t block = 256;

    std::uint32_t& member(std::size_t group, std::uint32_t slot) noexcept {
        return members_[table_[group * per_group_ + slot / block] * block + slot % block];
    }
    Choice in_group(std::size_t group, double rest) const noexcept {
        const double place = rest * inverse_limits_[group];
        const std::uint32_t slot = place < sizes_[group] ? static_cast<std::uint32_t>(place) : sizes_[group] - 1;
        return {&members_[table_[group * per_group_ + slot / block] * block + slot % block],
                (place - slot) * limits_[group]};
    }

    std::size_t blocks_, per_group_;
    std::vector<std::uint32_t> members_;  // blocks_ blocks
    std::vector<std::uint32_t> table_;    // of each group, its blocks
    std::vector<std::uint32_t> free_;
    std::size_t free_count_ = 0;
    std::array<std::uint32_t, count> sizes_{};
    std::array<double, count> limits_{}, inverse_limits_{}, sums_{};
    std::array<std::uint64_t, 2> occupied_{};  // bit g: group g has members
    double total_ = 0.0, inverse_total_ = 0.0;
    int base_ = 0;  // exponent and upper two bits of the mantissa of what is just too small for group 1
};

inline void VoxelGroups::clear(double greatest) noexcept {
    const auto top = static_cast<int>(std::bit_cast<std::uint64_t>(greatest) >> 50);
    base_ = top - static_cast<int>(count / 4 * 3);
    base_ = base_ < 0 ? 0 : base_ > 8000 ? 8000 : base_;
    for (std::size_t g = 0; g < count; ++g) {
        limits_[g] = std::bit_cast<double>(static_cast<std::uint64_t>(base_ + static_cast<int>(g) + 1) << 50);
        inverse_limits_[g] = 1.0 / limits_[g];
    }
    sizes_.fill(0);
    sums_.fill(0.0);
    occupied_ = {};
    free_.resize(blocks_);
    for (std::size_t i = 0; i < blocks_; ++i) free_[i] = static_cast<std::uint32_t>(i);
    free_count_ = blocks_;
    add_up();
}

}  // namespace nubridge::chemistry
