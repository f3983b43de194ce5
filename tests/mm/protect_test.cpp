// SPDX-License-Identifier: Apache-2.0

/// mprotect: splitting, merging, holes, and what present pages may be used for afterwards.

#include "rcuvm/mm/protect.hpp"

#include <gtest/gtest.h>

#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class protect : public mm_test<Design> {};
TYPED_TEST_SUITE(protect, all_designs, design_names);

TYPED_TEST(protect, splits_at_both_ends) {
  auto p = this->make("AAAAAAAAAA");
  EXPECT_EQ(p.protect(3, 6, can_read), "ok");
  EXPECT_EQ(p.draw(), "AAABBBAAAA");
  EXPECT_EQ(p.protect(0, 1, can_nothing), "ok");
  EXPECT_EQ(p.protect(8, 10, can_exec), "ok");
  EXPECT_EQ(p.draw(), "DAABBBAACC");
}

TYPED_TEST(protect, merges_what_becomes_equal) {
  auto p = this->make("AAABBBAAAA");
  EXPECT_EQ(p.protect(3, 6, can_write), "ok");
  EXPECT_EQ(p.draw(), "AAAAAAAAAA");
}

TYPED_TEST(protect, goes_over_several_mappings) {
  auto p = this->make("AAABBBCCCDDD");
  EXPECT_EQ(p.protect(1, 11, can_all), "ok");
  EXPECT_EQ(p.draw(), "AEEEEEEEEEED");
}

TYPED_TEST(protect, stops_at_a_hole_and_keeps_what_it_did) {
  auto p = this->make("AAAA..AAAA");
  EXPECT_EQ(p.protect(2, 8, can_read), "ENOMEM");
  EXPECT_EQ(p.draw(), "AABB..AAAA");
  EXPECT_EQ(p.protect(4, 8, can_read), "ENOMEM");
  EXPECT_EQ(p.draw(), "AABB..AAAA");
  EXPECT_EQ(p.protect(9, 12, can_read), "ENOMEM");
  EXPECT_EQ(p.draw(), "AABB..AAAB");
}

TYPED_TEST(protect, refuses_what_the_kernel_refuses) {
  auto p = this->make("AAAA");
  const auto at = [&](range where) { return outcome(p.space().protect(p.cpu(), where, can_read)); };
  EXPECT_EQ(at({page_at(0) + 1, page_at(2)}), "EINVAL");
  EXPECT_EQ(at({page_at(1), page_at(1)}), "ok");  // nothing to do
  EXPECT_EQ(at({page_at(20), page_at(20)}), "ok");
  EXPECT_EQ(at({page_at(2), page_at(1)}), "ENOMEM");         // it wrapped around
  EXPECT_EQ(at({page_at(2), ~std::uint64_t{0}}), "ENOMEM");  // the same, by rounding
  EXPECT_EQ(p.draw(), "AAAA");
  EXPECT_EQ(at({page_at(2), ~std::uint64_t{0} - 2 * page_size}),
            "ENOMEM");  // beyond the end: a hole like any other
  EXPECT_EQ(p.draw(), "AABB");
  EXPECT_EQ(at({page_at(0), page_at(0) + 1}), "ok");
  EXPECT_EQ(p.draw(), "BABB");
}

TYPED_TEST(protect, takes_the_right_away_from_present_pages) {
  auto p = this->make("AAA");
  EXPECT_EQ(p.fill("abc"), "ok");
  EXPECT_EQ(p.protect(0, 1, can_read), "ok");
  EXPECT_EQ(p.protect(1, 2, can_nothing), "ok");
  EXPECT_EQ(p.text(), "a-c");
  EXPECT_EQ(p.fill("x"), "EACCES");
  EXPECT_EQ(p.fill(".x"), "EACCES");
  EXPECT_EQ(p.fill("..x"), "ok");
  EXPECT_EQ(p.cpu().count.faults_bad_access, 3U);
}

TYPED_TEST(protect, gives_the_data_back_with_the_right) {
  auto p = this->make("AAA");
  EXPECT_EQ(p.fill("abc"), "ok");
  EXPECT_EQ(p.protect(0, 3, can_nothing), "ok");
  EXPECT_EQ(p.text(), "---");
  EXPECT_EQ(p.protect(0, 3, can_write), "ok");
  EXPECT_EQ(p.text(), "abc");
  EXPECT_EQ(p.fill("xyz"), "ok");
  EXPECT_EQ(p.text(), "xyz");
}

TYPED_TEST(protect, lets_execute_only_what_may_be_executed) {
  auto p = this->make("AC");
  EXPECT_EQ(p.touch(0, 1, vm::access::exec), "EACCES");
  EXPECT_EQ(p.touch(1, 2, vm::access::exec), "ok");
  EXPECT_EQ(p.protect(0, 1, can_all), "ok");
  EXPECT_EQ(p.touch(0, 1, vm::access::exec), "ok");
}

