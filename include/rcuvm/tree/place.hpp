// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The way of a descent, and where it ends.

#include "rcuvm/base/range.hpp"
#include "rcuvm/tree/leaf.hpp"
#include "rcuvm/tree/node.hpp"

namespace rcuvm::tree {

/// One slot of a leaf, with its range.
struct found {
  range where;
  void* record = nullptr;
};

/// One node of the way from a root to a leaf.
template <class Layout>
struct path_step {
  link<Layout> node;
  unsigned slot;  ///< the way goes on, or ends, there
  range covered;  ///< by the node

  /// The first slot of the inner node's child to which the way goes on.
  [[nodiscard]] path_step below() const noexcept {
    const inner<Layout>& here = node.as_inner();
    return {node.child(slot), 0, range_of(here, slot, covered)};
  }
  /// What the way ends at. The node is a leaf.
  [[nodiscard]] found read() const noexcept {
    const leaf<Layout>& here = node.as_leaf();
    return {range_of(here, slot, covered), here.slot[slot]};
  }
};

}  // namespace rcuvm::tree
