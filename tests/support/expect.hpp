#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nubridge::test {

/// Names a case of a table by its member `name`: for INSTANTIATE_TEST_SUITE_P.
struct CaseName {
    template <class Info>
    std::string operator()(const Info& one) const {
        return one.param.name;
    }
};

inline void expect_words(const std::string& text, const std::vector<std::string>& words) {
    for (const auto& word : words)
        EXPECT_NE(text.find(word), std::string::npos) << "'" << word << "' is not in: " << text;
}

/// Expects exactly this exception, with each word in its message.
template <class Exception, class Body>
void expect_refusal(Body&& body, const std::vector<std::string>& words) {
    try {
        body();
        ADD_FAILURE() << "nothing was thrown";
    } catch (const Exception& error) {
        expect_words(error.what(), words);
    } catch (const std::exception& error) {
        ADD_FAILURE() << "another exception was thrown: " << error.what();
    }
}

}  // namespace nubridge::test
