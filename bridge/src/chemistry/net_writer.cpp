#include "chemistry/net_writer.hpp"

#include <array>
#include <charconv>
#include <sstream>

namespace nubridge::chemistry {

namespace {

std::string text_of(double value) {
    std::array<char, 32> buffer;
    const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    return {buffer.data(), end};
}

std::string side_of(const std::vector<std::size_t>& members) {
    std::string text;
    for (const std::size_t s : members) text += (text.empty() ? "" : ",") + std::to_string(s + 1);
    return text.empty() ? "0" : text;
}

std::string rate_of(const NetworkDefinition& definition, const Reaction& one) {
    const double factor = one.factor / symmetry(one.reactants);
    if (!one.parameter) return text_of(factor);
    const std::string& name = definition.parameters[*one.parameter].name;
    return factor == 1.0 ? name : text_of(factor) + "*" + name;
}

void write_parameters(std::ostream& out, const NetworkDefinition& definition) {
    out << "begin parameters\n";
    std::size_t number = 0;
    for (const Parameter& one : definition.parameters) {
        out << ++number << " " << one.name << " " << (one.expression.empty() ? text_of(one.value) : one.expression);
        out << (one.unit.empty() ? "" : "  # unit: " + one.unit) << "\n";
    }
    out << "end parameters\n";
}

void write_species(std::ostream& out, const NetworkDefinition& definition) {
    out << "begin species\n";
    std::size_t number = 0;
    for (const Species& one : definition.species) {
        const bool plain = one.name.find('(') == std::string::npos;
        out << ++number << " " << (one.fixed ? "$" : "") << one.name << (plain ? "() " : " ");
        out << (one.expression.empty() ? text_of(one.initial) : one.expression) << "\n";
    }
    out << "end species\n";
}

void write_reactions(std::ostream& out, const NetworkDefinition& definition) {
    out << "begin reactions\n";
    std::size_t number = 0;
    for (const Reaction& one : definition.reactions) {
        out << ++number << " " << side_of(one.reactants) << " " << side_of(one.products) << " "
            << rate_of(definition, one);
        out << (one.name == "R" + std::to_string(number) ? "" : " #" + one.name) << "\n";
    }
    out << "end reactions\n";
}

void write_groups(std::ostream& out, const NetworkDefinition& definition) {
    out << "begin groups\n";
    std::size_t number = 0;
    for (const Observable& one : definition.observables) {
        out << ++number << " " << one.name;
        const char* before = " ";
        for (const auto& [s, weight] : one.terms) {
            out << before << (weight == 1.0 ? "" : text_of(weight) + "*") << s + 1;
            before = ",";
        }
        out << "\n";
    }
    out << "end groups\n";
}

}  // namespace

std::string write_net(const NetworkDefinition& definition) {
    std::ostringstream out;
    out << "# unit: " << name_of(definition.unit) << "\n";
    write_parameters(out, definition);
    write_species(out, definition);
    write_reactions(out, definition);
    write_groups(out, definition);
    return out.str();
}

}  // namespace nubridge::chemistry
