// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What leaves and inner nodes have in common: the header, and the search among pivots.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "rcuvm/sync/atomic.hpp"

namespace rcuvm::tree {

/// Set in a node's reference count while it is building; the other bits are its place in its transaction's
/// list.
inline constexpr std::uint32_t building_mark = std::uint32_t{1} << 31;

struct header {
  mutable sync::atomic<std::uint32_t> references{
      0};                   ///< guard: atomic. Parents, trees and snapshots that hold the node.
  std::uint16_t count = 0;  ///< guard: writer while building, then immutable
  std::uint16_t level = 0;  ///< guard: as count; 0 = leaf

  [[nodiscard]] bool is_building() const noexcept { return (references.load_relaxed() & building_mark) != 0; }
};

/// Copies what stands before a node's header. The compiler, which sees neither the size nor the CPU's vectors, would
/// start a `rep movs`, which begins more slowly than the C library's copy ends.
inline void copy_up_to_header(void* to, const void* from, std::size_t bytes) noexcept {
  asm("" : "+r"(bytes));
  std::memcpy(to, from, bytes);
}

/// How many of the pivots are not above `key`: the slot that holds it. Counts without branches; unused pivots
/// are the type's largest number, which no key is.
template <class Number, unsigned Pivots>
[[nodiscard]] inline unsigned count_up_to(const Number (&pivot)[Pivots], Number key) noexcept {
  unsigned slot = 0;
  for (unsigned i = 0; i < Pivots; ++i) slot += pivot[i] <= key ? 1U : 0U;
  return slot;
}

}  // namespace rcuvm::tree
