#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace nubridge::chemistry {

/// Items 0 ... n-1, each in one of some lists or in none. An item joins and leaves in O(1), the i-th of a list is found
/// in O(1), and nothing is allocated after the construction: the lists share a pool of blocks.
class Partition {
public:
    Partition() = default;
    /// @param items at most 2^32 - 1.
    Partition(std::size_t items, std::size_t lists)
        : blocks_a_list_(items / block + 1),
          places_(items),
          pool_((items / block + lists) * block),
          free_(items / block + lists),
          directory_(lists * blocks_a_list_),
          sizes_(lists) {
        clear();
    }

    std::size_t lists() const noexcept { return sizes_.size(); }
    std::size_t size(std::size_t list) const noexcept { return sizes_[list]; }
    std::uint32_t at(std::size_t list, std::size_t place) const noexcept { return pool_[slot(list, place)]; }

    /// Every item is in no list.
    void clear() noexcept {
        std::fill(sizes_.begin(), sizes_.end(), 0);
        std::iota(free_.begin(), free_.end(), 0);
        free_count_ = free_.size();
    }
    /// @pre the item is in no list.
    void join(std::uint32_t item, std::size_t list) noexcept {
        const std::size_t place = sizes_[list]++;
        if (place % block == 0) {
            assert(free_count_ > 0);
            directory_[list * blocks_a_list_ + place / block] = free_[--free_count_];
        }
        put(item, list, place);
    }
    /// @pre the item is in this list.
    void leave(std::uint32_t item, std::size_t list) noexcept {
        const std::size_t last = --sizes_[list];
        put(at(list, last), list, places_[item]);
        if (last % block == 0) free_[free_count_++] = directory_[list * blocks_a_list_ + last / block];
    }
    /// Each takes the other's place. @pre `a` is in list `of_a` and `b` in list `of_b`.
    void exchange(std::uint32_t a, std::size_t of_a, std::uint32_t b, std::size_t of_b) noexcept {
        const std::size_t place_of_a = places_[a], place_of_b = places_[b];
        put(b, of_a, place_of_a);
        put(a, of_b, place_of_b);
    }

private:
    static constexpr std::size_t block = 256;

    std::size_t slot(std::size_t list, std::size_t place) const noexcept {
        return directory_[list * blocks_a_list_ + place / block] * block + place % block;
    }
    void put(std::uint32_t item, std::size_t list, std::size_t place) noexcept {
        pool_[slot(list, place)] = item;
        places_[item] = static_cast<std::uint32_t>(place);
    }

    std::size_t blocks_a_list_ = 0;
    std::vector<std::uint32_t> places_;  // of an item in its list
    std::vector<std::uint32_t> pool_;
    std::vector<std::uint32_t> free_;
    std::size_t free_count_ = 0;
    std::vector<std::uint32_t> directory_;  // lists x blocks_a_list_: blocks
    std::vector<std::size_t> sizes_;
};

}  // namespace nubridge::chemistry
