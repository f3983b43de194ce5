// SPDX-License-Identifier: Apache-2.0

/// Limits: which errno, at which moment, and what stays done.

#include "rcuvm/mm/limits.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

constexpr std::uint64_t bytes(std::int64_t pages) { return static_cast<std::uint64_t>(pages) * page_size; }

template <class Design>
class limit : public mm_test<Design> {
 protected:
  static std::string lock(process<Design>& p, std::int64_t first, std::int64_t end) {
    return outcome(p.space().lock(p.cpu(), pages(first, end)));
  }
  /// So many mappings may there be more, before none is cut.
  static void leave_mappings(process<Design>& p, std::int64_t count) {
    limits to = p.space().limits();
    to.mappings = static_cast<std::uint64_t>(p.space().usage().mappings + count);
    p.space().set_limits(to);
  }
};
TYPED_TEST_SUITE(limit, all_designs, design_names);

TYPED_TEST(limit, counts_what_the_kernel_counts) {
  auto p = this->make("AABBCCDDEELLGGSSab45");
  EXPECT_EQ(p.space().usage(),
            (usage{.mappings = 10, .pages = 20, .data_pages = 8, .locked_pages = 2, .told_of_fork = 1}));
  EXPECT_EQ(p.unmap(1, 11), "ok");
  EXPECT_EQ(p.space().usage(),
            (usage{.mappings = 6, .pages = 10, .data_pages = 4, .locked_pages = 1, .told_of_fork = 1}));
  auto child = p.fork();  // nothing is locked in it
  EXPECT_EQ(child.space().usage(), (usage{.mappings = 6, .pages = 10, .data_pages = 4}));
  EXPECT_EQ(p.unmap(0, 20), "ok");
  EXPECT_EQ(p.space().usage(), usage{});
}

TYPED_TEST(limit, of_addresses_refuses_a_mapping_and_leaves_what_it_cut) {
  auto p = this->make("AAAA");
  p.space().set_limits({.bytes = bytes(5)});
  EXPECT_EQ(p.map(1, 3, 'B'), "ok");  // it replaces as much
  EXPECT_EQ(p.map(3, 6, 'B'), "ENOMEM");
  EXPECT_EQ(p.draw(), "ABBA");
  EXPECT_EQ(p.map(3, 5, 'A'), "ok");
  EXPECT_EQ(p.map(4, 6, 'B'), "ENOMEM");
  EXPECT_EQ(p.draw(), "ABBA|A");
}

TYPED_TEST(limit, of_addresses_refuses_growth_and_no_move) {
  auto p = this->make("AAAA....BB");
  p.space().set_limits({.bytes = bytes(6)});
  EXPECT_EQ(p.resize(0, 4, 5), "ENOMEM");
  EXPECT_EQ(p.move(0, 4, 4, 8), "ok");
  EXPECT_EQ(p.draw(), "....AAAABB");
  EXPECT_EQ(p.move(4, 6, 0, 2, remap_flag::dont_unmap), "ENOMEM");
  EXPECT_EQ(p.move(4, 8, 11, 16), "ENOMEM");
  EXPECT_EQ(p.draw(), "....AAAABB");
  // What is in the way of what is kept goes before that is refused.
  p.space().set_limits({.bytes = bytes(4)});
  EXPECT_EQ(p.move(4, 7, 8, 11, remap_flag::dont_unmap), "ENOMEM");
  EXPECT_EQ(p.draw(), "....AAAA");
}

TYPED_TEST(limit, of_data_is_for_private_memory_that_can_be_written) {
  auto p = this->make("AA");
  p.space().set_limits({.data_bytes = bytes(3)});
  EXPECT_EQ(p.map(4, 8, 'B'), "ok");
  EXPECT_EQ(p.map(8, 12, 'S'), "ok");
  EXPECT_EQ(p.map(12, 14, 'a'), "ENOMEM");
  EXPECT_EQ(p.protect(4, 6, can_write), "ENOMEM");
  EXPECT_EQ(p.protect(4, 5, can_write), "ok");
  EXPECT_EQ(p.draw(), "AA..ABBBSSSS");
}

TYPED_TEST(limit, of_data_keeps_what_mprotect_did_before) {
  auto p = this->make("BB.CCBB");
  EXPECT_EQ(p.map(2, 3, 'A'), "ok");
  p.space().set_limits({.data_bytes = bytes(4)});
  EXPECT_EQ(p.protect(0, 7, can_write), "ENOMEM");
  EXPECT_EQ(p.draw(), "AAACCBB");
}

