// SPDX-License-Identifier: Apache-2.0

/// Page tables: made on the way down, visited in order, cut off only when nothing needs them.

#include "rcuvm/vm/page_table.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace rcuvm::vm {
namespace {

constexpr std::uint64_t leaf_span = table::entry_span(1);    // 2 MiB
constexpr std::uint64_t middle_span = table::entry_span(2);  // 1 GiB
constexpr address border = table::entry_span(3) * 5;         // of tables of all levels

class page_table_test : public ::testing::Test {
 protected:
  table& make(address at) {
    const auto made = tables_.make_leaf(at, [] { return true; }, count_);
    EXPECT_TRUE(made.has_value());
    return **made;
  }
  /// Unlinks and frees; how many tables that were.
  std::size_t unlink(range hole) { return unlink(hole, hole); }
  std::size_t unlink(range where, range hole) {
    reclaim::retire_list gone;
    const bool any = tables_.unlink(where, hole, gone, count_);
    const std::size_t count = gone.size();
    EXPECT_EQ(any, count != 0);
    gone.free_now();
    return count;
  }
  std::vector<range> leaves(range where) {
    std::vector<range> seen;
    tables_.for_each_leaf(where, [&](table& leaf, unsigned first, unsigned end, address base) {
      EXPECT_EQ(&leaf, tables_.find_leaf(base));
      EXPECT_EQ(table::index_of(base, 0), first);
      seen.push_back({base, base + (end - first) * page_size});
    });
    return seen;
  }

  page_table tables_;
  counters count_;
};

TEST_F(page_table_test, finds_nothing_in_an_empty_one) {
  EXPECT_EQ(tables_.find_leaf(0), nullptr);
  EXPECT_EQ(tables_.count_tables(), 0U);
  EXPECT_TRUE(leaves(page_table::addressable).empty());
  EXPECT_EQ(unlink(page_table::addressable), 0U);
}

TEST_F(page_table_test, makes_four_levels_and_shares_what_it_can) {
  table& one = make(border);
  EXPECT_EQ(tables_.count_tables(), 4U);
  EXPECT_EQ(&make(border + leaf_span - page_size), &one);
  EXPECT_EQ(tables_.count_tables(), 4U);
  make(border + leaf_span);
  EXPECT_EQ(tables_.count_tables(), 5U);
  make(border + middle_span);
  EXPECT_EQ(tables_.count_tables(), 7U);
  make(border - page_size);
  EXPECT_EQ(tables_.count_tables(), 10U);
  EXPECT_EQ(count_.tables_made, 10U);
  EXPECT_EQ(tables_.find_leaf(border + 123), &one);
  EXPECT_EQ(tables_.find_leaf(border + 2 * leaf_span), nullptr);
}

TEST_F(page_table_test, makes_none_for_a_mapping_that_is_gone) {
  const auto refused = tables_.make_leaf(border, [] { return false; }, count_);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error(), page_table::failure::gone);
  EXPECT_EQ(tables_.count_tables(), 1U);  // the root stays anyway
  EXPECT_EQ(count_.tables_made, 1U);
}

TEST_F(page_table_test, makes_none_without_memory) {
  for (std::uint64_t nth = 1; nth <= 4; ++nth) {
    const sync::memory::failing_allocations failing{1};
    const auto refused = tables_.make_leaf(border, [] { return true; }, count_);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error(), page_table::failure::no_memory);
  }
  make(border);
  EXPECT_EQ(tables_.count_tables(), 4U);
}

TEST_F(page_table_test, visits_the_leaves_of_a_range_upwards) {
  make(border - page_size);
  make(border);
  make(border + 3 * leaf_span);
  EXPECT_EQ(leaves({border - 2 * page_size, border + page_size}),
            (std::vector<range>{{border - 2 * page_size, border}, {border, border + page_size}}));
  EXPECT_EQ(leaves({border + page_size, border + 4 * leaf_span}),
            (std::vector<range>{{border + page_size, border + leaf_span},
                                {border + 3 * leaf_span, border + 4 * leaf_span}}));
  EXPECT_TRUE(leaves({border + leaf_span, border + 2 * leaf_span}).empty());
  EXPECT_TRUE(leaves({}).empty());
  EXPECT_EQ(leaves(page_table::addressable).size(), 3U);
}

TEST_F(page_table_test, unlink_cuts_only_what_lies_wholly_in_the_hole) {
  make(border);
  make(border + leaf_span);
  make(border + 2 * leaf_span);
  EXPECT_EQ(unlink({border + page_size, border + 3 * leaf_span - page_size}), 1U);
  EXPECT_NE(tables_.find_leaf(border), nullptr);
  EXPECT_EQ(tables_.find_leaf(border + leaf_span), nullptr);
  EXPECT_NE(tables_.find_leaf(border + 2 * leaf_span), nullptr);
  EXPECT_EQ(unlink({border, border + 3 * leaf_span}), 2U);
  EXPECT_EQ(tables_.count_tables(), 3U);
  EXPECT_EQ(count_.tables_unlinked, 3U);
}

