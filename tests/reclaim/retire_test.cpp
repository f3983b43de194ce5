// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/reclaim/retire.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "rcuvm/sync/memory.hpp"
#include "rcuvm/sync/rcu.hpp"
#include "rcuvm/sync/thread.hpp"
#include "tests/reclaim/corpse.hpp"
#include "tests/sync/eventually.hpp"
#include "tests/sync/reader_inside.hpp"

namespace rcuvm::reclaim {
namespace {

using sync::memory::failing_allocations;
using tests::morgue;

TEST(retire_list_test, counts_and_frees_in_order) {
  morgue dead;
  retire_list list;
  EXPECT_TRUE(list.is_empty());
  for (std::uint32_t at = 0; at != 1'000; ++at) {
    list.add(dead.die(at));
    EXPECT_EQ(list.size(), at + 1);
  }
  EXPECT_EQ(list.bytes(), 999U * 1'000U / 2);
  EXPECT_EQ(dead.freed(), 0U);
  list.free_now();
  EXPECT_TRUE(list.is_empty());
  EXPECT_EQ(list.size(), 0U);
  EXPECT_EQ(list.bytes(), 0U);
  EXPECT_TRUE(dead.is_each_freed_once());
  EXPECT_TRUE(dead.is_in_order());
}

TEST(retire_list_test, append_puts_the_other_behind) {
  for (const std::uint32_t mine : {0U, 1U, 17U, 18U, 19U, 500U}) {
    for (const std::uint32_t others : {0U, 1U, 18U, 300U}) {
      morgue dead;
      retire_list list;
      retire_list other;
      for (std::uint32_t at = 0; at != mine; ++at) list.add(dead.die());
      for (std::uint32_t at = 0; at != others; ++at) other.add(dead.die(3));
      list.append(std::move(other));
      EXPECT_TRUE(other.is_empty());  // NOLINT: what append leaves is documented
      EXPECT_EQ(list.size(), mine + others);
      EXPECT_EQ(list.bytes(), mine + 3U * others);
      for (std::uint32_t at = 0; at != 30; ++at) list.add(dead.die());
      EXPECT_EQ(list.size(), mine + others + 30U);
      list.free_now();
      EXPECT_TRUE(dead.is_each_freed_once());
      EXPECT_TRUE(dead.is_in_order());
    }
  }
}

TEST(retire_list_test, moving_hands_all_over) {
  morgue dead;
  retire_list list;
  list.add(dead.die(5));
  retire_list taken{std::move(list)};
  EXPECT_TRUE(list.is_empty());  // NOLINT: what a move leaves is documented
  retire_list assigned;
  assigned = std::move(taken);
  EXPECT_TRUE(taken.is_empty());  // NOLINT
  EXPECT_EQ(assigned.size(), 1U);
  EXPECT_EQ(assigned.bytes(), 5U);
  assigned.free_now();
  EXPECT_TRUE(dead.is_each_freed_once());
}

TEST(retire_list_test, a_free_function_may_fill_the_list_again) {
  static retire_list list;
  static int freed;
  freed = 0;  // the test may be repeated
  list.add({nullptr, [](void*) noexcept { list.add({nullptr, [](void*) noexcept { ++freed; }, 1}); }, 1});
  list.free_now();
  EXPECT_EQ(freed, 0);
  EXPECT_EQ(list.size(), 1U);
  list.free_now();
  EXPECT_EQ(freed, 1);
}

/// Every allocation of the list fails once: nothing is lost, nothing is freed twice.
TEST(retire_list_test, M3_without_memory_an_object_is_freed_after_a_grace_period) {
  std::uint64_t tried = 0;
  for (std::uint64_t nth = 1;; ++nth) {
    morgue dead;
    retire_list list;
    const failing_allocations failing{nth};
    for (std::uint32_t at = 0; at != 400; ++at) {
      const std::uint64_t waits_before = sync::rcu::grace_periods();
      const std::uint64_t freed_before = dead.freed();
      list.add(dead.die());
      const bool was_freed = dead.freed() != freed_before;
      EXPECT_TRUE(!was_freed || sync::rcu::grace_periods() > waits_before);
    }
    EXPECT_EQ(dead.freed(), failing.has_failed() ? 1U : 0U);
    EXPECT_EQ(list.size(), 400U - dead.freed());
    list.free_now();
    EXPECT_TRUE(dead.is_each_freed_once());
    if (!failing.has_failed()) break;
    ++tried;
  }
  EXPECT_GE(tried, 2U) << "the list has one block for 400 objects: too few allocations to fail";
}

TEST(retire_list_test, without_memory_at_all_everything_is_freed_one_by_one) {
  morgue dead;
  retire_list list;
  const failing_allocations failing{1, failing_allocations::how::for_good};
  for (std::uint32_t at = 0; at != 50; ++at) {
    list.add(dead.die());
    EXPECT_EQ(dead.freed(), at + 1);
  }
  EXPECT_TRUE(list.is_empty());
  EXPECT_TRUE(dead.is_in_order());
}

TEST(retire_list_test, without_memory_it_waits_for_the_reader_inside) {
  morgue dead;
  tests::reader_inside reader;
  const sync::thread writer{"writer", [&] {
                              const failing_allocations failing{1};
                              retire_list list;
                              list.add(dead.die());
                            }};
  sync::sleep_ns(tests::a_while_ns);
  EXPECT_EQ(dead.freed(), 0U);
  reader.leave();
  EXPECT_TRUE(tests::eventually([&] { return dead.freed() == 1; }));
}

TEST(retire_list_DeathTest, a_dropped_list_ends_the_program) {
  EXPECT_DEATH(
      {
        morgue dead;
        retire_list list;
        list.add(dead.die());
      },
      "a retire_list dropped");
  EXPECT_DEATH(
      {
        morgue dead;
        retire_list list;
        list.add(dead.die());
        list = retire_list{};
      },
      "a retire_list overwritten");
}

#ifdef RCUVM_ASSERTIONS
TEST(retire_list_DeathTest, adding_inside_a_section_ends_the_program) {
  const sync::rcu::registration here;
  EXPECT_DEATH(
      {
        morgue dead;
        retire_list list;
        const sync::rcu::read_section section;
        list.add(dead.die());
      },
      "add inside a read section");
}
#endif

}  // namespace
}  // namespace rcuvm::reclaim
