#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace nubridge::coupling {

/// What has crossed at one slot since the start, in molecules. Always requested = realised + returned.
struct Books {
    std::int64_t requested = 0;  ///< handed to the peer
    std::int64_t realised = 0;   ///< what the peer did
    std::int64_t returned = 0;   ///< what it could not do and NEURON took back
    double carried = 0;          ///< owed to the peer: the part of a molecule that is left, within -1/2 and 1/2
};

/// Real amounts in, whole molecules out: nothing is lost, and nothing is counted twice.
class IonLedger {
public:
    explicit IonLedger(std::size_t slots);

    std::size_t slots() const { return books_.size(); }
    /// Adds a real amount to what is owed, negative to remove. False, and nothing is added, for one that is not finite
    /// or beyond 2^52.
    bool owe(std::size_t slot, double amount);
    /// The whole molecules that are due now, one a slot: they count as requested.
    void draw(std::span<std::int64_t> amounts);
    /// Enters what the peer did with `amounts`; `returned` gets what it did not, one a slot.
    /// @throws InvalidArgument, before anything is entered, for a realised amount that is not between 0 and the request
    void settle(std::span<const std::int64_t> amounts, std::span<const std::int64_t> realised,
                std::span<std::int64_t> returned);
    /// Goes on with the books of another ledger.
    void resume(std::size_t slot, const Books& books) { books_[slot] = books; }
    const Books& books(std::size_t slot) const { return books_[slot]; }

private:
    std::vector<Books> books_;
};

}  // namespace nubridge::coupling
