// Couplings of NEURON to a peer, of the C interface.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "c_api/channel_handle.hpp"
#include "c_api/guarded.hpp"
#include "coupling/coupling.hpp"
#include "units/units.hpp"

using nubridge::InvalidArgument;
using nubridge::c_api::fail;
using nubridge::c_api::guarded;
using nubridge::c_api::owner_of;
using nubridge::c_api::required;
using nubridge::coupling::Books;
using nubridge::coupling::Coupling;
using nubridge::coupling::CouplingWindow;
using nubridge::coupling::Scheme;

namespace {

/// A coupling, and until when each slot's current has been told.
struct Numbered {
    Coupling of;
    std::vector<double> told_ms;
    nubridge::transport::OwnerEnd& channel;
    std::string log;  ///< the peer's, by its path
};

/// The couplings of this process by number: NMODL variables are doubles, which hold no pointer.
std::array<std::unique_ptr<Numbered>, 65>& couplings() {
    static std::array<std::unique_ptr<Numbered>, 65> all;
    return all;
}

Numbered* found(int32_t number) {
    auto& all = couplings();
    return number > 0 && number < static_cast<int32_t>(all.size()) ? all[static_cast<std::size_t>(number)].get()
                                                                   : nullptr;
}

Numbered& required_coupling(int32_t number) {
    Numbered* const coupling = found(number);
    if (coupling == nullptr)
        throw InvalidArgument("there is no coupling " + std::to_string(number) +
                              "; its Session is closed: open a new one");
    return *coupling;
}

/// The last lines of a file, on one of their own; nothing of one that is empty or cannot be read.
std::string end_of(const std::string& path) {
    constexpr std::streamoff most = 2000;
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    const std::streamoff size = file ? static_cast<std::streamoff>(file.tellg()) : 0;
    if (size <= 0) return {};
    file.seekg(std::max<std::streamoff>(0, size - most));
    std::string text(std::istreambuf_iterator<char>(file), {});
    if (size > most) text.erase(0, text.find('\n') + 1);
    return "\nits log " + path + " ends:\n" + text;
}

/// Says with the fault of a peer where both sides stand, and how its log ends.
nubridge_status told(int32_t coupling, nubridge_status status) {
    const bool of_peer =
        status == NUBRIDGE_PEER_DIED || status == NUBRIDGE_PEER_FAILED || status == NUBRIDGE_PEER_SILENT;
    if (!of_peer) return status;
    (void)guarded([&] {
        const std::string text = nubridge::c_api::last_error();
        const Numbered& one = required_coupling(coupling);
        std::string story;
        if (status == NUBRIDGE_PEER_FAILED) {
            const nubridge::transport::OtherSide peer = one.channel.other();
            story = "\nthe peer (process " + std::to_string(peer.pid) + ") said so at " + std::to_string(peer.time_ns) +
                    " ns, NEURON stands at " + std::to_string(one.of.sent_ns()) + " ns; its last sign of life is " +
                    std::to_string(peer.silent_s) + " s old";
        }
        fail(status, text + story + end_of(one.log));
    });
    return status;
}

bool has(std::size_t slots, int32_t slot) {
    return slot >= 0 && static_cast<std::size_t>(slot) < slots;
}

/// Coulomb of a current density of 1 mA/cm2 through 1 um2 in 1 ms.
constexpr double coulomb = 1e-14;

}  // namespace

