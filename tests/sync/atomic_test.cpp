// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/sync/atomic.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "rcuvm/sync/thread.hpp"

namespace rcuvm::sync {
namespace {

TEST(atomic_test, every_operation_returns_what_was_there_before) {
  atomic<std::uint32_t> word{1};
  EXPECT_EQ(word.fetch_add_relaxed(2), 1U);
  EXPECT_EQ(word.fetch_add_release(2), 3U);
  EXPECT_EQ(word.fetch_add_acq_rel(2), 5U);
  EXPECT_EQ(word.fetch_sub_relaxed(1), 7U);
  EXPECT_EQ(word.fetch_sub_release(1), 6U);
  EXPECT_EQ(word.fetch_sub_acq_rel(1), 5U);
  EXPECT_EQ(word.fetch_or_acq_rel(8), 4U);
  EXPECT_EQ(word.fetch_and_acq_rel(8), 12U);
  EXPECT_EQ(word.exchange_acquire(20), 8U);
  EXPECT_EQ(word.exchange_acq_rel(21), 20U);
  EXPECT_EQ(word.exchange_seq_cst(22), 21U);
  word.store_relaxed(23);
  EXPECT_EQ(word.load_relaxed(), 23U);
  word.store_release(24);
  EXPECT_EQ(word.load_acquire(), 24U);
  word.store_seq_cst(25);
  EXPECT_EQ(word.load_seq_cst(), 25U);
}

TEST(atomic_test, a_failed_cas_changes_nothing_and_shows_the_value) {
  atomic<std::uint32_t> word{1};
  std::uint32_t expected = 0;
  EXPECT_FALSE(word.cas_acq_rel(expected, 9));
  EXPECT_EQ(expected, 1U);
  expected = 0;
  EXPECT_FALSE(word.cas_acquire(expected, 9));
  EXPECT_EQ(expected, 1U);
  expected = 0;
  EXPECT_FALSE(word.cas_release(expected, 9));
  EXPECT_EQ(expected, 1U);
  expected = 0;
  EXPECT_FALSE(word.cas_relaxed(expected, 9));
  EXPECT_EQ(word.load_relaxed(), 1U);
  EXPECT_TRUE(word.cas_acq_rel(expected, 2));
  EXPECT_EQ(word.load_relaxed(), 2U);
}

/// TSan is the judge: `payload` is plain.
TEST(atomic_test, an_acquire_load_of_a_release_store_sees_the_payload) {
  for (std::uint32_t round = 1; round != 500; ++round) {
    std::uint32_t payload = 0;
    atomic<bool> is_ready{false};
    thread writer{"writer", [&] {
                    payload = round;
                    is_ready.store_release(true);
                  }};
    while (!is_ready.load_acquire()) yield();
    EXPECT_EQ(payload, round);
  }
}

}  // namespace
}  // namespace rcuvm::sync
