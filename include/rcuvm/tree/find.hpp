// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Lookup: from a root down to the slot that holds a key.
///
/// Readers   any number, on a root they hold by a read section, a snapshot or the write section. Progress:
///           wait-free; loads only, as many nodes as the tree has levels; no retry, since nodes never change.
/// Kernel    mtree_load, mas_walk.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "rcuvm/base/range.hpp"
#include "rcuvm/tree/inner.hpp"
#include "rcuvm/tree/layout.hpp"
#include "rcuvm/tree/leaf.hpp"
#include "rcuvm/tree/node.hpp"
#include "rcuvm/tree/place.hpp"
#include "rcuvm/tree/simd.hpp"

namespace rcuvm::tree {

/// Whether descents are compiled for several instruction sets. Not in the checked build, whose engine must see
/// each load.
template <class Layout>
inline constexpr bool has_simd =
#ifdef RCUVM_CHECKED
    false;
#else
    std::is_same_v<Layout, wide_layout>;
#endif

/// A node's slot_of and leaf::gaps, with vectors where there are any.
template <class Node>
[[nodiscard]] inline unsigned slot_in(const Node& node, std::uint64_t key) noexcept {
  if constexpr (has_simd<typename Node::layout>) return simd::slot_of(node, key);
  return node.slot_of(key);
}
template <class Layout>
[[nodiscard]] inline std::uint64_t gaps_of(const leaf<Layout>& node) noexcept {
  if constexpr (has_simd<Layout>) return simd::gaps(node);
  return node.gaps();
}

/// The record at `key`; null when the key lies in a gap.
template <class Layout>
[[nodiscard]] inline void* find(link<Layout> root, std::uint64_t key) noexcept {
  if (root.is_null() || key == space_end) return nullptr;
  if constexpr (has_simd<Layout>) return simd::find(root, key);
  const void* at = root.node();
  for (unsigned level = root.level(); level != 0; --level) {
    const auto& node = *static_cast<const inner<Layout>*>(at);
    at = node.slot[node.slot_of(key)];
  }
  const auto& bottom = *static_cast<const leaf<Layout>*>(at);
  return bottom.slot[bottom.slot_of(key)];
}

/// The records at keys[0] .. keys[count-1], in their order.
template <class Layout>
inline void find_many(link<Layout> root, const std::uint64_t* keys, void** records,
                      std::size_t count) noexcept {
  if constexpr (has_simd<Layout>) {
    if (!root.is_null() && std::find(keys, keys + count, space_end) == keys + count)
      return simd::find_many(root, keys, records, count);
  }
  for (std::size_t i = 0; i < count; ++i) records[i] = find(root, keys[i]);
}

/// The whole way to the slot that holds `key`: step[level] for each level of the tree, which has at most
/// max_levels. The root is not null, the key not space_end.
template <class Layout>
inline void descend(link<Layout> root, std::uint64_t key, path_step<Layout>* step) noexcept {
  if constexpr (has_simd<Layout>) return simd::descend(root, key, step);
  step += root.level();
  *step = {root, 0, {0, space_end}};
  for (unsigned level = root.level(); level != 0; --level, --step) {
    step->slot = step->node.as_inner().slot_of(key);
    step[-1] = step->below();
  }
  step->slot = step->node.as_leaf().slot_of(key);
}

/// The end of that way.
template <class Layout>
[[nodiscard]] inline path_step<Layout> locate(link<Layout> root, std::uint64_t key) noexcept {
  path_step<Layout> step[max_levels<Layout>];
  descend(root, key, step);
  return step[0];
}

/// The first record whose range ends above `key`, a null record when there is none.
/// Never leaves the leaf: after a gap the same leaf goes on with a record, unless the space ends.
template <class Layout>
[[nodiscard]] inline found find_next(link<Layout> root, std::uint64_t key) noexcept {
  if (root.is_null() || key == space_end) return {};
  path_step<Layout> at = locate(root, key);
  const leaf<Layout>& bottom = at.node.as_leaf();
  if (bottom.slot[at.slot] == nullptr && ++at.slot == bottom.head.count) return {};
  return at.read();
}

/// The last record whose range starts below `key`, a null record when there is none.
template <class Layout>
[[nodiscard]] inline found find_previous(link<Layout> root, std::uint64_t key) noexcept {
  if (root.is_null() || key == 0) return {};
  const found here = locate(root, key - 1).read();
  if (here.record != nullptr) return here;
  if (here.where.start == 0) return {};
  return locate(root, here.where.start - 1)
      .read();  // ends where the gap starts, and two gaps are never neighbours
}

}  // namespace rcuvm::tree
