// SPDX-License-Identifier: Apache-2.0
#include "bench/statistics.hpp"

#include <gtest/gtest.h>

#include <array>

namespace rcuvm {
namespace {

TEST(statistics, Median_and_spread_of_odd_and_even_numbers) {
  EXPECT_EQ(spread_of(std::array{3.0, 1.0, 2.0}), (spread{.median = 2, .min = 1, .max = 3, .count = 3}));
  EXPECT_EQ(spread_of(std::array{4.0, 1.0, 2.0, 3.0}),
            (spread{.median = 2.5, .min = 1, .max = 4, .count = 4}));
  EXPECT_EQ(spread_of({}), spread{});
}

TEST(statistics, A_spread_is_clear_of_another_only_without_overlap) {
  const spread low{.median = 2, .min = 1, .max = 3, .count = 3};
  const spread touching{.median = 4, .min = 3, .max = 5, .count = 3};
  const spread high{.median = 4, .min = 3.5, .max = 5, .count = 3};
  EXPECT_FALSE(low.is_clear_of(touching));
  EXPECT_TRUE(low.is_clear_of(high));
  EXPECT_TRUE(high.is_clear_of(low));
  EXPECT_DOUBLE_EQ(low.relative_width(), 1);
}

TEST(statistics, Geometric_mean_leaves_out_what_has_no_logarithm) {
  EXPECT_DOUBLE_EQ(geometric_mean(std::array{2.0, 8.0}), 4);
  EXPECT_DOUBLE_EQ(geometric_mean(std::array{0.5, 2.0, 0.0, -1.0}), 1);
  EXPECT_EQ(geometric_mean({}), 0);
}

}  // namespace
}  // namespace rcuvm
