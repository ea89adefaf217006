// Opening, sealing and asking models; every status with the words of its text.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "c_api.hpp"
#include "expect.hpp"
#include "files.hpp"
#include "model_text.hpp"

namespace nubridge::test {
namespace {

nubridge_status open_status(const std::string& name) {
    nubridge_model* model = nullptr;
    const nubridge_status status = nubridge_model_open(name.c_str(), &model);
    EXPECT_EQ(model, nullptr) << "nothing is handed out on failure";
    nubridge_model_close(model);
    return status;
}

TEST(Status, EveryCodeHasItsTextAndNoOther) {
#define NUBRIDGE_EXPECT_TEXT(name, value, text) \
    EXPECT_EQ(NUBRIDGE_##name, value);          \
    EXPECT_STREQ(nubridge_status_text(NUBRIDGE_##name), text);
    NUBRIDGE_STATUS_LIST(NUBRIDGE_EXPECT_TEXT)
#undef NUBRIDGE_EXPECT_TEXT
    for (const nubridge_status unknown : {4, 77, -21, -1000, 127})
        EXPECT_STREQ(nubridge_status_text(unknown), "unknown status");
}

TEST(Abi, TheSameVersionIsAccepted) {
    EXPECT_EQ(nubridge_require_abi(NUBRIDGE_ABI_VERSION), NUBRIDGE_OK);
}

TEST(Abi, AnyOtherVersionIsRefusedWithBothNamed) {
    for (const int32_t other : {NUBRIDGE_ABI_VERSION - 1, NUBRIDGE_ABI_VERSION + 1, 41, -3}) {
        EXPECT_EQ(nubridge_require_abi(other), NUBRIDGE_ABI_MISMATCH);
        expect_words(nubridge_last_error(),
                     {"interface " + std::to_string(other), "interface " + std::to_string(NUBRIDGE_ABI_VERSION),
                      nubridge_version(), "compile it again"});
    }
}

TEST(Version, IsThatOfTheProject) {
    EXPECT_STREQ(nubridge_version(), NUBRIDGE_VERSION);
}

TEST(ModelOpen, SkSaysWhatItIs) {
    const Handle sk = open_model("sk");
    EXPECT_STREQ(nubridge_model_name(sk.get()), "sk");
    EXPECT_EQ(std::string(nubridge_model_hash(sk.get())).substr(0, 7), "sha256:");
    EXPECT_EQ(json::parse(nubridge_model_json(sk.get()))["hash"], nubridge_model_hash(sk.get()));
    EXPECT_STREQ(nubridge_model_path(sk.get()), NUBRIDGE_MODELS_FOLDER "/sk/model.json");
    EXPECT_EQ(nubridge_model_policy(sk.get()), NUBRIDGE_POLICY_EXTRAPOLATE);
}

TEST(ModelOpen, ItemsHaveNamesAndUnits) {
    const Handle sk = open_model("sk");
    const auto names = [&](int32_t kind) {
        std::vector<std::string> found;
        for (std::size_t i = 0; i < nubridge_count(sk.get(), kind); ++i)
            found.emplace_back(nubridge_item_name(sk.get(), kind, i));
        return found;
    };
    EXPECT_EQ(names(NUBRIDGE_ITEM_STATE), (std::vector<std::string>{"C1", "C2", "C3", "C4", "O1", "O2"}));
    EXPECT_EQ(names(NUBRIDGE_ITEM_NU), (std::vector<std::string>{"C2", "C3", "C4", "O1", "O2"}));
    EXPECT_EQ(names(NUBRIDGE_ITEM_INPUT), std::vector<std::string>{"ca"});
    EXPECT_EQ(names(NUBRIDGE_ITEM_OBSERVABLE), std::vector<std::string>{"popen"});
    EXPECT_STREQ(nubridge_item_unit(sk.get(), NUBRIDGE_ITEM_INPUT, 0), "uM");
    EXPECT_STREQ(nubridge_item_unit(sk.get(), NUBRIDGE_ITEM_NU, 0), "1");
    EXPECT_STREQ(nubridge_item_unit(sk.get(), NUBRIDGE_ITEM_OBSERVABLE, 0), "1");
    for (const int32_t kind : {NUBRIDGE_ITEM_NU, NUBRIDGE_ITEM_STATE, NUBRIDGE_ITEM_INPUT, NUBRIDGE_ITEM_OBSERVABLE}) {
        EXPECT_EQ(nubridge_item_name(sk.get(), kind, nubridge_count(sk.get(), kind)), nullptr);
        EXPECT_EQ(nubridge_item_unit(sk.get(), kind, nubridge_count(sk.get(), kind)), nullptr);
    }
    EXPECT_EQ(nubridge_count(sk.get(), 4), 0u);
    EXPECT_EQ(nubridge_count(sk.get(), -1), 0u);
    EXPECT_EQ(nubridge_item_name(sk.get(), 4, 0), nullptr);
}

TEST(ModelOpen, DomainIsThatOfTheFile) {
    const Handle sk = open_model("sk");
    double lower = -1.0, upper = -1.0;
    EXPECT_EQ(nubridge_domain(sk.get(), 0, &lower, &upper), NUBRIDGE_OK);
    EXPECT_EQ(lower, 0.0);
    EXPECT_EQ(upper, 1000.0);
    EXPECT_EQ(nubridge_domain(sk.get(), 1, &lower, &upper), NUBRIDGE_INVALID_ARGUMENT);
    expect_words(nubridge_last_error(), {"no input 1", "has 1"});
}

struct BadFile {
    const char* name;
    std::function<std::string()> text;
    nubridge_status status;
    std::vector<std::string> words;
};

void PrintTo(const BadFile& file, std::ostream* out) {
    *out << file.name;
}

class ModelOpenRefuses : public testing::TestWithParam<BadFile> {};

TEST_P(ModelOpenRefuses, WithItsStatusAndTheCulprit) {
    const TemporaryFolder folder;
    const auto path = write_text(folder / "model.json", GetParam().text());
    EXPECT_EQ(open_status(path.string()), GetParam().status);
    auto words = GetParam().words;
    words.push_back(path.string());
    expect_words(nubridge_last_error(), words);
}

std::string broken(const std::function<void(json&)>& breaks, bool seal) {
    json model = channel_model();
    if (!seal) model["hash"] = hash_by_hand(model);
    breaks(model);
    return seal ? sealed(model) : model.dump();
}

INSTANTIATE_TEST_SUITE_P(
    Files, ModelOpenRefuses,
    testing::Values(BadFile{"Truncated",
                            [] { return sealed(channel_model()).substr(0, 200); },
                            NUBRIDGE_MODEL_SYNTAX,
                            {"byte", "of 200"}},
                    BadFile{"Empty", [] { return std::string(); }, NUBRIDGE_MODEL_SYNTAX, {"of 0", "truncated"}},
                    BadFile{"NewerSchema",
                            [] { return broken([](json& m) { m["schema_version"] = 2; }, true); },
                            NUBRIDGE_MODEL_SCHEMA,
                            {"version 2"}},
                    BadFile{"AnotherSchema",
                            [] { return broken([](json& m) { m["schema"] = "x"; }, true); },
                            NUBRIDGE_MODEL_SCHEMA,
                            {"no nubridge model"}},
                    BadFile{"Edited",
                            [] { return broken([](json& m) { m["title"] = "x"; }, false); },
                            NUBRIDGE_MODEL_HASH,
                            {"sha256:", "edited"}},
                    BadFile{"UnknownMember",
                            [] { return broken([](json& m) { m["x"] = 1; }, true); },
                            NUBRIDGE_MODEL_INVALID,
                            {"'x'"}}),
    CaseName());

// The rules that only the whole model can check name no file, but the model.
TEST(ModelOpen, AModelThatBreaksARuleOfItsNetworkIsInvalid) {
    const TemporaryFolder folder;
    const auto path = write_text(folder / "model.json", broken(
                                                            [](json& m) {
                                                                m["inputs"][0]["domain"] = {5, 5};
                                                            },
                                                            true));
    EXPECT_EQ(open_status(path.string()), NUBRIDGE_MODEL_INVALID);
    expect_words(nubridge_last_error(), {"model 'channel'", "'ca'", "[5, 5]"});
}

TEST(ModelOpen, AnUnknownNameIsNotFoundAndTheKnownOnesAreListed) {
    EXPECT_EQ(open_status("camkii_of_tomorrow"), NUBRIDGE_MODEL_NOT_FOUND);
    expect_words(nubridge_last_error(), {"'camkii_of_tomorrow'", "sk", "NUBRIDGE_MODELS"});
    EXPECT_EQ(open_status("./gone/model.json"), NUBRIDGE_MODEL_NOT_FOUND);
    expect_words(nubridge_last_error(), {"./gone/model.json"});
}

TEST(ModelOpen, ALastErrorStaysUntilTheNextFailure) {
    EXPECT_EQ(open_status("first_culprit"), NUBRIDGE_MODEL_NOT_FOUND);
    const Handle sk = open_model("sk");
    expect_words(nubridge_last_error(), {"first_culprit"});
    EXPECT_EQ(open_status("second_culprit"), NUBRIDGE_MODEL_NOT_FOUND);
    expect_words(nubridge_last_error(), {"second_culprit"});
}

TEST(ModelOpen, ALastErrorIsItsThreadsOwn) {
    EXPECT_EQ(open_status("mine"), NUBRIDGE_MODEL_NOT_FOUND);
    std::thread([] {
        EXPECT_STREQ(nubridge_last_error(), "");
        EXPECT_EQ(open_status("yours"), NUBRIDGE_MODEL_NOT_FOUND);
        expect_words(nubridge_last_error(), {"yours"});
    }).join();
    expect_words(nubridge_last_error(), {"mine"});
}

TEST(ModelOpen, ANullPointerIsNamed) {
    nubridge_model* model = nullptr;
    EXPECT_EQ(nubridge_model_open(nullptr, &model), NUBRIDGE_INVALID_ARGUMENT);
    expect_words(nubridge_last_error(), {"name", "null"});
    EXPECT_EQ(nubridge_model_open("sk", nullptr), NUBRIDGE_INVALID_ARGUMENT);
    expect_words(nubridge_last_error(), {"place", "null"});
    EXPECT_EQ(nubridge_model_open_once(nullptr, &model), NUBRIDGE_INVALID_ARGUMENT);
    EXPECT_EQ(nubridge_model_open_once("sk", nullptr), NUBRIDGE_INVALID_ARGUMENT);
    expect_words(nubridge_last_error(), {"slot", "null"});
    nubridge_model_close(nullptr);
}

TEST(ModelOpenOnce, FillsAnEmptySlotAndKeepsAFullOne) {
    nubridge_model* slot = nullptr;
    ASSERT_EQ(nubridge_model_open_once("sk", &slot), NUBRIDGE_OK);
    nubridge_model* const first = slot;
    EXPECT_EQ(nubridge_model_open_once("sk", &slot), NUBRIDGE_OK);
    EXPECT_EQ(nubridge_model_open_once("no_such_model", &slot), NUBRIDGE_OK) << "a full slot is not opened again";
    EXPECT_EQ(slot, first);
    nubridge_model_close(slot);
    slot = nullptr;
    EXPECT_EQ(nubridge_model_open_once("no_such_model", &slot), NUBRIDGE_MODEL_NOT_FOUND);
    EXPECT_EQ(slot, nullptr);
}

TEST(ModelSeal, WritesAModelThatOpens) {
    const TemporaryFolder folder;
    const std::string path = (folder / "model.json").string();
    ASSERT_EQ(nubridge_model_seal(channel_model().dump().c_str(), path.c_str()), NUBRIDGE_OK) << nubridge_last_error();
    const Handle channel = open_model(path);
    EXPECT_EQ(nubridge_model_hash(channel.get()), hash_by_hand(channel_model()));
    EXPECT_EQ(read_text(path), nubridge_model_json(channel.get()));
}

TEST(ModelSeal, WritesNothingThatBreaksARule) {
    const TemporaryFolder folder;
    const std::string path = (folder / "model.json").string();
    json model = channel_model();
    model["policy"] = "ignore";
    EXPECT_EQ(nubridge_model_seal(model.dump().c_str(), path.c_str()), NUBRIDGE_MODEL_INVALID);
    expect_words(nubridge_last_error(), {path, "'ignore'"});
    EXPECT_TRUE(folder.names().empty());
}

TEST(ModelSeal, AFileThatCannotBeWrittenIsNamed) {
    const TemporaryFolder folder;
    const std::string path = (folder.path() / "gone" / "model.json").string();
    EXPECT_EQ(nubridge_model_seal(channel_model().dump().c_str(), path.c_str()), NUBRIDGE_FILE_ERROR);
    expect_words(nubridge_last_error(), {path, "No such file"});
    EXPECT_EQ(nubridge_model_seal(nullptr, path.c_str()), NUBRIDGE_INVALID_ARGUMENT);
    EXPECT_EQ(nubridge_model_seal("{}", nullptr), NUBRIDGE_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace nubridge::test
