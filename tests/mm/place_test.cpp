// SPDX-License-Identifier: Apache-2.0

/// Placing: whole huge pages. The rest stands beside mmap.

#include "rcuvm/mm/place.hpp"

#include <gtest/gtest.h>

#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

/// A huge page of 4 pages; pictures begin in the middle of none.
template <class Design>
class place : public mm_test<Design> {
 protected:
  static layout arena(bool is_bottom_up) {
    return {.lowest = page_at(0),
            .mmap_base = page_at(24),
            .unmapped_base = is_bottom_up ? page_at(0) : page_at(24),
            .end = page_at(24),
            .is_bottom_up = is_bottom_up,
            .huge_page = 4 * page_size};
  }
  static std::string put(process<Design>& p, std::int64_t count, char is = 'B', address hint = 0) {
    map_request asked = p.request(0, count, is, {});
    asked.hint = hint;
    return outcome(p.space().map(p.cpu(), asked));
  }
};
TYPED_TEST_SUITE(place, all_designs, design_names);
static_assert(picture_base % (4 * page_size) == 0);

TYPED_TEST(place, whole_huge_pages_are_aligned_top_down) {
  auto p = this->make(".......................A", this->arena(false));
  EXPECT_EQ(this->put(p, 4), "ok");
  EXPECT_EQ(p.draw(), "................BBBB...A");
  EXPECT_EQ(this->put(p, 8, 'C'), "ok");  // a gap of 12 ends on the grid: its upper part
  EXPECT_EQ(p.draw(), "........CCCCCCCCBBBB...A");
}

TYPED_TEST(place, whole_huge_pages_are_aligned_bottom_up) {
  auto p = this->make("A", this->arena(true));
  EXPECT_EQ(this->put(p, 4), "ok");
  EXPECT_EQ(p.draw(), "A...BBBB");
  EXPECT_EQ(this->put(p, 4, 'C'), "ok");
  EXPECT_EQ(p.draw(), "A...BBBBCCCC");
}

TYPED_TEST(place, what_finds_no_longer_gap_is_not_aligned) {
  auto p = this->make("AAAAAAAAAAAAAAAAA......A", this->arena(false));
  EXPECT_EQ(this->put(p, 4), "ok");  // 6 pages are free, not 8
  EXPECT_EQ(p.draw(), "AAAAAAAAAAAAAAAAA..BBBBA");
}

TYPED_TEST(place, other_mappings_are_not_aligned) {
  auto p = this->make(".......................A", this->arena(false));
  EXPECT_EQ(this->put(p, 3), "ok");
  EXPECT_EQ(p.draw(), "....................BBBA");
  EXPECT_EQ(this->put(p, 4, 'S'), "ok");
  EXPECT_EQ(p.draw(), "................SSSSBBBA");
  EXPECT_EQ(this->put(p, 4, 'c'), "ok");
  EXPECT_EQ(p.draw(), "............cdefSSSSBBBA");
  EXPECT_EQ(p.map(11, 12, 'D'), "ok");
  EXPECT_EQ(this->put(p, 4, 'C', page_at(23)), "ok");  // a hint that is taken
  EXPECT_EQ(p.draw(), ".......CCCCDcdefSSSSBBBA");
}

}  // namespace
}  // namespace rcuvm::mm::testing
