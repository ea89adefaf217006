#include "dynamics/polynomial.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "chemistry/refuse.hpp"

namespace nubridge::dynamics {

namespace {

using chemistry::refuse;

constexpr std::size_t nothing = std::numeric_limits<std::size_t>::max();

}  // namespace

Polynomial::Polynomial(std::size_t inputs, std::vector<std::vector<Product>> products)
    : inputs_(inputs), products_(std::move(products)) {
    if (products_.empty()) refuse<InvalidArgument>("a polynomial field has no nu; give one list of products a nu");
    const std::size_t known = nu_count() + inputs_;
    for (std::size_t a = 0; a < nu_count(); ++a) {
        coefficients_ += products_[a].size();
        for (const Product& product : products_[a]) {
            for (const std::size_t place : product) {
                if (place >= known)
                    refuse<InvalidArgument>("a product of F ", a, " has the factor ", place, "; there are ", known,
                                            " nu and inputs, counted from 0");
            }
        }
    }
}

/// The product but for the factor number `without`.
double Polynomial::value(const FieldPoint& at, const Product& product, std::size_t without) const noexcept {
    double value = 1.0;
    for (std::size_t i = 0; i < product.size(); ++i) {
        if (i != without) value *= factor(at, product[i]);
    }
    return value;
}

/// Calls f(a, place of the coefficient, product).
template <class F>
void Polynomial::each_product(F&& f) const {
    std::size_t place = 0;
    for (std::size_t a = 0; a < nu_count(); ++a) {
        for (const Product& product : products_[a]) f(a, place++, product);
    }
}

bool Polynomial::rhs(const FieldPoint& at, std::span<double> rhs) const {
    std::fill(rhs.begin(), rhs.end(), 0.0);
    each_product([&](std::size_t a, std::size_t place, const Product& product) {
        rhs[a] += at.coefficients[place] * value(at, product, nothing);
    });
    return true;
}

void Polynomial::jacobian(const FieldPoint& at, std::span<double> by_nu, std::span<double> by_input) const {
    const std::size_t n = nu_count();
    std::fill(by_nu.begin(), by_nu.end(), 0.0);
    std::fill(by_input.begin(), by_input.end(), 0.0);
    each_product([&](std::size_t a, std::size_t place, const Product& product) {
        for (std::size_t i = 0; i < product.size(); ++i) {
            const double slope = at.coefficients[place] * value(at, product, i);
            if (product[i] < n)
                by_nu[a * n + product[i]] += slope;
            else
                by_input[a * inputs_ + product[i] - n] += slope;
        }
    });
}

void Polynomial::by_coefficient(const FieldPoint& at, std::span<double> out) const {
    std::fill(out.begin(), out.end(), 0.0);
    each_product([&](std::size_t a, std::size_t place, const Product& product) {
        out[a * coefficients_ + place] = value(at, product, nothing);
    });
}

void Polynomial::pull_back(const FieldPoint& at, std::span<const double> adjoint, std::span<double> by_nu,
                           std::span<double> by_coefficient) const {
    each_product([&](std::size_t a, std::size_t place, const Product& product) {
        by_coefficient[place] += adjoint[a] * value(at, product, nothing);
        for (std::size_t i = 0; i < product.size(); ++i) {
            if (product[i] < nu_count())
                by_nu[product[i]] += adjoint[a] * at.coefficients[place] * value(at, product, i);
        }
    });
}

}  // namespace nubridge::dynamics
