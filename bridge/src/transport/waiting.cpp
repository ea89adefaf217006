#include "transport/waiting.hpp"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <ctime>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace nubridge::transport {
namespace {

constexpr int spins = 2000;
constexpr int spins_between_looks_at_the_clock = 80;

long futex(const std::atomic<std::uint32_t>& word, int operation, std::uint32_t value, const timespec* limit) {
    // Not the private kind: the word may lie in another process's memory too.
    return ::syscall(SYS_futex, &word, operation, value, limit, nullptr, 0);
}

bool has_several_processors() {
    cpu_set_t allowed;
    return ::sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) > 1;
}

bool can_spin() {
    static const bool several = has_several_processors();
    return several;
}

void relax() {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

bool spin(const std::atomic<std::uint32_t>& word, std::uint32_t value, int turns) {
    for (int i = 0; i < turns; ++i) {
        if (word.load(std::memory_order_acquire) != value) return true;
        relax();
    }
    return false;
}

}  // namespace

std::uint64_t monotonic_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

void wake(std::atomic<std::uint32_t>& word) {
    futex(word, FUTEX_WAKE, 1, nullptr);
}

void sleep_while_equal(const std::atomic<std::uint32_t>& word, std::uint32_t value, std::chrono::nanoseconds limit) {
    const timespec relative{static_cast<time_t>(limit.count() / 1'000'000'000),
                            static_cast<long>(limit.count() % 1'000'000'000)};
    futex(word, FUTEX_WAIT, value, &relative);
}

bool spin_while_equal(const std::atomic<std::uint32_t>& word, std::uint32_t value) {
    return spin(word, value, can_spin() ? spins : 1);
}

bool spin_while_equal(const std::atomic<std::uint32_t>& word, std::uint32_t value, std::chrono::nanoseconds limit) {
    if (!can_spin()) return false;
    const auto end = std::chrono::steady_clock::now() + limit;
    do {
        if (spin(word, value, spins_between_looks_at_the_clock)) return true;
    } while (std::chrono::steady_clock::now() < end);
    return false;
}

}  // namespace nubridge::transport
