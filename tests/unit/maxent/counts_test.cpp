#include "maxent/counts.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "expect.hpp"
#include "units/error.hpp"

namespace {

using nubridge::InvalidArgument;
using nubridge::maxent::Base;
using nubridge::maxent::Counts;
using nubridge::maxent::Sign;
using nubridge::test::expect_refusal;
using Numbers = std::vector<double>;

Counts one(Base base, std::size_t order, Sign sign = Sign::minus) {
    return Counts({{"A"}, order, base, sign, {}, {}});
}

TEST(Counts, NamesObservablesByTheirSpeciesLowOrdersFirst) {
    EXPECT_EQ(Counts({{"A", "B"}, 2, Base::poisson}).nu_names(),
              (std::vector<std::string>{"A", "B", "A_A", "A_B", "B_B"}));
    EXPECT_EQ(one(Base::counting, 3).nu_names(), (std::vector<std::string>{"A", "A_A", "A_A_A"}));
}

TEST(Counts, ObservablesAreNumbersOfSubsets) {
    Numbers x(5);
    Counts({{"A", "B"}, 2, Base::poisson}).statistics(Numbers{5, 3}, x);
    EXPECT_EQ(x, (Numbers{5, 3, 10, 15, 3}));
}

// Of the geometric law the tail beyond N is r^(N+1) exactly.
TEST(Counts, TruncationBoundsTheTail) {
    const auto cut = one(Base::counting, 1).truncation(Numbers{0.1});
    EXPECT_LT(cut.tail, 1e-20);
    EXPECT_NEAR(cut.tail * -std::expm1(-0.1), std::exp(-0.1 * static_cast<double>(cut.largest[0] + 1)), 1e-30);
    EXPECT_EQ(Counts({{"A"}, 1, Base::binomial, Sign::minus, 7, {}}).truncation(Numbers{0.1}).largest[0], 7u);
}

// ln of the weight falls to -105 at 78 molecules and rises again to 31 at 255.
TEST(Counts, TruncationSeesASecondSummit) {
    const Numbers nu{3.0, -0.05, 0.0003};
    const Counts family = one(Base::counting, 3);
    EXPECT_GT(family.truncation(nu).largest[0], 255u);
    Numbers m(3);
    family.moments(nu, m);
    EXPECT_NEAR(m[0], 255.0, 5.0);
}

TEST(Counts, WithoutALawAreRefusedByTheRule) {
    const auto log_z = [](const Counts& family, const Numbers& nu) { return family.log_partition(nu); };
    expect_refusal<InvalidArgument>([&] { log_z(one(Base::counting, 1), {-0.1}); },
                                    {"'A' is -0.1", "sign -1", "'counting'", "positive", "largest"});
    expect_refusal<InvalidArgument>([&] { log_z(one(Base::counting, 1, Sign::plus), {0.1}); }, {"negative"});
    expect_refusal<InvalidArgument>([&] { log_z(one(Base::poisson, 2), {0.1, -0.02}); }, {"'A_A' is -0.02"});
    expect_refusal<InvalidArgument>([&] { log_z(one(Base::counting, 2), {0.1, NAN}); }, {"'A_A' is nan", "finite"});
    expect_refusal<InvalidArgument>([&] { log_z(one(Base::counting, 1), {1e-9}); }, {"'A'", "states", "bound"});
    expect_refusal<InvalidArgument>(
        [&] {
            log_z(Counts({{"A", "B"}, 2, Base::counting}), {1, 1, 0.1, -5, 0.1});
        },
        {"2 species", "Z is infinite"});
    EXPECT_NO_THROW(log_z(one(Base::poisson, 2), {-3.0, 0.0}));
    EXPECT_NO_THROW(log_z(Counts({{"A"}, 2, Base::poisson, Sign::minus, {}, 50}), {0.1, -0.02}));
}

TEST(Counts, MomentsOfNoLawAreRefused) {
    const auto invert = [](const Counts& family, Numbers moments) {
        Numbers nu(moments.size());
        family.from_moments(moments, nu);
    };
    expect_refusal<InvalidArgument>([&] { invert(one(Base::poisson, 1), {-1.0}); }, {"'A' is -1", "positive"});
    // A mean of 2.5 has <n(n-1)/2> of at least 2: below, no law of whole numbers.
    expect_refusal<InvalidArgument>([&] { invert(one(Base::poisson, 2), {2.5, 1.9}); }, {"'A_A'", "no law"});
    // More spread than Poisson's needs a tail that is not there.
    expect_refusal<InvalidArgument>([&] { invert(one(Base::poisson, 2), {2.0, 3.0}); }, {"no law"});
    expect_refusal<InvalidArgument>(
        [&] {
            invert(Counts({{"A"}, 1, Base::binomial, Sign::minus, 5, {}}), {5.5});
        },
        {"'A' is 5.5", "bound"});
}

TEST(Counts, DefinitionsThatDoNotFitAreRefused) {
    const auto make = [](Counts::Definition definition) { return [=] { Counts family(definition); }; };
    expect_refusal<InvalidArgument>(make({{}, 1}), {"no species"});
    expect_refusal<InvalidArgument>(make({{"A"}, 0}), {"order", "is 0"});
    expect_refusal<InvalidArgument>(make({{"A"}, 1, Base::binomial}), {"'binomial'", "sites=N"});
    expect_refusal<InvalidArgument>(make({{"A"}, 1, Base::poisson, Sign::minus, 5}), {"sites"});
    expect_refusal<InvalidArgument>(make({{"A"}, 3, Base::poisson, Sign::minus, {}, 2}), {"at most 2", "order 3"});
    expect_refusal<InvalidArgument>(make({{"A", "B", "C"}, 1, Base::poisson, Sign::minus, {}, 1000}), {"1000"});
}

}  // namespace
