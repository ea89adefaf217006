#pragma once

#include <memory>

#include "c_api/guarded.hpp"
#include "nubridge/nubridge.h"
#include "transport/channel.hpp"

/// What a nubridge_channel points to: one of the two ends.
struct nubridge_channel {
    nubridge::transport::ChannelShape shape;
    std::unique_ptr<nubridge::transport::OwnerEnd> owner;
    std::unique_ptr<nubridge::transport::PeerEnd> peer;
};

namespace nubridge::c_api {

/// @throws InvalidArgument for null and for a peer's end.
inline transport::OwnerEnd& owner_of(nubridge_channel* channel) {
    if (required(channel, "the channel")->owner == nullptr)
        throw InvalidArgument("this is the peer's end of the channel; the owner's end does that");
    return *channel->owner;
}

}  // namespace nubridge::c_api
