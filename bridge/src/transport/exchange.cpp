#include "transport/exchange.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <utility>

#include "transport/waiting.hpp"

namespace nubridge::transport {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

/// How long a wait sleeps before it looks whether the other side lives.
constexpr nanoseconds slice = milliseconds(5);
constexpr std::uint32_t beats_every = 64;
/// To be woken takes a tenth of a millisecond: a wait that is about to end spins, as long before and after the time
/// that the last one took as this part of it, within these limits.
constexpr int share_that_spins = 16;
constexpr nanoseconds least_spin = std::chrono::microseconds(300);
constexpr nanoseconds longest_spin = milliseconds(2);

std::size_t rounded(std::size_t bytes) {
    return (bytes + 127) / 128 * 128;
}

SegmentHeader& header_of(std::byte* memory) {
    return *reinterpret_cast<SegmentHeader*>(memory);
}

/// What both ends do: publish a number, wait for the other's, know whether it lives.
class End {
public:
    End(std::unique_ptr<Segment> segment, ChannelShape shape, bool is_owner)
        : segment_(std::move(segment)),
          shape_(std::move(shape)),
          layout_(shape_),
          own_(is_owner ? header_of(segment_->data()).owner : header_of(segment_->data()).peer),
          other_(is_owner ? header_of(segment_->data()).peer : header_of(segment_->data()).owner),
          own_error_(is_owner ? header_of(segment_->data()).owner_error : header_of(segment_->data()).peer_error),
          other_error_(is_owner ? header_of(segment_->data()).peer_error : header_of(segment_->data()).owner_error),
          who_other_(is_owner ? "the peer" : "the session's owner") {}

    ~End() {
        if (own_.state.load() != SideState::failed) own_.state = SideState::closed;
        wake(own_.seq);
    }
    End(const End&) = delete;
    End& operator=(const End&) = delete;

    std::byte* request(std::uint32_t seq) const {
        return segment_->data() + layout_.requests + (seq & 1U) * layout_.request_bytes;
    }
    std::byte* reply(std::uint32_t seq) const {
        return segment_->data() + layout_.replies + (seq & 1U) * layout_.reply_bytes;
    }
    void beat() { own_.heartbeat_ns.store(monotonic_ns(), std::memory_order_relaxed); }

    void publish(std::uint32_t seq, std::int64_t time_ns) {
        own_.time_ns.store(time_ns, std::memory_order_relaxed);
        if (seq % beats_every == 0) beat();
        own_.seq.store(seq);
        if (other_.waiting.load() != 0) wake(own_.seq);
    }

    /// Waits until the other side has published more than `seen`; `ended` says whether it never will.
    template <class Ended>
    Waited wait(std::uint32_t seen, milliseconds limit, Ended&& ended) {
        if (spin_while_equal(other_.seq, seen)) return Waited::arrived;
        const auto begin = steady_clock::now();
        const Waited found = wait_longer(seen, begin, limit, ended);
        last_wait_ = steady_clock::now() - begin;
        return found;
    }

    template <class Ended>
    Waited wait_longer(std::uint32_t seen, steady_clock::time_point begin, milliseconds limit, Ended&& ended) {
        const auto deadline = begin + limit;
        const auto margin = std::clamp(last_wait_ / share_that_spins, least_spin, longest_spin);
        const auto spin_from = begin + last_wait_ - margin, spin_to = std::min(begin + last_wait_ + margin, deadline);
        Waited found = Waited::not_yet;
        for (;;) {
            beat();
            const auto now = steady_clock::now();
            if (now >= spin_from && now < spin_to && spin_while_equal(other_.seq, seen, spin_to - now))
                return Waited::arrived;
            own_.waiting = 1;
            if (other_.seq.load() != seen) {
                found = Waited::arrived;
                break;
            }
            const bool over = ended();
            if (over && other_.seq.load() == seen) {
                found = Waited::drained;
                break;
            }
            const auto left = deadline - steady_clock::now();
            if (over || left <= nanoseconds(0)) break;
            const auto until_spin = now < spin_from ? nanoseconds(spin_from - now) : slice;
            sleep_while_equal(other_.seq, seen, std::min({slice, nanoseconds(left), until_spin}));
            own_.waiting = 0;
        }
        own_.waiting = 0;
        return other_.seq.load() != seen ? Waited::arrived : found;
    }

