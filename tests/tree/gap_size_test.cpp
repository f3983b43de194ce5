// SPDX-License-Identifier: Apache-2.0

#include "rcuvm/tree/gap_size.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "tests/tree/settings.hpp"

namespace rcuvm::tree::testing {
namespace {

TEST(gap_size, is_exact_up_to_2048_units_of_any_power_of_two) {
  for (std::uint64_t units = 0; units <= 2048; ++units) {
    for (const unsigned shift : {0U, 12U, 21U, 52U}) {
      ASSERT_EQ(gap_size::round_up(units << shift).keys(), units << shift) << units << " << " << shift;
    }
  }
}

TEST(gap_size, is_never_less_and_hardly_more) {
  random_engine random{seed_or(3)};
  for (std::uint64_t i = 0; i < scaled(1'000'000); ++i) {
    const std::uint64_t size = random() >> draw(random, 64);
    const std::uint64_t rounded = gap_size::round_up(size).keys();
    ASSERT_GE(rounded, size);
    ASSERT_LE(rounded - size, size / 1024);
    ASSERT_EQ(gap_size::round_up(rounded), gap_size::round_up(size)) << size;
  }
}

TEST(gap_size, rises_with_the_size) {
  random_engine random{seed_or(4)};
  for (std::uint64_t i = 0; i < scaled(1'000'000); ++i) {
    const std::uint64_t size = 1 + (random() >> draw(random, 64)) / 2;
    const std::uint64_t more = size + draw(random, 2 + size / 512);
    ASSERT_LE(gap_size::round_up(size), gap_size::round_up(more)) << size << ' ' << more;
  }
  EXPECT_EQ(gap_size::round_up(~std::uint64_t{0}).keys(), ~std::uint64_t{0});
}

TEST(gap_size, the_largest_of_many_with_one_left_out) {
  random_engine random{seed_or(5)};
  for (int round = 0; round < 1000; ++round) {
    gap_size sizes[56];
    for (gap_size& each : sizes) each = gap_size::round_up(random() >> draw(random, 64));
    const auto out = static_cast<unsigned>(draw(random, 57));
    gap_size expected = gap_size::round_up(0);
    for (unsigned i = 0; i < 56; ++i) {
      if (i != out && sizes[i] > expected) expected = sizes[i];
    }
    ASSERT_EQ(gap_size::largest(sizes, out), expected);
  }
}

}  // namespace
}  // namespace rcuvm::tree::testing
