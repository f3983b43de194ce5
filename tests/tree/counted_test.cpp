// SPDX-License-Identifier: Apache-2.0

#include "rcuvm/tree/counted.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "rcuvm/maple_tree.hpp"
#include "tests/tree/counting.hpp"

namespace rcuvm::tree::testing {
namespace {

class counted_records : public ::testing::Test {
 protected:
  using tree_type = maple_tree<owned>;

  void store(range where, owned* value) {
    auto change = tree_.begin(writing_);
    ASSERT_TRUE(change.store(where, value));
    change.commit();
  }
  std::uint32_t references(std::uint64_t key) { return tree_.read(writing_).find(key)->tree_references(); }
  /// How many records live when all that can be freed is freed.
  std::int64_t live_records() {
    limbo_.drain();
    return owned::live();
  }

  reclaim::limbo limbo_;
  sync::mutex lock_;
  sync::write_section writing_{lock_};
  tree_type tree_{limbo_};
};

TEST_F(counted_records, count_one_for_each_slot) {
  store({0, 100}, sync::memory::make<owned>(1U));
  EXPECT_EQ(references(50), 1U);
  store({40, 60}, nullptr);  // two slots
  EXPECT_EQ(references(20), 2U);
  store({20, 30}, tree_.read(writing_).find(0));  // three and a piece in the middle
  EXPECT_EQ(references(20), 4U);
  store({0, 40}, nullptr);
  EXPECT_EQ(references(70), 1U);
  EXPECT_EQ(live_records(), 1);
  store({0, 100}, nullptr);
  EXPECT_EQ(live_records(), 0);
}

TEST_F(counted_records, replaced_ones_are_freed_and_their_replacements_kept) {
  for (std::uint64_t i = 0; i < 100; ++i) store({0, 10}, sync::memory::make<owned>(i));
  EXPECT_EQ(live_records(), 1);
  EXPECT_EQ(tree_.read(writing_).find(5)->id, 99U);
}

TEST_F(counted_records, of_an_abort_stay_the_callers) {
  owned* mine = sync::memory::make<owned>(1U);
  {
    auto change = tree_.begin(writing_);
    ASSERT_TRUE(change.store({0, 10}, mine));
    ASSERT_TRUE(change.store({4, 6}, nullptr));
  }
  EXPECT_EQ(mine->tree_references(), 0U);
  EXPECT_EQ(live_records(), 1);
  sync::memory::destroy(mine);
}

TEST_F(counted_records, overwritten_within_their_transaction_are_the_trees_after_its_commit) {
  auto change = tree_.begin(writing_);
  ASSERT_TRUE(change.store({0, 10}, sync::memory::make<owned>(1U)));
  ASSERT_TRUE(change.store({0, 10}, sync::memory::make<owned>(2U)));
  change.commit();
  EXPECT_EQ(live_records(), 1);
}

TEST_F(counted_records, stored_again_by_the_change_that_removes_them_live_on) {
  store({0, 10}, sync::memory::make<owned>(1U));
  auto change = tree_.begin(writing_);
  owned* moved = change.read().find(0);
  ASSERT_TRUE(change.erase({0, 10}));
  ASSERT_TRUE(change.store({50, 60}, moved));
  change.commit();
  EXPECT_EQ(live_records(), 1);
  EXPECT_EQ(references(55), 1U);
}

TEST_F(counted_records, of_whole_dropped_subtrees_are_freed) {
  for (std::uint64_t i = 0; i < 1000; ++i) store({i * 10, i * 10 + 5}, sync::memory::make<owned>(i));
  EXPECT_EQ(live_records(), 1000);
  store({15, 9985}, nullptr);
  EXPECT_EQ(live_records(), 3);
}

TEST_F(counted_records, go_with_the_tree) {
  {
    tree_type tree{limbo_};
    auto change = tree.begin(writing_);
    for (std::uint64_t i = 0; i < 100; ++i)
      ASSERT_TRUE(change.store({i, i + 1}, sync::memory::make<owned>(i)));
    change.commit();
  }
  EXPECT_EQ(live_records(), 0);
}

/// A record that is freed in its own way and weighs more than itself.
struct heavy : counted<heavy> {
  static void free_record(heavy* dead) noexcept {
    ++freed;
    sync::memory::destroy(dead);
  }
  static std::uint32_t record_bytes(const heavy& record) noexcept { return record.bytes; }

  explicit heavy(std::uint32_t weight) noexcept : bytes{weight} {}
  std::uint32_t bytes;
  inline static int freed = 0;
};

TEST(counted, a_record_says_how_it_is_freed_and_what_it_weighs) {
  reclaim::limbo limbo;
  sync::mutex lock;
  const sync::write_section writing{lock};
  maple_tree<heavy, wide_layout> tree{limbo};
  auto change = tree.begin(writing);
  ASSERT_TRUE(change.store({0, 10}, sync::memory::make<heavy>(1'000'000U)));
  change.commit();
  auto erase = tree.begin(writing);
  ASSERT_TRUE(erase.erase({0, 10}));
  reclaim::retire_list outdated;
  erase.commit(outdated);
  EXPECT_EQ(outdated.size(), 2U);  // the leaf and the record
  EXPECT_EQ(outdated.bytes(), 1'000'000U + sizeof(leaf<wide_layout>));
  EXPECT_EQ(heavy::freed, 0);
  outdated.free_now();
  EXPECT_EQ(heavy::freed, 1);
}

TEST(counted, other_records_are_never_touched) {
  const int number = 7;
  reclaim::limbo limbo;
  sync::mutex lock;
  const sync::write_section writing{lock};
  maple_tree<const int> tree{limbo};
  auto change = tree.begin(writing);
  ASSERT_TRUE(change.store({0, 10}, &number));
  change.commit();
  EXPECT_EQ(*tree.read(writing).find(9), 7);
  static_assert(!record_access::is_counted<const int> && record_access::is_counted<const owned>);
}

}  // namespace
}  // namespace rcuvm::tree::testing
