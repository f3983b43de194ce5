// SPDX-License-Identifier: Apache-2.0
#include "src/reclaim/majority.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

namespace rcuvm::reclaim::detail {
namespace {

std::optional<unsigned> winner_of(std::initializer_list<unsigned> cpus) {
  majority of;
  for (const unsigned cpu : cpus) of.vote_for(cpu);
  return of.winner();
}

TEST(majority, of_nothing_is_none) { EXPECT_FALSE(winner_of({})); }

TEST(majority, is_whom_nearly_all_are_for) {
  EXPECT_EQ(winner_of({3}), 3U);
  EXPECT_EQ(winner_of({3, 3, 1, 3, 3, 3}), 3U);
  EXPECT_EQ(winner_of({1, 0, 0, 0, 0, 0, 0}), 0U);
}

TEST(majority, is_none_where_two_are_at_work) {
  EXPECT_FALSE(winner_of({0, 1, 0, 1, 0, 1}));
  EXPECT_FALSE(winner_of({0, 0, 0, 1, 1, 1}));
  EXPECT_FALSE(winner_of({0, 0, 1}));
}

TEST(majority, is_nobody_who_led_for_a_while_only) { EXPECT_FALSE(winner_of({5, 5, 5, 1, 2, 3, 4, 6})); }

}  // namespace
}  // namespace rcuvm::reclaim::detail
