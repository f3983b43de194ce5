// SPDX-License-Identifier: Apache-2.0

#include "rcuvm/tree/snapshot.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/tree/counting.hpp"
#include "tests/tree/oracle.hpp"
#include "tests/tree/picture.hpp"
#include "tests/tree/settings.hpp"

namespace rcuvm::tree::testing {
namespace {

TEST(snapshot, outlives_its_read_section_and_later_commits) {
  drawn_tree tree{"AAA.BBB"};
  const sync::rcu::registration reader{"test"};
  drawn_tree<>::tree_type::snapshot kept;
  {
    const sync::rcu::read_section reading;
    kept = tree.tree().take_snapshot(reading);
  }
  tree.change("NNNNNNN");
  tree.change("*** ***");
  tree.limbo().drain();
  EXPECT_EQ(draw_keys(kept, 7), "AAA.BBB");
  EXPECT_EQ(tree.draw(7), "...N...");
}

TEST(snapshot, outlives_its_tree) {
  reclaim::limbo limbo;
  sync::mutex lock;
  const sync::write_section writing{lock};
  auto tree = std::make_unique<maple_tree<letter>>(limbo);
  auto change = tree->begin(writing);
  ASSERT_TRUE(apply(change, "AAA.BBB"));
  change.commit();
  const auto kept = tree->take_snapshot(writing);
  tree.reset();
  limbo.drain();
  EXPECT_EQ(draw_keys(kept, 7), "AAA.BBB");
}

TEST(snapshot, can_be_moved_and_released_once) {
  using layout = counting_layout<4, 4, struct move_tag>;
  drawn_tree<layout> tree{"AAA.BBB"};
  const auto take = [&] {
    const sync::write_section writing{tree.lock()};
    return tree.tree().take_snapshot(writing);
  };
  auto first = take();
  auto second = std::move(first);
  EXPECT_TRUE(first.is_empty());  // NOLINT(bugprone-use-after-move): promised
  tree.change("CCC.DDD");
  first = take();
  second = std::move(first);  // gives the first version back
  tree.limbo().drain();
  EXPECT_EQ(layout::live(), 1);
  EXPECT_EQ(draw_keys(second, 7), "CCC.DDD");
  second.release();
  second.release();
  EXPECT_TRUE(second.is_empty());
  EXPECT_EQ(tree.draw(7), "CCC.DDD");
}

TEST(snapshot, of_an_empty_tree_is_empty) {
  drawn_tree tree;
  const sync::rcu::registration reader{"test"};
  const sync::rcu::read_section reading;
  const auto kept = tree.tree().take_snapshot(reading);
  EXPECT_TRUE(kept.is_empty());
}

TEST(snapshot, can_be_taken_by_who_shuts_the_writer_out) {
  reclaim::limbo limbo;
  sync::rwsem lock;
  maple_tree<letter> tree{limbo};
  {
    const sync::write_section writing{lock};
    auto change = tree.begin(writing);
    ASSERT_TRUE(apply(change, "AAA.BBB"));
    change.commit();
  }
  const sync::shared_section reading{lock};
  EXPECT_EQ(draw_keys(tree.read(reading), 7), "AAA.BBB");
  EXPECT_EQ(draw_keys(tree.take_snapshot(reading), 7), "AAA.BBB");
}

/// Snapshots of every 50th version, through thousands of commits, released in any order.
TEST(snapshot, pinned_for_thousands_of_commits_stays_what_it_was) {
  using layout = counting_layout<4, 4, struct pinned_tag>;
  using tree_type = maple_tree<letter, layout>;
  const std::uint64_t seed = seed_or(8);
  SCOPED_TRACE("RCUVM_SEED=" + std::to_string(seed));
  random_engine random{seed};
  {
    reclaim::limbo limbo;
    sync::mutex lock;
    tree_type tree{limbo};
    oracle<letter> contents;
    std::vector<std::pair<typename tree_type::snapshot, std::vector<entry<letter>>>> kept;
    const std::uint64_t commits = scaled(20'000);
    for (std::uint64_t commit = 0; commit < commits; ++commit) {
      const sync::write_section writing{lock};
      auto change = tree.begin(writing);
      const std::uint64_t start = draw(random, 500);
      const range where{start, start + 1 + draw(random, 9)};
      letter* value = draw(random, 3) == 0 ? nullptr : record_of(static_cast<char>('A' + draw(random, 26)));
      ASSERT_TRUE(change.store(where, value));
      contents.store(where, value);
      change.commit();
      if (commit % 50 == 0) kept.emplace_back(tree.take_snapshot(writing), contents.all());
      if (kept.size() > 40) {
        const std::size_t which = draw(random, kept.size());
        std::vector<entry<letter>> entries;
        for (const auto each : kept[which].first) entries.push_back(each);
        ASSERT_EQ(entries, kept[which].second);
        ASSERT_TRUE(kept[which].first.verify());
        std::swap(kept[which], kept.back());
        kept.pop_back();
      }
    }
  }
  EXPECT_EQ(layout::live(), 0);
}

}  // namespace
}  // namespace rcuvm::tree::testing
