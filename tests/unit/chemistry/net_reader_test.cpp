#include "chemistry/net_reader.hpp"

#include <gtest/gtest.h>

#include "chemistry.hpp"

namespace nubridge::test {
namespace {

using chemistry::AmountUnit;
using chemistry::read_net;

const std::string small = R"(# unit: uM
begin parameters
 1 k 2 # Constant
 2 twice 2*k^2/(1+1)+1e0 # ConstantExpression
 3 A0 max(10, sqrt(9))
end parameters
begin species
 1 A() A0
 2 $B(x~0) 0.5
end species
begin reactions
 1 1,1 2 0.5*k #_R1
 2 0 1 twice
 3 1,2 0 3*2*k
 4 1 1,1 k/4
end reactions
begin groups
 1 total 1,2*2
 2 none
end groups
)";

std::string replaced(const std::string& from, const std::string& to) {
    std::string text = small;
    const auto place = text.find(from);
    EXPECT_NE(place, std::string::npos);
    return text.replace(place, from.size(), to);
}

TEST(NetReader, ReadsEveryBlock) {
    const auto read = read_net(small, "folder/small.net");
    const ReactionNetwork network(read);
    EXPECT_EQ(read.name, "small");
    EXPECT_EQ(read.unit, AmountUnit::uM);
    EXPECT_EQ(read.parameters[1].value, 5.0);
    EXPECT_EQ(read.parameters[1].uses, (std::vector<std::size_t>{0}));
    EXPECT_EQ(read.species[0].name, "A");
    EXPECT_EQ(read.species[0].initial, 10.0);
    EXPECT_EQ(read.species[1].name, "B(x~0)");
    EXPECT_TRUE(read.species[1].fixed);
    EXPECT_EQ(read.reactions[1].reactants.size(), 0u);
    EXPECT_EQ(read.observables[0].terms, (std::vector<std::pair<std::size_t, double>>{{0, 1.0}, {1, 2.0}}));
    EXPECT_TRUE(read.observables[1].terms.empty());
    EXPECT_EQ(network.rate_constant(2), 12.0);
    EXPECT_EQ(network.rate_constant(3), 0.5);
    EXPECT_FALSE(read.reactions[3].parameter);
}

TEST(NetReader, ConvertsTheHalfOfEqualReactants) {
    const ReactionNetwork network(read_net(small, "small.net"));
    EXPECT_EQ(network.rate_constant(0), 2.0);  // k of a pair, not BioNetGen's 0.5*k of n(n-1)
    EXPECT_EQ(network.definition().reactions[0].parameter, 0u);
}

TEST(NetReader, ExpressionsFollowAnOverride) {
    const ReactionNetwork network(read_net(small, "small.net", {{"k", 3.0}}));
    EXPECT_EQ(network.definition().parameters[1].value, 10.0);
    EXPECT_EQ(network.rate_constant(1), 10.0);
    EXPECT_EQ(network.rate_constant(0), 3.0);
}

TEST(NetReader, TakesRuleLabelsAsNames) {
    const auto read = read_net(replaced("0.5*k #_R1", "0.5*k #burn"), "small.net");
    EXPECT_EQ(read.reactions[0].name, "burn");
    EXPECT_EQ(read.reactions[1].name, "R2");
    EXPECT_EQ(read_net(small, "small.net").reactions[0].name, "R1");  // BioNetGen's own labels say nothing
    std::string text = replaced("0.5*k #_R1", "0.5*k #burn");
    text.replace(text.find("1 twice"), 7, "1 twice #burn");
    EXPECT_EQ(read_net(text, "small.net").reactions[1].name, "burn.2");
    text.insert(0, "# name: burn slow.burn\n# name: A K(p~U)\n");
    EXPECT_EQ(read_net(text, "small.net").reactions[0].name, "slow.burn.1");
    EXPECT_EQ(read_net(text, "small.net").species[0].name, "K(p~U)");
}

TEST(NetReader, SeesThroughBioNetGensRateLaws) {
    std::string text = replaced(" 3 A0 max(10, sqrt(9))", " 3 A0 10\n 4 _rateLaw1 0.5*twice # ConstantExpression");
    text.replace(text.find("0 1 twice"), 9, "0 1 3*_rateLaw1");
    const auto read = read_net(text, "small.net");
    EXPECT_EQ(read.parameters.size(), 3u);
    EXPECT_EQ(read.reactions[1].parameter, 1u);
    EXPECT_EQ(read.reactions[1].factor, 1.5);
}

TEST(NetReader, SeesThroughBioNetGensInitialAmounts) {
    std::string text = replaced(" 3 A0 max(10, sqrt(9))", " 3 A0 10\n 4 _InitialConc1 3*k # ConstantExpression");
    text.replace(text.find("A() A0"), 6, "A() _InitialConc1");
    const auto read = read_net(text, "small.net", {{"k", 3.0}});
    EXPECT_EQ(read.parameters.size(), 3u);
    EXPECT_EQ(read.species[0].initial, 9.0);
    EXPECT_EQ(read.species[0].expression, "3*k");
}

TEST(NetReader, TakesBioNetGensSixthAsOne) {
    const ReactionNetwork network(read_net(replaced("1 1,1 2 0.5*k", "1 1,1,1 2 0.16666667*k"), "small.net"));
    EXPECT_EQ(network.rate_constant(0), 2.0);
}

TEST(NetReader, ReadsTheUnitOfAParameter) {
    EXPECT_EQ(read_net(replaced("# Constant\n", "# unit: 1/(uM s)\n"), "small.net").parameters[0].unit, "1/(uM s)");
    expect_refused<NetworkInvalid>(
        [] { ReactionNetwork network(read_net(replaced("# Constant\n", "# unit: 1/s\n"), "small.net")); },
        {"'k'", "'R1'", "order 2", "1/(uM s)"});
}

TEST(NetReader, ReadsCamkii) {
    const ReactionNetwork network(shipped("camkii"));
    EXPECT_EQ(network.species_count(), 155u);
    EXPECT_EQ(network.reaction_count(), 480u);
    EXPECT_EQ(network.definition().unit, AmountUnit::uM);
}

TEST(NetReader, RefusesAndNamesTheCulprit) {
    const auto refused = [](const std::string& text, const std::vector<std::string>& words) {
        expect_refused<NetworkInvalid>([&] { (void)read_net(text, "f.net"); }, words);
    };
    refused(replaced("begin groups", "begin functions"), {"f.net:17", "'functions'", "not supported"});
    refused(replaced("begin groups", "begin reaction rules"), {"'reaction rules'", "not supported"});
    refused(replaced("0.5*k", "Sat k A0"), {"f.net:12", "'Sat'", "mass action"});
    refused(replaced("0.5*k", "MM k A0"), {"'MM'"});
    refused(replaced("0.5*k", "Hill k A0 2"), {"'Hill'"});
    refused(replaced("0.5*k", "0.5*q"), {"f.net:12", "'q'", "not defined", "k, twice, A0"});
    refused(replaced("0.5*k", "k*f(2)"), {"'f'", "not supported"});
    refused(replaced("0.5*k", "k*("), {"'k*('", "too early"});
    refused(replaced("0.5*k", "-1*k"), {"f.net:12", "-2", "not negative"});
    refused(replaced(" 1 1,1 2", " 1 1,7 2"), {"species 7", "2"});
    refused(replaced(" 1 1,1 2", " 1 1,1,1,1 2"), {"4 reactants", "at most 3"});
    refused(replaced(" 1 1,1 2", " 2 1,1 2"), {"reaction 2", "1 is due"});
    refused(replaced("$B(x~0)", "@PSD::B"), {"compartment", "@PSD::B"});
    refused(replaced(" 2 twice", " 2 k"), {"'k'", "twice"});
    refused(replaced("# unit: uM", "# unit: mM"), {"'mM'", "uM or molecules"});
    refused(replaced("# unit: uM", "setOption(\"NumberPerQuantityUnit\",6e23)"), {"setOption", "not supported"});
    refused(replaced("end groups\n", ""), {"'groups'", "no end"});
    refused(replaced("max(10, sqrt(9))", "1/0"), {"'A0'", "not finite"});
    expect_refused<NetworkInvalid>([] { (void)read_net(small, "f.net", {{"kk", 1.0}}); }, {"'kk'", "k, twice, A0"});
}

}  // namespace
}  // namespace nubridge::test
