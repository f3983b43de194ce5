// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The one word through which versions of a tree are published.
///
///   writer   build nodes ... | store root (W1) | settle the old version: its root's count 1 -> 0 (W2)
///   reader   load root (R1) -> descend, no more ordering needed: all below was built before the store
///   snapshot load root (R1) -> count, if not 0, +1 (R2) | 0: a newer root is published, load again
///
/// Protects   the nodes reachable from the root, against use before they are built. Against being freed: the
///            reader's section.
/// Writers    one at a time, under the tree's write section.
/// Readers    any number. Progress: load() wait-free, hold() lock-free: it repeats only if a commit or
///            another reader was faster.
/// Ordering   tree.W1-tree.R1: the nodes of a version, before its root.
///            tree.W2-tree.R2, tree.D1-tree.R2: the new root, before the old root's last reference goes.
/// Kernel     rcu_assign_pointer, rcu_dereference, refcount_inc_not_zero.    Cost: load() one load.

#include <cstdint>

#include "rcuvm/base/check.hpp"
#include "rcuvm/base/mutation.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/tree/node.hpp"

namespace rcuvm::tree {

template <class Layout>
class published_root {
 public:
  explicit published_root(link<Layout> first) noexcept : word_{first.word()} {}

  /// The current version, for a reader inside a section. Nothing else is needed to use it there.
  [[nodiscard]] link<Layout> load() const noexcept {
    return link<Layout>::from_word(word_.load_acquire());  // tree.R1 <- tree.W1
  }
  /// The same for the writer, who stored it himself or took the lock after who did.
  [[nodiscard]] link<Layout> load_by_writer() const noexcept {
    return link<Layout>::from_word(word_.load_relaxed());
  }

  /// All that is reachable from the root was built before.
  void publish(link<Layout> root) noexcept {
    RCUVM_ASSERT(root.is_null() || !root.head().is_building(), "a root is published while it is building");
    if (is_mutated(mutation::publish_relaxed)) return word_.store_relaxed(root.word());
    word_.store_release(root.word());  // tree.W1 -> tree.R1
  }

  /// A reference to the current version, or a null link when it is empty. Inside a read section.
  [[nodiscard]] link<Layout> hold() const noexcept {
    while (true) {
      const link<Layout> root = load();
      if (root.is_null()) return root;
      sync::atomic<std::uint32_t>& references = root.head().references;
      std::uint32_t seen = references.load_acquire();  // tree.R2 <- tree.W2, tree.D1
      while (seen != 0 || is_mutated(mutation::hold_dead_root)) {
        if (references.cas_relaxed(seen, seen + 1)) return root;
        seen = references.load_acquire();  // tree.R2 <- tree.W2, tree.D1
      }
    }
  }

  /// The same under the write section, where the version can't be outdated meanwhile.
  [[nodiscard]] link<Layout> hold_by_writer() const noexcept {
    const link<Layout> root = load_by_writer();
    if (!root.is_null()) root.head().references.fetch_add_relaxed(1);
    return root;
  }

 private:
  sync::atomic<std::uintptr_t> word_;  ///< guard: stored by the writer, atomic
};

}  // namespace rcuvm::tree
