// SPDX-License-Identifier: Apache-2.0

/// fork: the same mappings, shared pages shared, private pages copied when one side writes.

#include "rcuvm/mm/fork.hpp"

#include <gtest/gtest.h>

#include "rcuvm/sync/memory.hpp"
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

/// Separate mappings without pages, from page 0 of the picture.
template <class Design>
void map_many(process<Design>& in, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) EXPECT_EQ(in.map(2 * i, 2 * i + 1, 'A'), "ok");
}

/// How many allocations a fork makes.
template <class Design>
std::uint64_t allocations_of_a_fork(process<Design>& parent) {
  for (std::uint64_t nth = 1;; ++nth) {
    const sync::memory::failing_allocations failing{nth};
    const auto child = parent.space().fork(parent.cpu());
    if (!failing.has_failed()) return nth - 1;
    EXPECT_EQ(child, nullptr) << "allocation " << nth;
  }
}

TYPED_TEST(fork, of_a_thousand_mappings_takes_no_more_memory_than_of_one) {
  if (!TypeParam::shares_records) GTEST_SKIP() << "it keeps something of one address space in each record";
  auto one = this->make("");
  map_many(one, 1);
  auto many = this->make("");
  map_many(many, 1000);
  EXPECT_EQ(allocations_of_a_fork(many), allocations_of_a_fork(one));
}

TYPED_TEST(fork, of_many_mappings_leaves_each_side_its_own) {
  constexpr std::int64_t count = 300;
  auto parent = this->make("");
  map_many(parent, count);
  auto child = parent.fork();
  const auto lines = [](process<TypeParam>& of) {
    std::size_t seen = 0;
    of.space().walk_snapshot([&](const vm::vma&) { ++seen; });
    return seen;
  };
  EXPECT_EQ(parent.unmap(0, count), "ok");
  EXPECT_EQ(lines(parent), 150U);
  EXPECT_EQ(lines(child), 300U);
  EXPECT_EQ(child.unmap(count, 2 * count), "ok");
  EXPECT_EQ(lines(child), 150U);
  EXPECT_EQ(child.touch(0, 1), "ok");
  EXPECT_EQ(parent.touch(count, count + 1), "ok");
  EXPECT_EQ(parent.touch(0, 1), "EFAULT");
  EXPECT_EQ(child.touch(count, count + 1), "EFAULT");
}

// A record that both sides have stays as it is for the one when the other one changes or drops its mapping.
TYPED_TEST(fork, then_the_first_write_is_to_a_mapping_of_its_own) {
  auto parent = this->make("AABB");
  auto child = parent.fork();
  EXPECT_EQ(parent.fill("a"), "ok");
  EXPECT_EQ(child.fill(".b"), "ok");
  EXPECT_EQ(parent.protect(2, 4, can_write), "ok");  // neither has pages from the other one
  EXPECT_EQ(child.protect(2, 4, can_write), "ok");
  EXPECT_EQ(parent.draw(), "AAAA");
  EXPECT_EQ(child.draw(), "AAAA");
  EXPECT_EQ(parent.text(), "a000");
  EXPECT_EQ(child.text(), "0b00");
}

TYPED_TEST(fork, then_a_move_on_one_side) {
  auto parent = this->make("AAAA");
  EXPECT_EQ(parent.fill("abcd"), "ok");
  auto child = parent.fork();
  EXPECT_EQ(parent.move(1, 3, 8, 10), "ok");
  EXPECT_EQ(child.move(0, 2, 8, 10), "ok");
  EXPECT_EQ(parent.text(), "a..d....bc");
  EXPECT_EQ(child.text(), "..cd....ab");
  EXPECT_EQ(parent.fill("xy", 8), "ok");
  EXPECT_EQ(child.text(), "..cd....ab");
}

TYPED_TEST(fork, then_a_stack_grows_on_each_side) {
  auto parent = this->make("......GG", {.stack_guard_gap = 2 * page_size});
  EXPECT_EQ(parent.fill("a", 7), "ok");
  auto child = parent.fork();
  EXPECT_EQ(parent.fill("b", 5), "ok");
  EXPECT_EQ(child.fill("c", 4), "ok");
  EXPECT_EQ(parent.draw(), ".....GGG");
  EXPECT_EQ(child.draw(), "....GGGG");
  EXPECT_EQ(parent.text(), "00000b0a");  // a look below it lets it grow, too
  EXPECT_EQ(child.text(), "0000c00a");
}

TYPED_TEST(fork, again_and_again) {
  auto first = this->make("AAAA");
  EXPECT_EQ(first.fill("abcd"), "ok");
  auto second = first.fork();
  EXPECT_EQ(first.unmap(0, 1), "ok");
  auto third = first.fork();
  EXPECT_EQ(second.protect(1, 2, can_read), "ok");
  auto fourth = second.fork();
  EXPECT_EQ(second.unmap(0, 4), "ok");
  EXPECT_EQ(fourth.protect(1, 2, can_write), "ok");
  EXPECT_EQ(fourth.draw(), "A|A|AA");  // as the kernel: fork gave each of the three an anon_vma of its own
  EXPECT_EQ(fourth.fill("..x"), "ok");
  EXPECT_EQ(third.fill("...y", 0), "ok");
  EXPECT_EQ(first.text(), ".bcd");
  EXPECT_EQ(third.text(), ".bcy");
  EXPECT_EQ(fourth.text(), "abxd");
}

TYPED_TEST(fork, of_what_a_child_was_not_given) {
  auto parent = this->make("AAAALL");
  EXPECT_EQ(parent.fill("abcd"), "ok");
  EXPECT_EQ(parent.advise(1, 2, MADV_DONTFORK), "ok");
  EXPECT_EQ(parent.advise(2, 3, MADV_WIPEONFORK), "ok");
  auto child = parent.fork();
  EXPECT_EQ(child.space().usage().locked_pages, 0);
  auto grandchild = child.fork();
  EXPECT_EQ(child.fill("..x"), "ok");
  EXPECT_EQ(grandchild.text(), "a.0d00");
  EXPECT_EQ(child.text(), "a.xd00");
  EXPECT_EQ(parent.text(), "abcd00");
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
