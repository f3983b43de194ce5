// SPDX-License-Identifier: Apache-2.0

#include "rcuvm/tree/find.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "tests/tree/picture.hpp"

namespace rcuvm::tree::testing {
namespace {

using answer = std::optional<entry<letter>>;

answer over(char is, range where) { return entry<letter>{where, record_of(is)}; }

TEST(find, in_an_empty_tree_finds_nothing) {
  drawn_tree tree;
  EXPECT_TRUE(tree.read().is_empty());
  EXPECT_EQ(tree.read().find(0), nullptr);
  EXPECT_EQ(tree.read().find(space_end), nullptr);
  EXPECT_EQ(tree.read().find_entry(7), answer{});
  EXPECT_EQ(tree.read().next(0), answer{});
  EXPECT_EQ(tree.read().previous(space_end), answer{});
}

//                       0         1         2         3
//                       0123456789012345678901234567890
const char* const runs = "AAA.BBCC....DEFGHIJ.KK.LLLLLM.N";

template <class Layout>
class find_in : public ::testing::Test {};
using layouts = ::testing::Types<small_layout, wide_layout>;
TYPED_TEST_SUITE(find_in, layouts);

TYPED_TEST(find_in, every_key_has_the_record_of_its_letter) {
  drawn_tree<TypeParam> tree{runs};
  EXPECT_EQ(tree.draw(34), std::string{runs} + "...");
}

TYPED_TEST(find_in, ranges_are_half_open) {
  drawn_tree<TypeParam> tree{runs};
  EXPECT_EQ(tree.read().find_entry(0), over('A', {0, 3}));
  EXPECT_EQ(tree.read().find_entry(2), over('A', {0, 3}));
  EXPECT_EQ(tree.read().find_entry(3), answer{});
  EXPECT_EQ(tree.read().find_entry(4), over('B', {4, 6}));
  EXPECT_EQ(tree.read().find_entry(5), over('B', {4, 6}));
  EXPECT_EQ(tree.read().find_entry(6), over('C', {6, 8}));
}

TYPED_TEST(find_in, next_is_the_first_that_ends_above_the_key) {
  drawn_tree<TypeParam> tree{runs};
  EXPECT_EQ(tree.read().next(0), over('A', {0, 3}));
  EXPECT_EQ(tree.read().next(2), over('A', {0, 3}));
  EXPECT_EQ(tree.read().next(3), over('B', {4, 6}));
  EXPECT_EQ(tree.read().next(8), over('D', {12, 13}));
  EXPECT_EQ(tree.read().next(30), over('N', {30, 31}));
  EXPECT_EQ(tree.read().next(31), answer{});
  EXPECT_EQ(tree.read().next(space_end), answer{});
}

TYPED_TEST(find_in, previous_is_the_last_that_starts_below_the_key) {
  drawn_tree<TypeParam> tree{runs};
  EXPECT_EQ(tree.read().previous(0), answer{});
  EXPECT_EQ(tree.read().previous(1), over('A', {0, 3}));
  EXPECT_EQ(tree.read().previous(4), over('A', {0, 3}));
  EXPECT_EQ(tree.read().previous(5), over('B', {4, 6}));
  EXPECT_EQ(tree.read().previous(12), over('C', {6, 8}));
  EXPECT_EQ(tree.read().previous(13), over('D', {12, 13}));
  EXPECT_EQ(tree.read().previous(space_end), over('N', {30, 31}));
}

TYPED_TEST(find_in, the_ends_of_the_space_are_keys_but_for_the_topmost_number) {
  drawn_tree<TypeParam> tree;
  const sync::write_section writing{tree.lock()};
  auto change = tree.tree().begin(writing);
  ASSERT_TRUE(change.store({0, 1}, record_of('A')));
  ASSERT_TRUE(change.store({space_end - 1, space_end}, record_of('Z')));
  change.commit();
  const auto view = tree.tree().read(writing);
  EXPECT_EQ(view.find_entry(0), over('A', {0, 1}));
  EXPECT_EQ(view.find(1), nullptr);
  EXPECT_EQ(view.find_entry(space_end - 1), over('Z', {space_end - 1, space_end}));
  EXPECT_EQ(view.find(space_end), nullptr);
  EXPECT_EQ(view.next(1), over('Z', {space_end - 1, space_end}));
  EXPECT_EQ(view.next(space_end), answer{});
  EXPECT_EQ(view.previous(space_end - 1), over('A', {0, 1}));
}

TEST(find, next_behind_the_last_entry_of_a_full_leaf_finds_nothing) {
  drawn_tree<small_layout> tree{"ABC"};  // and the gap behind: four slots
  ASSERT_EQ(tree.read().shape().leaves, 1U);
  EXPECT_EQ(tree.read().next(3), answer{});
  EXPECT_EQ(tree.read().next(space_end - 1), answer{});
}

TYPED_TEST(find_in, one_record_over_the_whole_space) {
  drawn_tree<TypeParam> tree;
  const sync::write_section writing{tree.lock()};
  auto change = tree.tree().begin(writing);
  ASSERT_TRUE(change.store({0, space_end}, record_of('A')));
  change.commit();
  EXPECT_EQ(tree.tree().read(writing).find_entry(space_end - 1), over('A', {0, space_end}));
  EXPECT_EQ(tree.tree().read(writing).lowest_gap(1), std::nullopt);
}

}  // namespace
}  // namespace rcuvm::tree::testing
