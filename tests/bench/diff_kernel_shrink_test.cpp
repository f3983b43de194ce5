// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/shrink.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace rcuvm::diff_kernel {
namespace {

/// Calls that are told apart by where they are.
std::vector<call> calls_at(std::size_t count) {
  std::vector<call> made(count);
  for (std::size_t i = 0; i < count; ++i) made[i].at = i;
  return made;
}

bool has(const std::vector<call>& calls, std::uint64_t at) {
  return std::ranges::any_of(calls, [at](const call& one) { return one.at == at; });
}

TEST(shrink, Leaves_just_the_calls_that_are_needed_in_their_order) {
  const auto left = shrink(
      calls_at(500), [](const auto& calls) { return has(calls, 3) && has(calls, 77) && has(calls, 499); });
  ASSERT_EQ(left.size(), 3);
  EXPECT_EQ(left[0].at, 3);
  EXPECT_EQ(left[1].at, 77);
  EXPECT_EQ(left[2].at, 499);
}

TEST(shrink, Leaves_one_call_when_any_will_do) {
  EXPECT_EQ(shrink(calls_at(64), [](const auto&) { return true; }).size(), 1);
}

TEST(shrink, Leaves_all_when_all_are_needed) {
  EXPECT_EQ(shrink(calls_at(9), [](const auto&) { return false; }).size(), 9);
}

TEST(shrink, Asks_about_no_empty_sequence) {
  const auto left = shrink(calls_at(1), [](const auto& calls) {
    EXPECT_FALSE(calls.empty());
    return false;
  });
  EXPECT_EQ(left.size(), 1);
}

TEST(shrink, Finds_what_can_go_only_after_something_else_went) {
  // An even number of calls is needed, and the last of all.
  const auto left =
      shrink(calls_at(100), [](const auto& calls) { return calls.size() % 2 == 0 && has(calls, 99); });
  EXPECT_EQ(left.size(), 2);
}

}  // namespace
}  // namespace rcuvm::diff_kernel
