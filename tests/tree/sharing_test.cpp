// SPDX-License-Identifier: Apache-2.0

/// Trees and snapshots that share nodes and records: each stays what it is, all counts are exact at every
/// step, and in the end nothing is left.

#include "rcuvm/tree/sharing.hpp"

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

TEST(sharing, a_shared_tree_costs_no_node_and_diverges) {
  using layout = counting_layout<4, 4, struct diverge_tag>;
  drawn_tree<layout> parent{"ABCDEFGHIJKLMNOPQRSTUVWXYZ"};
  parent.limbo().drain();
  const std::int64_t nodes = layout::live();
  const sync::write_section writing{parent.lock()};
  auto child = parent.tree().share(writing);
  EXPECT_EQ(layout::live(), nodes);

  sync::mutex other_lock;
  const sync::write_section other_writing{other_lock};
  const auto change = [](auto& tree, const sync::write_section& section, const char* picture) {
    auto transaction = tree.begin(section);
    ASSERT_TRUE(apply(transaction, picture));
    transaction.commit();
  };
  change(child, other_writing, "aaaa                      ");
  change(parent.tree(), writing, "                      ****");
  EXPECT_EQ(draw_keys(child.read(other_writing), 26), "aaaaEFGHIJKLMNOPQRSTUVWXYZ");
  EXPECT_EQ(draw_keys(parent.tree().read(writing), 26), "ABCDEFGHIJKLMNOPQRSTUV....");
  parent.limbo().drain();
  EXPECT_LT(layout::live(), 2 * nodes);  // the middle is one for both
}

TEST(sharing, an_empty_tree_can_be_shared) {
  drawn_tree parent;
  const sync::write_section writing{parent.lock()};
  auto child = parent.tree().share(writing);
  EXPECT_TRUE(child.read(writing).is_empty());
}

TEST(sharing, the_last_holder_of_a_record_retires_it) {
  reclaim::limbo limbo;
  sync::mutex lock;
  const sync::write_section writing{lock};
  {
    maple_tree<owned> parent{limbo};
    auto change = parent.begin(writing);
    ASSERT_TRUE(change.store({0, 10}, sync::memory::make<owned>(1U)));
    change.commit();
    EXPECT_EQ(parent.read(writing).find(3)->tree_references(), 1U);

    const std::unique_ptr<maple_tree<owned>> child{new maple_tree<owned>(parent.share(writing))};
    auto erase = parent.begin(writing);
    ASSERT_TRUE(erase.erase({0, 10}));
    erase.commit();
    limbo.drain();
    EXPECT_EQ(owned::live(), 1);
    EXPECT_EQ(child->read(writing).find(3)->id, 1U);
  }
  limbo.drain();
  EXPECT_EQ(owned::live(), 0);
}

/// A tree, or a snapshot, and what it must contain.
template <class Held>
struct expected {
  std::unique_ptr<Held> held;
  oracle<owned> contents;
};

/// Random stores, shares, snapshots and ends of up to five trees and eight snapshots, in any order.
template <class Layout>
class family {
 public:
  using tree_type = maple_tree<owned, Layout>;
  using snapshot_type = typename tree_type::snapshot;

  explicit family(std::uint64_t seed) : random_{seed} {}

  void run(std::uint64_t steps) {
    trees_.push_back({std::make_unique<tree_type>(limbo_), {}});
    for (std::uint64_t step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
      take_a_step();
      check_counts();
      if (step % 64 == 0) check_contents();
    }
    check_contents();
    while (!trees_.empty() || !snapshots_.empty()) {
      if (!trees_.empty() && (snapshots_.empty() || draw(random_, 2) == 0))
        remove_one(trees_);
      else
        remove_one(snapshots_);
      check_counts();
    }
    ASSERT_EQ(Layout::live(), 0);
    ASSERT_EQ(owned::live(), 0);
  }

