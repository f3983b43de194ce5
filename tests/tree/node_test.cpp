// SPDX-License-Identifier: Apache-2.0

#include "rcuvm/tree/node.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ios>
#include <set>
#include <vector>

#include "rcuvm/maple_tree.hpp"
#include "tests/tree/settings.hpp"

namespace rcuvm::tree::testing {
namespace {

/// What leaf.hpp, inner.hpp and layout.hpp say about cache lines.
static_assert(sizeof(leaf<wide_layout>) == 6 * 64 && alignof(leaf<wide_layout>) == 64);
static_assert(offsetof(leaf<wide_layout>, slot) == 2 * 64);
static_assert(sizeof(inner<wide_layout>) == 16 * 64 && alignof(inner<wide_layout>) == 64);
static_assert(offsetof(inner<wide_layout>, slot) == 7 * 64);
static_assert(inner<wide_layout>::separated(0) == 10 && inner<wide_layout>::separated(4) == 42);
static_assert(sizeof(maple_tree<int>) == 128);

TEST(node, the_slot_of_a_key_is_the_first_whose_end_is_above) {
  const std::uint64_t pivot[4] = {10, 20, 30, space_end};
  EXPECT_EQ(count_up_to(pivot, std::uint64_t{0}), 0U);
  EXPECT_EQ(count_up_to(pivot, std::uint64_t{9}), 0U);
  EXPECT_EQ(count_up_to(pivot, std::uint64_t{10}), 1U);
  EXPECT_EQ(count_up_to(pivot, std::uint64_t{29}), 2U);
  EXPECT_EQ(count_up_to(pivot, std::uint64_t{30}), 3U);
  EXPECT_EQ(count_up_to(pivot, space_end - 1), 3U);
}

/// A leaf with drawn pivots, all multiples of 2^shift, in a span of 2^bits of them; and the same as a vector.
template <class Layout>
struct drawn_leaf {
  leaf<Layout> node;
  std::uint64_t low;
  std::vector<std::uint64_t> pivots;
  std::vector<void*> records;

  drawn_leaf(random_engine& random, unsigned most, unsigned shift, unsigned bits) {
    const std::uint64_t unit = std::uint64_t{1} << shift;
    const std::uint64_t span = bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
    low = (random() >> 8 >> (shift + bits < 56 ? draw(random, 56 - shift - bits) : 56)) * unit;
    std::set<std::uint64_t> ends;
    const std::uint64_t wanted = 1 + draw(random, most);
    for (unsigned tries = 0; ends.size() < wanted && tries < 1000; ++tries) {
      const std::uint64_t end = low + (1 + random() % span) * unit;
      if (end > low) ends.insert(end);
    }
    pivots.assign(ends.begin(), ends.end());
    for (std::size_t i = 0; i < pivots.size(); ++i) records.push_back(draw(random, 3) == 0 ? nullptr : this);
    node.assign(low, pivots.data(), records.data(), static_cast<unsigned>(pivots.size()));
  }
  [[nodiscard]] std::uint64_t end() const { return pivots.back(); }
};

template <class Layout>
void compare_with_upper_bound(unsigned most, unsigned shift, unsigned bits, bool is_plain) {
  random_engine random{seed_or(9)};
  for (int round = 0; round < 500; ++round) {
    const drawn_leaf<Layout> drawn{random, most, shift, bits};
    const auto count = static_cast<unsigned>(drawn.pivots.size());
    if (!is_plain || count > 3) {
      ASSERT_EQ(drawn.node.is_plain(), is_plain);
    }
    std::vector<std::uint64_t> copied(count);
    drawn.node.copy_pivots(0, count, drawn.end(), copied.data());
    ASSERT_EQ(copied, drawn.pivots);
    for (int asked = 0; asked < 20; ++asked) {
      const std::uint64_t near = draw(random, 2) == 0 ? drawn.low : drawn.pivots[draw(random, count)];
      const std::uint64_t key =
          draw(random, 2) == 0 ? near - draw(random, 2) : drawn.low + random() % (drawn.end() - drawn.low);
      if (key < drawn.low || key >= drawn.end()) continue;
      const auto slot = std::ranges::upper_bound(drawn.pivots, key) - drawn.pivots.begin();
      ASSERT_EQ(drawn.node.slot_of(key), static_cast<unsigned>(slot)) << std::hex << key;
      ASSERT_EQ(drawn.node.end_of(static_cast<unsigned>(slot), drawn.end()),
                drawn.pivots[static_cast<std::size_t>(slot)]);
      ASSERT_LE(drawn.node.start_of(static_cast<unsigned>(slot), drawn.low), key);
    }
  }
}

TEST(leaf, pages_are_packed) { compare_with_upper_bound<wide_layout>(31, 12, 31, false); }
TEST(leaf, bytes_are_packed_where_they_are_near) { compare_with_upper_bound<wide_layout>(31, 0, 31, false); }
TEST(leaf, single_keys_are_packed) { compare_with_upper_bound<wide_layout>(31, 0, 5, false); }
TEST(leaf, huge_pages_are_packed) { compare_with_upper_bound<wide_layout>(31, 30, 20, false); }
TEST(leaf, what_spans_too_much_is_plain) { compare_with_upper_bound<wide_layout>(16, 0, 50, true); }
TEST(leaf, small_leaves_are_packed) { compare_with_upper_bound<small_layout>(4, 3, 10, false); }
TEST(leaf, small_leaves_are_plain) { compare_with_upper_bound<small_layout>(4, 0, 55, true); }

TEST(leaf, what_can_be_packed_is_decided_by_span_and_units) {
  using node = leaf<wide_layout>;
  std::vector<std::uint64_t> pivots;
  for (std::uint64_t i = 1; i <= 31; ++i) pivots.push_back(i << 12);
  EXPECT_TRUE(node::can_hold(0, pivots.back(), pivots.data(), 31));
  EXPECT_FALSE(node::can_hold(0, std::uint64_t{1} << 45, pivots.data(), 31));  // 2^33 pages
  EXPECT_TRUE(node::can_hold(0, std::uint64_t{1} << 45, pivots.data(), 16));
  EXPECT_TRUE(node::can_hold(0, std::uint64_t{0xffff'ffff} << 12, pivots.data(), 31));
  EXPECT_FALSE(node::can_hold(0, (std::uint64_t{0xffff'ffff} << 12) + 1, pivots.data(), 31));
  pivots[7] += 1;                                                    // a byte among pages
  EXPECT_TRUE(node::can_hold(0, pivots.back(), pivots.data(), 31));  // 31 pages of bytes
  EXPECT_FALSE(node::can_hold(0, std::uint64_t{1} << 32, pivots.data(), 31));
}

TEST(node, a_link_carries_its_level) {
  inner<wide_layout> node;
  const link<wide_layout> named{&node, 7};
  EXPECT_FALSE(named.is_null());
  EXPECT_EQ(named.level(), 7U);
  EXPECT_EQ(&named.as_inner(), &node);
  EXPECT_EQ(link<wide_layout>::from_word(named.word()), named);
  EXPECT_TRUE(link<wide_layout>{}.is_null());
}

TEST(layout, minimum_is_a_third_and_at_least_two) {
  EXPECT_EQ(minimum_slots(4), 2U);
  EXPECT_EQ(minimum_slots(8), 2U);
  EXPECT_EQ(minimum_slots(9), 3U);
  EXPECT_EQ(minimum_slots(15), 5U);
}

}  // namespace
}  // namespace rcuvm::tree::testing
