#include "transport/in_process_channel.hpp"

#include <unistd.h>

#include <atomic>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "transport/exchange.hpp"

namespace nubridge::transport {
namespace {

/// The memory of both ends, and which of them are there.
struct Shared {
    explicit Shared(std::size_t bytes) : memory(static_cast<std::byte*>(::operator new(bytes, alignment)), Free{}) {
        std::memset(memory.get(), 0, bytes);
    }
    static constexpr std::align_val_t alignment{alignof(SegmentHeader)};
    struct Free {
        void operator()(std::byte* memory) const { ::operator delete(memory, alignment); }
    };
    std::unique_ptr<std::byte, Free> memory;
    std::atomic<bool> owner_lives = true;
    std::atomic<bool> peer_lives = true;
};

class ThreadSegment final : public Segment {
public:
    ThreadSegment(std::shared_ptr<Shared> shared, bool is_owner) : shared_(std::move(shared)), is_owner_(is_owner) {}
    ~ThreadSegment() override { (is_owner_ ? shared_->owner_lives : shared_->peer_lives) = false; }
    ThreadSegment(const ThreadSegment&) = delete;
    ThreadSegment& operator=(const ThreadSegment&) = delete;

    std::byte* data() const override { return shared_->memory.get(); }
    bool other_lives() override { return is_owner_ ? shared_->peer_lives : shared_->owner_lives; }
    const std::string& name() const override { return name_; }

private:
    std::shared_ptr<Shared> shared_;
    bool is_owner_;
    std::string name_ = "of this process";
};

}  // namespace

std::pair<std::unique_ptr<OwnerEnd>, std::unique_ptr<PeerEnd>> in_process_channel(const ChannelShape& shape) {
    auto shared = std::make_shared<Shared>(SegmentLayout(shape).total);
    initialise(shared->memory.get(), shape);
    auto& header = *reinterpret_cast<SegmentHeader*>(shared->memory.get());
    header.owner.pid = header.peer.pid = ::getpid();
    header.owner.state = SideState::ready;
    auto owner = owner_end(std::make_unique<ThreadSegment>(shared, true), shape);
    auto peer = peer_end(std::make_unique<ThreadSegment>(shared, false), shape);
    return {std::move(owner), std::move(peer)};
}

}  // namespace nubridge::transport
