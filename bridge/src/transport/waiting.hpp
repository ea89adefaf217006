#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace nubridge::transport {

/// Nanoseconds of CLOCK_MONOTONIC, one clock for all processes of a machine.
std::uint64_t monotonic_ns();

/// Wakes a process that sleeps in `sleep_while_equal` on this word.
void wake(std::atomic<std::uint32_t>& word);
/// Sleeps while the word has this value, at most so long; signals and spurious wakes end it too.
void sleep_while_equal(const std::atomic<std::uint32_t>& word, std::uint32_t value, std::chrono::nanoseconds limit);
/// Spins until the word has another value: some 50 us, not at all on a single processor. True when it has.
bool spin_while_equal(const std::atomic<std::uint32_t>& word, std::uint32_t value);
/// The same for at most so long.
bool spin_while_equal(const std::atomic<std::uint32_t>& word, std::uint32_t value, std::chrono::nanoseconds limit);

}  // namespace nubridge::transport
