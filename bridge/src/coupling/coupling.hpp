#pragma once

#include <chrono>
#include <cstdint>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "coupling/ion_ledger.hpp"
#include "coupling/window.hpp"
#include "transport/channel.hpp"

namespace nubridge::coupling {

/// A peer that lives but has not answered in time. The wait may be repeated.
class PeerSilent : public Error {
public:
    using Error::Error;
};

/// Serial: NEURON ends a window, the peer advances it, NEURON goes on with its counts. Parallel: the peer advances a
/// window while NEURON is in the next, so that NEURON's counts are one window old. Predictor: serial, where NEURON
/// reads the line through the last two counts and the peer gets the mean of a rate over its window: second order in the
/// window, as the improved staggered schemes of Farhat and Lesoinne (2000).
enum class Scheme { serial, parallel, predictor };

/// One session as NEURON sees it. Within a step: `owe` and `rate` by the mechanisms, then `step` once, then `counts`
/// and `returned`. For one thread.
class Coupling {
public:
    /// `counts` are the peer's at time 0. The predictor takes means of the first `averaged` rates, at most all.
    Coupling(transport::OwnerEnd& channel, const transport::ChannelShape& shape, const CouplingWindow& window,
             Scheme scheme, std::size_t averaged, std::chrono::milliseconds limit, std::vector<std::int64_t> counts);

    IonLedger& ledger() { return ledger_; }
    const IonLedger& ledger() const { return ledger_; }
    /// False for a slot that is none.
    bool rate(std::int32_t slot, double value) {
        if (slot < 0 || static_cast<std::size_t>(slot) >= rates_.size()) return false;
        rates_[static_cast<std::size_t>(slot)] = value;
        return true;
    }
    /// Takes note that NEURON has reached `time_ms`; exchanges when that ends a window.
    /// @throws InvalidArgument when time has run backwards, or on by more than a window
    /// @throws PeerDied, PeerFailed, PeerSilent
    void step(double time_ms);
    /// Collects what is under way, and has the peer save its state as it is now.
    /// @throws PeerDied, PeerFailed, PeerSilent
    void save();
    /// Goes on where another coupling was after its step to `time_ms`, before the first step: after so many windows,
    /// with its books, what its last window returned, its counts of the window before, and its integrals.
    void resume(double time_ms, std::int64_t windows, std::span<const Books> books,
                std::span<const std::int64_t> returned, std::span<const std::int64_t> before,
                std::span<const double> integrals);
    /// Collects what is under way, and lets the peer end.
    void finish();

    /// From now on every window whose answer has come writes a row of doubles into this file: its end in ms, the
    /// seconds that this side has waited for it, of every amount requested and realised in it and carried now, then the
    /// counts. @throws FileError, and `step` when the disk is full
    void record(const std::string& path);

    std::span<const std::int64_t> counts() const { return counts_; }
    /// Those of the window before.
    std::span<const std::int64_t> counts_before() const { return before_; }
    /// Of the averaged rates over the window under way, in their unit times ns.
    std::span<const double> integrals() const { return integrals_; }
    /// A count as NEURON reads it: the last one, or, at least 0, what the predictor expects at `time_ms`.
    double count(std::size_t slot, double time_ms) const;
    /// Molecules that the last window asked for in vain: NEURON's again.
    std::span<const std::int64_t> returned() const { return returned_; }
    /// Whole windows that the counts have seen.
    std::int64_t windows() const { return collected_; }
    /// The end of the last window that was sent.
    std::int64_t sent_ns() const { return window_.end_ns(sent_ - 1); }
    double waited_s() const { return waited_s_; }
    const CouplingWindow& window() const { return window_; }

private:
    void average(std::int64_t until_ns);
    void send();
    transport::Reply reply();
    void collect();
    void write_row();

    transport::OwnerEnd& channel_;
    CouplingWindow window_;
    Scheme scheme_;
    std::chrono::milliseconds limit_;
    IonLedger ledger_;
    std::vector<double> rates_;
    std::vector<double> sent_rates_;
    std::vector<double> integrals_;
    std::int64_t averaged_ns_ = 0;  ///< until when
    std::vector<std::int64_t> amounts_;
    std::vector<std::int64_t> counts_;
    std::vector<std::int64_t> before_;
    std::vector<std::int64_t> returned_;
    std::int64_t sent_ = 0;
    std::int64_t collected_ = 0;
    bool saving_ = false;
    std::string record_path_;
    std::ofstream record_;
    std::vector<double> row_;
    double recorded_s_ = 0;
    double waited_s_ = 0;
};

}  // namespace nubridge::coupling
