// SPDX-License-Identifier: Apache-2.0

/// Random stores, in transactions, against the oracle: small trees of many levels, clusters as in real
/// address spaces, the whole key space with its edges.

#include "rcuvm/tree/store.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "rcuvm/maple_tree.hpp"
#include "tests/tree/counting.hpp"
#include "tests/tree/oracle.hpp"
#include "tests/tree/settings.hpp"

namespace rcuvm::tree::testing {
namespace {

struct item {
  int id = 0;
};

/// 64 keys, and now and then the ends of the space: every leaf is full of neighbours.
struct dense_keys {
  static constexpr std::uint64_t operations = 170'000;
  static constexpr std::uint64_t commits_per_full_check = 1;
  static range pick(random_engine& random) {
    const std::uint64_t start = draw(random, 64);
    const std::uint64_t end = start + 1 + draw(random, draw(random, 8) == 0 ? 64 : 6);
    if (draw(random, 200) == 0) return {0, space_end};
    if (draw(random, 100) == 0) return {start, space_end};
    return {start, end};
  }
};

/// Pages in clusters, as programs map them: runs, holes, now and then a large range.
struct clustered_keys {
  static constexpr std::uint64_t operations = 110'000;
  static constexpr std::uint64_t commits_per_full_check = 150;
  static range pick(random_engine& random) {
    const std::uint64_t cluster = 0x7f00'0000'0000 + draw(random, 12) * 0x1'0000'0000;
    const std::uint64_t start = cluster + draw(random, 300) * 0x1000;
    const std::uint64_t pages = draw(random, 40) == 0 ? 1 + draw(random, 400) : 1 + draw(random, 4);
    if (draw(random, 3000) == 0) return {cluster, cluster + 0x3'0000'0000};
    return {start, start + pages * 0x1000};
  }
};

/// Anything, with a liking for the edges 0 and 2^64-1 and for keys that were used before.
struct all_keys {
  static constexpr std::uint64_t operations = 110'000;
  static constexpr std::uint64_t commits_per_full_check = 150;
  static std::uint64_t pick_key(random_engine& random) {
    static constexpr std::array<std::uint64_t, 8> edges{
        0, 1, 2, space_end, space_end - 1, space_end - 2, space_end / 2, space_end / 2 + 1};
    switch (draw(random, 8)) {
      case 0: return edges[draw(random, edges.size())];
      case 1: return random() >> draw(random, 64);
      default: return draw(random, 900) << 54;
    }
  }
  static range pick(random_engine& random) {
    const std::uint64_t a = pick_key(random);
    if (draw(random, 50) != 0) {
      const std::uint64_t length = random() >> (8 + draw(random, 56));
      return {a, a > space_end - length ? space_end : a + length};
    }
    const std::uint64_t b = pick_key(random);
    return {std::min(a, b), std::max(a, b)};
  }
};

template <class Layout, class Keys>
struct combination {
  using layout = Layout;
  using keys = Keys;
};

template <class Combination>
class random_stores : public ::testing::Test {
 protected:
  using layout = typename Combination::layout;
  using keys = typename Combination::keys;
  using tree_type = maple_tree<item, layout>;
  using view_type = typename tree_type::view;

  void run(std::uint64_t seed, std::uint64_t operations) {
    SCOPED_TRACE("RCUVM_SEED=" + std::to_string(seed));
    random_.seed(seed);
    tree_type tree{limbo_};
    for (std::uint64_t done = 0, commits = 0; done < operations && !HasFailure(); ++commits) {
      const sync::write_section writing{lock_};
      auto change = tree.begin(writing);
      const bool is_taken_back = draw(random_, 60) == 0;
      is_rising_ = draw(random_, 3) == 0;
      const oracle<item> before = is_taken_back ? oracle_ : oracle<item>{};
      touched_.clear();
      for (std::uint64_t stores = draw(random_, 8) == 0 ? 1 + draw(random_, 40) : 1; stores != 0;
           --stores, ++done) {
        store(change);
      }
      compare_near(change.read());
      reclaim::retire_list outdated;
      if (is_taken_back) {
        change.abort();
        oracle_ = before;
      } else {
        change.commit(outdated);
      }
      outdated.free_now();
      compare_near(tree.read(writing));
      if (commits % keys::commits_per_full_check == 0) compare(tree.read(writing));
    }
    check_nothing_is_left(tree);
  }

 private:
  /// Mostly behind what was stored last, as long as that, with a gap between them or none; then all of it again.
  range pick_behind() {
    const range picked = keys::pick(random_);
    if (touched_.size() >= rising_stores) return touched_[touched_.size() - rising_stores];
    if (touched_.empty() || draw(random_, 20) == 0) return picked;
    const range last = touched_.back();
    const std::uint64_t start = last.end + (draw(random_, 4) == 0 ? last.size() : 0);
    const bool is_possible =
        last.size() < space_end / 4 && start >= last.end && start < space_end - last.size();
    return is_possible ? range{start, start + last.size()} : picked;
  }

