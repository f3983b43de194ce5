// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Stands in for include/rcuvm/tree/recycle.hpp, whose static atomics would outlive a search. Small nodes do not recycle.

#include "rcuvm/sync/memory.hpp"

namespace rcuvm::tree {

template <class Node>
struct node_stock {
  static void put(Node* dead) noexcept { sync::memory::destroy(dead); }
};

template <class Node>
class spare_nodes {
 public:
  [[nodiscard]] Node* make() noexcept { return sync::memory::make<Node>(); }
  void keep(Node* dead) noexcept { sync::memory::destroy(dead); }
};

}  // namespace rcuvm::tree
