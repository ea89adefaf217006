// Round trips of 256 bytes between two processes: ours, a raw spin-wait, Boost's queues and conditions, pipes, sockets.
// Usage: transport_bench [TURNS]; writes the rows of tests/bench/run.py as JSON.
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/interprocess/anonymous_shared_memory.hpp>
#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/interprocess/sync/interprocess_condition.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>
#include <numeric>
#include <string>
#include <vector>

#include "transport/shared_memory_channel.hpp"

namespace {

namespace ipc = boost::interprocess;
using nubridge::transport::Reply;
using nubridge::transport::Request;
using nubridge::transport::Waited;
using std::chrono::steady_clock;
using Payload = std::array<std::int64_t, 32>;

constexpr std::chrono::milliseconds patience{10'000};

double now_us() {
    return std::chrono::duration<double, std::micro>(steady_clock::now().time_since_epoch()).count();
}

/// The times in us of so many round trips, the other side being a child that runs `serve`.
std::vector<double> round_trips(std::size_t count, const std::function<void(std::size_t)>& serve,
                                const std::function<void(Payload&)>& trip) {
    const std::size_t warm = count / 10;
    const pid_t child = ::fork();
    if (child == 0) {
        serve(count + warm);
        ::_exit(0);
    }
    std::vector<double> times_us;
    Payload payload{};
    for (std::size_t i = 0; i < count + warm; ++i) {
        payload[0] = static_cast<std::int64_t>(i);
        const double begin_us = now_us();
        trip(payload);
        if (i >= warm) times_us.push_back(now_us() - begin_us);
    }
    ::waitpid(child, nullptr, 0);
    return times_us;
}

std::vector<double> by_nubridge(std::size_t count) {
    const nubridge::transport::ChannelShape shape{31, 0, 0, 25'000, "{}"};
    const std::string name = "bench-" + std::to_string(::getpid());
    const auto owner = nubridge::transport::create_session(name, shape);
    std::int64_t window = 0;
    return round_trips(
        count,
        [&](std::size_t trips) {
            const auto peer = nubridge::transport::attach_session(name, patience);
            Request request;
            for (std::size_t i = 0; i < trips && peer->receive(patience, request) == Waited::arrived; ++i)
                peer->reply(request.amounts, {});
        },
        [&](Payload& payload) {
            Reply reply;
            owner->send({window++, {payload.data(), 31}, {}});
            if (owner->collect(patience, reply) != Waited::arrived) std::abort();
            std::copy(reply.realised.begin(), reply.realised.end(), payload.begin());
        });
}

/// Two payloads, each behind its flag.
struct Raw {
    alignas(128) std::atomic<std::uint32_t> there;
    Payload request;
    alignas(128) std::atomic<std::uint32_t> back;
    Payload reply;
};

std::vector<double> by_spinning(std::size_t count) {
    const ipc::mapped_region region(ipc::anonymous_shared_memory(sizeof(Raw)));
    auto& raw = *new (region.get_address()) Raw{};
    std::uint32_t seq = 0;
    return round_trips(
        count,
        [&](std::size_t trips) {
            for (std::uint32_t i = 1; i <= trips; ++i) {
                while (raw.there.load(std::memory_order_acquire) != i) __builtin_ia32_pause();
                raw.reply = raw.request;
                raw.back.store(i, std::memory_order_release);
            }
        },
        [&](Payload& payload) {
            raw.request = payload;
            raw.there.store(++seq, std::memory_order_release);
            while (raw.back.load(std::memory_order_acquire) != seq) __builtin_ia32_pause();
            payload = raw.reply;
        });
}

struct Guarded {
    ipc::interprocess_mutex mutex;
    ipc::interprocess_condition changed;
    std::uint32_t there = 0;
    std::uint32_t back = 0;
    Payload payload{};
};

std::vector<double> by_condition(std::size_t count) {
    const ipc::mapped_region region(ipc::anonymous_shared_memory(sizeof(Guarded)));
    auto& guarded = *new (region.get_address()) Guarded{};
    using Lock = ipc::scoped_lock<ipc::interprocess_mutex>;
    return round_trips(
        count,
        [&](std::size_t trips) {
            for (std::uint32_t i = 1; i <= trips; ++i) {
                Lock lock(guarded.mutex);
                guarded.changed.wait(lock, [&] { return guarded.there == i; });
                guarded.back = i;
                guarded.changed.notify_all();
            }
        },
        [&](Payload& payload) {
            Lock lock(guarded.mutex);
            guarded.payload = payload;
            const std::uint32_t seq = ++guarded.there;
            guarded.changed.notify_all();
            guarded.changed.wait(lock, [&] { return guarded.back == seq; });
            payload = guarded.payload;
        });
}

std::vector<double> by_message_queue(std::size_t count) {
    const std::string name = "nubridge-bench-" + std::to_string(::getpid());
    const std::array<std::string, 2> names{name + "-there", name + "-back"};
    ipc::message_queue there(ipc::create_only, names[0].c_str(), 1, sizeof(Payload));
    ipc::message_queue back(ipc::create_only, names[1].c_str(), 1, sizeof(Payload));
    for (const auto& one : names) ipc::message_queue::remove(one.c_str());
    const auto receive = [](ipc::message_queue& queue, Payload& payload) {
        ipc::message_queue::size_type bytes = 0;
        unsigned int priority = 0;
        queue.receive(payload.data(), sizeof payload, bytes, priority);
    };
    return round_trips(
        count,
        [&](std::size_t trips) {
            Payload payload{};
            for (std::size_t i = 0; i < trips; ++i) {
                receive(there, payload);
                back.send(payload.data(), sizeof payload, 0);
            }
        },
        [&](Payload& payload) {
            there.send(payload.data(), sizeof payload, 0);
            receive(back, payload);
        });
}

std::vector<double> by_files(std::size_t count, const std::array<int, 2>& there, const std::array<int, 2>& back) {
    const auto move = [](auto&& call, int file, Payload& payload) {
        if (call(file, payload.data(), sizeof payload) != static_cast<ssize_t>(sizeof payload)) std::abort();
    };
    return round_trips(
        count,
        [&](std::size_t trips) {
            Payload payload{};
            for (std::size_t i = 0; i < trips; ++i) {
                move(::read, there[0], payload);
                move(::write, back[1], payload);
            }
        },
        [&](Payload& payload) {
            move(::write, there[1], payload);
            move(::read, back[0], payload);
        });
}

std::vector<double> by_pipe(std::size_t count) {
    std::array<int, 2> there{};
    std::array<int, 2> back{};
    if (::pipe(there.data()) != 0 || ::pipe(back.data()) != 0) std::abort();
    return by_files(count, there, back);
}

std::vector<double> by_socket(std::size_t count) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) std::abort();
    return by_files(count, {ends[1], ends[0]}, {ends[0], ends[1]});
}

double quantile(std::vector<double> values, double part) {
    const auto place = values.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), place, values.end());
    return *place;
}

