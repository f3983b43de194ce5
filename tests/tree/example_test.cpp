// SPDX-License-Identifier: Apache-2.0

/// The example of the README runs, and prints what it says.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#define main example_main  // NOLINT(cppcoreguidelines-macro-usage): the test program has a main of its own
#include "examples/maple_tree.cpp"  // NOLINT(bugprone-suspicious-include)
#undef main

namespace rcuvm::tree::testing {
namespace {

TEST(example, prints_what_it_says) {
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(example_main(), 0);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(),
            "at 0x2fff: code\n"
            "two free pages at 0x4000\n"
            "before: 0x1000 code\n"
            "before: 0x3000 data\n"
            "now: 0x1000 code\n");
}

std::string text_of(const std::string& file) {
  std::ifstream from{std::string{RCUVM_SOURCE_DIR} + "/" + file};
  return {std::istreambuf_iterator<char>{from}, {}};
}

TEST(example, is_the_one_in_the_readme) {
  std::string example = text_of("examples/maple_tree.cpp");
  ASSERT_FALSE(example.empty());
  EXPECT_LT(std::count(example.begin(), example.end(), '\n'), 40);
  example.erase(0, example.find('\n') + 1);  // the licence line
  EXPECT_NE(text_of("README.md").find("```cpp\n" + example + "```"), std::string::npos);
}

}  // namespace
}  // namespace rcuvm::tree::testing
