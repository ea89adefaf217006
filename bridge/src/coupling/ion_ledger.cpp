#include "coupling/ion_ledger.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "units/error.hpp"

namespace nubridge::coupling {
namespace {

/// Beyond it a double has no room for the part of a molecule.
constexpr double most = 4503599627370496.0;

}  // namespace

IonLedger::IonLedger(std::size_t slots) : books_(slots) {}

bool IonLedger::owe(std::size_t slot, double amount) {
    const double owed = books_[slot].carried + amount;
    if (!(std::abs(owed) < most)) return false;
    books_[slot].carried = owed;
    return true;
}

void IonLedger::draw(std::span<std::int64_t> amounts) {
    for (std::size_t slot = 0; slot < books_.size(); ++slot) {
        const double whole = std::nearbyint(books_[slot].carried);
        books_[slot].carried -= whole;  // exact
        amounts[slot] = static_cast<std::int64_t>(whole);
        books_[slot].requested += amounts[slot];
    }
}

void IonLedger::settle(std::span<const std::int64_t> amounts, std::span<const std::int64_t> realised,
                       std::span<std::int64_t> returned) {
    for (std::size_t slot = 0; slot < books_.size(); ++slot) {
        const auto [least, greatest] = std::minmax({std::int64_t{0}, amounts[slot]});
        if (realised[slot] < least || realised[slot] > greatest)
            throw InvalidArgument("the peer says that it realised " + std::to_string(realised[slot]) + " of " +
                                  std::to_string(amounts[slot]) + " molecules of amount " + std::to_string(slot) +
                                  "; it may do less, not more or the opposite: correct its inject");
    }
    for (std::size_t slot = 0; slot < books_.size(); ++slot) {
        returned[slot] = amounts[slot] - realised[slot];
        books_[slot].realised += realised[slot];
        books_[slot].returned += returned[slot];
    }
}

}  // namespace nubridge::coupling
