// SPDX-License-Identifier: Apache-2.0

/// munmap against how long readers stay: which runs are made, and that the designs differ where they must.

#include "bench/workload/grace_curve.hpp"

#include <gtest/gtest.h>

#include "tests/bench/workload_example.hpp"

namespace rcuvm::workload {
namespace {

TEST(grace_curve, sets_how_many_readers_stay_how_long) {
  const scenario got = with_readers(stays(), 3, 77);
  EXPECT_EQ(got.threads(9), 4U);
  EXPECT_EQ(got.groups.at(1).count, 3U);
  EXPECT_EQ(got.groups.at(1).loop.at(0).nanoseconds, 77U);
}

TEST(grace_curve, refuses_a_scenario_without_readers_that_stay) {
  scenario nobody = stays();
  nobody.groups.pop_back();
  EXPECT_THROW(std::ignore = with_readers(nobody, 1, 1), std::runtime_error);
  scenario hasty = stays();
  hasty.groups.back().loop.clear();
  EXPECT_THROW(std::ignore = with_readers(hasty, 1, 1), std::runtime_error);
}

TEST(grace_curve, a_run_lasts_for_some_stays_at_least) {
  curve_options how;
  how.designs = {"replace", "sync"};
  how.readers = {1, 2};
  how.stays_ns = {1'000, 100'000'000};
  how.repetitions = 3;
  how.seconds = 0.5;
  how.stays_in_a_run = 20;
  EXPECT_DOUBLE_EQ(seconds_of(how), (0.5 + 2.0) * 2 * 2 * 3);
}

TEST(grace_curve, shows_who_waits_for_readers) {
  curve_options how;
  how.designs = {"sync", "replace"};
  how.readers = {1};
  how.stays_ns = {20'000'000};
  how.repetitions = 1;
  how.seconds = 0.01;
  how.stays_in_a_run = 8;
  std::size_t runs = 0;
  const auto got = measure_curve(stays(), how, [&](const std::string&, double) { ++runs; });
  EXPECT_EQ(runs, 2U);
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].design, "sync");
  EXPECT_EQ(got[0].readers, 1U);
  EXPECT_EQ(got[0].stay_ns, 20'000'000U);
  // Who waits is counted, not timed: a reader that the machine keeps off its core lets many calls pass without a wait.
  EXPECT_GT(got[0].medians.at("count.grace_periods"), 0);
  EXPECT_GT(got[0].medians.at("count.grace_period_ns"), 0);
  EXPECT_EQ(got[1].medians.at("count.grace_periods"), 0);
  for (const curve_point& one : got) {
    for (const char* key : {"unmap.p50_ns", "unmap.mean_ns", "unmap.p999_ns", "map.mean_ns", "map.p999_ns"})
      EXPECT_GT(one.medians.at(key), 0) << one.design << ", " << key;
    EXPECT_TRUE(one.medians.contains("limbo.high_water_bytes"));
  }
}

}  // namespace
}  // namespace rcuvm::workload
