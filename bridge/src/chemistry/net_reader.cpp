#include "chemistry/net_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_map>
#include <vector>

#include "chemistry/expression.hpp"
#include "chemistry/refuse.hpp"

namespace nubridge::chemistry {

namespace {

using Words = std::vector<std::string>;

Words words_of(std::string_view line, std::string_view separators = " \t\r") {
    Words words;
    while (true) {
        const auto begin = line.find_first_not_of(separators);
        if (begin == std::string_view::npos) return words;
        line.remove_prefix(begin);
        const auto end = std::min(line.find_first_of(separators), line.size());
        words.emplace_back(line.substr(0, end));
        line.remove_prefix(end);
    }
}

std::string joined(const Words& words, std::size_t first) {
    std::string text;
    for (std::size_t i = first; i < words.size(); ++i) text += (text.empty() ? "" : " ") + words[i];
    return text;
}

std::string stem_of(const std::string& path) {
    const auto slash = path.find_last_of('/');
    const std::string file = slash == std::string::npos ? path : path.substr(slash + 1);
    return file.substr(0, file.find_last_of('.'));
}

class NetReader {
public:
    NetReader(const std::string& origin, const std::map<std::string, double>& overrides, std::optional<AmountUnit> unit)
        : origin_(origin), overrides_(overrides), unit_given_(unit.has_value()) {
        result_.name = stem_of(origin);
        if (unit) result_.unit = *unit;
    }

    NetworkDefinition read(std::string_view text) {
        while (!text.empty()) {
            ++line_;
            const auto end = std::min(text.find('\n'), text.size());
            read_line(text.substr(0, end));
            text.remove_prefix(std::min(end + 1, text.size()));
        }
        if (!block_.empty()) fail("the block '" + block_ + "' has no end; the file may be truncated");
        for (const auto& [name, value] : overrides_) {
            if (!parameters_.contains(name))
                refuse(origin_, ": there is no parameter '", name, "' to set to ", value, "; known: ", known());
        }
        number_labels();
        return std::move(result_);
    }

private:
    [[noreturn]] void fail(const std::string& what) const { refuse(origin_, ":", line_, ": ", what); }

    std::string known() const {
        std::string text;
        for (const Parameter& one : result_.parameters) text += (text.empty() ? "" : ", ") + one.name;
        return text.empty() ? "none" : text;
    }

    void read_line(std::string_view line) {
        const auto hash = line.find('#');
        const std::string_view comment = hash == std::string_view::npos ? "" : line.substr(hash + 1);
        const Words words = words_of(line.substr(0, hash));
        if (words.empty()) return read_comment(comment);
        if (words[0] == "begin") return begin(joined(words, 1));
        if (words[0] == "end") return end(joined(words, 1));
        if (block_ == "parameters") return parameter(words, comment);
        if (block_ == "species") return species(words);
        if (block_ == "reactions") return reaction(words, comment);
        if (block_ == "groups") return group(words);
        if (words[0].starts_with("substanceUnits(") || words[0].starts_with("setOption(")) {
            fail(std::string("'") + joined(words, 0) +
                 "' is not supported; state the unit in a comment `# unit: uM`, and remove it");
        }
        fail(std::string("'") + joined(words, 0) + "' stands outside a block and is not supported; remove it");
    }

    void read_comment(std::string_view comment) {
        const Words words = words_of(comment);
        if (words.size() == 3 && words[0] == "name:") names_[words[1]] = words[2];
        if (words.size() != 2 || words[0] != "unit:" || unit_given_) return;
        if (words[1] != "uM" && words[1] != "molecules")
            fail("the unit '" + words[1] + "' is unknown; it is uM or molecules");
        result_.unit = words[1] == "uM" ? AmountUnit::uM : AmountUnit::molecules;
    }

    void begin(const std::string& block) {
        if (!block_.empty()) fail("the block '" + block + "' begins inside '" + block_ + "'");
        if (block != "parameters" && block != "species" && block != "reactions" && block != "groups") {
            fail("the block '" + block +
                 "' is not supported: only parameters, species, reactions and groups are; generate the network "
                 "without it");
        }
        block_ = block;
    }
    void end(const std::string& block) {
        if (block_ != block || block_.empty()) fail("'end " + block + "' closes no such block");
        block_.clear();
    }

