// Null pointers, wrong policies, explanations, and what worker threads leave behind.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <latch>
#include <limits>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "c_api.hpp"
#include "expect.hpp"
#include "files.hpp"
#include "model_text.hpp"

namespace nubridge::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr int threads = 8;

/// Runs body(index) in so many threads at once.
void at_once(const std::function<void(int)>& body) {
    std::latch start(threads);
    std::vector<std::thread> running;
    for (int index = 0; index < threads; ++index) {
        running.emplace_back([&, index] {
            start.arrive_and_wait();
            body(index);
        });
    }
    for (auto& thread : running) thread.join();
}

class Faults : public SkTest {
protected:
    double x_[64] = {1.0};
    double out_[64] = {};
    const double calcium_uM_ = 1.0;
};

/// A function of the interface with all its arguments valid but the model, the policy or the place of the result.
struct Call {
    const char* name;
    bool has_policy;
    std::function<nubridge_status(const nubridge_model*, int32_t, const double* in, double* out)> run;
};

void PrintTo(const Call& call, std::ostream* out) {
    *out << call.name;
}

std::vector<Call> calls() {
    static const double calcium_uM = 1.0;
    using M = const nubridge_model*;
    using In = const double*;
    return {
        {"LogPartition", false, [](M m, int32_t, In in, double* out) { return nubridge_log_partition(m, 1, in, out); }},
        {"Moments", false, [](M m, int32_t, In in, double* out) { return nubridge_moments(m, 1, in, out); }},
        {"FromMoments", false, [](M m, int32_t, In in, double* out) { return nubridge_from_moments(m, 1, in, out); }},
        {"Fisher", false, [](M m, int32_t, In in, double* out) { return nubridge_fisher(m, 1, in, out); }},
        {"Sample", false,
         [](M m, int32_t, In in, double* out) {
             return nubridge_sample(m, 1, in, 4, 1, reinterpret_cast<int32_t*>(out));
         }},
        {"Initial", true,
         [](M m, int32_t p, In, double* out) { return nubridge_initial(m, p, 1, &calcium_uM, out, nullptr); }},
        {"Rhs", true,
         [](M m, int32_t p, In in, double* out) { return nubridge_rhs(m, p, 1, in, &calcium_uM, out, nullptr); }},
        {"Jacobian", true,
         [](M m, int32_t p, In in, double* out) { return nubridge_jacobian(m, p, 1, in, &calcium_uM, out, nullptr); }},
        {"Step", true,
         [](M m, int32_t p, In in, double* out) {
             return nubridge_step(m, p, 1, in, &calcium_uM, 0.025, out, nullptr);
         }},
        {"StepRamp", true,
         [](M m, int32_t p, In in, double* out) {
             return nubridge_step_ramp(m, p, 1, in, &calcium_uM, &calcium_uM, 0.025, 1e-6, out, nullptr);
         }},
        {"Observe", false, [](M m, int32_t, In in, double* out) { return nubridge_observe(m, 1, in, out); }},
        {"InitialMoments", true,
         [](M m, int32_t p, In, double* out) { return nubridge_initial_moments(m, p, 1, &calcium_uM, out, nullptr); }},
        {"RhsMoments", true,
         [](M m, int32_t p, In in, double* out) {
             return nubridge_rhs_moments(m, p, 1, in, &calcium_uM, out, nullptr);
         }},
        {"StepMoments", true,
         [](M m, int32_t p, In in, double* out) {
             return nubridge_step_moments(m, p, 1, in, &calcium_uM, 0.025, out, nullptr);
         }},
        {"NewtonMoments", true,
         [](M m, int32_t p, In, double* out) { return nubridge_newton_moments(m, p, &calcium_uM, 0.025, out); }},
        {"ObserveMoments", false,
         [](M m, int32_t, In in, double* out) { return nubridge_observe_moments(m, 1, in, out); }},
    };
}

class EveryFunction : public Faults, public testing::WithParamInterface<Call> {};

