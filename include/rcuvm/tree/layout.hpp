// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How wide the tree's nodes are, and what follows from it.

#include <algorithm>
#include <bit>
#include <cstdint>

namespace rcuvm::tree {

/// Four-way nodes: a tree of a few entries already has several levels. For tests and for the explorer.
struct small_layout {
  static constexpr unsigned leaf_slots = 4;
  static constexpr unsigned inner_slots = 4;
};

/// Nodes of whole cache lines: a leaf of 6 lines (pivots in 2 of them), an inner node of 16 (separators and
/// pivots in 7). A lookup touches one line more of each. Why these shapes: leaf.hpp, inner.hpp.
struct wide_layout {
  static constexpr unsigned leaf_slots = 31;
  static constexpr unsigned plain_leaf_slots = 16;
  static constexpr unsigned inner_slots = 52;
  static constexpr unsigned inner_separators = 5;
};

#ifdef RCUVM_CHECKED
using default_layout = small_layout;
#else
using default_layout = wide_layout;
#endif

/// A layout may also offer
///   unsigned plain_leaf_slots                          slots of a leaf whose pivots can't be packed, fewer
///                                                      than leaf_slots; see leaf.hpp
///   unsigned inner_separators                          that open an inner node; see inner.hpp
///   static void count_nodes(int change) noexcept       told +1 and -1 as nodes are made and freed
template <class Layout>
concept node_layout = Layout::leaf_slots >= 4 && Layout::inner_slots >= 4 && Layout::leaf_slots < 64 &&
                      Layout::inner_slots < 64;

template <class Layout>
inline constexpr unsigned plain_slots = [] {
  if constexpr (requires { Layout::plain_leaf_slots; }) return Layout::plain_leaf_slots;
  return Layout::leaf_slots;
}();

template <class Layout>
inline constexpr unsigned separators = [] {
  if constexpr (requires { Layout::inner_separators; }) return Layout::inner_separators;
  return 0U;
}();

/// The fewest slots of a node that is not the root.
[[nodiscard]] constexpr unsigned minimum_slots(unsigned slots) noexcept { return std::max(2U, slots / 3); }

/// Levels that no tree exceeds: 2^40 leaves of 256 bytes and more fill a 48-bit address space.
template <node_layout Layout>
inline constexpr unsigned max_levels = 2 + 40 / (std::bit_width(minimum_slots(Layout::inner_slots)) - 1);

/// The end of the key space. As a key it can stand in no half-open range.
inline constexpr std::uint64_t space_end = ~std::uint64_t{0};

}  // namespace rcuvm::tree
