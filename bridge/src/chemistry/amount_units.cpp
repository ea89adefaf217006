#include "chemistry/amount_units.hpp"

#include <cctype>
#include <map>
#include <string_view>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

/// Exponents by the names of the units; none is 0.
using Powers = std::map<std::string, int>;

class UnitParser {
public:
    explicit UnitParser(std::string_view text) : text_(text) {}

    Powers all() {
        product(1);
        if (place_ < text_.size()) fail();
        std::erase_if(powers_, [](const auto& one) { return one.second == 0; });
        return powers_;
    }

private:
    [[noreturn]] void fail() const {
        refuse("the unit '", text_, "' cannot be read at '", text_.substr(place_),
               "'; write powers of names, as in 1/(uM s)");
    }
    bool take(char symbol) {
        while (place_ < text_.size() && text_[place_] == ' ') ++place_;
        if (place_ == text_.size() || text_[place_] != symbol) return false;
        ++place_;
        return true;
    }

    void product(int sign) {
        while (true) {
            const int side = take('/') ? -sign : sign;
            (void)take('*');
            if (take('(')) {
                product(side);
                if (!take(')')) fail();
            } else if (!take('1') && !named(side)) {
                return;
            }
        }
    }
    bool named(int sign) {
        const std::size_t begin = place_;
        while (place_ < text_.size() && std::isalpha(static_cast<unsigned char>(text_[place_]))) ++place_;
        if (place_ == begin) return false;
        std::string name(text_.substr(begin, place_ - begin));
        if (name == "molecule") name = "molecules";
        powers_[name] += sign * exponent();
        return true;
    }
    int exponent() {
        if (!take('^')) return 1;
        const int sign = take('-') ? -1 : 1;
        if (place_ == text_.size() || !std::isdigit(static_cast<unsigned char>(text_[place_]))) fail();
        return sign * (text_[place_++] - '0');
    }

    std::string_view text_;
    std::size_t place_ = 0;
    Powers powers_;
};

bool is_same(const std::string& one, const std::string& other) {
    return UnitParser(one).all() == UnitParser(other).all();
}

}  // namespace

std::string rate_unit(AmountUnit unit, std::size_t order) {
    const std::string amount = name_of(unit);
    switch (order) {
        case 0:
            return amount + "/s";
        case 1:
            return "1/s";
        case 2:
            return "1/(" + amount + " s)";
        default:
            return "1/(" + amount + "^" + std::to_string(order - 1) + " s)";
    }
}

void require_units(const NetworkDefinition& definition) {
    for (const Reaction& one : definition.reactions) {
        if (!one.parameter || definition.parameters[*one.parameter].unit.empty()) continue;
        const Parameter& rate = definition.parameters[*one.parameter];
        const std::string due = rate_unit(definition.unit, one.reactants.size());
        if (is_same(rate.unit, due)) continue;
        refuse("the parameter '", rate.name, "' is in ", rate.unit, " and the rate constant of the reaction '",
               one.name, "' of order ", one.reactants.size(), " in ", name_of(definition.unit), ", which is in ", due,
               ": correct the unit and its value, or the reaction");
    }
    for (const Species& one : definition.species) {
        for (const Parameter& amount : definition.parameters) {
            if (amount.name != one.expression || amount.unit.empty()) continue;
            if (is_same(amount.unit, name_of(definition.unit))) continue;
            refuse("the parameter '", amount.name, "' is in ", amount.unit, " and the initial amount of '", one.name,
                   "', which is in ", name_of(definition.unit), ": correct the unit and its value");
        }
    }
}

}  // namespace nubridge::chemistry
