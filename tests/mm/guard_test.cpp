// SPDX-License-Identifier: Apache-2.0

/// Guard regions: pages that nobody may touch, and what takes a guard away.

#include "rcuvm/mm/guard.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class guard : public mm_test<Design> {
 protected:
  static std::string install(process<Design>& p, std::int64_t first, std::int64_t end) {
    return p.advise(first, end, guard_install);
  }
  static std::string remove(process<Design>& p, std::int64_t first, std::int64_t end) {
    return p.advise(first, end, guard_remove);
  }
};
TYPED_TEST_SUITE(guard, all_designs, design_names);

TYPED_TEST(guard, takes_the_place_of_a_page) {
  auto p = this->make("AAAAAAAAAAAA");  // over the border of two tables
  EXPECT_EQ(p.fill("abcdefghijkl"), "ok");
  EXPECT_EQ(this->install(p, 2, 10), "ok");
  EXPECT_EQ(p.draw(), "????????????");  // one mapping still, and marked
  EXPECT_EQ(p.text(), "ab........kl");
  EXPECT_EQ(p.touch(5, 6), "EFAULT");
  EXPECT_EQ(p.cpu().count.frames_freed, 8U);
  EXPECT_EQ(this->remove(p, 0, 12), "ok");
  EXPECT_EQ(p.text(), "ab00000000kl");  // nothing else goes
}

TYPED_TEST(guard, stays_until_its_mapping_goes) {
  auto p = this->make("AAAA.0123");
  EXPECT_EQ(this->install(p, 1, 3), "ok");
  EXPECT_EQ(this->install(p, 6, 7), "ok");
  EXPECT_EQ(p.advise(0, 4, MADV_DONTNEED), "ok");
  EXPECT_EQ(p.protect(0, 4, can_read), "ok");
  EXPECT_EQ(p.protect(0, 4, can_write), "ok");
  EXPECT_EQ(p.text(), "0..0.0.00");
  std::vector<address_space<TypeParam>*> spaces{&p.space()};
  mm::truncate<TypeParam>(p.cpu(), *this->world_.file, page_size, spaces);
  mm::truncate<TypeParam>(p.cpu(), *this->world_.file, 4 * page_size, spaces);
  EXPECT_EQ(p.text(), "0..0.0.00");
  EXPECT_EQ(p.move(0, 4, 10, 14), "ok");
  EXPECT_EQ(p.text(), ".....0.00.0..0");
  EXPECT_EQ(p.map(11, 12, 'A'), "ok");
  EXPECT_EQ(p.text(), ".....0.00.00.0");
  EXPECT_EQ(p.unmap(10, 14), "ok");
  EXPECT_EQ(p.map(10, 14, 'A'), "ok");
  EXPECT_EQ(p.text(), ".....0.00.0000");
}

TYPED_TEST(guard, is_copied_by_fork) {
  auto p = this->make("AAAA.0123.BB");
  EXPECT_EQ(this->install(p, 1, 3), "ok");
  EXPECT_EQ(this->install(p, 6, 7), "ok");
  EXPECT_EQ(this->install(p, 10, 12), "ok");
  EXPECT_EQ(p.advise(10, 11, MADV_WIPEONFORK), "ok");
  auto child = p.fork();
  EXPECT_EQ(child.text(), "0..0.0.00.0");
  EXPECT_EQ(this->remove(child, 0, 4), "ok");
  EXPECT_EQ(child.text(), "0000.0.00.0");
  EXPECT_EQ(p.text(), "0..0.0.00");
}

TYPED_TEST(guard, names_the_pages_of_its_mapping) {
  auto p = this->make("AA..AA");
  EXPECT_EQ(this->install(p, 0, 1), "ok");
  EXPECT_EQ(this->install(p, 5, 6), "ok");
  EXPECT_EQ(p.map(2, 4, 'A'), "ok");
  EXPECT_EQ(p.draw(), "????|??");  // as if both had been written; the mark keeps nothing apart
}

// Found by diff-kernel, seed 1006.
TYPED_TEST(guard, far_inside_a_mapping_takes_the_neighbours_identity) {
  auto p = this->make("");
  EXPECT_EQ(p.map(0, 8, 'A', {map_flag::fixed, map_flag::no_reserve}), "ok");
  EXPECT_EQ(p.protect(2, 8, can_read), "ok");
  EXPECT_EQ(p.fill("x"), "ok");
  EXPECT_EQ(this->install(p, 6, 7), "ok");
  EXPECT_EQ(p.protect(2, 8, can_write), "ok");
  EXPECT_EQ(p.draw(), "????????");
}

// Found by diff-kernel, seed 1214.
TYPED_TEST(guard, that_populating_meets_gives_a_mapping_of_a_file_no_identity) {
  auto p = this->make("abcdef");
  EXPECT_EQ(p.protect(0, 6, can_nothing), "ok");
  EXPECT_EQ(this->install(p, 0, 6), "ok");
  EXPECT_EQ(outcome(p.space().lock(p.cpu(), pages(2, 6))), "ENOMEM");
  EXPECT_EQ(p.protect(2, 4, can_write), "ok");
  auto child = p.fork();  // locked no more
  EXPECT_EQ(child.protect(1, 3, can_write), "ok");
  std::vector<range> mapped;
  child.space().walk_snapshot([&](const vm::vma& one) { mapped.push_back(one.where()); });
  EXPECT_EQ(mapped, (std::vector{pages(0, 1), pages(1, 4), pages(4, 6)}));
}

// Found by diff-kernel, seed 106.
TYPED_TEST(guard, that_a_write_meets_gives_a_mapping_of_a_file_no_identity) {
  auto p = this->make("abc");
  const auto identity = [&] {
    std::uint64_t made = 0;
    p.space().walk_snapshot([&](const vm::vma& one) { made = one.anon(); });
    return made;
  };
  EXPECT_EQ(this->install(p, 0, 1), "ok");
  EXPECT_EQ(p.touch(0, 1), "EFAULT");
  EXPECT_EQ(identity(), 0U);
  EXPECT_EQ(this->remove(p, 0, 1), "ok");
  EXPECT_EQ(p.touch(0, 1), "ok");
  EXPECT_NE(identity(), 0U);
}

TYPED_TEST(guard, refuses_what_the_kernel_refuses) {
  auto p = this->make("AALLAA..AA");
  EXPECT_EQ(this->install(p, 0, 6), "EINVAL");
  EXPECT_EQ(p.text(), "..0000..00");  // what lies before is done
  EXPECT_EQ(this->remove(p, 0, 6), "ok");
  EXPECT_EQ(this->install(p, 5, 9), "ENOMEM");
  EXPECT_EQ(p.text(), "00000....0");
  EXPECT_EQ(p.advise(4, 6, MADV_POPULATE_READ), "EFAULT");
  EXPECT_EQ(outcome(p.space().lock(p.cpu(), pages(4, 6))), "ENOMEM");
  EXPECT_EQ(this->remove(p, 4, 6), "ok");  // of locked pages, too
  EXPECT_EQ(p.text(), "000000...0");
}

}  // namespace
}  // namespace rcuvm::mm::testing
