// SPDX-License-Identifier: Apache-2.0

/// get_user_pages: a frame that stays what it is, mapped or not.

#include <gtest/gtest.h>

#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class pinning : public mm_test<Design> {
 protected:
  char first_byte_of(vm::frame_number frame) {
    std::byte got{};
    this->world_.machine.frames().read(frame, 0, std::span{&got, 1});
    return static_cast<char>(got);
  }
};
TYPED_TEST_SUITE(pinning, all_designs, design_names);

TYPED_TEST(pinning, keeps_a_frame_that_is_unmapped) {
  auto p = this->make("AAAA");
  EXPECT_EQ(p.fill("a"), "ok");
  const auto held = p.space().pin(p.cpu(), page_at(0), vm::access::read);
  ASSERT_TRUE(held);
  EXPECT_EQ(p.unmap(0, 1), "ok");
  EXPECT_EQ(p.fill("xyz", 1), "ok");
  EXPECT_EQ(this->first_byte_of(*held), 'a');
  const std::uint64_t before = this->world_.machine.frames().in_use();
  p.space().unpin(p.cpu(), *held);
  this->world_.machine.frames().drain(p.cpu().stock);
  EXPECT_LT(this->world_.machine.frames().in_use(), before);
}

TYPED_TEST(pinning, faults_in_what_is_not_there) {
  auto p = this->make("AA");
  EXPECT_EQ(p.space().pin_fast(p.cpu(), page_at(0), vm::access::read), vm::no_frame);
  const auto zero = p.space().pin(p.cpu(), page_at(0), vm::access::read);
  EXPECT_EQ(zero.value_or(vm::no_frame), vm::zero_frame);
  EXPECT_EQ(p.space().pin_fast(p.cpu(), page_at(0), vm::access::write), vm::no_frame);
  const auto own = p.space().pin(p.cpu(), page_at(0), vm::access::write);
  ASSERT_TRUE(own);
  EXPECT_NE(*own, vm::zero_frame);
  EXPECT_EQ(p.space().pin_fast(p.cpu(), page_at(0), vm::access::write), *own);
  p.space().unpin(p.cpu(), *own);
  p.space().unpin(p.cpu(), *own);
  p.space().unpin(p.cpu(), *zero);
}

TYPED_TEST(pinning, fails_as_a_fault_does) {
  auto p = this->make("A.A");
  EXPECT_EQ(p.protect(2, 3, can_read), "ok");
  EXPECT_EQ(outcome(p.space().pin(p.cpu(), page_at(1), vm::access::read)), "EFAULT");
  EXPECT_EQ(outcome(p.space().pin(p.cpu(), page_at(2), vm::access::write)), "EACCES");
}

TYPED_TEST(pinning, a_write_after_fork_goes_to_a_copy_and_leaves_the_pinned_page) {
  auto p = this->make("A");
  EXPECT_EQ(p.fill("a"), "ok");
  auto child = p.fork();
  const auto held = p.space().pin(p.cpu(), page_at(0), vm::access::read);
  ASSERT_TRUE(held);
  EXPECT_EQ(p.fill("b"), "ok");
  EXPECT_EQ(this->first_byte_of(*held), 'a');
  EXPECT_EQ(p.text(), "b");
  EXPECT_EQ(child.text(), "a");
  p.space().unpin(p.cpu(), *held);
}

}  // namespace
}  // namespace rcuvm::mm::testing
