// Events per second of the lattice engine beside a lattice Gillespie in 80 lines that finds its site by a tree of sums,
// in one process and in CPU time. Usage: lattice_bench [TURNS]; writes the rows of tests/bench/run.py as JSON.
#include "chemistry/lattice.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace {

using nubridge::chemistry::EngineOptions;
using nubridge::chemistry::LatticeEngine;
using nubridge::chemistry::LatticeGeometry;
using nubridge::chemistry::ReactionNetwork;
using nubridge::chemistry::Space;

constexpr double hop_s = 1.0, bind_s = 1.0, part_s = 0.5;

/// The yardstick, for A + B <-> C with hops: each site knows the rate of what it may do, a binary tree holds the sums.
class WithTree {
public:
    WithTree(const Space& space, const std::vector<std::int32_t>& sites)
        : geometry_(space), sites_(sites), leaves_(std::bit_ceil(sites.size())), sums_(2 * leaves_) {
        for (std::size_t i = 0; i < sites_.size(); ++i) sums_[leaves_ + i] = rate(static_cast<std::uint32_t>(i));
        for (std::size_t i = leaves_; i-- > 1;) sums_[i] = sums_[2 * i] + sums_[2 * i + 1];
    }

    void advance(double t_s) {
        while (true) {
            const double next_s = t_s_ - std::log(uniform()) / sums_[1];
            if (!(next_s <= t_s)) break;
            t_s_ = next_s;
            double rest = uniform() * sums_[1];
            std::size_t node = 1;
            while (node < leaves_) {
                node *= 2;
                if (rest >= sums_[node]) rest -= sums_[node++];
            }
            fire(static_cast<std::uint32_t>(node - leaves_), rest);
            ++events_;
        }
        t_s_ = t_s;
    }
    std::uint64_t events() const { return events_; }

private:
    enum : std::int32_t { empty = -1, a, b, c };

    /// What the site may do to a side: hop, bind (A finds B), part; 0 where nothing fits.
    double rate_to(std::int32_t here, std::int32_t there) const {
        if (there == empty) return here == empty ? 0.0 : here == c ? hop_s + 0.25 * part_s : hop_s;
        return here == a && there == b ? bind_s : 0.0;
    }
    double rate(std::uint32_t site) const {
        double sum = 0.0;
        geometry_.for_each_neighbour(
            site, [&](std::uint32_t other, std::uint32_t) { sum += rate_to(sites_[site], sites_[other]); });
        return sum;
    }
    void fire(std::uint32_t site, double rest) {
        std::uint32_t other = LatticeGeometry::none;
        for (std::size_t side = 0; side < geometry_.sides(); ++side) {
            const std::uint32_t there = geometry_.neighbour(site, side);
            if (there == LatticeGeometry::none) continue;
            const double r = rate_to(sites_[site], sites_[there]);
            if (r > 0.0) other = there;  // the last one that fits, should rounding lead past the end
            if (rest < r) break;
            rest -= r;
        }
        if (other == LatticeGeometry::none) return;
        if (sites_[other] == b) {
            sites_[site] = uniform() < 0.5 ? c : empty;
            sites_[other] = sites_[site] == c ? empty : c;
        } else if (sites_[site] == c && rest < 0.25 * part_s) {
            sites_[site] = a;
            sites_[other] = b;
        } else {
            std::swap(sites_[site], sites_[other]);
        }
        for (const std::uint32_t one : {site, other}) {
            update(one);
            geometry_.for_each_neighbour(one, [&](std::uint32_t near, std::uint32_t) { update(near); });
        }
    }
    void update(std::uint32_t site) {
        std::size_t node = leaves_ + site;
        const double fresh = rate(site);
        if (fresh == sums_[node]) return;
        sums_[node] = fresh;
        while (node /= 2) sums_[node] = sums_[2 * node] + sums_[2 * node + 1];
    }
    double uniform() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return static_cast<double>(state_ >> 11) * 0x1p-53 + 0x1p-54;
    }

    LatticeGeometry geometry_;
    std::vector<std::int32_t> sites_;
    std::size_t leaves_;
    std::vector<double> sums_;
    double t_s_ = 0.0;
    std::uint64_t events_ = 0, state_ = 88172645463325252ULL;
};

