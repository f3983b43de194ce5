// SPDX-License-Identifier: Apache-2.0

/// Loads and stores through the TLB: over page borders, after changes, up to an error.

#include "rcuvm/mm/access.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "rcuvm/sync/thread.hpp"
#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class access : public mm_test<Design> {};
TYPED_TEST_SUITE(access, all_designs, design_names);

TYPED_TEST(access, goes_over_pages_and_mappings) {
  auto p = this->make("AAAAESS01ab");
  std::vector<std::byte> written(10 * page_size);
  for (std::size_t i = 0; i < written.size(); ++i) written[i] = static_cast<std::byte>(i * 7 + i / page_size);
  std::vector<std::byte> read(written.size());
  EXPECT_EQ(outcome(p.space().write(p.cpu(), page_at(0) + 100, written)), "ok");
  EXPECT_EQ(outcome(p.space().read(p.cpu(), page_at(0) + 100, read)), "ok");
  EXPECT_EQ(read, written);
  EXPECT_EQ(p.cpu().count.pages_installed, 11U);
}

TYPED_TEST(access, ends_at_the_first_page_that_cannot_be_used) {
  auto p = this->make("AAB.");
  const std::vector<std::byte> many(4 * page_size, std::byte{'x'});
  EXPECT_EQ(outcome(p.space().write(p.cpu(), page_at(0), many)), "EACCES");
  EXPECT_EQ(p.text(), "xx0");
  EXPECT_EQ(outcome(p.space().write(p.cpu(), page_at(3), many)), "EFAULT");
}

TYPED_TEST(access, of_no_bytes_touches_nothing) {
  auto p = this->make("");
  EXPECT_EQ(outcome(p.space().read(p.cpu(), page_at(0), {})), "ok");
  EXPECT_EQ(p.cpu().count.faults, 0U);
}

TYPED_TEST(access, faults_once_and_then_finds_the_page) {
  auto p = this->make("A");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(p.fill("a"), "ok");
  EXPECT_EQ(p.text(), "a");
  EXPECT_EQ(p.cpu().count.faults - p.cpu().count.faults_bad_address, 1U);
}

// Each change below would leave a wrong translation behind if nobody shot it down.
TYPED_TEST(access, sees_each_change_at_once) {
  auto p = this->make("AAA");
  EXPECT_EQ(p.fill("abc"), "ok");
  EXPECT_EQ(p.text(), "abc");
  EXPECT_EQ(p.advise(0, 1, MADV_DONTNEED), "ok");
  EXPECT_EQ(p.text(), "0bc");
  EXPECT_EQ(p.protect(1, 2, can_read), "ok");
  EXPECT_EQ(p.fill(".x"), "EACCES");
  EXPECT_EQ(p.map(2, 3, 'A'), "ok");
  EXPECT_EQ(p.text(), "0b0");
  EXPECT_EQ(p.move(1, 2, 4, 5), "ok");
  EXPECT_EQ(p.text(), "0.0.b");
  EXPECT_EQ(p.fill("w"), "ok");
  auto child = p.fork();
  EXPECT_EQ(p.fill("v"), "ok");
  EXPECT_EQ(child.text(), "w.0.b");
  EXPECT_EQ(p.unmap(0, 1), "ok");
  EXPECT_EQ(p.text(), "..0.b");
}

TYPED_TEST(access, sees_the_page_of_its_own_address_space) {
  auto one = this->make("A");
  auto other = this->make("A");
  EXPECT_EQ(one.fill("a"), "ok");
  EXPECT_EQ(other.fill("b"), "ok");
  EXPECT_EQ(one.text() + other.text() + one.text(), "aba");
}

TYPED_TEST(access, of_another_cpu_sees_it_too) {
  auto p = this->make("AAAA");
  EXPECT_EQ(p.fill("abcd"), "ok");
  sync::thread other{"other", [&] {
                       vm::cpu cpu{this->world_.machine};
                       std::byte byte{};
                       EXPECT_EQ(outcome(p.space().read(cpu, page_at(1), {&byte, 1})), "ok");
                       EXPECT_EQ(byte, std::byte{'b'});
                       byte = std::byte{'x'};
                       EXPECT_EQ(outcome(p.space().write(cpu, page_at(2), {&byte, 1})), "ok");
                       EXPECT_EQ(outcome(p.space().unmap(cpu, pages(3, 4))), "ok");
                     }};
  other.join();
  EXPECT_EQ(p.text(), "abx");
}

TYPED_TEST(access, of_counted_frames_moves_no_bytes_but_finds_the_pages) {
  world counted{{.frames = 100, .backing = vm::frame_pool::backing::counted}};
  {
    process<TypeParam> p{counted, "AAB"};
    EXPECT_EQ(p.fill("abx"), "EACCES");
    EXPECT_EQ(p.text(), "000");
    EXPECT_EQ(p.cpu().count.pages_installed, 3U);
  }
  EXPECT_EQ(counted.leaks(), "");
}

}  // namespace
}  // namespace rcuvm::mm::testing
