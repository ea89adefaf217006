#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "expect.hpp"
#include "nubridge/nubridge.h"

namespace {

using nubridge::test::expect_words;
using Numbers = std::vector<double>;

constexpr const char* poisson = R"({"kind": "counts", "species": ["A"], "order": 2, "base": "poisson", "sign": -1})";
constexpr const char* network_text =
    "begin parameters\n1 k 0.1\nend parameters\nbegin species\n1 A 10\nend species\n"
    "begin reactions\n1 1,1 0 0.5*k\n2 0 1 2.0\nend reactions\n";

class Families : public testing::Test {
protected:
    ~Families() override {
        nubridge_closure_close(closure);
        nubridge_family_close(family);
        nubridge_network_close(network);
    }
    void open_closure(const char* options) {
        ASSERT_EQ(nubridge_family_open(poisson, &family), NUBRIDGE_OK) << nubridge_last_error();
        ASSERT_EQ(nubridge_network_read(network_text, "test", NUBRIDGE_UNIT_STATED, 0, nullptr, nullptr, &network),
                  NUBRIDGE_OK);
        ASSERT_EQ(nubridge_closure_open(network, family, options, &closure), NUBRIDGE_OK) << nubridge_last_error();
    }
    nubridge_family* family = nullptr;
    nubridge_network* network = nullptr;
    nubridge_closure* closure = nullptr;
};

TEST_F(Families, OfEveryKindOpenAndNameTheirNu) {
    const std::vector<std::pair<std::string, std::string>> kinds{
        {poisson, "A_A"},
        {R"({"kind": "counts", "species": ["A"], "base": "binomial", "sites": 20})", "A"},
        {R"({"kind": "ising_chain", "species": ["A", "B"], "boundary": "ring", "sites": 6, "couplings": [["A", "B"]]})",
         "A_B"},
        {R"({"kind": "binary_field", "units": ["x", "y"], "cliques": [["x"], ["x", "y"]], "sign": 1})", "x_y"},
        {R"({"kind": "gaussian", "variables": ["x"]})", "x_x"},
        {R"({"kind": "categorical", "states": ["C", "O"]})", "O"}};
    for (const auto& [json, last] : kinds) {
        nubridge_family* one = nullptr;
        ASSERT_EQ(nubridge_family_open(json.c_str(), &one), NUBRIDGE_OK) << nubridge_last_error();
        const std::size_t count = nubridge_family_count(one, NUBRIDGE_FAMILY_NU);
        EXPECT_EQ(nubridge_family_name(one, NUBRIDGE_FAMILY_NU, count - 1), last);
        EXPECT_EQ(nubridge_family_name(one, NUBRIDGE_FAMILY_NU, count), nullptr);
        EXPECT_EQ(nubridge_family_name(one, NUBRIDGE_FAMILY_STATE, 0), nullptr);
        EXPECT_GE(nubridge_family_count(one, NUBRIDGE_FAMILY_STATE), 1u);
        nubridge_family_close(one);
    }
}

TEST_F(Families, DescriptionsThatDoNotFitAreRefusedByWords) {
    const std::vector<std::tuple<std::string, nubridge_status, std::vector<std::string>>> bad{
        {"{", NUBRIDGE_MODEL_SYNTAX, {"JSON"}},
        {"{}", NUBRIDGE_MODEL_INVALID, {"'kind'"}},
        {R"({"kind": "counting"})", NUBRIDGE_MODEL_INVALID, {"'counting'", "categorical"}},
        {R"({"kind": "counts", "species": ["A"], "basis": 1})", NUBRIDGE_MODEL_INVALID, {"'basis'"}},
        {R"({"kind": "counts", "species": ["A"], "base": "gamma"})", NUBRIDGE_MODEL_INVALID, {"'gamma'", "'poisson'"}},
        {R"({"kind": "counts", "species": ["A"], "order": -1})", NUBRIDGE_MODEL_INVALID, {"order", "-1"}},
        {R"({"kind": "counts", "species": ["A", "A"]})", NUBRIDGE_MODEL_INVALID, {"twice"}},
        {R"({"kind": "counts", "species": ["A"], "sign": 0})", NUBRIDGE_MODEL_INVALID, {"sign 0"}},
        {R"({"kind": "counts", "species": ["A"], "order": 9})", NUBRIDGE_INVALID_ARGUMENT, {"order", "9"}},
        {R"({"kind": "ising_chain", "species": ["A"], "couplings": [["A", "B"]]})", NUBRIDGE_MODEL_INVALID, {"'B'"}},
        {R"({"kind": "ising_chain", "species": ["A"], "couplings": [["A"]]})", NUBRIDGE_MODEL_INVALID, {"couples 1"}},
        {R"({"kind": "binary_field", "units": ["x"], "cliques": ["x"]})", NUBRIDGE_MODEL_INVALID, {"lists of names"}}};
    for (const auto& [json, status, words] : bad) {
        EXPECT_EQ(nubridge_family_open(json.c_str(), &family), status) << json;
        expect_words(nubridge_last_error(), words);
    }
    EXPECT_EQ(family, nullptr);
}

TEST_F(Families, RowsComeBackAsRows) {
    ASSERT_EQ(nubridge_family_open(poisson, &family), NUBRIDGE_OK);
    const Numbers nu{-1.5, 0.03, -2.0, 0.1};
    Numbers log_z(2), m(4), back(4), fisher(8), samples(2 * 10);
    EXPECT_EQ(nubridge_family_log_partition(family, 2, nu.data(), log_z.data()), NUBRIDGE_OK);
    EXPECT_NEAR(log_z[0], 4.21817207368642, 1e-13);
    EXPECT_EQ(nubridge_family_moments(family, 2, nu.data(), m.data()), NUBRIDGE_OK);
    EXPECT_NEAR(m[0], 3.98323161879547, 1e-13);
    EXPECT_EQ(nubridge_family_from_moments(family, 2, m.data(), back.data()), NUBRIDGE_OK);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(back[i], nu[i], 1e-12);
    EXPECT_EQ(nubridge_family_fisher(family, 2, nu.data(), fisher.data()), NUBRIDGE_OK);
    EXPECT_NEAR(fisher[1], 13.8338354307434, 1e-12);
    EXPECT_EQ(nubridge_family_sample(family, 2, nu.data(), 10, 5, samples.data()), NUBRIDGE_OK);
    for (const double one : samples) EXPECT_EQ(one, std::floor(one));
    std::size_t found = 0;
    EXPECT_EQ(nubridge_family_states(family, nu.data(), 0, &found, nullptr, nullptr), NUBRIDGE_OK);
    Numbers states(found), probabilities(found);
    EXPECT_EQ(nubridge_family_states(family, nu.data(), found, &found, states.data(), probabilities.data()),
              NUBRIDGE_OK);
    double mean = 0.0;
    for (std::size_t i = 0; i < found; ++i) mean += states[i] * probabilities[i];
    EXPECT_NEAR(mean, m[0], 1e-13);
}

TEST_F(Families, MarkovChainsAreThoseOfABinaryField) {
    ASSERT_EQ(nubridge_family_open(R"({"kind": "binary_field", "units": ["x", "y"], "cliques": [["x"], ["x", "y"]]})",
                                   &family),
              NUBRIDGE_OK);
    const Numbers nu{40.0, 0.0, -40.0, 0.0};
    Numbers samples(2 * 10 * 2), states{0, 1, 0, 1};
    ASSERT_EQ(nubridge_family_sample_chains(family, 2, nu.data(), 10, 3, 2, 1, samples.data()), NUBRIDGE_OK);
    for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(samples[2 * i], i < 10 ? 1.0 : 0.0);
    const std::vector<std::uint8_t> held{0, 1};
    ASSERT_EQ(nubridge_family_move_chains(family, nu.data(), 2, 1, held.data(), 1, 1, states.data()), NUBRIDGE_OK);
    EXPECT_EQ(states, (Numbers{1, 1, 1, 1}));
    EXPECT_EQ(nubridge_family_sample_chains(family, 1, nu.data(), 1, 0, 1, 1, samples.data()),
              NUBRIDGE_INVALID_ARGUMENT);
    nubridge_family_close(family);
    ASSERT_EQ(nubridge_family_open(poisson, &family), NUBRIDGE_OK);
    EXPECT_EQ(nubridge_family_move_chains(family, nu.data(), 2, 1, nullptr, 1, 1, states.data()),
              NUBRIDGE_INVALID_ARGUMENT);
    expect_words(nubridge_last_error(), {"binary field"});
}

TEST_F(Families, ClosureHasTermsAnInputAndSlopes) {
    open_closure(R"({"inputs": ["k"], "theta": [0.5, 1.0]})");
    EXPECT_EQ(nubridge_closure_count(closure, NUBRIDGE_FAMILY_NU), 2u);
    EXPECT_EQ(nubridge_closure_count(closure, NUBRIDGE_CLOSURE_INPUT), 1u);
    EXPECT_EQ(nubridge_closure_count(closure, NUBRIDGE_CLOSURE_TERM), 2u);
    EXPECT_STREQ(nubridge_closure_term(closure, 0), "R1");
    EXPECT_EQ(nubridge_closure_term(closure, 2), nullptr);
    const Numbers nu{-1.5, 0.03, -1.5, 0.03}, k{1.0, 2.0};
    Numbers f(4), terms(8), by_nu(8), by_k(4);
    EXPECT_EQ(nubridge_closure_rhs(closure, 2, nu.data(), k.data(), f.data()), NUBRIDGE_OK) << nubridge_last_error();
    EXPECT_EQ(nubridge_closure_terms(closure, 2, nu.data(), k.data(), terms.data()), NUBRIDGE_OK);
    EXPECT_NEAR(terms[0], 0.55527178641157, 1e-12);
    EXPECT_NEAR(terms[4], 2 * terms[0], 1e-12);
    EXPECT_NEAR(f[0], 0.5 * terms[0] + terms[2], 1e-12);
    EXPECT_EQ(nubridge_closure_jacobian(closure, 2, nu.data(), k.data(), by_nu.data(), by_k.data()), NUBRIDGE_OK);
    EXPECT_NEAR(by_k[0], 0.5 * terms[0], 1e-12);
}

TEST_F(Families, FailuresOfTheMathematicsAreStatuses) {
    open_closure("{}");
    const Numbers outside{-1.5, -0.03}, moments{2.0, 3.0};
    Numbers out(2);
    EXPECT_EQ(nubridge_family_log_partition(family, 1, outside.data(), out.data()), NUBRIDGE_INVALID_ARGUMENT);
    expect_words(nubridge_last_error(), {"'A_A' is -0.03", "Z is infinite"});
    EXPECT_EQ(nubridge_family_from_moments(family, 1, moments.data(), out.data()), NUBRIDGE_INVALID_ARGUMENT);
    EXPECT_EQ(nubridge_closure_rhs(closure, 1, outside.data(), nullptr, out.data()), NUBRIDGE_INVALID_ARGUMENT);
    EXPECT_EQ(nubridge_family_moments(nullptr, 1, outside.data(), out.data()), NUBRIDGE_INVALID_ARGUMENT);
    EXPECT_EQ(nubridge_family_moments(family, 1, nullptr, out.data()), NUBRIDGE_INVALID_ARGUMENT);
    nubridge_closure* other = nullptr;
    EXPECT_EQ(nubridge_closure_open(network, family, R"({"inputs": ["x"]})", &other), NUBRIDGE_MODEL_INVALID);
    expect_words(nubridge_last_error(), {"'x'", "known: A, k"});
}

}  // namespace
