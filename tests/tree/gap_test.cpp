// SPDX-License-Identifier: Apache-2.0

#include "rcuvm/tree/gap.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "tests/tree/picture.hpp"

namespace rcuvm::tree::testing {
namespace {

using place = std::optional<range>;
constexpr range everywhere{0, space_end};

//                        0         1         2         3
//                        0123456789012345678901234567890
const char* const holes = "AA.BB..CC...DD....EE.....FF..GG";

template <class Layout>
class gap_in : public ::testing::Test {
 protected:
  drawn_tree<Layout> tree_{holes};
};
using layouts = ::testing::Types<small_layout, wide_layout>;
TYPED_TEST_SUITE(gap_in, layouts);

TYPED_TEST(gap_in, lowest_is_the_first_that_is_large_enough) {
  const auto view = this->tree_.read();
  EXPECT_EQ(view.lowest_gap(1), (place{{2, 3}}));
  EXPECT_EQ(view.lowest_gap(2), (place{{5, 7}}));
  EXPECT_EQ(view.lowest_gap(3), (place{{9, 12}}));
  EXPECT_EQ(view.lowest_gap(5), (place{{20, 25}}));
  EXPECT_EQ(view.lowest_gap(6), (place{{31, 37}}));
}

TYPED_TEST(gap_in, highest_is_the_end_of_the_last) {
  const auto view = this->tree_.read();
  EXPECT_EQ(view.highest_gap(4), (place{{space_end - 4, space_end}}));
  EXPECT_EQ(view.highest_gap(1, {0, 31}), (place{{28, 29}}));
  EXPECT_EQ(view.highest_gap(3, {0, 31}), (place{{22, 25}}));
  EXPECT_EQ(view.highest_gap(4, {0, 24}), (place{{20, 24}}));
  EXPECT_EQ(view.highest_gap(4, {0, 23}), (place{{14, 18}}));
}

TYPED_TEST(gap_in, limits_cut_gaps) {
  // AA.BB..CC...DD....EE.....FF..GG
  //          ^^^^^^^^^                   [10, 19)
  const auto view = this->tree_.read();
  EXPECT_EQ(view.lowest_gap(2, {10, 19}), (place{{10, 12}}));
  EXPECT_EQ(view.lowest_gap(3, {10, 19}), (place{{14, 17}}));
  EXPECT_EQ(view.highest_gap(2, {10, 17}), (place{{15, 17}}));
  EXPECT_EQ(view.lowest_gap(4, {15, 20}), place{});
  EXPECT_EQ(view.highest_gap(4, {15, 20}), place{});
  EXPECT_EQ(view.lowest_gap(3, {15, 18}), (place{{15, 18}}));
  EXPECT_EQ(view.lowest_gap(4, {15, 18}), place{});
}

TYPED_TEST(gap_in, alignment_defeats_candidates) {
  // AA.BB..CC...DD....EE.....FF..GG
  const auto view = this->tree_.read();
  EXPECT_EQ(view.lowest_gap(2, everywhere, 2), (place{{10, 12}}));
  EXPECT_EQ(view.lowest_gap(2, everywhere, 4), (place{{16, 18}}));
  EXPECT_EQ(view.lowest_gap(1, everywhere, 8), (place{{16, 17}}));
  EXPECT_EQ(view.lowest_gap(2, everywhere, 32), (place{{32, 34}}));
  EXPECT_EQ(view.highest_gap(2, {0, 31}, 4), (place{{20, 22}}));
  EXPECT_EQ(view.highest_gap(2, {0, 20}, 8), (place{{16, 18}}));
  EXPECT_EQ(view.highest_gap(2, {0, 16}, 8), place{});
}

TYPED_TEST(gap_in, requests_for_nothing_find_nothing) {
  const auto view = this->tree_.read();
  EXPECT_EQ(view.lowest_gap(0), place{});
  EXPECT_EQ(view.lowest_gap(1, {5, 5}), place{});
  EXPECT_EQ(view.lowest_gap(1, {6, 5}), place{});
  EXPECT_EQ(view.lowest_gap(1, everywhere, 0), place{});
  EXPECT_EQ(view.lowest_gap(1, everywhere, 3), place{});
  EXPECT_EQ(view.highest_gap(0), place{});
  EXPECT_EQ(view.highest_gap(1, everywhere, 6), place{});
}

TEST(gap, an_empty_tree_is_one_gap) {
  drawn_tree tree;
  EXPECT_EQ(tree.read().lowest_gap(space_end), (place{{0, space_end}}));
  EXPECT_EQ(tree.read().lowest_gap(7, {100, 110}, 4), (place{{100, 107}}));
  EXPECT_EQ(tree.read().highest_gap(7, {100, 110}, 4), (place{{100, 107}}));
  EXPECT_EQ(tree.read().highest_gap(6, {100, 110}, 4), (place{{104, 110}}));
  EXPECT_EQ(tree.read().highest_gap(1), (place{{space_end - 1, space_end}}));
}

TEST(gap, alignment_near_the_end_of_the_space_does_not_wrap) {
  drawn_tree tree;
  const std::uint64_t half = std::uint64_t{1} << 63;
  EXPECT_EQ(tree.read().lowest_gap(1, {half + 1, space_end}, half), place{});
  EXPECT_EQ(tree.read().lowest_gap(1, {1, space_end}, half), (place{{half, half + 1}}));
  EXPECT_EQ(tree.read().highest_gap(half, everywhere, half), (place{{0, half}}));
  EXPECT_EQ(tree.read().highest_gap(half - 1, everywhere, half), (place{{half, space_end}}));
  EXPECT_EQ(tree.read().lowest_gap(2, {space_end - 1, space_end}), place{});
}

TEST(gap, a_gap_over_several_former_leaves_is_one) {
  drawn_tree tree{"ABCDEFGHIJKLMNOPQRSTUVWXYZ"};
  //               ABCDEFGHIJKLMNOPQRSTUVWXYZ
  tree.change("   ********************   ");
  EXPECT_EQ(tree.draw(26), "ABC....................XYZ");
  EXPECT_EQ(tree.read().lowest_gap(20), (place{{3, 23}}));
}

}  // namespace
}  // namespace rcuvm::tree::testing
