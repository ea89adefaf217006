// The family and the dynamics of the C interface: rows of instances.
#include <algorithm>
#include <cmath>
#include <limits>

#include "c_api/guarded.hpp"
#include "c_api/model_handle.hpp"

namespace {

using nubridge::InvalidArgument;
using nubridge::c_api::guarded;
using nubridge::c_api::status_of;
using nubridge::dynamics::batch_width;
using nubridge::dynamics::Outcome;
using nubridge::dynamics::Policy;
using nubridge::dynamics::ReducedModel;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

bool valid_policy(std::int32_t policy) {
    return policy >= NUBRIDGE_POLICY_MODEL && policy <= NUBRIDGE_POLICY_ERROR;
}

Policy policy_of(const ReducedModel& model, std::int32_t policy) {
    return policy == NUBRIDGE_POLICY_MODEL ? model.definition().policy : static_cast<Policy>(policy);
}

/// Gathers the status of many rows: the first error wins, then any warning; marks the rows outside; fills failed rows
/// with NaN.
class Rows {
public:
    Rows(std::uint8_t* outside, std::size_t width, double* out) : outside_(outside), width_(width), out_(out) {}

    void record(std::size_t row, Outcome outcome) {
        if (outside_ != nullptr) outside_[row] = outcome == Outcome::outside || outcome == Outcome::outside_refused;
        if (outcome == Outcome::ok) [[likely]]
            return;
        const nubridge_status status = status_of(outcome);
        if (status < 0) std::fill_n(out_ + row * width_, width_, nan);
        if (status_ >= 0) status_ = status;
    }
    nubridge_status status() const { return status_; }

private:
    std::uint8_t* outside_;
    std::size_t width_;
    double* out_;
    nubridge_status status_ = NUBRIDGE_OK;
};

/// Calls `one(policy, row)` for every row and gathers the outcomes.
template <class One>
nubridge_status for_rows(const nubridge_model* handle, std::int32_t policy, std::size_t rows, std::uint8_t* outside,
                         std::size_t width, double* out, One&& one) {
    if (handle == nullptr || !valid_policy(policy) || (rows > 0 && out == nullptr)) return NUBRIDGE_INVALID_ARGUMENT;
    Rows gathered(outside, width, out);
    const Policy chosen = policy_of(handle->model, policy);
    for (std::size_t row = 0; row < rows; ++row) gathered.record(row, one(handle->model, chosen, row));
    return gathered.status();
}

/// Rows of `width` numbers to columns of batch_width lanes, and back.
void to_lanes(const double* rows, std::size_t width, double* lanes) {
    for (std::size_t i = 0; i < width; ++i) {
        for (std::size_t lane = 0; lane < batch_width; ++lane) lanes[i * batch_width + lane] = rows[lane * width + i];
    }
}
void from_lanes(const double* lanes, std::size_t width, double* rows) {
    for (std::size_t lane = 0; lane < batch_width; ++lane) {
        for (std::size_t i = 0; i < width; ++i) rows[lane * width + i] = lanes[i * batch_width + lane];
    }
}

/// batch_width rows of `width` numbers through `kernel`; false when they must go one by one: an input off the domain, a
/// long step.
template <class Kernel>
bool step_block(const ReducedModel& model, Policy policy, std::size_t width, const double* state, const double* inputs,
                double* out, Kernel&& kernel) {
    alignas(64) double u[ReducedModel::max_inputs * batch_width];
    alignas(64) double x[ReducedModel::max_states * batch_width];
    alignas(64) double y[ReducedModel::max_states * batch_width];
    for (std::size_t lane = 0; lane < batch_width; ++lane) {
        double admitted[ReducedModel::max_inputs] = {};
        if (model.admit(policy, inputs + lane * model.input_count(), admitted) != Outcome::ok) return false;
        for (std::size_t i = 0; i < model.input_count(); ++i) u[i * batch_width + lane] = admitted[i];
    }
    to_lanes(state, width, x);
    if (!kernel(u, x, y)) return false;
    from_lanes(y, width, out);
    return true;
}

nubridge_status step_rows(const ReducedModel& model, Policy policy, std::size_t rows, const double* moments,
                          const double* inputs, double dt_ms, double* out, std::uint8_t* outside) {
    const std::size_t n = model.state_count();
    const std::size_t m = model.input_count();
    Rows gathered(outside, n, out);
    std::size_t row = 0;
    while (row < rows) {
        const auto kernel = [&](const double* u, const double* x, double* y) {
            return model.propagator().step_batch(u, dt_ms, x, y);
        };
        if (rows - row >= batch_width &&
            step_block(model, policy, n, moments + row * n, inputs + row * m, out + row * n, kernel)) {
            if (outside != nullptr) std::fill_n(outside + row, batch_width, std::uint8_t{0});
            row += batch_width;
            continue;
        }
        const std::size_t end = std::min(rows, row + batch_width);
        for (; row < end; ++row)
            gathered.record(row, model.step_moments(policy, moments + row * n, inputs + row * m, dt_ms, out + row * n));
    }
    return gathered.status();
}

bool valid_step(double dt_ms) {
    return dt_ms >= 0.0 && std::isfinite(dt_ms);
}

bool valid_call(const nubridge_model* model, std::int32_t policy, std::size_t rows, double dt_ms, const double* out) {
    return model != nullptr && valid_policy(policy) && valid_step(dt_ms) && (rows == 0 || out != nullptr);
}

}  // namespace

