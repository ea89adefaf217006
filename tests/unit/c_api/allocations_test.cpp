// The functions that nubridge.h marks [step] neither allocate, throw (an exception is allocated) nor lock. This program
// stands in for malloc and pthread_mutex_lock, and the library, which looks both names up when it is loaded, comes
// here.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <cerrno>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "c_api.hpp"

namespace {

thread_local bool watching = false;
thread_local int allocations = 0;
thread_local int locks = 0;

void count_allocation() {
    if (watching) ++allocations;
}

}  // namespace

#define NUBRIDGE_INTERPOSED extern "C" __attribute__((visibility("default")))

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);
}

NUBRIDGE_INTERPOSED void* malloc(size_t size) noexcept {
    count_allocation();
    return __libc_malloc(size);
}
NUBRIDGE_INTERPOSED void* calloc(size_t count, size_t size) noexcept {
    count_allocation();
    return __libc_calloc(count, size);
}
NUBRIDGE_INTERPOSED void* realloc(void* old, size_t size) noexcept {
    count_allocation();
    return __libc_realloc(old, size);
}
NUBRIDGE_INTERPOSED void* aligned_alloc(size_t alignment, size_t size) noexcept {
    count_allocation();
    return __libc_memalign(alignment, size);
}
NUBRIDGE_INTERPOSED int posix_memalign(void** place, size_t alignment, size_t size) noexcept {
    count_allocation();
    *place = __libc_memalign(alignment, size);
    return *place == nullptr ? ENOMEM : 0;
}
NUBRIDGE_INTERPOSED void free(void* place) noexcept {
    if (place != nullptr) count_allocation();  // whoever frees has allocated
    __libc_free(place);
}
NUBRIDGE_INTERPOSED int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
    static auto* const next = reinterpret_cast<int (*)(pthread_mutex_t*)>(dlsym(RTLD_NEXT, "pthread_mutex_lock"));
    if (watching) ++locks;
    return next(mutex);
}

