// SPDX-License-Identifier: Apache-2.0

/// Walks without other threads: order, chunks, and changes between the chunks. With threads: guarantees_g_test.cpp.

#include "rcuvm/mm/walk.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class walk : public mm_test<Design> {
 protected:
  static std::vector<range> snapshot(process<Design>& p) {
    std::vector<range> seen;
    p.space().walk_snapshot([&](const vm::vma& one) { seen.push_back(one.where()); });
    return seen;
  }
  static std::vector<range> chunked(process<Design>& p, std::size_t lines) {
    std::vector<range> seen;
    p.space().walk_chunked(lines, [&](const vm::vma& one) { seen.push_back(one.where()); });
    return seen;
  }
};
TYPED_TEST_SUITE(walk, all_designs, design_names);

TYPED_TEST(walk, of_nothing) {
  auto p = this->make("");
  EXPECT_TRUE(this->snapshot(p).empty());
  EXPECT_TRUE(this->chunked(p, 1).empty());
}

TYPED_TEST(walk, shows_each_mapping_once_upwards) {
  auto p = this->make("AAB.CCcd..S|S4DD");
  const std::vector<range> all{pages(0, 2),   pages(2, 3),   pages(4, 6),   pages(6, 8),
                               pages(10, 11), pages(11, 12), pages(12, 13), pages(13, 15)};
  EXPECT_EQ(this->snapshot(p), all);
  for (const std::size_t lines : {1U, 2U, 3U, 7U, 8U, 9U, 100U})
    EXPECT_EQ(this->chunked(p, lines), all) << lines;
}

TYPED_TEST(walk, does_not_show_what_was_unmapped) {
  auto p = this->make("AABBCCDD");
  EXPECT_EQ(p.unmap(1, 5), "ok");
  const std::vector<range> left{pages(0, 1), pages(5, 6), pages(6, 8)};
  EXPECT_EQ(this->snapshot(p), left);
  EXPECT_EQ(this->chunked(p, 2), left);
}

TYPED_TEST(walk, of_a_snapshot_may_change_the_address_space_meanwhile) {
  auto p = this->make("ABABABAB");
  std::vector<range> seen;
  p.space().walk_snapshot([&](const vm::vma& one) {
    seen.push_back(one.where());
    EXPECT_EQ(p.unmap(0, 8), "ok");
  });
  EXPECT_EQ(seen.size(), 8U);
  EXPECT_EQ(p.draw(), "");
}

TYPED_TEST(walk, holds_its_records_beyond_their_unmapping) {
  auto p = this->make("ab|cd");
  std::string names;
  p.space().walk_snapshot([&](const vm::vma& one) {
    EXPECT_EQ(p.unmap(0, 4), "ok");
    this->world_.machine.limbo().drain();
    names += one.fields().backing->identity().name;
  });
  EXPECT_EQ(names, "/test/test");
}

}  // namespace
}  // namespace rcuvm::mm::testing
