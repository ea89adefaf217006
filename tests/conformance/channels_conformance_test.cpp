// What every channel must do, whatever carries it: between processes and between threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <tuple>

#include "channels.hpp"
#include "expect.hpp"

namespace nubridge::test {
namespace {

using transport::PeerDied;
using transport::PeerFailed;
using transport::Reply;
using transport::Request;
using transport::Waited;

struct Kind {
    const char* name;
    Ends (*make)(const ChannelShape&);
};

class ChannelConformance : public testing::TestWithParam<Kind> {
protected:
    void SetUp() override { std::tie(owner, peer) = GetParam().make(shape_of(2, 1, 3)); }

    void send(std::int64_t window) {
        const auto amounts = pattern(window, 2);
        const double rate = static_cast<double>(window) / 3;
        owner->send({window, amounts, {&rate, 1}});
    }
    Request received() {
        Request request;
        EXPECT_EQ(peer->receive(patience, request), Waited::arrived);
        return request;
    }
    Reply collected() {
        Reply reply;
        EXPECT_EQ(owner->collect(patience, reply), Waited::arrived);
        return reply;
    }
    void answer(std::int64_t window) { peer->reply(pattern(window, 2), pattern(-window, 3)); }

    std::unique_ptr<OwnerEnd> owner;
    std::unique_ptr<PeerEnd> peer;
};

TEST_P(ChannelConformance, CarriesAWindowThereAndBack) {
    send(7);
    const Request request = received();
    EXPECT_EQ(request.window, 7);
    EXPECT_TRUE(std::ranges::equal(request.amounts, pattern(7, 2)));
    EXPECT_EQ(request.rates[0], 7.0 / 3);
    answer(7);
    const Reply reply = collected();
    EXPECT_EQ(reply.window, 7);
    EXPECT_TRUE(std::ranges::equal(reply.realised, pattern(7, 2)));
    EXPECT_TRUE(std::ranges::equal(reply.counts, pattern(-7, 3)));
}

TEST_P(ChannelConformance, GivesThePeerTheShapeOfTheOwner) {
    EXPECT_EQ(peer->shape().config, R"({"model": "decay"})");
    EXPECT_EQ(peer->shape().counts, 3U);
    EXPECT_EQ(peer->shape().window_ns, 25'000);
}

TEST_P(ChannelConformance, TellsHowFarTheOtherSideIs) {
    send(0);
    EXPECT_EQ(peer->other().time_ns, 25'000);
    EXPECT_EQ(peer->other().pid, ::getpid());
    (void)received();
    answer(0);
    EXPECT_EQ(owner->other().time_ns, 25'000);
}

TEST_P(ChannelConformance, LetsTwoWindowsBeUnderWayAndRefusesAThird) {
    send(0);
    send(1);
    expect_refusal<InvalidArgument>([&] { send(2); }, {"two windows"});
    for (const std::int64_t window : {0, 1}) {
        EXPECT_EQ(received().window, window);
        answer(window);
    }
    EXPECT_EQ(collected().window, 0);
    send(2);
    EXPECT_EQ(collected().window, 1);
}

TEST_P(ChannelConformance, RefusesCallsOutOfOrder) {
    Reply reply;
    Request request;
    expect_refusal<InvalidArgument>([&] { (void)owner->collect(patience, reply); }, {"no window is under way"});
    expect_refusal<InvalidArgument>([&] { answer(0); }, {"no window waits"});
    send(0);
    expect_refusal<InvalidArgument>([&] { send(2); }, {"window 2 does not follow"});
    (void)received();
    expect_refusal<InvalidArgument>([&] { (void)peer->receive(patience, request); }, {"not answered"});
}

TEST_P(ChannelConformance, RefusesPayloadsOfAnotherSize) {
    const auto amounts = pattern(0, 3);
    const double rate = 1;
    expect_refusal<InvalidArgument>([&] { owner->send({0, amounts, {&rate, 1}}); }, {"3 amounts", "2"});
    expect_refusal<InvalidArgument>([&] { owner->send({0, pattern(0, 2), {}}); }, {"0 rates", "1"});
    send(0);
    (void)received();
    expect_refusal<InvalidArgument>([&] { peer->reply(pattern(0, 2), pattern(0, 2)); }, {"2 counts", "3"});
}

TEST_P(ChannelConformance, ReturnsFromAWaitForNothing) {
    Request request;
    EXPECT_EQ(peer->receive(std::chrono::milliseconds(1), request), Waited::not_yet);
    send(0);
    Reply reply;
    EXPECT_EQ(owner->collect(std::chrono::milliseconds(1), reply), Waited::not_yet);
    (void)received();
    answer(0);
    EXPECT_EQ(collected().window, 0) << "a wait that ended early may be repeated";
}

TEST_P(ChannelConformance, DrainsAfterWhatWasSent) {
    send(0);
    owner->drain();
    EXPECT_EQ(received().window, 0);
    answer(0);
    Request request;
    EXPECT_EQ(peer->receive(patience, request), Waited::drained);
    EXPECT_EQ(collected().window, 0);
}

TEST_P(ChannelConformance, DrainsWhenTheOwnerCloses) {
    owner.reset();
    Request request;
    EXPECT_EQ(peer->receive(patience, request), Waited::drained);
}

TEST_P(ChannelConformance, ReportsThePeersWordsAlsoWhenItIsGone) {
    send(0);
    peer->fail("no molecule 'ca' in the model");
    peer.reset();
    Reply reply;
    expect_refusal<PeerFailed>([&] { (void)owner->collect(patience, reply); }, {"no molecule 'ca'"});
}

TEST_P(ChannelConformance, CutsALongError) {
    send(0);
    peer->fail(std::string(10'000, 'x'));
    Reply reply;
    expect_refusal<PeerFailed>([&] { (void)owner->collect(patience, reply); }, {std::string(4096, 'x')});
}

TEST_P(ChannelConformance, ReportsAPeerThatClosedWithoutAnAnswer) {
    send(0);
    peer.reset();
    Reply reply;
    expect_refusal<PeerDied>([&] { (void)owner->collect(patience, reply); }, {"has ended", "0 ns", "25000 ns"});
}

TEST_P(ChannelConformance, DeliversTheAnswerOfAPeerThatClosedAfterwards) {
    send(0);
    (void)received();
    answer(0);
    peer.reset();
    EXPECT_EQ(collected().window, 0);
}

TEST_P(ChannelConformance, TearsNothingBetweenTwoThreads) {
    constexpr std::int64_t windows = 20'000;
    std::thread simulator([this] {
        Request request;
        while (peer->receive(patience, request) == Waited::arrived) {
            if (!std::ranges::equal(request.amounts, pattern(request.window, 2))) return peer->fail("torn request");
            answer(request.window);
        }
    });
    std::int64_t torn = 0;
    for (std::int64_t window = 0; window < windows; ++window) {
        send(window);
        if (window == 0) continue;
        const Reply reply = collected();
        torn += !std::ranges::equal(reply.realised, pattern(window - 1, 2)) ||
                !std::ranges::equal(reply.counts, pattern(1 - window, 3));
    }
    owner->drain();
    simulator.join();
    EXPECT_EQ(collected().window, windows - 1);
    EXPECT_EQ(torn, 0);
}

INSTANTIATE_TEST_SUITE_P(Channels, ChannelConformance,
                         testing::Values(Kind{"SharedMemory", shared_memory_ends},
                                         Kind{"InProcess", transport::in_process_channel}),
                         CaseName());

}  // namespace
}  // namespace nubridge::test