nubridge_status nubridge_log_partition(const nubridge_model* model, size_t rows, const double* nu, double* log_z) {
    return for_rows(model, NUBRIDGE_POLICY_MODEL, rows, nullptr, 1, log_z,
                    [&](const ReducedModel& m, Policy, std::size_t row) {
                        log_z[row] = m.family().log_partition({nu + row * m.nu_count(), m.nu_count()});
                        return Outcome::ok;
                    });
}

nubridge_status nubridge_moments(const nubridge_model* model, size_t rows, const double* nu, double* moments) {
    return for_rows(model, NUBRIDGE_POLICY_MODEL, rows, nullptr, 1, moments,
                    [&](const ReducedModel& m, Policy, std::size_t row) {
                        m.family().moments({nu + row * m.nu_count(), m.nu_count()},
                                           {moments + row * m.state_count(), m.state_count()});
                        return Outcome::ok;
                    });
}

nubridge_status nubridge_from_moments(const nubridge_model* model, size_t rows, const double* moments, double* nu) {
    return for_rows(model, NUBRIDGE_POLICY_MODEL, rows, nullptr, 1, nu,
                    [&](const ReducedModel& m, Policy, std::size_t row) {
                        m.family().from_moments({moments + row * m.state_count(), m.state_count()},
                                                {nu + row * m.nu_count(), m.nu_count()});
                        return Outcome::ok;
                    });
}

nubridge_status nubridge_fisher(const nubridge_model* model, size_t rows, const double* nu, double* fisher) {
    return for_rows(model, NUBRIDGE_POLICY_MODEL, rows, nullptr, 1, fisher,
                    [&](const ReducedModel& m, Policy, std::size_t row) {
                        const std::size_t n = m.nu_count();
                        m.family().fisher({nu + row * n, n}, {fisher + row * n * n, n * n});
                        return Outcome::ok;
                    });
}

nubridge_status nubridge_sample(const nubridge_model* model, size_t rows, const double* nu, size_t count, uint64_t seed,
                                int32_t* samples) {
    return guarded([&] {
        if (model == nullptr || samples == nullptr)
            throw InvalidArgument("the model or the place for the samples is null");
        const std::size_t n = model->model.nu_count();
        for (std::size_t row = 0; row < rows; ++row) {
            model->model.family().sample({nu + row * n, n}, seed + row, {samples + row * count, count});
        }
    });
}