 private:
  void take_a_step() {
    const sync::write_section writing{lock_};
    auto& from = trees_[draw(random_, trees_.size())];
    switch (draw(random_, 16)) {
      case 0:
        if (trees_.size() < 5) trees_.push_back({share(*from.held, writing), from.contents});
        break;
      case 1:
        if (trees_.size() > 1) remove_one(trees_);
        break;
      case 2:
      case 3:
        if (snapshots_.size() < 8) {
          snapshots_.push_back(
              {std::make_unique<snapshot_type>(from.held->take_snapshot(writing)), from.contents});
        }
        break;
      case 4:
      case 5:
        if (!snapshots_.empty()) remove_one(snapshots_);
        break;
      default: change(from, writing);
    }
  }

  static std::unique_ptr<tree_type> share(const tree_type& from, const sync::write_section& writing) {
    return std::unique_ptr<tree_type>{new tree_type(from.share(writing))};
  }

  void change(expected<tree_type>& one, const sync::write_section& writing) {
    auto transaction = one.held->begin(writing);
    const bool is_committed = draw(random_, 8) != 0;
    const oracle<owned> before = one.contents;
    std::vector<owned*> made;
    for (std::uint64_t left = 1 + draw(random_, draw(random_, 4) == 0 ? 30 : 2); left != 0; --left) {
      const std::uint64_t start = draw(random_, 200);
      const range where{start, start + 1 + draw(random_, draw(random_, 20) == 0 ? 200 : 8)};
      owned* value = draw(random_, 3) == 0 ? nullptr : pick_record(one.contents, made);
      ASSERT_TRUE(transaction.store(where, value));
      one.contents.store(where, value);
    }
    if (is_committed) {
      transaction.commit();
      return;
    }
    transaction.abort();
    one.contents = before;
    for (owned* record : made) sync::memory::destroy(record);
  }

  /// A new record; at times one that the tree has already.
  owned* pick_record(const oracle<owned>& contents, std::vector<owned*>& made) {
    if (draw(random_, 6) == 0) {
      if (const auto known = contents.next(draw(random_, 200))) return known->value;
    }
    made.push_back(sync::memory::make<owned>(random_()));
    return made.back();
  }

  template <class Held>
  void remove_one(std::vector<expected<Held>>& all) {
    const std::uint64_t which = draw(random_, all.size());
    std::swap(all[which], all.back());
    all.pop_back();
  }

  void check_counts() {
    limbo_.drain();
    const sync::write_section writing{lock_};
    census<owned, Layout> all;
    for (const auto& one : trees_) all.add(one.held->read(writing));
    for (const auto& one : snapshots_) all.add(*one.held);
    ASSERT_EQ(all.wrong_counts(), "");
    ASSERT_EQ(all.nodes(), Layout::live());
    ASSERT_EQ(all.records(), owned::live());
  }

  void check_contents() {
    const sync::write_section writing{lock_};
    for (const auto& one : trees_) check(one.held->read(writing), one.contents);
    for (const auto& one : snapshots_) check(*one.held, one.contents);
  }
  void check(const typename tree_type::view& view, const oracle<owned>& contents) {
    ASSERT_TRUE(view.verify()) << view.verify().error();
    std::vector<entry<owned>> entries;
    for (const auto each : view) entries.push_back(each);
    ASSERT_EQ(entries, contents.all());
  }

  random_engine random_;
  reclaim::limbo limbo_;
  sync::mutex lock_;
  std::vector<expected<tree_type>> trees_;
  std::vector<expected<snapshot_type>> snapshots_;
};

template <class Layout>
void run_family(std::uint64_t seed, std::uint64_t steps) {
  SCOPED_TRACE("RCUVM_SEED=" + std::to_string(seed));
  family<Layout>{seed}.run(steps);
}

TEST(sharing, random_families_keep_exact_counts_4) {
  run_family<counting_layout<4, 4>>(seed_or(5), scaled(10'000));
}
TEST(sharing, random_families_keep_exact_counts_5) {
  run_family<counting_layout<5, 7>>(seed_or(6), scaled(10'000));
}
TEST(sharing, random_families_keep_exact_counts_15) {
  run_family<counting_layout<15, 13>>(seed_or(7), scaled(10'000));
}

}  // namespace
}  // namespace rcuvm::tree::testing
