#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "expect.hpp"
#include "nubridge/nubridge.h"

namespace {

using nubridge::test::expect_words;
using Numbers = std::vector<double>;

/// A Poisson law whose nu rises by F on a grid of spacing 0.5.
class Learning : public testing::Test {
protected:
    Learning() {
        nubridge_family_open(R"({"kind": "counts", "species": ["A"], "base": "poisson", "sign": -1})", &family);
        nubridge_field_open_grid(R"({"inputs": 1, "spacing": [0.5, 1.0], "arguments": [[0, 1]]})", &field);
    }
    ~Learning() override {
        nubridge_action_close(action);
        nubridge_field_close(field);
        nubridge_family_close(family);
    }
    nubridge_family* family = nullptr;
    nubridge_field* field = nullptr;
    nubridge_action* action = nullptr;
    const Numbers nu{-1.2, -0.9}, u{0.2, 0.4};
};

TEST_F(Learning, AGridIsCoveredReadAndMadeAgainFromItsVertices) {
    ASSERT_EQ(nubridge_field_cover(field, 2, nu.data(), u.data()), NUBRIDGE_OK) << nubridge_last_error();
    ASSERT_EQ(nubridge_field_count(field, NUBRIDGE_FIELD_VERTEX), 6u);
    ASSERT_EQ(nubridge_field_count(field, NUBRIDGE_FIELD_COEFFICIENT), 24u);
    std::vector<std::int32_t> places(std::size_t{6} * NUBRIDGE_VERTEX_WIDTH);
    ASSERT_EQ(nubridge_field_vertices(field, places.data()), NUBRIDGE_OK);
    nubridge_field* again = nullptr;
    nubridge_field_open_grid(R"({"inputs": 1, "spacing": [0.5, 1.0], "arguments": [[0, 1]]})", &again);
    ASSERT_EQ(nubridge_field_add(again, 6, places.data()), NUBRIDGE_OK);
    Numbers c(24), f(2), g(2), d_nu(2), d_u(2), d_c(48);
    for (std::size_t j = 0; j < c.size(); ++j) c[j] = std::sin(static_cast<double>(j));
    std::vector<std::uint8_t> outside(2);
    ASSERT_EQ(nubridge_field_rhs(field, c.data(), 2, nu.data(), u.data(), f.data(), outside.data()), NUBRIDGE_OK);
    EXPECT_EQ(outside, (std::vector<std::uint8_t>{0, 0}));
    nubridge_field_rhs(again, c.data(), 2, nu.data(), u.data(), g.data(), nullptr);
    EXPECT_EQ(f, g);
    ASSERT_EQ(nubridge_field_jacobian(field, c.data(), 2, nu.data(), u.data(), d_nu.data(), d_u.data()), NUBRIDGE_OK);
    ASSERT_EQ(nubridge_field_by_coefficient(field, c.data(), 2, nu.data(), u.data(), d_c.data()), NUBRIDGE_OK);
    double sum = 0.0;
    for (std::size_t j = 0; j < 24; ++j) sum += d_c[24 + j] * c[j];
    EXPECT_NEAR(sum, f[1], 1e-14);
    const Numbers away{3.0};
    nubridge_field_rhs(field, c.data(), 1, away.data(), u.data(), f.data(), outside.data());
    EXPECT_EQ(outside[0], 1);
    nubridge_field_close(again);
}

TEST_F(Learning, AnActionGivesItsPathAndGradient) {
    nubridge_field_cover(field, 2, nu.data(), u.data());
    const Numbers times{0.0, 0.5}, awake{3.0, 2.5}, weights{0.0, 1.0};
    ASSERT_EQ(nubridge_action_open(field, family, 2, times.data(), u.data(), awake.data(), weights.data(), nu.data(), 4,
                                   &action),
              NUBRIDGE_OK)
        << nubridge_last_error();
    const Numbers c(24, 0.0);
    Numbers path(2), gradient(24), moved(2 * 24);
    double value = 0.0, sum = 0.0;
    ASSERT_EQ(nubridge_action_path(action, c.data(), &value, path.data()), NUBRIDGE_OK);
    EXPECT_EQ(path, (Numbers{-1.2, -1.2}));  // F is 0
    EXPECT_NEAR(value, std::exp(1.2) - 1.2 * 2.5, 1e-12);
    const nubridge_action* all[] = {action};
    ASSERT_EQ(nubridge_action_total(1, all, c.data(), 1, &sum, gradient.data()), NUBRIDGE_OK);
    EXPECT_EQ(sum, value);
    ASSERT_EQ(nubridge_action_sensitivities(action, c.data(), path.data(), moved.data()), NUBRIDGE_OK);
    for (std::size_t j = 0; j < 24; ++j) EXPECT_NEAR(gradient[j], -(std::exp(1.2) - 2.5) * moved[24 + j], 1e-13) << j;
}

TEST_F(Learning, MistakesAreRefusedByWords) {
    nubridge_field* bad = nullptr;
    EXPECT_EQ(nubridge_field_open_grid(R"({"inputs": 0, "spacing": [-1.0], "arguments": [[0]]})", &bad),
              NUBRIDGE_INVALID_ARGUMENT);
    expect_words(nubridge_last_error(), {"-1", "above 0"});
    EXPECT_EQ(nubridge_field_open_grid(R"({"inputs": 0, "spacing": [1.0], "arguments": [["A"]]})", &bad),
              NUBRIDGE_MODEL_INVALID);
    expect_words(nubridge_last_error(), {"arguments", "\"A\""});
    EXPECT_EQ(nubridge_field_open_polynomial(R"({"inputs": 0, "products": [[[], [1]]]})", &bad),
              NUBRIDGE_INVALID_ARGUMENT);
    expect_words(nubridge_last_error(), {"factor 1", "1 nu and inputs"});
    EXPECT_EQ(nubridge_field_open_polynomial(R"({"inputs": 0, "products": [["A"]]})", &bad), NUBRIDGE_MODEL_INVALID);
    expect_words(nubridge_last_error(), {"products", "\"A\""});
    const std::vector<std::int32_t> vertex{3, 0, 0, 0, 0, 0, 0};
    EXPECT_EQ(nubridge_field_add(field, 1, vertex.data()), NUBRIDGE_INVALID_ARGUMENT);
    expect_words(nubridge_last_error(), {"F 3", "there are 1"});
    const Numbers times{0.5, 0.0}, two{1.0, 1.0};
    EXPECT_EQ(
        nubridge_action_open(field, family, 2, times.data(), u.data(), two.data(), two.data(), nu.data(), 4, &action),
        NUBRIDGE_INVALID_ARGUMENT);
    expect_words(nubridge_last_error(), {"0 after 0.5", "sort"});
}

TEST_F(Learning, TermsOfAClosureHaveNoCells) {
    nubridge_network* network = nullptr;
    nubridge_closure* closure = nullptr;
    nubridge_field* terms = nullptr;
    nubridge_network_read("begin species\n1 A 10\nend species\nbegin reactions\n1 1 0 2.0\nend reactions\n", "test",
                          NUBRIDGE_UNIT_STATED, 0, nullptr, nullptr, &network);
    ASSERT_EQ(nubridge_closure_open(network, family, "{}", &closure), NUBRIDGE_OK) << nubridge_last_error();
    ASSERT_EQ(nubridge_field_open_terms(closure, 0, &terms), NUBRIDGE_OK);
    nubridge_closure_close(closure);  // the field keeps what it needs
    nubridge_network_close(network);
    const double theta = 0.5;
    double f = 0.0;
    ASSERT_EQ(nubridge_field_rhs(terms, &theta, 1, nu.data(), nullptr, &f, nullptr), NUBRIDGE_OK);
    EXPECT_NEAR(f, 0.5 * 2.0, 1e-13);
    EXPECT_EQ(nubridge_field_cover(terms, 1, nu.data(), nullptr), NUBRIDGE_INVALID_ARGUMENT);
    expect_words(nubridge_last_error(), {"no grid"});
    nubridge_field_close(terms);
}

}  // namespace
