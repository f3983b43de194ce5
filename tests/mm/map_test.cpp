// SPDX-License-Identifier: Apache-2.0

/// mmap: placement, what MAP_FIXED replaces, what merges, errors.

#include "rcuvm/mm/map.hpp"

#include <gtest/gtest.h>

#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class map : public mm_test<Design> {
 protected:
  /// Only pages 0 to 15 of the picture can be placed in; no guard gap of stacks but `gap` pages.
  static layout arena(bool is_bottom_up, std::uint64_t gap = 2) {
    return {.lowest = page_at(0),
            .mmap_base = page_at(16),
            .unmapped_base = is_bottom_up ? page_at(0) : page_at(16),
            .end = page_at(16),
            .is_bottom_up = is_bottom_up,
            .stack_guard_gap = gap * page_size};
  }
  static std::string place(process<Design>& p, std::int64_t count, address hint = 0, map_flags flags = {}) {
    return outcome(p.space().map(p.cpu(), {.hint = hint,
                                           .length = static_cast<std::uint64_t>(count) * page_size,
                                           .protection = can_read,
                                           .flags = flags}));
  }
};
TYPED_TEST_SUITE(map, all_designs, design_names);

TYPED_TEST(map, takes_the_highest_gap_top_down) {
  auto p = this->make("AA.AA...A.AA....", this->arena(false));
  EXPECT_EQ(this->place(p, 1), "ok");
  EXPECT_EQ(p.draw(), "AA.AA...A.AA...B");
  EXPECT_EQ(this->place(p, 4), "ENOMEM");
  EXPECT_EQ(this->place(p, 3), "ok");
  EXPECT_EQ(p.draw(), "AA.AA...A.AABBBB");
  EXPECT_EQ(this->place(p, 2), "ok");
  EXPECT_EQ(p.draw(), "AA.AA.BBA.AABBBB");
}

TYPED_TEST(map, takes_the_lowest_gap_bottom_up) {
  auto p = this->make("AA.AA...A.AA....", this->arena(true));
  EXPECT_EQ(this->place(p, 1), "ok");
  EXPECT_EQ(this->place(p, 3), "ok");
  EXPECT_EQ(this->place(p, 3), "ok");
  EXPECT_EQ(p.draw(), "AABAABBBA.AABBB");
  EXPECT_EQ(this->place(p, 2), "ENOMEM");
}

TYPED_TEST(map, falls_back_to_bottom_up_when_nothing_is_free_below_the_base) {
  auto where = this->arena(false);
  where.mmap_base = page_at(4);
  where.unmapped_base = page_at(8);
  auto p = this->make("AAA.....A", where);
  EXPECT_EQ(this->place(p, 3), "ok");
  EXPECT_EQ(p.draw(), "AAA.....ABBB");
}

TYPED_TEST(map, takes_the_hint_when_it_is_free) {
  auto p = this->make("AA........AA", this->arena(false));
  EXPECT_EQ(this->place(p, 2, page_at(4)), "ok");
  EXPECT_EQ(p.draw(), "AA..BB....AA");
  EXPECT_EQ(this->place(p, 2, page_at(7) + 123), "ok");  // rounded down, as the kernel does
  EXPECT_EQ(p.draw(), "AA..BB.BB.AA");
  EXPECT_EQ(this->place(p, 2, page_at(5)), "ok");  // taken: placed as without a hint
  EXPECT_EQ(p.draw(), "AA..BB.BB.AA..BB");
  EXPECT_EQ(this->place(p, 2, page_at(15)), "ok");  // sticks out of the address space
  EXPECT_EQ(p.draw(), "AA..BB.BB.AABBBB");
}

TYPED_TEST(map, raises_a_hint_to_the_lowest_address) {
  auto p = this->make("....AA", this->arena(false));
  EXPECT_EQ(this->place(p, 1, page_size + 5), "ok");
  EXPECT_EQ(p.draw(), "B...AA");
}

