// The action and its gradient, against numbers that were computed otherwise.
#include "learning/action.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "closures.hpp"
#include "dynamics/basis_combination.hpp"
#include "expect.hpp"
#include "maxent/counts.hpp"
#include "maxent/ising_chain.hpp"
#include "units/error.hpp"

namespace nubridge::test {
namespace {

using dynamics::BasisCombination;
using dynamics::FieldPoint;
using dynamics::NetworkClosure;
using dynamics::VectorField;
using learning::Action;
using learning::Protocol;
using maxent::Base;
using maxent::Counts;
using maxent::IsingChain;

/// F of one nu as a sum of given functions: SUM_j c_j f_j(nu).
class Functions final : public VectorField {
public:
    using Function = std::pair<double (*)(double nu, std::size_t j), double (*)(double nu, std::size_t j)>;
    Functions(std::size_t count, Function function) : count_(count), function_(function) {}

    std::size_t nu_count() const noexcept override { return 1; }
    std::size_t input_count() const noexcept override { return 0; }
    std::size_t coefficient_count() const noexcept override { return count_; }
    bool rhs(const FieldPoint& at, std::span<double> rhs) const override {
        rhs[0] = sum(at, function_.first);
        return true;
    }
    void jacobian(const FieldPoint& at, std::span<double> by_nu, std::span<double>) const override {
        by_nu[0] = sum(at, function_.second);
    }
    void by_coefficient(const FieldPoint& at, std::span<double> out) const override {
        for (std::size_t j = 0; j < count_; ++j) out[j] = function_.first(at.nu[0], j);
    }
    void pull_back(const FieldPoint& at, std::span<const double> adjoint, std::span<double> by_nu,
                   std::span<double> by_coefficient) const override {
        by_nu[0] += adjoint[0] * sum(at, function_.second);
        for (std::size_t j = 0; j < count_; ++j) by_coefficient[j] += adjoint[0] * function_.first(at.nu[0], j);
    }

private:
    double sum(const FieldPoint& at, double (*f)(double, std::size_t)) const {
        double total = 0.0;
        for (std::size_t j = 0; j < count_; ++j) total += at.coefficients[j] * f(at.nu[0], j);
        return total;
    }
    std::size_t count_;
    Function function_;
};

/// `count` intervals to `end_s` with Simpson's weights (an even number), and no data yet.
Protocol simpson(double end_s, std::size_t count, Numbers begin) {
    Protocol protocol;
    protocol.begin = std::move(begin);
    for (std::size_t i = 0; i <= count; ++i) {
        protocol.times_s.push_back(end_s * static_cast<double>(i) / static_cast<double>(count));
        const double share = i == 0 || i == count ? 1.0 : (i % 2 == 1 ? 4.0 : 2.0);
        protocol.weights.push_back(share * end_s / static_cast<double>(count) / 3.0);
    }
    return protocol;
}

// F = 1 + 0.5 sin nu from 0.2; the third function is a bump at 0.9 that F does not have.
TEST(Action, SensitivitiesAreTheStatedNumbers) {
    const auto family = std::make_shared<const Counts>(Counts::Definition{{"A"}, 1, Base::poisson});
    const Functions::Function functions{
        [](double nu, std::size_t j) {
            return j == 0 ? 1.0 : j == 1 ? std::sin(nu) : std::exp(-(nu - 0.9) * (nu - 0.9) / 0.02);
        },
        [](double nu, std::size_t j) {
            return j == 0 ? 0.0 : j == 1 ? std::cos(nu) : -100 * (nu - 0.9) * std::exp(-(nu - 0.9) * (nu - 0.9) / 0.02);
        }};
    Protocol protocol = simpson(1.5, 2, {0.2});
    protocol.awake.assign(3, 1.0);
    const Action action(std::make_shared<Functions>(3, functions), family, protocol, 1000);
    Numbers path(3), moved(9);
    action.sensitivities(Numbers{1.0, 0.5, 0.0}, path, moved);
    EXPECT_NEAR(path[2], 2.2732345871855, 1e-12);
    EXPECT_NEAR(moved[8], .1795947096, 1e-10);
    // dnu(t)/dF(x) = F(nu(t)) / F(x)^2.
    const auto f = [](double nu) { return 1 + 0.5 * std::sin(nu); };
    for (const auto& [x, stated] : {std::pair{.5, .898982096828}, {1.0, .684489407729}, {1.5, .615086581189}})
        EXPECT_NEAR(f(path[2]) / (f(x) * f(x)), stated, 1e-12);
}

// N = 20 channels, alpha 1, beta 0.5 from q = 0.1, on hats at -3 .. 3. F has kinks, where a step is of order 1: 1e5
// steps are within 1e-6 of the limit. The stated action has 1.2e-8 of its own sum over times.
TEST(Action, OnHatsIsTheStatedNumber) {
    const auto family =
        std::make_shared<const Counts>(Counts::Definition{{"A"}, 1, Base::binomial, maxent::Sign::minus, 20});
    const Functions::Function hats{
        [](double nu, std::size_t j) { return std::max(0.0, 1 - std::abs(nu + 3 - static_cast<double>(j))); },
        [](double nu, std::size_t j) {
            const double x = nu + 3 - static_cast<double>(j);
            return std::abs(x) >= 1 ? 0.0 : x > 0 ? -1.0 : 1.0;
        }};
    Protocol protocol = simpson(1.0, 1000, {std::log(9.0)});
    double least = 0.0;
    for (std::size_t i = 0; i < protocol.times_s.size(); ++i) {
        const double q = 2.0 / 3 + (0.1 - 2.0 / 3) * std::exp(-1.5 * protocol.times_s[i]);
        protocol.awake.push_back(20 * q);
        least -= protocol.weights[i] * 20 * (q * std::log(q) + (1 - q) * std::log(1 - q));
    }
    const Action action(std::make_shared<Functions>(7, hats), family, protocol, 100);
    const Numbers u{.3, -.2, .1, -.4, -.8, -1.2, -.5};
    Numbers gradient(7), forward(7), path(protocol.times_s.size());
    action.value(u, path);
    EXPECT_NEAR(path.back(), 1.1564279955, 1e-8);
    EXPECT_NEAR(action.by_adjoint(u, gradient) - least, 2.6989527983, 2e-8);
    action.by_sensitivities(u, forward);
    const Numbers stated{0, 0, 0, 0, .5363447, 1.6772547, .065957};
    for (std::size_t j = 0; j < 7; ++j) {
        EXPECT_NEAR(gradient[j], stated[j], 1e-6) << j;
        EXPECT_NEAR(gradient[j], forward[j], 1e-12) << j;
    }
}

/// Decay at 1 and A + A -> 0 at 0.5 on the infinite chain, exact data; theta a nu and reaction.
Action decay_and_pairs(Protocol protocol) {
    const auto family =
        std::make_shared<const IsingChain>(IsingChain::Definition{{"A"}, IsingChain::Boundary::infinite});
    const auto closure = std::make_shared<const NetworkClosure>(
        network_of({"A"}, {{"A -> 0", 1.0}, {"A + A -> 0", 1.0}}), family, dynamics::ClosureOptions{});
    const Numbers start = moments(*family, protocol.begin);
    for (const double t : protocol.times_s) {
        const Numbers exact = pairs_law(t, start[0], start[1], 1.0, 0.5, 0.0);
        protocol.awake.insert(protocol.awake.end(), exact.begin(), exact.end());
    }
    return {std::make_shared<const BasisCombination>(closure, true), family, std::move(protocol), 2};
}

TEST(Action, OfThetaHasTheStatedGradient) {
    const Action action = decay_and_pairs(simpson(1.0, 100, {0.5, 0.1}));
    Numbers path(2 * 101), gradient(4);
    action.value(Numbers{1, .5, 1, .5}, path);
    EXPECT_NEAR(path[200], -1.515549538, 1e-9);
    EXPECT_NEAR(path[201], -.20673764, 1e-8);
    action.by_adjoint(Numbers{1, .5, 1, .5}, gradient);
    for (const double slope : gradient) EXPECT_NEAR(slope, 0.0, 1e-9);
    action.value(Numbers{.5, .5, .5, .5}, path);
    EXPECT_NEAR(path[200], -.97798179, 1e-8);
    EXPECT_NEAR(path[201], -.126459666, 1e-9);
    action.by_adjoint(Numbers{.5, .5, .5, .5}, gradient);
    const Numbers stated{-.04780269, -.04814896, -.00476188, -.00174634};
    for (std::size_t j = 0; j < 4; ++j) EXPECT_NEAR(gradient[j], stated[j], 1e-8) << j;
}

TEST(Action, RefusesWhatDoesNotFit) {
    const auto refused = [](const auto& spoil, const std::vector<std::string>& words) {
        Protocol protocol = simpson(1.0, 2, {0.5, 0.1});
        spoil(protocol);
        expect_refusal<InvalidArgument>([&] { decay_and_pairs(protocol); }, words);
    };
    refused([](Protocol& p) { p.times_s[1] = 2.0; }, {"1 after 2", "sort"});
    refused([](Protocol& p) { p.times_s = {0.0}; }, {"1 times", "at least 2"});
    refused([](Protocol& p) { p.weights.pop_back(); }, {"weights has 2", "3"});
    refused([](Protocol& p) { p.inputs = {1.0}; }, {"inputs has 1", "0"});
    refused([](Protocol& p) { p.weights[1] = std::numeric_limits<double>::quiet_NaN(); },
            {"weights has nan at place 1"});
}

}  // namespace
}  // namespace nubridge::test
