// SPDX-License-Identifier: Apache-2.0

/// The tree's own transactions, with nodes of four slots: G5, G6, M1.

#include <memory>
#include <optional>
#include <vector>

#include "explore/scenarios/scenario.hpp"
#include "rcuvm/maple_tree.hpp"
#include "rcuvm/tree/group_commit.hpp"

namespace rcuvm::explore {

namespace {

struct record {
  int value = 0;
};
using tree = maple_tree<record>;

/// A tree with `count` entries, [10 i, 10 i + 5) each, and two records that its entries name.
struct small_tree {
  sync::rcu::registration main{"main"};
  reclaim::limbo limbo;
  sync::mutex lock;
  record before{1};
  record after{2};
  tree of{limbo};

  explicit small_tree(unsigned count) {
    sync::write_section writing{lock};
    for (unsigned i = 0; i < count; ++i) store(writing, i, &before);
  }

  static range place_of(unsigned index) noexcept { return {10U * index, 10U * index + 5U}; }
  void store(const sync::write_section& writing, unsigned index, record* value) {
    auto change = of.begin(writing);
    RCUVM_CHECK(change.store(place_of(index), value), "a store of the scenario");
    change.commit();
  }
  /// Several at once.
  void store_all(unsigned first, unsigned end, record* value) {
    sync::write_section writing{lock};
    auto change = of.begin(writing);
    for (unsigned i = first; i < end; ++i)
      RCUVM_CHECK(change.store(place_of(i), value), "a store of the scenario");
    change.commit();
  }
};

/// What a version shows: its entries, and whether all of [first, end) are as the change leaves them, or none.
template <class Entries>
void check_whole(const Entries& entries, unsigned first, unsigned end, unsigned others, record* changed_to) {
  unsigned changed = 0;
  unsigned count = 0;
  std::uint64_t last_end = 0;
  for (const auto& one : entries) {
    RCUVM_PROMISE(one.where.start >= last_end, "G1: entries go backwards");
    last_end = one.where.end;
    ++count;
    if (one.value == changed_to) ++changed;
  }
  const unsigned all = end - first;
  if (changed_to == nullptr) {
    RCUVM_PROMISE(count == others || count == others + all, "G6: a part of an erase is seen");
  } else {
    RCUVM_PROMISE(changed == 0 || changed == all, "G6: a part of a change is seen");
    RCUVM_PROMISE(count >= others, "G3: an entry is missing");
  }
}

struct change {
  unsigned count;  ///< entries at first
  unsigned first;
  unsigned end;
  bool erases;
};

/// One commit beside a reader's walk.
template <change What>
void commit_beside_walk() {
  const auto in = std::make_unique<small_tree>(What.count);
  const unsigned kept = What.count - std::min(What.count, What.end) + std::min(What.count, What.first);
  record* const value = What.erases ? nullptr : &in->after;
  together(world::thread_body{"writer", [&] { in->store_all(What.first, What.end, value); }},
           world::thread_body{"reader", [&] {
                                const sync::rcu::registration here{"reader"};
                                const sync::rcu::read_section reading;
                                check_whole(in->of.read(reading), What.first, What.end, kept, value);
                              }});
  sync::write_section writing{in->lock};
  RCUVM_PROMISE(in->of.verify(writing).has_value(), "the tree is broken");
}

/// Snapshots are taken, outlive their sections and the version, and are released, beside two commits.
void snapshot_beside_commits() {
  const auto in = std::make_unique<small_tree>(5);
  together(world::thread_body{"writer",
                              [&] {
                                in->store_all(0, 2, &in->after);
                                in->store_all(3, 5, nullptr);
                              }},
           world::thread_body{"reader", [&] {
                                const sync::rcu::registration here{"reader"};
                                const auto pinned = [&] {
                                  const sync::rcu::read_section reading;
                                  return in->of.take_snapshot(reading);
                                }();
                                unsigned changed = 0;
                                unsigned count = 0;
                                for (const auto& one : pinned) {
                                  ++count;
                                  if (one.value == &in->after) ++changed;
                                }
                                RCUVM_PROMISE(changed == 0 || changed == 2,
                                              "G6: a snapshot is of two versions");
                                RCUVM_PROMISE(count == 5 || (count == 3 && changed == 2),
                                              "G6: a snapshot is of two versions");
                              }});
}

/// Two trees that share their nodes are changed at once, each by its own writer.
void shared_trees() {
  const auto in = std::make_unique<small_tree>(5);
  sync::mutex other_lock;
  auto other = [&in] {
    sync::write_section writing{in->lock};
    return in->of.share(writing);
  }();
  together(world::thread_body{"writer", [&] { in->store_all(0, 1, &in->after); }},
           world::thread_body{"writer of the other", [&] {
                                sync::write_section writing{other_lock};
                                auto changed = other.begin(writing);
                                RCUVM_CHECK(changed.store(small_tree::place_of(4), nullptr),
                                            "a store of the scenario");
                                changed.commit();
                              }});
  sync::write_section first{in->lock};
  RCUVM_PROMISE(in->of.verify(first).has_value(), "the tree is broken");
  RCUVM_PROMISE(in->of.read(first).find(40) == &in->before, "G6: a tree sees the other's change");
}

/// Two writers whose changes may be published together: each sees its own when it is told, and none is lost.
void grouped_writers() {
  const auto in = std::make_unique<small_tree>(5);
  const auto group = std::make_unique<rcuvm::tree::group_commit<record>>(in->of);
  const auto writes = [&](unsigned index) {
    const sync::rcu::registration here{"writer"};
    RCUVM_CHECK(group->store(small_tree::place_of(index), &in->after), "a store of the scenario");
    const sync::rcu::read_section reading;
    RCUVM_PROMISE(in->of.find(reading, 10 * index) == &in->after, "G6: a writer does not see its own change");
  };
  together(world::thread_body{"writer", [&] { writes(0); }}, world::thread_body{"other", [&] { writes(1); }});
  sync::write_section writing{in->lock};
  RCUVM_PROMISE(in->of.verify(writing).has_value(), "the tree is broken");
  check_whole(in->of.read(writing), 0, 2, 3, &in->after);
}

}  // namespace

std::vector<scenario> tree_scenarios() {
  const search_options bound_2{.how = strategy::bounded, .bound = 2, .max_schedules = 10'000'000};
  const auto make = [&](std::string_view name, std::string_view summary, std::string_view claim,
                        scenario_body body) {
    return one_subject(name, summary, claim, "maple-tree", std::move(body), bound_2);
  };
  return {
      make("tree-store", "one store into a leaf beside a walk", "G6",
           commit_beside_walk<change{.count = 2, .first = 0, .end = 1, .erases = false}>),
      make("tree-split", "a leaf is split and the root grows, beside a walk", "G6",
           commit_beside_walk<change{.count = 2, .first = 2, .end = 4, .erases = false}>),
      make("tree-merge", "leaves are merged and the root shrinks, beside a walk", "G6",
           commit_beside_walk<change{.count = 5, .first = 1, .end = 5, .erases = true}>),
      make("tree-empty", "the last entry goes, beside a walk", "G6",
           commit_beside_walk<change{.count = 1, .first = 0, .end = 1, .erases = true}>),
      make("tree-snapshot", "a snapshot outlives its section and its version", "G6", snapshot_beside_commits),
      make("tree-group", "two writers' changes are published together", "G6", grouped_writers),
      make("tree-share", "two trees that share nodes are changed at once", "G6", shared_trees),
  };
}

}  // namespace rcuvm::explore
