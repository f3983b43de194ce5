// SPDX-License-Identifier: Apache-2.0

/// Stores in pictures, what a transaction promises, and memory that runs out at every single allocation.

#include "rcuvm/tree/transaction.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rcuvm/sync/thread.hpp"
#include "tests/tree/counting.hpp"
#include "tests/tree/oracle.hpp"
#include "tests/tree/picture.hpp"
#include "tests/tree/settings.hpp"

namespace rcuvm::tree::testing {
namespace {

struct change_case {
  std::string before;
  std::string change;
  std::string after;
};

/// The name of the case in reports: without it that would be the bytes of the strings, other ones in every
/// run.
void PrintTo(const change_case& of, std::ostream* out) { *out << of.before << " becomes " << of.after; }

class store_in_pictures : public ::testing::TestWithParam<change_case> {};

TEST_P(store_in_pictures, leaves_what_sticks_out) {
  const auto& [before, change, after] = GetParam();
  drawn_tree<small_layout> narrow{before};
  narrow.change(change);
  EXPECT_EQ(narrow.draw(after.size()), after);
  drawn_tree<wide_layout> wide{before};
  wide.change(change);
  EXPECT_EQ(wide.draw(after.size()), after);
}

INSTANTIATE_TEST_SUITE_P(store, store_in_pictures,
                         ::testing::Values(change_case{"AAA.BBB", "AAA    ",  // exactly over an entry
                                                       "AAA.BBB"},
                                           change_case{"AAA.BBB", "NNN    ",  //
                                                       "NNN.BBB"},
                                           change_case{"AAAAAAA", "  NN   ",  // a hole in the middle
                                                       "AANNAAA"},
                                           change_case{"AAAAAAA", "  **   ",  //
                                                       "AA..AAA"},
                                           change_case{"AAA.BBB", " NN    ",  // the end of an entry
                                                       "ANN.BBB"},
                                           change_case{"AAA.BBB", "NN     ",  // its start
                                                       "NNA.BBB"},
                                           change_case{"AAA.BBB", "  NNN  ",  // over the gap and both edges
                                                       "AANNNBB"},
                                           change_case{"AAA.BBB", "   N   ",  // the gap itself
                                                       "AAANBBB"},
                                           change_case{"AAA...B", "    N  ",  // inside a gap
                                                       "AAA.N.B"},
                                           change_case{"AAA.BBB", "NNNNNNN",  // everything
                                                       "NNNNNNN"},
                                           change_case{"AAA.BBB", "*******",  // everything, to nothing
                                                       "......."},
                                           change_case{"AAA.BBB", "***    ",  // a gap grows to the left
                                                       "....BBB"},
                                           change_case{"AAA.BBB",
                                                       "    ***",  // and joins the one behind the end
                                                       "AAA...."},
                                           change_case{"AAA.BBB", "  NYN  ",  // several stores at once
                                                       "AANYNBB"}));

/// 26 entries are several levels of small nodes: stores over the ends of leaves, over whole leaves and over
/// whole parents.
TEST(store, spans_any_part_of_a_large_tree) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (std::size_t start = 0; start < alphabet.size(); ++start) {
    for (std::size_t end = start + 1; end <= alphabet.size(); ++end) {
      for (const char is : {'x', '*'}) {
        std::string change(alphabet.size(), ' ');
        std::string after = alphabet;
        for (std::size_t i = start; i < end; ++i) {
          change[i] = is;
          after[i] = is == '*' ? '.' : is;
        }
        drawn_tree tree{alphabet};
        tree.change(change);
        ASSERT_EQ(tree.draw(alphabet.size()), after);
      }
    }
  }
}

TEST(store, of_an_empty_range_is_EINVAL) {
  drawn_tree tree{"AAA"};
  const sync::write_section writing{tree.lock()};
  auto change = tree.tree().begin(writing);
  EXPECT_EQ(change.store({5, 5}, record_of('X')), fail(EINVAL));
  EXPECT_EQ(change.store({6, 5}, record_of('X')), fail(EINVAL));
  EXPECT_EQ(change.erase({space_end, space_end}), fail(EINVAL));
  EXPECT_EQ(change.erase({space_end, 0}), fail(EINVAL));
  EXPECT_EQ(draw_keys(change.read(), 5), "AAA..");
}

TEST(store, of_nothing_over_a_gap_changes_nothing) {
  using layout = counting_layout<4, 4, struct nothing_tag>;
  drawn_tree<layout> tree{"AA..BB"};
  const std::int64_t nodes = layout::live();
  const sync::write_section writing{tree.lock()};
  auto change = tree.tree().begin(writing);
  ASSERT_TRUE(change.erase({2, 4}));
  ASSERT_TRUE(change.erase({100, space_end}));
  EXPECT_EQ(layout::live(), nodes);
}

TEST(transaction, is_seen_by_nobody_before_its_commit_and_whole_after) {
  drawn_tree tree{"AAA.BBB"};
  const sync::rcu::registration reader{"test"};
  const sync::write_section writing{tree.lock()};
  auto change = tree.tree().begin(writing);
  ASSERT_TRUE(apply(change, " NNNN "));
  ASSERT_TRUE(apply(change, "*    Y"));
  {
    const sync::rcu::read_section reading;
    EXPECT_EQ(draw_keys(tree.tree().read(reading), 7), "AAA.BBB");
  }
  EXPECT_EQ(draw_keys(change.read(), 7), ".NNNNYB");
  change.commit();
  const sync::rcu::read_section reading;
  EXPECT_EQ(draw_keys(tree.tree().read(reading), 7), ".NNNNYB");
  EXPECT_EQ(tree.tree().find(reading, 5), record_of('Y'));
}

TEST(transaction, a_reader_keeps_the_version_that_it_has_read) {
  drawn_tree tree{"AAA.BBB"};
  const sync::rcu::registration reader{"test"};
  reclaim::retire_list outdated;
  std::string seen;
  {
    const sync::rcu::read_section reading;
    const auto view = tree.tree().read(reading);
    sync::thread writer{"writer", [&] {
                          const sync::write_section writing{tree.lock()};
                          auto change = tree.tree().begin(writing);
                          ASSERT_TRUE(apply(change, "NN*NNNN"));
                          change.commit(outdated);
                        }};
    writer.join();
    EXPECT_EQ(draw_keys(view, 7), "AAA.BBB");
    EXPECT_EQ(draw_keys(tree.tree().read(reading), 7), "NN.NNNN");
  }
  EXPECT_FALSE(outdated.is_empty());
  sync::rcu::synchronize();
  outdated.free_now();
}

TEST(transaction, aborted_or_forgotten_has_not_happened) {
  using layout = counting_layout<4, 4, struct abort_tag>;
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  drawn_tree<layout> tree{alphabet};
  tree.limbo().drain();
  const std::int64_t nodes = layout::live();
  {
    const sync::write_section writing{tree.lock()};
    auto change = tree.tree().begin(writing);
    ASSERT_TRUE(apply(change, "xyz  **********   uuuuuuuu"));
    change.abort();
  }
  EXPECT_EQ(layout::live(), nodes);
  {
    const sync::write_section writing{tree.lock()};
    auto change = tree.tree().begin(writing);
    ASSERT_TRUE(change.erase({0, space_end}));
  }
  EXPECT_EQ(layout::live(), nodes);
  EXPECT_EQ(tree.draw(26), alphabet);
}

TEST(transaction, without_a_change_retires_nothing) {
  drawn_tree tree{"AAA"};
  const sync::write_section writing{tree.lock()};
  auto change = tree.tree().begin(writing);
  ASSERT_TRUE(change.erase({10, 20}));
  reclaim::retire_list outdated;
  change.commit(outdated);
  EXPECT_TRUE(outdated.is_empty());
}

TEST(transaction, of_many_stores_copies_each_node_once) {
  using layout = counting_layout<4, 4, struct many_tag>;
  drawn_tree<layout> tree{"ABCDEFGHIJKLMNOPQRSTUVWXYZ"};
  const sync::write_section writing{tree.lock()};
  const auto shape = tree.tree().read(writing).shape();
  auto change = tree.tree().begin(writing);
  for (int round = 0; round < 50; ++round) {
    for (std::uint64_t key = 0; key < 26; ++key) ASSERT_TRUE(change.store({key, key + 1}, record_of('x')));
  }
  reclaim::retire_list outdated;
  change.commit(outdated);
  EXPECT_EQ(outdated.size(), shape.leaves + shape.inners);
  EXPECT_EQ(static_cast<std::size_t>(layout::live()), 2 * (shape.leaves + shape.inners));
  outdated.free_now();
}

/// As fork and mprotect store: one behind the other. A leaf that is full keeps all but the fewest of its slots.
TEST(transaction, of_stores_that_rise_fills_leaves) {
  using layout = counting_layout<31, 52, struct rising_tag, 16, 5>;
  constexpr std::uint64_t page = 0x1000;
  for (const std::uint64_t step : {page, 3 * page}) {  // neighbours; gaps between them
    reclaim::limbo limbo;
    sync::mutex lock;
    maple_tree<letter, layout> tree{limbo};
    const sync::write_section writing{lock};
    auto change = tree.begin(writing);
    constexpr std::uint64_t stores = 2000;
    for (std::uint64_t i = 0; i < stores; ++i)
      ASSERT_TRUE(change.store({i * step, i * step + page}, record_of('x')));
    change.commit();
    ASSERT_TRUE(tree.verify(writing)) << tree.verify(writing).error();
    const std::uint64_t slots = step == page ? stores : 2 * stores;
    EXPECT_LE(tree.read(writing).shape().leaves, slots / (31 - 5 - 1) + 1) << step;
  }
}

TEST(transaction, that_empties_the_tree_leaves_no_node) {
  using layout = counting_layout<4, 4, struct empty_tag>;
  drawn_tree<layout> tree{"ABCDEFGHIJKLMNOPQRSTUVWXYZ"};
  tree.change("**************************");
  EXPECT_TRUE(tree.read().is_empty());
  tree.limbo().drain();
  EXPECT_EQ(layout::live(), 0);
}

using transaction_death_test = ::testing::Test;

TEST(transaction_death_test, two_of_one_tree_at_a_time) {
  drawn_tree tree{"AAA"};
  const sync::write_section writing{tree.lock()};
  auto change = tree.tree().begin(writing);
  EXPECT_DEATH({ auto second = tree.tree().begin(writing); }, "one transaction at a time");
}

TEST(transaction_death_test, use_after_its_end) {
  drawn_tree tree{"AAA"};
  const sync::write_section writing{tree.lock()};
  auto change = tree.tree().begin(writing);
  change.commit();
  EXPECT_DEATH(change.commit(), "after the end of the transaction");
  EXPECT_DEATH(static_cast<void>(change.store({0, 1}, nullptr)), "after the end of the transaction");
}

/// Every allocation of every store of a long transaction fails once: the store says ENOMEM, nothing has
/// changed, and the transaction goes on as if the call had not been made.
template <class Layout>
void fail_every_allocation(std::uint64_t seed, std::uint64_t stores,
                           sync::memory::failing_allocations::how how) {
  SCOPED_TRACE("RCUVM_SEED=" + std::to_string(seed));
  random_engine random{seed};
  reclaim::limbo limbo;
  sync::mutex lock;
  maple_tree<owned, Layout> tree{limbo};
  oracle<owned> expected;
  std::uint64_t failures = 0;
  for (std::uint64_t done = 0; done < stores;) {
    const sync::write_section writing{lock};
    auto change = tree.begin(writing);
    const bool is_committed = draw(random, 4) != 0;
    const oracle<owned> before = expected;
    std::vector<owned*> made;
    for (std::uint64_t left = 1 + draw(random, 60); left != 0; --left, ++done) {
      const std::uint64_t start = draw(random, 400);
      const range where{start, draw(random, 60) == 0 ? 400 : start + 1 + draw(random, 12)};
      owned* value = draw(random, 3) == 0 ? nullptr : sync::memory::make<owned>(done);
      if (value != nullptr) made.push_back(value);
      bool is_given_up = false;
      for (std::uint64_t nth = 1; !is_given_up; ++nth) {
        const std::int64_t nodes = Layout::live();
        const auto failing = std::make_unique<sync::memory::failing_allocations>(nth, how);
        const auto stored = change.store(where, value);
        if (!failing->has_failed()) {
          ASSERT_TRUE(stored);
          break;
        }
        ++failures;
        ASSERT_EQ(stored, fail(ENOMEM));
        ASSERT_EQ(Layout::live(), nodes);
        if (failures % 16 == 0) {
          ASSERT_TRUE(change.read().verify()) << change.read().verify().error();
          std::vector<entry<owned>> entries;
          for (const auto each : change.read()) entries.push_back(each);
          ASSERT_EQ(entries, expected.all());
        }
        ASSERT_EQ(change.read().next(where.start), expected.next(where.start));
        ASSERT_EQ(change.read().previous(where.end), expected.previous(where.end));
        is_given_up = draw(random, 20) == 0;
      }
      if (!is_given_up) {
        expected.store(where, value);
      } else if (value != nullptr) {
        sync::memory::destroy(value);
        made.pop_back();
      }
    }
    if (is_committed) {
      const sync::memory::failing_allocations failing{1, sync::memory::failing_allocations::how::for_good};
      change.commit();
    } else {
      change.abort();
      for (owned* record : made) sync::memory::destroy(record);
      expected = before;
    }
    ASSERT_TRUE(tree.verify(writing)) << tree.verify(writing).error();
    limbo.drain();
    census<owned, Layout> all;
    all.add(tree.read(writing));
    ASSERT_EQ(all.wrong_counts(), "");
    ASSERT_EQ(all.nodes(), Layout::live());
    ASSERT_EQ(all.records(), owned::live());
  }
  EXPECT_GT(failures, stores);
}

TEST(store, without_memory_changes_nothing) {
  using layout = counting_layout<4, 4, struct memory_tag>;
  fail_every_allocation<layout>(seed_or(3), scaled(4000), sync::memory::failing_allocations::how::once);
  EXPECT_EQ(layout::live(), 0);
  EXPECT_EQ(owned::live(), 0);
}

TEST(store, without_memory_for_good_changes_nothing) {
  using layout = counting_layout<5, 7, struct memory_tag>;
  fail_every_allocation<layout>(seed_or(4), scaled(4000), sync::memory::failing_allocations::how::for_good);
  EXPECT_EQ(layout::live(), 0);
  EXPECT_EQ(owned::live(), 0);
}

}  // namespace
}  // namespace rcuvm::tree::testing
