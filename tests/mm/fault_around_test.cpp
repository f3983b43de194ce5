// SPDX-License-Identifier: Apache-2.0

/// Cached pages of a file that a read fault maps beside its own.

#include "rcuvm/mm/fault_around.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "rcuvm/mm/truncate.hpp"
#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

// Page 8 of a picture is the first of its page table and of a window.
TEST(window_around, a_fault_ends_with_the_mapping_and_with_the_table) {
  const std::uint64_t four = 4 * page_size;
  EXPECT_EQ(window_around(page_at(9), pages(0, 40), four), pages(8, 12));
  EXPECT_EQ(window_around(page_at(11) + 5, pages(0, 40), four), pages(8, 12));
  EXPECT_EQ(window_around(page_at(9), pages(8, 11), four), pages(8, 11));
  EXPECT_EQ(window_around(page_at(10), pages(9, 40), four), pages(9, 13));  // it begins with the mapping
  EXPECT_EQ(window_around(page_at(6), pages(5, 40), four), pages(5, 8));    // the last window of a table
}

template <class Design>
class fault_around : public mm_test<Design> {
 protected:
  static constexpr layout around{.fault_around = 4 * page_size};

  /// '1' for each present page.
  static std::string present(process<Design>& p, std::int64_t first, std::int64_t end) {
    std::string shown;
    for (std::int64_t page = first; page < end; ++page)
      shown += p.space().count_pages(pages(page, page + 1)).resident == 0 ? '0' : '1';
    return shown;
  }
  /// Pages with these indexes are in the file's cache.
  void cache(std::int64_t first, std::int64_t end) {
    for (std::int64_t page = first; page < end; ++page)
      EXPECT_TRUE(this->world_.file->fault(static_cast<std::uint64_t>(page), this->world_.machine.frames(),
                                           this->world_.cpu.stock));
  }
};
TYPED_TEST_SUITE(fault_around, all_designs, design_names);

TYPED_TEST(fault_around, maps_what_is_cached_in_its_window) {
  auto p = this->make("........abcdefgh", this->around);
  this->cache(1, 3);
  this->cache(4, 5);
  EXPECT_EQ(p.touch(8, 9, vm::access::read), "ok");
  EXPECT_EQ(this->present(p, 8, 16), "11100000");
  EXPECT_EQ(p.cpu().count.pages_installed, 1U);
  EXPECT_EQ(p.fill("xy", 8), "ok");  // a private page each
  EXPECT_EQ(p.text(), "........xy000000");
  EXPECT_EQ(p.space().count_pages(pages(8, 16)).anonymous, 2U);
}

TYPED_TEST(fault_around, leaves_what_is_there_already) {
  auto p = this->make("........abcd", this->around);
  this->cache(0, 4);
  EXPECT_EQ(p.fill("x", 9), "ok");
  EXPECT_EQ(p.advise(10, 11, guard_install), "ok");
  EXPECT_EQ(p.touch(8, 9, vm::access::read), "ok");
  EXPECT_EQ(this->present(p, 8, 12), "1101");
  EXPECT_EQ(p.text(), "........0x.0");
}

TYPED_TEST(fault_around, is_for_reading) {
  auto p = this->make("........0123.abcd", this->around);
  this->cache(0, 4);
  EXPECT_EQ(p.touch(8, 9, vm::access::write), "ok");
  EXPECT_EQ(p.touch(13, 14, vm::access::write), "ok");
  EXPECT_EQ(this->present(p, 8, 17), "100001000");
  EXPECT_EQ(p.advise(8, 12, MADV_DONTNEED), "ok");
  EXPECT_EQ(p.touch(11, 12, vm::access::read), "ok");
  EXPECT_EQ(this->present(p, 8, 12), "1111");
}

TYPED_TEST(fault_around, is_done_where_the_page_itself_cannot_be_had) {
  auto p = this->make("........xyz", this->around);
  EXPECT_EQ(p.map(11, 12, '9'), "ok");
  EXPECT_EQ(p.map(8, 12, 'x'), "ok");  // the file ends after z
  this->cache(24, 26);
  EXPECT_EQ(p.touch(11, 12, vm::access::read), "EFAULT");
  EXPECT_EQ(this->present(p, 8, 12), "0110");
}

TYPED_TEST(fault_around, maps_nothing_that_a_truncation_took) {
  auto p = this->make("........0123", this->around);
  this->cache(0, 4);
  truncate<TypeParam>(p.cpu(), *this->world_.file, 2 * page_size, std::vector{&p.space()});
  EXPECT_EQ(p.touch(8, 9, vm::access::read), "ok");
  EXPECT_EQ(this->present(p, 8, 12), "1100");
}

}  // namespace
}  // namespace rcuvm::mm::testing
