// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Freed nodes, kept for the next ones: the general allocator costs more than half of a store.
///
///   reclaimer  free_node --put--> returned --+
///                                            | one chain, taken whole: no ABA
///   writer     spare <--16 at a time-- stock-+     busy or empty: the general allocator
///
/// Protects   free nodes. Nobody reads them any more, so their first pivot holds the link to the next one.
/// Writers    put: any thread. take: any thread. A spare_nodes belongs to a tree's writer.
/// Progress   put: lock-free. take: never waits, gives up instead.
/// Ordering   recycle.W1-recycle.R1: who takes a chain sees its links, and all reads of the nodes' old life
///            happened before (the limbo saw to that).
/// Invariants at most most_kept nodes are in the stock, at most spare_nodes::most in each tree.
/// Layouts    recycle when they say so: a sanitizer, the explorer and a test of failing allocations want each
///            node to come from the allocator.

#include <cstdint>
#include <memory>

#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/memory.hpp"
#include "rcuvm/sync/mutex.hpp"

namespace rcuvm::tree {

namespace detail {

template <class Node>
[[nodiscard]] Node* next_free(const Node* node) noexcept {
  return reinterpret_cast<Node*>(
      node->pivot[0]);  // NOLINT(performance-no-int-to-ptr): a free node's pivot is the link
}
template <class Node>
void set_next_free(Node* node, const Node* next) noexcept {
  node->pivot[0] = reinterpret_cast<std::uintptr_t>(next);
}

}  // namespace detail

/// The free nodes of a process, of one type.
template <class Node>
class node_stock {
 public:
  /// 4096 nodes are 1.0 MiB of leaves or 1.25 MiB of inner nodes.
  static constexpr std::uint32_t most_kept = 4096;

  /// Takes a node over that nobody can reach any more.
  static void put(Node* dead) noexcept {
    if (kept_.load_relaxed() >= most_kept) return sync::memory::destroy(dead);
    kept_.fetch_add_relaxed(1);
    Node* first = returned_.load_relaxed();
    do detail::set_next_free(dead, first);
    while (!returned_.cas_release(first, dead));  // recycle.W1 -> recycle.R1
  }

  /// A chain of up to `most` nodes, and how many; null when there are none, or another thread is taking.
  [[nodiscard]] static Node* take(std::uint32_t most, std::uint32_t& taken) noexcept {
    taken = 0;
    if (kept_.load_relaxed() == 0 || !lock_.try_lock()) return nullptr;
    if (stock_ == nullptr) stock_ = returned_.exchange_acquire(nullptr);  // recycle.R1 <- recycle.W1
    Node* const first = stock_;
    Node* last = nullptr;
    while (stock_ != nullptr && taken < most) {
      last = stock_;
      stock_ = detail::next_free(last);
      ++taken;
    }
    lock_.unlock();
    if (last != nullptr) detail::set_next_free<Node>(last, nullptr);
    kept_.fetch_sub_relaxed(taken);
    return first;
  }

 private:
  // Never destroyed: a limbo may free nodes to the very end of the process.
  inline static constinit sync::atomic<Node*> returned_{nullptr};  ///< guard: atomic
  inline static constinit sync::atomic<std::uint32_t> kept_{0};  ///< guard: atomic. In returned_ and stock_.
  inline static constinit sync::mutex lock_;
  inline static constinit Node* stock_ = nullptr;  ///< guard: lock_
};

/// The free nodes of one tree, of one type. Writers: the tree's.
template <class Node>
class spare_nodes {
 public:
  static constexpr std::uint32_t most = 16;

  spare_nodes() noexcept = default;
  ~spare_nodes() {
    while (Node* node = pop()) node_stock<Node>::put(node);
  }
  spare_nodes(const spare_nodes&) = delete;
  spare_nodes& operator=(const spare_nodes&) = delete;

  /// A node with undefined contents; null when there is no memory.
  [[nodiscard]] Node* make() noexcept {
    if (first_ == nullptr) first_ = node_stock<Node>::take(most, count_);
    if (Node* node = pop()) return std::construct_at(node);
    return sync::memory::make<Node>();
  }
  void keep(Node* dead) noexcept {
    if (count_ == most) return node_stock<Node>::put(dead);
    detail::set_next_free(dead, first_);
    first_ = dead;
    ++count_;
  }

 private:
  [[nodiscard]] Node* pop() noexcept {
    Node* const node = first_;
    if (node == nullptr) return nullptr;
    first_ = detail::next_free(node);
    --count_;
    return node;
  }

  Node* first_ = nullptr;
  std::uint32_t count_ = 0;
};

}  // namespace rcuvm::tree
