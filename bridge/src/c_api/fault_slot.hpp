#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "dynamics/reduced_model.hpp"
#include "nubridge/nubridge.h"

namespace nubridge::c_api {

/// The first fault of worker threads until it is taken: whoever moves `owner_` from 0 to 1 fills the slot, then
/// publishes by `status_`.
class FaultSlot {
public:
    void post(nubridge_status status, std::int32_t policy, const double* inputs, std::size_t count) {
        int expected = 0;
        if (!owner_.compare_exchange_strong(expected, 1, std::memory_order_acquire)) return;
        policy_ = policy;
        inputs_.fill(0.0);
        if (inputs != nullptr) std::copy_n(inputs, count, inputs_.begin());
        status_.store(status, std::memory_order_release);
    }
    /// The kept status, after explain(status, policy, inputs); clears it.
    template <class Explain>
    nubridge_status take(Explain&& explain) {
        const nubridge_status status = status_.load(std::memory_order_acquire);
        if (status == NUBRIDGE_OK) return NUBRIDGE_OK;
        explain(status, policy_, inputs_.data());
        status_.store(NUBRIDGE_OK, std::memory_order_relaxed);
        owner_.store(0, std::memory_order_release);
        return status;
    }
    /// True for the first caller only.
    bool is_first_outside() { return !outside_said_.exchange(true, std::memory_order_relaxed); }

private:
    std::atomic<int> owner_{0};
    std::atomic<nubridge_status> status_{NUBRIDGE_OK};
    std::int32_t policy_ = NUBRIDGE_POLICY_MODEL;
    std::array<double, dynamics::ReducedModel::max_inputs> inputs_{};
    std::atomic<bool> outside_said_{false};
};

}  // namespace nubridge::c_api
