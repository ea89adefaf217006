#include "chemistry/expression.hpp"

#include <cctype>
#include <charconv>
#include <cmath>
#include <numbers>
#include <vector>

#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

class Parser {
public:
    Parser(std::string_view text, const std::function<double(const std::string&)>& value_of)
        : text_(text), value_of_(value_of) {}

    double all() {
        const double value = sum();
        if (!at_end()) fail("'" + std::string(text_.substr(place_)) + "' is left over");
        return value;
    }

private:
    static constexpr int most_nested = 200;

    [[noreturn]] void fail(const std::string& what) const {
        refuse("the expression '", text_, "' cannot be read: ", what);
    }

    bool at_end() {
        while (place_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[place_]))) ++place_;
        return place_ == text_.size();
    }
    bool take(std::string_view symbol) {
        if (at_end() || text_.substr(place_, symbol.size()) != symbol) return false;
        place_ += symbol.size();
        return true;
    }

    double sum() {
        double value = product();
        while (true) {
            if (take("+")) {
                value += product();
            } else if (take("-")) {
                value -= product();
            } else {
                return value;
            }
        }
    }
    double product() {
        double value = negated();
        while (true) {
            if (take("/")) {
                value /= negated();
            } else if (!text_.substr(place_).starts_with("**") && take("*")) {
                value *= negated();
            } else {
                return value;
            }
        }
    }
    double negated() {
        if (++nested_ > most_nested) fail("it is nested too deeply");
        const double value = take("-") ? -negated() : take("+") ? negated() : power();
        --nested_;
        return value;
    }
    double power() {
        const double base = atom();
        return take("^") || take("**") ? std::pow(base, negated()) : base;
    }
    double atom() {
        if (take("(")) {
            const double value = sum();
            if (!take(")")) fail("a parenthesis is not closed");
            return value;
        }
        if (at_end()) fail("it ends too early");
        const char first = text_[place_];
        if (std::isdigit(static_cast<unsigned char>(first)) || first == '.') return number();
        if (std::isalpha(static_cast<unsigned char>(first)) || first == '_') return named();
        fail(std::string("'") + first + "' is no number and no name");
    }
    double number() {
        double value = 0.0;
        const char* begin = text_.data() + place_;
        const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
        if (error != std::errc()) fail("'" + std::string(text_.substr(place_)) + "' is no number");
        place_ += static_cast<std::size_t>(end - begin);
        return value;
    }
    double named() {
        std::size_t end = place_;
        while (end < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[end])) || text_[end] == '_')) ++end;
        const std::string name(text_.substr(place_, end - place_));
        place_ = end;
        if (take("(")) return function(name);
        if (name == "_pi") return std::numbers::pi;
        if (name == "_e") return std::numbers::e;
        return value_of_(name);
    }
    double function(const std::string& name) {
        std::vector<double> x;
        if (!take(")")) {
            do {
                x.push_back(sum());
            } while (take(","));
            if (!take(")")) fail("the parenthesis of '" + name + "' is not closed");
        }
        struct Known {
            const char* name;
            double (*value)(double);
        };
        static constexpr Known known[] = {{"exp", std::exp},   {"ln", std::log},    {"log10", std::log10},
                                          {"log2", std::log2}, {"sqrt", std::sqrt}, {"abs", std::fabs},
                                          {"sin", std::sin},   {"cos", std::cos},   {"tan", std::tan}};
        for (const Known& one : known) {
            if (name != one.name) continue;
            if (x.size() != 1) fail("'" + name + "' takes one argument");
            return one.value(x[0]);
        }
        if (name == "min" || name == "max") {
            if (x.empty()) fail("'" + name + "' takes an argument");
            double best = x[0];
            for (const double one : x) best = name == "min" ? std::fmin(best, one) : std::fmax(best, one);
            return best;
        }
        fail("the function '" + name + "' is not supported");
    }

    std::string_view text_;
    const std::function<double(const std::string&)>& value_of_;
    std::size_t place_ = 0;
    int nested_ = 0;
};

}  // namespace

double evaluate(std::string_view text, const std::function<double(const std::string&)>& value_of) {
    return Parser(text, value_of).all();
}

}  // namespace nubridge::chemistry
