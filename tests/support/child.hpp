#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace nubridge::test {

/// A process that ends with its owner's test.
class Child {
public:
    template <class Body>
    explicit Child(Body&& body) : pid_(::fork()) {
        if (pid_ != 0) return;
        body();
        ::_exit(0);
    }
    ~Child() { end(); }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    void signal(int number) const { ::kill(pid_, number); }
    /// Returns when the child has stopped itself, or has ended: then it stays a zombie.
    void wait_for_stop() const {
        siginfo_t found{};
        ::waitid(P_PID, static_cast<id_t>(pid_), &found, WSTOPPED | WEXITED | WNOWAIT);
    }
    /// Whether it ends by itself, with status 0.
    bool ends_well() {
        int status = 0;
        const bool reaped = ::waitpid(std::exchange(pid_, 0), &status, 0) > 0;
        return reaped && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    void end() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }

private:
    pid_t pid_;
};

}  // namespace nubridge::test
