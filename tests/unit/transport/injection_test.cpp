// A thousand SIGKILLs and SIGSTOPs of either side, at random points of the protocol: nothing hangs, tears or stays
// behind.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <functional>

#include "channels.hpp"
#include "child.hpp"
#include "random.hpp"

namespace nubridge::test {
namespace {

using std::chrono::milliseconds;
using transport::PeerDied;
using transport::Reply;
using transport::Request;
using transport::SessionError;
using transport::Waited;

constexpr milliseconds at_once{0};
constexpr std::int64_t windows_after = 3;

/// Computes for a moment, so that the other side is anywhere when it is over.
void linger(std::size_t turns) {
    volatile std::size_t left = turns;
    while (left > 0) left = left - 1;
}

/// The owner's windows first .. last; `between` stands between sending and collecting. False for a torn answer.
bool own(OwnerEnd& owner, std::int64_t first, std::int64_t last, const std::function<void(std::int64_t)>& between) {
    for (std::int64_t window = first; window <= last; ++window) {
        owner.send({window, pattern(window, 4), {}});
        between(window);
        Reply reply;
        if (owner.collect(patience, reply) != Waited::arrived) return false;
        if (!std::ranges::equal(reply.counts, pattern(-window, 4))) return false;
    }
    return true;
}

/// Serves until the owner drains; `between` stands between receiving and replying. False for a torn request.
bool serve(PeerEnd& peer, const std::function<void(std::int64_t)>& between) {
    Request request;
    while (peer.receive(patience, request) == Waited::arrived) {
        if (!std::ranges::equal(request.amounts, pattern(request.window, 4))) return false;
        between(request.window);
        peer.reply(request.amounts, pattern(-request.window, 4));
    }
    return true;
}

const std::function<void(std::int64_t)> nothing = [](std::int64_t) {};
constexpr std::int64_t for_ever = 1'000'000'000;

class Injection : public testing::Test {
protected:
    void TearDown() override {
        const auto own = [](const std::string& session) { return session.starts_with(names_begin()); };
        EXPECT_TRUE(std::ranges::none_of(transport::stale_sessions(), own)) << "something was left in /dev/shm";
    }
    static constexpr int count = 170;  // of each kind; there are six
    Random random{20264};
    ChannelShape shape = shape_of(4, 0, 4);
    std::string name;

    Child peer_process() {
        return Child([this] { ::_exit(serve(*transport::attach_session(name, patience), nothing) ? 0 : 1); });
    }
    Child owner_process(std::int64_t last) {
        return Child([this, last] {
            const auto owner = transport::create_session(name, shape);
            while (!owner->wait_for_peer(patience)) continue;
            const bool whole = own(*owner, 0, last, nothing);
            owner->drain();
            ::_exit(whole ? 0 : 1);
        });
    }
};

TEST_F(Injection, KillsThePeerAndTheOwnerKnows) {
    for (int i = 0; i < count; ++i) {
        name = fresh_name();
        const auto owner = transport::create_session(name, shape);
        const Child peer = peer_process();
        ASSERT_TRUE(owner->wait_for_peer(patience));
        const auto at = static_cast<std::int64_t>(random.index(40));
        const std::size_t turns = random.index(3000);
        const auto kill = [&](std::int64_t window) {
            if (window != at) return;
            linger(turns);
            peer.signal(SIGKILL);
        };
        EXPECT_THROW((void)own(*owner, 0, for_ever, kill), PeerDied);
    }
}

TEST_F(Injection, StopsThePeerAndItGoesOn) {
    for (int i = 0; i < count; ++i) {
        name = fresh_name();
        const auto owner = transport::create_session(name, shape);
        Child peer = peer_process();
        ASSERT_TRUE(owner->wait_for_peer(patience));
        const auto at = static_cast<std::int64_t>(random.index(40));
        const std::size_t turns = random.index(3000);
        const auto stop = [&](std::int64_t window) {
            if (window != at) return;
            linger(turns);
            peer.signal(SIGSTOP);
            peer.wait_for_stop();
            peer.signal(SIGCONT);
        };
        EXPECT_TRUE(own(*owner, 0, at + windows_after, stop));
        owner->drain();
        EXPECT_TRUE(peer.ends_well());
    }
}

TEST_F(Injection, KillsTheOwnerAndThePeerKnows) {
    for (int i = 0; i < count; ++i) {
        name = fresh_name();
        const Child owner = owner_process(for_ever);
        const auto peer = transport::attach_session(name, patience);
        const auto at = static_cast<std::int64_t>(random.index(40));
        const std::size_t turns = random.index(3000);
        const auto kill = [&](std::int64_t window) {
            if (window != at) return;
            linger(turns);
            owner.signal(SIGKILL);
        };
        EXPECT_THROW((void)serve(*peer, kill), PeerDied);
    }
}

TEST_F(Injection, StopsTheOwnerAndItGoesOn) {
    for (int i = 0; i < count; ++i) {
        name = fresh_name();
        const auto at = static_cast<std::int64_t>(random.index(40));
        Child owner = owner_process(at + windows_after);
        const auto peer = transport::attach_session(name, patience);
        const std::size_t turns = random.index(3000);
        const auto stop = [&](std::int64_t window) {
            if (window != at) return;
            linger(turns);
            owner.signal(SIGSTOP);
            owner.wait_for_stop();
            owner.signal(SIGCONT);
        };
        EXPECT_TRUE(serve(*peer, stop)) << "until the owner has ended";
        EXPECT_TRUE(owner.ends_well());
    }
}

TEST_F(Injection, KillsThePeerWhileItAttachesAndAnotherMayCome) {
    for (int i = 0; i < count; ++i) {
        name = fresh_name();
        const auto owner = transport::create_session(name, shape);
        Child first = peer_process();
        linger(random.index(2'000'000));
        first.signal(SIGKILL);
        first.end();
        if (owner->wait_for_peer(at_once)) {
            EXPECT_THROW((void)own(*owner, 0, 0, nothing), PeerDied);
            continue;
        }
        Child second = peer_process();
        EXPECT_TRUE(own(*owner, 0, windows_after, nothing));
        owner->drain();
        EXPECT_TRUE(second.ends_well());
    }
}

TEST_F(Injection, KillsTheOwnerWhileItStartsAndWhatIsLeftCanBeCleaned) {
    for (int i = 0; i < count; ++i) {
        name = fresh_name();
        Child owner = owner_process(for_ever);
        linger(random.index(2'000'000));
        owner.signal(SIGKILL);
        owner.end();
        EXPECT_THROW((void)transport::attach_session(name, at_once), SessionError);
        (void)transport::remove_stale_sessions();
        for (const auto& entry : std::filesystem::directory_iterator("/dev/shm"))
            EXPECT_EQ(entry.path().string().find(name), std::string::npos);
    }
}

}  // namespace
}  // namespace nubridge::test
