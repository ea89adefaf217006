// Events per second of the exact engine beside a direct method in 60 lines, in one process and in CPU time.
// Usage: ssa_bench FOLDER_OF_NETWORKS [TURNS]; writes the rows of tests/bench/run.py as JSON.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "chemistry/net_reader.hpp"
#include "chemistry/ssa.hpp"

namespace {

using nubridge::chemistry::NetworkDefinition;
using nubridge::chemistry::ReactionNetwork;
using nubridge::chemistry::SsaEngine;

/// The yardstick: Gillespie's direct method with a dependency graph, xoshiro256+, linear search.
class SixtyLines {
public:
    SixtyLines(const ReactionNetwork& network, double molecules_per_unit) {
        for (const auto& one : network.definition().species) n_.push_back(std::round(one.initial * molecules_per_unit));
        for (std::size_t r = 0; r < network.reaction_count(); ++r) {
            Rule rule;
            rule.k =
                network.rate_constant(r) * std::pow(molecules_per_unit, 1.0 - static_cast<double>(network.order(r)));
            for (const auto& term : network.terms(r)) rule.terms.push_back(term);
            for (const auto& change : network.changes(r)) rule.changes.push_back(change);
            rule.dependents = network.dependents(r);
            rules_.push_back(rule);
        }
        for (const Rule& rule : rules_) a_.push_back(propensity(rule));
    }

    void advance(double t_s) {
        while (true) {
            double total = 0.0;
            for (const double a : a_) total += a;
            const double next = t_ - std::log(uniform()) / total;
            if (!(next <= t_s)) break;
            t_ = next;
            double rest = uniform() * total;
            std::size_t r = 0;
            while (r + 1 < a_.size() && rest >= a_[r]) rest -= a_[r++];
            for (const auto& [s, delta] : rules_[r].changes) n_[s] += delta;
            for (const std::size_t other : rules_[r].dependents) a_[other] = propensity(rules_[other]);
            ++events_;
        }
        t_ = t_s;  // memoryless
    }
    std::uint64_t events() const { return events_; }

private:
    struct Rule {
        double k = 0.0;
        std::vector<ReactionNetwork::Term> terms;
        std::vector<ReactionNetwork::Change> changes;
        std::vector<std::size_t> dependents;
    };
    double propensity(const Rule& rule) const {
        double a = rule.k;
        for (const auto& [s, m] : rule.terms) a *= m == 1 ? n_[s] : n_[s] * (n_[s] - 1.0) / 2.0;
        return a;
    }
    double uniform() {
        const auto rotate = [](std::uint64_t x, int by) { return (x << by) | (x >> (64 - by)); };
        const std::uint64_t bits = s_[0] + s_[3], shifted = s_[1] << 17;
        s_[2] ^= s_[0];
        s_[3] ^= s_[1];
        s_[1] ^= s_[2];
        s_[0] ^= s_[3];
        s_[2] ^= shifted;
        s_[3] = rotate(s_[3], 45);
        return static_cast<double>(bits >> 11) * 0x1p-53 + 0x1p-54;
    }

    std::vector<Rule> rules_;
    std::vector<double> n_, a_;
    std::uint64_t s_[4] = {1, 2, 3, 4};
    double t_ = 0.0;
    std::uint64_t events_ = 0;
};

double cpu_s() {
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

/// Million events per CPU second over one window after another, at least `least_s` of them, starting anew every
/// `windows`.
template <class Make>
double rate(const Make& make, double window_s, int windows, double least_s) {
    double seconds = 0.0;
    std::uint64_t events = 0;
    while (seconds < least_s) {
        auto engine = make();
        const double begin = cpu_s();
        for (int i = 1; i <= windows && seconds + cpu_s() - begin < least_s; ++i) engine->advance(window_s * i);
        seconds += cpu_s() - begin;
        events += engine->events();
    }
    return static_cast<double>(events) * 1e-6 / seconds;
}

NetworkDefinition read(const std::string& folder, const std::string& name) {
    const std::string path = folder + "/" + name + ".net";
    std::ifstream file(path);
    return nubridge::chemistry::read_net(std::string(std::istreambuf_iterator<char>(file), {}), path);
}

/// A1 <-> A2 <-> ... with 100 molecules each.
NetworkDefinition chain(std::size_t count) {
    NetworkDefinition definition{.name = std::string("chain ").append(std::to_string(count))};
    for (std::size_t i = 0; i < count; ++i)
        definition.species.push_back({std::string("A").append(std::to_string(i)), 100.0});
    for (std::size_t i = 0; i + 1 < count; ++i) {
        definition.reactions.push_back({std::string("f").append(std::to_string(i)), {i}, {i + 1}});
        definition.reactions.push_back({std::string("b").append(std::to_string(i)), {i + 1}, {i}});
    }
    return definition;
}

struct Subject {
    NetworkDefinition definition;
    double volume_um3;
    double window_s;
    int windows;
};

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return std::fprintf(stderr, "usage: ssa_bench FOLDER_OF_NETWORKS [TURNS]\n"), 2;
    const std::string folder = argv[1];
    const int turns = argc > 2 ? std::atoi(argv[2]) : 5;
    std::vector<Subject> subjects{{read(folder, "abc"), 1.0, 10.0, 1000},
                                  {read(folder, "sk_calcium"), 1.0, 1.0, 1000},
                                  {read(folder, "camkii"), 1.0, 0.001, 1000},
                                  {chain(100), 1.0, 1.0, 1000},
                                  {chain(1000), 1.0, 0.1, 1000},
                                  {chain(10000), 1.0, 0.01, 1000}};
    std::printf("[");
    const char* separator = "\n";
    for (const Subject& subject : subjects) {
        const auto network = std::make_shared<const ReactionNetwork>(subject.definition);
        const double unit = nubridge::chemistry::molecules_per_unit(*network, subject.volume_um3);
        std::vector<double> ours, yardstick, ratios;
        for (int turn = 0; turn < turns; ++turn) {
            const auto engine = [&] {
                return std::make_unique<SsaEngine>(
                    network, nubridge::chemistry::EngineOptions{.volume_um3 = subject.volume_um3});
            };
            ours.push_back(rate(engine, subject.window_s, subject.windows, 0.1));
            yardstick.push_back(rate([&] { return std::make_unique<SixtyLines>(*network, unit); }, subject.window_s,
                                     subject.windows, 0.1));
            ratios.push_back(ours.back() / yardstick.back());
        }
        const char* name = subject.definition.name.c_str();
        std::printf(
            "%s  {\"name\": \"ssa %s\", \"value\": %.3f, \"unit\": \"M events/s\", \"reference\": \"60 lines, %s\", "
            "\"ratio\": %.3f, "
            "\"repeats\": %d},\n  {\"name\": \"60 lines, %s\", \"value\": %.3f, \"unit\": \"M events/s\", "
            "\"reference\": \"\", "
            "\"ratio\": null, \"repeats\": %d}",
            separator, name, median(ours), name, median(ratios), turns, name, median(yardstick), turns);
        separator = ",\n";
    }
    std::printf("\n]\n");
    return 0;
}
