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

std::vector<std::byte> all_of(const frame_pool& pool, frame_number which) {
  std::vector<std::byte> bytes(page_size);
  pool.read(which, 0, bytes);
  return bytes;
}
void fill(frame_pool& pool, frame_number which, std::byte with) {
  pool.write(which, 0, std::vector<std::byte>(page_size, with));
}
bool is_filled(const frame_pool& pool, frame_number which, std::byte with) {
  return all_of(pool, which) == std::vector<std::byte>(page_size, with);
}

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
  fill(pool, one, std::byte{7});
  EXPECT_TRUE(is_filled(pool, one, std::byte{7}));
  pool.put(one, stock);
  ASSERT_EQ(pool.take(stock), one);
  EXPECT_TRUE(is_filled(pool, one, std::byte{0}));
}

TEST(frame_pool, copies_a_page) {
  frame_pool pool{2, backing::real};
  magazine stock;
  const frame_number from = pool.take(stock);
  const frame_number to = pool.take(stock);
  fill(pool, from, std::byte{5});
  pool.copy(from, to);
  EXPECT_TRUE(is_filled(pool, to, std::byte{5}));
}

// At every offset and length around a word: what was written comes back, and the bytes beside it stay.
TEST(frame_pool, reads_and_writes_any_bytes_of_a_page) {
  frame_pool pool{1, backing::real};
  magazine stock;
  const frame_number one = pool.take(stock);
  for (const std::size_t base : {std::size_t{0}, std::size_t{128}, std::size_t{page_size - 24}}) {
    for (std::size_t offset = 0; offset < 8; ++offset) {
      for (std::size_t length = 0; offset + length <= 24; ++length) {
        fill(pool, one, std::byte{9});
        std::vector<std::byte> written(length);
        for (std::size_t i = 0; i < length; ++i) written[i] = static_cast<std::byte>(i + 100);
        pool.write(one, base + offset, written);
        std::vector<std::byte> expected(page_size, std::byte{9});
        std::ranges::copy(written, expected.begin() + static_cast<std::ptrdiff_t>(base + offset));
        ASSERT_EQ(all_of(pool, one), expected) << base << " " << offset << " " << length;
        std::vector<std::byte> read(length);
        pool.read(one, base + offset, read);
        ASSERT_EQ(read, written);
      }
    }
  }
}

TEST(frame_pool, keeps_the_bytes_that_two_threads_write_side_by_side) {
  frame_pool pool{1, backing::real};
  magazine stock;
  const frame_number one = pool.take(stock);
  const auto count_up = [&](std::size_t offset) {
    for (unsigned i = 1; i <= 2000; ++i) {
      std::byte mine{};
      pool.read(one, offset, {&mine, 1});
      mine = static_cast<std::byte>(static_cast<unsigned>(mine) + 1);
      pool.write(one, offset, {&mine, 1});
    }
  };
  {
    sync::thread first{"first", [&] { count_up(3); }};
    sync::thread second{"second", [&] { count_up(4); }};
  }
  EXPECT_EQ(all_of(pool, one)[3], static_cast<std::byte>(2000 % 256));
  EXPECT_EQ(all_of(pool, one)[4], static_cast<std::byte>(2000 % 256));
}

TEST(frame_pool, that_only_counts_has_no_bytes) {
  frame_pool pool{2, backing::counted};
  magazine stock;
  const frame_number one = pool.take(stock);
  fill(pool, one, std::byte{7});
  EXPECT_TRUE(is_filled(pool, one, std::byte{0}));  // reading leaves the reader's bytes as they are
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
  EXPECT_TRUE(is_filled(pool, zero_frame, std::byte{0}));
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
