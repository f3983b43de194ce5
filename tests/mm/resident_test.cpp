// SPDX-License-Identifier: Apache-2.0

/// mincore: pages that are present, or cached.

#include "rcuvm/mm/resident.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class resident : public mm_test<Design> {
 protected:
  /// '1' for each resident page, or the errno.
  static std::string of(process<Design>& p, std::int64_t first, std::int64_t end) {
    const auto got = p.space().resident(pages(first, end));
    if (!got) return outcome(got);
    std::string shown;
    for (const bool each : *got) shown += each ? '1' : '0';
    return shown;
  }
};
TYPED_TEST_SUITE(resident, all_designs, design_names);

TYPED_TEST(resident, are_pages_that_were_touched) {
  auto p = this->make("AAAA");
  EXPECT_EQ(this->of(p, 0, 4), "0000");
  EXPECT_EQ(p.touch(1, 2), "ok");
  EXPECT_EQ(p.touch(2, 3, vm::access::read), "ok");
  EXPECT_EQ(this->of(p, 0, 4), "0110");
  EXPECT_EQ(p.advise(0, 2, MADV_DONTNEED), "ok");
  EXPECT_EQ(this->of(p, 0, 4), "0010");
}

TYPED_TEST(resident, are_pages_of_a_file_that_another_mapping_touched) {
  auto p = this->make("ef..456");
  EXPECT_EQ(this->of(p, 0, 2), "00");
  EXPECT_EQ(p.touch(5, 6, vm::access::read), "ok");
  EXPECT_EQ(this->of(p, 0, 2), "01");
  EXPECT_EQ(this->of(p, 4, 7), "010");
}

TYPED_TEST(resident, refuses_what_the_kernel_refuses) {
  auto p = this->make("AA.A");
  EXPECT_EQ(this->of(p, 0, 4), "ENOMEM");
  EXPECT_EQ(this->of(p, 2, 2), "");  // nothing asked
  EXPECT_EQ(outcome(p.space().resident({page_at(0) + 1, page_at(1)})), "EINVAL");
  EXPECT_EQ(outcome(p.space().resident({page_at(0), p.space().layout().end + 1})), "ENOMEM");
  EXPECT_EQ(outcome(p.space().resident({page_at(1), page_at(0)})), "ENOMEM");  // it wrapped around
}

TYPED_TEST(resident, pages_that_no_file_holds_are_counted_apart) {
  auto p = this->make("AAAA.abcd.0123.SS");
  const auto anonymous = [&](std::int64_t first, std::int64_t end) {
    return p.space().count_anonymous(pages(first, end));
  };
  EXPECT_EQ(p.touch(0, 17, vm::access::read), "EFAULT");
  EXPECT_EQ(p.touch(5, 9, vm::access::read), "ok");
  EXPECT_EQ(anonymous(0, 17), 0U);  // the zero page, and the file's own
  EXPECT_EQ(p.fill("ab", 1), "ok");
  EXPECT_EQ(p.fill("c", 6), "ok");
  EXPECT_EQ(p.fill("0123.SS", 10), "ok");
  EXPECT_EQ(anonymous(0, 17), 3U);
  EXPECT_EQ(anonymous(2, 6), 1U);
  EXPECT_EQ(p.advise(0, 4, MADV_DONTNEED), "ok");
  EXPECT_EQ(anonymous(0, 17), 1U);
}

}  // namespace
}  // namespace rcuvm::mm::testing
