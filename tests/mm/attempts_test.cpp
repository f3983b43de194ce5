// SPDX-License-Identifier: Apache-2.0

/// Why a fault starts again: true and spurious retries, the longest series, and the lock in the end.

#include <gtest/gtest.h>

#include "rcuvm/mm/attempts.hpp"

namespace rcuvm::mm {
namespace {

const lineage alone;

constexpr address at = 0x3000;

vm::vma mapping(range where, vm::vma_flags flags = vm::vma_flag::read, std::uint64_t anon = 1) {
  return vm::vma{{.where = where, .flags = flags, .page_offset = where.start >> page_shift, .anon = anon},
                 vm::life::live};
}

/// The counters after one attempt that found `before` failed, and another one found `after`.
vm::counters retried(const vm::vma& before, const vm::vma* after) {
  vm::counters count;
  fault_attempts attempts{count, alone, mm::attempts{4}};
  EXPECT_FALSE(attempts.take_lock());
  attempts.look_at(&before, at);
  attempts.failed(before, at);
  EXPECT_FALSE(attempts.take_lock());
  attempts.look_at(after, at);
  return count;
}

TEST(fault_attempts, a_change_of_another_part_of_the_mapping_is_spurious) {
  const vm::vma before = mapping({0x1000, 0x9000});
  const vm::vma cut = mapping({0x2000, 0x5000});
  const vm::counters count = retried(before, &cut);
  EXPECT_EQ(count.retries_spurious, 1U);
  EXPECT_EQ(count.retries_true, 0U);
}

TEST(fault_attempts, a_change_of_this_page_is_true) {
  const vm::vma before = mapping({0x1000, 0x9000});
  const vm::vma writable = mapping({0x1000, 0x9000}, {vm::vma_flag::read, vm::vma_flag::write});
  const vm::vma other_pages = mapping({0x1000, 0x9000}, vm::vma_flag::read, 2);
  const vm::vma moved_here{
      {.where = {0x1000, 0x9000}, .flags = vm::vma_flag::read, .page_offset = 77, .anon = 1}, vm::life::live};
  for (const vm::vma* after : {static_cast<const vm::vma*>(nullptr), &writable, &other_pages, &moved_here}) {
    const vm::counters count = retried(before, after);
    EXPECT_EQ(count.retries_true, 1U);
    EXPECT_EQ(count.retries_spurious, 0U);
  }
}

TEST(fault_attempts, end_with_the_lock_and_count_the_longest_series) {
  vm::counters count;
  const vm::vma same = mapping({0x1000, 0x9000});
  for (const unsigned failures : {2U, 3U, 1U}) {
    fault_attempts attempts{count, alone, mm::attempts{3}};
    for (unsigned i = 0; i < failures; ++i) {
      EXPECT_FALSE(attempts.take_lock());
      attempts.failed(same, at);
    }
    EXPECT_EQ(attempts.take_lock(), failures == 3);
  }
  EXPECT_EQ(count.longest_retries, 3U);
  EXPECT_EQ(count.fallbacks_retries, 1U);
  EXPECT_EQ(count.fallbacks_writer, 0U);
  vm::counters sum;
  sum += count;
  sum += count;
  EXPECT_EQ(sum.longest_retries, 3U);
  EXPECT_EQ(sum.fallbacks_retries, 2U);
}

TEST(fault_attempts, a_writer_at_the_mapping_means_the_lock_where_there_is_one) {
  vm::counters count;
  const vm::vma same = mapping({0x1000, 0x9000});
  fault_attempts with_lock{count, alone, mm::attempts{4}};
  with_lock.turned_away(&same, at, kept::lock);
  EXPECT_FALSE(with_lock.must_wait());
  EXPECT_TRUE(with_lock.take_lock());
  EXPECT_EQ(count.fallbacks_writer, 1U);
  fault_attempts without{count, alone, mm::attempts{mm::attempts::without_lock}};
  without.turned_away(&same, at, kept::lock);
  EXPECT_TRUE(without.must_wait());
  EXPECT_FALSE(without.take_lock());
}

}  // namespace
}  // namespace rcuvm::mm