double cpu_s() {
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

/// Of this program alone: getrusage counts in the memory of the one that started it.
double peak_MB() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
        if (double kB = 0.0; word == "VmHWM:" && status >> kB) return kB / 1024;
    }
    return 0.0;
}

/// Million events per CPU second over windows of 1e5 events or so.
template <class Subject>
double rate(Subject& subject, double& t_s, double window_s) {
    const double begin = cpu_s();
    const std::uint64_t before = subject.events();
    while (cpu_s() - begin < 0.4) subject.advance(t_s += window_s);
    return static_cast<double>(subject.events() - before) * 1e-6 / (cpu_s() - begin);
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void print(const std::string& name, double value, const char* unit, const std::string& reference, double ratio,
           std::size_t repeats) {
    static const char* separator = "[\n";
    std::printf("%s  {\"name\": \"%s\", \"value\": %.4f, \"unit\": \"%s\", \"reference\": \"%s\", \"ratio\": ",
                separator, name.c_str(), value, unit, reference.c_str());
    if (reference.empty())
        std::printf("null");
    else
        std::printf("%.3f", ratio);
    std::printf(", \"repeats\": %zu}", repeats);
    separator = ",\n";
}

/// One size: the engine's events per second, turn by turn.
std::vector<double> bench(std::array<std::size_t, 3> shape, int turns) {
    const auto sites = static_cast<double>(shape[0] * shape[1] * shape[2]);
    const nubridge::chemistry::NetworkDefinition definition{
        .name = "abc",
        .species = {{"A", std::round(0.2 * sites)}, {"B", std::round(0.2 * sites)}, {"C", std::round(0.1 * sites)}},
        .reactions = {{"bind", {0, 1}, {2}, {}, bind_s}, {"part", {2}, {0, 1}, {}, part_s}}};
    EngineOptions options;
    options.space = Space{.shape = shape, .periodic = true, .diffusion_um2_s = {hop_s, hop_s, hop_s}};
    LatticeEngine engine(std::make_shared<const ReactionNetwork>(definition), options);
    std::vector<std::int32_t> start(engine.site_count());
    engine.sites(start);
    std::vector<double> ours, yardstick, ratios;
    double t_s = 0.0, tree_t_s = 0.0;
    const double window_s = 5e4 / sites;
    rate(engine, t_s, window_s);
    const double peak = peak_MB();
    WithTree tree(*options.space, start);
    for (int turn = 0; turn < turns; ++turn) {
        ours.push_back(rate(engine, t_s, window_s));
        yardstick.push_back(rate(tree, tree_t_s, window_s));
        ratios.push_back(ours.back() / yardstick.back());
    }
    const std::string what = std::to_string(shape[0]) + "x" + std::to_string(shape[1]) + "x" + std::to_string(shape[2]);
    const std::string reference = "tree of sums, " + what;
    print("lattice " + what, median(ours), "M events/s", reference, median(ratios), ours.size());
    print(reference, median(yardstick), "M events/s", "", 0.0, ours.size());
    print("lattice " + what + ", peak memory", peak, "MB", "", 0.0, 1);
    return ours;
}

}  // namespace

int main(int argc, char** argv) {
    const int turns = argc > 1 ? std::atoi(argv[1]) : 5;
    const std::vector<double> small = bench({100, 100, 1}, turns), large = bench({1000, 1000, 1}, turns);
    std::vector<double> ratios;
    for (std::size_t i = 0; i < small.size(); ++i) ratios.push_back(small[i] / large[i]);
    print("lattice, an event of 1000x1000", 1.0 / median(large), "us", "an event of 100x100", median(ratios),
          small.size());
    bench({100, 100, 100}, turns);
    std::printf("\n]\n");
    return 0;
}
