#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "transport/channel.hpp"

namespace nubridge::transport {

/// The owner's end of a new session in /dev/shm, readable by this user only. It has its name from the moment it is
/// complete until a peer has attached, or until the end closes.
/// @throws SessionError for a name that is in use, that is no name, for a full or forbidden /dev/shm
std::unique_ptr<OwnerEnd> create_session(const std::string& name, const ChannelShape& shape);

/// The peer's end, waiting for a session of that name at most so long.
/// @throws SessionError when there is none, when it has a peer, or when the two sides are not of one kind
std::unique_ptr<PeerEnd> attach_session(const std::string& name, std::chrono::milliseconds limit);

/// The names of the sessions that dead processes of this user left in /dev/shm: neither side holds its lock.
std::vector<std::string> stale_sessions();
/// Removes them, and returns their names.
std::vector<std::string> remove_stale_sessions();

}  // namespace nubridge::transport
