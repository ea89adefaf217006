#include "learning/action.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <exception>
#include <thread>
#include <utility>

#include "chemistry/refuse.hpp"

namespace nubridge::learning {

namespace {

using chemistry::refuse;
using dynamics::FieldPoint;

constexpr std::size_t stages = 4;
/// Runge and Kutta: where a stage stands, how far the slope before carries it, its weight; and its place among the
/// inputs.
constexpr double carry[stages] = {0.0, 0.5, 0.5, 1.0};
constexpr double weight[stages] = {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6};
constexpr std::size_t place[stages] = {0, 1, 1, 2};

void require_finite(const std::vector<double>& numbers, const char* what) {
    const auto bad = std::find_if(numbers.begin(), numbers.end(), [](double x) { return !std::isfinite(x); });
    if (bad != numbers.end())
        refuse<InvalidArgument>(what, " has ", *bad, " at place ", bad - numbers.begin(),
                                "; all are finite: look for what wrote it");
}

void require_size(const std::vector<double>& numbers, std::size_t size, const char* what) {
    if (numbers.size() != size)
        refuse<InvalidArgument>(what, " has ", numbers.size(), " numbers; here it must have ", size);
    require_finite(numbers, what);
}

/// A family may have more moments than nu: those of the reference, which has none, come first.
std::vector<double> asleep(const maxent::Family& family, std::span<const double> nu) {
    std::vector<double> moments(family.moment_count());
    family.moments(nu, moments);
    moments.erase(moments.begin(), moments.begin() + static_cast<std::ptrdiff_t>(moments.size() - nu.size()));
    return moments;
}

}  // namespace

Action::Action(std::shared_ptr<const dynamics::VectorField> field, std::shared_ptr<const maxent::Family> family,
               Protocol protocol, std::size_t substeps)
    : field_(std::move(field)), family_(std::move(family)), protocol_(std::move(protocol)), substeps_(substeps) {
    const std::size_t times = time_count(), n = field_->nu_count();
    if (n != family_->nu_count())
        refuse<InvalidArgument>("the dynamics has ", n, " nu and the family ", family_->nu_count(),
                                "; they need as many");
    if (times < 2 || substeps_ == 0)
        refuse<InvalidArgument>("there are ", times, " times and ", substeps_,
                                " steps from one to the next; at least 2 and 1 are needed");
    require_finite(protocol_.times_s, "times_s");
    for (std::size_t i = 1; i < times; ++i) {
        if (!(protocol_.times_s[i] > protocol_.times_s[i - 1]))
            refuse<InvalidArgument>("times_s has ", protocol_.times_s[i], " after ", protocol_.times_s[i - 1],
                                    "; times ascend: sort them");
    }
    require_size(protocol_.inputs, times * field_->input_count(), "inputs");
    require_size(protocol_.awake, times * n, "awake");
    require_size(protocol_.weights, times, "weights");
    require_size(protocol_.begin, n, "begin");
}

Action::Step Action::step(std::size_t interval, std::size_t substep) const {
    const std::size_t m = field_->input_count();
    const double span_s = protocol_.times_s[interval + 1] - protocol_.times_s[interval];
    Step result{span_s / static_cast<double>(substeps_), {}};
    for (std::size_t part = 0; part < 3; ++part) {
        const double share =
            (static_cast<double>(substep) + 0.5 * static_cast<double>(part)) / static_cast<double>(substeps_);
        for (std::size_t i = 0; i < m; ++i) {
            const double from = protocol_.inputs[interval * m + i], to = protocol_.inputs[(interval + 1) * m + i];
            result.inputs[part].push_back(from + share * (to - from));
        }
    }
    return result;
}

void Action::advance(const Step& step, std::span<const double> coefficients, std::span<double> nu,
                     std::vector<double>* kept) const {
    const std::size_t n = nu.size();
    std::vector<double> at(nu.begin(), nu.end()), slope(n), sum(n, 0.0);
    for (std::size_t stage = 0; stage < stages; ++stage) {
        for (std::size_t a = 0; a < n; ++a) at[a] = nu[a] + step.h * carry[stage] * slope[a];
        if (kept != nullptr) kept->insert(kept->end(), at.begin(), at.end());
        field_->rhs({at, step.inputs[place[stage]], coefficients}, slope);
        for (std::size_t a = 0; a < n; ++a) sum[a] += weight[stage] * slope[a];
    }
    for (std::size_t a = 0; a < n; ++a) nu[a] += step.h * sum[a];
}

void Action::advance(const Step& step, std::span<const double> coefficients, std::span<double> nu,
                     std::vector<double>& tangent) const {
    const std::size_t n = nu.size(), width = coefficients.size();
    std::vector<double> at(nu.begin(), nu.end()), slope(n), sum(n, 0.0), by_nu(n * n),
        by_input(n * field_->input_count());
    std::vector<double> moved(n * width), moving(n * width), total_moved(n * width, 0.0);
    for (std::size_t stage = 0; stage < stages; ++stage) {
        for (std::size_t a = 0; a < n; ++a) at[a] = nu[a] + step.h * carry[stage] * slope[a];
        for (std::size_t k = 0; k < moved.size(); ++k) moved[k] = tangent[k] + step.h * carry[stage] * moving[k];
        const FieldPoint here{at, step.inputs[place[stage]], coefficients};
        field_->rhs(here, slope);
        field_->jacobian(here, by_nu, by_input);
        field_->by_coefficient(here, moving);
        for (std::size_t a = 0; a < n; ++a) {
            sum[a] += weight[stage] * slope[a];
            for (std::size_t b = 0; b < n; ++b) {
                for (std::size_t j = 0; j < width; ++j)
                    moving[a * width + j] += by_nu[a * n + b] * moved[b * width + j];
            }
        }
        for (std::size_t k = 0; k < moving.size(); ++k) total_moved[k] += weight[stage] * moving[k];
    }
    for (std::size_t a = 0; a < n; ++a) nu[a] += step.h * sum[a];
    for (std::size_t k = 0; k < tangent.size(); ++k) tangent[k] += step.h * total_moved[k];
}

void Action::retreat(const Step& step, std::span<const double> coefficients, std::span<const double> kept,
                     std::span<double> adjoint, std::span<double> gradient) const {
    const std::size_t n = adjoint.size();
    std::vector<double> back(n, 0.0), pushed(n), sum(adjoint.begin(), adjoint.end());
    for (std::size_t stage = stages; stage-- > 0;) {
        const double later = stage + 1 < stages ? carry[stage + 1] : 0.0;
        for (std::size_t a = 0; a < n; ++a) pushed[a] = step.h * (weight[stage] * adjoint[a] + later * back[a]);
        std::fill(back.begin(), back.end(), 0.0);
        const FieldPoint here{kept.subspan(stage * n, n), step.inputs[place[stage]], coefficients};
        field_->pull_back(here, pushed, back, gradient);
        for (std::size_t a = 0; a < n; ++a) sum[a] += back[a];
    }
    std::copy(sum.begin(), sum.end(), adjoint.begin());
}

double Action::loss(std::size_t time, std::span<const double> nu) const {
    if (protocol_.weights[time] == 0.0) return 0.0;
    double sum = 0.0;
    for (std::size_t a = 0; a < nu.size(); ++a) sum += nu[a] * protocol_.awake[time * nu.size() + a];
    return protocol_.weights[time] * (family_->log_partition(nu) - maxent::factor(family_->sign()) * sum);
}

void Action::add_slope(std::size_t time, std::span<const double> nu, std::span<double> slope) const {
    if (protocol_.weights[time] == 0.0) return;
    const auto model = asleep(*family_, nu);
    const double scale = protocol_.weights[time] * maxent::factor(family_->sign());
    for (std::size_t a = 0; a < nu.size(); ++a) slope[a] += scale * (model[a] - protocol_.awake[time * nu.size() + a]);
}

double Action::value(std::span<const double> coefficients, std::span<double> trajectory) const {
    std::vector<double> nu = protocol_.begin;
    double sum = 0.0;
    for (std::size_t time = 0; time < time_count(); ++time) {
        for (std::size_t sub = 0; time > 0 && sub < substeps_; ++sub)
            advance(step(time - 1, sub), coefficients, nu, nullptr);
        if (!trajectory.empty())
            std::copy(nu.begin(), nu.end(), trajectory.begin() + static_cast<std::ptrdiff_t>(time * nu.size()));
        sum += loss(time, nu);
    }
    return sum;
}

double Action::by_adjoint(std::span<const double> coefficients, std::span<double> gradient) const {
    const std::size_t n = field_->nu_count();
    std::vector<double> kept, ends, nu = protocol_.begin;
    double sum = 0.0;
    for (std::size_t time = 0; time < time_count(); ++time) {
        for (std::size_t sub = 0; time > 0 && sub < substeps_; ++sub)
            advance(step(time - 1, sub), coefficients, nu, &kept);
        ends.insert(ends.end(), nu.begin(), nu.end());
        sum += loss(time, nu);
    }
    std::fill(gradient.begin(), gradient.end(), 0.0);
    std::vector<double> adjoint(n, 0.0);
    const std::size_t width = stages * n;
    for (std::size_t time = time_count() - 1; time > 0; --time) {
        add_slope(time, std::span<const double>(ends).subspan(time * n, n), adjoint);
        for (std::size_t sub = substeps_; sub-- > 0;) {
            const auto own = std::span<const double>(kept).subspan(((time - 1) * substeps_ + sub) * width, width);
            retreat(step(time - 1, sub), coefficients, own, adjoint, gradient);
        }
    }
    return sum;
}

double Action::by_sensitivities(std::span<const double> coefficients, std::span<double> gradient) const {
    const std::size_t n = field_->nu_count(), width = coefficients.size();
    std::vector<double> path(time_count() * n), moved(time_count() * n * width), slope(n);
    sensitivities(coefficients, path, moved);
    std::fill(gradient.begin(), gradient.end(), 0.0);
    double sum = 0.0;
    for (std::size_t time = 0; time < time_count(); ++time) {
        const auto nu = std::span<const double>(path).subspan(time * n, n);
        sum += loss(time, nu);
        std::fill(slope.begin(), slope.end(), 0.0);
        add_slope(time, nu, slope);
        for (std::size_t a = 0; a < n; ++a) {
            for (std::size_t j = 0; j < width; ++j) gradient[j] += slope[a] * moved[(time * n + a) * width + j];
        }
    }
    return sum;
}

void Action::sensitivities(std::span<const double> coefficients, std::span<double> trajectory,
                           std::span<double> out) const {
    const std::size_t n = field_->nu_count();
    std::vector<double> nu = protocol_.begin, tangent(n * coefficients.size(), 0.0);
    for (std::size_t time = 0; time < time_count(); ++time) {
        for (std::size_t sub = 0; time > 0 && sub < substeps_; ++sub)
            advance(step(time - 1, sub), coefficients, nu, tangent);
        std::copy(nu.begin(), nu.end(), trajectory.begin() + static_cast<std::ptrdiff_t>(time * n));
        std::copy(tangent.begin(), tangent.end(), out.begin() + static_cast<std::ptrdiff_t>(time * tangent.size()));
    }
}

double total(std::span<const Action* const> actions, std::span<const double> coefficients, std::size_t threads,
             std::span<double> values, std::span<double> gradient) {
    const std::size_t count = actions.size(), width = gradient.size();
    std::vector<double> parts(count * width);
    std::vector<std::exception_ptr> faults(count);
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        for (std::size_t i = next++; i < count; i = next++) {
            try {
                const auto part = std::span(parts).subspan(i * width, width);
                values[i] =
                    width == 0 ? actions[i]->value(coefficients, {}) : actions[i]->by_adjoint(coefficients, part);
            } catch (...) {
                faults[i] = std::current_exception();
            }
        }
    };
    {
        std::vector<std::jthread> others;
        for (std::size_t k = 1; k < std::min(threads, count); ++k) others.emplace_back(work);
        work();
    }
    for (const auto& fault : faults) {
        if (fault) std::rethrow_exception(fault);
    }
    std::fill(gradient.begin(), gradient.end(), 0.0);
    double sum = 0.0;
    for (std::size_t i = 0; i < count; ++i) {
        sum += values[i];
        for (std::size_t j = 0; j < width; ++j) gradient[j] += parts[i * width + j];
    }
    return sum;
}

}  // namespace nubridge::learning
