// SPDX-License-Identifier: Apache-2.0

/// ftruncate under mappings: pages beyond the end go from everywhere, and what comes back is zero.

#include "rcuvm/mm/truncate.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/thread.hpp"
#include "tests/mm/picture.hpp"
#include "tests/tree/settings.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class truncation : public mm_test<Design> {
 protected:
  template <class... Process>
  void set_size(std::uint64_t to, Process&... of) {
    std::vector<address_space<Design>*> spaces{&of.space()...};
    mm::truncate<Design>(this->world_.cpu, *this->world_.file, to, spaces);
  }
};
TYPED_TEST_SUITE(truncation, all_designs, design_names);

TYPED_TEST(truncation, takes_shared_pages_and_private_copies) {
  auto p = this->make("0123.abcd.AA");
  EXPECT_EQ(p.fill("wxyz.WXYZ.mn"), "ok");
  this->set_size(2 * page_size, p);
  EXPECT_EQ(p.draw(), "0123.abcd.AA");  // mappings stay
  EXPECT_EQ(p.text(), "wx...WX...mn");
  EXPECT_EQ(p.touch(2, 3), "EFAULT");
  EXPECT_EQ(p.touch(8, 9, vm::access::read), "EFAULT");
}

TYPED_TEST(truncation, gives_zeros_after_growing_again) {
  auto p = this->make("0123");
  EXPECT_EQ(p.fill("wxyz"), "ok");
  this->set_size(page_size, p);
  this->set_size(3 * page_size, p);
  EXPECT_EQ(p.text(), "w00");
  EXPECT_EQ(p.fill("X", 1), "ok");
  EXPECT_EQ(p.text(), "wX0");
  EXPECT_EQ(p.touch(3, 4), "EFAULT");
}

TYPED_TEST(truncation, zeroes_the_rest_of_the_last_page) {
  auto p = this->make("012");
  const std::byte some[3] = {std::byte{'x'}, std::byte{'y'}, std::byte{'z'}};
  EXPECT_TRUE(p.space().write(p.cpu(), page_at(1) + 99, some));
  this->set_size(page_size + 100, p);
  std::byte left[3] = {};
  EXPECT_TRUE(p.space().read(p.cpu(), page_at(1) + 99, left));
  EXPECT_EQ(left[0], std::byte{'x'});
  EXPECT_EQ(left[1], std::byte{0});
  EXPECT_EQ(left[2], std::byte{0});
  EXPECT_EQ(p.touch(2, 3), "EFAULT");
}

TYPED_TEST(truncation, to_a_part_of_a_mapping_that_begins_beyond_the_end) {
  auto p = this->make("567.fgh");
  EXPECT_EQ(p.fill("uvw.UVW"), "ok");
  this->set_size(6 * page_size, p);
  EXPECT_EQ(p.text(), "u...U");
  this->set_size(0, p);
  EXPECT_EQ(p.text(), "");
}

TYPED_TEST(truncation, holds_for_parent_and_child) {
  auto p = this->make("01.ab");
  EXPECT_EQ(p.fill("wx.WX"), "ok");
  auto child = p.fork();
  this->set_size(page_size, p, child);
  EXPECT_EQ(p.text(), "w..W");
  EXPECT_EQ(child.text(), "w..W");
}

/// F2 for files: a page that a fault had in hand when the file lost it is not mapped afterwards. What is written through another
/// mapping of the file would not be seen through it.
TYPED_TEST(truncation, leaves_nothing_to_faults_under_way) {
  auto p = this->make("0123.0123");
  const std::uint64_t rounds = tree::testing::scaled(500);
  sync::atomic<unsigned> may_end{0};
  const auto fault_all = [&] {
    vm::cpu cpu{this->world_.machine};
    while (may_end.load_acquire() == 0) {
      for (std::int64_t page = 0; page < 4; ++page)
        std::ignore = p.space().fault(cpu, page_at(page), vm::access::write);
    }
  };
  std::vector<sync::thread> faults;
  for (int i = 0; i < 2; ++i) faults.emplace_back("faults", fault_all);
  std::string seen;
  for (std::uint64_t round = 0; round < rounds && seen.empty(); ++round) {
    this->set_size(4 * page_size, p);
    sync::yield();
    const std::string mark(4, static_cast<char>('a' + round % 26));
    EXPECT_EQ(p.fill(mark, 5), "ok");
    sync::yield();
    if (p.text() != mark + "." + mark) seen = p.text();
    this->set_size(0, p);
  }
  may_end.store_release(1);
  for (sync::thread& each : faults) each.join();
  EXPECT_EQ(seen, "");
}

}  // namespace
}  // namespace rcuvm::mm::testing