nubridge_status nubridge_initial(const nubridge_model* model, int32_t policy, size_t rows, const double* inputs,
                                 double* nu, uint8_t* outside) {
    const std::size_t width = model == nullptr ? 0 : model->model.nu_count();
    return for_rows(model, policy, rows, outside, width, nu,
                    [&](const ReducedModel& m, Policy chosen, std::size_t row) {
                        double moments[ReducedModel::max_states];
                        const Outcome outcome = m.initial_moments(chosen, inputs + row * m.input_count(), moments);
                        if (outcome <= Outcome::outside)
                            m.family().from_moments({moments, m.state_count()}, {nu + row * width, width});
                        return outcome;
                    });
}

nubridge_status nubridge_rhs(const nubridge_model* model, int32_t policy, size_t rows, const double* nu,
                             const double* inputs, double* rhs, uint8_t* outside) {
    const std::size_t width = model == nullptr ? 0 : model->model.nu_count();
    return for_rows(model, policy, rows, outside, width, rhs,
                    [&](const ReducedModel& m, Policy chosen, std::size_t row) {
                        return m.rhs(chosen, nu + row * width, inputs + row * m.input_count(), rhs + row * width);
                    });
}

nubridge_status nubridge_jacobian(const nubridge_model* model, int32_t policy, size_t rows, const double* nu,
                                  const double* inputs, double* d_nu, double* d_input) {
    if (model == nullptr) return NUBRIDGE_INVALID_ARGUMENT;
    const std::size_t n = model->model.nu_count();
    const std::size_t inputs_n = model->model.input_count();
    double* const first = d_nu != nullptr ? d_nu : d_input;
    return for_rows(model, policy, rows, nullptr, d_nu != nullptr ? n * n : n * inputs_n, first,
                    [&](const ReducedModel& m, Policy chosen, std::size_t row) {
                        double u[ReducedModel::max_inputs];
                        const Outcome outcome = m.admit(chosen, inputs + row * inputs_n, u);
                        if (outcome > Outcome::outside) return outcome;
                        if (d_nu != nullptr)
                            m.closure().jacobian_nu({nu + row * n, n}, {u, inputs_n}, {d_nu + row * n * n, n * n});
                        if (d_input != nullptr)
                            m.closure().jacobian_input({nu + row * n, n}, {u, inputs_n},
                                                       {d_input + row * n * inputs_n, n * inputs_n});
                        return outcome;
                    });
}

nubridge_status nubridge_step(const nubridge_model* model, int32_t policy, size_t rows, const double* nu,
                              const double* inputs, double dt_ms, double* nu_out, uint8_t* outside) {
    if (!valid_call(model, policy, rows, dt_ms, nu_out)) return NUBRIDGE_INVALID_ARGUMENT;
    const ReducedModel& m = model->model;
    const Policy chosen = policy_of(m, policy);
    const std::size_t n = m.nu_count();
    const std::size_t states = m.state_count();
    double moments[batch_width * ReducedModel::max_states];
    nubridge_status status = NUBRIDGE_OK;
    for (std::size_t row = 0; row < rows; row += batch_width) {
        const std::size_t block = std::min(batch_width, rows - row);
        const double sign = static_cast<double>(static_cast<int>(m.family().sign()));
        const auto kernel = [&](const double* u, const double* x, double* y) {
            return m.propagator().step_nu_batch(sign, u, dt_ms, x, y);
        };
        if (block == batch_width &&
            step_block(m, chosen, n, nu + row * n, inputs + row * m.input_count(), nu_out + row * n, kernel)) {
            if (outside != nullptr) std::fill_n(outside + row, batch_width, std::uint8_t{0});
            continue;
        }
        for (std::size_t i = 0; i < block; ++i)
            m.family().moments({nu + (row + i) * n, n}, {moments + i * states, states});
        const nubridge_status one = step_rows(m, chosen, block, moments, inputs + row * m.input_count(), dt_ms, moments,
                                              outside == nullptr ? nullptr : outside + row);
        for (std::size_t i = 0; i < block; ++i)
            m.family().from_moments({moments + i * states, states}, {nu_out + (row + i) * n, n});
        if (status >= 0 && one != NUBRIDGE_OK) status = one;
    }
    return status;
}

