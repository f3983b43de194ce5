// SPDX-License-Identifier: Apache-2.0

/// The example of the README runs, and prints what it says.

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace rcuvm::tree::testing