    std::string other_error() const {
        const std::uint32_t bytes = other_.error_bytes.load(std::memory_order_acquire);
        return {other_error_.data(), std::min<std::size_t>(bytes, other_error_.size())};
    }
    void leave_error(const std::string& text) {
        const std::size_t bytes = std::min(text.size(), own_error_.size());
        std::copy_n(text.data(), bytes, own_error_.data());
        own_.error_bytes.store(static_cast<std::uint32_t>(bytes), std::memory_order_release);
        own_.state = SideState::failed;
        wake(own_.seq);
    }
    [[noreturn]] void throw_died() const {
        const OtherSide them = other();
        throw PeerDied(who_other_ + " of the session " + segment_->name() + " (process " + std::to_string(them.pid) +
                       ") has ended at " + std::to_string(them.time_ns) + " ns, this side stands at " +
                       std::to_string(own_.time_ns.load()) + " ns; its last sign of life is " +
                       std::to_string(them.silent_s) + " s old; see its log, then start the session again");
    }
    OtherSide other() const {
        const std::uint64_t beat_ns = other_.heartbeat_ns.load(std::memory_order_relaxed);
        const std::uint64_t now_ns = monotonic_ns();
        return {other_.pid.load(), other_.time_ns.load(),
                beat_ns == 0 || beat_ns > now_ns ? 0.0 : static_cast<double>(now_ns - beat_ns) * 1e-9};
    }
    [[noreturn]] void throw_out_of_step(std::int64_t window, std::int64_t expected) const {
        throw SessionError(who_other_ + " of the session " + segment_->name() + " speaks of window " +
                           std::to_string(window) + " where " + std::to_string(expected) +
                           " is due; start the session again");
    }

    std::unique_ptr<Segment> segment_;
    ChannelShape shape_;
    SegmentLayout layout_;
    SegmentSide& own_;
    SegmentSide& other_;
    std::array<char, 4096>& own_error_;
    const std::array<char, 4096>& other_error_;
    std::string who_other_;
    nanoseconds last_wait_{0};  ///< beyond the first spins
};

void require_size(std::size_t found, std::size_t wanted, const char* what) {
    if (found == wanted) return;
    throw InvalidArgument(std::to_string(found) + " " + what + " were given where the session has " +
                          std::to_string(wanted) + "; pass one a slot of the configuration");
}

template <class Number>
void put(std::byte*& place, std::span<const Number> numbers) {
    if (!numbers.empty()) std::memcpy(place, numbers.data(), numbers.size_bytes());
    place += numbers.size_bytes();
}

template <class Number>
std::span<const Number> taken(std::byte*& place, std::size_t count) {
    const auto* const first = reinterpret_cast<const Number*>(place);
    place += count * sizeof(Number);
    return {first, count};
}

class Owner final : public OwnerEnd {
public:
    Owner(std::unique_ptr<Segment> segment, ChannelShape shape) : end_(std::move(segment), std::move(shape), true) {}

    bool wait_for_peer(milliseconds limit) override {
        const auto came = [this] { return end_.other_.state.load() != SideState::init; };
        end_.wait(0, limit, came);
        if (!came()) return false;
        end_.segment_->admitted();
        if (end_.other_.state.load() == SideState::failed && sent_ == 0) throw_if_failed();
        return true;
    }

    void send(const Request& request) override {
        require_size(request.amounts.size(), end_.shape_.amounts, "amounts");
        require_size(request.rates.size(), end_.shape_.rates, "rates");
        if (sent_ - collected_ == windows_.size())
            throw InvalidArgument("two windows are under way already; collect one before the next is sent");
        if (sent_ != collected_ && request.window != windows_[(sent_ - 1) & 1U] + 1)
            throw InvalidArgument("window " + std::to_string(request.window) + " does not follow the last one sent");
        std::byte* place = end_.request(sent_);
        put(place, std::span<const std::int64_t>(&request.window, 1));
        put(place, request.amounts);
        put(place, request.rates);
        windows_[sent_ & 1U] = request.window;
        ++sent_;
        end_.publish(sent_, (request.window + 1) * end_.shape_.window_ns);
    }

