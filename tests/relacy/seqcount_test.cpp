// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/sync/seqcount.hpp"

#include <cstdint>

#include "search.hpp"

namespace rcuvm::relacy {
namespace {

constexpr const char* source = "include/rcuvm/sync/seqcount.hpp";

/// A writer keeps two fields equal; a reader that is told "unchanged" has seen them equal.
struct pair_of_fields : rl::test_suite<pair_of_fields, 2> {
  sync::seqcount count;
  sync::atomic<std::uint32_t> left{0};
  sync::atomic<std::uint32_t> right{0};

  void thread(unsigned index) {
    if (index == 0) {
      write(1);
      write(2);
    } else {
      read();
    }
  }

  void write(std::uint32_t value) {
    count.begin_write();
    left.store_relaxed(value);
    right.store_relaxed(value);
    count.end_write();
  }
  void read() {
    const sync::seqcount::value before = count.begin_read();
    if (sync::seqcount::is_writing(before)) return;
    const std::uint32_t seen_left = left.load_relaxed();
    const std::uint32_t seen_right = right.load_relaxed();
    if (!count.unchanged(before)) return;
    promise(seen_left == seen_right, "half of a write was read");
    promise(seen_left == before / 2, "not the write that the count tells was read");
  }
};

TEST(seqcount_test, a_read_that_is_unchanged_saw_one_write_whole) { expect_holds<pair_of_fields>(4); }

TEST(seqcount_test, without_W1) { expect_caught<pair_of_fields>(source, "seq.W1"); }
TEST(seqcount_test, without_R2) { expect_caught<pair_of_fields>(source, "seq.R2"); }
TEST(seqcount_test, without_W2) { expect_caught<pair_of_fields>(source, "seq.W2"); }
TEST(seqcount_test, without_R1) { expect_caught<pair_of_fields>(source, "seq.R1"); }

TEST(seqcount_test, each_ordering_has_a_twin_without_it) {
  expect_all_tags(source, {"seq.W1", "seq.W2", "seq.R1", "seq.R2"});
}

}  // namespace
}  // namespace rcuvm::relacy
