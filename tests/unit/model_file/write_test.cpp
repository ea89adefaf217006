// A model file is either the old one or the whole new one.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "expect.hpp"
#include "files.hpp"
#include "model_file/model_file.hpp"
#include "units/error.hpp"

namespace nubridge::test {
namespace {

namespace fs = std::filesystem;

/// Lets files grow to `bytes` and no further; what would be a signal becomes an error of write().
class ScopedFileSizeLimit {
public:
    explicit ScopedFileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~ScopedFileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    ScopedFileSizeLimit(const ScopedFileSizeLimit&) = delete;
    ScopedFileSizeLimit& operator=(const ScopedFileSizeLimit&) = delete;

private:
    void (*handler_)(int);
    rlimit before_{};
};

TEST(ModelFileWrite, MakesANewFile) {
    const TemporaryFolder folder;
    model_file::write("new text\n", folder / "model.json");
    EXPECT_EQ(read_text(folder / "model.json"), "new text\n");
    EXPECT_EQ(folder.names(), std::vector<std::string>{"model.json"});
}

TEST(ModelFileWrite, ReplacesAnOldFileWhole) {
    const TemporaryFolder folder;
    const auto path = write_text(folder / "model.json", std::string(100000, 'x'));
    model_file::write("short\n", path);
    EXPECT_EQ(read_text(path), "short\n");
}

TEST(ModelFileWrite, AReaderWithTheOldFileOpenKeepsIt) {
    const TemporaryFolder folder;
    const auto path = write_text(folder / "model.json", "old\n");
    std::ifstream reader(path);
    model_file::write("new\n", path);
    std::string line;
    std::getline(reader, line);
    EXPECT_EQ(line, "old");
}

TEST(ModelFileWrite, WhatAFullDiskCutsShortLeavesTheOldFile) {
    const TemporaryFolder folder;
    const auto path = write_text(folder / "model.json", "old\n");
    {
        const ScopedFileSizeLimit limit(4096);
        expect_refusal<FileError>([&] { model_file::write(std::string(65536, 'x'), path); },
                                  {path.string(), "cannot write", "File too large", "free space"});
    }
    EXPECT_EQ(read_text(path), "old\n");
    EXPECT_EQ(folder.names(), std::vector<std::string>{"model.json"}) << "the half-written part is gone";
}

TEST(ModelFileWrite, ANamelessFolderIsNamed) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "gone" / "model.json";
    expect_refusal<FileError>([&] { model_file::write("text", path); },
                              {path.string(), "cannot create", "No such file"});
}

TEST(ModelFileWrite, AFileWhereTheFolderShouldBeIsNamed) {
    const TemporaryFolder folder;
    const auto path = write_text(folder / "file", "") / "model.json";
    expect_refusal<FileError>([&] { model_file::write("text", path); },
                              {path.string(), "cannot create", "Not a directory"});
}

TEST(ModelFileWrite, AFolderWhereTheFileShouldBeStays) {
    const TemporaryFolder folder;
    const auto path = folder / "model.json";
    fs::create_directory(path);
    expect_refusal<FileError>([&] { model_file::write("text", path); }, {path.string(), "cannot rename", "directory"});
    EXPECT_TRUE(fs::is_directory(path));
    EXPECT_EQ(folder.names(), std::vector<std::string>{"model.json"});
}

TEST(ModelFileWrite, AReadOnlyFolderIsNamed) {
    if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
    const TemporaryFolder folder;
    fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
    expect_refusal<FileError>([&] { model_file::write("text", folder / "model.json"); },
                              {"cannot create", "Permission denied", "rights"});
}

}  // namespace
}  // namespace nubridge::test
