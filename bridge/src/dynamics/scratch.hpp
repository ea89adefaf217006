#pragma once

#include <array>
#include <cstddef>
#include <memory_resource>
#include <span>

namespace nubridge::dynamics {

/// Numbers for the time of a call: on the stack, and beyond 4 kB on the heap.
class Scratch {
public:
    /// `count` numbers, not set.
    std::span<double> numbers(std::size_t count) {
        return {static_cast<double*>(arena_.allocate(count * sizeof(double), alignof(double))), count};
    }

private:
    alignas(double) std::array<std::byte, 4096> storage_;
    std::pmr::monotonic_buffer_resource arena_{storage_.data(), storage_.size()};
};

}  // namespace nubridge::dynamics
