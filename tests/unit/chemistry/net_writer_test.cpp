#include "chemistry/net_writer.hpp"

#include <gtest/gtest.h>

#include "chemistry.hpp"

namespace nubridge::test {
namespace {

using chemistry::AmountUnit;
using chemistry::read_net;
using chemistry::write_net;

const std::string text = R"(# unit: uM
begin parameters
1 k 0.1  # unit: 1/(uM s)
2 twice 2*k
end parameters
begin species
1 A() 10*k
2 $B(x~0,y!1).C(z!1) 0.30000000000000004
end species
begin reactions
1 1,1,1 2 0.5*k #burn
2 0 1 5
3 1,2 2 2*twice
end reactions
begin groups
1 both 1,2.5*2
end groups
)";

TEST(NetWriter, WritesWhatTheReaderReads) {
    const std::string once = write_net(read_net(text, "x.net"));
    EXPECT_EQ(once, text);
}

TEST(NetWriter, KeepsEveryShippedNetwork) {
    for (const char* name : {"abc", "camkii", "camkii75", "ip3r", "nmdar", "roessler", "sk_calcium", "spine"}) {
        const auto first = shipped(name);
        const auto second = read_net(write_net(first), "again.net");
        EXPECT_EQ(write_net(second), write_net(first)) << name;
        const ReactionNetwork one(first), other(second);
        ASSERT_EQ(one.reaction_count(), other.reaction_count());
        for (std::size_t r = 0; r < one.reaction_count(); ++r) {
            EXPECT_EQ(one.rate_constant(r), other.rate_constant(r));
            EXPECT_EQ(first.reactions[r].name, second.reactions[r].name);
        }
        for (std::size_t s = 0; s < one.species_count(); ++s)
            EXPECT_EQ(first.species[s].initial, second.species[s].initial);
    }
}

TEST(NetWriter, WritesReplacedParametersAsNumbers) {
    const std::string written = write_net(read_net(text, "x.net", {{"twice", 7.0}}));
    EXPECT_NE(written.find("2 twice 7\n"), std::string::npos) << written;
}

}  // namespace
}  // namespace nubridge::test
