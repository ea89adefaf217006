#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "transport/in_process_channel.hpp"
#include "transport/shared_memory_channel.hpp"

namespace nubridge::test {

using transport::ChannelShape;
using transport::OwnerEnd;
using transport::PeerEnd;
using Ends = std::pair<std::unique_ptr<OwnerEnd>, std::unique_ptr<PeerEnd>>;

inline constexpr std::chrono::milliseconds patience{10'000};

inline ChannelShape shape_of(std::size_t amounts, std::size_t rates, std::size_t counts) {
    return {amounts, rates, counts, 25'000, R"({"model": "decay"})"};
}

/// What the names of this process's sessions begin with.
inline std::string names_begin() {
    return "test-" + std::to_string(::getpid()) + "-";
}

/// A name of a session that no other test and no other process has.
inline std::string fresh_name() {
    static int made = 0;
    return names_begin() + std::to_string(++made);
}

inline Ends shared_memory_ends(const ChannelShape& shape) {
    const std::string name = fresh_name();
    auto owner = transport::create_session(name, shape);
    auto peer = transport::attach_session(name, std::chrono::milliseconds(0));
    return {std::move(owner), std::move(peer)};
}

/// A payload that tells of its window: what one side writes the other can check.
inline std::vector<std::int64_t> pattern(std::int64_t window, std::size_t count) {
    std::vector<std::int64_t> numbers(count);
    for (std::size_t i = 0; i < count; ++i) numbers[i] = window * 1'000'003 + static_cast<std::int64_t>(i);
    return numbers;
}

}  // namespace nubridge::test