TYPED_TEST(map, keeps_the_guard_gap_of_a_stack) {
  auto p = this->make("........GG......", this->arena(false));
  EXPECT_EQ(this->place(p, 6), "ok");
  EXPECT_EQ(this->place(p, 5), "ok");
  EXPECT_EQ(p.draw(), ".BBBBB..GGBBBBBB");
  EXPECT_EQ(this->place(p, 2), "ENOMEM");
  EXPECT_EQ(this->place(p, 1, page_at(7)), "ok");  // the hint is in the gap: not taken
  EXPECT_EQ(p.draw(), "BBBBBB..GGBBBBBB");
  EXPECT_EQ(p.map(6, 7, 'D'), "ok");  // MAP_FIXED may go there
}

TYPED_TEST(map, keeps_the_guard_gap_bottom_up) {
  auto p = this->make("....GG..........", this->arena(true));
  EXPECT_EQ(this->place(p, 3), "ok");
  EXPECT_EQ(this->place(p, 2), "ok");
  EXPECT_EQ(p.draw(), "BB..GGBBB");
}

TYPED_TEST(map, a_stack_near_address_zero_has_no_room_below) {
  layout where = this->arena(false, 1 << 20);
  auto p = this->make("..GG", where);
  EXPECT_EQ(this->place(p, 13), "ENOMEM");
  EXPECT_EQ(this->place(p, 12), "ok");
  EXPECT_EQ(p.draw(), "..GGBBBBBBBBBBBB");
}

TYPED_TEST(map, fixed_replaces_what_is_there) {
  auto p = this->make("AAABBB..cdef.DD");
  EXPECT_EQ(p.map(1, 10, 'C'), "ok");
  EXPECT_EQ(p.draw(), "ACCCCCCCCCef.DD");
}

TYPED_TEST(map, fixed_in_the_middle_of_a_mapping) {
  auto p = this->make("AAAAAAAAAA");
  EXPECT_EQ(p.fill("abcdefghij"), "ok");
  EXPECT_EQ(p.map(7, 9, 'B'), "ok");
  EXPECT_EQ(p.draw(), "AAAAAAABBA");
  EXPECT_EQ(p.text(), "abcdefg00j");
}

TYPED_TEST(map, fixed_over_the_same_keeps_the_old_data_out) {
  auto p = this->make("AAAA");
  EXPECT_EQ(p.fill("abcd"), "ok");
  EXPECT_EQ(p.map(0, 4, 'A'), "ok");
  EXPECT_EQ(p.draw(), "AAAA");
  EXPECT_EQ(p.text(), "0000");
}

TYPED_TEST(map, fixed_over_a_part_that_merges_again_keeps_the_old_data_out) {
  auto p = this->make("AAAAAA");
  EXPECT_EQ(p.fill("abcdef"), "ok");
  EXPECT_EQ(p.map(2, 4, 'A'), "ok");
  EXPECT_EQ(p.draw(), "AAAAAA");
  EXPECT_EQ(p.text(), "ab00ef");
}

TYPED_TEST(map, noreplace_takes_only_what_is_free) {
  auto p = this->make("AA..BB");
  const map_flags noreplace = map_flag::fixed_noreplace;
  EXPECT_EQ(p.map(1, 3, 'C', noreplace), "EEXIST");
  EXPECT_EQ(p.map(3, 5, 'C', noreplace), "EEXIST");
  EXPECT_EQ(p.map(2, 4, 'C', noreplace), "ok");
  EXPECT_EQ(p.draw(), "AACCBB");
}

TYPED_TEST(map, merges_with_equal_neighbours_on_both_sides) {
  auto p = this->make("AA..AA");
  EXPECT_EQ(p.map(2, 4, 'A'), "ok");
  EXPECT_EQ(p.draw(), "AAAAAA");
}

TYPED_TEST(map, does_not_merge_with_other_protections) {
  auto p = this->make("AA..CC");
  EXPECT_EQ(p.map(2, 4, 'B'), "ok");
  EXPECT_EQ(p.draw(), "AABBCC");
}