    Waited collect(milliseconds limit, Reply& reply) override {
        if (sent_ == collected_) throw InvalidArgument("no window is under way; send one before collecting");
        if (!admitted_) {
            if (!wait_for_peer(limit)) return Waited::not_yet;
            admitted_ = true;
        }
        const Waited how = end_.wait(collected_, limit, [this] { return gone(); });
        if (how == Waited::not_yet) return how;
        if (how == Waited::drained) {
            throw_if_failed();
            end_.throw_died();
        }
        std::byte* place = end_.reply(collected_);
        reply.window = taken<std::int64_t>(place, 1)[0];
        const std::int64_t expected = windows_[collected_ & 1U];
        if (reply.window != expected) end_.throw_out_of_step(reply.window, expected);
        reply.realised = taken<std::int64_t>(place, end_.shape_.amounts);
        reply.counts = taken<std::int64_t>(place, end_.shape_.counts);
        ++collected_;
        return Waited::arrived;
    }

    void drain() override {
        end_.own_.state = SideState::draining;
        wake(end_.own_.seq);
    }
    OtherSide other() const override { return end_.other(); }

private:
    bool gone() {
        const SideState state = end_.other_.state.load();
        return state == SideState::failed || state == SideState::closed || !end_.segment_->other_lives();
    }
    void throw_if_failed() const {
        const std::string text = end_.other_error();
        if (!text.empty()) throw PeerFailed(text);
    }

    End end_;
    std::array<std::int64_t, 2> windows_{};
    std::uint32_t sent_ = 0;
    std::uint32_t collected_ = 0;
    bool admitted_ = false;
};

class Peer final : public PeerEnd {
public:
    Peer(std::unique_ptr<Segment> segment, ChannelShape shape) : end_(std::move(segment), std::move(shape), false) {
        end_.beat();
        end_.own_.state = SideState::ready;
        wake(end_.own_.seq);
    }

    const ChannelShape& shape() const override { return end_.shape_; }

    Waited receive(milliseconds limit, Request& request) override {
        if (received_ != answered_) throw InvalidArgument("the last window is not answered; reply before receiving");
        bool died = false;
        const auto drains = [this] {
            const SideState state = end_.other_.state.load();
            return state == SideState::draining || state == SideState::closed;
        };
        const Waited how = end_.wait(received_, limit, [this, &died, &drains] {
            if (drains()) return true;
            if (end_.segment_->other_lives()) return false;
            died = !drains();  // it may have drained and ended since
            return true;
        });
        if (how == Waited::drained && died) end_.throw_died();
        if (how != Waited::arrived) return how;
        std::byte* place = end_.request(received_);
        request.window = taken<std::int64_t>(place, 1)[0];
        if (received_ != 0 && request.window != window_ + 1 && request.window != window_)
            end_.throw_out_of_step(request.window, window_ + 1);
        request.amounts = taken<std::int64_t>(place, end_.shape_.amounts);
        request.rates = taken<double>(place, end_.shape_.rates);
        window_ = request.window;
        ++received_;
        return Waited::arrived;
    }

    void reply(std::span<const std::int64_t> realised, std::span<const std::int64_t> counts) override {
        require_size(realised.size(), end_.shape_.amounts, "realised amounts");
        require_size(counts.size(), end_.shape_.counts, "counts");
        if (received_ == answered_) throw InvalidArgument("no window waits for an answer; receive one before replying");
        std::byte* place = end_.reply(answered_);
        put(place, std::span<const std::int64_t>(&window_, 1));
        put(place, realised);
        put(place, counts);
        ++answered_;
        end_.publish(answered_, (window_ + 1) * end_.shape_.window_ns);
    }