namespace nubridge::test {
namespace {

struct Counted {
    int allocations;
    int locks;
};

template <class Body>
Counted counted(Body&& body) {
    allocations = locks = 0;
    watching = true;
    body();
    watching = false;
    return {allocations, locks};
}

TEST(Counter, SeesTheProgramAndTheLibrary) {
    std::unique_ptr<int> one;
    EXPECT_EQ(counted([&] { one = std::make_unique<int>(1); }).allocations, 1);
    std::mutex mutex;
    EXPECT_EQ(counted([&] { mutex.lock(); }).locks, 1);
    mutex.unlock();
    nubridge_model* model = nullptr;
    EXPECT_GT(counted([&] { nubridge_model_open("sk", &model); }).allocations, 100);
    nubridge_model_close(model);
    EXPECT_GT(counted([&] { nubridge_require_abi(-1); }).allocations, 0) << "a text of the library";
}

/// Instances, inputs and results of a batch; each function runs on good, foreign and broken inputs.
struct Batch {
    std::size_t rows;
    double dt_ms;
    int32_t policy;
    std::vector<double> moments, nu, calcium_uM;
    std::vector<double> out = std::vector<double>(rows * 8);
    std::vector<uint8_t> outside = std::vector<uint8_t>(rows);
};

using Step = std::function<nubridge_status(const nubridge_model*, Batch&)>;

struct StepFunction {
    const char* name;
    Step run;
};

void PrintTo(const StepFunction& function, std::ostream* out) {
    *out << function.name;
}

std::vector<StepFunction> step_functions() {
    using M = const nubridge_model*;
    return {
        {"Moments", [](M m, Batch& b) { return nubridge_moments(m, b.rows, b.nu.data(), b.out.data()); }},
        {"FromMoments", [](M m, Batch& b) { return nubridge_from_moments(m, b.rows, b.moments.data(), b.out.data()); }},
        {"Rhs",
         [](M m, Batch& b) {
             return nubridge_rhs(m, b.policy, b.rows, b.nu.data(), b.calcium_uM.data(), b.out.data(), b.outside.data());
         }},
        {"Step",
         [](M m, Batch& b) {
             return nubridge_step(m, b.policy, b.rows, b.nu.data(), b.calcium_uM.data(), b.dt_ms, b.out.data(),
                                  b.outside.data());
         }},
        {"Observe", [](M m, Batch& b) { return nubridge_observe(m, b.rows, b.nu.data(), b.out.data()); }},
        {"InitialMoments",
         [](M m, Batch& b) {
             return nubridge_initial_moments(m, b.policy, b.rows, b.calcium_uM.data(), b.out.data(), b.outside.data());
         }},
        {"RhsMoments",
         [](M m, Batch& b) {
             return nubridge_rhs_moments(m, b.policy, b.rows, b.moments.data(), b.calcium_uM.data(), b.out.data(),
                                         b.outside.data());
         }},
        {"StepMoments",
         [](M m, Batch& b) {
             return nubridge_step_moments(m, b.policy, b.rows, b.moments.data(), b.calcium_uM.data(), b.dt_ms,
                                          b.out.data(), b.outside.data());
         }},
        {"NewtonMoments",
         [](M m, Batch& b) {
             return nubridge_newton_moments(m, b.policy, b.calcium_uM.data(), b.dt_ms, b.moments.data());
         }},
        {"ObserveMoments",
         [](M m, Batch& b) { return nubridge_observe_moments(m, b.rows, b.moments.data(), b.out.data()); }},
        {"FaultTakeOfNone", [](M m, Batch&) { return nubridge_fault_take(m); }},
    };
}

class StepPath : public SkTest, public testing::WithParamInterface<StepFunction> {};

TEST_P(StepPath, NeitherAllocatesNorLocks) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const int32_t policies[] = {NUBRIDGE_POLICY_MODEL, NUBRIDGE_POLICY_CLAMP, NUBRIDGE_POLICY_ERROR, 99};
    for (const std::size_t rows : {1u, 4u, 9u}) {
        const std::vector<double> inside_uM(rows, 0.5);
        const auto moments = steady_moments(inside_uM), nu = steady_nu(inside_uM);
        for (const double dt_ms : {0.025, 1.0, 500.0}) {
            for (const double last_uM : {1.0, 5000.0, -1.0, nan}) {
                for (const int32_t policy : policies) {
                    Batch batch{rows, dt_ms, policy, moments, nu, inside_uM};
                    batch.calcium_uM.back() = last_uM;
                    const Counted found = counted([&] { GetParam().run(sk(), batch); });
                    EXPECT_EQ(found.allocations, 0)
                        << rows << " rows, dt " << dt_ms << ", " << last_uM << " uM, policy " << policy;
                    EXPECT_EQ(found.locks, 0);
                }
            }
        }
    }
}

TEST_P(StepPath, NeitherAllocatesNorLocksOnABrokenState) {
    std::vector<double> calcium_uM(5, 0.5);
    Batch batch{5, 0.025, NUBRIDGE_POLICY_MODEL, steady_moments(calcium_uM), steady_nu(calcium_uM), calcium_uM};
    batch.moments[3] = batch.nu[3] = std::numeric_limits<double>::quiet_NaN();
    EXPECT_EQ(counted([&] { GetParam().run(sk(), batch); }).allocations, 0);
    EXPECT_EQ(counted([&] { GetParam().run(nullptr, batch); }).allocations, 0);
}

TEST(KernelStepPath, NeitherAllocatesNorLocks) {
    for (const char* const name : {"camkii", "camkii-sums"}) {
        nubridge_kernel* kernel = nullptr;
        ASSERT_EQ(nubridge_kernel_open(name, &kernel), NUBRIDGE_OK);
        const double inputs[] = {1.0, 30.0, 80.0};
        std::vector<double> state(nubridge_kernel_count(kernel, NUBRIDGE_ITEM_STATE)), out(state);
        ASSERT_EQ(nubridge_kernel_initial(kernel, NUBRIDGE_POLICY_MODEL, inputs, state.data()), NUBRIDGE_OK);
        const Counted found = counted([&] {
            nubridge_kernel_step(kernel, NUBRIDGE_POLICY_MODEL, inputs, 1.0, state.data());
            nubridge_kernel_rhs(kernel, NUBRIDGE_POLICY_MODEL, state.data(), inputs, out.data());
            nubridge_kernel_newton(kernel, NUBRIDGE_POLICY_MODEL, state.data(), inputs, 0.1, out.data());
            nubridge_kernel_observe(kernel, state.data(), out.data());
        });
        EXPECT_EQ(found.allocations, 0) << name;
        EXPECT_EQ(found.locks, 0) << name;
        nubridge_kernel_close(kernel);
    }
}

INSTANTIATE_TEST_SUITE_P(Functions, StepPath, testing::ValuesIn(step_functions()),
                         [](const testing::TestParamInfo<StepFunction>& function) { return function.param.name; });

}  // namespace
}  // namespace nubridge::test
