#pragma once

#include <memory>
#include <utility>

#include "transport/channel.hpp"

namespace nubridge::transport {

/// Both ends in one process, for two threads: the same protocol over ordinary memory. Destroy
/// an end, and the other sees that it is closed.
std::pair<std::unique_ptr<OwnerEnd>, std::unique_ptr<PeerEnd>> in_process_channel(const ChannelShape& shape);

}  // namespace nubridge::transport