TEST_P(EveryFunction, AcceptsAValidCall) {
    EXPECT_EQ(GetParam().run(sk(), NUBRIDGE_POLICY_MODEL, x_, out_), NUBRIDGE_OK);
}

TEST_P(EveryFunction, RefusesANullModel) {
    EXPECT_EQ(GetParam().run(nullptr, NUBRIDGE_POLICY_MODEL, x_, out_), NUBRIDGE_INVALID_ARGUMENT);
}

TEST_P(EveryFunction, RefusesANullPlaceForTheResult) {
    EXPECT_EQ(GetParam().run(sk(), NUBRIDGE_POLICY_MODEL, x_, nullptr), NUBRIDGE_INVALID_ARGUMENT);
}

INSTANTIATE_TEST_SUITE_P(CApi, EveryFunction, testing::ValuesIn(calls()), CaseName());

class EveryFunctionWithAPolicy : public EveryFunction {};

TEST_P(EveryFunctionWithAPolicy, RefusesOneThatIsNone) {
    for (const int32_t policy : {-1, 4, 1000}) {
        EXPECT_EQ(GetParam().run(sk(), policy, x_, out_), NUBRIDGE_INVALID_ARGUMENT);
    }
}

std::vector<Call> calls_with_a_policy() {
    auto some = calls();
    std::erase_if(some, [](const Call& call) { return !call.has_policy; });
    return some;
}

INSTANTIATE_TEST_SUITE_P(CApi, EveryFunctionWithAPolicy, testing::ValuesIn(calls_with_a_policy()), CaseName());

TEST_F(Faults, ExplainNamesTheInputItsValueAndItsUnit) {
    const double negative = -0.25, far = 1500.0;
    expect_words(nubridge_explain(sk(), NUBRIDGE_INVALID_INPUT, NUBRIDGE_POLICY_MODEL, &negative),
                 {"model 'sk'", "input 'ca' is -0.25 uM", "not negative"});
    expect_words(nubridge_explain(sk(), NUBRIDGE_INVALID_INPUT, NUBRIDGE_POLICY_MODEL, &nan),
                 {"'ca' is nan uM", "finite"});
    expect_words(nubridge_explain(sk(), NUBRIDGE_OUTSIDE, NUBRIDGE_POLICY_MODEL, &far),
                 {"'ca' is 1500 uM", "0 to 1000 uM", "extrapolate"});
    expect_words(nubridge_explain(sk(), NUBRIDGE_OUTSIDE, NUBRIDGE_POLICY_CLAMP, &far), {"'ca' is 1500 uM", "clamp"});
    expect_words(nubridge_explain(sk(), NUBRIDGE_OUTSIDE_REFUSED, NUBRIDGE_POLICY_ERROR, &far),
                 {"1500 uM", "policy is error"});
    EXPECT_STREQ(nubridge_last_error(), nubridge_explain(sk(), NUBRIDGE_OUTSIDE_REFUSED, NUBRIDGE_POLICY_ERROR, &far));
}

TEST_F(Faults, ExplainCopesWithoutModelOrInputs) {
    expect_words(nubridge_explain(nullptr, NUBRIDGE_INVALID_ARGUMENT, NUBRIDGE_POLICY_MODEL, nullptr),
                 {"no model is loaded"});
    expect_words(nubridge_explain(sk(), NUBRIDGE_INVALID_STATE, NUBRIDGE_POLICY_MODEL, nullptr),
                 {"'sk'", "state", "not finite"});
    expect_words(nubridge_explain(sk(), NUBRIDGE_OUTSIDE, NUBRIDGE_POLICY_MODEL, nullptr), {"'sk'", "outside"});
    expect_words(nubridge_explain(sk(), NUBRIDGE_NOT_CONVERGED, NUBRIDGE_POLICY_MODEL, &calcium_uM_),
                 {"'sk'", "tolerance"});
}

