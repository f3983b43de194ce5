// SPDX-License-Identifier: Apache-2.0

/// When a VMA's record becomes another mapping's.

#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "tests/designs/stuck_reader.hpp"
#include "tests/mm/picture.hpp"

namespace rcuvm::designs::testing {
namespace {

using namespace mm::testing;
using mm::map_flag;

template <class Design>
const vm::vma* record_at(process<Design>& p, std::int64_t page) {
  const vm::vma* found = nullptr;
  p.space().walk_snapshot([&](const vm::vma& one) {
    if (one.where().contains(page_at(page))) found = &one;
  });
  return found;
}

/// Is the record of page 0 another process's as soon as it is unmapped, a reader inside its section or not?
template <class Design>
bool is_used_again_at_once() {
  world here;
  bool is_same = false;
  {
    process<Design> p{here, "A.B"};
    process<Design> another{here};
    const vm::vma* const before = record_at(p, 0);
    const stuck_reader reader;
    EXPECT_EQ(p.unmap(0, 1), "ok");
    EXPECT_TRUE(another.space().map(another.cpu(), another.request(5, 6, 'B', map_flag::fixed)));
    is_same = record_at(another, 5) == before;
    EXPECT_EQ(p.draw(), "..B");
    EXPECT_TRUE(p.space().verify() && another.space().verify());
  }
  EXPECT_EQ(here.leaks(), "");
  return is_same;
}

TEST(record_reuse, comes_at_once_under_vma_lock_and_in_another_process) {
  EXPECT_TRUE(is_used_again_at_once<vma_lock>());
}

TEST(record_reuse, waits_for_a_reader_that_is_inside_under_replace) {
  EXPECT_FALSE(is_used_again_at_once<replace>());
}

TEST(record_reuse, spares_what_a_snapshot_shows) {
  world here;
  {
    process<vma_lock> p{here, "AB"};
    bool is_first = true;
    p.space().walk_snapshot([&](const vm::vma& one) {
      if (!std::exchange(is_first, false)) return;
      EXPECT_EQ(p.unmap(0, 1), "ok");
      EXPECT_TRUE(p.space().map(p.cpu(), p.request(5, 6, 'C', map_flag::fixed)));
      EXPECT_EQ(one.where(), pages(0, 1));
    });
    EXPECT_EQ(p.draw(), ".B...C");
  }
  EXPECT_EQ(here.leaks(), "");
}

/// What a fault waits for that finds a mapping elsewhere, while an munmap waits for an access on another cpu.
TEST(record_reuse, makes_the_first_private_page_of_a_mapping_wait_for_any_writer) {
  world here;
  {
    process<vma_lock> p{here, "AA.AA"};
    EXPECT_EQ(p.fill("ab"), "ok");
    vm::cpu first{here.machine};
    vm::cpu second{here.machine};
    vm::cpu third{here.machine};
    std::optional<vm::tlb::access_section> access{p.cpu().translations()};
    other_call unmapping{[&] { EXPECT_TRUE(p.space().unmap(first, pages(0, 1))); }};
    EXPECT_TRUE(unmapping.waits());
    other_call reading{[&] { EXPECT_TRUE(p.space().fault(second, page_at(3), vm::access::read)); }};
    EXPECT_TRUE(reading.returns());
    other_call writing{[&] { EXPECT_TRUE(p.space().fault(third, page_at(4), vm::access::write)); }};
    EXPECT_TRUE(writing.waits());
    access.reset();
    EXPECT_TRUE(unmapping.returns() && writing.returns());
    EXPECT_EQ(second.count.fallbacks_writer, 0U);
    EXPECT_EQ(third.count.fallbacks_writer, 1U);
    EXPECT_EQ(p.draw(), ".A.AA");
  }
  EXPECT_EQ(here.leaks(), "");
}

}  // namespace
}  // namespace rcuvm::designs::testing
