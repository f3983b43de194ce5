// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Who holds a node: reference counts, and how a commit settles them.
///
/// A node's count is the number of its holders: parents of live versions, trees and snapshots. Holding a node
/// means holding all below it, so a snapshot or a shared tree costs one count, on the root. What is below is
/// counted when a writer makes a difference between the versions:
///
///   before          commit of v2, v1 unshared      commit of v2, v1 pinned by a snapshot
///
///   v1 -> R         v2 -> R'                       v1 -> R     v2 -> R'
///        / \             / \                            / \         / \      one A with two parents:
///       A   B           A   B'                         A   B       A   B'    its count rises
///
///   R, B opened     R, B retired
///
/// Publication (the new root is stored) comes first. Then each opened node X, parents before children:
///   - the transaction holds one reference to X: it took over the old tree's root, and got each other node
///     from its parent;
///   - count 1: nobody else holds X. Its children's references pass to their new parents, X is retired;
///   - count above 1: the new version's parents get references of their own, each child +1. Then ours
///     to X is dropped. If the other holders went away meanwhile, X is released as below.
/// In the end the dropped subtrees, to which we hold references in the same way, are released.
///
/// Why it is right
///   Counts rise only through a holder of a parent, or of the root (take_snapshot, share). So a count of 1
///   that is ours can't rise: there is no other parent, hence no other commit that could add to X. Only the
///   root that was published until now is different: a reader may be taking a snapshot of it. It takes no
///   reference to a count of 0, and the writer takes the root's last reference by a compare-and-swap 1 -> 0.
///   So one of the two is first, and a reader that comes too late finds the new root, which was published
///   before.
///   Two trees that share X commit at once, each under its own writer, each with a reference. If both see 2,
///   both give the children references and drop X; the last one releases X's own references to the children.
///   If one sees 1, the other has dropped X before, with its children's new references given
///   (tree.D1-tree.D3), so that their counts show it. A snapshot released meanwhile is one more holder that
///   drops.
/// A node whose last reference goes is retired, never freed: readers in a section hold no counts.
///
/// Writers   commits (each under its tree's write section), snapshot releases, tree destruction; all at the
///           same time.
/// Progress  lock-free.
/// Ordering  tree.D1-tree.D2: who drops the last reference sees the other holders' work on the node before it
///           retires it. tree.D1-tree.D3: who finds itself the only holder does, too. tree.D1-tree.R2: who
///           finds the old root dead finds the new one published, whoever dropped the last reference.
/// Kernel    the lazily counted extents of btrfs's shared roots.    Cost: unshared, one load a node opened.

#include <cstdint>

#include "rcuvm/base/check.hpp"
#include "rcuvm/base/mutation.hpp"
#include "rcuvm/reclaim/retire.hpp"
#include "rcuvm/tree/counted.hpp"
#include "rcuvm/tree/ledger.hpp"
#include "rcuvm/tree/node.hpp"

namespace rcuvm::tree {

template <class T, class Layout>
struct sharing {
  /// Drops one reference to a subtree; retires all of it that nobody else holds.
  static void release(link<Layout> node, reclaim::retire_list& retired) noexcept {
    // tree.D1 -> tree.D2, tree.D3, tree.R2; tree.D2 <- tree.D1
    const std::uint32_t before = node.head().references.fetch_sub_acq_rel(1);
    RCUVM_ASSERT(before != 0 && before < building_mark, "a node released more often than held");
    if (before != 1) return;
    for_each_child(
        node, [&](link<Layout> child) { release(child, retired); },
        [&](void* record) { record_access::drop<T>(record, retired); });
    retire(node, retired);
  }

  /// Settles a commit whose new root is published.
  static void settle(ledger<Layout>& book, link<Layout> old_root, reclaim::retire_list& retired) noexcept {
    for (const link<Layout> node : book.opened) hand_over(node, node == old_root, retired);
    for (void* record : book.removed) record_access::drop<T>(record, retired);
    for (const link<Layout> node : book.dropped) release(node, retired);
  }

 private:
  /// Passes an opened node's references to the copies that replace it.
  static void hand_over(link<Layout> node, bool is_old_root, reclaim::retire_list& retired) noexcept {
    if (is_old_root ? take_last_of_root(node.head()) : take_last(node.head())) return retire(node, retired);
    for_each_child(
        node, [](link<Layout> child) { child.head().references.fetch_add_relaxed(1); },
        [](void* record) { record_access::hold<T>(record); });
    if (is_mutated(mutation::hand_over_without_release)) {
      node.head().references.fetch_sub_relaxed(1);
      return;
    }
    release(node, retired);
  }

  /// Whether ours was the last reference; then the node is dead.
  static bool take_last(header& head) noexcept {
    if (head.references.load_acquire() != 1) return false;  // tree.D3 <- tree.D1
    head.references.store_relaxed(0);
    return true;
  }
  /// The same for the root that was published until now, of which a reader may be taking a snapshot.
  static bool take_last_of_root(header& head) noexcept {
    if (is_mutated(mutation::take_root_unchecked)) return take_last(head);
    std::uint32_t only_ours = 1;
    return head.references.cas_acq_rel(only_ours, 0);  // tree.W2 -> tree.R2; tree.D3 <- tree.D1
  }

  template <class OnChild, class OnRecord>
  static void for_each_child(link<Layout> node, OnChild on_child, OnRecord on_record) noexcept {
    if (node.level() != 0) {
      const unsigned count = node.as_inner().head.count;
      for (unsigned slot = 0; slot < count; ++slot) on_child(node.child(slot));
    } else if constexpr (record_access::is_counted<T>) {
      const leaf<Layout>& bottom = node.as_leaf();
      for (unsigned slot = 0; slot < bottom.head.count; ++slot) {
        if (bottom.slot[slot] != nullptr) on_record(bottom.slot[slot]);
      }
    }
  }

  static void retire(link<Layout> node, reclaim::retire_list& retired) noexcept {
    if (node.level() == 0) {
      retired.add({node.node(), [](void* dead) noexcept { free_dead({dead, 0}); }, sizeof(leaf<Layout>)});
    } else {
      retired.add({node.node(), [](void* dead) noexcept { free_dead({dead, 1}); }, sizeof(inner<Layout>)});
    }
  }
  static void free_dead(link<Layout> node) noexcept {
    RCUVM_ASSERT(node.head().references.load_relaxed() == 0, "a dead node was held again");
    free_node(node);
  }
};

}  // namespace rcuvm::tree
