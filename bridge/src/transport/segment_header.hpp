#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace nubridge::transport {

/// "nubridge" in ASCII, read as a little-endian number.
inline constexpr std::uint64_t segment_magic = 0x656764697262756eULL;
inline constexpr std::uint32_t layout_version = 1;
/// Reads as another number on a machine of the other byte order.
inline constexpr std::uint32_t byte_order_mark = 0x01020304U;
/// What the numbers of a payload mean; both sides must say the same.
inline constexpr std::array<char, 32> payload_units{"molecules, 1/s or 1/M/s, ns"};

/// What the owner writes before the segment has its name, and nobody afterwards.
struct SegmentIdentity {
    std::uint64_t magic;
    std::uint32_t layout;
    std::uint32_t byte_order;
    std::uint32_t header_bytes;
    std::uint32_t amounts;
    std::uint32_t rates;
    std::uint32_t counts;
    std::uint64_t segment_bytes;
    std::uint64_t config_bytes;
    std::uint64_t config_hash;
    std::int64_t window_ns;
    std::uint64_t generation;
    std::array<char, 32> units;
};

/// How far one side is. Ready: the owner has published, the peer has attached.
enum class SideState : std::uint32_t { init = 0, ready = 1, draining = 2, closed = 3, failed = 4 };

/// What one side writes and the other reads: two cache lines, because processors fetch them in pairs.
struct alignas(128) SegmentSide {
    std::atomic<std::uint32_t> seq;  ///< payloads published; a futex
    std::atomic<std::uint32_t> waiting;
    std::atomic<SideState> state;
    std::atomic<std::uint32_t> error_bytes;
    std::atomic<std::int32_t> pid;
    std::atomic<std::uint64_t> heartbeat_ns;  ///< CLOCK_MONOTONIC
    std::atomic<std::int64_t> time_ns;        ///< simulated time that this side has reached
};

/// The beginning of a segment. The configuration's text and the payloads follow, each at a multiple of 128 bytes.
struct alignas(128) SegmentHeader {
    SegmentIdentity identity;
    SegmentSide owner;
    SegmentSide peer;
    std::array<char, 4096> owner_error;
    std::array<char, 4096> peer_error;
};

// The layout is a contract between two programs: a change here needs another layout_version.
static_assert(std::atomic<std::uint32_t>::is_always_lock_free && std::atomic<std::int64_t>::is_always_lock_free);
static_assert(sizeof(SegmentIdentity) == 104 && sizeof(SegmentSide) == 128);
static_assert(offsetof(SegmentIdentity, segment_bytes) == 32 && offsetof(SegmentIdentity, window_ns) == 56);
static_assert(offsetof(SegmentSide, waiting) == 4 && offsetof(SegmentSide, state) == 8);
static_assert(offsetof(SegmentSide, heartbeat_ns) == 24 && offsetof(SegmentSide, time_ns) == 32);
static_assert(offsetof(SegmentHeader, owner) == 128 && offsetof(SegmentHeader, peer) == 256);
static_assert(offsetof(SegmentHeader, owner_error) == 384 && offsetof(SegmentHeader, peer_error) == 4480);
static_assert(sizeof(SegmentHeader) == 8576);

}  // namespace nubridge::transport
