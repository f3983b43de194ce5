// SPDX-License-Identifier: Apache-2.0

/// Each rule, broken by hand in a sound tree, is found and named, with the path to the node.

#include "rcuvm/tree/verify.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/tree/counting.hpp"
#include "tests/tree/picture.hpp"

namespace rcuvm::tree::testing {
namespace {

class broken_tree : public ::testing::Test {
 protected:
  /// Each run in a transaction of its own: stores that rise in one would leave the leaves full.
  broken_tree() {
    for_each_run(picture, [&](range where, char is) {
      tree_.change(std::string(where.start, ' ') + std::string(where.size(), is));
    });
  }

  link<small_layout> root() { return open_view<letter, small_layout>{tree_.read()}.root(); }
  /// The first leaf and the node above it.
  leaf<small_layout>& first_leaf() { return first_inner().child(0).as_leaf(); }
  link<small_layout> first_inner() {
    link<small_layout> at = root();
    while (at.level() > 1) at = at.child(0);
    return at;
  }
  std::string first_leaf_path() { return first_inner_path() + "[0]"; }
  std::string first_inner_path() {
    std::string path = "root";
    for (unsigned level = root().level(); level != 1; --level) path += "[0]";
    return path;
  }

  /// With `place` changed to `value`, verify() says so, at that path.
  template <class Field>
  void breaks(Field& place, Field value, const std::string& path, const std::string& rule) {
    const Field before = place;
    place = value;
    const auto sound = tree_.read().verify();
    place = before;
    ASSERT_FALSE(sound) << rule;
    EXPECT_EQ(sound.error().substr(0, path.size() + 2), path + ": ");
    EXPECT_NE(sound.error().find(rule), std::string::npos) << sound.error();
    ASSERT_TRUE(tree_.read().verify());
  }

