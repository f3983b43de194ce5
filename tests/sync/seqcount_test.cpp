// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/sync/seqcount.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "rcuvm/sync/clock.hpp"
#include "rcuvm/sync/thread.hpp"
#include "tests/sync/eventually.hpp"

namespace rcuvm::sync {
namespace {

TEST(seqcount_test, a_write_between_begin_and_end_is_noticed) {
  seqcount count;
  const seqcount::value before = count.begin_read();
  EXPECT_FALSE(seqcount::is_writing(before));
  EXPECT_TRUE(count.unchanged(before));

  count.begin_write();
  EXPECT_TRUE(seqcount::is_writing(count.begin_read()));
  EXPECT_FALSE(count.unchanged(before));
  const seqcount::value meanwhile = count.begin_read();
  count.end_write();

  EXPECT_FALSE(count.unchanged(before));
  EXPECT_FALSE(count.unchanged(meanwhile));
  EXPECT_FALSE(seqcount::is_writing(count.begin_read()));
  EXPECT_TRUE(count.unchanged(count.begin_read()));
}

/// Each word is the first one plus its index: a mixture of two writes shows.
TEST(seqcount_test, no_accepted_read_is_torn) {
  constexpr std::size_t words = 16;
  seqcount count;
  std::array<atomic<std::uint64_t>, words> data;
  for (std::size_t at = 0; at != words; ++at) data[at].store_relaxed(at);
  atomic<bool> is_over{false};

  thread writer{"writer", [&] {
                  for (std::uint64_t version = 100; !is_over.load_relaxed(); version += 100) {
                    count.begin_write();
                    for (std::size_t at = 0; at != words; ++at) data[at].store_relaxed(version + at);
                    count.end_write();
                    for (int pause = 0; pause != 20; ++pause) relax();
                  }
                }};

  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  std::uint64_t torn = 0;
  const std::uint64_t end_ns = now_ns() + tests::stress_ns;
  while (now_ns() < end_ns) {
    for (int burst = 0; burst != 1'000; ++burst) {
      const seqcount::value before = count.begin_read();
      if (seqcount::is_writing(before)) {
        ++refused;
        relax();
        continue;
      }
      std::array<std::uint64_t, words> copy{};
      for (std::size_t at = 0; at != words; ++at) copy[at] = data[at].load_relaxed();
      if (!count.unchanged(before)) {
        ++refused;
        continue;
      }
      ++accepted;
      for (std::size_t at = 0; at != words; ++at) torn += copy[at] != copy[0] + at ? 1U : 0U;
    }
  }
  is_over.store_relaxed(true);
  EXPECT_EQ(torn, 0U);
  EXPECT_GT(accepted, 0U);
  EXPECT_GT(refused, 0U) << "the writer never came between: nothing was tested";
}

#ifdef RCUVM_ASSERTIONS
TEST(seqcount_DeathTest, two_writers_at_once_end_the_program) {
  seqcount count;
  EXPECT_DEATH(count.end_write(), "end_write without begin_write");
  count.begin_write();
  EXPECT_DEATH(count.begin_write(), "two writers at once");
}
#endif

}  // namespace
}  // namespace rcuvm::sync