nubridge_status nubridge_coupling_open(nubridge_channel* channel, double step_ms, int32_t scheme, size_t averaged,
                                       int32_t limit_ms, const int64_t* counts, int32_t* out) {
    return guarded([&] {
        auto& owner = owner_of(channel);
        required(out, "the place for the coupling");
        if (scheme < NUBRIDGE_SCHEME_SERIAL || scheme > NUBRIDGE_SCHEME_PREDICTOR)
            throw InvalidArgument("there is no scheme " + std::to_string(scheme) + "; they are 0, 1 and 2");
        if (averaged > channel->shape.rates)
            throw InvalidArgument("a coupling of " + std::to_string(channel->shape.rates) + " rates has no mean of " +
                                  std::to_string(averaged) + "; average at most all");
        const CouplingWindow window(channel->shape.window_ns, step_ms);
        std::vector<std::int64_t> at_0(channel->shape.counts);
        for (std::size_t i = 0; i < at_0.size(); ++i) at_0[i] = required(counts, "the counts")[i];
        auto made = std::make_unique<Numbered>(
            Numbered{{owner, channel->shape, window, static_cast<Scheme>(scheme), averaged,
                      std::chrono::milliseconds(limit_ms), std::move(at_0)},
                     std::vector<double>(channel->shape.amounts, -std::numeric_limits<double>::infinity()),
                     owner,
                     {}});
        auto& all = couplings();
        for (std::size_t number = 1; number < all.size(); ++number) {
            if (all[number]) continue;
            all[number] = std::move(made);
            *out = static_cast<int32_t>(number);
            return;
        }
        throw InvalidArgument("64 couplings are open in this process, which is the most; close one");
    });
}

void nubridge_coupling_close(int32_t coupling) {
    if (found(coupling) != nullptr) couplings()[static_cast<std::size_t>(coupling)].reset();
}

nubridge_status nubridge_coupling_current(int32_t coupling, int32_t slot, double current_mA_cm2, double area_um2,
                                          double charges, double duration_ms, double end_ms) {
    if (coupling == 0) return NUBRIDGE_OK;
    Numbered* const one = found(coupling);
    if (one != nullptr && has(one->told_ms.size(), slot)) {
        double& told_ms = one->told_ms[static_cast<std::size_t>(slot)];
        const double ions =
            -current_mA_cm2 * area_um2 * duration_ms * (coulomb / nubridge::units::elementary_charge_C) / charges;
        if (told_ms != end_ms && one->of.ledger().owe(static_cast<std::size_t>(slot), ions)) {
            told_ms = end_ms;
            return NUBRIDGE_OK;
        }
    }
    return guarded([&] {
        (void)required_coupling(coupling);
        throw InvalidArgument("site " + std::to_string(slot) + " cannot take a current of " +
                              std::to_string(current_mA_cm2) + " mA/cm2 at " + std::to_string(end_ms) +
                              " ms: it is no number, or two segments share the site because nseg has changed since "
                              "couple(); set nseg first");
    });
}

nubridge_status nubridge_coupling_rate(int32_t coupling, int32_t slot, double value) {
    Numbered* const one = found(coupling);
    if (one == nullptr) return coupling == 0 ? NUBRIDGE_OK : NUBRIDGE_INVALID_ARGUMENT;
    if (!(value >= 0) || !std::isfinite(value)) return NUBRIDGE_INVALID_INPUT;
    return one->of.rate(slot, value) ? NUBRIDGE_OK : NUBRIDGE_INVALID_ARGUMENT;
}

nubridge_status nubridge_coupling_step(int32_t coupling, double time_ms) {
    if (coupling == 0) return NUBRIDGE_OK;
    return told(coupling, guarded([&] { required_coupling(coupling).of.step(time_ms); }));
}

nubridge_status nubridge_coupling_save(int32_t coupling) {
    return told(coupling, guarded([&] { required_coupling(coupling).of.save(); }));
}

nubridge_status nubridge_coupling_watch(int32_t coupling, const char* log, const char* record) {
    return guarded([&] {
        Numbered& one = required_coupling(coupling);
        if (log != nullptr) one.log = log;
        if (record != nullptr) one.of.record(record);
    });
}