  void store(typename tree_type::transaction& change) {
    const range where = is_rising_ ? pick_behind() : keys::pick(random_);
    const unsigned erased_of_24 = !is_rising_ ? 8 : touched_.size() < rising_stores ? 1 : 23;
    item* value = draw(random_, 24) < erased_of_24 ? nullptr : &items_[draw(random_, items_.size())];
    const auto stored = change.store(where, value);
    if (where.is_empty()) {
      ASSERT_EQ(stored, fail(EINVAL));
      return;
    }
    ASSERT_TRUE(stored);
    oracle_.store(where, value);
    touched_.push_back(where);
  }

  /// The answers around what was stored last.
  void compare_near(const view_type& view) {
    for (const range where : touched_) {
      for (const std::uint64_t key : {where.start - 1, where.start, where.end - 1, where.end}) {
        ASSERT_EQ(view.find_entry(key), oracle_.find_entry(key)) << key;
        ASSERT_EQ(view.find(key), oracle_.find_entry(key).value_or(entry<item>{}).value) << key;
        ASSERT_EQ(view.next(key), oracle_.next(key)) << key;
        ASSERT_EQ(view.previous(key), oracle_.previous(key)) << key;
      }
    }
  }

  /// Everything: the rules of the nodes, all entries, parts of them, all gaps.
  void compare(const view_type& view) {
    const auto sound = view.verify();
    ASSERT_TRUE(sound) << sound.error();
    std::vector<entry<item>> entries;
    for (const entry<item> each : view) entries.push_back(each);
    ASSERT_EQ(entries, oracle_.all());
    ASSERT_EQ(view.count_entries(), entries.size());
    ASSERT_EQ(view.is_empty(), entries.empty());

    const range part = keys::pick(random_);
    entries.clear();
    for (const entry<item> each : view.within(part)) entries.push_back(each);
    ASSERT_EQ(entries, oracle_.overlapping(part)) << part.start << ".." << part.end;

    for (int i = 0; i < 4; ++i) {
      const range near = keys::pick(random_);
      const range within = draw(random_, 3) == 0 ? range{0, space_end} : keys::pick(random_);
      const std::uint64_t size = draw(random_, 2) == 0 ? near.size() : near.size() / 3 + 1;
      const std::uint64_t alignment = std::uint64_t{1} << draw(random_, draw(random_, 4) == 0 ? 64 : 8);
      if (size == 0) continue;
      ASSERT_EQ(view.lowest_gap(size, within, alignment), oracle_.lowest_gap(size, within, alignment))
          << size << " in " << within.start << ".." << within.end << " at " << alignment;
      ASSERT_EQ(view.highest_gap(size, within, alignment), oracle_.highest_gap(size, within, alignment))
          << size << " in " << within.start << ".." << within.end << " at " << alignment;
    }
  }

  void check_nothing_is_left(tree_type& tree) {
    const sync::write_section writing{lock_};
    compare(tree.read(writing));
    ASSERT_EQ(
        static_cast<std::int64_t>(tree.read(writing).shape().leaves + tree.read(writing).shape().inners),
        layout::live());
    auto change = tree.begin(writing);
    ASSERT_TRUE(change.erase({0, space_end}));
    reclaim::retire_list outdated;
    change.commit(outdated);
    outdated.free_now();
    ASSERT_TRUE(tree.read(writing).is_empty());
    ASSERT_EQ(layout::live(), 0);
  }

  random_engine random_;
  reclaim::limbo limbo_;
  sync::mutex lock_;
  std::array<item, 100> items_{};
  oracle<item> oracle_;
  std::vector<range> touched_;
  bool is_rising_ = false;  ///< the transaction's stores are near each other
  static constexpr std::size_t rising_stores = 20;
};

using combinations = ::testing::Types<
    combination<counting_layout<4, 4>, dense_keys>, combination<counting_layout<4, 4>, clustered_keys>,
    combination<counting_layout<4, 4>, all_keys>, combination<counting_layout<5, 7>, dense_keys>,
    combination<counting_layout<5, 7>, clustered_keys>, combination<counting_layout<5, 7>, all_keys>,
    combination<counting_layout<15, 13>, dense_keys>, combination<counting_layout<15, 13>, clustered_keys>,
    combination<counting_layout<15, 13>, all_keys>, combination<counting_layout<7, 5, void, 4>, all_keys>,
    combination<counting_layout<7, 5, void, 4>, clustered_keys>,
    combination<counting_layout<31, 52, void, 16, 5>, dense_keys>,
    combination<counting_layout<31, 52, void, 16, 5>, clustered_keys>,
    combination<counting_layout<31, 52, void, 16, 5>, all_keys>>;
TYPED_TEST_SUITE(random_stores, combinations);

TYPED_TEST(random_stores, equal_the_oracle) { this->run(seed_or(1), scaled(TypeParam::keys::operations)); }
TYPED_TEST(random_stores, equal_the_oracle_with_a_second_seed) {
  this->run(seed_or(2) + 1000, scaled(TypeParam::keys::operations));
}

}  // namespace
}  // namespace rcuvm::tree::testing
