#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "expect.hpp"
#include "files.hpp"
#include "model_file/model_file.hpp"
#include "units/error.hpp"

namespace nubridge::test {
namespace {

namespace fs = std::filesystem;

/// Two folders of models, both of them in NUBRIDGE_MODELS: a has `both` and `first`, b has `both` and `second`.
class ModelFind : public testing::Test {
protected:
    ModelFind() {
        for (const char* file :
             {"a/both/model.json", "a/first/model.json", "b/both/model.json", "b/second/model.json"}) {
            write_text(folder_ / file, "{}");
        }
        fs::create_directory(folder_ / "a/empty");
    }
    TemporaryFolder folder_;
    ScopedEnvironment models_{"NUBRIDGE_MODELS", (folder_ / "a").string() + ":" + (folder_ / "b").string()};
};

TEST_F(ModelFind, ANameIsAFolderOfNubridgeModels) {
    EXPECT_EQ(model_file::find("first"), folder_ / "a/first/model.json");
    EXPECT_EQ(model_file::find("second"), folder_ / "b/second/model.json");
}

TEST_F(ModelFind, TheFirstFolderWins) {
    EXPECT_EQ(model_file::find("both"), folder_ / "a/both/model.json");
    const ScopedEnvironment turned("NUBRIDGE_MODELS", (folder_ / "b").string() + ":" + (folder_ / "a").string());
    EXPECT_EQ(model_file::find("both"), folder_ / "b/both/model.json");
}

TEST_F(ModelFind, EmptyPartsOfTheListAreNoFolders) {
    const ScopedEnvironment sparse("NUBRIDGE_MODELS", "::" + (folder_ / "b").string() + ":");
    EXPECT_EQ(model_file::find("second"), folder_ / "b/second/model.json");
    const fs::path before = fs::current_path();
    fs::current_path(folder_ / "a");
    EXPECT_THROW(model_file::find("first"), ModelNotFound) << "an empty part does not mean the current folder";
    fs::current_path(before);
}

TEST_F(ModelFind, AnUnknownNameListsFoldersAndNames) {
    expect_refusal<ModelNotFound>(
        [] { model_file::find("nmdar"); },
        {"'nmdar'", (folder_ / "a").string(), (folder_ / "b").string(), "both", "first", "second", "NUBRIDGE_MODELS"});
}

TEST_F(ModelFind, AFolderWithoutAModelIsNoModel) {
    expect_refusal<ModelNotFound>([] { model_file::find("empty"); }, {"'empty'"});
}

TEST_F(ModelFind, AFolderOfTheListThatIsGoneIsStillNamed) {
    const ScopedEnvironment gone("NUBRIDGE_MODELS", "/no/such/folder");
    expect_refusal<ModelNotFound>([] { model_file::find("first"); }, {"/no/such/folder"});
}

TEST_F(ModelFind, APathMayBeAFolderOrAFile) {
    EXPECT_EQ(model_file::find((folder_ / "b/second").string()), folder_ / "b/second/model.json");
    EXPECT_EQ(model_file::find((folder_ / "b/second/model.json").string()), folder_ / "b/second/model.json");
}

TEST_F(ModelFind, AJsonFileOfTheCurrentFolderNeedsNoSlash) {
    const fs::path before = fs::current_path();
    fs::current_path(folder_ / "b/second");
    EXPECT_EQ(model_file::find("model.json"), "model.json");
    fs::current_path(before);
}

TEST_F(ModelFind, APathThatIsGoneIsNamed) {
    const std::string path = (folder_ / "b/third/model.json").string();
    expect_refusal<ModelNotFound>([&] { model_file::find(path); }, {path});
    expect_refusal<ModelNotFound>([&] { model_file::find((folder_ / "a/empty").string()); }, {"empty/model.json"});
}

TEST_F(ModelFind, ANameThatNoFileSystemTakesIsNotFound) {
    expect_refusal<ModelNotFound>([] { model_file::find(std::string(5000, 'x')); }, {"xxx"});
    expect_refusal<ModelNotFound>([] { model_file::find("a/" + std::string(5000, 'x')); }, {"xxx"});
    expect_refusal<ModelNotFound>([] { model_file::find(""); }, {"''"});
}

TEST_F(ModelFind, AFileThatCannotBeReadSaysWhy) {
    if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
    const auto path = folder_ / "a/first/model.json";
    fs::permissions(path, fs::perms::none);
    expect_refusal<ModelNotFound>([&] { model_file::read(path); }, {path.string(), "Permission denied"});
}

TEST_F(ModelFind, AFileThatIsGoneSaysSo) {
    expect_refusal<ModelNotFound>([&] { model_file::read(folder_ / "gone.json"); }, {"gone.json", "No such file"});
}

}  // namespace
}  // namespace nubridge::test
