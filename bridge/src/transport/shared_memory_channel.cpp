#include "transport/shared_memory_channel.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/mapped_region.hpp>
#include <boost/interprocess/shared_memory_object.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "transport/exchange.hpp"
#include "transport/liveness.hpp"

namespace nubridge::transport {
namespace {

namespace ipc = boost::interprocess;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

const std::filesystem::path folder = "/dev/shm";
constexpr std::size_t longest_name = 100;

std::string prefix() {
    return "nubridge." + std::to_string(::geteuid()) + ".";
}

/// The object's name in /dev/shm.
std::string object_of(const std::string& session) {
    const bool plain = std::all_of(session.begin(), session.end(), [](unsigned char letter) {
        return std::isalnum(letter) != 0 || letter == '-' || letter == '_' || letter == '.';
    });
    if (session.empty() || session.size() > longest_name || !plain)
        throw SessionError("'" + session +
                           "' is no name of a session; use 1 to 100 letters, digits, dots, hyphens and underscores");
    return prefix() + session;
}

[[noreturn]] void throw_system(const std::string& session, const std::string& what, int error,
                               const std::string& remedy) {
    throw SessionError("the session " + session + " cannot be " + what + ": " + std::generic_category().message(error) +
                       "; " + remedy);
}

/// A mapped object of /dev/shm, with this side's lock on it. The name goes with the owner's.
class SharedSegment final : public Segment {
public:
    static std::unique_ptr<SharedSegment> create(const std::string& session, const ChannelShape& shape);
    /// An object that only this side knows as yet, locked.
    static std::unique_ptr<SharedSegment> made(const std::string& session, const std::string& part);
    /// Null when there is none of that name; else its shape is read too.
    static std::unique_ptr<SharedSegment> open(const std::string& session, ChannelShape& shape);

    ~SharedSegment() override { unlink(); }
    SharedSegment(const SharedSegment&) = delete;
    SharedSegment& operator=(const SharedSegment&) = delete;

    std::byte* data() const override { return static_cast<std::byte*>(region_.get_address()); }
    const std::string& name() const override { return session_; }
    bool other_lives() override;
    void admitted() override { unlink(); }

private:
    SharedSegment(std::string session, Token other) : session_(std::move(session)), other_(other) {}

    int file() const { return object_.get_mapping_handle().handle; }
    SegmentHeader& header() const { return *reinterpret_cast<SegmentHeader*>(data()); }
    void reserve(std::size_t bytes) const;
    void map();
    void publish(const std::string& object);
    void unlink();
    bool is_named(const std::string& object) const;

