// SPDX-License-Identifier: Apache-2.0

/// Holes in files under their mappings: by fallocate, and by MADV_REMOVE.

#include "rcuvm/mm/punch_hole.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <vector>

#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class punch : public mm_test<Design> {
 protected:
  template <class... Process>
  void hole(range bytes, Process&... of) {
    std::vector<address_space<Design>*> spaces{&of.space()...};
    mm::punch_hole<Design>(this->world_.cpu, *this->world_.file, bytes, spaces);
  }
};
TYPED_TEST_SUITE(punch, all_designs, design_names);

TYPED_TEST(punch, takes_shared_pages_and_leaves_private_copies) {
  auto p = this->make("0123.abcd.AA");
  EXPECT_EQ(p.fill("wxyz.WXYZ.mn"), "ok");
  this->hole({page_size, 3 * page_size}, p);
  EXPECT_EQ(p.draw(), "0123.abcd.AA");  // mappings stay
  EXPECT_EQ(p.text(), "w00z.WXYZ.mn");
  EXPECT_EQ(p.fill("Q", 1), "ok");
  EXPECT_EQ(p.text(), "wQ0z.WXYZ.mn");
}

TYPED_TEST(punch, takes_pages_of_the_file_that_a_private_mapping_has_only_read) {
  auto p = this->make("012.abc");
  EXPECT_EQ(p.fill("xyz"), "ok");
  EXPECT_EQ(p.text(), "xyz.xyz");
  this->hole({0, 2 * page_size}, p);
  EXPECT_EQ(p.text(), "00z.00z");
}

TYPED_TEST(punch, zeroes_parts_of_pages) {
  auto p = this->make("01");
  const std::array<std::byte, 4> some{std::byte{'w'}, std::byte{'x'}, std::byte{'y'}, std::byte{'z'}};
  EXPECT_TRUE(p.space().write(p.cpu(), page_at(1) - 2, some));
  this->hole({page_size - 1, page_size + 1}, p);
  std::array<std::byte, 4> left{};
  EXPECT_TRUE(p.space().read(p.cpu(), page_at(1) - 2, left));
  EXPECT_EQ(left, (std::array<std::byte, 4>{std::byte{'w'}, std::byte{0}, std::byte{0}, std::byte{'z'}}));
  this->hole({page_size + 1, page_size + 2}, p);
  EXPECT_TRUE(p.space().read(p.cpu(), page_at(1) - 2, left));
  EXPECT_EQ(left[3], std::byte{0});
  EXPECT_EQ(left[0], std::byte{'w'});
}

TYPED_TEST(punch, reaches_every_address_space_that_is_named) {
  auto p = this->make("01");
  EXPECT_EQ(p.fill("xy"), "ok");
  auto child = p.fork();
  EXPECT_EQ(child.text(), "xy");
  this->hole({0, page_size}, p, child);
  EXPECT_EQ(p.text(), "0y");
  EXPECT_EQ(child.text(), "0y");
}

TYPED_TEST(punch, by_MADV_REMOVE_goes_by_the_mapping) {
  auto p = this->make("12.S3");
  EXPECT_EQ(p.fill("xy.z"), "ok");
  EXPECT_EQ(p.advise(0, 2, MADV_REMOVE), "ok");
  EXPECT_EQ(p.text().substr(0, 2), "00");
  EXPECT_EQ(p.advise(1, 4, MADV_REMOVE), "ENOMEM");  // the rest is done
  EXPECT_EQ(p.text().substr(3, 1), "0");
}

TYPED_TEST(punch, by_MADV_REMOVE_is_refused_where_nothing_is_shared) {
  auto p = this->make("AA.ab");
  EXPECT_EQ(p.fill("wx.yz"), "ok");
  EXPECT_EQ(p.advise(0, 1, MADV_REMOVE), "EINVAL");
  EXPECT_EQ(p.advise(3, 4, MADV_REMOVE), "EACCES");
  EXPECT_EQ(p.text(), "wx.yz");
}

}  // namespace
}  // namespace rcuvm::mm::testing
