// SPDX-License-Identifier: Apache-2.0

/// Several writers' changes in one version: none is lost, each is there when its writer is told.

#include "rcuvm/tree/group_commit.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "rcuvm/sync/rcu.hpp"
#include "rcuvm/sync/thread.hpp"

namespace rcuvm::tree {
namespace {

constexpr char value = 'v';

range place_of(unsigned writer, unsigned index) {
  const std::uint64_t start = 10 * (index * std::uint64_t{4} + writer);
  return {start, start + 5};
}

TEST(group_commit, loses_no_change) {
  constexpr unsigned each = 500;
  const sync::rcu::registration here{"test"};
  maple_tree<const char> of;
  {
    group_commit<const char> group{of};
    std::vector<sync::thread> writers;
    for (unsigned self = 0; self < 4; ++self) {
      writers.emplace_back("writer", [&, self] {
        for (unsigned i = 0; i < each; ++i) {
          EXPECT_TRUE(group.store(place_of(self, i), &value));
          {
            const sync::rcu::read_section reading;
            EXPECT_EQ(of.find(reading, place_of(self, i).start), &value);
          }
          if (i % 2 == 1) {
            EXPECT_TRUE(group.store(place_of(self, i), nullptr));
          }
        }
      });
    }
  }
  const sync::rcu::read_section reading;
  EXPECT_TRUE(of.verify(reading));
  for (unsigned self = 0; self < 4; ++self) {
    for (unsigned i = 0; i < each; ++i)
      EXPECT_EQ(of.find(reading, place_of(self, i).start), i % 2 == 0 ? &value : nullptr);
  }
}

TEST(group_commit, refuses_an_empty_range) {
  const sync::rcu::registration here{"test"};
  maple_tree<const char> of;
  group_commit<const char> group{of};
  EXPECT_EQ(group.store({5, 5}, &value).error().number(), EINVAL);
}

}  // namespace
}  // namespace rcuvm::tree
