// SPDX-License-Identifier: Apache-2.0

/// Records that are used again: the same memory, nothing left of the mapping before.

#include "rcuvm/vm/vma_cache.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "rcuvm/sync/memory.hpp"
#include "rcuvm/sync/rcu.hpp"

namespace rcuvm::vm {
namespace {

constexpr range one_page{0x1000, 0x2000};

class vma_cache_of_a_machine : public ::testing::Test {
 protected:
  sync::rcu::registration here_{"test"};
  reclaim::limbo limbo_;
  vma_cache cache_{limbo_};
};

TEST_F(vma_cache_of_a_machine, gives_out_at_once_what_came_back_last) {
  vma* const first = cache_.take({.where = one_page}, life::live, 1);
  vma* const second = cache_.take({.where = one_page}, life::live, 1);
  ASSERT_NE(first, second);
  const sync::rcu::read_section reading;  // no grace period ends
  cache_.put(first);
  cache_.put(second);
  EXPECT_EQ(cache_.take({.where = one_page}, life::building, 2), second);
  EXPECT_EQ(second->owner(), 2U);
  EXPECT_EQ(second->state(), life::building);
  EXPECT_EQ(second->where(), one_page);
  cache_.put(second);
}

TEST_F(vma_cache_of_a_machine, lets_go_of_the_file_and_keeps_the_words_of_the_design) {
  const auto mapped = std::make_shared<file>(file_identity{.name = "/test", .inode = 7}, page_size);
  vma* const one = cache_.take({.where = one_page, .backing = mapped, .anon = 5}, life::live, 1);
  one->word().store_relaxed(3);
  one->sequence().store_relaxed(4);
  EXPECT_EQ(mapped.use_count(), 2);
  cache_.put(one);
  EXPECT_EQ(mapped.use_count(), 1);
  EXPECT_EQ(cache_.take({}, life::live, 1), one);
  EXPECT_EQ(one->anon(), 0U);
  EXPECT_EQ(one->word().load_relaxed(), 3U);
  EXPECT_EQ(one->sequence().load_relaxed(), 4U);
  cache_.put(one);
}

TEST_F(vma_cache_of_a_machine, hands_what_it_has_no_room_for_to_limbo) {
  std::vector<vma*> all(vma_cache::capacity + 2);
  for (vma*& each : all) each = cache_.take({.where = one_page}, life::live, 1);
  for (vma* each : all) cache_.put(each);
  EXPECT_EQ(limbo_.read_statistics().retired, 2U);
}

TEST_F(vma_cache_of_a_machine, has_nothing_without_memory_but_what_came_back) {
  vma* const one = cache_.take({.where = one_page}, life::live, 1);
  cache_.put(one);
  sync::memory::failing_allocations failing{1, sync::memory::failing_allocations::how::for_good};
  EXPECT_EQ(cache_.take({.where = one_page}, life::live, 1), one);
  EXPECT_EQ(cache_.take({.where = one_page}, life::live, 1), nullptr);
  cache_.put(one);
}

}  // namespace
}  // namespace rcuvm::vm
