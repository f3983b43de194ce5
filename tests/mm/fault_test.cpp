// SPDX-License-Identifier: Apache-2.0

/// Page faults: what they install, copy, refuse; stacks that grow.

#include "rcuvm/mm/fault.hpp"

#include <gtest/gtest.h>

#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class fault : public mm_test<Design> {
 protected:
  static fault_outcome at(process<Design>& p, std::int64_t page, vm::access wanted) {
    return p.space().fault(p.cpu(), page_at(page) + 123, wanted).value();
  }
};
TYPED_TEST_SUITE(fault, all_designs, design_names);

TYPED_TEST(fault, of_a_read_installs_the_zero_page_and_a_write_copies_it) {
  auto p = this->make("AA");
  EXPECT_EQ(this->at(p, 0, vm::access::read), fault_outcome::installed);
  EXPECT_EQ(this->at(p, 0, vm::access::read), fault_outcome::spurious);
  EXPECT_EQ(this->at(p, 0, vm::access::write), fault_outcome::copied);
  EXPECT_EQ(this->at(p, 0, vm::access::write), fault_outcome::spurious);
  EXPECT_EQ(this->at(p, 1, vm::access::write), fault_outcome::installed);
  EXPECT_EQ(p.fill("ab"), "ok");
  EXPECT_EQ(p.text(), "ab");
}

TYPED_TEST(fault, where_nothing_is_mapped) {
  auto p = this->make("A.A");
  EXPECT_EQ(p.touch(1, 2), "EFAULT");
  EXPECT_EQ(p.touch(-1, 0), "EFAULT");
  EXPECT_EQ(outcome(p.space().fault(p.cpu(), 0, vm::access::read)), "EFAULT");
  EXPECT_EQ(outcome(p.space().fault(p.cpu(), ~address{0}, vm::access::read)), "EFAULT");
  EXPECT_EQ(p.cpu().count.faults_bad_address, 4U);
}

TYPED_TEST(fault, without_the_right) {
  auto p = this->make("BDAC");
  EXPECT_EQ(p.touch(0, 1, vm::access::write), "EACCES");
  EXPECT_EQ(p.touch(1, 2, vm::access::read), "EACCES");
  EXPECT_EQ(p.touch(1, 2, vm::access::exec), "EACCES");
  EXPECT_EQ(p.touch(3, 4, vm::access::write), "EACCES");
  EXPECT_EQ(p.cpu().count.faults_bad_access, 4U);
  EXPECT_EQ(p.space().count_tables(), 0U);  // and nothing was made
}

TYPED_TEST(fault, of_a_fetch_that_is_refused_leaves_the_page) {
  auto p = this->make("A");
  EXPECT_EQ(p.touch(0, 1, vm::access::exec), "EACCES");
  EXPECT_EQ(p.cpu().count.pages_installed, 1U);
  EXPECT_EQ(p.touch(0, 1, vm::access::exec), "EACCES");  // it is there
  EXPECT_EQ(p.cpu().count.pages_installed, 1U);
  EXPECT_EQ(p.cpu().count.faults_bad_access, 2U);
  EXPECT_EQ(this->at(p, 0, vm::access::read), fault_outcome::spurious);
}

TYPED_TEST(fault, of_a_private_file_page_copies_on_write) {
  auto p = this->make("ab");
  auto shared = this->make("01");
  EXPECT_EQ(shared.fill("xy"), "ok");
  EXPECT_EQ(p.text(), "xy");
  EXPECT_EQ(this->at(p, 0, vm::access::write), fault_outcome::copied);
  EXPECT_EQ(p.fill("p"), "ok");
  EXPECT_EQ(shared.fill("qr"), "ok");
  EXPECT_EQ(p.text(), "pr");       // its own page, and the file's
  EXPECT_EQ(shared.text(), "qr");  // which it did not write
}

TYPED_TEST(fault, of_a_first_write_to_a_private_file_page_takes_the_files_bytes_along) {
  auto shared = this->make("0");
  const std::array<std::byte, 2> both{std::byte{'x'}, std::byte{'y'}};
  EXPECT_EQ(outcome(shared.space().write(shared.cpu(), page_at(0), both)), "ok");
  auto p = this->make("a");
  EXPECT_EQ(p.fill("p"), "ok");
  std::byte second{};
  EXPECT_EQ(outcome(p.space().read(p.cpu(), page_at(0) + 1, {&second, 1})), "ok");
  EXPECT_EQ(second, std::byte{'y'});
}