TYPED_TEST(limit, of_data_holds_for_the_heap) {
  auto p = this->make("");
  p.space().set_break(page_at(2) + 5);
  p.space().set_limits({.data_bytes = bytes(2)});
  const auto brk = [&](address to) { return p.space().brk(p.cpu(), to); };
  EXPECT_EQ(brk(page_at(5)), page_at(2) + 5);  // too long a heap
  EXPECT_EQ(brk(page_at(4) + 5), page_at(4) + 5);
  EXPECT_EQ(p.map(10, 11, 'A'), "ENOMEM");
  EXPECT_EQ(brk(page_at(3)), page_at(3));
  EXPECT_EQ(p.map(10, 11, 'A'), "ok");
  EXPECT_EQ(brk(page_at(4)), page_at(4));
  EXPECT_EQ(brk(page_at(4) + 5), page_at(4));  // too much data
}

TYPED_TEST(limit, of_no_data_is_for_the_heap_alone) {
  auto p = this->make("");
  p.space().set_break(page_at(2));
  p.space().set_limits({.data_bytes = 0});
  EXPECT_EQ(p.space().brk(p.cpu(), page_at(3)), page_at(2));
  EXPECT_EQ(p.map(10, 11, 'A'), "ok");
}

TYPED_TEST(limit, of_locked_memory) {
  auto p = this->make("AAAAAA");
  p.space().set_limits({.locked_bytes = bytes(3)});
  EXPECT_EQ(this->lock(p, 0, 4), "ENOMEM");
  EXPECT_EQ(this->lock(p, 0, 2), "ok");
  EXPECT_EQ(this->lock(p, 0, 3), "ok");  // what is locked counts once
  EXPECT_EQ(p.draw(), "LLLAAA");
  EXPECT_EQ(this->lock(p, 2, 4), "ENOMEM");
  EXPECT_EQ(p.map(8, 9, 'L'), "EAGAIN");
  EXPECT_EQ(p.unmap(3, 6), "ok");
  EXPECT_EQ(p.resize(0, 3, 4), "EAGAIN");
  EXPECT_EQ(outcome(p.space().unlock(p.cpu(), pages(0, 1))), "ok");
  EXPECT_EQ(p.resize(1, 3, 4), "ok");
  EXPECT_EQ(p.draw(), "ALLL");
  EXPECT_EQ(outcome(p.space().lock(p.cpu(), {page_at(0), ~address{0}})), "ENOMEM");  // more than there is
  p.space().set_limits({.locked_bytes = 0});
  EXPECT_EQ(this->lock(p, 0, 1), "EPERM");
  EXPECT_EQ(p.map(8, 9, 'L'), "EPERM");
}

TYPED_TEST(limit, of_locked_memory_counts_what_a_move_left_behind_unlocked) {
  auto p = this->make("LLLL");
  EXPECT_EQ(p.move(1, 3, 8, 10, remap_flag::dont_unmap), "ok");
  EXPECT_EQ(p.draw(), "AAAA....LL");
  EXPECT_EQ(p.space().usage().locked_pages, 6);  // as the kernel does
}

TYPED_TEST(limit, of_stacks_is_one_for_each_and_forbids_growth_alone) {
  auto p = this->make("......GGG......GG", {.stack_guard_gap = 0});
  p.space().set_limits({.stack_bytes = bytes(4) + 100});
  EXPECT_EQ(p.touch(4, 5), "EFAULT");
  EXPECT_EQ(p.touch(5, 6), "ok");
  EXPECT_EQ(p.touch(13, 14), "ok");
  EXPECT_EQ(p.draw(), ".....GGGG....GGGG");
  p.space().set_limits({.stack_bytes = 0});
  EXPECT_EQ(p.touch(12, 13), "EFAULT");
  EXPECT_EQ(p.map(20, 30, 'G'), "ok");
  auto child = p.fork();
  EXPECT_EQ(child.touch(12, 13), "EFAULT");
}

