// SPDX-License-Identifier: Apache-2.0
#include "src/reclaim/batch_list.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <random>

namespace rcuvm::reclaim::detail {
namespace {

std::uint64_t chosen_seed() {
  const char* given = std::getenv("RCUVM_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

TEST(batch_list_test, gives_batches_back_in_ticket_order_whatever_the_order_of_arrival) {
  const std::uint64_t seed = chosen_seed();
  SCOPED_TRACE(testing::Message() << "RCUVM_SEED=" << seed);
  std::mt19937_64 random{seed};
  std::array<retire_block, 100> blocks;
  for (int round = 0; round != 200; ++round) {
    std::array<std::uint64_t, blocks.size()> tickets{};
    for (std::size_t at = 0; at != tickets.size(); ++at) tickets[at] = at + 1;
    std::ranges::shuffle(tickets, random);
    batch_list list;
    std::uint64_t next = 1;
    for (std::size_t at = 0; at != blocks.size(); ++at) {
      blocks[at].ticket = tickets[at];
      list.add(&blocks[at]);
      if (random() % 8 != 0) continue;
      batch_list run = list.take_run(next);
      while (!run.is_empty()) ASSERT_EQ(run.take_front()->ticket, next++);
      if (list.is_empty()) continue;
      ASSERT_GT(list.front().ticket, next) << "the run ended though its next ticket has arrived";
    }
    batch_list rest = list.take_run(next);
    EXPECT_TRUE(list.is_empty());
    while (!rest.is_empty()) ASSERT_EQ(rest.take_front()->ticket, next++);
    EXPECT_EQ(next, blocks.size() + 1);
  }
}

TEST(batch_list_test, a_run_ends_before_the_first_missing_ticket) {
  std::array<retire_block, 4> blocks;
  batch_list list;
  for (const std::size_t at : {3UL, 1UL, 0UL}) {
    blocks[at].ticket = at + 1;
    list.add(&blocks[at]);
  }
  batch_list run = list.take_run(1);
  EXPECT_EQ(run.take_front()->ticket, 1U);
  EXPECT_EQ(run.take_front()->ticket, 2U);
  EXPECT_TRUE(run.is_empty());
  EXPECT_TRUE(list.take_run(3).is_empty());
  EXPECT_EQ(list.front().ticket, 4U);
}

}  // namespace
}  // namespace rcuvm::reclaim::detail
