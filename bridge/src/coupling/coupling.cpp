#include "coupling/coupling.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "units/simulation_time.hpp"

namespace nubridge::coupling {

using std::chrono::steady_clock;
using transport::Reply;
using transport::Waited;

Coupling::Coupling(transport::OwnerEnd& channel, const transport::ChannelShape& shape, const CouplingWindow& window,
                   Scheme scheme, std::size_t averaged, std::chrono::milliseconds limit,
                   std::vector<std::int64_t> counts)
    : channel_(channel),
      window_(window),
      scheme_(scheme),
      limit_(limit),
      ledger_(shape.amounts),
      rates_(shape.rates),
      sent_rates_(shape.rates),
      integrals_(scheme == Scheme::predictor ? averaged : 0),
      amounts_(shape.amounts),
      counts_(std::move(counts)),
      before_(counts_),
      returned_(shape.amounts) {}

void Coupling::step(double time_ms) {
    if (saving_) save();  // a wait that failed is repeated
    if (scheme_ != Scheme::parallel && sent_ > collected_) collect();
    const std::int64_t now_ns = units::simulation_time_from_ms(time_ms).time_since_epoch().count();
    const std::int64_t begin_ns = window_.end_ns(sent_ - 1);
    if (now_ns < begin_ns)
        throw InvalidArgument("NEURON is at " + std::to_string(now_ns) + " ns, the particles have reached " +
                              std::to_string(begin_ns) +
                              " ns and cannot go back; open a new Session, or restore both from one bundle");
    if (now_ns < window_.end_ns(sent_)) {
        average(now_ns);
        return;
    }
    if (now_ns >= window_.end_ns(sent_ + 1))
        throw InvalidArgument("NEURON went from " + std::to_string(begin_ns) + " ns to " + std::to_string(now_ns) +
                              " ns in one step, the coupling window is " + std::to_string(window_.window_ns()) +
                              " ns; take a step, or cvode.maxstep, of at most the window");
    if (sent_ > collected_) collect();
    average(window_.end_ns(sent_));
    send();
    average(now_ns);
    if (scheme_ != Scheme::parallel) collect();
}

double Coupling::count(std::size_t slot, double time_ms) const {
    const auto last = static_cast<double>(counts_[slot]);
    if (scheme_ != Scheme::predictor) return last;
    const double since_ns = std::nearbyint(time_ms * 1e6) - static_cast<double>(window_.end_ns(collected_ - 1));
    const auto change = static_cast<double>(counts_[slot] - before_[slot]);
    return std::max(last + change * (since_ns / static_cast<double>(window_.window_ns())), 0.0);
}

void Coupling::save() {
    if (sent_ > collected_) collect();
    if (!saving_) {
        std::fill(amounts_.begin(), amounts_.end(), 0);
        channel_.send({sent_ - 1, amounts_, rates_});
        saving_ = true;
    }
    (void)reply();
    saving_ = false;
}

void Coupling::resume(double time_ms, std::int64_t windows, std::span<const Books> books,
                      std::span<const std::int64_t> returned, std::span<const std::int64_t> before,
                      std::span<const double> integrals) {
    for (std::size_t slot = 0; slot < books.size(); ++slot) ledger_.resume(slot, books[slot]);
    std::copy(returned.begin(), returned.end(), returned_.begin());
    std::copy(before.begin(), before.end(), before_.begin());
    std::copy(integrals.begin(), integrals.end(), integrals_.begin());
    averaged_ns_ = units::simulation_time_from_ms(time_ms).time_since_epoch().count();
    sent_ = collected_ = windows;
}

void Coupling::finish() {
    if (sent_ > collected_) collect();
    channel_.drain();
}

/// Rates hold since the last step.
void Coupling::average(std::int64_t until_ns) {
    for (std::size_t slot = 0; slot < integrals_.size(); ++slot)
        integrals_[slot] += rates_[slot] * static_cast<double>(until_ns - averaged_ns_);
    averaged_ns_ = until_ns;
}

void Coupling::send() {
    ledger_.draw(amounts_);
    sent_rates_ = rates_;
    for (std::size_t slot = 0; slot < integrals_.size(); ++slot)
        sent_rates_[slot] = std::exchange(integrals_[slot], 0.0) / static_cast<double>(window_.window_ns());
    channel_.send({sent_, amounts_, sent_rates_});
    ++sent_;
}

transport::Reply Coupling::reply() {
    Reply reply;
    const auto begin = steady_clock::now();
    const Waited how = channel_.collect(limit_, reply);
    waited_s_ += std::chrono::duration<double>(steady_clock::now() - begin).count();
    if (how != Waited::arrived) {
        const transport::OtherSide peer = channel_.other();
        throw PeerSilent("the peer (process " + std::to_string(peer.pid) + ") stands at " +
                         std::to_string(peer.time_ns) + " ns, NEURON at " + std::to_string(sent_ns()) +
                         " ns; no answer for " + std::to_string(limit_.count()) + " ms, its last sign of life is " +
                         std::to_string(peer.silent_s) + " s old; look at its log, or give the Session more patience");
    }
    return reply;
}

void Coupling::collect() {
    const Reply reply = this->reply();
    ledger_.settle(amounts_, reply.realised, returned_);
    counts_.swap(before_);
    std::copy(reply.counts.begin(), reply.counts.end(), counts_.begin());
    ++collected_;
    if (record_.is_open()) write_row();
}

void Coupling::record(const std::string& path) {
    record_path_ = path;
    record_.open(path, std::ios::binary | std::ios::trunc);
    if (!record_) throw FileError("the record of windows " + path + " cannot be written; choose another place");
    row_.resize(2 + 3 * amounts_.size() + counts_.size());
}

void Coupling::write_row() {
    auto place = row_.begin();
    *place++ = static_cast<double>(window_.end_ns(collected_ - 1)) * 1e-6;
    *place++ = waited_s_ - recorded_s_;
    recorded_s_ = waited_s_;
    for (std::size_t slot = 0; slot < amounts_.size(); ++slot) {
        *place++ = static_cast<double>(amounts_[slot]);
        *place++ = static_cast<double>(amounts_[slot] - returned_[slot]);
        *place++ = ledger_.books(slot).carried;
    }
    std::copy(counts_.begin(), counts_.end(), place);
    record_.write(reinterpret_cast<const char*>(row_.data()),
                  static_cast<std::streamsize>(row_.size() * sizeof(double)));
    if (!record_) {
        record_.close();
        throw FileError("the record of windows " + record_path_ + " cannot be written any more, from " +
                        std::to_string(row_[0]) + " ms on; make room on its disk");
    }
}

}  // namespace nubridge::coupling
