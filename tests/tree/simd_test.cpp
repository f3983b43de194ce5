// SPDX-License-Identifier: Apache-2.0

/// Each instruction set gives the answers that the nodes' own functions give, one slot at a time.

#include "rcuvm/tree/simd.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "rcuvm/maple_tree.hpp"
#include "tests/tree/counting.hpp"
#include "tests/tree/settings.hpp"

namespace rcuvm::tree::testing {
namespace {

using wide_link = link<wide_layout>;

/// Where a descent by the nodes' own functions ends.
path_step<wide_layout> step_to_leaf(wide_link at, std::uint64_t key) {
  range covered{0, space_end};
  while (at.level() != 0) {
    const unsigned slot = at.as_inner().slot_of(key);
    covered = range_of(at.as_inner(), slot, covered);
    at = at.child(slot);
  }
  return {at, at.as_leaf().slot_of(key), covered};
}

template <class F>
void for_each_node(wide_link at, F f) {
  f(at);
  if (at.level() == 0) return;
  for (unsigned i = 0; i < at.head().count; ++i) for_each_node(at.child(i), f);
}

/// Pages, bytes, and ranges all over the space: leaves of both forms, of all sizes.
enum class mixture : std::uint8_t { pages, bytes, anything };

class on_each_target : public ::testing::TestWithParam<simd::target> {
 protected:
  void SetUp() override {
    if (!simd::choose(GetParam())) GTEST_SKIP() << "not on this CPU, or not in this build";
    ASSERT_EQ(simd::chosen(), GetParam());
  }
  void TearDown() override {
    for (const auto best : {simd::target::avx512, simd::target::avx2, simd::target::plain}) {
      if (simd::choose(best)) return;
    }
  }

  void grow(mixture kind, std::size_t stores) {
    for (std::size_t i = 0; i < stores; ++i) {
      const sync::write_section writing{lock_};
      auto change = tree_.begin(writing);
      ASSERT_TRUE(change.store(pick(kind), draw(random_, 4) == 0 ? nullptr : &records_[draw(random_, 64)]));
      change.commit();
    }
    const sync::write_section writing{lock_};
    const auto sound = tree_.verify(writing);
    ASSERT_TRUE(sound) << sound.error();
  }

  void clear() {
    const sync::write_section writing{lock_};
    auto change = tree_.begin(writing);
    ASSERT_TRUE(change.store({0, space_end}, nullptr));
    change.commit();
  }

  [[nodiscard]] wide_link root() {
    const sync::write_section writing{lock_};
    return open_view<int, wide_layout>{tree_.read(writing)}.root();
  }

  void compare(int random_keys = 2000) {
    const wide_link top = root();
    std::vector<std::uint64_t> keys;
    for_each_node(top, [&](wide_link node) {
      if (node.level() == 0) {
        ASSERT_EQ(simd::gaps(node.as_leaf()), node.as_leaf().gaps());
        return;
      }
      for (unsigned i = 0; i + 1U < node.head().count; ++i) keys.push_back(node.as_inner().pivot[i]);
    });
    for (int i = 0; i < random_keys; ++i) keys.push_back(random_() >> draw(random_, 64));
    for (std::size_t i = 0, count = keys.size(); i < count; ++i) {
      const auto to = step_to_leaf(top, keys[i] == space_end ? 0 : keys[i]);
      const range where = range_of(to.node.as_leaf(), to.slot, to.covered);
      keys.insert(keys.end(), {where.start, where.end - 1, where.start - 1});
    }
    std::erase(keys, space_end);

    std::vector<void*> many(keys.size());
    simd::find_many(top, keys.data(), many.data(), keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto to = step_to_leaf(top, keys[i]);
      void* const record = to.node.as_leaf().slot[to.slot];
      ASSERT_EQ(simd::find(top, keys[i]), record) << keys[i];
      ASSERT_EQ(many[i], record) << keys[i];
      ASSERT_EQ(simd::slot_of(to.node.as_leaf(), keys[i]), to.slot);
      path_step<wide_layout> way[max_levels<wide_layout>];
      simd::descend(top, keys[i], way);
      ASSERT_EQ(way[0].node, to.node);
      ASSERT_EQ(way[0].slot, to.slot);
      ASSERT_EQ(way[0].covered, to.covered);
      ASSERT_EQ(way[top.level()].node, top);
      if (top.level() != 0) {
        ASSERT_EQ(simd::slot_of(top.as_inner(), keys[i]), way[top.level()].slot);
      }
      compare_gaps(top, keys[i]);
    }
  }

 private:
  /// Searches that begin and end at the key, or anywhere.
  void compare_gaps(wide_link top, std::uint64_t key) {
    const std::uint64_t other = random_() >> draw(random_, 64);
    const gap_request wanted{.size = 1 + (random_() >> draw(random_, 64)) / 2,
                             .within = {std::min(key, other), std::max(key, other)},
                             .alignment = std::uint64_t{1} << draw(random_, 16)};
    ASSERT_EQ(simd::find_gap(top, wanted, true),
              (gap_search<true, wide_layout, plain_nodes>{wanted}.run(top)));
    ASSERT_EQ(simd::find_gap(top, wanted, false),
              (gap_search<false, wide_layout, plain_nodes>{wanted}.run(top)));
  }