    double value_of(const std::string& name, std::vector<std::size_t>* uses = nullptr) const {
        const auto found = parameters_.find(name);
        if (found == parameters_.end()) fail("the parameter '" + name + "' is not defined above; known: " + known());
        if (uses != nullptr) uses->push_back(found->second);
        return result_.parameters[found->second].value;
    }
    double value(const std::string& text, std::vector<std::size_t>* uses = nullptr) const {
        try {
            return evaluate(text, [&](const std::string& name) { return value_of(name, uses); });
        } catch (const NetworkInvalid& error) {
            const std::string what = error.what();
            if (what.starts_with(origin_ + ":")) throw;
            fail(what);
        }
    }

    std::size_t index(const std::string& word, std::size_t count, const char* what) const {
        std::size_t number = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
        if (error != std::errc() || end != word.data() + word.size()) fail("'" + word + "' is no number of a " + what);
        if (number > count)
            fail("there is no " + std::string(what) + " " + word + "; there are " + std::to_string(count));
        return number;
    }
    void require_next(const std::string& word, std::size_t next, const char* what) const {
        if (index(word, static_cast<std::size_t>(-1), what) != next)
            fail(std::string(what) + " " + word + " stands where " + std::to_string(next) + " is due");
    }

    void parameter(const Words& words, std::string_view comment) {
        if (words.size() < 3)
            fail(std::string("a parameter needs a number, a name and a value, found '") + joined(words, 0) + "'");
        require_next(words[0], result_.parameters.size() + factors_.size() + amounts_.size() + 1, "parameter");
        if (words[1].starts_with("_InitialConc")) {
            amounts_[words[1]] = joined(words, 2);
            return;
        }
        Parameter one{words[1], 0.0};
        Reaction law;
        if (one.name.starts_with("_rateLaw") && is_factor(joined(words, 2), law)) {
            factors_.emplace(one.name, law);
            return;
        }
        const auto replaced = overrides_.find(one.name);
        one.value = replaced != overrides_.end() ? replaced->second : value(joined(words, 2), &one.uses);
        if (!one.uses.empty()) one.expression = joined(words, 2);
        const Words said = words_of(comment);
        if (!said.empty() && said[0] == "unit:") one.unit = joined(said, 1);
        if (!std::isfinite(one.value))
            fail("the parameter '" + one.name + "' is not finite: '" + joined(words, 2) + "'");
        if (!parameters_.emplace(one.name, result_.parameters.size()).second)
            fail("the parameter '" + one.name + "' is defined twice");
        result_.parameters.push_back(std::move(one));
    }

    void species(const Words& words) {
        if (words.size() < 3)
            fail(std::string("a species needs a number, a pattern and an amount, found '") + joined(words, 0) + "'");
        require_next(words[0], result_.species.size() + 1, "species");
        const bool fixed = words[1].starts_with('$');
        const auto computed = amounts_.find(words[2]);
        const std::string amount = computed == amounts_.end() ? joined(words, 2) : computed->second;
        std::vector<std::size_t> uses;
        Species one{words[1].substr(fixed ? 1 : 0), value(amount, &uses), fixed};
        if (!uses.empty()) one.expression = amount;
        if (one.name.starts_with('@')) fail("the compartment of '" + one.name + "' is not supported; use one volume");
        // A(), a molecule without sites, goes by its name.
        if (one.name.ends_with("()") && one.name.find('(') == one.name.size() - 2) one.name.resize(one.name.size() - 2);
        one.name = named(one.name);
        result_.species.push_back(std::move(one));
    }

    std::vector<std::size_t> side(const std::string& word) const {
        std::vector<std::size_t> members;
        for (const std::string& one : words_of(word, ",")) {
            const std::size_t number = index(one, result_.species.size(), "species");
            if (number > 0) members.push_back(number - 1);  // 0 is nothing
        }
        return members;
    }