    void fail(const std::string& text) override { end_.leave_error(text); }
    OtherSide other() const override { return end_.other(); }

private:
    End end_;
    std::int64_t window_ = 0;
    std::uint32_t received_ = 0;
    std::uint32_t answered_ = 0;
};

void require_same(bool same, const std::string& session, const std::string& what, const std::string& found,
                  const std::string& own) {
    if (same) return;
    throw SessionError("the session " + session + " has the " + what + " " + found + ", this nubridge " + own +
                       "; let both sides use the same nubridge on the same machine");
}

void require_number(std::uint64_t found, std::uint64_t own, const std::string& session, const std::string& what) {
    require_same(found == own, session, what, std::to_string(found), std::to_string(own));
}

}  // namespace

SegmentLayout::SegmentLayout(const ChannelShape& shape)
    : config(sizeof(SegmentHeader)),
      requests(config + rounded(shape.config.size())),
      request_bytes(rounded(8 * (1 + shape.amounts + shape.rates))),
      replies(requests + 2 * request_bytes),
      reply_bytes(rounded(8 * (1 + shape.amounts + shape.counts))),
      total(replies + 2 * reply_bytes) {}

std::uint64_t hash_of(const std::string& text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
    return hash;
}

void initialise(std::byte* memory, const ChannelShape& shape) {
    const SegmentLayout layout(shape);
    auto& header = *::new (memory) SegmentHeader{};
    header.identity = {segment_magic,
                       layout_version,
                       byte_order_mark,
                       static_cast<std::uint32_t>(sizeof(SegmentHeader)),
                       static_cast<std::uint32_t>(shape.amounts),
                       static_cast<std::uint32_t>(shape.rates),
                       static_cast<std::uint32_t>(shape.counts),
                       layout.total,
                       shape.config.size(),
                       hash_of(shape.config),
                       shape.window_ns,
                       monotonic_ns(),
                       payload_units};
    std::memcpy(memory + layout.config, shape.config.data(), shape.config.size());
}

ChannelShape checked_shape(const std::byte* memory, std::size_t bytes, const std::string& name) {
    if (bytes < sizeof(SegmentHeader))
        throw SessionError("the session " + name + " has " + std::to_string(bytes) + " bytes, a header alone needs " +
                           std::to_string(sizeof(SegmentHeader)) + "; remove it with `nubridge clean`");
    SegmentIdentity found{};
    std::memcpy(&found, memory, sizeof found);
    require_number(found.magic, segment_magic, name, "magic number");
    require_number(found.layout, layout_version, name, "layout version");
    require_number(found.byte_order, byte_order_mark, name, "byte order mark");
    require_number(found.header_bytes, sizeof(SegmentHeader), name, "header size");
    const auto text = [](const std::array<char, 32>& units) {
        return std::string(units.data(), ::strnlen(units.data(), units.size()));
    };
    require_same(found.units == payload_units, name, "units", text(found.units), text(payload_units));
    require_number(found.segment_bytes, bytes, name, "size in bytes");
    ChannelShape shape{found.amounts, found.rates, found.counts, found.window_ns, {}};
    if (found.config_bytes > bytes) require_number(found.config_bytes, bytes, name, "configuration size");
    const auto* const config = reinterpret_cast<const char*>(memory + sizeof(SegmentHeader));
    if (sizeof(SegmentHeader) + found.config_bytes <= bytes) shape.config.assign(config, found.config_bytes);
    require_number(SegmentLayout(shape).total, bytes, name, "size by its shape");
    require_number(found.config_hash, hash_of(shape.config), name, "configuration hash");
    return shape;
}

std::unique_ptr<OwnerEnd> owner_end(std::unique_ptr<Segment> segment, ChannelShape shape) {
    return std::make_unique<Owner>(std::move(segment), std::move(shape));
}

std::unique_ptr<PeerEnd> peer_end(std::unique_ptr<Segment> segment, ChannelShape shape) {
    return std::make_unique<Peer>(std::move(segment), std::move(shape));
}

}  // namespace nubridge::transport
