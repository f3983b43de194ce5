// SPDX-License-Identifier: Apache-2.0

/// munmap: cutting, errors, and what becomes of pages and page tables.

#include "rcuvm/mm/unmap.hpp"

#include <gtest/gtest.h>

#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class unmap : public mm_test<Design> {};
TYPED_TEST_SUITE(unmap, all_designs, design_names);

TYPED_TEST(unmap, takes_a_whole_mapping) {
  auto p = this->make("AAA.BB");
  EXPECT_EQ(p.unmap(0, 3), "ok");
  EXPECT_EQ(p.draw(), "....BB");
}

TYPED_TEST(unmap, cuts_at_both_ends_and_in_the_middle) {
  auto p = this->make("AAAAAAAAAAAA");
  EXPECT_EQ(p.unmap(0, 2), "ok");
  EXPECT_EQ(p.draw(), "..AAAAAAAAAA");
  EXPECT_EQ(p.unmap(10, 12), "ok");
  EXPECT_EQ(p.draw(), "..AAAAAAAA");
  EXPECT_EQ(p.unmap(7, 9), "ok");  // over the border of page tables
  EXPECT_EQ(p.draw(), "..AAAAA..A");
}

TYPED_TEST(unmap, takes_several_mappings_and_holes) {
  auto p = this->make("AAABBB..CC|CC.cdefDD");
  EXPECT_EQ(p.unmap(2, 15), "ok");
  EXPECT_EQ(p.draw(), "AA.............efDD");
}

TYPED_TEST(unmap, keeps_the_file_offset_of_what_is_left) {
  auto p = this->make("abcdefgh");
  EXPECT_EQ(p.unmap(2, 5), "ok");
  EXPECT_EQ(p.draw(), "ab...fgh");
}

TYPED_TEST(unmap, of_nothing_is_no_error) {
  auto p = this->make("AA..BB");
  EXPECT_EQ(p.unmap(2, 4), "ok");
  EXPECT_EQ(p.unmap(20, 40), "ok");
  EXPECT_EQ(p.draw(), "AA..BB");
}

TYPED_TEST(unmap, rounds_the_length_up) {
  auto p = this->make("AAAA");
  EXPECT_EQ(outcome(p.space().unmap(p.cpu(), {page_at(1), page_at(1) + 1})), "ok");
  EXPECT_EQ(p.draw(), "A.AA");
}

TYPED_TEST(unmap, refuses_what_the_kernel_refuses) {
  auto p = this->make("AAAA");
  const address end = p.space().layout().end;
  EXPECT_EQ(p.unmap(1, 1), "EINVAL");
  EXPECT_EQ(p.unmap(2, 1), "EINVAL");
  EXPECT_EQ(outcome(p.space().unmap(p.cpu(), {page_at(1) + 1, page_at(2)})), "EINVAL");
  EXPECT_EQ(outcome(p.space().unmap(p.cpu(), {page_at(0), end + page_size})), "EINVAL");
  EXPECT_EQ(outcome(p.space().unmap(p.cpu(), {page_at(0), ~address{0}})), "EINVAL");
  EXPECT_EQ(p.draw(), "AAAA");
  EXPECT_EQ(outcome(p.space().unmap(p.cpu(), {page_at(0), end})), "ok");
  EXPECT_EQ(p.draw(), "");
}

TYPED_TEST(unmap, frees_the_pages_and_leaves_the_neighbours) {
  auto p = this->make("AAAAAAAAAAAA");
  EXPECT_EQ(p.fill("abcdefghijkl"), "ok");
  const std::uint64_t freed_before = p.cpu().count.frames_freed;
  EXPECT_EQ(p.unmap(4, 10), "ok");
  EXPECT_EQ(p.cpu().count.frames_freed - freed_before, 6U);
  EXPECT_EQ(p.text(), "abcd......kl");
}

TYPED_TEST(unmap, unlinks_tables_that_hold_nothing_else) {
  auto p = this->make("........A");
  const std::uint64_t empty = p.space().count_tables();
  EXPECT_EQ(p.touch(8, 9), "ok");
  EXPECT_EQ(p.space().count_tables(), 4U);
  EXPECT_EQ(p.map(0, 1, 'B'), "ok");
  EXPECT_EQ(p.touch(0, 1, vm::access::read), "ok");
  EXPECT_EQ(p.space().count_tables(), 7U);  // page 8 has tables of its own on all levels but the root
  EXPECT_EQ(p.unmap(8, 9), "ok");
  EXPECT_EQ(p.space().count_tables(), 4U);
  EXPECT_EQ(p.text(), "0");
  EXPECT_EQ(p.unmap(0, 1), "ok");
  EXPECT_EQ(p.space().count_tables(), 1U);
  EXPECT_EQ(empty, 0U);
}

TYPED_TEST(unmap, keeps_a_table_that_a_neighbour_needs) {
  auto p = this->make("A.A");
  EXPECT_EQ(p.fill("x.y"), "ok");
  EXPECT_EQ(p.unmap(0, 1), "ok");
  EXPECT_EQ(p.space().count_tables(), 4U);
  EXPECT_EQ(p.text(), "..y");
}

TYPED_TEST(unmap, shoots_down_once_for_pages_and_their_tables) {
  auto p = this->make("AA......AA");
  EXPECT_EQ(p.fill("ab......cd"), "ok");
  const std::uint64_t before = p.cpu().count.shootdowns;
  EXPECT_EQ(p.unmap(0, 1), "ok");
  EXPECT_EQ(p.cpu().count.shootdowns, before + 1);
  EXPECT_EQ(p.unmap(1, 10), "ok");
  EXPECT_EQ(p.space().count_tables(), 1U);
  // Who lets other writers in at its page work, unlinks tables after it.
  EXPECT_EQ(p.cpu().count.shootdowns, before + (TypeParam::page_section::lets_writers_in ? 3 : 2));
}

TYPED_TEST(unmap, then_map_shows_zeros) {
  auto p = this->make("AAAA");
  EXPECT_EQ(p.fill("abcd"), "ok");
  EXPECT_EQ(p.unmap(1, 3), "ok");
  EXPECT_EQ(p.map(1, 3, 'A'), "ok");
  EXPECT_EQ(p.text(), "a00d");
}

}  // namespace
}  // namespace rcuvm::mm::testing
