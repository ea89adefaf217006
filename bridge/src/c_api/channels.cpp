// Channels between processes, of the C interface.
#include <algorithm>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "c_api/channel_handle.hpp"
#include "c_api/guarded.hpp"
#include "c_api/network_handle.hpp"
#include "transport/channel.hpp"
#include "transport/in_process_channel.hpp"
#include "transport/shared_memory_channel.hpp"

using nubridge::InvalidArgument;
using nubridge::c_api::guarded;
using nubridge::c_api::owner_of;
using nubridge::c_api::required;
using nubridge::transport::ChannelShape;
using nubridge::transport::OtherSide;
using nubridge::transport::OwnerEnd;
using nubridge::transport::PeerEnd;
using nubridge::transport::Reply;
using nubridge::transport::Request;
using nubridge::transport::Waited;
using std::chrono::milliseconds;

namespace {

ChannelShape shape_of(const char* config, const std::int64_t* shape) {
    required(shape, "the shape");
    constexpr std::int64_t most = 1'000'000;
    for (int i = 0; i < 3; ++i)
        if (shape[i] < 0 || shape[i] > most)
            throw InvalidArgument("an exchange of " + std::to_string(shape[i]) + " numbers is not possible; 0 to " +
                                  std::to_string(most) + " of each kind are");
    if (shape[3] <= 0)
        throw InvalidArgument("a window of " + std::to_string(shape[3]) + " ns is none; give at least 1 ns");
    return {static_cast<std::size_t>(shape[0]), static_cast<std::size_t>(shape[1]), static_cast<std::size_t>(shape[2]),
            shape[3], required(config, "the configuration")};
}

void list(const std::vector<std::string>& sessions, std::size_t room, char* names, std::size_t* found) {
    *required(found, "the place for the number") = sessions.size();
    if (room == 0) return;
    std::string text;
    for (const auto& session : sessions) text += session + "\n";
    const std::size_t bytes = std::min(room - 1, text.size());
    std::copy_n(text.data(), bytes, required(names, "the place for the names"));
    names[bytes] = '\0';
}

PeerEnd& peer_of(nubridge_channel* channel) {
    if (required(channel, "the channel")->peer == nullptr)
        throw InvalidArgument("this is the owner's end of the channel; the peer's end does that");
    return *channel->peer;
}

/// Runs a wait, and turns how it ended into a status.
template <class Wait>
nubridge_status waited(Wait&& wait) {
    Waited how = Waited::not_yet;
    const nubridge_status status = guarded([&] { how = wait(); });
    if (status != NUBRIDGE_OK || how == Waited::arrived) return status;
    return how == Waited::drained ? NUBRIDGE_DRAINED : NUBRIDGE_WAITING;
}

template <class Number>
void copy(std::span<const Number> from, Number* to, const char* what) {
    if (!from.empty()) std::copy(from.begin(), from.end(), required(to, what));
}

}  // namespace

nubridge_status nubridge_channel_create(const char* name, const char* config, const int64_t* shape,
                                        nubridge_channel** out) {
    return guarded([&] {
        auto made = std::make_unique<nubridge_channel>();
        made->shape = shape_of(config, shape);
        made->owner = nubridge::transport::create_session(required(name, "the session's name"), made->shape);
        *required(out, "the place for the channel") = made.release();
    });
}

nubridge_status nubridge_channel_attach(const char* name, int32_t limit_ms, nubridge_channel** out) {
    return guarded([&] {
        auto made = std::make_unique<nubridge_channel>();
        made->peer = nubridge::transport::attach_session(required(name, "the session's name"), milliseconds(limit_ms));
        made->shape = made->peer->shape();
        *required(out, "the place for the channel") = made.release();
    });
}

nubridge_status nubridge_channel_pair(const char* config, const int64_t* shape, nubridge_channel** owner,
                                      nubridge_channel** peer) {
    return guarded([&] {
        auto one = std::make_unique<nubridge_channel>();
        auto other = std::make_unique<nubridge_channel>();
        one->shape = other->shape = shape_of(config, shape);
        std::tie(one->owner, other->peer) = nubridge::transport::in_process_channel(one->shape);
        required(owner, "the place for the owner's end");
        *required(peer, "the place for the peer's end") = other.release();
        *owner = one.release();
    });
}

