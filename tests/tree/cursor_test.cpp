// SPDX-License-Identifier: Apache-2.0

#include "rcuvm/tree/cursor.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <string>

#include "tests/tree/picture.hpp"

namespace rcuvm::tree::testing {
namespace {

/// "A[0,3) B[4,6)": what a walk meets.
template <class Entries>
std::string walk(const Entries& entries) {
  std::string met;
  for (const auto each : entries) {
    met += (met.empty() ? "" : " ") + std::string{each.value->is} + "[" + std::to_string(each.where.start) +
           "," + std::to_string(each.where.end) + ")";
  }
  return met;
}

TEST(cursor, an_empty_tree_has_nothing_to_walk) {
  drawn_tree tree;
  EXPECT_EQ(walk(tree.read()), "");
  EXPECT_EQ(walk(tree.read().within({0, 10})), "");
  EXPECT_EQ(tree.read().count_entries(), 0U);
}

TEST(cursor, meets_each_entry_once_in_order) {
  drawn_tree tree{"AAA.BBCC....DEFGHIJ"};
  EXPECT_EQ(walk(tree.read()),
            "A[0,3) B[4,6) C[6,8) D[12,13) E[13,14) F[14,15) G[15,16) H[16,17) I[17,18) J[18,19)");
  EXPECT_EQ(tree.read().count_entries(), 10U);
}

TEST(cursor, within_limits_meets_what_overlaps_and_gives_its_whole_range) {
  drawn_tree tree{"AAA.BBCC....DEFGHIJ"};
  //               AAA.BBCC....DEFGHIJ
  EXPECT_EQ(walk(tree.read().within({2, 7})), "A[0,3) B[4,6) C[6,8)");
  EXPECT_EQ(walk(tree.read().within({3, 4})), "");
  EXPECT_EQ(walk(tree.read().within({3, 5})), "B[4,6)");
  EXPECT_EQ(walk(tree.read().within({8, 12})), "");
  EXPECT_EQ(walk(tree.read().within({8, 13})), "D[12,13)");
  EXPECT_EQ(walk(tree.read().within({18, space_end})), "J[18,19)");
  EXPECT_EQ(walk(tree.read().within({19, space_end})), "");
}

TEST(cursor, empty_limits_meet_nothing) {
  drawn_tree tree{"AAA.BB"};
  EXPECT_EQ(walk(tree.read().within({1, 1})), "");
  EXPECT_EQ(walk(tree.read().within({2, 1})), "");
  EXPECT_EQ(walk(tree.read().within({space_end, space_end})), "");
}

TEST(cursor, the_last_entry_may_end_the_space) {
  drawn_tree tree{"AB"};
  const sync::write_section writing{tree.lock()};
  auto change = tree.tree().begin(writing);
  ASSERT_TRUE(change.store({5, space_end}, record_of('Z')));
  EXPECT_EQ(walk(change.read()), "A[0,1) B[1,2) Z[5,18446744073709551615)");
  change.abort();
}

TEST(cursor, an_iterator_is_an_input_iterator) {
  using iterator = drawn_tree<>::tree_type::view::iterator;
  static_assert(std::input_iterator<iterator> && std::sentinel_for<std::default_sentinel_t, iterator>);
  const iterator nowhere;
  EXPECT_TRUE(nowhere == std::default_sentinel);
}

}  // namespace
}  // namespace rcuvm::tree::testing
