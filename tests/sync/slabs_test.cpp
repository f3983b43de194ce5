// SPDX-License-Identifier: Apache-2.0
#include "src/sync/slabs.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

#include "rcuvm/sync/thread.hpp"
#include "src/sync/recycler.hpp"

namespace rcuvm::sync::memory {
namespace {

std::vector<void*> take_blocks(slab_list& from, std::size_t count) {
  std::vector<void*> made;
  while (made.size() != count) made.push_back(from.take());
  return made;
}

void give_blocks(slab_list& to, const std::vector<void*>& blocks) {
  for (void* each : blocks) to.give(each);
}

TEST(slabs, living_blocks_are_distinct_aligned_and_keep_what_is_written) {
  for (const auto& [bytes, alignment] :
       {std::pair<std::size_t, std::size_t>{64, 64}, {384, 128}, {4608, 512}, {1024, 1024}}) {
    slab_list list{bytes, alignment};
    std::vector<void*> blocks = take_blocks(list, 3000);
    EXPECT_EQ(std::set<void*>(blocks.begin(), blocks.end()).size(), blocks.size());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(blocks[i]) % alignment, 0U);
      std::memset(blocks[i], static_cast<int>(i % 251), bytes);
    }
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const auto* const seen = static_cast<const unsigned char*>(blocks[i]);
      ASSERT_EQ(seen[0], i % 251);
      ASSERT_EQ(seen[bytes - 1], i % 251);
    }
    give_blocks(list, blocks);
  }
}

// [short] full, [2 MiB] begun; all given back: one empty slab is kept, and taken from again
TEST(slabs, go_back_to_the_system_but_for_one) {
  slab_list list{1024, 1024};
  EXPECT_EQ(list.count_slabs(), 0U);
  std::vector<void*> blocks = take_blocks(list, 255);  // of 256 KiB, the first for the slab itself
  EXPECT_EQ(list.count_slabs(), 1U);
  blocks.push_back(list.take());
  EXPECT_EQ(list.count_slabs(), 2U);
  for (void* each : take_blocks(list, 3 * 2047)) blocks.push_back(each);
  EXPECT_EQ(list.count_slabs(), 5U);
  give_blocks(list, blocks);
  EXPECT_EQ(list.count_slabs(), 1U);
  void* const again = list.take();
  EXPECT_EQ(list.count_slabs(), 1U);
  list.give(again);
}

TEST(slabs, a_full_one_has_room_again) {
  slab_list list{1024, 1024};
  std::vector<void*> blocks = take_blocks(list, 255);
  list.give(blocks.back());
  EXPECT_EQ(list.take(), blocks.back());
  EXPECT_EQ(list.count_slabs(), 1U);
  give_blocks(list, blocks);
}

TEST(slabs, without_memory_say_so_and_go_on) {
  if (!recycler::serves(64, 64))
    GTEST_SKIP() << "not used in this build, and sanitizers map memory of their own";
  slab_list list{1024, 1024};
  void* const before = list.take();
  rlimit usual{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &usual), 0);
  rlimit none = usual;
  none.rlim_cur = 1;
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &none), 0);
  std::size_t got = 1;
  std::vector<void*> blocks(1000, nullptr);
  while (got < blocks.size() && (blocks[got] = list.take()) != nullptr) ++got;
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &usual), 0);
  EXPECT_EQ(got, 255U);
  void* const after = list.take();
  EXPECT_NE(after, nullptr);
  list.give(after);
  blocks[0] = before;
  blocks.resize(got);
  give_blocks(list, blocks);
}

TEST(slabs, are_taken_from_and_given_to_by_several_threads) {
  slab_list list{192, 64};
  std::vector<thread> threads;
  for (int self = 0; self != 4; ++self) {
    threads.emplace_back("slabs", [&list, self] {
      for (int round = 0; round != 20; ++round) {
        const std::vector<void*> mine = take_blocks(list, 500);
        for (void* each : mine) std::memset(each, self, 192);
        for (void* each : mine) {
          ASSERT_EQ(*static_cast<char*>(each), self);
          list.give(each);
        }
      }
    });
  }
  for (thread& each : threads) each.join();
  EXPECT_LE(list.count_slabs(), 1U);
}

}  // namespace
}  // namespace rcuvm::sync::memory