  //                                           0         1         2         3
  //                                           0123456789012345678901234567890
  static constexpr std::string_view picture = "AB.CDEFG..HIJKLMNOPQRSTUVWX";
  drawn_tree<small_layout> tree_;
};

TEST_F(broken_tree, pivots_that_fall) {
  breaks(first_leaf().pivot.packed[0], std::uint32_t{0}, first_leaf_path(), "pivots rise: pivot 0");
}
TEST_F(broken_tree, inner_pivots_that_fall) {
  breaks(first_inner().as_inner().pivot[0], std::uint64_t{0}, first_inner_path(), "pivots rise: pivot 0");
}
TEST_F(broken_tree, a_node_that_ends_elsewhere_than_its_parent_says) {
  const unsigned last = first_leaf().head.count - 1U;
  ASSERT_GE(last, 1U);
  breaks(first_leaf().pivot.packed[last - 1], static_cast<std::uint32_t>(first_inner().as_inner().pivot[0]),
         first_leaf_path(), "last pivot lies below the node's end");
}
TEST_F(broken_tree, neighbouring_gaps) {
  // AB.|.. where C was
  leaf<small_layout>& second = first_inner().child(1).as_leaf();
  ASSERT_EQ(second.slot[0], nullptr);
  breaks(second.slot[1], static_cast<void*>(nullptr),
         first_leaf_path().substr(0, first_leaf_path().size() - 3) + "[1]", "no two gaps are neighbours");
}
TEST_F(broken_tree, a_leaf_that_ends_in_a_gap) {
  const unsigned last = first_leaf().head.count - 1U;
  breaks(first_leaf().slot[last], static_cast<void*>(nullptr), first_leaf_path(),
         "no leaf but the last ends in a gap");
}
TEST_F(broken_tree, a_gap_that_the_parent_does_not_know) {
  breaks(first_inner().as_inner().gap[0], gap_size::round_up(9), first_leaf_path(),
         "the largest gap is 9, it is 0");
}
TEST_F(broken_tree, a_node_with_too_few_slots) {
  breaks(first_leaf().head.count, std::uint16_t{1}, first_leaf_path(), "at least the minimum of slots");
}
TEST_F(broken_tree, a_node_with_no_slots) {
  breaks(first_leaf().head.count, std::uint16_t{0}, first_leaf_path(), "1 to 4 slots");
}
TEST_F(broken_tree, a_node_with_too_many_slots) {
  breaks(first_leaf().head.count, std::uint16_t{5}, first_leaf_path(), "1 to 4 slots");
}
TEST_F(broken_tree, a_node_of_a_wrong_level) {
  breaks(first_leaf().head.level, std::uint16_t{1}, first_leaf_path(), "each node knows its own");
}
TEST_F(broken_tree, unused_slots_with_something_in_them) {
  leaf<small_layout>& node = first_leaf();
  ASSERT_LT(node.head.count, 4U);
  breaks(node.slot[3], static_cast<void*>(record_of('Z')), first_leaf_path(), "unused slots are empty");
  breaks(node.pivot.packed[2], std::uint32_t{1000}, first_leaf_path(),
         "unused pivots are the largest number");
}
TEST_F(broken_tree, unused_gaps_and_pivots_with_something_in_them) {
  inner<small_layout>& node = root().as_inner();
  ASSERT_LT(node.head.count, 4U);
  breaks(node.pivot[2], std::uint64_t{1000}, "root", "unused pivots are the largest number");
  breaks(node.gap[3], gap_size::round_up(1), "root", "unused gaps are 0");
}
TEST_F(broken_tree, an_inner_slot_without_a_child) {
  breaks(first_inner().as_inner().slot[0], static_cast<void*>(nullptr), first_leaf_path(),
         "an inner slot has a child");
}
TEST_F(broken_tree, a_root_with_one_child) {
  breaks(root().as_inner().head.count, std::uint16_t{1}, "root", "at least two children");
}
TEST_F(broken_tree, a_node_without_a_reference) {
  first_leaf().head.references.store_relaxed(0);
  const auto sound = tree_.read().verify();
  first_leaf().head.references.store_relaxed(1);
  ASSERT_FALSE(sound);
  EXPECT_NE(sound.error().find("a live node has a reference"), std::string::npos);
}

/// Pages enough for a root with separators.
TEST(verify, a_separator_that_repeats_another_pivot) {
  reclaim::limbo limbo;
  sync::mutex lock;
  maple_tree<letter, wide_layout> tree{limbo};
  const sync::write_section writing{lock};
  auto change = tree.begin(writing);
  for (std::uint64_t page = 0; page != 1000; ++page)
    ASSERT_TRUE(change.store({page << 12, (page + 1) << 12}, record_of('A')));
  change.commit();
  auto& top = open_view<letter, wide_layout>{tree.read(writing)}.root().as_inner();
  ASSERT_GT(top.head.count, 20U);
  for (unsigned i = 0; i != top.separator.size(); ++i) {
    const std::uint64_t before = top.separator[i];
    top.separator[i] = before - 1;
    const auto sound = tree.verify(writing);
    top.separator[i] = before;
    ASSERT_FALSE(sound);
    EXPECT_EQ(sound.error(), "root: separator " + std::to_string(i) + " repeats its line's last pivot");
  }
  EXPECT_TRUE(tree.verify(writing));
}

TEST(verify, nodes_without_entries) {
  drawn_tree tree{"A"};
  auto& only = open_view<letter, small_layout>{tree.read()}.root().as_leaf();
  ASSERT_TRUE(only.is_plain());  // it spans the space
  only.slot[0] = nullptr;
  only.pivot.plain[0] = space_end;
  only.head.count = 1;
  const auto sound = tree.read().verify();
  only.slot[0] = record_of('A');
  only.pivot.plain[0] = 1;
  only.head.count = 2;
  ASSERT_FALSE(sound);
  EXPECT_EQ(sound.error(), "root: a tree without entries has no nodes");
}

TEST(shape, counts_what_is_there) {
  drawn_tree tree;
  EXPECT_EQ(tree.read().shape().levels, 0U);
  EXPECT_EQ(tree.read().shape().gaps, 1U);
  tree.change("AB.CDEFG..HIJKLMNOPQRSTUVWX");
  const auto shape = tree.read().shape();
  EXPECT_EQ(shape.entries, 24U);
  EXPECT_EQ(shape.gaps, 3U);
  EXPECT_GE(shape.levels, 3U);
  EXPECT_EQ(shape.bytes,
            shape.leaves * sizeof(leaf<small_layout>) + shape.inners * sizeof(inner<small_layout>));
}

}  // namespace
}  // namespace rcuvm::tree::testing