TYPED_TEST(fault, of_shared_file_pages_shares_them) {
  auto one = this->make("0123");
  auto other = this->make("12.0");
  EXPECT_EQ(one.fill("abcd"), "ok");
  EXPECT_EQ(other.text(), "bc.a");
  EXPECT_EQ(other.fill("x"), "ok");
  EXPECT_EQ(one.text(), "axcd");
}

TYPED_TEST(fault, beyond_the_end_of_a_file) {
  auto p = this->make("xyz");
  EXPECT_EQ(p.map(3, 6, 'z'), "ok");
  EXPECT_EQ(p.touch(2, 4), "ok");
  EXPECT_EQ(p.touch(4, 5, vm::access::read), "EFAULT");
  EXPECT_EQ(p.touch(5, 6, vm::access::write), "EFAULT");
}

TYPED_TEST(fault, without_a_frame) {
  world small{{.frames = 2, .backing = vm::frame_pool::backing::real}};
  {
    process<TypeParam> p{small, "AAAA"};
    EXPECT_EQ(p.touch(0, 2), "ok");
    EXPECT_EQ(p.touch(2, 3), "ENOMEM");
    EXPECT_EQ(p.touch(2, 4, vm::access::read), "ok");  // the zero page costs nothing
    EXPECT_EQ(p.touch(2, 3), "ENOMEM");
    EXPECT_EQ(p.unmap(0, 1), "ok");
    EXPECT_EQ(p.touch(2, 3), "ok");
  }
  EXPECT_EQ(small.leaks(), "");
}

TYPED_TEST(fault, below_a_stack_lets_it_grow) {
  auto p = this->make(".........GG", {.stack_guard_gap = 2 * page_size});
  p.space().set_limits({.stack_bytes = 8 * page_size});
  EXPECT_EQ(p.touch(8, 9), "ok");
  EXPECT_EQ(p.draw(), "........GGG");
  EXPECT_EQ(p.touch(5, 6, vm::access::read), "ok");
  EXPECT_EQ(p.draw(), ".....GGGGGG");
  EXPECT_EQ(p.touch(2, 3), "EFAULT");  // the limit
  EXPECT_EQ(p.touch(3, 4), "ok");
  EXPECT_EQ(p.draw(), "...GGGGGGGG");
  EXPECT_EQ(p.cpu().count.stack_growths, 3U);
}

TYPED_TEST(fault, below_a_stack_keeps_the_guard_gap) {
  auto p = this->make("A........GG", {.stack_guard_gap = 3 * page_size});
  EXPECT_EQ(p.touch(3, 4), "EFAULT");
  EXPECT_EQ(p.touch(4, 5), "ok");
  EXPECT_EQ(p.draw(), "A...GGGGGGG");
  EXPECT_EQ(p.protect(0, 1, can_nothing), "ok");  // a mapping without access is a guard itself
  EXPECT_EQ(p.touch(1, 2), "ok");
  EXPECT_EQ(p.draw(), "DGGGGGGGGGG");
}

TYPED_TEST(fault, a_stack_grows_over_what_was_unmapped_just_now) {
  auto p = this->make("....AA..BGG", {.stack_guard_gap = 3 * page_size});
  EXPECT_EQ(p.unmap(4, 6), "ok");
  EXPECT_EQ(p.unmap(8, 9), "ok");
  EXPECT_EQ(p.touch(5, 6), "ok");
  EXPECT_EQ(p.draw(), ".....GGGGGG");
}

TYPED_TEST(fault, a_stack_keeps_its_data_and_identity_as_it_grows) {
  auto p = this->make("......GG");
  EXPECT_EQ(p.fill("yz", 6), "ok");
  EXPECT_EQ(p.fill("x", 5), "ok");
  EXPECT_EQ(p.draw(), ".....GGG");
  std::byte byte{};
  EXPECT_EQ(outcome(p.space().read(p.cpu(), page_at(5), {&byte, 1})), "ok");
  EXPECT_EQ(byte, std::byte{'x'});
  EXPECT_EQ(p.text(), "00000xyz");  // reading below it has let it grow
  EXPECT_EQ(p.draw(), "GGGGGGGG");
}

TYPED_TEST(fault, a_stack_that_grows_merges_with_nothing) {
  auto p = this->make("GG.GG");
  EXPECT_EQ(p.touch(2, 3), "ok");
  EXPECT_EQ(p.draw(), "GG|GGG");
}

}  // namespace
}  // namespace rcuvm::mm::testing
