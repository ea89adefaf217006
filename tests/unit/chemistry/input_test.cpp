#include "chemistry/input.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "chemistry.hpp"

namespace nubridge::test {
namespace {

using chemistry::Input;
using chemistry::Waveform;

constexpr double ever = std::numeric_limits<double>::max();

TEST(Waveform, HasTheValueOfThePieceThatBeginsAtAKnot) {
    const Waveform ramp({1.0, 2.0, 3.0}, {{0.0, 2.0, 0.0, 0.0}, {5.0, 0.0, -1.0, 0.0}, {7.0, 0.0, 0.0, 0.0}});
    EXPECT_EQ(ramp.value(0.0), 0.0);
    EXPECT_EQ(ramp.value(1.5), 1.0);
    EXPECT_EQ(ramp.value(2.0), 5.0);
    EXPECT_EQ(ramp.value_before(2.0), 2.0);
    EXPECT_EQ(ramp.value(9.0), 7.0);
    EXPECT_EQ(ramp.slope(0.5), 0.0);
    EXPECT_EQ(ramp.slope(1.0), 2.0);
    EXPECT_EQ(ramp.slope(2.5), -1.0);
}

TEST(Waveform, RangeIsThatOfTheCubic) {
    // (x - 1)^2 (x + 0.01) touches 0 at 1, where Bernstein's coefficients lie far below.
    const Waveform touching({0.0, 3.0}, {{0.01, 0.98, -1.99, 1.0}, {12.04, 0.0, 0.0, 0.0}});
    const auto [least, greatest] = touching.range(-ever, ever);
    EXPECT_NEAR(least, 0.0, 1e-14);
    EXPECT_NEAR(greatest, 12.04, 1e-12);
    EXPECT_NEAR(touching.range(0.0, 0.9).second, touching.value((1.99 * 2 - std::sqrt(3.9601 * 4 - 11.76)) / 6), 1e-12);
}

TEST(Waveform, StopsAtJumpsAndKinksAndAtTheSixteenthSmoothKnot) {
    std::vector<double> knots_s;
    std::vector<Waveform::Piece> pieces;
    for (int i = 0; i < 20; ++i) {  // a parabola in 20 pieces, then a kink, then a jump
        knots_s.push_back(i);
        pieces.push_back({1.0 * i * i, 2.0 * i, 1.0, 0.0});
    }
    knots_s.insert(knots_s.end(), {20.0, 21.0});
    pieces.insert(pieces.end(), {{400.0, 0.0, 0.0, 0.0}, {0.0, 0.0, 0.0, 0.0}});
    const Waveform waveform(knots_s, pieces);
    EXPECT_EQ(waveform.next_stop(-1.0), 0.0);
    EXPECT_EQ(waveform.next_stop(0.0), 16.0);
    EXPECT_EQ(waveform.next_stop(16.5), 20.0);
    EXPECT_EQ(waveform.next_stop(20.0), 21.0);
    EXPECT_EQ(waveform.next_stop(21.0), std::numeric_limits<double>::infinity());
}

TEST(Clamped, AcceptsAnInputThatTouchesZeroAndRefusesOneThatCrosses) {
    const auto network = made(shipped("decay"));
    const auto with = [&](double least) {
        const Waveform wave({0.0, 3.0}, {{0.01 + least, 0.98, -1.99, 1.0}, {12.04, 0.0, 0.0, 0.0}});
        const std::vector<Input> inputs{{Input::Target::species, 0, wave}};
        return clamped(network, inputs);
    };
    EXPECT_TRUE(with(0.0)->definition().species[0].fixed);
    expect_refused<InvalidArgument>([&] { with(-1e-6); }, {"'A'", "-1.0", "not negative"});
}

}  // namespace
}  // namespace nubridge::test
