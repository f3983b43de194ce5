// SPDX-License-Identifier: Apache-2.0

/// Zaps that wait for sweeps: their places, and when their frames are free.

#include "rcuvm/vm/lazy_zaps.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "rcuvm/vm/machine.hpp"

namespace rcuvm::vm {
namespace {

constexpr range some{page_size, 2 * page_size};

class lazy_zaps_test : public testing::Test {
 protected:
  /// A zap that waits for sweep `number`.
  void leave(std::uint64_t number, std::vector<frame_number> frames) {
    lazy_zaps::place* const got = zaps_.take();
    ASSERT_NE(got, nullptr);
    open_.open(got->zap, some);
    zaps_.leave(*got, frames, [number] { return number; });
  }
  std::vector<frame_number> collect(std::uint64_t done) {
    std::vector<frame_number> freed;
    zaps_.collect(done, open_, [&](frame_number each) { freed.push_back(each); });
    return freed;
  }

  open_zaps open_;
  lazy_zaps zaps_{true};
};

TEST_F(lazy_zaps_test, frees_what_has_been_swept) {
  EXPECT_FALSE(zaps_.any_left());
  leave(1, {5, 6});
  leave(2, {7});
  EXPECT_TRUE(zaps_.any_left());
  EXPECT_TRUE(open_.any_in(some));
  EXPECT_EQ(collect(0), std::vector<frame_number>{});
  EXPECT_EQ(collect(1), (std::vector<frame_number>{5, 6}));
  EXPECT_TRUE(open_.any_in(some));
  EXPECT_EQ(collect(9), std::vector<frame_number>{7});
  EXPECT_FALSE(open_.any_in(some));
  EXPECT_FALSE(zaps_.any_left());
}

TEST_F(lazy_zaps_test, has_64_places) {
  for (std::uint64_t i = 1; i <= 64; ++i) leave(i, {});
  EXPECT_EQ(zaps_.take(), nullptr);
  EXPECT_TRUE(collect(1).empty());
  lazy_zaps::place* const got = zaps_.take();
  ASSERT_NE(got, nullptr);
  EXPECT_EQ(zaps_.take(), nullptr);
  zaps_.give_back(*got);
  EXPECT_EQ(zaps_.take(), got);
}

TEST_F(lazy_zaps_test, holds_64_frames_in_a_place) {
  std::vector<frame_number> many(lazy_zaps::most_frames);
  std::iota(many.begin(), many.end(), frame_number{2});
  leave(3, many);
  EXPECT_EQ(collect(3), many);
}

TEST_F(lazy_zaps_test, has_no_place_where_it_is_not_used) {
  lazy_zaps none{false};
  EXPECT_EQ(none.take(), nullptr);
  EXPECT_FALSE(none.any_left());
}

TEST(sweeps, are_done_by_each_cpu_at_its_tick) {
  machine all{{.frames = 4, .shootdowns = shootdowns::lazily}};
  cpu one{all};
  cpu other{all};
  cpu elsewhere{all};
  cpu_set both;
  both.add(one.id());
  both.add(other.id());
  const std::uint64_t asked = all.ask_for_sweep();
  {
    tlb::access_section now{one.translations()};
    now.remember({1, page_size}, pte{2, 0, prot::read});
  }
  EXPECT_LT(all.swept_by_all(both), asked);
  one.tick();
  EXPECT_FALSE(tlb::access_section{one.translations()}.find({1, page_size}));
  EXPECT_LT(all.swept_by_all(both), asked);
  other.tick();
  EXPECT_EQ(all.swept_by_all(both), asked);
  EXPECT_EQ(one.count.sweeps, 1U);
  one.tick();  // nothing to do
  EXPECT_EQ(one.count.sweeps, 1U);
}

TEST(sweeps, come_with_work) {
  machine all{{.frames = 4, .shootdowns = shootdowns::lazily}};
  cpu one{all};
  cpu_set alone;
  alone.add(one.id());
  const std::uint64_t asked = all.ask_for_sweep();
  for (unsigned i = 0; i < 5000 && all.swept_by_all(alone) != asked; ++i) one.work();
  EXPECT_EQ(all.swept_by_all(alone), asked);
}

}  // namespace
}  // namespace rcuvm::vm
