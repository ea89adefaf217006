#include "transport/liveness.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

namespace nubridge::transport {
namespace {

// Locks of the open file, not of the process: two ends may live in one process, and neither loses its lock when the
// other closes its file.
struct flock lock_of(Token token) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = static_cast<off_t>(token);
    lock.l_len = 1;
    return lock;
}

}  // namespace

bool take(int file, Token token) {
    struct flock lock = lock_of(token);
    return ::fcntl(file, F_OFD_SETLK, &lock) == 0;
}

bool is_taken(int file, Token token) {
    struct flock lock = lock_of(token);
    return ::fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

ProcessWatch::ProcessWatch(std::int32_t pid) : file_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}

ProcessWatch::~ProcessWatch() {
    if (file_ >= 0) ::close(file_);
}

ProcessWatch::ProcessWatch(ProcessWatch&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

ProcessWatch& ProcessWatch::operator=(ProcessWatch&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
}

bool ProcessWatch::has_ended() const {
    if (file_ < 0) return false;
    pollfd watched{file_, POLLIN, 0};
    return ::poll(&watched, 1, 0) > 0;
}

}  // namespace nubridge::transport