TYPED_TEST(protect, with_write_does_not_open_the_zero_page_or_a_file) {
  auto p = this->make("BBcd");
  EXPECT_EQ(p.protect(2, 4, can_read), "ok");
  EXPECT_EQ(p.text(), "0000");  // present, for reading
  EXPECT_EQ(p.protect(0, 4, can_write), "ok");
  EXPECT_EQ(p.fill("x.y"), "ok");
  EXPECT_EQ(p.text(), "x0y0");
  auto other = this->make("abcd");
  EXPECT_EQ(other.text(), "0000");
}

// What decides is which anonymous pages the parts have, not how they look.
//
//   AAAA  -touch 0-> split by protection: both halves keep the identity, so they merge again.
TYPED_TEST(protect, merges_again_what_was_touched_before_the_split) {
  auto p = this->make("AAAA");
  EXPECT_EQ(p.touch(0, 1), "ok");
  EXPECT_EQ(p.protect(2, 4, can_read), "ok");
  EXPECT_EQ(p.draw(), "AABB");
  EXPECT_EQ(p.protect(2, 4, can_write), "ok");
  EXPECT_EQ(p.draw(), "AAAA");
}

TYPED_TEST(protect, merges_again_what_was_touched_on_one_side_only) {
  auto p = this->make("AAAA");
  EXPECT_EQ(p.protect(2, 4, can_read), "ok");
  EXPECT_EQ(p.touch(0, 1), "ok");
  EXPECT_EQ(p.protect(2, 4, can_write), "ok");
  EXPECT_EQ(p.draw(), "AAAA");
}

TYPED_TEST(protect, neighbours_that_could_merge_but_for_the_protection_share_an_identity) {
  auto p = this->make("AAEE");
  EXPECT_EQ(p.touch(0, 1), "ok");
  EXPECT_EQ(p.touch(2, 3), "ok");  // asks the neighbour for his
  EXPECT_EQ(p.protect(2, 4, can_write), "ok");
  EXPECT_EQ(p.draw(), "AAAA");
}

TYPED_TEST(protect, does_not_merge_what_was_touched_apart) {
  auto p = this->make("AA.AA");
  EXPECT_EQ(p.touch(0, 1), "ok");
  EXPECT_EQ(p.touch(3, 4), "ok");
  EXPECT_EQ(p.map(2, 3, 'B'), "ok");
  EXPECT_EQ(p.draw(), "AABAA");
  EXPECT_EQ(p.protect(2, 3, can_write), "ok");
  EXPECT_EQ(p.draw(), "AAA|AA");
}

TYPED_TEST(protect, does_not_merge_what_has_moved_in) {
  auto p = this->make("AA|AA");
  EXPECT_EQ(p.protect(2, 4, can_read), "ok");
  EXPECT_EQ(p.draw(), "AABB");
  EXPECT_EQ(p.protect(2, 4, can_write), "ok");
  EXPECT_EQ(p.draw(), "AA|AA");
}

TYPED_TEST(protect, merges_with_a_neighbour_but_not_with_the_one_behind_it) {
  auto p = this->make("BLLA");
  EXPECT_EQ(p.move(1, 3, 10, 12, remap_flag::dont_unmap), "ok");  // unlocks what is left, and merges nothing
  EXPECT_EQ(p.draw(), "BAA|A......LL");
  EXPECT_EQ(p.protect(0, 1, can_write), "ok");
  EXPECT_EQ(p.draw(), "AAA|A......LL");
}

TYPED_TEST(protect, populates_locked_memory_that_becomes_writable) {
  auto p = this->make("LLLL");
  EXPECT_EQ(p.map(0, 4, 'B', {map_flag::fixed, map_flag::locked}), "ok");
  const auto copied = p.cpu().count.pages_copied;
  EXPECT_EQ(p.protect(1, 3, can_write), "ok");
  EXPECT_EQ(p.cpu().count.pages_copied, copied + 2);  // from the zero page
}

TYPED_TEST(protect, that_changes_nothing_changes_no_accounting) {
  auto p = this->make("AAA");
  EXPECT_EQ(p.fill("abc"), "ok");
  EXPECT_EQ(p.protect(1, 3, can_read), "ok");                   // counted still: it has pages
  EXPECT_EQ(p.move(1, 3, 4, 6, remap_flag::dont_unmap), "ok");  // ... and now it has none
  EXPECT_EQ(p.protect(1, 3, can_read), "ok");
  p.space().walk_snapshot(
      [](const vm::vma& one) { EXPECT_TRUE(one.fields().flags.has(vm::vma_flag::accounted)); });
}

}  // namespace
}  // namespace rcuvm::mm::testing
