// Either side killed or stopped at each point of the protocol: the other knows within 100 ms, or goes on.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "channels.hpp"
#include "child.hpp"
#include "expect.hpp"
#include "transport/exchange.hpp"

namespace nubridge::test {
namespace {

using std::chrono::milliseconds;
using transport::PeerDied;
using transport::Reply;
using transport::Request;
using transport::Waited;

/// A wait this short must end by seeing the death, not by returning empty-handed.
constexpr milliseconds short_limit{100};

void serve(PeerEnd& peer, std::int64_t windows) {
    Request request;
    for (std::int64_t i = 0; i < windows && peer.receive(patience, request) == Waited::arrived; ++i)
        peer.reply(pattern(request.window, 1), pattern(request.window, 1));
}

/// A session whose owner drains and ends just when the peer looks whether it lives.
class LastBreath final : public transport::Segment {
public:
    LastBreath() { transport::initialise(memory_.data(), shape_of(1, 0, 1)); }

    std::byte* data() const override { return memory_.data(); }
    bool other_lives() override {
        reinterpret_cast<transport::SegmentHeader*>(data())->owner.state = transport::SideState::draining;
        return false;
    }
    const std::string& name() const override { return name_; }

private:
    alignas(transport::SegmentHeader) mutable std::array<std::byte, 16384> memory_{};
    std::string name_ = "last breath";
};

TEST(Death, OfAnOwnerThatHasDrainedIsTheEndOfTheSession) {
    const auto peer = transport::peer_end(std::make_unique<LastBreath>(), shape_of(1, 0, 1));
    Request request;
    EXPECT_EQ(peer->receive(patience, request), Waited::drained);
}

void send(OwnerEnd& owner, std::int64_t window) {
    owner.send({window, pattern(window, 1), {}});
}

using Stop = std::function<void()>;

/// Where the peer stops or dies: it says so by a signal to itself, so that nothing sleeps.
struct Point {
    const char* name;
    std::int64_t answered;
    std::function<void(PeerEnd&, const Stop&)> act;
};

void answer_after(PeerEnd& peer, const Stop& stop) {
    Request request;
    (void)peer.receive(patience, request);
    stop();
    peer.reply(pattern(request.window, 1), pattern(request.window, 1));
}

std::vector<Point> peer_points() {
    return {
        {"AfterAttaching", 0, [](PeerEnd&, const Stop& stop) { stop(); }},
        {"AfterReceiving", 0, answer_after},
        {"AfterAnswering", 1,
         [](PeerEnd& peer, const Stop& stop) {
             serve(peer, 1);
             stop();
         }},
        {"AfterReceivingTheSecond", 1,
         [](PeerEnd& peer, const Stop& stop) {
             serve(peer, 1);
             answer_after(peer, stop);
         }},
        {"AfterAnsweringTheSecond", 2,
         [](PeerEnd& peer, const Stop& stop) {
             serve(peer, 2);
             stop();
         }},
    };
}

class PeerAtPoint : public testing::TestWithParam<Point> {
protected:
    /// A session whose peer, another process, sends itself `number` at the point.
    void start(int number) {
        const std::string name = fresh_name();
        owner = transport::create_session(name, shape_of(1, 0, 1));
        send(*owner, 0);
        child.emplace([&] {
            const auto peer = transport::attach_session(name, patience);
            GetParam().act(*peer, [number] { ::raise(number); });
            serve(*peer, 3);
        });
        if (GetParam().answered == 0) send(*owner, 1);
        for (std::int64_t window = 0; window < GetParam().answered; ++window) {
            EXPECT_EQ(owner->collect(patience, reply), Waited::arrived);
            EXPECT_EQ(reply.window, window);
            if (window == 0) send(*owner, 1);
        }
        if (GetParam().answered == 2) send(*owner, 2);
        child->wait_for_stop();
    }

    std::unique_ptr<OwnerEnd> owner;
    std::optional<Child> child;
    Reply reply;
};

TEST_P(PeerAtPoint, KilledIsSeenWithinAHundredMilliseconds) {
    start(SIGKILL);  // it stays a zombie
    expect_refusal<PeerDied>([&] { (void)owner->collect(short_limit, reply); }, {"the peer", "has ended", "process"});
}

TEST_P(PeerAtPoint, StoppedIsWaitedForAndGoesOn) {
    start(SIGSTOP);
    EXPECT_EQ(owner->collect(milliseconds(30), reply), Waited::not_yet);
    child->signal(SIGCONT);
    EXPECT_EQ(owner->collect(patience, reply), Waited::arrived);
}

INSTANTIATE_TEST_SUITE_P(Points, PeerAtPoint, testing::ValuesIn(peer_points()), CaseName());

struct OwnerPoint {
    const char* name;
    std::int64_t sent;
    bool collects;
};

class OwnerAtPoint : public testing::TestWithParam<OwnerPoint> {};

TEST_P(OwnerAtPoint, KilledIsSeenWithinAHundredMilliseconds) {
    const std::string name = fresh_name();
    Child child([&] {
        const auto owner = transport::create_session(name, shape_of(1, 0, 1));
        if (!owner->wait_for_peer(patience)) return;
        Reply reply;
        for (std::int64_t window = 0; window < GetParam().sent; ++window) send(*owner, window);
        if (GetParam().collects) (void)owner->collect(patience, reply);
        ::raise(SIGKILL);
    });
    const auto peer = transport::attach_session(name, patience);
    serve(*peer, GetParam().sent);
    child.wait_for_stop();
    Request request;
    expect_refusal<PeerDied>([&] { (void)peer->receive(short_limit, request); }, {"owner", "has ended"});
}

INSTANTIATE_TEST_SUITE_P(Points, OwnerAtPoint,
                         testing::Values(OwnerPoint{"AfterThePeerCame", 0, false}, OwnerPoint{"AfterSending", 1, false},
                                         OwnerPoint{"AfterSendingTwo", 2, false},
                                         OwnerPoint{"AfterCollecting", 2, true}),
                         CaseName());

TEST(Death, OfAnOwnerBeforeThePeerCameLeavesAMessage) {
    const std::string name = fresh_name();
    Child child([&] {
        (void)transport::create_session(name, shape_of(1, 0, 1)).release();
        ::raise(SIGKILL);
    });
    child.wait_for_stop();
    expect_refusal<transport::SessionError>([&] { (void)transport::attach_session(name, milliseconds(0)); },
                                            {name, "has ended"});
    child.end();
    EXPECT_EQ(transport::remove_stale_sessions(), std::vector<std::string>{name});
}

}  // namespace
}  // namespace nubridge::test
