#include "family_conformance.hpp"
#include "maxent/categorical.hpp"
#include "random.hpp"

namespace nubridge::test {
namespace {

using maxent::Categorical;
using maxent::Sign;

std::vector<FamilyCase> categorical_cases() {
    std::vector<FamilyCase> cases;
    Random random(1);
    for (const Sign sign : {Sign::minus, Sign::plus}) {
        for (const std::size_t states : {2u, 3u, 6u, 12u}) {
            FamilyCase one;
            one.name = std::to_string(states) + "States" + (sign == Sign::plus ? "Plus" : "Minus");
            one.family = std::make_shared<Categorical>(states, sign);
            one.points.emplace_back(states - 1, 0.0);
            for (int i = 0; i < 4; ++i) one.points.push_back(random.uniforms(states - 1, -3.0, 3.0));
            one.first_moment = 1;  // the occupancy of the reference state stands first
            one.statistic = [](std::int32_t state, std::size_t a) {
                return state == static_cast<std::int32_t>(a) + 1 ? 1.0 : 0.0;
            };
            cases.push_back(std::move(one));
        }
    }
    return cases;
}

INSTANTIATE_TEST_SUITE_P(Categorical, FamilyConformance, testing::ValuesIn(categorical_cases()), case_name);

}  // namespace
}  // namespace nubridge::test
