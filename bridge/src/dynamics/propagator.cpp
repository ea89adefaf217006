#include "dynamics/propagator.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <utility>

namespace nubridge::dynamics {

KernelSet kernels_generic(KernelData& data);
#if defined(NUBRIDGE_HAVE_AVX2)
KernelSet kernels_avx2(KernelData& data);
#endif

KernelSet choose_kernels(KernelData& data) {
#if defined(NUBRIDGE_HAVE_AVX2)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return kernels_avx2(data);
#endif
    return kernels_generic(data);
}

namespace {

constexpr std::size_t max_states = TransitionNetwork::max_states;

/// rate[i][component] and exit rates, component 0 constant, 1 + i proportional to input i.
struct Components {
    std::size_t states;
    std::size_t components;
    std::vector<double> inflow;  // [component][to][from]
    std::vector<double> exit;    // [component][from]
    explicit Components(const TransitionNetwork& network)
        : states(network.state_count()),
          components(1 + network.input_count()),
          inflow(components * states * states, 0.0),
          exit(components * states, 0.0) {
        for (const Transition& transition : network.transitions()) {
            const std::size_t component = transition.input ? 1 + *transition.input : 0;
            const double rate = transition.theta * transition.rate_constant;
            inflow[(component * states + transition.to) * states + transition.from] += rate;
            exit[component * states + transition.from] += rate;
        }
    }
    double flow(std::size_t component, std::size_t to, std::size_t from) const {
        return inflow[(component * states + to) * states + from];
    }
    bool joined(std::size_t to, std::size_t from) const {
        if (to == from) return true;
        for (std::size_t component = 0; component < components; ++component) {
            if (flow(component, to, from) > 0.0 || flow(component, from, to) > 0.0) return true;
        }
        return false;
    }
};

KernelData make_data(const TransitionNetwork& network) {
    const Components rates(network);
    KernelData data;
    data.states = rates.states;
    data.inputs = network.input_count();
    data.shift.resize(rates.components);
    for (std::size_t component = 0; component < rates.components; ++component) {
        const auto begin = rates.exit.begin() + static_cast<std::ptrdiff_t>(component * rates.states);
        data.shift[component] = *std::max_element(begin, begin + static_cast<std::ptrdiff_t>(rates.states));
    }
    data.row_begin.push_back(0);
    for (std::size_t row = 0; row < rates.states; ++row) {
        for (std::size_t column = 0; column < rates.states; ++column) {
            if (rates.joined(row, column)) data.source.push_back(static_cast<std::uint32_t>(column));
        }
        data.row_begin.push_back(static_cast<std::uint32_t>(data.source.size()));
    }
    data.entries = data.source.size();
    for (std::size_t component = 0; component < rates.components; ++component) {
        for (std::size_t row = 0; row < rates.states; ++row) {
            for (std::uint32_t entry = data.row_begin[row]; entry < data.row_begin[row + 1]; ++entry) {
                const std::size_t column = data.source[entry];
                const double diagonal = data.shift[component] - rates.exit[component * rates.states + row];
                data.coefficients.push_back(column == row ? diagonal : rates.flow(component, row, column));
            }
        }
    }
    return data;
}

double affine(const std::vector<double>& values, std::size_t stride, std::size_t index, const double* u,
              std::size_t inputs) noexcept {
    double value = values[index];
    for (std::size_t input = 0; input < inputs; ++input) value += u[input] * values[(1 + input) * stride + index];
    return value;
}

/// P <- P P with columns that sum to 1; P[to][from].
void square(double (&matrix)[max_states][max_states], std::size_t n) noexcept {
    double product[max_states][max_states];
    for (std::size_t to = 0; to < n; ++to) {
        for (std::size_t from = 0; from < n; ++from) {
            double sum = 0.0;
            for (std::size_t via = 0; via < n; ++via) sum += matrix[to][via] * matrix[via][from];
            product[to][from] = sum;
        }
    }
    for (std::size_t from = 0; from < n; ++from) {
        double sum = 0.0;
        for (std::size_t to = 0; to < n; ++to) sum += product[to][from];
        for (std::size_t to = 0; to < n; ++to) matrix[to][from] = product[to][from] / sum;
    }
}

}  // namespace

Propagator::Propagator(const TransitionNetwork& network) : data_(make_data(network)), kernels_(choose_kernels(data_)) {}

bool Propagator::step(const double* u, double dt_ms, const double* p, double* p_out) const noexcept {
    if (kernels_.single(data_, u, dt_ms, p, p_out)) [[likely]]
        return true;
    double sum = 0.0;
    for (std::size_t state = 0; state < data_.states; ++state) sum += p[state] >= 0.0 ? p[state] : NAN;
    if (!(sum > 0.0) || !std::isfinite(sum)) return false;
    double begin[max_states];
    for (std::size_t state = 0; state < data_.states; ++state) begin[state] = p[state] / sum;
    return kernels_.single(data_, u, dt_ms, begin, p_out) || step_by_squaring(u, dt_ms, begin, p_out);
}

bool Propagator::step_by_squaring(const double* u, double dt_ms, const double* p, double* p_out) const noexcept {
    const std::size_t n = data_.states;
    const double span = dt_ms * affine(data_.shift, 1, 0, u, data_.inputs);
    if (!std::isfinite(span)) return false;
    int squarings = 0;
    while (std::ldexp(span, -squarings) > 0.5) ++squarings;
    double matrix[max_states][max_states];
    for (std::size_t from = 0; from < n; ++from) {
        double column[max_states] = {};
        column[from] = 1.0;
        if (!kernels_.single(data_, u, std::ldexp(dt_ms, -squarings), column, column)) return false;
        for (std::size_t to = 0; to < n; ++to) matrix[to][from] = column[to];
    }
    for (int i = 0; i < squarings; ++i) square(matrix, n);
    double result[max_states];
    double sum = 0.0;
    for (std::size_t to = 0; to < n; ++to) {
        result[to] = 0.0;
        for (std::size_t from = 0; from < n; ++from) result[to] += matrix[to][from] * p[from];
        sum += result[to];
    }
    if (!(sum > 0.0) || !std::isfinite(sum)) return false;
    for (std::size_t to = 0; to < n; ++to) p_out[to] = result[to] / sum;
    return true;
}

void Propagator::rates(const double* u, const double* p, double* rates) const noexcept {
    const double shift = affine(data_.shift, 1, 0, u, data_.inputs);
    for (std::size_t row = 0; row < data_.states; ++row) {
        double sum = -shift * p[row];
        for (std::uint32_t entry = data_.row_begin[row]; entry < data_.row_begin[row + 1]; ++entry) {
            sum += affine(data_.coefficients, data_.entries, entry, u, data_.inputs) * p[data_.source[entry]];
        }
        rates[row] = sum;
    }
}

// q[to * n + from], zero on the diagonal.
void Propagator::off_diagonal(const double* u, double* q) const noexcept {
    const std::size_t n = data_.states;
    std::fill(q, q + n * n, 0.0);
    for (std::size_t row = 0; row < n; ++row) {
        for (std::uint32_t entry = data_.row_begin[row]; entry < data_.row_begin[row + 1]; ++entry) {
            const std::size_t column = data_.source[entry];
            if (column != row) q[row * n + column] = affine(data_.coefficients, data_.entries, entry, u, data_.inputs);
        }
    }
}

// I - gamma Q has columns that are diagonally dominant, so elimination needs no pivoting.
void Propagator::solve_implicit(const double* u, double gamma_ms, double* x) const noexcept {
    const std::size_t n = data_.states;
    double matrix[max_states * max_states];
    off_diagonal(u, matrix);
    for (std::size_t column = 0; column < n; ++column) {
        double exit = 0.0;
        for (std::size_t row = 0; row < n; ++row) exit += matrix[row * n + column];
        for (std::size_t row = 0; row < n; ++row) matrix[row * n + column] *= -gamma_ms;
        matrix[column * n + column] = 1.0 + gamma_ms * exit;
    }
    for (std::size_t pivot = 0; pivot < n; ++pivot) {
        for (std::size_t row = pivot + 1; row < n; ++row) {
            const double factor = matrix[row * n + pivot] / matrix[pivot * n + pivot];
            if (factor == 0.0) continue;
            for (std::size_t column = pivot + 1; column < n; ++column)
                matrix[row * n + column] -= factor * matrix[pivot * n + column];
            x[row] -= factor * x[pivot];
        }
    }
    for (std::size_t row = n; row-- > 0;) {
        for (std::size_t column = row + 1; column < n; ++column) x[row] -= matrix[row * n + column] * x[column];
        x[row] /= matrix[row * n + row];
    }
}

// Any state with a way out may go next, so that an absorbing state, such as the unbound one without calcium, is left to
// the end.
bool Propagator::steady_state(const double* u, double* p) const noexcept {
    const std::size_t n = data_.states;
    double q[max_states * max_states];
    double exit_of[max_states];
    std::size_t order[max_states];
    off_diagonal(u, q);
    std::iota(order, order + n, std::size_t{0});
    for (std::size_t remaining = n - 1; remaining > 0; --remaining) {
        double exit = 0.0;
        for (std::size_t candidate = remaining + 1; candidate-- > 0 && !(exit > 0.0);) {
            std::swap(order[candidate], order[remaining]);
            exit = 0.0;
            for (std::size_t to = 0; to < remaining; ++to) exit += q[order[to] * n + order[remaining]];
            if (!(exit > 0.0)) std::swap(order[candidate], order[remaining]);
        }
        if (!(exit > 0.0)) return false;
        const std::size_t last = order[remaining];
        exit_of[remaining] = exit;
        for (std::size_t i = 0; i < remaining; ++i) {
            const double share = q[order[i] * n + last] / exit;
            for (std::size_t j = 0; j < remaining; ++j) {
                if (j != i) q[order[i] * n + order[j]] += share * q[last * n + order[j]];
            }
        }
    }
    double sum = p[order[0]] = 1.0;
    for (std::size_t i = 1; i < n; ++i) {
        double inflow = 0.0;
        for (std::size_t j = 0; j < i; ++j) inflow += q[order[i] * n + order[j]] * p[order[j]];
        sum += p[order[i]] = inflow / exit_of[i];
    }
    for (std::size_t state = 0; state < n; ++state) p[state] /= sum;
    return true;
}

}  // namespace nubridge::dynamics
