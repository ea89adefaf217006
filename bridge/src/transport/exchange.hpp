#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "transport/channel.hpp"
#include "transport/segment_header.hpp"

namespace nubridge::transport {

/// Where the parts of a segment lie: the header, the configuration, two requests and two replies, in turn by parity.
/// A request is int64 window, the amounts, the rates; a reply is int64 window, the realised amounts, the counts.
struct SegmentLayout {
    explicit SegmentLayout(const ChannelShape& shape);

    std::size_t config;
    std::size_t requests;
    std::size_t request_bytes;
    std::size_t replies;
    std::size_t reply_bytes;
    std::size_t total;
};

/// FNV-1a, 64 bits.
std::uint64_t hash_of(const std::string& text);

/// Memory that both ends see, and what one end can know of the other.
class Segment {
public:
    virtual ~Segment() = default;
    Segment() = default;
    Segment(const Segment&) = delete;
    Segment& operator=(const Segment&) = delete;

    /// Aligned to 128 bytes.
    virtual std::byte* data() const = 0;
    /// Whether the process at the other end lives; asked some fifty times a second while an end waits.
    virtual bool other_lives() = 0;
    /// The owner's, once the peer has attached: nobody else may come.
    virtual void admitted() {}
    /// What messages call the session.
    virtual const std::string& name() const = 0;
};

/// Writes header and configuration into zeroed memory of SegmentLayout(shape).total bytes.
void initialise(std::byte* memory, const ChannelShape& shape);
/// Reads the shape back. @throws SessionError naming both values of what differs: magic, layout, byte order, size,
/// units, hash of the configuration
ChannelShape checked_shape(const std::byte* memory, std::size_t bytes, const std::string& name);

/// The ends over an initialised segment. A peer end tells the owner that it is there.
std::unique_ptr<OwnerEnd> owner_end(std::unique_ptr<Segment> segment, ChannelShape shape);
std::unique_ptr<PeerEnd> peer_end(std::unique_ptr<Segment> segment, ChannelShape shape);

}  // namespace nubridge::transport
