// Sessions in /dev/shm: names, rights, handshakes, and what dead processes leave.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <thread>

#include "channels.hpp"
#include "expect.hpp"
#include "transport/segment_header.hpp"

namespace nubridge::test {
namespace {

using std::chrono::milliseconds;
using transport::attach_session;
using transport::create_session;
using transport::remove_stale_sessions;
using transport::SegmentHeader;
using transport::SegmentIdentity;
using transport::SessionError;

constexpr milliseconds at_once{0};

std::filesystem::path file_of(const std::string& session) {
    return "/dev/shm/nubridge." + std::to_string(::geteuid()) + "." + session;
}

/// Runs `body` in a child that then dies by SIGKILL, and waits for it.
template <class Body>
void die_after(Body&& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        body();
        ::raise(SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";
}

TEST(SharedMemorySession, IsReadableByItsUserOnly) {
    const std::string name = fresh_name();
    const auto owner = create_session(name, shape_of(1, 0, 1));
    struct stat found {};
    ASSERT_EQ(::stat(file_of(name).c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0600U);
}

TEST(SharedMemorySession, LosesItsNameWhenThePeerHasCome) {
    const std::string name = fresh_name();
    auto owner = create_session(name, shape_of(1, 0, 1));
    EXPECT_TRUE(std::filesystem::exists(file_of(name)));
    const auto peer = attach_session(name, at_once);
    EXPECT_TRUE(owner->wait_for_peer(patience));
    EXPECT_FALSE(std::filesystem::exists(file_of(name)));
}

TEST(SharedMemorySession, LosesItsNameWithItsOwner) {
    const std::string name = fresh_name();
    create_session(name, shape_of(1, 0, 1)).reset();
    EXPECT_FALSE(std::filesystem::exists(file_of(name)));
}

TEST(SharedMemorySession, RefusesANameInUse) {
    const std::string name = fresh_name();
    const auto owner = create_session(name, shape_of(1, 0, 1));
    expect_refusal<SessionError>([&] { (void)create_session(name, shape_of(1, 0, 1)); }, {name, "already"});
    EXPECT_TRUE(std::filesystem::exists(file_of(name))) << "the first session keeps its name";
}

TEST(SharedMemorySession, RefusesWhatIsNoName) {
    for (const std::string bad : {"", "a/b", "two words", "..\n"})
        expect_refusal<SessionError>([&] { (void)create_session(bad, shape_of(1, 0, 1)); }, {"'" + bad + "'", "name"});
    expect_refusal<SessionError>([&] { (void)attach_session(std::string(101, 'x'), at_once); }, {"1 to 100"});
}

TEST(SharedMemorySession, RefusesASecondPeer) {
    const std::string name = fresh_name();
    const auto owner = create_session(name, shape_of(1, 0, 1));
    const auto peer = attach_session(name, at_once);
    expect_refusal<SessionError>([&] { (void)attach_session(name, at_once); },
                                 {name, "has a peer already", std::to_string(::getpid())});
}

TEST(SharedMemorySession, TellsThatThereIsNone) {
    const std::string name = fresh_name();
    expect_refusal<SessionError>([&] { (void)attach_session(name, at_once); }, {name, "no session"});
}

/// Gives this process a /dev/shm of 4096 bytes. False where it may not mount.
bool mount_small_dev_shm() {
    const std::string uid = std::to_string(::geteuid()), gid = std::to_string(::getegid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    std::ofstream("/proc/self/uid_map") << uid << ' ' << uid << " 1";
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/gid_map") << gid << ' ' << gid << " 1";
    return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=4096") == 0;
}

/// A limit on the size of files refuses the space as a full /dev/shm does.
void limit_files() {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &small);
}

TEST(SharedMemorySession, ReportsAFullDevShm) {
    die_after([] {
        if (!mount_small_dev_shm()) limit_files();
        const std::string name = fresh_name();
        bool said = false;
        try {
            (void)create_session(name, shape_of(1, 0, 1));
        } catch (const SessionError& error) {
            said = std::string(error.what()).find("/dev/shm") != std::string::npos;
        }
        if (!said || std::filesystem::exists(file_of(name))) ::_exit(1);
    });
}

TEST(SharedMemorySession, OfAnotherUserIsNotOpened) {
    die_after([] {
        const uid_t nobody = 65534;
        if (::geteuid() == 0 && ::seteuid(nobody) != 0) ::_exit(1);  // root may open everything
        const std::string name = fresh_name();
        std::ofstream(file_of(name)).close();
        ::chmod(file_of(name).c_str(), 0);
        bool said = false;
        try {
            (void)attach_session(name, at_once);
        } catch (const SessionError& error) {
            said = std::string(error.what()).find("Permission denied; let the user who made it") != std::string::npos;
        }
        std::filesystem::remove(file_of(name));
        if (!said) ::_exit(2);
    });
}

struct Damage {
    const char* name;
    std::size_t offset;
    std::uint8_t value;
    std::vector<std::string> words;
};

class DamagedSession : public testing::TestWithParam<Damage> {};

TEST_P(DamagedSession, IsRefusedByName) {
    const std::string name = fresh_name();
    const auto owner = create_session(name, shape_of(1, 0, 1));
    std::fstream file(file_of(name), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(GetParam().offset)).put(static_cast<char>(GetParam().value));
    file.close();
    expect_refusal<SessionError>([&] { (void)attach_session(name, at_once); }, GetParam().words);
}

INSTANTIATE_TEST_SUITE_P(
    Fields, DamagedSession,
    testing::Values(Damage{"Magic", offsetof(SegmentIdentity, magic), 1, {"magic number"}},
                    Damage{"Layout", offsetof(SegmentIdentity, layout), 9, {"layout version 9", "this nubridge 1"}},
                    Damage{"ByteOrder", offsetof(SegmentIdentity, byte_order), 1, {"byte order"}},
                    Damage{"Header", offsetof(SegmentIdentity, header_bytes), 1, {"header size", "8576"}},
                    Damage{"Amounts", offsetof(SegmentIdentity, amounts), 99, {"size by its shape"}},
                    Damage{"Bytes", offsetof(SegmentIdentity, segment_bytes), 1, {"size in bytes"}},
                    Damage{"ConfigBytes", offsetof(SegmentIdentity, config_bytes) + 3, 1, {"configuration size"}},
                    Damage{"Hash", offsetof(SegmentIdentity, config_hash), 0, {"configuration hash"}},
                    Damage{"Units", offsetof(SegmentIdentity, units), 'M', {"units Molecules", "nubridge molecules"}},
                    Damage{"Config", sizeof(SegmentHeader), '[', {"configuration hash"}}),
    CaseName());

TEST(SharedMemorySession, RefusesWhatIsHalfCreated) {
    const std::string name = fresh_name();
    std::ofstream(file_of(name)).close();
    expect_refusal<SessionError>([&] { (void)attach_session(name, at_once); }, {name, "0 bytes", "clean"});
    std::filesystem::resize_file(file_of(name), 100);
    expect_refusal<SessionError>([&] { (void)attach_session(name, at_once); }, {"100 bytes"});
    std::filesystem::resize_file(file_of(name), 20'000);
    expect_refusal<SessionError>([&] { (void)attach_session(name, at_once); }, {"magic number 0"});
    EXPECT_EQ(remove_stale_sessions(), std::vector<std::string>{name});
}

TEST(SharedMemorySession, OfADeadOwnerIsRefusedAndCleaned) {
    const std::string name = fresh_name();
    die_after([&] { (void)create_session(name, shape_of(1, 0, 1)).release(); });
    expect_refusal<SessionError>([&] { (void)attach_session(name, at_once); }, {name, "has ended", "nubridge clean"});
    EXPECT_EQ(remove_stale_sessions(), std::vector<std::string>{name});
    EXPECT_FALSE(std::filesystem::exists(file_of(name)));
}

TEST(SharedMemorySession, OfTheLivingIsNotCleaned) {
    const std::string name = fresh_name();
    const auto owner = create_session(name, shape_of(1, 0, 1));
    EXPECT_EQ(remove_stale_sessions(), std::vector<std::string>{});
    EXPECT_TRUE(std::filesystem::exists(file_of(name)));
}

TEST(SharedMemorySession, StartsWhileAnotherProcessCleans) {
    const std::jthread cleaner([](const std::stop_token& over) {
        while (!over.stop_requested()) (void)remove_stale_sessions();
    });
    for (int i = 0; i < 300; ++i) {
        auto [owner, peer] = shared_memory_ends(shape_of(1, 0, 1));
        EXPECT_TRUE(owner->wait_for_peer(patience));
    }
}

TEST(SharedMemorySession, StartsAndStopsAThousandTimesWithoutATrace) {
    const auto open_files = [] {
        std::size_t found = 0;
        for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++found;
        return found;
    };
    const std::size_t before = open_files();
    for (int i = 0; i < 1000; ++i) {
        auto [owner, peer] = shared_memory_ends(shape_of(1, 0, 1));
        ASSERT_TRUE(owner->wait_for_peer(patience));
    }
    EXPECT_EQ(open_files(), before);
    EXPECT_EQ(remove_stale_sessions(), std::vector<std::string>{});
}

}  // namespace
}  // namespace nubridge::test
