// SPDX-License-Identifier: Apache-2.0
#include "src/reclaim/lanes.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "rcuvm/sync/clock.hpp"
#include "rcuvm/sync/thread.hpp"

namespace rcuvm::reclaim::detail {
namespace {

TEST(lanes_test, a_full_lane_refuses_and_takes_again_after_collecting) {
  const auto arrivals = std::make_unique<lanes>();
  std::vector<retire_block> batches(5'000);
  std::size_t pushed = 0;
  while (pushed != batches.size() && arrivals->push(&batches[pushed])) ++pushed;
  EXPECT_GE(pushed, 1'000U);
  EXPECT_LT(pushed, batches.size());
  std::size_t collected = 0;
  arrivals->collect([&](retire_block* batch, std::uint64_t) { EXPECT_EQ(batch, &batches[collected++]); });
  EXPECT_EQ(collected, pushed);
  EXPECT_TRUE(arrivals->push(batches.data()));
}

/// More writers than lanes, so that they meet in them. The fields of a batch are plain: TSan sees whether the hand-over
/// orders them.
TEST(lanes_test, each_batch_of_many_writers_arrives_once_and_whole) {
  constexpr std::uint64_t writers = 24;
  constexpr std::uint64_t each_pushes = 5'000;
  const auto arrivals = std::make_unique<lanes>();
  std::vector<retire_block> batches(writers * each_pushes);
  std::uint64_t collected = 0;
  std::uint64_t tickets = 0;
  std::uint64_t seen_before_pushed = 0;
  {
    std::vector<sync::thread> threads;
    for (std::uint64_t writer = 0; writer != writers; ++writer) {
      threads.emplace_back("writer", [&, writer] {
        for (std::uint64_t at = 0; at != each_pushes; ++at) {
          retire_block& batch = batches[writer * each_pushes + at];
          batch.ticket = writer * each_pushes + at + 1;
          batch.arrived_at_ns = sync::now_ns();
          while (!arrivals->push(&batch)) sync::yield();
        }
      });
    }
    const std::uint64_t give_up_ns = sync::now_ns() + 20'000'000'000U;
    while (collected != batches.size() && sync::now_ns() < give_up_ns) {
      arrivals->collect([&](retire_block* batch, std::uint64_t seen_at_ns) {
        ++collected;
        if (seen_at_ns < batch->arrived_at_ns) ++seen_before_pushed;
        tickets += batch->ticket;
        batch->ticket = 0;  // a second arrival would add nothing to the sum, but to the count
      });
      sync::yield();
    }
  }
  arrivals->collect([&](retire_block*, std::uint64_t) { ++collected; });
  EXPECT_EQ(collected, batches.size());
  EXPECT_EQ(seen_before_pushed, 0U);
  EXPECT_EQ(tickets, batches.size() * (batches.size() + 1) / 2);
}

}  // namespace
}  // namespace rcuvm::reclaim::detail