/// Processes that do nothing but compute, for as long as this lives.
class Busy {
public:
    explicit Busy(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            const pid_t child = ::fork();
            if (child != 0) {
                children_.push_back(child);
                continue;
            }
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (volatile std::uint64_t counted = 0;;) counted = counted + 1;
        }
    }
    ~Busy() {
        for (const pid_t child : children_) {
            ::kill(child, SIGKILL);
            ::waitpid(child, nullptr, 0);
        }
    }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

private:
    std::vector<pid_t> children_;
};

/// The mean round trip in us beside so many busy processes.
double mean_beside(std::size_t busy_processes) {
    const Busy busy(busy_processes);
    const auto times_us = by_nubridge(20'000);
    return std::accumulate(times_us.begin(), times_us.end(), 0.0) / static_cast<double>(times_us.size());
}

struct Subject {
    const char* name;
    std::vector<double> (*run)(std::size_t);
    std::size_t trips;
    std::vector<double> medians_us{};
    std::vector<double> p99_us{};
};

}  // namespace

int main(int argc, char** argv) {
    const int turns = argc > 1 ? std::atoi(argv[1]) : 5;
    std::vector<Subject> subjects{{"raw spin-wait", by_spinning, 50'000},
                                  {"nubridge channel", by_nubridge, 50'000},
                                  {"Boost message_queue", by_message_queue, 5'000},
                                  {"Boost mutex and condition", by_condition, 5'000},
                                  {"pipe", by_pipe, 5'000},
                                  {"Unix socket", by_socket, 5'000}};
    std::vector<double> busy_us;
    for (int turn = 0; turn < turns; ++turn) {
        busy_us.push_back(mean_beside(6));
        for (auto& subject : subjects) {
            const auto times_us = subject.run(subject.trips);
            subject.medians_us.push_back(quantile(times_us, 0.5));
            subject.p99_us.push_back(quantile(times_us, 0.99));
        }
    }
    const char* separator = "[\n";
    for (const auto& subject : subjects) {
        std::vector<double> ratios;
        for (std::size_t turn = 0; turn < subject.medians_us.size(); ++turn)
            ratios.push_back(subject.medians_us[turn] / subjects[0].medians_us[turn]);
        std::printf(
            "%s{\"name\": \"%s, median\", \"value\": %.4g, \"unit\": \"us\", \"reference\": \"raw spin-wait\", "
            "\"ratio\": %.3f, \"repeats\": %d},\n"
            "{\"name\": \"%s, 99th percentile\", \"value\": %.4g, \"unit\": \"us\", \"reference\": \"\", "
            "\"ratio\": null, \"repeats\": %d}",
            separator, subject.name, quantile(subject.medians_us, 0.5), quantile(ratios, 0.5), turns, subject.name,
            quantile(subject.p99_us, 0.5), turns);
        separator = ",\n";
    }
    std::printf(
        ",\n{\"name\": \"nubridge channel, mean beside 6 busy processes\", \"value\": %.4g, \"unit\": \"us\", "
        "\"reference\": \"\", \"ratio\": null, \"repeats\": %d}\n]\n",
        quantile(busy_us, 0.5), turns);
    return 0;
}
