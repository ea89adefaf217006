// Events per second of grid-ssa beside a plain next-subvolume method, in one process and in CPU time, and the memory of
// the voxel regimes. Usage: grid_bench [TURNS] writes the rows of tests/bench/run.py as JSON; grid_bench memory REGIME
// [EDGE SPECIES] runs one large grid and writes its peak memory in MB.
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "chemistry/grid_ssa.hpp"

namespace {

using nubridge::chemistry::EngineOptions;
using nubridge::chemistry::GridSsaEngine;
using nubridge::chemistry::NetworkDefinition;
using nubridge::chemistry::ReactionNetwork;
using nubridge::chemistry::Regime;
using nubridge::chemistry::Space;

/// The yardstick: Elf and Ehrenberg's next-subvolume method on A + B <-> C, a binary heap of voxels and xoshiro's
/// cousin of the standard library.
class PlainSubvolumes {
public:
    PlainSubvolumes(std::size_t edge, double hop, double on, double off, int each)
        : edge_(edge), count_(edge * edge * edge), hop_(hop), on_(on), off_(off), n_(count_), heap_(count_) {
        for (int species = 0; species < 3; ++species) {
            for (int i = 0; i < each; ++i) ++n_[random_() % count_][species];
        }
        place_.resize(count_);
        for (std::size_t v = 0; v < count_; ++v) heap_[v] = {draw(v, 0.0), v};
        for (std::size_t v = 0; v < count_; ++v) place_[v] = v;
        for (std::size_t i = count_ / 2; i-- > 0;) down(i);
    }

    void advance(double t_s) {
        while (heap_[0].next <= t_s) {
            const auto [now, v] = heap_[0];
            auto& n = n_[v];
            double rest = uniform() * total(v);
            const double out = 6 * hop_ * (n[0] + n[1] + n[2]);
            if (rest < out) {
                rest /= hop_;
                const std::size_t side = static_cast<std::size_t>(rest) % 6;
                const double molecule = rest / 6;
                const int species = molecule < n[0] ? 0 : molecule < n[0] + n[1] ? 1 : 2;
                const std::size_t w = neighbour(v, side);
                if (w != v) {
                    --n[species];
                    ++n_[w][species];
                    renew(w, now);
                    ++events_;
                }
            } else {
                const int forward = rest - out < on_ * n[0] * n[1] ? 1 : -1;
                n[0] -= forward;
                n[1] -= forward;
                n[2] += forward;
                ++events_;
            }
            renew(v, now);
        }
    }
    std::uint64_t events() const { return events_; }

private:
    struct Entry {
        double next;
        std::size_t voxel;
    };
    double uniform() { return (static_cast<double>(random_() >> 11) + 0.5) * 0x1p-53; }
    double total(std::size_t v) const {
        const auto& n = n_[v];
        return 6 * hop_ * (n[0] + n[1] + n[2]) + on_ * n[0] * n[1] + off_ * n[2];
    }
    double draw(std::size_t v, double now) { return now - std::log(uniform()) / total(v); }
    std::size_t neighbour(std::size_t v, std::size_t side) const {
        const std::size_t step = side < 2 ? 1 : side < 4 ? edge_ : edge_ * edge_;
        const std::size_t at = v / step % edge_;
        if (side % 2 == 0) return at == 0 ? v : v - step;
        return at + 1 == edge_ ? v : v + step;
    }
    void renew(std::size_t v, double now) {
        const std::size_t i = place_[v];
        heap_[i].next = draw(v, now);
        if (i > 0 && heap_[i].next < heap_[(i - 1) / 2].next)
            up(i);
        else
            down(i);
    }
    void exchange(std::size_t i, std::size_t j) {
        std::swap(heap_[i], heap_[j]);
        std::swap(place_[heap_[i].voxel], place_[heap_[j].voxel]);
    }
    void up(std::size_t i) {
        for (; i > 0 && heap_[i].next < heap_[(i - 1) / 2].next; i = (i - 1) / 2) exchange(i, (i - 1) / 2);
    }
    void down(std::size_t i) {
        while (true) {
            std::size_t least = i;
            for (const std::size_t child : {2 * i + 1, 2 * i + 2}) {
                if (child < count_ && heap_[child].next < heap_[least].next) least = child;
            }
            if (least == i) return;
            exchange(i, least);
            i = least;
        }
    }

