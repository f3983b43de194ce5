// SPDX-License-Identifier: Apache-2.0

#include "rcuvm/tree/node.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "rcuvm/maple_tree.hpp"
#include "tests/tree/settings.hpp"

namespace rcuvm::tree::testing {
namespace {

/// What node.hpp and layout.hpp say about cache lines.
static_assert(sizeof(leaf<wide_layout>) == 256 && alignof(leaf<wide_layout>) == 64);
static_assert(sizeof(inner<wide_layout>) == 320 && alignof(inner<wide_layout>) == 64);
static_assert(sizeof(maple_tree<int>) == 128);

TEST(node, the_slot_of_a_key_is_the_first_whose_end_is_above) {
  const std::uint64_t pivot[4] = {10, 20, 30, space_end};
  EXPECT_EQ(slot_of(pivot, 0), 0U);
  EXPECT_EQ(slot_of(pivot, 9), 0U);
  EXPECT_EQ(slot_of(pivot, 10), 1U);
  EXPECT_EQ(slot_of(pivot, 29), 2U);
  EXPECT_EQ(slot_of(pivot, 30), 3U);
  EXPECT_EQ(slot_of(pivot, space_end - 1), 3U);
}

template <unsigned Slots>
void compare_with_upper_bound(random_engine& random) {
  for (int round = 0; round < 2000; ++round) {
    std::uint64_t pivot[Slots];
    const unsigned count = 1 + static_cast<unsigned>(draw(random, Slots));
    for (unsigned i = 0; i < Slots; ++i) pivot[i] = i < count ? random() >> draw(random, 64) : space_end;
    std::ranges::sort(pivot);
    const std::uint64_t key =
        draw(random, 2) == 0 ? pivot[draw(random, count)] : random() >> draw(random, 64);
    const auto slot = std::ranges::upper_bound(pivot, key) - pivot;
    ASSERT_TRUE(slot == Slots || slot_of(pivot, key) == static_cast<unsigned>(slot));
  }
}

TEST(node, the_slot_of_a_key_is_what_upper_bound_finds) {
  random_engine random{seed_or(9)};
  compare_with_upper_bound<4>(random);
  compare_with_upper_bound<5>(random);
  compare_with_upper_bound<7>(random);
  compare_with_upper_bound<13>(random);
  compare_with_upper_bound<15>(random);
  compare_with_upper_bound<16>(random);
  compare_with_upper_bound<32>(random);
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