TEST_F(page_table_test, unlink_looks_at_nothing_but_what_has_gone) {
  make(border);
  make(border + leaf_span);
  const range hole{border, border + 2 * leaf_span};
  EXPECT_EQ(unlink({border + page_size, border + 2 * page_size}, hole), 1U);
  EXPECT_EQ(tables_.find_leaf(border), nullptr);
  EXPECT_NE(tables_.find_leaf(border + leaf_span), nullptr);
}

TEST_F(page_table_test, unlink_takes_whole_subtrees_but_never_the_root) {
  make(border);
  make(border + leaf_span);
  make(border + middle_span);
  EXPECT_EQ(unlink(page_table::addressable), 6U);
  EXPECT_EQ(tables_.count_tables(), 1U);
  make(border);
  EXPECT_EQ(tables_.count_tables(), 4U);
}

TEST_F(page_table_test, unlink_finds_all_of_a_subtree_wherever_it_begins) {
  make(border);
  make(border + 5 * leaf_span);
  make(border + 7 * leaf_span);
  const range hole{border, border + middle_span};
  EXPECT_EQ(unlink({border + 6 * leaf_span, border + 6 * leaf_span + page_size}, hole), 4U);
  EXPECT_EQ(tables_.count_tables(), 2U);
  make(border + leaf_span);
  EXPECT_EQ(unlink({border + leaf_span, border + leaf_span + page_size}, hole), 2U);
}

TEST_F(page_table_test, an_unlinked_table_is_stray) {
  table& one = make(border);
  reclaim::retire_list gone;
  EXPECT_TRUE(tables_.unlink(page_table::addressable, page_table::addressable, gone, count_));
  EXPECT_TRUE(one.is_stray.load_relaxed());
  EXPECT_NE(&make(border), &one);  // nobody gets it any more
  gone.free_now();
}

TEST_F(page_table_test, a_linked_table_is_not_stray) {
  table& one = make(border);
  EXPECT_EQ(unlink({border + page_size, border + leaf_span}), 0U);
  EXPECT_FALSE(one.is_stray.load_relaxed());
}

TEST_F(page_table_test, a_table_made_of_one_that_went_is_empty) {
  for (unsigned round = 0; round < 3; ++round) {
    std::vector<table*> leaves_made;
    for (unsigned i = 0; i < 5; ++i) leaves_made.push_back(&make(border + i * leaf_span));
    for (table* each : leaves_made) {
      EXPECT_TRUE(each->filled.is_empty());
      for (unsigned index = 0; index < table::entry_count; ++index) {
        ASSERT_TRUE(each->entry(index).is_empty()) << "round " << round << " entry " << index;
      }
      each->set_entry(7, pte{9, 1, prot::read});
      const sync::mutex_guard held{each->lock};
      each->clear_if(0, table::entry_count, [](unsigned) { return true; });
    }
    EXPECT_EQ(leaves({border, border + middle_span}).size(), 5U) << "an inner table keeps what it has linked";
    EXPECT_EQ(unlink(page_table::addressable), 7U);
  }
}

TEST_F(page_table_test, knows_which_entries_are_filled) {
  table& one = make(border);
  one.set_entry(3, pte{9, 1, prot::read});
  one.set_entry(4, pte::guard());
  one.set_entry(5, pte{10, 1, prot::read});
  one.set_entry(5, {});
  const auto filled = [&] {
    std::vector<unsigned> seen;
    one.filled_now().for_each(0, table::entry_count, [&](unsigned index) { seen.push_back(index); });
    return seen;
  };
  EXPECT_EQ(filled(), (std::vector<unsigned>{3, 4}));
  {
    const sync::mutex_guard held{one.lock};
    one.clear_if(0, table::entry_count, [&](unsigned index) { return one.entry(index).is_guard(); });
  }
  EXPECT_EQ(filled(), (std::vector<unsigned>{3}));
  EXPECT_TRUE(one.entry(4).is_empty());
  EXPECT_TRUE(one.entry(3).is_present());
}

TEST_F(page_table_test, keeps_entries) {
  table& one = make(border + 7 * page_size);
  const unsigned index = table::index_of(border + 7 * page_size, 0);
  EXPECT_EQ(index, 7U);
  one.set_entry(index, pte{9, 1, prot::read});
  EXPECT_EQ(tables_.find_leaf(border)->entry(7), (pte{9, 1, prot::read}));
  EXPECT_FALSE(one.entry(6).is_present());
}

}  // namespace
}  // namespace rcuvm::vm
