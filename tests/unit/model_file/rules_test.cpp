// Every rule of a model file, broken one at a time.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "expect.hpp"
#include "model_file/model_file.hpp"
#include "model_text.hpp"
#include "units/error.hpp"

namespace nubridge::test {
namespace {

/// As nubridge_model_open does: parse, then the rules of the model itself.
void load(const std::string& text) {
    const dynamics::ReducedModel model(model_file::parse(text, "m.json").definition);
}

struct Rule {
    const char* name;
    std::function<void(json&)> breaks;
    std::vector<std::string> words;
};

void PrintTo(const Rule& rule, std::ostream* out) {
    *out << rule.name;
}

class ModelRule : public testing::TestWithParam<Rule> {};

TEST_P(ModelRule, BrokenIsRefusedByWhoReads) {
    json model = channel_model();
    GetParam().breaks(model);
    expect_refusal<ModelInvalid>([&] { load(sealed(model)); }, GetParam().words);
}

TEST_P(ModelRule, BrokenIsRefusedByWhoSeals) {
    json model = channel_model();
    GetParam().breaks(model);
    expect_refusal<ModelInvalid>([&] { model_file::seal(model.dump(), "m.json"); }, GetParam().words);
}

json& transition(json& model, std::size_t index) {
    return model["dynamics"]["transitions"][index];
}

std::vector<Rule> rules() {
    std::vector<Rule> rules{
        {"UnknownMember",
         [](json& m) { m["colour"] = "red"; },
         {"m.json: the model", "'colour'", "known: dynamics, family"}},
        {"UnknownMemberOfTheFamily", [](json& m) { m["family"]["size"] = 2; }, {"m.json: family", "'size'"}},
        {"UnknownMemberOfAnInput", [](json& m) { m["inputs"][0]["range"] = 2; }, {"input 0", "'range'"}},
        {"UnknownMemberOfTheDynamics", [](json& m) { m["dynamics"]["solver"] = "x"; }, {"dynamics", "'solver'"}},
        {"UnknownMemberOfATransition", [](json& m) { transition(m, 1)["q10"] = 3; }, {"transition 1", "'q10'"}},
        {"UnknownMemberOfAnObservable", [](json& m) { m["observables"][0]["w"] = 1; }, {"observable 0", "'w'"}},
        {"NameOfAnotherType", [](json& m) { m["name"] = 3; }, {"the model", "'name'", "string", "found 3"}},
        {"FamilyOfAnotherType", [](json& m) { m["family"] = "categorical"; }, {"family", "object", "string"}},
        {"UnknownFamily", [](json& m) { m["family"]["kind"] = "ising"; }, {"family", "'ising'", "'categorical'"}},
        {"UnknownSign", [](json& m) { m["family"]["sign"] = 2; }, {"family", "sign 2", "1 or -1"}},
        {"SignOfAnotherType", [](json& m) { m["family"]["sign"] = "minus"; }, {"family", "'sign'", "number"}},
        {"NoStates", [](json& m) { m["family"]["states"] = json::array(); }, {"family", "'states'", "at least one"}},
        {"StateOfAnotherType", [](json& m) { m["family"]["states"][1] = 7; }, {"family", "'states'", "found 7"}},
        {"NoInputs", [](json& m) { m["inputs"] = json::array(); }, {"the model", "'inputs'", "at least one"}},
        {"DomainOfOneNumber", [](json& m) { m["inputs"][0]["domain"] = {1}; }, {"input 0", "'domain'", "[1]"}},
        {"DomainOfWords",
         [](json& m) {
             m["inputs"][0]["domain"] = {"a", "b"};
         },
         {"input 0", "'domain'", R"(["a","b"])"}},
        {"DomainUpsideDown",
         [](json& m) {
             m["inputs"][0]["domain"] = {100, 0.01};
         },
         {"'ca'", "[100, 0.01]"}},
        {"NegativeDomain",
         [](json& m) {
             m["inputs"][0]["domain"] = {-1, 1};
         },
         {"'ca'", "-1", "0 or above"}},
        {"UnknownDynamics", [](json& m) { m["dynamics"]["kind"] = "spline"; }, {"dynamics", "'spline'", "'closure'"}},
        {"NoTransitions", [](json& m) { m["dynamics"]["transitions"] = json::array(); }, {"dynamics", "'transitions'"}},
        {"UnknownStateFrom",
         [](json& m) { transition(m, 0)["from"] = "C9"; },
         {"transition 0", "state 'C9'", "closed, open"}},
        {"UnknownStateTo",
         [](json& m) { transition(m, 1)["to"] = "C9"; },
         {"transition 1", "state 'C9'", "closed, open"}},
        {"UnknownInput",
         [](json& m) { transition(m, 0)["input"] = "mg"; },
         {"transition 0", "input 'mg'", "known: ca"}},
        {"NegativeRate", [](json& m) { transition(m, 1)["rate"] = -0.5; }, {"transition 1", "-0.5", "not negative"}},
        {"NegativeTheta", [](json& m) { transition(m, 1)["theta"] = -2; }, {"transition 1", "theta"}},
        {"RateOfAnotherType",
         [](json& m) { transition(m, 1)["rate"] = "fast"; },
         {"transition 1", "'rate'", "\"fast\""}},
        {"UnitWithoutTheInput",
         [](json& m) { transition(m, 0)["unit"] = "/s"; },
         {"transition 0", "'/s'", "'/uM/s'", "'/uM/ms'"}},
        {"UnitOfAnotherInput",
         [](json& m) { transition(m, 0)["unit"] = "/mM/s"; },
         {"transition 0", "'/mM/s'", "'/uM/s'"}},
        {"UnitOfNoRate", [](json& m) { transition(m, 1)["unit"] = "mV"; }, {"transition 1", "'mV'", "'/s'", "'/ms'"}},
        {"Loop", [](json& m) { transition(m, 1)["to"] = "open"; }, {"transition 1", "itself"}},
        {"Disconnected", [](json& m) { transition(m, 1)["rate"] = 0; }, {"state 1", "no way back"}},
        {"NoObservables", [](json& m) { m["observables"] = json::array(); }, {"the model", "'observables'"}},
        {"WeightOfAnUnknownState", [](json& m) { m["observables"][0]["weights"]["C9"] = 1; }, {"observable 0", "'C9'"}},
        {"WeightOfAnotherType",
         [](json& m) { m["observables"][0]["weights"]["open"] = "1"; },
         {"observable 0", "weights", "\"1\""}},
        {"WeightsAsAList",
         [](json& m) {
             m["observables"][0]["weights"] = {0, 1};
         },
         {"observable 0", "'weights'", "[0,1]"}},
        {"UnknownPolicy",
         [](json& m) { m["policy"] = "ignore"; },
         {"the model", "'ignore'", "'clamp', 'extrapolate' or 'error'"}},
        {"TwoStatesOfOneName", [](json& m) { m["family"]["states"].push_back("open"); }, {"'open'", "twice"}},
        {"StateWithoutName", [](json& m) { m["family"]["states"].push_back(""); }, {"state", "empty name"}},
        {"TwoInputsOfOneName", [](json& m) { m["inputs"].push_back(m["inputs"][0]); }, {"'ca'", "input", "twice"}},
        {"TwoObservablesOfOneName",
         [](json& m) { m["observables"].push_back(m["observables"][0]); },
         {"'popen'", "twice"}},
        {"OneState",
         [](json& m) {
             m["family"]["states"] = {"open"};
             m["dynamics"]["transitions"].erase(0);
             transition(m, 0)["to"] = "open";
         },
         {"family", "1 state;", "at least 2"}},
        {"TooManyStates",
         [](json& m) {
             for (int i = 0; i < 63; ++i) m["family"]["states"].push_back("more" + std::to_string(i));
         },
         {"65 states", "64"}},
        {"TooManyInputs",
         [](json& m) {
             for (int i = 0; i < 8; ++i)
                 m["inputs"].push_back({{"name", "in" + std::to_string(i)}, {"unit", "mV"}, {"domain", {0, 1}}});
         },
         {"9 inputs", "8"}},
        {"TooManyTransitions",
         [](json& m) {
             for (int i = 0; i < 255; ++i) m["dynamics"]["transitions"].push_back(transition(m, 1));
         },
         {"257 transitions", "256"}},
    };
    for (const char* member : {"name", "family", "inputs", "dynamics", "observables", "policy"}) {
        rules.push_back(
            {"", [member](json& m) { m.erase(member); }, {"the model", "lacks", std::string("'") + member + "'"}});
    }
    for (const char* member : {"from", "to", "rate", "unit"}) {
        rules.push_back({"",
                         [member](json& m) { transition(m, 0).erase(member); },
                         {"transition 0", "lacks", std::string("'") + member + "'"}});
    }
    return rules;
}

INSTANTIATE_TEST_SUITE_P(Rules, ModelRule, testing::ValuesIn(rules()),
                         [](const testing::TestParamInfo<ModelRule::ParamType>& rule) {
                             return *rule.param.name != '\0' ? rule.param.name : "Missing" + std::to_string(rule.index);
                         });

TEST(ModelFile, OfTheTestsIsAccepted) {
    const dynamics::ReducedModel model(model_file::parse(sealed(channel_model()), "m.json").definition);
    EXPECT_EQ(model.definition().name, "channel");
    EXPECT_EQ(model.definition().policy, dynamics::Policy::clamp);
    EXPECT_EQ(model.definition().sign, maxent::Sign::minus);
    EXPECT_EQ(model.definition().inputs[0].upper, 100.0);
    EXPECT_EQ(model.definition().observables[0].weights, (std::vector<double>{0.0, 1.0}));
}

TEST(ModelFile, RatesInAnyUnitBecomePerMillisecond) {
    const auto definition = model_file::parse(sealed(channel_model()), "m.json").definition;
    EXPECT_DOUBLE_EQ(definition.transitions[0].rate_constant, 0.05);  // 50 /uM/s
    EXPECT_DOUBLE_EQ(definition.transitions[1].rate_constant, 0.01);  // 0.01 /ms
    EXPECT_EQ(definition.transitions[0].theta, 1.0);
}

TEST(ModelFile, SealedIsReadBackUnchanged) {
    const json model = channel_model();
    const std::string text = model_file::seal(model.dump(), "m.json");
    const auto file = model_file::parse(text, "m.json");
    EXPECT_EQ(file.text, text);
    EXPECT_EQ(file.hash, hash_by_hand(model));
    json without_hash = json::parse(text);
    without_hash.erase("hash");
    EXPECT_EQ(without_hash, model);
    EXPECT_EQ(model_file::seal(text, "m.json"), text) << "a sealed text seals to itself";
}

// printf '{"a":1}' | sha256sum: the seal is a plain SHA-256 that any tool can make.
TEST(ModelFile, HashIsThatOfOtherTools) {
    EXPECT_EQ(hash_by_hand(json{{"a", 1}, {"hash", "x"}}),
              "sha256:015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862");
}

TEST(ModelFile, WhiteSpaceAndOrderDoNotBreakTheSeal) {
    const json document = json::parse(sealed(channel_model()));
    EXPECT_NO_THROW(load(document.dump()));
    EXPECT_NO_THROW(load(document.dump(8)));
    std::string reversed = "{";
    for (auto member = document.rbegin(); member != document.rend(); ++member) {
        reversed += (reversed.size() > 1 ? "," : "") + json(member.key()).dump() + ":" + member.value().dump();
    }
    EXPECT_NO_THROW(load(reversed + "}"));
}

TEST(ModelFile, EditedAfterSealingIsRefused) {
    json document = json::parse(sealed(channel_model()));
    const std::string stated = document["hash"];
    transition(document, 0)["rate"] = 51;
    expect_refusal<ModelHashError>([&] { load(document.dump()); },
                                   {"m.json", stated, hash_by_hand(document), "edited", "nubridge train"});
    document["hash"] = 5;
    expect_refusal<ModelHashError>([&] { load(document.dump()); }, {"states 5"});
    document.erase("hash");
    expect_refusal<ModelHashError>([&] { load(document.dump()); }, {"states null"});
}

TEST(ModelFile, TruncatedAnywhereIsNoValidJson) {
    const std::string text = sealed(channel_model());
    for (std::size_t length = 0; length < text.size(); length += 7) {
        expect_refusal<ModelSyntaxError>(
            [&] { load(text.substr(0, length)); },
            {"m.json", "not valid JSON at byte", "of " + std::to_string(length), "truncated"});
    }
}

TEST(ModelFile, TextThatIsNoJsonIsASyntaxError) {
    expect_refusal<ModelSyntaxError>([] { load("name = 'sk'"); }, {"byte 2", "m.json"});
    expect_refusal<ModelSyntaxError>([] { load("{\"name\": \"\xff\"}"); }, {"m.json"});
    expect_refusal<ModelSyntaxError>([] { load("{} {}"); }, {"byte 4"});
}

TEST(ModelFile, ANumberBeyondDoubleIsASyntaxError) {
    expect_refusal<ModelSyntaxError>([] { load(R"({"rate": 1e999})"); }, {"m.json", "1e999"});
}

TEST(ModelFile, JsonThatIsNoModelIsRefused) {
    for (const char* text : {"[1, 2]", "3", "null", "{}", R"({"schema": "nubridge-network"})", R"({"schema": 1})"}) {
        expect_refusal<ModelSchemaError>([&] { load(text); }, {"m.json", "no nubridge model", "\"schema\""});
    }
}

TEST(ModelFile, AnotherSchemaVersionIsRefused) {
    for (const json& version : {json(2), json(0), json("1"), json()}) {
        json model = channel_model();
        model["schema_version"] = version;
        expect_refusal<ModelSchemaError>([&] { load(sealed(model)); },
                                         {"m.json", "version " + version.dump(), "reads version 1"});
    }
}

TEST(ModelFile, SkOfTheRepositoryIsSealedAndHoldsTheTenRates) {
    const auto file = model_file::read(NUBRIDGE_MODELS_FOLDER "/sk/model.json");
    const dynamics::ReducedModel sk(file.definition);
    EXPECT_EQ(sk.state_count(), 6u);
    EXPECT_EQ(file.definition.transitions.size(), 10u);
    EXPECT_EQ(file.path, NUBRIDGE_MODELS_FOLDER "/sk/model.json");
}

}  // namespace
}  // namespace nubridge::test
