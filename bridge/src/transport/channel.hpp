#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "units/error.hpp"

namespace nubridge::transport {

/// A session that does not exist, is taken, or speaks another protocol.
class SessionError : public Error {
public:
    using Error::Error;
};

/// The process at the other end is gone.
class PeerDied : public Error {
public:
    using Error::Error;
};

/// The other end reported an error; the message is its own text.
class PeerFailed : public Error {
public:
    using Error::Error;
};

/// How many numbers an exchange moves, and what it means.
struct ChannelShape {
    std::size_t amounts = 0;
    std::size_t rates = 0;
    std::size_t counts = 0;
    std::int64_t window_ns = 0;
    std::string config;
};

/// What the owner sends for one window.
struct Request {
    std::int64_t window = 0;
    std::span<const std::int64_t> amounts;
    std::span<const double> rates;
};

/// What the peer answers.
struct Reply {
    std::int64_t window = 0;
    std::span<const std::int64_t> realised;
    std::span<const std::int64_t> counts;
};

/// How a wait ended.
enum class Waited { arrived, not_yet, drained };

/// What is known of the other side.
struct OtherSide {
    std::int32_t pid = 0;
    std::int64_t time_ns = 0;
    double silent_s = 0;  ///< since its last heartbeat
};

/// The owner's end of an exchange: NEURON's side. Not for several threads at once.
/// Call order: send, collect, send, collect, ...; two windows may be under way before the first is collected.
class OwnerEnd {
public:
    virtual ~OwnerEnd() = default;
    OwnerEnd() = default;
    OwnerEnd(const OwnerEnd&) = delete;
    OwnerEnd& operator=(const OwnerEnd&) = delete;

    /// True when a peer has attached. @throws PeerFailed, PeerDied
    virtual bool wait_for_peer(std::chrono::milliseconds limit) = 0;
    /// Publishes a window. `window` counts up by one; the number of the window before, or -1 at first, is an order to
    /// save what there is and not to advance. @throws InvalidArgument for a wrong size or a third window
    virtual void send(const Request& request) = 0;
    /// The oldest reply; its spans stay valid until the next call but one of `send`.
    /// @throws PeerDied within 100 ms, PeerFailed with the peer's words
    virtual Waited collect(std::chrono::milliseconds limit, Reply& reply) = 0;
    /// Asks the peer to end; it sees `drained` once it has answered what was sent.
    virtual void drain() = 0;
    virtual OtherSide other() const = 0;
};

/// The peer's end. Not for several threads at once.
class PeerEnd {
public:
    virtual ~PeerEnd() = default;
    PeerEnd() = default;
    PeerEnd(const PeerEnd&) = delete;
    PeerEnd& operator=(const PeerEnd&) = delete;

    virtual const ChannelShape& shape() const = 0;
    /// The next window to advance; its spans stay valid until it is answered. @throws PeerDied when the owner is gone
    virtual Waited receive(std::chrono::milliseconds limit, Request& request) = 0;
    /// Answers the window received last. @throws InvalidArgument for a wrong size or without a window
    virtual void reply(std::span<const std::int64_t> realised, std::span<const std::int64_t> counts) = 0;
    /// Leaves a text (cut at 4 kB) that the owner reads, also after this process has died.
    virtual void fail(const std::string& text) = 0;
    virtual OtherSide other() const = 0;
};

}  // namespace nubridge::transport
