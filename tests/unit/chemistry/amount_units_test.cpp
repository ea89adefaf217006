#include "chemistry/amount_units.hpp"

#include <gtest/gtest.h>

#include "chemistry.hpp"

namespace nubridge::test {
namespace {

using chemistry::AmountUnit;

/// A reaction of this order whose rate states a unit.
NetworkDefinition with_rate(std::size_t order, const std::string& unit, AmountUnit amounts = AmountUnit::uM) {
    return {.name = "x",
            .unit = amounts,
            .parameters = {{.name = "k", .value = 1.0, .unit = unit}},
            .species = {{"A", 1.0}},
            .reactions = {{"burn", std::vector<std::size_t>(order, 0), {}, 0, 1.0}}};
}

TEST(AmountUnits, OfARateFitItsOrder) {
    const std::pair<std::size_t, const char*> fitting[] = {
        {0, "uM/s"},  {1, "1/s"},        {1, "/s"},         {1, "s^-1"},        {2, "1/(uM s)"}, {2, "1/uM/s"},
        {2, "/uM/s"}, {2, "uM^-1 s^-1"}, {3, "1/(uM^2 s)"}, {3, "1/(uM*uM*s)"}, {1, "uM/uM/s"},  {2, "1/(s uM )"}};
    for (const auto& [order, unit] : fitting) EXPECT_NO_THROW(ReactionNetwork(with_rate(order, unit))) << unit;
    EXPECT_NO_THROW(ReactionNetwork(with_rate(2, "1/(molecule s)", AmountUnit::molecules)));
    for (std::size_t order = 0; order < 4; ++order)
        EXPECT_NO_THROW(ReactionNetwork(with_rate(order, chemistry::rate_unit(AmountUnit::uM, order))));
}

TEST(AmountUnits, ThatDoNotFitTheOrderAreRefused) {
    const auto refused = [](const NetworkDefinition& definition, const std::vector<std::string>& words) {
        expect_refused<NetworkInvalid>([&] { ReactionNetwork network(definition); }, words);
    };
    refused(with_rate(2, "1/s"), {"'k'", "in 1/s", "'burn'", "order 2", "in 1/(uM s)"});
    refused(with_rate(1, "1/(uM s)"), {"order 1", "in 1/s"});
    refused(with_rate(0, "1/s"), {"order 0", "in uM/s"});
    refused(with_rate(3, "1/(uM s)"), {"order 3", "1/(uM^2 s)"});
    refused(with_rate(2, "1/(mM s)"), {"1/(mM s)", "1/(uM s)"});
    refused(with_rate(1, "1/ms"), {"1/ms", "1/s"});
    refused(with_rate(2, "1/(uM s)", AmountUnit::molecules), {"1/(uM s)", "1/(molecules s)"});
    refused(with_rate(1, "1/(s"), {"'1/(s'", "cannot be read"});
    refused(with_rate(1, "Hz?"), {"'Hz?'", "cannot be read at '?'"});
    auto amount = with_rate(1, "");
    amount.parameters[0].unit = "mM";
    amount.reactions.clear();
    amount.species[0].expression = "k";
    refused(amount, {"'k'", "in mM", "'A'", "uM"});
}

TEST(AmountUnits, OfOtherParametersAreFree) {
    auto definition = with_rate(1, "1/s");
    definition.parameters.push_back({.name = "V", .value = -65.0, .unit = "mV"});
    EXPECT_NO_THROW(ReactionNetwork{definition});
}

}  // namespace
}  // namespace nubridge::test
