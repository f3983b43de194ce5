// SPDX-License-Identifier: Apache-2.0

/// Shootdowns that are left to the cpus' ticks: what a program sees, and when frames come back.

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <optional>

#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class lazy_shootdown : public ::testing::Test {
 protected:
  void TearDown() override {
    world_.machine.frames().drain(other_.stock);
    EXPECT_EQ(world_.leaks(), "");
  }

  process<Design> make(std::string_view picture) { return process<Design>{world_, picture}; }
  /// What the first byte of page `index` is for another cpu; nothing: no access.
  std::optional<char> seen(process<Design>& p, vm::cpu& by, std::int64_t index) {
    std::byte got{};
    if (!p.space().read(by, page_at(index), std::span{&got, 1})) return std::nullopt;
    return static_cast<char>(got);
  }
  std::string drop(process<Design>& p, std::int64_t first, std::int64_t end) {
    return outcome(p.space().advise(p.cpu(), pages(first, end), MADV_DONTNEED));
  }
  std::uint64_t shootdowns() { return world_.cpu.count.shootdowns; }

  world world_{
      {.frames = 96, .backing = vm::frame_pool::backing::real, .shootdowns = vm::shootdowns::lazily}};
  vm::cpu other_{world_.machine};
};
TYPED_TEST_SUITE(lazy_shootdown, all_designs, design_names);

TYPED_TEST(lazy_shootdown, lets_another_cpu_reach_an_unmapped_page_until_its_tick) {
  auto p = this->make("AAAA");
  EXPECT_EQ(p.fill("abcd"), "ok");
  EXPECT_EQ(this->seen(p, this->other_, 1), 'b');
  const std::uint64_t before = this->shootdowns();
  EXPECT_EQ(p.unmap(1, 2), "ok");
  EXPECT_EQ(this->shootdowns(), before);
  EXPECT_EQ(this->world_.cpu.count.shootdowns_left, 1U);
  EXPECT_EQ(this->seen(p, this->other_, 1), 'b');
  EXPECT_EQ(this->seen(p, p.cpu(), 1), std::nullopt);  // the cpu that has unmapped it
  this->other_.tick();
  EXPECT_EQ(this->seen(p, this->other_, 1), std::nullopt);
}

TYPED_TEST(lazy_shootdown, frees_frames_once_all_cpus_have_swept) {
  auto p = this->make("AAAAAA");
  EXPECT_EQ(p.fill("abcdef"), "ok");
  EXPECT_EQ(this->seen(p, this->other_, 1), 'b');
  vm::counters& count = this->world_.cpu.count;
  const std::uint64_t before = count.frames_freed;
  EXPECT_EQ(this->drop(p, 1, 3), "ok");
  EXPECT_EQ(this->drop(p, 3, 4), "ok");
  EXPECT_EQ(count.frames_freed, before);  // the other one has not
  this->other_.tick();
  EXPECT_EQ(this->drop(p, 4, 5), "ok");
  EXPECT_EQ(count.frames_freed, before + 3);
}

TYPED_TEST(lazy_shootdown, shoots_down_at_once_where_tables_go) {
  auto p = this->make("AA");
  EXPECT_EQ(p.fill("ab"), "ok");
  EXPECT_EQ(this->seen(p, this->other_, 1), 'b');
  vm::counters& count = this->world_.cpu.count;
  const std::uint64_t before = this->shootdowns();
  EXPECT_EQ(p.unmap(0, 2), "ok");
  EXPECT_EQ(p.space().count_tables(), 1U);
  EXPECT_EQ(this->shootdowns(), before + 1);
  EXPECT_EQ(count.frames_freed, 2U);
  EXPECT_EQ(this->seen(p, this->other_, 1), std::nullopt);
}

TYPED_TEST(lazy_shootdown, shoots_down_before_something_is_mapped_there) {
  auto p = this->make("AAAA");
  EXPECT_EQ(p.fill("abcd"), "ok");
  EXPECT_EQ(this->seen(p, this->other_, 1), 'b');
  EXPECT_EQ(p.unmap(1, 2), "ok");
  const std::uint64_t before = this->shootdowns();
  EXPECT_EQ(p.map(1, 2, 'A'), "ok");
  EXPECT_EQ(this->seen(p, this->other_, 1), '\0');
  EXPECT_EQ(this->shootdowns(), before + 1);
  EXPECT_EQ(p.map(4, 5, 'A'), "ok");  // nothing was there
  EXPECT_EQ(this->shootdowns(), before + 1);
}

TYPED_TEST(lazy_shootdown, shoots_down_before_a_page_comes_back) {
  auto p = this->make("AAAA");
  EXPECT_EQ(p.fill("abcd"), "ok");
  EXPECT_EQ(this->seen(p, this->other_, 1), 'b');
  EXPECT_EQ(this->drop(p, 1, 2), "ok");
  EXPECT_EQ(this->seen(p, this->other_, 1), 'b');
  EXPECT_EQ(p.fill("x", 1), "ok");
  EXPECT_EQ(this->seen(p, this->other_, 1), 'x');
}

TYPED_TEST(lazy_shootdown, shoots_down_for_calls_that_promise_more) {
  auto p = this->make("AAAA");
  EXPECT_EQ(p.fill("abcd"), "ok");
  EXPECT_EQ(this->seen(p, this->other_, 1), 'b');
  EXPECT_EQ(this->drop(p, 1, 2), "ok");
  EXPECT_EQ(p.protect(1, 2, can_nothing), "ok");
  EXPECT_EQ(this->seen(p, this->other_, 1), std::nullopt);
}

TYPED_TEST(lazy_shootdown, shoots_down_when_frames_run_out) {
  auto p = this->make("AAAA");
  EXPECT_EQ(p.map(16, 64, 'A'), "ok");
  for (int round = 0; round < 8; ++round) {
    for (std::int64_t page = 16; page < 64; page += 8) EXPECT_EQ(p.fill("01234567", page), "ok");
    for (std::int64_t page = 16; page < 64; page += 8) EXPECT_EQ(this->drop(p, page, page + 8), "ok");
    EXPECT_EQ(p.fill("wxyz"), "ok");
    EXPECT_EQ(this->drop(p, 0, 4), "ok");
  }
}

TYPED_TEST(lazy_shootdown, shoots_down_when_all_places_wait) {
  auto p = this->make("A.A");
  EXPECT_EQ(p.map(16, 64, 'A'), "ok");
  for (int round = 0; round < 3; ++round) {
    for (std::int64_t page = 16; page < 64; ++page) {
      EXPECT_EQ(p.fill("x", page), "ok");
      EXPECT_EQ(this->drop(p, page, page + 1), "ok");
    }
  }
  EXPECT_LT(this->shootdowns(), 3U * 48U);
}

}  // namespace
}  // namespace rcuvm::mm::testing
