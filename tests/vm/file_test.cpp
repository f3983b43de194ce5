// SPDX-License-Identifier: Apache-2.0

/// The page cache of a file.

#include "rcuvm/vm/file.hpp"

#include <gtest/gtest.h>

#include "rcuvm/sync/thread.hpp"

namespace rcuvm::vm {
namespace {

class file_test : public ::testing::Test {
 protected:
  void put(frame_number one) { pool_.put(one, stock_); }

  frame_pool pool_{64, frame_pool::backing::real};
  frame_pool::magazine stock_;
};

TEST_F(file_test, gives_the_same_frame_each_time_and_a_reference_with_it) {
  {
    file one{{.name = "/a"}};
    const frame_number first = one.fault_locked(3, pool_, stock_).value();
    EXPECT_EQ(pool_.references(first), 2U);  // the cache's and ours
    EXPECT_EQ(one.fault_locked(3, pool_, stock_).value(), first);
    EXPECT_EQ(pool_.references(first), 3U);
    const frame_number other = one.fault_locked(4, pool_, stock_).value();
    EXPECT_NE(other, first);
    put(first);
    put(first);
    put(other);
    EXPECT_EQ(pool_.references(first), 1U);  // the cache keeps it
    EXPECT_EQ(pool_.references(other), 1U);
  }
  pool_.drain(stock_);
  EXPECT_EQ(pool_.in_use(), 0U);
}

TEST_F(file_test, ends_with_the_page_that_holds_its_last_byte) {
  const auto pages_of = [&](std::uint64_t size) {
    file one{{}, size};
    std::uint64_t index = 0;
    while (index < 10) {
      const auto got = one.fault_locked(index, pool_, stock_);
      if (!got) {
        EXPECT_EQ(got.error().number(), EFAULT);
        break;
      }
      put(*got);
      ++index;
    }
    return index;
  };
  EXPECT_EQ(pages_of(0), 0U);
  EXPECT_EQ(pages_of(1), 1U);
  EXPECT_EQ(pages_of(page_size), 1U);
  EXPECT_EQ(pages_of(page_size + 1), 2U);
  EXPECT_EQ(pages_of(file::endless), 10U);
}

TEST_F(file_test, without_frames_says_so_and_forgets_the_page) {
  frame_pool small{1, frame_pool::backing::counted};
  frame_pool::magazine stock;
  file one{{}};
  const frame_number first = one.fault_locked(0, small, stock).value();
  EXPECT_EQ(one.fault_locked(1, small, stock).error().number(), ENOMEM);
  EXPECT_EQ(one.fault_locked(1, small, stock).error().number(), ENOMEM);
  EXPECT_EQ(one.fault_locked(0, small, stock).value(), first);
  small.put(first, stock);
  small.put(first, stock);
}

TEST_F(file_test, gives_two_threads_the_same_frame) {
  frame_pool pool{256, frame_pool::backing::real};  // beside 40 in use, each thread's magazine holds some
  file one{{}};
  std::array<frame_number, 40> got_first{};
  std::array<frame_number, 40> got_second{};
  const auto look = [&](std::array<frame_number, 40>& got) {
    frame_pool::magazine stock;
    for (std::uint64_t index = 0; index < got.size(); ++index)
      got[index] = one.fault_locked(index, pool, stock).value();
    for (const frame_number each : got) pool.put(each, stock);
    pool.drain(stock);
  };
  {
    sync::thread first{"first", [&] { look(got_first); }};
    sync::thread second{"second", [&] { look(got_second); }};
  }
  EXPECT_EQ(got_first, got_second);
}

TEST_F(file_test, reads_at_once_unless_that_takes_time_or_a_lock) {
  const auto must_read = [](auto set) {
    file one{{}, page_size};
    set(one);
    EXPECT_FALSE(one.must_read(1));  // beyond the end
    return one.must_read(0);
  };
  EXPECT_FALSE(must_read([](file&) {}));
  EXPECT_TRUE(must_read([](file& of) { of.set_read_time(1); }));
  EXPECT_TRUE(must_read([](file& of) { of.set_faults_lock_inode(true); }));
  EXPECT_TRUE(must_read([](file& of) { of.set_fault_call(file::fault_call::locked); }));
}

TEST_F(file_test, loses_pages_beyond_its_end_and_counts_how_often) {
  {
    file one{{}, 4 * page_size};
    for (std::uint64_t index = 0; index < 4; ++index) put(one.fault_locked(index, pool_, stock_).value());
    one.set_size(page_size + 1);
    EXPECT_EQ(one.removals(), 1U);
    EXPECT_EQ(one.fault_locked(2, pool_, stock_).error().number(), EFAULT);
    EXPECT_TRUE(one.holds(2));  // until the page tables have lost it
    one.drop_beyond_end(stock_);
    EXPECT_TRUE(one.holds(1));
    EXPECT_FALSE(one.holds(2));
    one.set_size(4 * page_size);
    EXPECT_EQ(one.removals(), 1U);
    put(one.fault_locked(3, pool_, stock_).value());
  }
  pool_.drain(stock_);
  EXPECT_EQ(pool_.in_use(), 0U);
}

TEST_F(file_test, gives_no_page_of_a_hole_until_it_is_punched) {
  {
    file one{{}, 4 * page_size};
    for (std::uint64_t index = 0; index < 4; ++index) put(one.fault_locked(index, pool_, stock_).value());
    const range bytes{page_size - 1, 3 * page_size + 1};
    EXPECT_EQ(one.begin_hole(bytes), (range{1, 3}));
    EXPECT_EQ(one.removals(), 1U);
    EXPECT_EQ(one.fault_locked(1, pool_, stock_).error().number(), EAGAIN);
    EXPECT_EQ(one.page_at_hand(2, pool_, stock_).error().number(), EAGAIN);
    EXPECT_TRUE(one.is_in_hole(2));
    EXPECT_FALSE(one.is_in_hole(3));
    put(one.fault_locked(3, pool_, stock_).value());
    one.end_hole(bytes, stock_);
    EXPECT_FALSE(one.is_in_hole(2));
    EXPECT_TRUE(one.holds(0));
    EXPECT_FALSE(one.holds(1));
    EXPECT_FALSE(one.holds(2));
    EXPECT_TRUE(one.holds(3));
    put(one.fault_locked(2, pool_, stock_).value());
  }
  pool_.drain(stock_);
  EXPECT_EQ(pool_.in_use(), 0U);
}

}  // namespace
}  // namespace rcuvm::vm
