#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "closures.hpp"
#include "csv.hpp"
#include "expect.hpp"
#include "maxent/binary_field.hpp"
#include "maxent/categorical.hpp"
#include "maxent/counts.hpp"
#include "maxent/gaussian.hpp"
#include "units/error.hpp"

namespace nubridge::test {
namespace {

using chemistry::ReactionNetwork;
using dynamics::ClosureOptions;
using dynamics::NetworkClosure;
using maxent::Base;
using maxent::Counts;
using maxent::Sign;

const std::map<std::string, std::string> reaction_of{{"decay", "A -> 0"},      {"birth", "0 -> A"},
                                                     {"annih", "A + A -> 0"},  {"coag", "A + A -> A"},
                                                     {"branch", "A -> A + A"}, {"open", "E -> A"}};

std::shared_ptr<const Counts> counts(Base base, std::size_t order, Sign sign = Sign::minus,
                                     std::optional<std::size_t> sites = {}) {
    return std::make_shared<Counts>(Counts::Definition{{"A"}, order, base, sign, sites, {}});
}

NetworkClosure closure_of(const std::string& reaction, std::shared_ptr<const Counts> family, double k = 1.0) {
    ClosureOptions options;
    if (reaction == "open") options.empty = 1;
    return {network_of({"A", "E"}, {{reaction_of.at(reaction), k}}), std::move(family), options};
}

void expect_close(double found, double stated, double relative, const std::string& what) {
    EXPECT_NEAR(found, stated, relative * std::max(1.0, std::abs(stated))) << what;
}

// Every row: ln Z, moments, covariances and F of one reaction at unit rate.
TEST(CountsClosure, GivesTheWellMixedOracle) {
    std::size_t rows = 0;
    for (const auto& row : read_oracle_text("oracle_wellmixed.csv")) {
        const auto number = [&](const char* column) { return std::stod(row.at(column)); };
        const std::string what = row.at("base") + " " + row.at("nu1") + " " + row.at("reaction");
        const Base base = row.at("base") == "count"     ? Base::counting
                          : row.at("base") == "poisson" ? Base::poisson
                                                        : Base::binomial;
        std::optional<std::size_t> sites;
        if (base == Base::binomial) sites = static_cast<std::size_t>(number("N"));
        for (const Sign sign : {Sign::minus, Sign::plus}) {
            const double turn = -maxent::factor(sign);
            const auto family = counts(base, 2, sign, sites);
            const Numbers nu{turn * number("nu1"), turn * number("nu2")};
            expect_close(family->log_partition(nu), number("lnZ"), 1e-12, what);
            expect_close(moments(*family, nu)[0], number("m1"), 1e-12, what);
            expect_close(moments(*family, nu)[1], number("m2"), 1e-12, what);
            const Numbers covariance = fisher(*family, nu);
            expect_close(covariance[0], number("C11"), 1e-11, what);
            expect_close(covariance[1], number("C12"), 1e-11, what);
            expect_close(covariance[3], number("C22"), 1e-11, what);
            const Numbers f = rhs(closure_of(row.at("reaction"), family), nu);
            expect_close(turn * f[0], number("F1"), 1e-10, what);
            expect_close(turn * f[1], number("F2"), 1e-10, what);
        }
        ++rows;
    }
    EXPECT_EQ(rows, 51u);
}

TEST(CountsClosure, OfOrder3OnThePoissonBaseGivesTheStatedNumbers) {
    const auto family = counts(Base::poisson, 3);
    const Numbers nu{-1.0, 0.02, 0.003};
    const Numbers decay = rhs(closure_of("decay", family), nu), pairs = rhs(closure_of("annih", family), nu);
    const Numbers stated_decay{1.053756350126, 0.0068455170589729, -0.00059241422408436};
    const Numbers stated_pairs{0.15251893587797, 1.0133724020336, -0.0025583117867428};
    for (std::size_t a = 0; a < 3; ++a) {
        EXPECT_NEAR(decay[a], stated_decay[a], 1e-10);
        EXPECT_NEAR(pairs[a], stated_pairs[a], 1e-10);
    }
}

struct FirstOrder {
    std::string name;
    Base base;
    double (*mean)(double nu), (*decay)(double nu), (*birth)(double nu), (*annih)(double nu), (*branch)(double nu);
};

class OrderOne : public testing::TestWithParam<FirstOrder> {};

TEST_P(OrderOne, ClosureIsItsClosedForm) {
    const FirstOrder& law = GetParam();
    const auto family = counts(law.base, 1);
    for (const double nu : {0.2, 0.4, 1.3}) {
        EXPECT_NEAR(moments(*family, {nu})[0], law.mean(nu), 1e-12);
        EXPECT_NEAR(rhs(closure_of("decay", family, 0.7), {nu})[0], 0.7 * law.decay(nu), 1e-12);
        EXPECT_NEAR(rhs(closure_of("birth", family, 0.7), {nu})[0], 0.7 * law.birth(nu), 1e-12);
        EXPECT_NEAR(rhs(closure_of("annih", family, 0.7), {nu})[0], 0.7 * law.annih(nu), 1e-11);
        EXPECT_NEAR(rhs(closure_of("branch", family, 0.7), {nu})[0], 0.7 * law.branch(nu), 1e-12);
    }
}

INSTANTIATE_TEST_SUITE_P(
    CountsClosure, OrderOne,
    testing::Values(FirstOrder{"Counting", Base::counting, [](double nu) { return 1 / std::expm1(nu); },
                               [](double nu) { return -std::expm1(-nu); },
                               [](double nu) { return -4 * std::pow(std::sinh(nu / 2), 2); },
                               [](double nu) { return 2 * std::exp(-nu); }, [](double nu) { return std::expm1(-nu); }},
                    FirstOrder{"Poisson", Base::poisson, [](double nu) { return std::exp(-nu); },
                               [](double) { return 1.0; }, [](double nu) { return -std::exp(nu); },
                               [](double nu) { return std::exp(-nu); }, [](double) { return -1.0; }}),
    CaseName{});

TEST(CountsClosure, OfOrder1OnTheBinomialBaseIsItsClosedForm) {
    const auto family = counts(Base::binomial, 1, Sign::minus, 20);
    EXPECT_NEAR(rhs(closure_of("decay", family), {0.4})[0], 1.6703200460356, 1e-12);
    EXPECT_NEAR(rhs(closure_of("open", family), {0.4})[0], -2.4918246976413, 1e-12);
    EXPECT_NEAR(rhs(closure_of("annih", family), {0.4})[0], 12.736080874677, 1e-11);
}

// A network with all kinds of propensities, an input that is a parameter and one that is a species.
std::shared_ptr<const ReactionNetwork> driven_network() {
    chemistry::NetworkDefinition definition = network_of({"A", "B", "D"}, {{"A -> 0", 0.7},
                                                                           {"A + A -> B", 0.2},
                                                                           {"B + D -> A", 0.3},
                                                                           {"0 -> A", 1.5},
                                                                           {"A + B + D -> B", 0.1},
                                                                           {"D + D -> B", 0.25}})
                                                  ->definition();
    definition.parameters.push_back({"k", 0.4, {}});
    definition.reactions[0].parameter = 0;
    return std::make_shared<const ReactionNetwork>(definition);
}

void expect_jacobian_is_the_slope(const NetworkClosure& closure, const Numbers& nu, const Numbers& inputs) {
    const std::size_t n = nu.size(), m = inputs.size();
    Numbers by_nu(n * n), by_input(n * m);
    closure.jacobian(nu, inputs, by_nu, by_input);
    const auto slope = [](const auto& f, Numbers at, std::size_t b) {
        const double h = 1e-3, centre = at[b];
        const auto value = [&](double by) {
            at[b] = centre + by * h;
            return f(at);
        };
        const Numbers near = value(1), before = value(-1), far = value(2), long_before = value(-2);
        Numbers out;
        for (std::size_t a = 0; a < near.size(); ++a)
            out.push_back((8 * (near[a] - before[a]) - (far[a] - long_before[a])) / (12 * h));
        return out;
    };
    for (std::size_t b = 0; b < n; ++b) {
        const Numbers found = slope([&](const Numbers& at) { return rhs(closure, at, inputs); }, nu, b);
        for (std::size_t a = 0; a < n; ++a)
            EXPECT_NEAR(by_nu[a * n + b], found[a], 1e-7 * std::max(1.0, std::abs(found[a]))) << a << ", " << b;
    }
    for (std::size_t b = 0; b < m; ++b) {
        const Numbers found = slope([&](const Numbers& at) { return rhs(closure, nu, at); }, inputs, b);
        for (std::size_t a = 0; a < n; ++a)
            EXPECT_NEAR(by_input[a * m + b], found[a], 1e-7 * std::max(1.0, std::abs(found[a]))) << a << ", u " << b;
    }
}

TEST(CountsClosure, JacobianIsTheSlopeForEveryBaseAndSign) {
    ClosureOptions options;
    options.inputs = {{chemistry::Input::Target::parameter, 0}, {chemistry::Input::Target::species, 2}};
    for (const Sign sign : {Sign::minus, Sign::plus}) {
        const auto turned = [&](Numbers nu) {
            for (double& one : nu) one *= -maxent::factor(sign);
            return nu;
        };
        const Counts::Definition poisson{{"A", "B"}, 2, Base::poisson, sign, {}, {}};
        const Counts::Definition counting{{"A", "B"}, 1, Base::counting, sign, {}, {}};
        const Counts::Definition binomial{{"A", "B"}, 2, Base::binomial, sign, 15, {}};
        expect_jacobian_is_the_slope({driven_network(), std::make_shared<Counts>(poisson), options},
                                     turned({-1.0, -0.5, 0.05, 0.1, 0.02}), {0.4, 3.5});
        expect_jacobian_is_the_slope({driven_network(), std::make_shared<Counts>(counting), options},
                                     turned({0.7, 0.5}), {0.4, 3.5});
        expect_jacobian_is_the_slope({driven_network(), std::make_shared<Counts>(binomial), options},
                                     turned({0.3, 0.5, -0.05, 0.1, 0.02}), {0.4, 3.5});
    }
}

// Third moments close by Isserlis' theorem: A -> A + A adds mu, 2 N + mu; A + B -> B + B as the reaction features say.
TEST(GaussianClosure, GivesTheReactionFeaturesOfGaussianMoments) {
    const auto family = std::make_shared<maxent::Gaussian>(std::vector<std::string>{"H", "P"});
    const NetworkClosure closure(network_of({"H", "P"}, {{"H -> H + H", 1.0}, {"H + P -> H + H", 1.0}}), family, {});
    const double h = 3.0, p = 2.0, hh = 9.5, hp = 6.2, pp = 4.7;  // means and second moments
    Numbers nu(5), terms(10);
    family->from_moments(Numbers{h, p, hh, hp, pp}, nu);
    closure.terms(nu, {}, terms);
    const Numbers c = fisher(*family, nu);
    const double hhp = -2 * h * h * p + 2 * h * hp + p * hh, hpp = -2 * h * p * p + 2 * p * hp + h * pp;
    const Numbers birth{h, 0, 2 * hh + h, hp, 0}, eat{hp, -hp, 2 * hhp + hp, hpp - hhp - hp, -2 * hpp + hp};
    for (std::size_t a = 0; a < 5; ++a) {
        double rate_birth = 0.0, rate_eat = 0.0;
        for (std::size_t b = 0; b < 5; ++b) {
            rate_birth -= c[a * 5 + b] * terms[b];
            rate_eat -= c[a * 5 + b] * terms[5 + b];
        }
        EXPECT_NEAR(rate_birth, birth[a], 1e-10);
        EXPECT_NEAR(rate_eat, eat[a], 1e-10);
    }
    expect_jacobian_is_the_slope(closure, nu, {});
}

TEST(CategoricalClosure, IsTheExactLawOfAChannel) {
    const auto family = std::make_shared<maxent::Categorical>(std::vector<std::string>{"C", "O"});
    ClosureOptions options;
    options.inputs = {{chemistry::Input::Target::species, 2}};
    const NetworkClosure closure(network_of({"C", "O", "Ca"}, {{"C + Ca -> O + Ca", 50.0}, {"O -> C", 10.0}}), family,
                                 options);
    for (const double nu : {-1.5, 0.3}) {
        EXPECT_NEAR(rhs(closure, {nu}, {0.6})[0], 10 * (1 + std::exp(-nu)) - 50 * 0.6 * (1 + std::exp(nu)), 1e-12);
    }
    expect_jacobian_is_the_slope(closure, {0.3}, {0.6});
}

TEST(NetworkClosure, IsTheSumOfThetaTimesItsTerms) {
    ClosureOptions options;
    options.inputs = {{chemistry::Input::Target::parameter, 0}, {chemistry::Input::Target::species, 2}};
    options.theta = {0.5, 2.0, 0.0, 1.5, 0.7, 1.1};
    const Counts::Definition definition{{"A", "B"}, 2, Base::poisson, Sign::minus, {}, {}};
    const NetworkClosure closure(driven_network(), std::make_shared<Counts>(definition), options);
    const Numbers nu{-1.0, -0.5, 0.05, 0.1, 0.02}, inputs{0.4, 3.5};
    Numbers terms(6 * 5), sum(5, 0.0);
    closure.terms(nu, inputs, terms);
    for (std::size_t r = 0; r < 6; ++r) {
        for (std::size_t a = 0; a < 5; ++a) sum[a] += options.theta[r] * terms[r * 5 + a];
    }
    const Numbers f = rhs(closure, nu, inputs);
    for (std::size_t a = 0; a < 5; ++a) EXPECT_NEAR(sum[a], f[a], 1e-12 * std::max(1.0, std::abs(f[a])));
}

// A binding rate in uM becomes one of molecules: k / (molecules of 1 uM).
TEST(NetworkClosure, OfANetworkInMicromolarNeedsAVolume) {
    chemistry::NetworkDefinition definition = network_of({"A"}, {{"A + A -> 0", 3.0}})->definition();
    definition.unit = chemistry::AmountUnit::uM;
    const auto network = std::make_shared<const ReactionNetwork>(definition);
    expect_refusal<InvalidArgument>([&] { NetworkClosure(network, counts(Base::poisson, 1), {}); }, {"volume"});
    ClosureOptions options;
    options.volume_um3 = 0.5;
    const NetworkClosure closure(network, counts(Base::poisson, 1), options);
    EXPECT_NEAR(rhs(closure, {-1.0})[0], 3.0 / (0.5 * 602.214076) * std::exp(1.0), 1e-12);
}

TEST(NetworkClosure, RefusesWhatDoesNotFit) {
    const auto refused = [](const std::shared_ptr<const ReactionNetwork>& network, const ClosureOptions& options,
                            const std::vector<std::string>& words) {
        expect_refusal<InvalidArgument>([&] { NetworkClosure(network, counts(Base::poisson, 2), options); }, words);
    };
    refused(network_of({"B"}, {{"B -> 0", 1.0}}), {}, {"no species 'A'", "name"});
    refused(network_of({"A", "B"}, {{"A + B -> 0", 1.0}}), {}, {"'A + B -> 0'", "reads 'B'", "input"});
    ClosureOptions options;
    options.theta = {1.0, 2.0};
    refused(network_of({"A"}, {{"A -> 0", 1.0}}), options, {"2 numbers", "1 terms"});
    options = {};
    options.hop_per_s = {1.0};
    refused(network_of({"A"}, {{"A -> 0", 1.0}}), options, {"'A' hops 1", "chain"});
    options = {};
    options.inputs = {{chemistry::Input::Target::species, 0}};
    refused(network_of({"A"}, {{"A -> 0", 1.0}}), options, {"'A' is an input and in the family"});
    options = {};
    options.empty = 1;
    refused(network_of({"A", "E"}, {{"A -> 0", 1.0}}), options, {"empty", "binomial"});
    const auto field = std::make_shared<maxent::BinaryField>(std::vector<std::string>{"A"},
                                                             std::vector<std::vector<std::size_t>>{{0}});
    expect_refusal<InvalidArgument>(
        [&] {
            NetworkClosure(network_of({"A"}, {{"A -> 0", 1.0}}), field, {});
        },
        {"holds no molecules"});
    const auto states = std::make_shared<maxent::Categorical>(std::vector<std::string>{"A", "B"});
    expect_refusal<InvalidArgument>(
        [&] {
            NetworkClosure(network_of({"A", "B"}, {{"A + A -> B", 1.0}}), states, {});
        },
        {"'A + A -> B'", "takes 2"});
}

// On full sites A = 20 - holes and A_A = 190 - 19 holes as long as holes come alone.
TEST(NetworkClosure, NamesTheRedundantDirectionOfASingularFisherMatrix) {
    const NetworkClosure closure(network_of({"A"}, {{"A -> 0", 1.0}}), counts(Base::binomial, 2, Sign::minus, 20), {});
    expect_refusal<InvalidArgument>(
        [&] {
            rhs(closure, {-40.0, 0.0});
        },
        {"singular", "1 A ", "0.0526 A_A", "does not change the law"});
}

TEST(NetworkClosure, RefusesInputsThatAreNoAmounts) {
    ClosureOptions options;
    options.inputs = {{chemistry::Input::Target::species, 1}};
    const NetworkClosure closure(network_of({"A", "D"}, {{"A + D -> 0", 1.0}}), counts(Base::poisson, 1), options);
    expect_refusal<InvalidArgument>([&] { rhs(closure, {0.0}, {-2.0}); }, {"input 0 is -2"});
}

}  // namespace
}  // namespace nubridge::test
