// SPDX-License-Identifier: Apache-2.0

/// mincore: pages that are present, or cached.

#include "rcuvm/mm/resident.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <utility>

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
  const auto counted = [&](std::int64_t first, std::int64_t end) {
    const page_counts has = p.space().count_pages(pages(first, end));
    return std::pair{has.resident, has.anonymous};
  };
  using both = std::pair<std::uint64_t, std::uint64_t>;
  EXPECT_EQ(p.touch(0, 17, vm::access::read), "EFAULT");
  EXPECT_EQ(counted(0, 17), (both{0, 0}));  // the page of zeros is none
  EXPECT_EQ(p.touch(5, 9, vm::access::read), "ok");
  EXPECT_EQ(counted(0, 17), (both{4, 0}));  // the file's own
  EXPECT_EQ(p.fill("ab", 1), "ok");
  EXPECT_EQ(p.fill("c", 6), "ok");
  EXPECT_EQ(p.fill("0123.SS", 10), "ok");
  EXPECT_EQ(counted(0, 17), (both{12, 3}));
  EXPECT_EQ(counted(2, 6), (both{2, 1}));
  EXPECT_EQ(p.advise(0, 4, MADV_DONTNEED), "ok");
  EXPECT_EQ(counted(0, 17), (both{10, 1}));
}

TYPED_TEST(resident, locked_pages_count_in_parts_where_several_map_them) {
  auto p = this->make("LL.AA.012");
  const auto locked = [](process<TypeParam>& in, std::int64_t first, std::int64_t end) {
    return in.space().count_pages(pages(first, end)).locked_kilobytes();
  };
  EXPECT_EQ(p.fill("ab.c..xyz"), "ok");
  EXPECT_EQ(locked(p, 0, 9), 8U);
  EXPECT_EQ(outcome(p.space().lock(p.cpu(), pages(6, 9))), "ok");
  EXPECT_EQ(locked(p, 6, 9), 12U);  // the file's cache is no place that maps them
  {
    auto child = p.fork();
    EXPECT_EQ(locked(child, 0, 9), 0U);
    EXPECT_EQ(locked(p, 0, 2), 4U);
    auto grandchild = child.fork();
    EXPECT_EQ(locked(p, 0, 2), 2U);  // 2 times 4 / 3, rounded down
    EXPECT_EQ(locked(p, 0, 1), 1U);
    EXPECT_EQ(child.fill("b", 1), "ok");
    EXPECT_EQ(locked(p, 1, 2), 2U);
    EXPECT_EQ(child.touch(7, 8, vm::access::read), "ok");
    EXPECT_EQ(locked(p, 6, 9), 10U);
  }
  EXPECT_EQ(locked(p, 0, 9), 20U);
}

}  // namespace
}  // namespace rcuvm::mm::testing
