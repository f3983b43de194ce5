// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How wide the tree's nodes are, and what follows from it.

#include <algorithm>
#include <bit>
#include <cstdint>

/// A sanitizer sees a use after free only if freed nodes go back to its allocator.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define RCUVM_TREE_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define RCUVM_TREE_SANITIZED true
#endif
#endif
#ifndef RCUVM_TREE_SANITIZED
#define RCUVM_TREE_SANITIZED false
#endif

namespace rcuvm::tree {

/// Four-way nodes: a tree of a few entries already has several levels. For tests and for the explorer.
struct small_layout {
  static constexpr unsigned leaf_slots = 4;
  static constexpr unsigned inner_slots = 4;
  static constexpr bool recycles_nodes = false;
};

/// Nodes of whole cache lines: a leaf of 4 lines (15 pivots, 15 slots, header: 248 bytes), an inner node of 5
/// (13 pivots, 13 slots, 13 gaps, header: 320 bytes). A lookup touches at most 3 lines of each.
struct wide_layout {
  static constexpr unsigned leaf_slots = 15;
  static constexpr unsigned inner_slots = 13;
  static constexpr bool recycles_nodes = !RCUVM_TREE_SANITIZED;  ///< see recycle.hpp
};

#ifdef RCUVM_CHECKED
using default_layout = small_layout;
#else
using default_layout = wide_layout;
#endif

/// A layout may also offer `static void count_nodes(int change) noexcept`: told +1 and -1 as nodes are made
/// and freed.
template <class Layout>
concept node_layout = Layout::leaf_slots >= 4 && Layout::inner_slots >= 4 && Layout::leaf_slots < 256 &&
                      Layout::inner_slots < 256;

/// The fewest slots of a node that is not the root.
[[nodiscard]] constexpr unsigned minimum_slots(unsigned slots) noexcept { return std::max(2U, slots / 3); }

/// Levels that no tree exceeds: 2^40 leaves of 256 bytes fill a 48-bit address space.
template <node_layout Layout>
inline constexpr unsigned max_levels = 2 + 40 / (std::bit_width(minimum_slots(Layout::inner_slots)) - 1);

/// The end of the key space. As a key it can stand in no half-open range.
inline constexpr std::uint64_t space_end = ~std::uint64_t{0};

}  // namespace rcuvm::tree
