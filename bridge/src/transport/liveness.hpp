#pragma once

#include <sys/types.h>

#include <cstdint>

namespace nubridge::transport {

/// Which byte of a segment's file a side holds locked while it lives: the kernel releases it, whatever ends the side.
enum class Token : off_t { owner = 0, peer = 1 };

/// Takes the lock for this open file; false when another holds it.
bool take(int file, Token token);
/// Whether another open file holds it.
bool is_taken(int file, Token token);

/// The end of a process, by pidfd: seen of a zombie too, and not deceived by a forked child that keeps the lock.
class ProcessWatch {
public:
    ProcessWatch() = default;
    /// A process of another PID namespace cannot be watched; `has_ended` is then always false.
    explicit ProcessWatch(std::int32_t pid);
    ~ProcessWatch();
    ProcessWatch(ProcessWatch&& other) noexcept;
    ProcessWatch& operator=(ProcessWatch&& other) noexcept;
    ProcessWatch(const ProcessWatch&) = delete;
    ProcessWatch& operator=(const ProcessWatch&) = delete;

    bool has_ended() const;

private:
    int file_ = -1;
};

}  // namespace nubridge::transport
