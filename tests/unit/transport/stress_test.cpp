// Two processes that exchange windows whose every number tells of its window, as fast as they can.
// NUBRIDGE_EXCHANGES=100000000 transport_test --gtest_filter=Stress.* takes a minute on a quiet machine.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>
#include <string>

#include "channels.hpp"
#include "child.hpp"

namespace nubridge::test {
namespace {

using transport::Reply;
using transport::Request;
using transport::Waited;

constexpr std::size_t numbers = 30;
using Payload = std::array<std::int64_t, numbers>;

/// Scrambled numbers of a window, and behind them their sum.
void fill(Payload& payload, std::int64_t window) {
    auto state = static_cast<std::uint64_t>(window);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i + 1 < numbers; ++i) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        payload[i] = static_cast<std::int64_t>(state);
        sum += state;
    }
    payload.back() = static_cast<std::int64_t>(sum);
}

bool is_whole(std::span<const std::int64_t> read, std::int64_t window) {
    Payload expected{};
    fill(expected, window);
    return std::ranges::equal(read, expected);
}

std::int64_t exchanges() {
    const char* const asked = std::getenv("NUBRIDGE_EXCHANGES");
    return asked == nullptr ? 200'000 : std::stoll(asked);
}

TEST(Stress, NoExchangeBetweenTwoProcessesIsTorn) {
    const std::string name = fresh_name();
    const auto owner = transport::create_session(name, shape_of(numbers, 0, numbers));
    Child child([&] {
        const auto peer = transport::attach_session(name, patience);
        Request request;
        Payload counts{};
        std::int64_t torn = 0;
        while (peer->receive(patience, request) == Waited::arrived) {
            torn += is_whole(request.amounts, request.window) ? 0 : 1;
            fill(counts, ~request.window);
            peer->reply(request.amounts, counts);
        }
        ::_exit(torn == 0 ? 0 : 1);
    });
    const std::int64_t last = exchanges();
    std::int64_t torn = 0;
    Payload amounts{};
    Reply reply;
    for (std::int64_t window = 0; window <= last; ++window) {  // two are under way, so that both sides write at once
        if (window < last) {
            fill(amounts, window);
            owner->send({window, amounts, {}});
        }
        if (window == 0) continue;
        ASSERT_EQ(owner->collect(patience, reply), Waited::arrived);
        torn += is_whole(reply.realised, window - 1) && is_whole(reply.counts, ~(window - 1)) ? 0 : 1;
    }
    owner->drain();
    EXPECT_EQ(torn, 0);
    EXPECT_TRUE(child.ends_well()) << "the peer saw a torn request";
}

}  // namespace
}  // namespace nubridge::test