void nubridge_channel_close(nubridge_channel* channel) {
    delete channel;
}

const char* nubridge_channel_config(const nubridge_channel* channel) {
    return channel->shape.config.c_str();
}

nubridge_status nubridge_channel_shape(const nubridge_channel* channel, int64_t* shape) {
    return guarded([&] {
        const ChannelShape& of = required(channel, "the channel")->shape;
        required(shape, "the place for the shape");
        shape[0] = static_cast<std::int64_t>(of.amounts);
        shape[1] = static_cast<std::int64_t>(of.rates);
        shape[2] = static_cast<std::int64_t>(of.counts);
        shape[3] = of.window_ns;
    });
}

nubridge_status nubridge_channel_wait_peer(nubridge_channel* channel, int32_t limit_ms) {
    return waited(
        [&] { return owner_of(channel).wait_for_peer(milliseconds(limit_ms)) ? Waited::arrived : Waited::not_yet; });
}

nubridge_status nubridge_channel_send(nubridge_channel* channel, int64_t window, const int64_t* amounts,
                                      const double* rates) {
    return guarded([&] {
        OwnerEnd& owner = owner_of(channel);
        owner.send({window, {amounts, channel->shape.amounts}, {rates, channel->shape.rates}});
    });
}

nubridge_status nubridge_channel_collect(nubridge_channel* channel, int32_t limit_ms, int64_t* window,
                                         int64_t* realised, int64_t* counts) {
    return waited([&] {
        Reply reply;
        const Waited how = owner_of(channel).collect(milliseconds(limit_ms), reply);
        if (how != Waited::arrived) return how;
        *required(window, "the place for the window") = reply.window;
        copy(reply.realised, realised, "the place for the realised amounts");
        copy(reply.counts, counts, "the place for the counts");
        return how;
    });
}

nubridge_status nubridge_channel_drain(nubridge_channel* channel) {
    return guarded([&] { owner_of(channel).drain(); });
}

nubridge_status nubridge_channel_receive(nubridge_channel* channel, int32_t limit_ms, int64_t* window, int64_t* amounts,
                                         double* rates) {
    return waited([&] {
        Request request;
        const Waited how = peer_of(channel).receive(milliseconds(limit_ms), request);
        if (how != Waited::arrived) return how;
        *required(window, "the place for the window") = request.window;
        copy(request.amounts, amounts, "the place for the amounts");
        copy(request.rates, rates, "the place for the rates");
        return how;
    });
}

nubridge_status nubridge_channel_reply(nubridge_channel* channel, const int64_t* realised, const int64_t* counts) {
    return guarded([&] {
        PeerEnd& peer = peer_of(channel);
        peer.reply({realised, channel->shape.amounts}, {counts, channel->shape.counts});
    });
}

nubridge_status nubridge_channel_fail(nubridge_channel* channel, const char* message) {
    return guarded([&] { peer_of(channel).fail(required(message, "the message")); });
}

nubridge_status nubridge_channel_other(const nubridge_channel* channel, int32_t* pid, int64_t* time_ns,
                                       double* silent_s) {
    return guarded([&] {
        required(channel, "the channel");
        const OtherSide other = channel->owner ? channel->owner->other() : channel->peer->other();
        *required(pid, "the place for the process") = other.pid;
        *required(time_ns, "the place for the time") = other.time_ns;
        *required(silent_s, "the place for the silence") = other.silent_s;
    });
}

nubridge_status nubridge_sessions_stale(size_t room, char* names, size_t* found) {
    return guarded([&] { list(nubridge::transport::stale_sessions(), room, names, found); });
}

nubridge_status nubridge_sessions_clean(size_t room, char* names, size_t* found) {
    return guarded([&] { list(nubridge::transport::remove_stale_sessions(), room, names, found); });
}