nubridge_status nubridge_step_ramp(const nubridge_model* model, int32_t policy, size_t rows, const double* nu,
                                   const double* inputs_begin, const double* inputs_end, double dt_ms, double tolerance,
                                   double* nu_out, uint8_t* outside) {
    if (!valid_step(dt_ms) || !(tolerance >= 1e-12 && tolerance <= 0.1)) return NUBRIDGE_INVALID_ARGUMENT;
    const std::size_t width = model == nullptr ? 0 : model->model.nu_count();
    return for_rows(model, policy, rows, outside, width, nu_out,
                    [&](const ReducedModel& m, Policy chosen, std::size_t row) {
                        const std::size_t at = row * m.input_count();
                        return m.step_ramp(chosen, nu + row * width, inputs_begin + at, inputs_end + at, dt_ms,
                                           tolerance, nu_out + row * width);
                    });
}

nubridge_status nubridge_observe(const nubridge_model* model, size_t rows, const double* nu, double* observables) {
    return for_rows(model, NUBRIDGE_POLICY_MODEL, rows, nullptr, 1, observables,
                    [&](const ReducedModel& m, Policy, std::size_t row) {
                        double moments[ReducedModel::max_states];
                        m.family().moments({nu + row * m.nu_count(), m.nu_count()}, {moments, m.state_count()});
                        m.observe_moments(moments, observables + row * m.observable_count());
                        return Outcome::ok;
                    });
}

nubridge_status nubridge_initial_moments(const nubridge_model* model, int32_t policy, size_t rows, const double* inputs,
                                         double* moments, uint8_t* outside) {
    const std::size_t width = model == nullptr ? 0 : model->model.state_count();
    return for_rows(model, policy, rows, outside, width, moments,
                    [&](const ReducedModel& m, Policy chosen, std::size_t row) {
                        return m.initial_moments(chosen, inputs + row * m.input_count(), moments + row * width);
                    });
}

nubridge_status nubridge_rhs_moments(const nubridge_model* model, int32_t policy, size_t rows, const double* moments,
                                     const double* inputs, double* rates, uint8_t* outside) {
    const std::size_t width = model == nullptr ? 0 : model->model.state_count();
    return for_rows(
        model, policy, rows, outside, width, rates, [&](const ReducedModel& m, Policy chosen, std::size_t row) {
            return m.rhs_moments(chosen, moments + row * width, inputs + row * m.input_count(), rates + row * width);
        });
}

nubridge_status nubridge_step_moments(const nubridge_model* model, int32_t policy, size_t rows, const double* moments,
                                      const double* inputs, double dt_ms, double* out, uint8_t* outside) {
    if (!valid_call(model, policy, rows, dt_ms, out)) return NUBRIDGE_INVALID_ARGUMENT;
    const ReducedModel& m = model->model;
    const Policy chosen = policy_of(m, policy);
    if (rows == 1) {  // NEURON calls instance by instance
        const Outcome outcome = m.step_moments(chosen, moments, inputs, dt_ms, out);
        Rows one(outside, m.state_count(), out);
        one.record(0, outcome);
        return one.status();
    }
    return step_rows(m, chosen, rows, moments, inputs, dt_ms, out, outside);
}

nubridge_status nubridge_newton_moments(const nubridge_model* model, int32_t policy, const double* inputs,
                                        double gamma_ms, double* vector) {
    if (!valid_call(model, policy, 1, gamma_ms, vector)) return NUBRIDGE_INVALID_ARGUMENT;
    return status_of(model->model.newton_moments(policy_of(model->model, policy), inputs, gamma_ms, vector));
}

nubridge_status nubridge_observe_moments(const nubridge_model* model, size_t rows, const double* moments,
                                         double* observables) {
    return for_rows(model, NUBRIDGE_POLICY_MODEL, rows, nullptr, 1, observables,
                    [&](const ReducedModel& m, Policy, std::size_t row) {
                        m.observe_moments(moments + row * m.state_count(), observables + row * m.observable_count());
                        return Outcome::ok;
                    });
}
