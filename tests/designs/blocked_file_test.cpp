// SPDX-License-Identifier: Apache-2.0

/// A fault that a file keeps waiting: who waits along with it.

#include <gtest/gtest.h>

#include "tests/designs/stuck_reader.hpp"
#include "tests/mm/picture.hpp"

namespace rcuvm::designs::testing {
namespace {

using namespace mm::testing;
using tests::eventually;

constexpr std::uint64_t read_ns = 300'000'000;

template <class Design>
class blocked_file : public ::testing::Test {
 protected:
  blocked_file() { world_.file->set_read_time(read_ns); }
  void TearDown() override { EXPECT_EQ(world_.leaks(), ""); }

  /// Is the page in the file's cache when f() returns, which runs while another cpu's fault reads it?
  template <class F>
  bool is_read_after(process<Design>& p, F f) {
    vm::cpu cpu{world_.machine};
    other_call fault{[&] { EXPECT_TRUE(p.space().fault(cpu, page_at(2), vm::access::read)); }};
    EXPECT_TRUE(eventually([&] { return world_.file->reads() == 1; }));
    f();
    const bool is_read = world_.file->holds(0);
    EXPECT_TRUE(fault.returns());
    const bool is_locked = world_.file->faults_locked() || !Design::drops_for_files;
    EXPECT_EQ(cpu.count.faults_without_lock, is_locked ? 0U : 1U);
    EXPECT_EQ(cpu.count.faults_with_lock, is_locked ? 1U : 0U);
    EXPECT_EQ(world_.file->reads(), 1U);
    return is_read;
  }

  world world_;
};

TYPED_TEST_SUITE(blocked_file, all_designs, design_names);

TYPED_TEST(blocked_file, munmap_of_something_else_waits_only_where_the_fault_keeps_its_lock) {
  process<TypeParam> p{this->world_, "AAab"};
  EXPECT_EQ(this->is_read_after(p, [&] { EXPECT_EQ(p.unmap(0, 1), "ok"); }), !TypeParam::drops_for_files);
  EXPECT_EQ(p.draw(), ".Aab");
}

TYPED_TEST(blocked_file, the_mapping_itself_may_go_meanwhile) {
  if (!TypeParam::drops_for_files) GTEST_SKIP() << "munmap waits";
  process<TypeParam> p{this->world_, "AAab"};
  vm::cpu cpu{this->world_.machine};
  other_call fault{[&] {
    const auto got = p.space().fault(cpu, page_at(2), vm::access::read);
    EXPECT_TRUE(!got && got.error().number() == EFAULT);
  }};
  ASSERT_TRUE(eventually([&] { return this->world_.file->reads() == 1; }));
  EXPECT_EQ(p.unmap(2, 4), "ok");
  EXPECT_FALSE(this->world_.file->holds(0));
  EXPECT_TRUE(fault.returns());
}

TYPED_TEST(blocked_file, with_fault_locked_alone_it_keeps_its_mapping_and_writers_wait) {
  this->world_.file->set_fault_call(vm::file::fault_call::locked);
  process<TypeParam> p{this->world_, "AAab"};
  vm::cpu cpu{this->world_.machine};
  other_call fault{[&] {
    const auto got = p.space().fault(cpu, page_at(2), vm::access::read);
    EXPECT_TRUE(got || got.error().number() == EFAULT);  // munmap may come before it has looked up again
  }};
  ASSERT_TRUE(eventually([&] { return this->world_.file->reads() == 1; }));
  EXPECT_EQ(p.unmap(2, 4), "ok");
  EXPECT_TRUE(this->world_.file->holds(0));
  EXPECT_TRUE(fault.returns());
  EXPECT_EQ(p.draw(), "AA");
}

TYPED_TEST(blocked_file, with_fault_locked_alone_faults_elsewhere_go_on) {
  this->world_.file->set_fault_call(vm::file::fault_call::locked);
  process<TypeParam> p{this->world_, "AAab"};
  EXPECT_FALSE(this->is_read_after(p, [&] { EXPECT_EQ(p.touch(0, 2), "ok"); }));
}

TYPED_TEST(blocked_file, a_page_is_read_once) {
  for (const auto call : {vm::file::fault_call::unlocked, vm::file::fault_call::locked}) {
    world one;
    one.file->set_read_time(1);
    one.file->set_fault_call(call);
    {
      process<TypeParam> p{one, "aa"};
      EXPECT_EQ(p.touch(0, 1), "ok");
      EXPECT_EQ(p.touch(0, 1), "ok");
    }
    EXPECT_EQ(one.file->reads(), 1U);
    EXPECT_EQ(one.leaks(), "");
  }
}

}  // namespace
}  // namespace rcuvm::designs::testing
