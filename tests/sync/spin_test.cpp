// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/sync/spin.hpp"

#include <gtest/gtest.h>

namespace rcuvm::sync {
namespace {

TEST(spin_test, ends_when_it_is_done) {
  unsigned tries = 0;
  EXPECT_TRUE(spin_until(spinning::reads, [&] { return ++tries == 3; }));
  EXPECT_EQ(tries, 3U);
}

TEST(spin_test, gives_up_after_more_than_one_try) {
  unsigned tries = 0;
  EXPECT_FALSE(spin_until(spinning::reads, [&] { return ++tries == 1000; }));
  EXPECT_GT(tries, 1U);
}

}  // namespace
}  // namespace rcuvm::sync
