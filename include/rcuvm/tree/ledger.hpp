// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a transaction has made and outdated so far: all that commit has to settle and abort has to free.

#include <cstdint>

#include "rcuvm/tree/counted.hpp"
#include "rcuvm/tree/node.hpp"
#include "rcuvm/tree/pile.hpp"

namespace rcuvm::tree {

/// Writers: the transaction's thread.
template <class Layout>
struct ledger {
  pile<link<Layout>> made;     ///< building nodes; each knows its place here (see building_mark)
  pile<link<Layout>> opened;   ///< live nodes that building ones stand for; parents before children
  pile<link<Layout>> dropped;  ///< subtrees that are not in the new version, by their top node
  pile<void*> added;           ///< counted records with one slot more, once per slot
  pile<void*> removed;         ///< counted records with one slot less, once per slot

  /// Where the lists ended before a store, so that a failed one can be taken back. `opened` grows when
  /// nothing can fail any more.
  struct mark {
    std::uint32_t made, dropped, added, removed;
  };
  [[nodiscard]] mark now() const noexcept {
    return {made.size(), dropped.size(), added.size(), removed.size()};
  }
  void roll_back(const mark& to) noexcept {
    while (made.size() > to.made) {
      free_node(made[made.size() - 1]);
      made.shrink_to(made.size() - 1);
    }
    dropped.shrink_to(to.dropped);
    added.shrink_to(to.added);
    removed.shrink_to(to.removed);
  }

  /// A building node of that level; null when there is no memory.
  template <class Node>
  [[nodiscard]] Node* make(unsigned level) noexcept {
    if (!made.reserve(1)) return nullptr;
    Node* node = make_node<Node>(level);
    if (node == nullptr) return nullptr;
    node->head.references.store_relaxed(building_mark | made.size());
    made.push_reserved({node, level});
    return node;
  }

  /// Frees a building node at once: nobody else has seen it.
  void free_building(link<Layout> node) noexcept {
    const std::uint32_t place = node.head().references.load_relaxed() & ~building_mark;
    const link<Layout> last = made[made.size() - 1];
    made[place] = last;
    last.head().references.store_relaxed(building_mark | place);
    made.shrink_to(made.size() - 1);
    free_node(node);
  }
};

}  // namespace rcuvm::tree