    std::size_t edge_, count_;
    double hop_, on_, off_;
    std::vector<std::array<int, 3>> n_;
    std::vector<Entry> heap_;
    std::vector<std::size_t> place_;
    std::mt19937_64 random_{1};
    std::uint64_t events_ = 0;
};

double cpu_s() {
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

/// Million events per CPU second over at least a quarter of a second.
template <class Made>
double rate(Made& engine, double& t_s, double window_s) {
    const std::uint64_t before = engine.events();
    const double begin = cpu_s();
    while (cpu_s() - begin < 0.25) engine.advance(t_s += window_s);
    return static_cast<double>(engine.events() - before) * 1e-6 / (cpu_s() - begin);
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

Space box(std::size_t edge, std::vector<double> diffusion_um2_s) {
    return {.shape = {edge, edge, edge}, .spacing_um = 0.1, .diffusion_um2_s = std::move(diffusion_um2_s)};
}

/// `rows` of one box: A + B <-> C with `a_voxel` molecules of each in a voxel, D = 1 um2/s.
void measure(std::size_t edge, double a_voxel, int turns, const char*& separator) {
    const double voxels = static_cast<double>(edge * edge * edge), each = std::round(a_voxel * voxels);
    const double on = 1.0 / a_voxel, off = 1.0;
    const auto network = std::make_shared<const ReactionNetwork>(
        NetworkDefinition{.name = "abc",
                          .species = {{"A", each}, {"B", each}, {"C", each}},
                          .reactions = {{"on", {0, 1}, {2}, {}, on / voxels}, {"off", {2}, {0, 1}, {}, off}}});
    EngineOptions options;
    options.space = box(edge, {1.0, 1.0, 1.0});
    GridSsaEngine engine(network, options);
    PlainSubvolumes plain(edge, 100.0, on, off, static_cast<int>(each));
    const double window_s = 2e5 / (600.0 * 3 * each);
    double t_s = 0.0, plain_s = 0.0;
    std::vector<double> ours, yardstick, ratios;
    for (int turn = 0; turn < turns; ++turn) {
        ours.push_back(rate(engine, t_s, window_s));
        yardstick.push_back(rate(plain, plain_s, window_s));
        ratios.push_back(ours.back() / yardstick.back());
    }
    char name[64];
    std::snprintf(name, sizeof name, "%zu^3 voxels, %g of each", edge, a_voxel);
    std::printf(
        "%s  {\"name\": \"grid-ssa %s\", \"value\": %.3f, \"unit\": \"M events/s\", \"reference\": \"plain NSM, %s\", "
        "\"ratio\": %.3f, \"repeats\": %d},\n  {\"name\": \"plain NSM, %s\", \"value\": %.3f, \"unit\": \"M "
        "events/s\", \"reference\": \"\", \"ratio\": null, \"repeats\": %d}",
        separator, name, median(ours), name, median(ratios), turns, name, median(yardstick), turns);
    separator = ",\n";
}

/// A ring of species that turn into each other in pairs, 1 molecule of each in a voxel.
void fill_memory(Regime regime, std::size_t edge, std::size_t species) {
    NetworkDefinition definition{.name = "ring"};
    const double each = static_cast<double>(edge * edge * edge);
    for (std::size_t s = 0; s < species; ++s) {
        definition.species.push_back({std::string("S").append(std::to_string(s)), each});
        definition.reactions.push_back({std::string("r").append(std::to_string(s)),
                                        {s, (s + 1) % species},
                                        {s, (s + 2) % species},
                                        {},
                                        1.0 / each});
    }
    EngineOptions options;
    options.space = box(edge, std::vector<double>(species, 1.0));
    options.relative_tolerance = options.absolute_tolerance = 1e-4;
    const auto engine = make_engine(std::make_shared<const ReactionNetwork>(definition), regime, options);
    engine->advance(1e-3);
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    std::printf("%.1f\n", static_cast<double>(used.ru_maxrss) / 1024.0);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string first = argc > 1 ? argv[1] : "5";
    if (first == "memory") {
        const std::string regime = argc > 2 ? argv[2] : "grid-ssa";
        const auto number = [&](int i, const char* usual) {
            return static_cast<std::size_t>(std::atoi(argc > i ? argv[i] : usual));
        };
        fill_memory(regime == "pde"    ? Regime::pde
                    : regime == "spde" ? Regime::spde
                                       : Regime::grid_ssa,
                    number(3, "64"), number(4, "10"));
        return 0;
    }
    const char* separator = "\n";
    std::printf("[");
    measure(20, 10.0, std::atoi(first.c_str()), separator);
    measure(20, 0.1, std::atoi(first.c_str()), separator);
    measure(64, 10.0, std::atoi(first.c_str()), separator);
    std::printf("\n]\n");
    return 0;
}
