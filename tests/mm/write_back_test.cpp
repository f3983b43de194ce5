// SPDX-License-Identifier: Apache-2.0

/// msync: what it refuses.

#include "rcuvm/mm/write_back.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class write_back : public mm_test<Design> {
 protected:
  static std::string of(process<Design>& p, std::int64_t first, std::int64_t end, int flags) {
    return outcome(p.space().write_back(pages(first, end), flags));
  }
};
TYPED_TEST_SUITE(write_back, all_designs, design_names);

TYPED_TEST(write_back, goes_over_several_mappings) {
  auto p = this->make("AA01L");
  EXPECT_EQ(this->of(p, 0, 5, MS_SYNC), "ok");
  EXPECT_EQ(this->of(p, 0, 5, MS_ASYNC), "ok");
  EXPECT_EQ(this->of(p, 1, 4, MS_SYNC | MS_INVALIDATE), "ok");
  EXPECT_EQ(this->of(p, 7, 7, MS_SYNC), "ok");  // nothing asked
}

TYPED_TEST(write_back, refuses_what_the_kernel_refuses) {
  auto p = this->make("AA.AL");
  EXPECT_EQ(this->of(p, 0, 2, MS_SYNC | MS_ASYNC), "EINVAL");
  EXPECT_EQ(this->of(p, 0, 2, 8), "EINVAL");
  EXPECT_EQ(outcome(p.space().write_back({page_at(0) + 1, page_at(1)}, MS_SYNC)), "EINVAL");
  EXPECT_EQ(outcome(p.space().write_back({page_at(1), page_at(0)}, MS_SYNC)), "ENOMEM");  // it wrapped around
  EXPECT_EQ(this->of(p, 0, 4, MS_SYNC), "ENOMEM");
  EXPECT_EQ(this->of(p, 0, 3, 0), "ENOMEM");
  EXPECT_EQ(this->of(p, 4, 5, MS_INVALIDATE), "EBUSY");
  EXPECT_EQ(this->of(p, 0, 5, MS_INVALIDATE), "EBUSY");  // behind the hole
  EXPECT_EQ(this->of(p, 0, 5, MS_INVALIDATE | MS_ASYNC), "EBUSY");
  EXPECT_EQ(this->of(p, 0, 5, MS_ASYNC), "ENOMEM");
}

}  // namespace
}  // namespace rcuvm::mm::testing
