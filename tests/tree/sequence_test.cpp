// SPDX-License-Identifier: Apache-2.0

#include "rcuvm/tree/sequence.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace rcuvm::tree::testing {
namespace {

template <unsigned LeafSlots, unsigned InnerSlots, unsigned PlainSlots = LeafSlots>
struct slots {
  static constexpr unsigned leaf_slots = LeafSlots;
  static constexpr unsigned plain_leaf_slots = PlainSlots;
  static constexpr unsigned inner_slots = InnerSlots;
};

int record = 0;

/// 'A' a record, '.' a gap; `is_last`: up to the end of the space.
template <class Node>
sequence<Node> leaf_sequence(const std::string& pattern, bool is_last) {
  sequence<Node> made{0};
  for (unsigned i = 0; i < pattern.size(); ++i) {
    const bool is_end = is_last && i + 1 == pattern.size();
    made.push(is_end ? space_end : std::uint64_t{i} + 1, pattern[i] == '.' ? nullptr : &record);
  }
  return made;
}

/// The sizes of the pieces, checked against the rules.
template <class Node>
void check_cuts(const sequence<Node>& contents, const std::string& pattern) {
  const auto cuts = contents.cut();
  const std::size_t fewest = (pattern.size() + Node::slots - 1) / Node::slots;
  const std::size_t most = (pattern.size() + Node::plain_slots - 1) / Node::plain_slots + 1;
  ASSERT_GE(cuts.pieces, fewest) << pattern;
  ASSERT_LE(cuts.pieces, most) << pattern;
  unsigned from = 0;
  for (unsigned i = 0; i < cuts.pieces; ++i) {
    const unsigned size = cuts.end[i] - from;
    ASSERT_LE(size, Node::slots) << pattern << " piece " << i;
    ASSERT_TRUE(contents.fits(from, cuts.end[i])) << pattern << " piece " << i;
    ASSERT_TRUE(size >= Node::minimum || cuts.pieces == 1) << pattern << " piece " << i;
    ASSERT_TRUE(pattern[cuts.end[i] - 1] != '.' || i + 1 == cuts.pieces) << pattern << " piece " << i;
    from = cuts.end[i];
  }
  ASSERT_EQ(from, pattern.size()) << pattern;
}

/// All patterns of a length without neighbouring gaps; every 7th when there are too many.
template <class Node, class F>
void for_each_pattern(unsigned length, F f) {
  for (std::uint32_t gaps = 0; gaps < (1U << length); gaps += length > 16 ? 7 : 1) {
    if ((gaps & (gaps << 1U)) != 0) continue;
    std::string pattern(length, 'A');
    for (unsigned i = 0; i < length; ++i) {
      if ((gaps >> i & 1U) != 0) pattern[i] = '.';
    }
    f(pattern);
  }
}

template <class Layout>
void check_all_patterns(unsigned longest) {
  using node = leaf<Layout>;
  for (unsigned length = 1; length <= longest; ++length) {
    for_each_pattern<node>(length, [](const std::string& pattern) {
      check_cuts(leaf_sequence<node>(pattern, true), pattern);
      if (pattern.back() != '.') check_cuts(leaf_sequence<node>(pattern, false), pattern);
    });
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(sequence, cuts_of_every_pattern_are_legal_4) { check_all_patterns<slots<4, 4>>(18); }
TEST(sequence, cuts_of_every_pattern_are_legal_5) { check_all_patterns<slots<5, 7>>(19); }
TEST(sequence, cuts_of_every_pattern_are_legal_6) { check_all_patterns<slots<6, 7>>(19); }
TEST(sequence, cuts_of_every_pattern_are_legal_15) { check_all_patterns<slots<15, 13>>(20); }

// The last leaf spans the space, so its pivots can't be packed and it holds fewer slots.
TEST(sequence, cuts_of_every_pattern_are_legal_7_or_4) { check_all_patterns<slots<7, 7, 4>>(18); }
TEST(sequence, cuts_of_every_pattern_are_legal_31_or_16) { check_all_patterns<slots<31, 25, 16>>(20); }

/// Gaps at every second slot, and full nodes: where the last slot of a full node is a gap there must be one
/// more node.
template <class Node>
void check_long_sequences() {
  for (unsigned length = 16; length <= sequence<Node>::capacity; ++length) {
    for (unsigned first_gap = 0; first_gap < 3; ++first_gap) {
      for (unsigned distance = 2; distance < 17; ++distance) {
        std::string pattern(length, 'A');
        for (unsigned i = first_gap; i < length; i += distance) pattern[i] = '.';
        check_cuts(leaf_sequence<Node>(pattern, true), pattern);
      }
    }
  }
}

TEST(sequence, cuts_of_long_sequences_are_legal) {
  check_long_sequences<leaf<slots<15, 13>>>();
  check_long_sequences<leaf<slots<31, 25, 16>>>();
}

TEST(sequence, a_full_node_that_would_end_in_a_gap_becomes_three) {
  // AAA.|AAAA may not be cut in the middle, and holds no fewer than eight
  const auto cuts = leaf_sequence<leaf<slots<4, 4>>>("AAA.AAAA", false).cut();
  EXPECT_EQ(cuts.pieces, 3U);
}

TEST(sequence, gaps_join) {
  sequence<leaf<slots<4, 4>>> contents{0};
  contents.push(1, &record);
  contents.push(2, nullptr);
  contents.push(5, nullptr);
  contents.push(6, &record);
  EXPECT_EQ(contents.count(), 3U);
  EXPECT_EQ(contents.start_of(2), 5U);
}

TEST(sequence, a_written_node_has_empty_slots_behind_its_end) {
  using node = inner<slots<4, 4>>;
  sequence<node> contents{7};
  contents.push(10, &record, gap_size::round_up(3));
  contents.push(20, &record, gap_size::round_up(9));
  node made;
  contents.write(made, 0, 2);
  EXPECT_EQ(made.head.count, 2U);
  EXPECT_EQ(made.pivot[0], 10U);
  EXPECT_EQ(made.end_of(1, 20), 20U);
  EXPECT_EQ(made.pivot[1], space_end);
  EXPECT_EQ(made.slot[3], nullptr);
  EXPECT_EQ(made.gap[2], gap_size::round_up(0));
  EXPECT_EQ(made.largest_gap().keys(), 9U);
}

}  // namespace
}  // namespace rcuvm::tree::testing