TYPED_TEST(limit, of_mappings_refuses_to_cut) {
  auto p = this->make("AAAAAA..BB");
  this->leave_mappings(p, 0);
  EXPECT_EQ(p.unmap(2, 4), "ENOMEM");
  EXPECT_EQ(p.map(2, 4, 'B'), "ENOMEM");
  EXPECT_EQ(p.protect(0, 2, can_read), "ENOMEM");
  EXPECT_EQ(this->lock(p, 0, 2), "ENOMEM");
  EXPECT_EQ(p.advise(0, 2, MADV_DONTFORK), "EAGAIN");
  EXPECT_EQ(p.draw(), "AAAAAA..BB");
  EXPECT_EQ(p.protect(8, 10, can_nothing), "ok");
  EXPECT_EQ(p.unmap(4, 6), "ok");
  EXPECT_EQ(p.draw(), "AAAA....DD");
  EXPECT_EQ(p.map(6, 7, 'C'), "ok");  // one more than there may be
  EXPECT_EQ(p.map(5, 6, 'B'), "ENOMEM");
  EXPECT_EQ(p.draw(), "AAAA..C.DD");
}

TYPED_TEST(limit, of_mappings_does_not_forbid_to_unmap_nothing) {
  auto p = this->make("AAAAAA");
  EXPECT_EQ(p.unmap(1, 5), "ok");
  this->leave_mappings(p, 0);
  EXPECT_EQ(p.unmap(2, 4), "ok");
}

TYPED_TEST(limit, of_mappings_leaves_the_lower_cut) {
  auto p = this->make("AAAAAA");
  this->leave_mappings(p, 1);
  EXPECT_EQ(p.protect(2, 4, can_read), "ENOMEM");
  EXPECT_EQ(p.draw(), "AA|AAAA");
}

/// What a later change merges is what it changed, and not once more what an earlier step left.
TYPED_TEST(limit, of_mappings_leaves_a_cut_that_a_neighbours_change_does_not_heal) {
  auto p = this->make("LLLLLL");
  this->leave_mappings(p, 1);
  EXPECT_EQ(p.protect(2, 4, can_read), "ENOMEM");
  this->leave_mappings(p, 9);
  EXPECT_EQ(p.protect(4, 6, can_nothing), "ok");
  EXPECT_EQ(p.draw(), "LL|LL??");
  EXPECT_EQ(p.protect(3, 5, can_write), "ok");
  EXPECT_EQ(p.draw(), "LL|LLL?");
}

TYPED_TEST(limit, of_mappings_keeps_what_was_done_before) {
  auto p = this->make("AAcdSS");
  this->leave_mappings(p, 0);
  EXPECT_EQ(p.protect(0, 5, can_nothing), "ENOMEM");
  EXPECT_EQ(p.draw(), "DD??SS");
  this->leave_mappings(p, 1);
  EXPECT_EQ(p.protect(0, 5, can_nothing), "ok");
  EXPECT_EQ(p.draw(), "DD??|?S");
  auto other = this->make("AABBCC");
  this->leave_mappings(other, 0);
  EXPECT_EQ(other.protect(0, 5, can_nothing), "ok");  // those before have merged
  EXPECT_EQ(other.draw(), "DDDDDC");
}

TYPED_TEST(limit, of_mappings_wants_room_for_a_move) {
  auto p = this->make("AAAA..BB");
  this->leave_mappings(p, 5);
  EXPECT_EQ(p.move(0, 4, 10, 14), "ENOMEM");
  EXPECT_EQ(p.draw(), "AAAA..BB");
  this->leave_mappings(p, 6);
  EXPECT_EQ(p.move(0, 4, 10, 14), "ok");
  EXPECT_EQ(p.draw(), "......BB..AAAA");
  EXPECT_EQ(p.resize(6, 8, 10), "ok");  // in place none is cut
  this->leave_mappings(p, 3);
  const auto grown = p.space().remap(p.cpu(), {.old_address = page_at(6),
                                               .old_length = bytes(4),
                                               .new_length = bytes(5),
                                               .flags = remap_flag::may_move});
  EXPECT_EQ(outcome(grown), "ENOMEM");
  EXPECT_EQ(p.draw(), "......BBBBAAAA");
}

TYPED_TEST(limit, holds_for_a_stack_that_grows) {
  auto p = this->make("........GG", {.stack_guard_gap = page_size});
  p.space().set_limits({.bytes = bytes(4)});
  EXPECT_EQ(p.touch(5, 6), "EFAULT");
  EXPECT_EQ(p.touch(6, 7), "ok");
  EXPECT_EQ(p.draw(), "......GGGG");
}

}  // namespace
}  // namespace rcuvm::mm::testing
