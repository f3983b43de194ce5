// SPDX-License-Identifier: Apache-2.0
#include "bench/replay/latency.hpp"

#include <gtest/gtest.h>

namespace rcuvm::replay {
namespace {

constexpr double bin_width = 0.012;  // relative

TEST(latency, Nothing_measured_is_all_zero) {
  const latency_summary none = latency_histogram{}.summarize();
  EXPECT_EQ(none.count, 0U);
  EXPECT_EQ(none.max_ns, 0);
  EXPECT_EQ(none.p50_ns, 0);
}

TEST(latency, Percentiles_of_one_to_ten_thousand_are_right_to_a_bin) {
  latency_histogram all;
  for (std::uint64_t value = 1; value <= 10'000; ++value) all.add(value);
  const latency_summary got = all.summarize();
  EXPECT_EQ(got.count, 10'000U);
  EXPECT_DOUBLE_EQ(got.mean_ns, 5000.5);
  EXPECT_DOUBLE_EQ(got.max_ns, 10'000);
  EXPECT_NEAR(got.p50_ns, 5000, 5000 * bin_width);
  EXPECT_NEAR(got.p99_ns, 9900, 9900 * bin_width);
  EXPECT_NEAR(got.p999_ns, 9990, 9990 * bin_width);
}

// 999 fast calls and one slow one: the slow one is the maximum, and no percentile up to p99.9 shows it.
TEST(latency, One_slow_call_in_a_thousand_is_the_maximum_only) {
  latency_histogram all;
  for (int repeat = 0; repeat < 999; ++repeat) all.add(100);
  all.add(5'000'000);
  const latency_summary got = all.summarize();
  EXPECT_NEAR(got.p999_ns, 100, 100 * bin_width);
  EXPECT_DOUBLE_EQ(got.max_ns, 5e6);
  all.add(5'000'000);
  EXPECT_NEAR(all.summarize().p999_ns, 5e6, 5e6 * bin_width);
}

TEST(latency, Merged_histograms_tell_what_one_would) {
  latency_histogram one, other, both;
  for (std::uint64_t value = 0; value < 3000; ++value) {
    ((value % 3 == 0) ? one : other).add(value * value);
    both.add(value * value);
  }
  one += other;
  EXPECT_EQ(one.count(), both.count());
  EXPECT_EQ(one.sum_ns(), both.sum_ns());
  EXPECT_DOUBLE_EQ(one.quantile_ns(0.99), both.quantile_ns(0.99));
  EXPECT_DOUBLE_EQ(one.summarize().max_ns, both.summarize().max_ns);
}

TEST(latency, A_percentile_is_never_above_the_maximum) {
  latency_histogram all;
  all.add(0);
  EXPECT_LE(all.summarize().p50_ns, 1);
  all.add(123'456'789);
  EXPECT_LE(all.summarize().p999_ns, all.summarize().max_ns);
}

TEST(latency, Tails_fall_from_one_to_the_slowest_sample) {
  latency_histogram all;
  for (std::uint64_t value = 1; value <= 1000; ++value) all.add(value);
  double last = 1.1;
  std::uint64_t points = 0;
  all.for_each_tail([&](double, double share) {
    EXPECT_LT(share, last);
    EXPECT_GT(share, 0);
    last = share;
    ++points;
  });
  EXPECT_GT(points, 100U);
}

}  // namespace
}  // namespace rcuvm::replay
