// SPDX-License-Identifier: Apache-2.0

/// The end of an address space: everything goes back, once. (TearDown of every test looks for leaks, too.)

#include <gtest/gtest.h>

#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class exit : public mm_test<Design> {};
TYPED_TEST_SUITE(exit, all_designs, design_names);

TYPED_TEST(exit, unmaps_everything) {
  auto p = this->make("AAB.cd45SS|SSGGDD");
  EXPECT_EQ(p.fill("ab..cdefghij"), "ok");
  p.space().exit(p.cpu());
  EXPECT_EQ(p.draw(), "");
  EXPECT_EQ(p.text(), "");
  EXPECT_EQ(p.space().count_tables(), 1U);
  EXPECT_EQ(p.cpu().count.frames_freed, 10U);
}

TYPED_TEST(exit, of_an_empty_one_and_twice) {
  auto p = this->make("");
  p.space().exit(p.cpu());
  p.space().exit(p.cpu());
  EXPECT_EQ(p.draw(), "");
}

TYPED_TEST(exit, leaves_a_forked_one_alone) {
  auto parent = this->make("AAcd");
  EXPECT_EQ(parent.fill("abx"), "ok");
  auto child = parent.fork();
  parent.space().exit(parent.cpu());
  EXPECT_EQ(child.text(), "abx0");
}

TYPED_TEST(exit, without_exit_the_destructor_takes_the_pages_back) {
  const std::uint64_t before = this->world_.machine.frames().in_use();
  {
    auto p = this->make("AAAAcdSS");
    EXPECT_EQ(p.fill("abcdefgh"), "ok");
    EXPECT_EQ(p.unmap(0, 1), "ok");
  }
  this->world_.file.reset();
  this->world_.machine.limbo().drain();
  this->world_.machine.frames().drain(this->world_.cpu.stock);
  EXPECT_EQ(this->world_.machine.frames().in_use(), before);
  this->world_.file = std::make_shared<vm::file>(vm::file_identity{});
}

TYPED_TEST(exit, without_memory_leaves_it_to_the_destructor) {
  auto p = this->make("AABBcd");
  EXPECT_EQ(p.fill("ab..cd"), "ok");
  {
    sync::memory::failing_allocations failing{1, sync::memory::failing_allocations::how::for_good};
    p.space().exit(p.cpu());
    EXPECT_TRUE(failing.has_failed());
  }
  EXPECT_EQ(p.draw(), "AABBcd");
}

TYPED_TEST(exit, a_snapshot_outlives_it) {
  auto p = this->make("AAcd");
  std::size_t seen = 0;
  p.space().walk_snapshot([&](const vm::vma& one) {
    p.space().exit(p.cpu());
    seen += one.where().size() / page_size;
  });
  EXPECT_EQ(seen, 4U);
}

}  // namespace
}  // namespace rcuvm::mm::testing