nubridge_status nubridge_coupling_resume(int32_t coupling, double time_ms, int64_t windows, const int64_t* books,
                                         const double* carried, const int64_t* before, const double* integrals) {
    return guarded([&] {
        Coupling& of = required_coupling(coupling).of;
        const std::size_t slots = of.ledger().slots();
        if (windows < 0) throw InvalidArgument("a coupling cannot go on after " + std::to_string(windows) + " windows");
        if (slots != 0) {
            required(books, "the books");
            required(carried, "what is carried");
        }
        std::vector<Books> all(slots);
        std::vector<std::int64_t> returned(slots);
        for (std::size_t slot = 0; slot < slots; ++slot) {
            const int64_t* const row = books + 4 * slot;
            all[slot] = {row[0], row[1], row[2], carried[slot]};
            returned[slot] = row[3];
        }
        const std::span past(before, of.counts().size());
        const std::span averaged(integrals, of.integrals().size());
        if (!past.empty()) required(before, "the counts of the window before");
        if (!averaged.empty()) required(integrals, "the integrals of the rates");
        of.resume(time_ms, windows, all, returned, past, averaged);
    });
}

nubridge_status nubridge_coupling_finish(int32_t coupling) {
    return guarded([&] { required_coupling(coupling).of.finish(); });
}

double nubridge_coupling_read(int32_t coupling, int32_t slot, int32_t whole, double time_ms) {
    const Numbered* const one = found(coupling);
    const std::size_t slots = one == nullptr ? 0 : one->of.counts().size();
    if (!has(slots, slot) || (whole >= 0 && !has(slots, whole))) return std::numeric_limits<double>::quiet_NaN();
    const auto part_slot = static_cast<std::size_t>(slot);
    const double part = one->of.count(part_slot, time_ms);
    if (whole < 0) return part;
    const auto whole_slot = static_cast<std::size_t>(whole);
    const double all = one->of.count(whole_slot, time_ms);
    const bool is_within = one->of.counts()[part_slot] <= one->of.counts()[whole_slot];
    return (is_within ? std::min(part, all) : part) / (all > 0 ? all : 1);
}

nubridge_status nubridge_coupling_counts(int32_t coupling, int64_t* counts, int64_t* before, double* integrals) {
    return guarded([&] {
        const Coupling& of = required_coupling(coupling).of;
        if (!of.counts().empty()) std::ranges::copy(of.counts(), required(counts, "the place for the counts"));
        if (before != nullptr) std::ranges::copy(of.counts_before(), before);
        if (integrals != nullptr) std::ranges::copy(of.integrals(), integrals);
    });
}

double nubridge_coupling_back(int32_t coupling, int32_t slot, double area_um2, double charges) {
    const Numbered* const one = found(coupling);
    if (one == nullptr || !has(one->of.returned().size(), slot)) return 0;
    const double window_ms = static_cast<double>(one->of.window().window_ns()) * 1e-6;
    return static_cast<double>(one->of.returned()[static_cast<std::size_t>(slot)]) * charges *
           (nubridge::units::elementary_charge_C / coulomb) / (area_um2 * window_ms);
}

nubridge_status nubridge_coupling_books(int32_t coupling, int32_t slot, int64_t* books, double* carried) {
    return guarded([&] {
        const Numbered& one = required_coupling(coupling);
        if (!has(one.of.ledger().slots(), slot))
            throw InvalidArgument("there is no amount " + std::to_string(slot) + "; there are " +
                                  std::to_string(one.of.ledger().slots()));
        const Books& of = one.of.ledger().books(static_cast<std::size_t>(slot));
        required(books, "the place for the books");
        books[0] = of.requested;
        books[1] = of.realised;
        books[2] = of.returned;
        books[3] = one.of.returned()[static_cast<std::size_t>(slot)];
        *required(carried, "the place for what is carried") = of.carried;
    });
}

nubridge_status nubridge_coupling_state(int32_t coupling, int64_t* windows, double* waited_s) {
    return guarded([&] {
        const Numbered& one = required_coupling(coupling);
        *required(windows, "the place for the windows") = one.of.windows();
        *required(waited_s, "the place for the wait") = one.of.waited_s();
    });
}
