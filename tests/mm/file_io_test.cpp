// SPDX-License-Identifier: Apache-2.0

/// read and write: between a file and memory that has to be faulted in.

#include "rcuvm/mm/file_io.hpp"

#include <gtest/gtest.h>

#include "rcuvm/mm/truncate.hpp"
#include "tests/mm/picture.hpp"
#include "tests/sync/eventually.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class file_io : public mm_test<Design> {
 protected:
  std::string read(process<Design>& p, std::uint64_t offset, address to, std::size_t length) {
    return told(mm::read_file<Design>(p.cpu(), p.space(), *this->world_.file, offset, to, length));
  }
  std::string write(process<Design>& p, std::uint64_t offset, address from, std::size_t length) {
    return told(mm::write_file<Design>(p.cpu(), p.space(), *this->world_.file, offset, from, length));
  }

 private:
  static std::string told(const result<std::size_t>& got) {
    return got ? std::to_string(*got) : outcome(got);
  }
};
TYPED_TEST_SUITE(file_io, all_designs, design_names);

TYPED_TEST(file_io, goes_through_memory_that_is_not_there_yet) {
  auto p = this->make("AAA.45");
  EXPECT_EQ(p.fill("xy", 4), "ok");
  EXPECT_EQ(this->read(p, 4 * page_size, page_at(0), page_size + 1), "4097");
  EXPECT_EQ(p.text(), "xy0.xy");
  EXPECT_EQ(p.fill("X"), "ok");
  EXPECT_EQ(this->write(p, 5 * page_size, page_at(0), 1), "1");
  EXPECT_EQ(p.text(), "Xy0.xX");
}

TYPED_TEST(file_io, ends_where_the_file_does) {
  auto p = this->make("AAA");
  std::vector<address_space<TypeParam>*> spaces{&p.space()};
  mm::truncate<TypeParam>(p.cpu(), *this->world_.file, page_size + 100, spaces);
  EXPECT_EQ(this->read(p, page_size, page_at(0), 2 * page_size), "100");
  EXPECT_EQ(this->write(p, page_size, page_at(0), 2 * page_size), "100");
  EXPECT_EQ(this->read(p, page_size + 100, page_at(0), 1), "0");
  EXPECT_EQ(this->read(p, 9 * page_size, page_at(0), 1), "0");
}

TYPED_TEST(file_io, ends_where_the_memory_does) {
  auto p = this->make("A.A");
  EXPECT_EQ(this->read(p, 0, page_at(0) + 10, 2 * page_size), "4086");
  EXPECT_EQ(this->write(p, 0, page_at(0) + 10, 2 * page_size), "4086");
  EXPECT_EQ(this->read(p, 0, page_at(1), 1), "EFAULT");
  EXPECT_EQ(this->write(p, 0, page_at(1), 1), "EFAULT");
  EXPECT_EQ(p.protect(2, 3, can_read), "ok");
  EXPECT_EQ(this->read(p, 0, page_at(2), 1), "EACCES");
  EXPECT_EQ(this->write(p, 0, page_at(2), 1), "1");
}

/// A file whose faults may take the inode lock, of which somebody holds a part.
struct inode_case {
  bool takes_it;
  vm::inode_lock::kind how;
  range held;
  bool waits;  ///< does a fault in the first page?
};

TYPED_TEST(file_io, a_fault_waits_for_the_inode_lock_where_the_file_takes_it) {
  using enum vm::inode_lock::kind;
  constexpr range first{1, page_size - 1};
  constexpr range second{page_size, page_size + 1};
  for (const inode_case& one :
       {inode_case{false, whole, first, false}, inode_case{true, whole, second, true},
        inode_case{true, ranges, first, true}, inode_case{true, ranges, second, false},
        inode_case{true, ranges, vm::inode_lock::everything, true}}) {
    auto p = this->make("0123");
    this->world_.file =
        std::make_shared<vm::file>(vm::file_identity{.name = "/other", .inode = 8}, 2 * page_size);
    vm::file& file = *this->world_.file;
    file.set_faults_lock_inode(one.takes_it);
    file.inode_lock().set_kind(one.how);
    EXPECT_EQ(p.map(5, 6, '0'), "ok");
    vm::cpu cpu{this->world_.machine};
    sync::atomic<bool> is_done{false};
    {
      std::optional<vm::inode_lock::section> held{std::in_place, file.inode_lock(), one.held};
      const sync::thread fault{"fault", [&] {
                                 EXPECT_TRUE(p.space().fault(cpu, page_at(5), vm::access::read));
                                 is_done.store_release(true);
                               }};
      if (one.waits) {
        sync::sleep_ns(tests::a_while_ns);
        EXPECT_FALSE(is_done.load_acquire());
      } else {
        EXPECT_TRUE(tests::eventually([&] { return is_done.load_acquire(); }));
      }
      held.reset();
    }
    EXPECT_TRUE(is_done.load_acquire());
    EXPECT_EQ(p.unmap(0, 9), "ok");
  }
}

TYPED_TEST(file_io, reads_into_another_page_of_the_same_file_under_a_lock_on_ranges) {
  auto p = this->make("01");
  this->world_.file->set_faults_lock_inode(true);
  this->world_.file->inode_lock().set_kind(vm::inode_lock::kind::ranges);
  EXPECT_EQ(this->read(p, 0, page_at(1), 8), "8");
}

}  // namespace
}  // namespace rcuvm::mm::testing
