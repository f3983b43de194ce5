// SPDX-License-Identifier: Apache-2.0
#include "bench/report/metric.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace rcuvm::report {
namespace {

TEST(metric, Numbers_are_shown_with_three_digits_and_their_unit) {
  EXPECT_EQ(to_text(0, unit::nanoseconds), "0 ns");
  EXPECT_EQ(to_text(51.25, unit::nanoseconds), "51.2 ns");
  EXPECT_EQ(to_text(999.7, unit::nanoseconds), "1.00 µs");
  EXPECT_EQ(to_text(12'345, unit::nanoseconds), "12.3 µs");
  EXPECT_EQ(to_text(2.5e6, unit::nanoseconds), "2.50 ms");
  EXPECT_EQ(to_text(3e9, unit::nanoseconds), "3 s");
  EXPECT_EQ(to_text(1'660'000, unit::per_second), "1.66 M/s");
  EXPECT_EQ(to_text(65'536, unit::bytes), "64 KiB");
  EXPECT_EQ(to_text(1023, unit::bytes), "1023 B");
  EXPECT_EQ(to_text(17, unit::number), "17");
  EXPECT_EQ(to_text(2951, unit::number), "2951");
}

TEST(metric, Ratios_have_a_sign_of_multiplication) {
  EXPECT_EQ(ratio_text(0.624), "0.62x");
  EXPECT_EQ(ratio_text(13.44), "13.4x");
  EXPECT_EQ(ratio_text(220), "220x");
  EXPECT_EQ(ratio_text(0), "-");
}

TEST(metric, Each_stands_once_and_says_what_it_is) {
  std::set<std::pair<std::string_view, replay::walker>> seen;
  for (const metric& one : metrics()) {
    EXPECT_TRUE(seen.emplace(one.key, one.mode).second) << one.key;
    EXPECT_FALSE(one.title.empty());
    EXPECT_FALSE(one.caption.empty());
  }
}

TEST(metric, The_summary_shows_every_side) {
  for (side which : sides) {
    EXPECT_TRUE(std::ranges::any_of(metrics(), [&](const metric& one) {
      return one.of == which && one.is_in_summary;
    })) << name_of(which);
  }
}

}  // namespace
}  // namespace rcuvm::report