    void reaction(const Words& words, std::string_view comment) {
        if (words.size() < 4)
            fail(std::string("a reaction needs a number, reactants, products and a rate, found '") + joined(words, 0) +
                 "'");
        require_next(words[0], result_.reactions.size() + 1, "reaction");
        for (const char* type : {"Sat", "MM", "Hill", "FunctionProduct", "Arrhenius"}) {
            if (words[3] == type)
                fail(std::string("the rate law '") + type +
                     "' is not supported; write elementary steps by mass action");
        }
        Reaction one{label(words[0], comment), side(words[1]), side(words[2]), {}, 1.0};
        if (!is_factor(joined(words, 3), one)) one.factor = value(joined(words, 3));
        one.factor *= symmetry(one.reactants);
        if (one.reactants.size() > ReactionNetwork::max_order) {
            fail("the reaction has " + std::to_string(one.reactants.size()) +
                 " reactants; at most 3 are possible: split it into steps");
        }
        const double k = one.parameter ? one.factor * result_.parameters[*one.parameter].value : one.factor;
        if (!(k >= 0.0) || !std::isfinite(k)) {
            fail(std::string("the rate constant '") + joined(words, 3) + "' is " +
                 std::to_string(k / symmetry(one.reactants)) + "; it must be finite and not negative");
        }
        result_.reactions.push_back(std::move(one));
    }

    /// The name that a comment `# name: word name` gives to a word.
    const std::string& named(const std::string& word) const {
        const auto found = names_.find(word);
        return found == names_.end() ? word : found->second;
    }

    /// The rule's label that stands as `#label` at the end of the line; BioNetGen's own begin with an underscore.
    std::string label(const std::string& number, std::string_view comment) const {
        const Words words = words_of(comment);
        const bool labelled = words.size() == 1 && comment.starts_with(words[0]) && words[0][0] != '_';
        return labelled ? named(words[0]) : "R" + number;
    }

    /// A rule's label that several reactions have is numbered: bind.1, bind.2.
    void number_labels() {
        std::map<std::string, std::size_t> uses, seen;
        for (const Reaction& one : result_.reactions) ++uses[one.name];
        for (Reaction& one : result_.reactions) {
            if (uses[one.name] > 1) one.name += "." + std::to_string(++seen[one.name]);
        }
    }

    /// "k", "0.5*k", "2*3*k", "2*3": numbers and at most one parameter, the last, in which `rate` is set.
    bool is_factor(const std::string& text, Reaction& rate) const {
        Words factors = words_of(text, "* \t");
        if (factors.empty() || text.find("**") != std::string::npos) return false;
        double product = 1.0;
        const auto law = factors_.find(factors.back());
        const auto named = parameters_.find(factors.back());
        if (law != factors_.end()) {
            rate.parameter = law->second.parameter;
            product = law->second.factor;
        } else if (named != parameters_.end()) {
            rate.parameter = named->second;
        }
        if (law != factors_.end() || named != parameters_.end()) factors.pop_back();
        for (const std::string& word : factors) {
            double number = 0.0;
            const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
            if (error != std::errc() || end != word.data() + word.size()) return false;
            product *= word == "0.16666667" ? 1.0 / 6.0 : number;  // BioNetGen's 1/6
        }
        rate.factor = product;
        return true;
    }

    void group(const Words& words) {
        if (words.size() < 2 || words.size() > 3)
            fail(std::string("a group needs a number, a name and its species, found '") + joined(words, 0) + "'");
        require_next(words[0], result_.observables.size() + 1, "group");
        Observable one{words[1], {}};
        for (const std::string& term : words.size() == 3 ? words_of(words[2], ",") : Words()) {
            const auto star = term.find('*');
            const double weight = star == std::string::npos ? 1.0 : value(term.substr(0, star));
            const std::size_t number =
                index(star == std::string::npos ? term : term.substr(star + 1), result_.species.size(), "species");
            if (number == 0) fail("the group '" + one.name + "' names species 0; they are counted from 1");
            one.terms.emplace_back(number - 1, weight);
        }
        result_.observables.push_back(std::move(one));
    }

    const std::string& origin_;
    const std::map<std::string, double>& overrides_;
    bool unit_given_;
    NetworkDefinition result_;
    std::unordered_map<std::string, std::size_t> parameters_;
    /// What BioNetGen calls _rateLaw1: numbers times a parameter, which are no parameters of their own.
    std::map<std::string, Reaction> factors_;
    /// What BioNetGen calls _InitialConc1: the expressions of initial amounts.
    std::map<std::string, std::string> amounts_;
    std::map<std::string, std::string> names_;
    std::string block_;
    std::size_t line_ = 0;
};

}  // namespace

NetworkDefinition read_net(std::string_view text, const std::string& origin,
                           const std::map<std::string, double>& overrides, std::optional<AmountUnit> unit) {
    return NetReader(origin, overrides, unit).read(text);
}

}  // namespace nubridge::chemistry
