// SPDX-License-Identifier: Apache-2.0

/// Counters: each has a name, and all are added up.

#include "rcuvm/vm/counters.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

namespace rcuvm::vm {
namespace {

constexpr std::size_t field_count = sizeof(counters) / sizeof(std::uint64_t);

TEST(counters, have_one_name_each) {
  std::set<std::string> names;
  counters::for_each(counters{}, [&](const char* name, std::uint64_t value, bool) {
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(value, 0U) << name;
  });
  EXPECT_EQ(names.size(), field_count);
}

TEST(counters, show_the_value_of_the_member_that_is_called_so) {
  counters some;
  some.faults = 1;
  some.shootdown_acks = 2;
  some.tables_unlinked = 3;
  std::uint64_t sum = 0;
  counters::for_each(some, [&](std::string_view name, std::uint64_t value, bool is_peak) {
    sum += value;
    EXPECT_EQ(is_peak, name == "longest_retries") << name;
    if (name == "faults") {
      EXPECT_EQ(value, 1U);
    }
    if (name == "shootdown_acks") {
      EXPECT_EQ(value, 2U);
    }
    if (name == "tables_unlinked") {
      EXPECT_EQ(value, 3U);
    }
  });
  EXPECT_EQ(sum, 6U);
}

TEST(counters, add_up_all_but_the_longest_series) {
  counters ones;
  auto* words = reinterpret_cast<std::uint64_t*>(&ones);
  for (std::size_t i = 0; i < field_count; ++i) words[i] = i + 1;
  counters twice = ones;
  twice += ones;
  std::uint64_t sum = 0;
  counters::for_each(twice, [&](const char*, std::uint64_t value, bool) { sum += value; });
  EXPECT_EQ(twice.longest_retries, ones.longest_retries);
  EXPECT_EQ(sum + ones.longest_retries, field_count * (field_count + 1));
}

}  // namespace
}  // namespace rcuvm::vm