  range pick(mixture kind) {
    if (kind == mixture::pages) {
      const std::uint64_t start = (0x7f00'0000U + draw(random_, 40'000)) << 12;
      return {start, start + ((1 + draw(random_, 20)) << 12)};
    }
    const std::uint64_t start =
        kind == mixture::bytes ? draw(random_, 100'000) : (random_() >> draw(random_, 64)) / 2;
    return {start, start + 1 + draw(random_, 10)};
  }

  std::vector<int> records_ = std::vector<int>(64);
  random_engine random_{seed_or(12)};
  reclaim::limbo limbo_;
  sync::mutex lock_;
  maple_tree<int, wide_layout> tree_{limbo_};
};

TEST_P(on_each_target, pages_are_found) {
  grow(mixture::pages, scaled(4000));
  compare();
}
TEST_P(on_each_target, bytes_are_found) {
  grow(mixture::bytes, scaled(4000));
  compare();
}
TEST_P(on_each_target, keys_of_all_sizes_are_found) {
  grow(mixture::anything, scaled(4000));
  compare();
}
TEST_P(on_each_target, all_of_them_together_are_found) {
  for (const mixture kind : {mixture::anything, mixture::pages, mixture::bytes}) grow(kind, scaled(1500));
  compare();
}
TEST_P(on_each_target, one_leaf_is_found) {
  grow(mixture::pages, 3);
  compare();
}

/// Roots of one line of pivots, of two, and of more are searched in ways of their own, and leaves below few of them, too.
TEST_P(on_each_target, small_trees_of_all_sizes_are_found) {
  constexpr unsigned most = 13;
  std::set<unsigned> compared;
  for (unsigned i = 0; compared.size() != most; ++i) {
    ASSERT_LT(i, 20'000U) << "a size is never met";
    grow(i % 2 == 0 ? mixture::anything : mixture::pages, 1);
    const wide_link top = root();
    if (top.is_null()) continue;
    const unsigned leaves = top.level() == 0 ? 1 : top.head().count;
    if (leaves > most) {
      clear();  // a size was left out: now and then one store makes two leaves more
    } else if (compared.insert(leaves).second) {
      compare(200);
    }
  }
}

/// Where lookups ask for slots before they know which: from the fourth level on, and from a ninth child of its root.
TEST_P(on_each_target, what_lies_in_a_large_tree_is_found) {
  constexpr std::uint64_t ranges = 300'000;
  std::vector<int> records(ranges);
  reclaim::limbo limbo;
  sync::mutex lock;
  maple_tree<int, wide_layout> tree{limbo};
  const sync::write_section writing{lock};
  auto change = tree.begin(writing);
  for (std::uint64_t i = 0; i < ranges; ++i) {
    const std::uint64_t start = 3 * i << 12;
    ASSERT_TRUE(change.store({start, start + 0x2000}, &records[i]));
  }
  change.commit();
  const wide_link top = open_view<int, wide_layout>{tree.read(writing)}.root();
  ASSERT_EQ(top.level(), 3U);
  ASSERT_NE(top.as_inner().slot[8], nullptr);

  random_engine random{seed_or(13)};
  std::vector<std::uint64_t> keys(5000);
  for (std::uint64_t& key : keys) key = draw(random, 3 * ranges << 12);
  std::vector<int*> many(keys.size());
  tree.read(writing).find_many(keys, many);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::uint64_t page = keys[i] >> 12;
    int* const expected = page % 3 == 2 ? nullptr : &records[page / 3];
    ASSERT_EQ(many[i], expected) << keys[i];
    ASSERT_EQ(tree.read(writing).find(keys[i]), expected) << keys[i];
    ASSERT_EQ(tree.read(writing).find_entry(keys[i]).value_or(entry<int>{}).value, expected) << keys[i];
  }
}

INSTANTIATE_TEST_SUITE_P(simd, on_each_target,
                         ::testing::Values(simd::target::plain, simd::target::avx2, simd::target::avx512),
                         [](const auto& tested) { return std::string{simd::name_of(tested.param)}; });

TEST(find_many, answers_as_find_does) {
  maple_tree<int, wide_layout> wide;
  maple_tree<int, small_layout> small;
  std::vector<int> records(300);
  sync::mutex lock;
  const auto check = [&](auto& tree) {
    const sync::write_section writing{lock};
    std::vector<int*> found(999, records.data());
    const std::vector<std::uint64_t> keys{0, 5, 17, space_end, 3};
    tree.read(writing).find_many(keys, found);
    for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(found[i], nullptr);  // an empty tree
    EXPECT_EQ(found[5], records.data());                                         // no key, no answer
    auto change = tree.begin(writing);
    for (std::uint64_t i = 0; i < records.size(); ++i)
      ASSERT_TRUE(change.store({7 * i, 7 * i + 4}, &records[i]));
    change.commit();
    std::vector<std::uint64_t> all;
    for (std::uint64_t key = 0; key < 2200; ++key) all.push_back(key % 100 == 99 ? space_end : key);
    std::vector<int*> answers(all.size());
    tree.read(writing).find_many(all, answers);
    for (std::size_t i = 0; i < all.size(); ++i)
      ASSERT_EQ(answers[i], tree.read(writing).find(all[i])) << all[i];
    tree.read(writing).find_many(all, std::span{answers}.first(10));  // room for ten
  };
  check(wide);
  check(small);
}

}  // namespace
}  // namespace rcuvm::tree::testing
