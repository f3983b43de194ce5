// SPDX-License-Identifier: Apache-2.0

/// Real threads: readers and snapshots beside a writer, two writers beside each other on trees that share
/// nodes.

#include "rcuvm/maple_tree.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rcuvm/sync/thread.hpp"
#include "tests/tree/counting.hpp"
#include "tests/tree/settings.hpp"

namespace rcuvm::tree::testing {
namespace {

/// A fixed set of numbered entries that a writer moves about. Every version holds each number exactly once.
template <class Layout>
class moving_entries {
 public:
  using tree_type = maple_tree<owned, Layout>;

  static constexpr std::uint64_t entries = 60;
  static constexpr std::uint64_t places = 400;
  static constexpr std::uint64_t sum = entries * (entries - 1) / 2;

  explicit moving_entries(std::uint64_t seed) : random_{seed} {}
  /// Goes on where `from` was, on a tree that shares its nodes.
  moving_entries(const moving_entries& from, std::uint64_t seed) : at_{from.at_}, random_{seed} {}

  void fill(tree_type& tree, const sync::write_section& writing) {
    auto change = tree.begin(writing);
    for (std::uint64_t id = 0; id < entries; ++id) {
      at_[id] = id;
      if (!change.store(where(id), sync::memory::make<owned>(id))) std::abort();
    }
    change.commit();
  }

  /// One to eight moves to free places in one transaction; now and then the record is replaced, or the change
  /// taken back.
  void move_some(tree_type& tree, const sync::write_section& writing) {
    auto change = tree.begin(writing);
    const std::array<std::uint64_t, entries> before = at_;
    std::vector<owned*> made;
    const bool is_committed = draw(random_, 10) != 0;
    for (std::uint64_t moves = 1 + draw(random_, 8); moves != 0; --moves) {
      const std::uint64_t id = draw(random_, entries);
      const std::uint64_t place = draw(random_, places);
      if (change.read().next(place * 10).value_or(entry<owned>{{space_end, space_end}}).where.start <
          place * 10 + 10) {
        continue;
      }
      owned* record = change.read().find(where(id).start);
      if (draw(random_, 2) == 0) {
        record = sync::memory::make<owned>(id);
        made.push_back(record);
      }
      if (!change.erase(where(id))) std::abort();
      at_[id] = place;
      if (!change.store(where(id), record)) std::abort();
    }
    if (is_committed) {
      change.commit();
      return;
    }
    change.abort();
    at_ = before;
    for (owned* record : made) sync::memory::destroy(record);
  }

  /// Whether a version holds each number once. Reads every record.
  template <class View>
  static bool is_whole(const View& view) {
    std::uint64_t count = 0;
    std::uint64_t total = 0;
    std::uint64_t low = 0;
    for (const auto each : view) {
      if (each.where.start < low || each.where.is_empty()) return false;
      if (view.find(each.where.start) != each.value || view.find(each.where.end - 1) != each.value)
        return false;
      low = each.where.end;
      ++count;
      total += each.value->id;
    }
    return count == entries && total == sum;
  }

 private:
  [[nodiscard]] range where(std::uint64_t id) const { return {at_[id] * 10, at_[id] * 10 + 3 + id % 7}; }

  std::array<std::uint64_t, entries> at_{};
  random_engine random_;
};

template <class Layout>
struct readers_and_writers : public ::testing::Test {
  using moved = moving_entries<Layout>;
  using map = typename moved::tree_type;

  /// Looks at versions until told to stop; keeps up to `kept` snapshots beyond their sections.
  void read_until_stopped(const map& tree, std::uint64_t seed, std::size_t most_kept) {
    random_engine random{seed};
    std::vector<typename map::snapshot> kept;
    while (!stop_.load_relaxed()) {
      typename map::snapshot taken;
      {
        const sync::rcu::read_section reading;
        const auto view = tree.read(reading);
        if (!moved::is_whole(view)) return wrong("a version in a read section");
        if (draw(random, 3) == 0) taken = tree.take_snapshot(reading);
        if (!moved::is_whole(view)) return wrong("the same version, later in the section");
      }
      if (!taken.is_empty()) kept.push_back(std::move(taken));
      if (kept.size() > most_kept) {
        const std::size_t which = draw(random, kept.size());
        if (!moved::is_whole(kept[which])) return wrong("a kept snapshot");
        std::swap(kept[which], kept.back());
        kept.pop_back();
      }
      versions_.fetch_add_relaxed(1);
    }
  }
  void wrong(const char* what) {
    ADD_FAILURE() << what << " is not what it was committed as";
    stop_.store_relaxed(true);
  }

