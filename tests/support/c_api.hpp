#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "nubridge/nubridge.h"

namespace nubridge::test {

struct CloseModel {
    void operator()(nubridge_model* model) const { nubridge_model_close(model); }
};
using Handle = std::unique_ptr<nubridge_model, CloseModel>;

/// Opens a model of the repository or a path; fails the test with the library's own words.
inline Handle open_model(const std::string& name_or_path) {
    nubridge_model* model = nullptr;
    EXPECT_EQ(nubridge_model_open(name_or_path.c_str(), &model), NUBRIDGE_OK) << nubridge_last_error();
    return Handle(model);
}

/// sk and the sizes of its arrays.
class SkTest : public testing::Test {
protected:
    static constexpr std::size_t states = 6;
    static constexpr std::size_t nus = 5;
    static constexpr int32_t model_policy = NUBRIDGE_POLICY_MODEL;

    const nubridge_model* sk() const { return sk_.get(); }
    std::vector<double> steady_moments(const std::vector<double>& calcium_uM) const {
        std::vector<double> moments(calcium_uM.size() * states);
        EXPECT_EQ(
            nubridge_initial_moments(sk(), model_policy, calcium_uM.size(), calcium_uM.data(), moments.data(), nullptr),
            NUBRIDGE_OK);
        return moments;
    }
    std::vector<double> steady_nu(const std::vector<double>& calcium_uM) const {
        std::vector<double> nu(calcium_uM.size() * nus);
        EXPECT_EQ(nubridge_initial(sk(), model_policy, calcium_uM.size(), calcium_uM.data(), nu.data(), nullptr),
                  NUBRIDGE_OK);
        return nu;
    }

    Handle sk_ = open_model("sk");
};

}  // namespace nubridge::test
