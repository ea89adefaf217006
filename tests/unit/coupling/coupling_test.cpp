// Windows, the ledger of ions, and the order of an exchange, against a peer in the same process.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <tuple>

#include "channels.hpp"
#include "coupling/coupling.hpp"
#include "expect.hpp"

namespace nubridge::test {
namespace {

using coupling::Coupling;
using coupling::CouplingWindow;
using coupling::IonLedger;
using coupling::PeerSilent;
using coupling::Scheme;
using std::chrono::milliseconds;
using transport::Request;
using transport::Waited;

TEST(CouplingWindow, IsAWholeNumberOfSteps) {
    const CouplingWindow window(100'000, 0.025);
    EXPECT_EQ(window.step_ns(), 25'000);
    EXPECT_EQ(window.end_ns(0), 100'000);
    EXPECT_EQ(window.end_ns(-1), 0);
}

TEST(CouplingWindow, RefusesWhatIsNoWholeNumberOfStepsNamingBoth) {
    expect_refusal<InvalidArgument>([] { (void)CouplingWindow(30'000, 0.025); }, {"30000 ns", "25000 ns"});
    expect_refusal<InvalidArgument>([] { (void)CouplingWindow(25'000, 0.05); }, {"25000 ns", "50000 ns"});
    for (const double step_ms : {1.0 / 3, 0.0, -0.025, 1e-7, std::numeric_limits<double>::quiet_NaN()})
        expect_refusal<InvalidArgument>([=] { (void)CouplingWindow(100'000, step_ms); }, {"whole number of ns"});
}

TEST(IonLedger, CarriesThePartOfAnIon) {
    IonLedger ledger(1);
    std::vector<std::int64_t> drawn;
    for (int window = 0; window < 5; ++window) {
        std::int64_t amount = 0;
        ASSERT_TRUE(ledger.owe(0, 0.25));
        ledger.draw({&amount, 1});
        drawn.push_back(amount);
    }
    EXPECT_EQ(drawn, (std::vector<std::int64_t>{0, 0, 1, 0, 0}));
    EXPECT_EQ(ledger.books(0).carried, 0.25);
}

TEST(IonLedger, RefusesAnAmountThatIsNoneAndKeepsItsBooks) {
    IonLedger ledger(1);
    for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), 1e16})
        EXPECT_FALSE(ledger.owe(0, bad));
    EXPECT_EQ(ledger.books(0).carried, 0);
}

TEST(IonLedger, RefusesAPeerThatDidMoreOrTheOpposite) {
    for (const std::int64_t realised : {4, -1}) {
        IonLedger ledger(1);
        std::int64_t amount = 0;
        std::int64_t returned = 0;
        ASSERT_TRUE(ledger.owe(0, 3));
        ledger.draw({&amount, 1});
        expect_refusal<InvalidArgument>(
            [&] {
                ledger.settle({&amount, 1}, {&realised, 1}, {&returned, 1});
            },
            {std::to_string(realised) + " of 3"});
        EXPECT_EQ(ledger.books(0).realised, 0);
    }
}

TEST(IonLedger, BalancesExactlyInAMillionRandomWindows) {
    constexpr std::size_t slots = 3;
    IonLedger ledger(slots);
    std::mt19937_64 random(20261);
    std::uniform_real_distribution<double> ions(-40, 40);
    std::vector<std::int64_t> amounts(slots), realised(slots), returned(slots), particles(slots, 50), back(slots);
    std::vector<double> owed(slots);
    std::int64_t unequal = 0;
    for (int window = 0; window < 1'000'000; ++window) {
        for (std::size_t slot = 0; slot < slots; ++slot) {
            const double amount = std::round(ions(random) * 1024) / 1024;  // so that the sum of all is exact
            owed[slot] += amount;
            ledger.owe(slot, amount);
        }
        ledger.draw(amounts);
        for (std::size_t slot = 0; slot < slots; ++slot) {
            realised[slot] = std::max(amounts[slot], -particles[slot]);
            particles[slot] += realised[slot];
        }
        ledger.settle(amounts, realised, returned);
        for (std::size_t slot = 0; slot < slots; ++slot) {
            const auto& books = ledger.books(slot);
            back[slot] += returned[slot];
            unequal += books.requested != books.realised + books.returned || books.returned != back[slot] ||
                       particles[slot] != 50 + books.realised || std::abs(books.carried) > 0.5 ||
                       owed[slot] != static_cast<double>(books.requested) + books.carried;
        }
    }
    EXPECT_EQ(unequal, 0);
}

/// A coupling to a peer, of 10 molecules at first, that says what it was told.
class CouplingTest : public testing::Test {
protected:
    void open(Scheme scheme, milliseconds limit = patience) {
        std::tie(owner, peer) = transport::in_process_channel(shape_of(1, 2, 1));
        coupling = std::make_unique<Coupling>(*owner, shape_of(1, 2, 1), CouplingWindow(25'000, 0.0125), scheme, 1,
                                              limit, std::vector<std::int64_t>{10});
    }
    /// The peer's thread: it serves until drained.
    void serve() {
        simulator = std::thread([this] {
            Request request;
            while (peer->receive(patience, request) == Waited::arrived) {
                windows.push_back(request.window);
                const std::int64_t realised = std::max(request.amounts[0], -molecules);
                molecules += realised;
                told.push_back(request.rates[0]);
                switched.push_back(request.rates[1]);
                peer->reply({&realised, 1}, {&molecules, 1});
            }
        });
    }
    void TearDown() override {
        if (owner) owner->drain();
        if (simulator.joinable()) simulator.join();
    }

    std::unique_ptr<OwnerEnd> owner;
    std::unique_ptr<PeerEnd> peer;
    std::unique_ptr<Coupling> coupling;
    std::thread simulator;
    std::int64_t molecules = 10;
    std::vector<double> told;
    std::vector<double> switched;
    std::vector<std::int64_t> windows;
};

TEST_F(CouplingTest, SerialHasTheCountsOfTheWindowThatEnded) {
    open(Scheme::serial);
    serve();
    for (int step = 1; step <= 8; ++step) {
        coupling->ledger().owe(0, 1);
        coupling->rate(0, step);
        coupling->step(0.0125 * step);
        EXPECT_EQ(coupling->windows(), step / 2);
        EXPECT_EQ(coupling->counts()[0], 10 + step / 2 * 2);
    }
    coupling->finish();
    simulator.join();
    EXPECT_EQ(told, (std::vector<double>{2, 4, 6, 8}));
}

TEST_F(CouplingTest, ParallelHasTheCountsOfTheWindowBefore) {
    open(Scheme::parallel);
    serve();
    for (int window = 1; window <= 4; ++window) {
        coupling->ledger().owe(0, 3);
        coupling->step(0.025 * window);
        EXPECT_EQ(coupling->counts()[0], 10 + 3 * (window - 1));
    }
    coupling->finish();
    EXPECT_EQ(coupling->counts()[0], 22);
}

TEST_F(CouplingTest, PredictorReadsTheLineThroughTheLastTwoCounts) {
    open(Scheme::predictor);
    serve();
    EXPECT_EQ(coupling->count(0, 0.0125), 10);
    coupling->ledger().owe(0, 4);
    coupling->step(0.025);
    EXPECT_EQ(coupling->count(0, 0.025), 14);
    EXPECT_EQ(coupling->count(0, 0.0375), 16);
    coupling->ledger().owe(0, -13);
    coupling->step(0.05);
    EXPECT_EQ(coupling->counts()[0], 1);
    EXPECT_EQ(coupling->count(0, 0.05), 1);
    EXPECT_EQ(coupling->count(0, 0.0625), 0);
}

TEST_F(CouplingTest, PredictorSendsTheMeansOfRatesAndOthersAsTheyAre) {
    open(Scheme::predictor);
    serve();
    for (int step = 1; step <= 4; ++step) {
        coupling->rate(0, step);
        coupling->rate(1, step);
        coupling->step(0.0125 * step);
    }
    coupling->rate(0, 8);
    coupling->step(0.06875);  // a window ends within the next step, which counts in both
    coupling->rate(0, 16);
    coupling->step(0.08125);
    coupling->rate(0, 32);
    coupling->step(0.1);
    coupling->finish();
    simulator.join();
    EXPECT_EQ(told, (std::vector<double>{1.5, 3.5, 10, 28}));
    EXPECT_EQ(switched, (std::vector<double>{2, 4, 4, 4}));
}

TEST_F(CouplingTest, ReturnsWhatThePeerCouldNotRemove) {
    open(Scheme::serial);
    serve();
    coupling->ledger().owe(0, -14);
    coupling->step(0.025);
    EXPECT_EQ(coupling->returned()[0], -4);
    coupling->step(0.05);
    EXPECT_EQ(coupling->returned()[0], 0);
}

TEST_F(CouplingTest, RefusesTimeThatRunsBackOrJumps) {
    open(Scheme::serial);
    serve();
    coupling->step(0.025);
    expect_refusal<InvalidArgument>([&] { coupling->step(0.0125); }, {"12500 ns", "25000 ns", "cannot go back"});
    expect_refusal<InvalidArgument>([&] { coupling->step(0.1); }, {"100000 ns", "in one step"});
    coupling->step(0.05);
    EXPECT_EQ(coupling->windows(), 2);
}

TEST_F(CouplingTest, SavesByTheNumberOfTheLastWindowAndKeepsItsAmounts) {
    open(Scheme::parallel);
    serve();
    coupling->save();
    coupling->ledger().owe(0, 3);
    coupling->step(0.025);
    coupling->ledger().owe(0, 2);
    coupling->save();
    EXPECT_EQ(coupling->counts()[0], 13);
    coupling->step(0.05);
    coupling->finish();
    simulator.join();
    EXPECT_EQ(windows, (std::vector<std::int64_t>{-1, 0, 0, 1}));
    EXPECT_EQ(coupling->counts()[0], 15);
    EXPECT_EQ(coupling->windows(), 2);
}

TEST_F(CouplingTest, GoesOnWithTheBooksAndTheClockOfAnother) {
    constexpr double integral = 3 * 12'500.0;
    open(Scheme::predictor);
    serve();
    const coupling::Books before{20, 15, 5, 0.75};
    const std::int64_t returned = 2;
    const std::int64_t count = 6;
    coupling->resume(2.5125, 100, {&before, 1}, {&returned, 1}, {&count, 1}, {&integral, 1});
    EXPECT_EQ(coupling->returned()[0], 2);
    EXPECT_EQ(coupling->count(0, 2.5125), 12);
    expect_refusal<InvalidArgument>([&] { coupling->step(2.4); }, {"cannot go back"});
    coupling->rate(0, 5);
    coupling->step(2.525);
    EXPECT_EQ(coupling->windows(), 101);
    EXPECT_EQ(coupling->ledger().books(0).requested, 21);
    EXPECT_EQ(coupling->ledger().books(0).carried, -0.25);
    coupling->finish();
    simulator.join();
    EXPECT_EQ(windows, (std::vector<std::int64_t>{100}));
    EXPECT_EQ(told, (std::vector<double>{4}));
}

TEST_F(CouplingTest, NamesBothClocksOfASilentPeerAndMayWaitAgain) {
    open(Scheme::serial, milliseconds(1));
    expect_refusal<PeerSilent>([&] { coupling->step(0.025); }, {"stands at 0 ns", "NEURON at 25000 ns"});
    serve();
    while (coupling->windows() == 0) {
        try {
            coupling->step(0.025);
        } catch (const PeerSilent&) {
            std::this_thread::yield();
        }
    }
    EXPECT_EQ(coupling->counts()[0], 10);
}

}  // namespace
}  // namespace nubridge::test
