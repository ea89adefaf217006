// What stepping costs through the C interface: CPU time a coupling step, and how runs share threads.
// Usage: coupling_bench FOLDER_OF_NETWORKS [TURNS]; writes the rows of tests/bench/run.py as JSON.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "nubridge/nubridge.h"

namespace {

void require(nubridge_status status) {
    if (status == NUBRIDGE_OK) return;
    std::fprintf(stderr, "%s\n", nubridge_last_error());
    std::exit(1);
}

double cpu_s() {
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

double wall_s() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::vector<double> initial_of(const nubridge_network* network) {
    std::size_t species = 0;
    require(nubridge_network_count(network, NUBRIDGE_NETWORK_SPECIES, &species));
    std::vector<double> amounts(species);
    for (std::size_t s = 0; s < species; ++s)
        require(nubridge_network_value(network, NUBRIDGE_NETWORK_SPECIES, s, &amounts[s]));
    return amounts;
}

nubridge_network* opened(const std::string& folder, const char* name) {
    const std::string path = folder + "/" + name + ".net";
    std::vector<char> text;
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) std::exit((std::perror(path.c_str()), 1));
    for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text.push_back(static_cast<char>(c));
    std::fclose(file);
    text.push_back('\0');
    nubridge_network* network = nullptr;
    require(nubridge_network_read(text.data(), path.c_str(), NUBRIDGE_UNIT_STATED, 0, nullptr, nullptr, &network));
    return network;
}

/// Microseconds of CPU a step of 25 us over `steps` steps from the initial amounts: read calcium, write one ion more or
/// less, advance.
double step_us(const nubridge_network* network, std::size_t calcium, int steps, std::uint64_t run) {
    nubridge_simulation simulation;
    nubridge_simulation_defaults(&simulation);
    simulation.volume_um3 = 1.0;
    simulation.run_number = run;
    nubridge_simulator* engine = nullptr;
    require(nubridge_simulator_open(network, &simulation, &engine));
    std::vector<double> amounts = initial_of(network);
    const double ion_uM = 1.0 / 602.214076;
    const double begin = cpu_s();
    for (int i = 1; i <= steps; ++i) {
        require(nubridge_simulator_amounts(engine, amounts.data()));
        const double moved = amounts[calcium] + (i % 2 == 1 ? ion_uM : -ion_uM);
        require(nubridge_simulator_set_amount(engine, calcium, std::max(moved, 0.0)));
        require(nubridge_simulator_advance(engine, 25e-6 * i));
    }
    const double spent = cpu_s() - begin;
    nubridge_simulator_close(engine);
    return spent * 1e6 / steps;
}

/// Seconds by the clock on the wall for `runs` runs to 0.5 s.
double ensemble_s(const nubridge_network* network, std::size_t runs, std::size_t threads) {
    nubridge_simulation simulation;
    nubridge_simulation_defaults(&simulation);
    simulation.volume_um3 = 1.0;
    const std::vector<double> initial = initial_of(network), times_s{0.1, 0.2, 0.3, 0.4, 0.5};
    std::vector<double> out(runs * times_s.size() * initial.size());
    const double begin = wall_s();
    require(nubridge_ensemble(network, &simulation, runs, threads, initial.data(), times_s.size(), times_s.data(),
                              initial.size(), nullptr, out.data(), nullptr, nullptr));
    return wall_s() - begin;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return std::fprintf(stderr, "usage: coupling_bench FOLDER_OF_NETWORKS [TURNS]\n"), 2;
    const int turns = argc > 2 ? std::max(std::atoi(argv[2]), 1) : 5;
    nubridge_network* const sk = opened(argv[1], "sk_calcium");
    nubridge_network* const camkii = opened(argv[1], "camkii");
    std::vector<double> sk_us, camkii_us, one, two, gains;
    for (int turn = 0; turn < turns; ++turn) {
        const auto run = static_cast<std::uint64_t>(turn);
        sk_us.push_back(step_us(sk, 0, 100'000, run));
        camkii_us.push_back(step_us(camkii, 0, 20'000, run));
        one.push_back(ensemble_s(sk, 400, 1));
        two.push_back(ensemble_s(sk, 400, 2));
        gains.push_back(one.back() / two.back());
    }
    std::printf("[\n");
    const auto row = [turns](const char* name, const std::vector<double>& values, const char* unit) {
        std::printf(
            "  {\"name\": \"%s\", \"value\": %.4f, \"unit\": \"%s\", \"reference\": \"\", \"ratio\": null, "
            "\"repeats\": %d},\n",
            name, median(values), unit, turns);
    };
    row("coupling step of 25 us, sk_calcium", sk_us, "us CPU");
    row("coupling step of 25 us, camkii", camkii_us, "us CPU");
    row("400 runs of sk_calcium, 1 thread", one, "s");
    std::printf(
        "  {\"name\": \"400 runs of sk_calcium, 2 threads\", \"value\": %.4f, \"unit\": \"s\", \"reference\": "
        "\"1 thread, times faster\", \"ratio\": %.3f, \"repeats\": %d}\n]\n",
        median(two), median(gains), turns);
    nubridge_network_close(sk);
    nubridge_network_close(camkii);
    return 0;
}
