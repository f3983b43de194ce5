// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where a descent ends.

#include "rcuvm/base/range.hpp"
#include "rcuvm/tree/leaf.hpp"
#include "rcuvm/tree/node.hpp"

namespace rcuvm::tree {

/// One slot of a leaf, with its range.
struct found {
  range where;
  void* record = nullptr;
};

/// A leaf's slot, with all that is needed to step to its neighbours in the leaf.
template <class Layout>
struct place {
  const leaf<Layout>* node;
  range covered;  ///< by the leaf
  unsigned slot;

  [[nodiscard]] found read() const noexcept { return {range_of(*node, slot, covered), node->slot[slot]}; }
};

/// One node of the way from a root to a leaf.
template <class Layout>
struct path_step {
  link<Layout> node;
  unsigned slot;  ///< the way goes on, or ends, there
  range covered;  ///< by the node
};

}  // namespace rcuvm::tree
