// SPDX-License-Identifier: Apache-2.0

/// brk: the heap grows and shrinks, and says where it ends when it cannot.

#include "rcuvm/mm/brk.hpp"

#include <gtest/gtest.h>

#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class brk : public mm_test<Design> {
 protected:
  /// The picture with an empty heap at `start`.
  process<Design> with_heap(std::string_view picture, address start,
                            layout where = {.stack_guard_gap = 2 * page_size}) {
    auto made = this->make(picture, where);
    made.space().set_break(start);
    return made;
  }
  static address move_to(process<Design>& p, address to) { return p.space().brk(p.cpu(), to); }
};
TYPED_TEST_SUITE(brk, all_designs, design_names);

TYPED_TEST(brk, grows_and_merges_with_itself) {
  auto p = this->with_heap("A", page_at(2));
  EXPECT_EQ(this->move_to(p, page_at(4)), page_at(4));
  EXPECT_EQ(p.draw(), "A.AA");
  EXPECT_EQ(p.fill("..ab"), "ok");
  EXPECT_EQ(this->move_to(p, page_at(6)), page_at(6));
  EXPECT_EQ(p.draw(), "A.AAAA");
  EXPECT_EQ(p.text(), "0.ab00");
  EXPECT_EQ(p.space().heap(), pages(2, 6));
}

TYPED_TEST(brk, within_a_page_changes_no_mapping) {
  auto p = this->with_heap("", page_at(2) + 100);
  EXPECT_EQ(this->move_to(p, page_at(2) + 200), page_at(2) + 200);
  EXPECT_EQ(p.draw(), "");  // the first page is not the heap's
  EXPECT_EQ(this->move_to(p, page_at(3) + 1), page_at(3) + 1);
  EXPECT_EQ(p.draw(), "...A");
  EXPECT_EQ(this->move_to(p, page_at(4)), page_at(4));
  EXPECT_EQ(p.draw(), "...A");
}

TYPED_TEST(brk, shrinks_and_forgets_the_data) {
  auto p = this->with_heap("", page_at(2));
  EXPECT_EQ(this->move_to(p, page_at(6)), page_at(6));
  EXPECT_EQ(p.fill("..abcd"), "ok");
  EXPECT_EQ(this->move_to(p, page_at(3) + 5), page_at(3) + 5);
  EXPECT_EQ(p.draw(), "..AA");
  EXPECT_EQ(this->move_to(p, page_at(6)), page_at(6));
  EXPECT_EQ(p.text(), "..ab00");
  EXPECT_EQ(this->move_to(p, page_at(2)), page_at(2));
  EXPECT_EQ(p.draw(), "");
}

TYPED_TEST(brk, below_its_start_or_beyond_the_end_tells_the_break) {
  auto p = this->with_heap("", page_at(2));
  EXPECT_EQ(this->move_to(p, 0), page_at(2));
  EXPECT_EQ(this->move_to(p, page_at(5)), page_at(5));
  EXPECT_EQ(this->move_to(p, 0), page_at(5));
  EXPECT_EQ(this->move_to(p, page_at(2) - 1), page_at(5));
  EXPECT_EQ(this->move_to(p, ~address{0}), page_at(5));
  EXPECT_EQ(p.draw(), "..AAA");
}

TYPED_TEST(brk, leaves_a_page_free_below_the_next_mapping) {
  auto p = this->with_heap("......B", page_at(2));
  EXPECT_EQ(this->move_to(p, page_at(6)), page_at(2));
  EXPECT_EQ(this->move_to(p, page_at(5)), page_at(5));
  EXPECT_EQ(p.draw(), "..AAA.B");
}

TYPED_TEST(brk, keeps_the_guard_gap_of_a_stack) {
  auto p = this->with_heap("..........GG", page_at(2));
  EXPECT_EQ(this->move_to(p, page_at(8)), page_at(2));
  EXPECT_EQ(this->move_to(p, page_at(7)), page_at(7));
  EXPECT_EQ(p.draw(), "..AAAAA...GG");
}

TYPED_TEST(brk, grows_over_what_was_unmapped_inside) {
  auto p = this->with_heap("", page_at(2));
  EXPECT_EQ(this->move_to(p, page_at(6)), page_at(6));
  EXPECT_EQ(p.unmap(3, 6), "ok");
  EXPECT_EQ(this->move_to(p, page_at(8)), page_at(8));
  EXPECT_EQ(p.draw(), "..A...AA");
  EXPECT_EQ(this->move_to(p, page_at(2)), page_at(2));
  EXPECT_EQ(p.draw(), "");
}

TYPED_TEST(brk, merges_with_nothing_below_the_heap) {
  auto p = this->with_heap("AA", page_at(2));
  EXPECT_EQ(this->move_to(p, page_at(4)), page_at(4));
  EXPECT_EQ(p.draw(), "AA|AA");
}

TYPED_TEST(brk, cannot_shrink_where_nothing_is_left) {
  auto p = this->with_heap("", page_at(2));
  EXPECT_EQ(this->move_to(p, page_at(6)), page_at(6));
  EXPECT_EQ(p.unmap(4, 6), "ok");
  EXPECT_EQ(this->move_to(p, page_at(4)), page_at(6));
  EXPECT_EQ(this->move_to(p, page_at(3)), page_at(3));
  EXPECT_EQ(p.draw(), "..A");
}

}  // namespace
}  // namespace rcuvm::mm::testing