TYPED_TEST(map, does_not_merge_two_neighbours_that_have_pages_of_their_own) {
  auto p = this->make("AA..AA");
  EXPECT_EQ(p.touch(0, 2), "ok");
  EXPECT_EQ(p.touch(4, 6), "ok");
  EXPECT_EQ(p.map(2, 4, 'A'), "ok");  // it has none: joins the lower one
  EXPECT_EQ(p.draw(), "AAAA|AA");
}

TYPED_TEST(map, merges_file_mappings_by_offset) {
  auto p = this->make("ab..ef");
  EXPECT_EQ(p.map(2, 4, 'd'), "ok");
  EXPECT_EQ(p.draw(), "abdeef");
  EXPECT_EQ(p.map(2, 4, 'c'), "ok");
  EXPECT_EQ(p.draw(), "abcdef");
  std::size_t mappings = 0;
  p.space().walk_snapshot([&](const vm::vma&) { ++mappings; });
  EXPECT_EQ(mappings, 1U);
}

TYPED_TEST(map, gives_each_shared_anonymous_mapping_pages_of_its_own) {
  auto p = this->make("SS|SS");
  EXPECT_EQ(p.fill("abcd"), "ok");
  EXPECT_EQ(p.text(), "abcd");
}

TYPED_TEST(map, populates_when_asked_or_locked) {
  auto p = this->make("");
  const map_flags populated{map_flag::fixed, map_flag::populate};
  EXPECT_EQ(p.map(0, 3, 'A', populated), "ok");
  EXPECT_EQ(p.map(4, 6, 'L'), "ok");
  EXPECT_EQ(p.map(8, 9, 'D', populated), "ok");
  EXPECT_EQ(p.map(10, 12, 'c', populated), "ok");
  EXPECT_EQ(p.cpu().count.pages_installed, 7U);
  EXPECT_EQ(p.draw(), "AAA.LL..D.cd");
}

TYPED_TEST(map, refuses_what_the_kernel_refuses) {
  auto p = this->make("AA");
  const address end = p.space().layout().end;
  const auto at = [&](address hint, std::uint64_t length, map_flags flags, std::uint64_t offset = 0) {
    return outcome(
        p.space().map(p.cpu(), {.hint = hint, .length = length, .flags = flags, .offset = offset}));
  };
  EXPECT_EQ(at(0, 0, {}), "EINVAL");
  EXPECT_EQ(at(page_at(4), page_size, map_flag::fixed, 1), "EINVAL");
  EXPECT_EQ(at(page_at(4) + 1, page_size, map_flag::fixed), "EINVAL");
  EXPECT_EQ(at(page_at(4) + 1, page_size, map_flag::fixed_noreplace), "EINVAL");
  EXPECT_EQ(at(0, page_size, {map_flag::shared, map_flag::grows_down}), "EINVAL");
  EXPECT_EQ(at(0, ~std::uint64_t{0}, {}), "ENOMEM");
  EXPECT_EQ(at(0, end + page_size, {}), "ENOMEM");
  EXPECT_EQ(at(end, page_size, map_flag::fixed), "ENOMEM");
  EXPECT_EQ(at(end + 1, page_size, map_flag::fixed), "ENOMEM");
  EXPECT_EQ(at(end - page_size, 2 * page_size, map_flag::fixed), "ENOMEM");
  EXPECT_EQ(p.draw(), "AA");
  EXPECT_EQ(at(end - page_size, page_size, map_flag::fixed), "ok");
}

TYPED_TEST(map, a_recorded_place_is_used_whatever_the_search_says) {
  auto p = this->make("AA", this->arena(false));
  EXPECT_EQ(outcome(p.space().map(p.cpu(),
                                  {.length = 2 * page_size, .protection = can_read, .recorded = page_at(5)})),
            "ok");
  EXPECT_EQ(p.draw(), "AA...BB");
}

}  // namespace
}  // namespace rcuvm::mm::testing
