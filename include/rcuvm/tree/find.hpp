// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Lookup: from a root down to the slot that holds a key.
///
/// Readers   any number, on a root they hold by a read section, a snapshot or the write section. Progress:
///           wait-free; loads only, as many nodes as the tree has levels; no retry, since nodes never change.
/// Kernel    mtree_load, mas_walk.

#include <cstdint>

#include "rcuvm/base/range.hpp"
#include "rcuvm/tree/node.hpp"

namespace rcuvm::tree {

/// The record at `key`; null when the key lies in a gap.
template <class Layout>
[[nodiscard]] inline void* find(link<Layout> root, std::uint64_t key) noexcept {
  if (root.is_null() || key == space_end) return nullptr;
  const void* at = root.node();
  for (unsigned level = root.level(); level != 0; --level) {
    const auto& node = *static_cast<const inner<Layout>*>(at);
    at = node.slot[slot_of(node.pivot, key)];
  }
  const auto& bottom = *static_cast<const leaf<Layout>*>(at);
  return bottom.slot[slot_of(bottom.pivot, key)];
}

/// One slot of a leaf, with its range.
struct found {
  range where;
  void* record = nullptr;
};

/// A leaf's slot, with all that is needed to step to its neighbours in the leaf.
template <class Layout>
struct place {
  const leaf<Layout>* node;
  unsigned slot;
  std::uint64_t start;

  [[nodiscard]] found read() const noexcept { return {{start, node->pivot[slot]}, node->slot[slot]}; }
};

/// The slot that holds `key`. The root is not null, the key not space_end.
template <class Layout>
[[nodiscard]] inline place<Layout> locate(link<Layout> root, std::uint64_t key) noexcept {
  std::uint64_t low = 0;
  const void* at = root.node();
  for (unsigned level = root.level(); level != 0; --level) {
    const auto& node = *static_cast<const inner<Layout>*>(at);
    const unsigned slot = slot_of(node.pivot, key);
    if (slot != 0) low = node.pivot[slot - 1];
    at = node.slot[slot];
  }
  const auto* bottom = static_cast<const leaf<Layout>*>(at);
  const unsigned slot = slot_of(bottom->pivot, key);
  return {bottom, slot, slot != 0 ? bottom->pivot[slot - 1] : low};
}

/// The first record whose range ends above `key`, a null record when there is none.
/// Never leaves the leaf: after a gap the same leaf goes on with a record, unless the space ends.
template <class Layout>
[[nodiscard]] inline found find_next(link<Layout> root, std::uint64_t key) noexcept {
  if (root.is_null() || key == space_end) return {};
  place<Layout> at = locate(root, key);
  if (at.node->slot[at.slot] == nullptr) {
    at.start = at.node->pivot[at.slot];
    if (at.start == space_end) return {};
    ++at.slot;
  }
  return at.read();
}

/// The last record whose range starts below `key`, a null record when there is none.
template <class Layout>
[[nodiscard]] inline found find_previous(link<Layout> root, std::uint64_t key) noexcept {
  if (root.is_null() || key == 0) return {};
  const place<Layout> at = locate(root, key - 1);
  if (at.node->slot[at.slot] != nullptr) return at.read();
  if (at.start == 0) return {};
  return locate(root, at.start - 1).read();  // ends where the gap starts, and two gaps are never neighbours
}

}  // namespace rcuvm::tree
