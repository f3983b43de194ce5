// SPDX-License-Identifier: Apache-2.0

/// fork: the same mappings, shared pages shared, private pages copied when one side writes.

#include "rcuvm/mm/fork.hpp"

#include <gtest/gtest.h>

#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class fork : public mm_test<Design> {};
TYPED_TEST_SUITE(fork, all_designs, design_names);

TYPED_TEST(fork, copies_the_mappings) {
  auto parent = this->make("AAB.cd45SS|SSGG");
  auto child = parent.fork();
  EXPECT_EQ(child.draw(), "AAB.cd45SS|SSGG");
  EXPECT_EQ(child.unmap(0, 6), "ok");
  EXPECT_EQ(parent.unmap(8, 12), "ok");
  EXPECT_EQ(child.draw(), "......45SS|SSGG");
  EXPECT_EQ(parent.draw(), "AAB.cd45....GG");
}

TYPED_TEST(fork, gives_each_side_its_own_private_data) {
  auto parent = this->make("AAAA");
  EXPECT_EQ(parent.fill("abc"), "ok");
  auto child = parent.fork();
  EXPECT_EQ(child.text(), "abc0");
  EXPECT_EQ(child.fill("x"), "ok");
  EXPECT_EQ(parent.fill(".y.z"), "ok");
  EXPECT_EQ(parent.text(), "aycz");
  EXPECT_EQ(child.text(), "xbc0");
}

TYPED_TEST(fork, copies_a_page_only_while_two_have_it) {
  auto parent = this->make("A");
  EXPECT_EQ(parent.fill("a"), "ok");
  {
    auto child = parent.fork();
    const std::uint64_t copied = parent.cpu().count.pages_copied;
    EXPECT_EQ(child.fill("b"), "ok");
    EXPECT_EQ(parent.fill("c"), "ok");  // the child has its own by now
    EXPECT_EQ(parent.cpu().count.pages_copied - copied, 1U);
    EXPECT_EQ(child.text() + parent.text(), "bc");
  }
  EXPECT_EQ(parent.fill("d"), "ok");
  EXPECT_EQ(parent.text(), "d");
}

TYPED_TEST(fork, shares_shared_pages) {
  auto parent = this->make("SS12");
  EXPECT_EQ(parent.fill("a.c"), "ok");
  auto child = parent.fork();
  EXPECT_EQ(child.fill(".b.d"), "ok");
  EXPECT_EQ(parent.fill("x"), "ok");
  EXPECT_EQ(parent.text(), "xbcd");
  EXPECT_EQ(child.text(), "xbcd");
}

TYPED_TEST(fork, keeps_private_pages_of_a_file_apart) {
  auto parent = this->make("ab");
  EXPECT_EQ(parent.fill("x"), "ok");
  auto child = parent.fork();
  EXPECT_EQ(child.fill("yz"), "ok");
  EXPECT_EQ(parent.text(), "x0");
  EXPECT_EQ(child.text(), "yz");
}

TYPED_TEST(fork, of_a_fork) {
  auto first = this->make("AA");
  EXPECT_EQ(first.fill("ab"), "ok");
  auto second = first.fork();
  EXPECT_EQ(second.fill("c"), "ok");
  auto third = second.fork();
  EXPECT_EQ(first.fill(".d"), "ok");
  EXPECT_EQ(third.fill(".e"), "ok");
  EXPECT_EQ(first.text() + second.text() + third.text(), "adcbce");
}

TYPED_TEST(fork, leaves_out_what_it_was_told_to) {
  auto parent = this->make("AAABB");
  EXPECT_EQ(parent.fill("abc"), "ok");
  EXPECT_EQ(parent.advise(1, 2, MADV_DONTFORK), "ok");
  EXPECT_EQ(parent.advise(2, 3, MADV_WIPEONFORK), "ok");
  auto child = parent.fork();
  EXPECT_EQ(child.draw(), "A.?BB");
  EXPECT_EQ(child.text(), "a.000");
  EXPECT_EQ(parent.text(), "abc00");
}

TYPED_TEST(fork, does_not_inherit_locks) {
  auto parent = this->make("LLA");
  auto child = parent.fork();
  EXPECT_EQ(parent.draw(), "LLA");
  EXPECT_EQ(child.draw(), "AA|A");  // as the kernel: nothing merges by itself
}

TYPED_TEST(fork, keeps_protected_pages_apart_too) {
  auto parent = this->make("AA");
  EXPECT_EQ(parent.fill("ab"), "ok");
  EXPECT_EQ(parent.protect(0, 2, can_nothing), "ok");
  auto child = parent.fork();
  EXPECT_EQ(child.protect(0, 2, can_write), "ok");
  EXPECT_EQ(child.fill("x"), "ok");
  EXPECT_EQ(parent.protect(0, 2, can_write), "ok");
  EXPECT_EQ(parent.text(), "ab");
  EXPECT_EQ(child.text(), "xb");
}

// What has pages from its parent stays alone, unless both sides have the same ones.
TYPED_TEST(fork, then_new_memory_does_not_merge_with_inherited_pages) {
  auto parent = this->make("AA..BB");
  EXPECT_EQ(parent.touch(0, 1), "ok");
  auto child = parent.fork();
  EXPECT_EQ(child.map(2, 4, 'A'), "ok");
  EXPECT_EQ(child.draw(), "AA|AABB");
  EXPECT_EQ(parent.map(2, 4, 'A'), "ok");
  EXPECT_EQ(parent.draw(), "AAAABB");
  EXPECT_EQ(child.protect(4, 6, can_write), "ok");
  EXPECT_EQ(child.draw(), "AA|AAAA");
}

TYPED_TEST(fork, then_a_split_of_inherited_pages_merges_again) {
  auto parent = this->make("AAAA");
  EXPECT_EQ(parent.touch(0, 4), "ok");
  auto child = parent.fork();
  EXPECT_EQ(child.protect(2, 4, can_read), "ok");
  EXPECT_EQ(child.draw(), "AABB");
  EXPECT_EQ(child.protect(2, 4, can_write), "ok");
  EXPECT_EQ(child.draw(), "AAAA");
}

TYPED_TEST(fork, has_the_same_heap_and_stack) {
  auto parent = this->make("");
  parent.space().set_break(page_at(2));
  parent.space().set_stack(pages(20, 24));
  EXPECT_EQ(parent.space().brk(parent.cpu(), page_at(4)), page_at(4));
  auto child = parent.fork();
  EXPECT_EQ(child.space().heap(), pages(2, 4));
  EXPECT_EQ(child.space().stack(), pages(20, 24));
  EXPECT_EQ(child.space().brk(child.cpu(), page_at(6)), page_at(6));
  EXPECT_EQ(parent.space().heap(), pages(2, 4));
}

}  // namespace
}  // namespace rcuvm::mm::testing