  void write(map& tree, sync::mutex& lock, moved& entries, std::uint64_t commits) {
    for (std::uint64_t i = 0; i < commits && !stop_.load_relaxed(); ++i) {
      limbo_.throttle();
      const sync::write_section writing{lock};
      entries.move_some(tree, writing);
    }
  }

  void check_counts(std::initializer_list<const map*> trees, const sync::write_section& writing) {
    limbo_.drain();
    census<owned, Layout> all;
    for (const map* tree : trees) {
      const auto sound = tree->verify(writing);
      EXPECT_TRUE(sound) << sound.error();
      EXPECT_TRUE(moved::is_whole(tree->read(writing)));
      all.add(tree->read(writing));
    }
    EXPECT_EQ(all.wrong_counts(), "");
    EXPECT_EQ(all.nodes(), Layout::live());
    EXPECT_EQ(all.records(), owned::live());
  }

  reclaim::limbo limbo_;
  sync::atomic<bool> stop_{false};
  sync::atomic<std::uint64_t> versions_{0};
};

using layouts =
    ::testing::Types<counting_layout<4, 4, struct threads_tag>, counting_layout<15, 13, struct threads_tag>>;
TYPED_TEST_SUITE(readers_and_writers, layouts);

TYPED_TEST(readers_and_writers, every_version_that_a_reader_sees_is_whole) {
  using moving = typename TestFixture::moved;
  const std::uint64_t seed = seed_or(10);
  SCOPED_TRACE("RCUVM_SEED=" + std::to_string(seed));
  sync::mutex lock;
  moving entries{seed};
  typename TestFixture::map tree{this->limbo_};
  {
    const sync::write_section writing{lock};
    entries.fill(tree, writing);
  }
  {
    const sync::thread first{"reader 1", [&] { this->read_until_stopped(tree, seed + 1, 5); }};
    const sync::thread second{"reader 2", [&] { this->read_until_stopped(tree, seed + 2, 0); }};
    this->write(tree, lock, entries, scaled(30'000));
    while (this->versions_.load_relaxed() < 100 && !this->stop_.load_relaxed()) sync::yield();
    this->stop_.store_relaxed(true);
  }
  const sync::write_section writing{lock};
  this->check_counts({&tree}, writing);
}

/// Readers do nothing but take snapshots while the writer does nothing but commit: the reference to a root is
/// taken while that root is being outdated. Each version holds one record, at two places.
TYPED_TEST(readers_and_writers, snapshots_are_taken_while_their_roots_are_outdated) {
  using snapshot = typename TestFixture::map::snapshot;
  constexpr range near{0, 1};
  constexpr range far{10, 11};
  sync::mutex lock;
  typename TestFixture::map tree{this->limbo_};
  const auto commit = [&](std::uint64_t version) {
    const sync::write_section writing{lock};
    auto change = tree.begin(writing);
    owned* record = sync::memory::make<owned>(version);
    if (!change.store(near, record) || !change.store(far, record)) std::abort();
    change.commit();
  };
  const std::uint64_t versions = scaled(120'000);
  commit(0);
  {
    const auto take_snapshots = [&] {
      std::vector<std::pair<snapshot, std::uint64_t>> kept(200);
      for (std::uint64_t taken = 0; !this->stop_.load_relaxed(); ++taken) {
        auto& [old, version] = kept[taken % kept.size()];
        if (!old.is_empty()) {
          const owned* record = old.find(near.start);
          if (record == nullptr || record != old.find(far.start) || record->id != version) {
            return this->wrong("a kept snapshot");
          }
          old.release();
        }
        const sync::rcu::read_section reading;
        old = tree.take_snapshot(reading);
        version = old.find(near.start)->id;
      }
    };
    const sync::thread first{"snapshots 1", take_snapshots};
    const sync::thread second{"snapshots 2", take_snapshots};
    for (std::uint64_t version = 1; version <= versions && !this->stop_.load_relaxed(); ++version) {
      this->limbo_.throttle();
      commit(version);
    }
    this->stop_.store_relaxed(true);
  }
  this->limbo_.drain();
  EXPECT_EQ(TypeParam::live(), 1);
  EXPECT_EQ(owned::live(), 1);
}

/// A fork: both go on at once, each under its own lock, and settle their commits over the same nodes and
/// records.
TYPED_TEST(readers_and_writers, trees_that_share_nodes_change_at_the_same_time) {
  using moving = typename TestFixture::moved;
  using tree_type = typename TestFixture::map;
  const std::uint64_t seed = seed_or(11);
  SCOPED_TRACE("RCUVM_SEED=" + std::to_string(seed));
  for (std::uint64_t round = 0; round < scaled(300); ++round) {
    sync::mutex lock;
    sync::mutex child_lock;
    moving entries{seed + round};
    tree_type parent{this->limbo_};
    const sync::write_section writing{lock};
    entries.fill(parent, writing);
    const std::unique_ptr<tree_type> child{new tree_type(parent.share(writing))};
    moving child_entries{entries, seed + round + 1};
    auto pinned = parent.take_snapshot(writing);
    {
      const sync::thread child_writer{"child", [&] { this->write(*child, child_lock, child_entries, 30); }};
      const sync::thread reader{"reader", [&] {
                                  if (!moving::is_whole(pinned)) this->wrong("the pinned version");
                                  pinned.release();
                                }};
      for (int i = 0; i < 30; ++i) entries.move_some(parent, writing);
    }
    const sync::write_section child_writing{child_lock};
    this->check_counts({&parent, child.get()}, writing);
    if (TestFixture::HasFailure()) return;
  }
}

/// Shares and ends of trees race with the commits of what they were shared from.
TYPED_TEST(readers_and_writers, trees_end_while_those_that_they_were_shared_from_change) {
  using moving = typename TestFixture::moved;
  using tree_type = typename TestFixture::map;
  const std::uint64_t seed = seed_or(12);
  SCOPED_TRACE("RCUVM_SEED=" + std::to_string(seed));
  sync::mutex lock;
  moving entries{seed};
  tree_type tree{this->limbo_};
  {
    const sync::write_section writing{lock};
    entries.fill(tree, writing);
  }
  {
    const sync::thread forker{"forker", [&] {
                                for (std::uint64_t i = 0; i < scaled(20'000); ++i) {
                                  std::unique_ptr<tree_type> child;
                                  {
                                    const sync::write_section writing{lock};
                                    child.reset(new tree_type(tree.share(writing)));
                                  }
                                  sync::mutex child_lock;
                                  const sync::write_section child_writing{child_lock};
                                  auto change = child->begin(child_writing);
                                  if (!change.erase({i % 3000, i % 3000 + 1000})) std::abort();
                                  change.commit();
                                }
                                this->stop_.store_relaxed(true);
                              }};
    this->write(tree, lock, entries, ~std::uint64_t{0});
  }
  const sync::write_section writing{lock};
  this->check_counts({&tree}, writing);
}

#ifdef RCUVM_ASSERTIONS
TEST(maple_tree_death_test, a_section_that_is_not_held_opens_nothing) {
  maple_tree<int> tree;
  sync::rwsem lock;
  EXPECT_DEATH(
      {
        sync::write_section writing{lock};
        writing.unlock();
        static_cast<void>(tree.begin(writing));
      },
      "while others may write");
  EXPECT_DEATH(
      {
        sync::shared_section reading{lock};
        reading.unlock();
        static_cast<void>(tree.read(reading));
      },
      "its writer may free");
}
#endif

}  // namespace
}  // namespace rcuvm::tree::testing
