// SPDX-License-Identifier: Apache-2.0

/// Frames: taken, shared, put back, counted; generations tell a freed one.

#include "rcuvm/vm/frame.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "rcuvm/sync/thread.hpp"

namespace rcuvm::vm {
namespace {

using backing = frame_pool::backing;
using magazine = frame_pool::magazine;

TEST(frame_pool, gives_each_frame_once_until_there_are_none) {
  frame_pool pool{100, backing::counted};
  magazine stock;
  std::set<frame_number> taken;
  for (int i = 0; i < 100; ++i) {
    const frame_number one = pool.take(stock);
    EXPECT_NE(one, no_frame);
    EXPECT_NE(one, zero_frame);
    EXPECT_TRUE(taken.insert(one).second);
    EXPECT_EQ(pool.references(one), 1U);
  }
  EXPECT_EQ(pool.take(stock), no_frame);
  EXPECT_EQ(pool.in_use(), 100U);
  for (const frame_number one : taken) pool.put(one, stock);
  pool.drain(stock);
  EXPECT_EQ(pool.in_use(), 0U);
  EXPECT_NE(pool.take(stock), no_frame);
}

TEST(frame_pool, frees_a_frame_with_its_last_reference) {
  frame_pool pool{4, backing::counted};
  magazine stock;
  const frame_number one = pool.take(stock);
  const std::uint32_t first = pool.generation(one);
  pool.share(one);
  EXPECT_EQ(pool.references(one), 2U);
  pool.put(one, stock);
  EXPECT_EQ(pool.generation(one), first);  // still somebody's
  pool.put(one, stock);
  EXPECT_EQ(pool.references(one), 0U);
  EXPECT_EQ(pool.generation(one), first + 1);
}

TEST(frame_pool, hands_out_zeros) {
  frame_pool pool{1, backing::real};
  magazine stock;
  const frame_number one = pool.take(stock);
  ASSERT_EQ(pool.bytes(one).size(), page_size);
  std::ranges::fill(pool.bytes(one), std::byte{7});
  pool.put(one, stock);
  ASSERT_EQ(pool.take(stock), one);
  EXPECT_TRUE(std::ranges::all_of(pool.bytes(one), [](std::byte each) { return each == std::byte{0}; }));
}

TEST(frame_pool, copies_a_page) {
  frame_pool pool{2, backing::real};
  magazine stock;
  const frame_number from = pool.take(stock);
  const frame_number to = pool.take(stock);
  pool.bytes(from).front() = std::byte{1};
  pool.bytes(from).back() = std::byte{2};
  pool.copy(from, to);
  EXPECT_TRUE(std::ranges::equal(pool.bytes(from), pool.bytes(to)));
}

TEST(frame_pool, that_only_counts_has_no_bytes) {
  frame_pool pool{2, backing::counted};
  magazine stock;
  const frame_number one = pool.take(stock);
  EXPECT_TRUE(pool.bytes(one).empty());
  pool.copy(one, pool.take(stock));
}

TEST(frame_pool, never_counts_the_zero_frame) {
  frame_pool pool{2, backing::real};
  magazine stock;
  pool.share(zero_frame);
  pool.put(zero_frame, stock);
  pool.put(zero_frame, stock);
  EXPECT_EQ(pool.references(zero_frame), 1U);
  EXPECT_EQ(pool.generation(zero_frame), 0U);
  EXPECT_EQ(stock.count, 0U);
  EXPECT_TRUE(
      std::ranges::all_of(pool.bytes(zero_frame), [](std::byte each) { return each == std::byte{0}; }));
}

TEST(frame_pool, moves_frames_between_stocks_through_the_pool) {
  frame_pool pool{magazine::capacity * 2, backing::counted};
  magazine one;
  magazine other;
  std::vector<frame_number> taken;
  for (std::size_t i = 0; i < magazine::capacity * 2; ++i) taken.push_back(pool.take(one));
  for (const frame_number each : taken) pool.put(each, other);  // overflows into the pool
  EXPECT_LE(other.count, magazine::capacity);
  EXPECT_EQ(pool.in_use(), other.count);
  EXPECT_NE(pool.take(one), no_frame);
}

TEST(frame_pool, loses_nothing_between_threads) {
  frame_pool pool{400, backing::counted};
  const auto body = [&pool] {
    magazine stock;
    std::vector<frame_number> mine;
    for (int round = 0; round < 200; ++round) {
      for (int i = 0; i < 90; ++i) mine.push_back(pool.take(stock));
      EXPECT_EQ(std::ranges::count(mine, no_frame), 0);
      while (!mine.empty()) {
        pool.put(mine.back(), stock);
        mine.pop_back();
      }
    }
    pool.drain(stock);
  };
  {
    sync::thread first{"first", body};
    sync::thread second{"second", body};
  }
  EXPECT_EQ(pool.in_use(), 0U);
}

}  // namespace
}  // namespace rcuvm::vm
