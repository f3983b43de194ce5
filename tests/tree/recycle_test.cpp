// SPDX-License-Identifier: Apache-2.0

#include "rcuvm/tree/recycle.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>

#include "rcuvm/sync/thread.hpp"
#include "tests/tree/counting.hpp"
#include "tests/tree/picture.hpp"
#include "tests/tree/settings.hpp"

namespace rcuvm::tree::testing {
namespace {

/// All of a node that recycling knows. Each Tag has a stock of its own.
template <class Tag>
struct blank {
  std::uint64_t pivot[1];
  std::uint64_t holder = 0;
};

/// Gives the stock's memory back; how many nodes that were.
template <class Node>
std::uint32_t empty_the_stock() {
  std::uint32_t sum = 0;
  std::uint32_t taken = 0;
  while (Node* node = node_stock<Node>::take(64, taken)) {
    sum += taken;
    while (node != nullptr) {
      Node* const next = detail::next_free(node);
      sync::memory::destroy(node);
      node = next;
    }
  }
  return sum;
}

TEST(recycle, the_stock_gives_back_what_was_put_into_it) {
  using node = blank<struct back_tag>;
  std::set<node*> put;
  for (int i = 0; i < 40; ++i) put.insert(sync::memory::make<node>());
  for (node* each : put) node_stock<node>::put(each);
  std::uint32_t taken = 0;
  for (const std::uint32_t expected : {16U, 16U, 8U, 0U}) {
    node* first = node_stock<node>::take(16, taken);
    EXPECT_EQ(taken, expected);
    std::uint32_t length = 0;
    while (first != nullptr) {
      node* const next = detail::next_free(first);
      EXPECT_EQ(put.erase(first), 1U);
      sync::memory::destroy(first);
      first = next;
      ++length;
    }
    EXPECT_EQ(length, expected);
  }
  EXPECT_TRUE(put.empty());
}

TEST(recycle, the_stock_is_bounded) {
  using node = blank<struct bound_tag>;
  for (std::uint32_t i = 0; i < node_stock<node>::most_kept + 100; ++i) {
    node_stock<node>::put(sync::memory::make<node>());
  }
  EXPECT_EQ(empty_the_stock<node>(), node_stock<node>::most_kept);
}

TEST(recycle, spare_nodes_are_used_again_and_go_to_the_stock_in_the_end) {
  using node = blank<struct spare_tag>;
  node* first = nullptr;
  {
    spare_nodes<node> spare;
    first = spare.make();
    spare.keep(first);
    EXPECT_EQ(spare.make(), first);
    spare.keep(first);
    for (std::uint32_t i = 0; i < 2 * spare_nodes<node>::most; ++i) spare.keep(sync::memory::make<node>());
  }
  spare_nodes<node> other;
  std::set<node*> again;
  for (std::uint32_t i = 0; i < 2 * spare_nodes<node>::most + 1; ++i) again.insert(other.make());
  EXPECT_EQ(again.size(), 2 * spare_nodes<node>::most + 1);
  EXPECT_EQ(again.count(first), 1U);
  for (node* each : again) sync::memory::destroy(each);
  empty_the_stock<node>();
}

/// Each node has one holder at a time, whoever takes and gives.
TEST(recycle, threads_never_hold_the_same_node) {
  using node = blank<struct threads_tag>;
  const std::uint64_t rounds = scaled(100'000);
  sync::atomic<std::uint64_t> taken_away{0};
  const auto take_and_give = [&](std::uint64_t me) {
    spare_nodes<node> spare;
    for (std::uint64_t i = 0; i < rounds; ++i) {
      node* held[3];
      for (node*& each : held) {
        each = spare.make();
        each->holder = me;
      }
      for (node* each : held) {
        if (each->holder != me) taken_away.fetch_add_relaxed(1);
        if (i % 2 == 0) {
          node_stock<node>::put(each);
        } else {
          spare.keep(each);
        }
      }
    }
  };
  {
    const sync::thread first{"first", [&] { take_and_give(1); }};
    const sync::thread second{"second", [&] { take_and_give(2); }};
  }
  EXPECT_EQ(taken_away.load_relaxed(), 0U);
  empty_the_stock<node>();
}

TEST(recycle, a_tree_uses_its_freed_nodes_again) {
  using layout = recycling_layout<4, 4, struct again_tag>;
  drawn_tree<layout> tree{"ABCDEFGHIJ"};
  for (int i = 0; i < 50; ++i) {
    tree.change("xxxxxxxxxx");
    tree.change("ABCDEFGHIJ");
    tree.limbo().drain();
  }
  EXPECT_EQ(tree.draw(10), "ABCDEFGHIJ");
  EXPECT_LT(empty_the_stock<leaf<layout>>(), 20U);
  EXPECT_LT(empty_the_stock<inner<layout>>(), 20U);
}

}  // namespace
}  // namespace rcuvm::tree::testing