TEST_F(Faults, OfManyInputsTheOneAtFaultIsNamed) {
    const TemporaryFolder folder;
    json two = channel_model();
    two["inputs"].push_back({{"name", "mg"}, {"unit", "mM"}, {"domain", {0, 2}}});
    const Handle channel = open_model(write_text(folder / "model.json", sealed(two)).string());
    const double inputs[2] = {1.0, 3.5};
    expect_words(nubridge_explain(channel.get(), NUBRIDGE_OUTSIDE, NUBRIDGE_POLICY_MODEL, inputs),
                 {"input 'mg' is 3.5 mM", "0 to 2 mM"});
    const double below_and_nan[2] = {0.001, nan};  // below the domain of ca, but no invalid number
    expect_words(nubridge_explain(channel.get(), NUBRIDGE_INVALID_INPUT, NUBRIDGE_POLICY_MODEL, below_and_nan),
                 {"input 'mg' is nan mM"});
}

TEST_F(Faults, NoneIsOk) {
    EXPECT_EQ(nubridge_fault_take(sk()), NUBRIDGE_OK);
    EXPECT_EQ(nubridge_fault_take(nullptr), NUBRIDGE_OK);
    nubridge_fault_post(nullptr, NUBRIDGE_INVALID_INPUT, NUBRIDGE_POLICY_MODEL, &nan);
}

TEST_F(Faults, TheFirstIsKeptAndTakenOnce) {
    const double first = -1.0, second = -2.0;
    nubridge_fault_post(sk(), NUBRIDGE_INVALID_INPUT, NUBRIDGE_POLICY_MODEL, &first);
    nubridge_fault_post(sk(), NUBRIDGE_INVALID_INPUT, NUBRIDGE_POLICY_MODEL, &second);
    EXPECT_EQ(nubridge_fault_take(sk()), NUBRIDGE_INVALID_INPUT);
    expect_words(nubridge_last_error(), {"'ca' is -1 uM"});
    EXPECT_EQ(nubridge_fault_take(sk()), NUBRIDGE_OK);
    nubridge_fault_post(sk(), NUBRIDGE_INVALID_INPUT, NUBRIDGE_POLICY_MODEL, &second);
    EXPECT_EQ(nubridge_fault_take(sk()), NUBRIDGE_INVALID_INPUT);
    expect_words(nubridge_last_error(), {"'ca' is -2 uM"});
}

TEST_F(Faults, AnOkIsNoFault) {
    nubridge_fault_post(sk(), NUBRIDGE_OK, NUBRIDGE_POLICY_MODEL, &calcium_uM_);
    EXPECT_EQ(nubridge_fault_take(sk()), NUBRIDGE_OK);
    nubridge_fault_post(sk(), NUBRIDGE_INVALID_INPUT, NUBRIDGE_POLICY_MODEL, &nan);
    EXPECT_EQ(nubridge_fault_take(sk()), NUBRIDGE_INVALID_INPUT) << "the slot is still free for a fault";
}

TEST_F(Faults, WithoutInputsIsKeptToo) {
    nubridge_fault_post(sk(), NUBRIDGE_INVALID_STATE, NUBRIDGE_POLICY_MODEL, nullptr);
    EXPECT_EQ(nubridge_fault_take(sk()), NUBRIDGE_INVALID_STATE);
    expect_words(nubridge_last_error(), {"state"});
}

TEST_F(Faults, OfManyThreadsOneIsKeptWhole) {
    for (int round = 0; round < 50; ++round) {
        at_once([&](int index) {
            const double value = index % 2 == 0 ? -1.0 - index : 1000.0 + index;
            const nubridge_status status = index % 2 == 0 ? NUBRIDGE_INVALID_INPUT : NUBRIDGE_OUTSIDE_REFUSED;
            nubridge_fault_post(sk(), status, NUBRIDGE_POLICY_ERROR, &value);
        });
        const nubridge_status status = nubridge_fault_take(sk());
        const std::string text = nubridge_last_error();
        const double value = std::stod(text.substr(text.find(" is ") + 4));
        if (status == NUBRIDGE_INVALID_INPUT) {
            EXPECT_LT(value, 0.0) << text;
        } else {
            EXPECT_EQ(status, NUBRIDGE_OUTSIDE_REFUSED);
            EXPECT_GT(value, 1000.0) << text;
        }
        EXPECT_EQ(nubridge_fault_take(sk()), NUBRIDGE_OK);
    }
}