    std::string session_;
    Token other_;
    ipc::shared_memory_object object_;
    ipc::mapped_region region_;
    std::string linked_as_;
    std::optional<ProcessWatch> watch_;
};

std::unique_ptr<SharedSegment> SharedSegment::made(const std::string& session, const std::string& part) {
    constexpr int attempts = 1000;  // `nubridge clean` may take an object that is not locked yet for a dead one's
    for (int attempt = 0; attempt < attempts; ++attempt) {
        std::unique_ptr<SharedSegment> segment(new SharedSegment(session, Token::peer));
        try {
            segment->object_ = ipc::shared_memory_object(ipc::create_only, part.c_str(), ipc::read_write,
                                                         ipc::permissions(S_IRUSR | S_IWUSR));
        } catch (const ipc::interprocess_exception& error) {
            throw_system(session, "made in /dev/shm", error.get_native_error(),
                         "`nubridge doctor` checks /dev/shm, `nubridge clean` removes what dead processes left there");
        }
        segment->linked_as_ = part;
        if (take(segment->file(), Token::owner) && segment->is_named(part)) return segment;
    }
    throw_system(session, "locked", errno, "another process holds it; take another name");
}

std::unique_ptr<SharedSegment> SharedSegment::create(const std::string& session, const ChannelShape& shape) {
    const std::string object = object_of(session);
    auto segment = made(session, object + ".part" + std::to_string(::getpid()));
    segment->reserve(SegmentLayout(shape).total);
    segment->map();
    initialise(segment->data(), shape);
    segment->header().owner.pid = ::getpid();
    segment->header().owner.state = SideState::ready;
    segment->publish(object);
    return segment;
}

std::unique_ptr<SharedSegment> SharedSegment::open(const std::string& session, ChannelShape& shape) {
    const std::string object = object_of(session);
    std::unique_ptr<SharedSegment> opened(new SharedSegment(session, Token::owner));
    try {
        opened->object_ = ipc::shared_memory_object(ipc::open_only, object.c_str(), ipc::read_write);
    } catch (const ipc::interprocess_exception& error) {
        if (error.get_error_code() == ipc::not_found_error) return nullptr;
        throw_system(session, "opened", error.get_native_error(), "let the user who made it start the peer too");
    }
    opened->map();
    shape = checked_shape(opened->data(), opened->region_.get_size(), session);
    if (!is_taken(opened->file(), Token::owner))
        throw SessionError("the session " + session + " was left by a process that has ended (" +
                           std::to_string(opened->header().owner.pid.load()) + "); remove it with `nubridge clean`");
    if (!take(opened->file(), Token::peer) || opened->header().peer.state.load() != SideState::init)
        throw SessionError("the session " + session + " has a peer already, process " +
                           std::to_string(opened->header().peer.pid.load()) +
                           "; start another session for another peer");
    opened->header().peer.pid = ::getpid();
    return opened;
}

void SharedSegment::reserve(std::size_t bytes) const {
    // Not ftruncate: a /dev/shm that is too small would be found out by SIGBUS at the first touch.
    const int error = ::posix_fallocate(file(), 0, static_cast<off_t>(bytes));
    if (error != 0)
        throw_system(session_, "given " + std::to_string(bytes) + " bytes in /dev/shm", error,
                     "remove files there (`nubridge clean`), or enlarge it (containers: --shm-size=1g)");
}

void SharedSegment::map() {
    ipc::offset_t bytes = 0;
    if (!object_.get_size(bytes) || bytes == 0)
        throw SessionError("the session " + session_ + " has 0 bytes, as a process that died in making it leaves it; " +
                           "remove it with `nubridge clean`");
    try {
        region_ = ipc::mapped_region(object_, ipc::read_write);
    } catch (const ipc::interprocess_exception& error) {
        throw_system(session_, "mapped", error.get_native_error(), "remove it with `nubridge clean`");
    }
}

// A link, unlike a renaming, refuses a name that is in use.
void SharedSegment::publish(const std::string& object) {
    if (::link((folder / linked_as_).c_str(), (folder / object).c_str()) != 0) {
        if (errno != EEXIST) throw_system(session_, "published", errno, "start it again");
        throw SessionError("there is a session " + session_ +
                           " already; take another name, or remove it with `nubridge clean` if its process has ended");
    }
    ::unlink((folder / std::exchange(linked_as_, object)).c_str());
}

bool SharedSegment::is_named(const std::string& object) const {
    struct stat own {};
    struct stat named {};
    return ::fstat(file(), &own) == 0 && ::stat((folder / object).c_str(), &named) == 0 && own.st_ino == named.st_ino;
}

void SharedSegment::unlink() {
    if (!linked_as_.empty() && is_named(linked_as_)) ::unlink((folder / linked_as_).c_str());
    linked_as_.clear();
}

bool SharedSegment::other_lives() {
    const SegmentSide& other = other_ == Token::owner ? header().owner : header().peer;
    if (!watch_) watch_.emplace(other.pid.load());
    return is_taken(file(), other_) && !watch_->has_ended();
}

/// The names of this user's sessions whose open file and path satisfy `holds`.
template <class Condition>
std::vector<std::string> sessions_where(Condition&& holds) {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string object = entry.path().filename().string();
        if (object.rfind(prefix(), 0) != 0) continue;
        const int file = ::open(entry.path().c_str(), O_RDWR | O_CLOEXEC);
        if (file < 0) continue;
        if (holds(file, entry.path())) found.push_back(object.substr(prefix().size()));
        ::close(file);
    }
    return found;
}

}  // namespace

std::unique_ptr<OwnerEnd> create_session(const std::string& name, const ChannelShape& shape) {
    return owner_end(SharedSegment::create(name, shape), shape);
}

std::unique_ptr<PeerEnd> attach_session(const std::string& name, milliseconds limit) {
    const auto deadline = steady_clock::now() + limit;
    for (;;) {
        ChannelShape shape;
        if (auto segment = SharedSegment::open(name, shape)) return peer_end(std::move(segment), std::move(shape));
        if (steady_clock::now() >= deadline)
            throw SessionError("there is no session " + name +
                               " that waits for a peer; start its owner first, or give " + "the peer more time");
        std::this_thread::sleep_for(milliseconds(5));
    }
}

std::vector<std::string> stale_sessions() {
    return sessions_where([](int file, const std::filesystem::path&) {
        return !is_taken(file, Token::owner) && !is_taken(file, Token::peer);
    });
}

std::vector<std::string> remove_stale_sessions() {
    return sessions_where([](int file, const std::filesystem::path& path) {
        return take(file, Token::owner) && take(file, Token::peer) && ::unlink(path.c_str()) == 0;
    });
}

}  // namespace nubridge::transport
