#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "c_api/guarded.hpp"
#include "c_api/network_handle.hpp"
#include "dynamics/network_closure.hpp"
#include "maxent/family.hpp"
#include "nubridge/nubridge.h"

/// What a nubridge_family points to.
struct nubridge_family {
    explicit nubridge_family(std::shared_ptr<const nubridge::maxent::Family> given)
        : family(std::move(given)), nu_names(family->nu_names()), moment_names(family->moment_names()) {}

    std::shared_ptr<const nubridge::maxent::Family> family;
    std::vector<std::string> nu_names, moment_names;
};

/// What a nubridge_closure points to.
struct nubridge_closure {
    std::shared_ptr<const nubridge::dynamics::NetworkClosure> closure;
};

namespace nubridge::c_api {

/// Calls `body(in, out)` with the spans of each row.
template <class Body>
void each_row(std::size_t rows, const double* in, std::size_t in_width, double* out, std::size_t out_width,
              const Body& body) {
    if (rows == 0) return;
    required(in, "the rows to read");
    required(out, "the place for the rows");
    for (std::size_t row = 0; row < rows; ++row)
        body(std::span(in + row * in_width, in_width), std::span(out + row * out_width, out_width));
}

/// The `count` inputs of a row; `inputs` may be null when there are none.
inline std::span<const double> inputs_of(std::size_t count, const double* inputs, std::size_t row) {
    if (count == 0) return {};
    return {required(inputs, "the inputs") + row * count, count};
}

}  // namespace nubridge::c_api