TEST_F(Faults, ThatArePostedWhileTakenAreNeitherLostForGoodNorTorn) {
    std::latch done(threads - 1);
    int taken = 0;
    at_once([&](int index) {
        if (index > 0) {
            const double value = -index;
            for (int i = 0; i < 500; ++i)
                nubridge_fault_post(sk(), NUBRIDGE_INVALID_INPUT, NUBRIDGE_POLICY_MODEL, &value);
            done.count_down();
            return;
        }
        for (bool last = false; !last;) {
            last = done.try_wait();
            if (nubridge_fault_take(sk()) == NUBRIDGE_OK) continue;
            ++taken;
            expect_words(nubridge_last_error(), {"'ca' is -"});
        }
    });
    EXPECT_GE(taken, 1);
    EXPECT_EQ(nubridge_fault_take(sk()), NUBRIDGE_OK);
}

TEST_F(Faults, OutsideIsSaidFirstByExactlyOneThread) {
    std::array<int32_t, threads> said{};
    at_once([&](int index) { said[static_cast<std::size_t>(index)] = nubridge_first_outside(sk()); });
    EXPECT_EQ(std::count(said.begin(), said.end(), 1), 1);
    EXPECT_EQ(std::count(said.begin(), said.end(), 0), threads - 1);
    EXPECT_EQ(nubridge_first_outside(sk()), 0);
    EXPECT_EQ(nubridge_first_outside(open_model("sk").get()), 1) << "another model speaks for itself";
    EXPECT_EQ(nubridge_first_outside(nullptr), 0);
}

TEST(ModelOpenOnce, FromManyThreadsYieldsOneModel) {
    for (int round = 0; round < 10; ++round) {
        nubridge_model* slot = nullptr;
        std::array<nubridge_status, threads> statuses{};
        std::array<double, threads> popen{};
        std::array<nubridge_model*, threads> seen{};
        at_once([&](int index) {
            const auto i = static_cast<std::size_t>(index);
            statuses[i] = nubridge_model_open_once("sk", &slot);
            // The slot is not written again, but ThreadSanitizer takes the failed exchange of a late thread for a
            // write.
            seen[i] = std::atomic_ref(slot).load(std::memory_order_acquire);
            const double calcium_uM = 1.0;
            double moments[6];
            nubridge_initial_moments(seen[i], NUBRIDGE_POLICY_MODEL, 1, &calcium_uM, moments, nullptr);
            nubridge_observe_moments(seen[i], 1, moments, &popen[i]);
        });
        EXPECT_EQ(std::set<nubridge_status>(statuses.begin(), statuses.end()), std::set<nubridge_status>{NUBRIDGE_OK});
        EXPECT_EQ(std::set<nubridge_model*>(seen.begin(), seen.end()), std::set<nubridge_model*>{slot});
        for (const double one : popen) EXPECT_NEAR(one, 0.70254957507082, 1e-13);
        nubridge_model_close(slot);
    }
}

TEST_F(Faults, ManyThreadsStepOneModelAsOneDoes) {
    const auto run = [&](int index) {
        std::vector<double> p{1, 0, 0, 0, 0, 0};
        for (int step = 0; step < 2000; ++step) {
            const double calcium_uM = 0.1 * (1 + (step + index) % 50);
            nubridge_step_moments(sk(), NUBRIDGE_POLICY_MODEL, 1, p.data(), &calcium_uM, 0.025, p.data(), nullptr);
        }
        return p;
    };
    std::vector<std::vector<double>> results(threads);
    at_once([&](int index) { results[static_cast<std::size_t>(index)] = run(index); });
    for (int index = 0; index < threads; ++index)
        EXPECT_EQ(results[static_cast<std::size_t>(index)], run(index)) << "thread " << index;
}

}  // namespace
}  // namespace nubridge::test
