// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The node that names nodes.
///
///   separators | pivot[0] .. pivot[count-2], ~0 .. | slot[0] .. slot[count-1], null .. | gap[0] .. , 0 .. | header
///
/// slot[i] is the child over [pivot[i-1], pivot[i]), gap[i] the size of the largest gap below it, rounded up.
/// The first slot starts and the last one ends where the parent says.
///
/// 52 slots in 16 cache lines (wide_layout), separators and pivots in 7. Measured beside 25 and 41 slots: comparing
/// 7 lines instead of 3 costs less than one more level, which is one more load that waits for another; a store copies
/// as much as it would of more and smaller nodes. The pivots stay 64 bits wide: only one in 20 bytes of a tree
/// belongs to inner nodes, those near the root span too much to be packed, and a key needs no conversion on
/// its way down.
///
/// Separators repeat the last pivot of each line between the first and the last: the first line, of separators and the
/// first few pivots, tells which of the others to compare.
///
///   line 0   [s0 s1 s2 s3 s4 | p0 p1 p2]      key >= s0, s1, ..: how many whole lines of pivots lie below it
///   line 1   [p3 .. p10 = s0]
///   line 2   [p11 .. p18 = s1]   ..   line 6   [p43 .. p50]
///
/// Two lines, one after the other, or all at once: many keys at a time go down by two (0.78 of the time of all, at
/// 30,000 ranges); a single key, which has to wait for each line, compares all (by two, it needs 1.18 of the time).
/// Room for them costs 4 slots of 56.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "rcuvm/tree/gap_size.hpp"
#include "rcuvm/tree/header.hpp"
#include "rcuvm/tree/layout.hpp"

namespace rcuvm::tree {

template <node_layout Layout>
struct alignas(64) inner {
  using layout = Layout;
  static constexpr unsigned slots = Layout::inner_slots;
  static constexpr unsigned minimum = minimum_slots(slots);
  static constexpr unsigned few = minimum_slots(slots);  ///< fewer take a neighbour in
  static constexpr bool has_gaps = true;
  static constexpr unsigned pivots_a_line = 8;
  static_assert(separators<Layout> == 0 ||
                separators<Layout> + slots - 1 == pivots_a_line * (separators<Layout> + 2));

  /// guard: writer while building, then immutable, as all below
  std::array<std::uint64_t, separators<Layout>> separator;
  std::uint64_t pivot[slots - 1];
  void* slot[slots];  ///< inner or leaf, as the level says
  gap_size gap[slots];
  header head;

  inner() noexcept {}  // NOLINT(modernize-use-equals-default): leaves the arrays alone, assign() fills them

  [[nodiscard]] static bool can_hold(std::uint64_t /*low*/, std::uint64_t /*end*/,
                                     const std::uint64_t* /*pivots*/, unsigned count) noexcept {
    return count <= slots;
  }

  /// Fills a building node. `pivots` ends with the node's end.
  void assign(const std::uint64_t* pivots, void* const* children, const gap_size* gaps,
              unsigned count) noexcept {
    std::fill(std::copy_n(pivots, count - 1, pivot), std::end(pivot), space_end);
    for (unsigned i = 0; i < separator.size(); ++i) separator[i] = pivot[separated(i)];
    std::fill(std::copy_n(children, count, slot), std::end(slot), nullptr);
    std::fill(std::copy_n(gaps, count, gap), std::end(gap), gap_size::round_up(0));
    head.count = static_cast<std::uint16_t>(count);
  }
  void copy_slots(const inner& from) noexcept {
    copy_up_to_header(this, &from, offsetof(inner, head));
    head.count = from.head.count;
  }

  /// The pivot that separator[i] repeats.
  [[nodiscard]] static constexpr unsigned separated(unsigned i) noexcept {
    return pivots_a_line * (i + 2) - separators<Layout> - 1;
  }

  /// The slot whose range holds `key`, a key of this node.
  [[nodiscard]] unsigned slot_of(std::uint64_t key) const noexcept { return count_up_to(pivot, key); }
  /// Where a slot starts and ends, when the node is [low, end).
  [[nodiscard]] std::uint64_t start_of(unsigned i, std::uint64_t low) const noexcept {
    return i == 0 ? low : pivot[i - 1];
  }
  [[nodiscard]] std::uint64_t end_of(unsigned i, std::uint64_t end) const noexcept {
    return i + 1U == head.count ? end : pivot[i];
  }
  /// Copies pivot[from] .. pivot[to-1]; the last slot's is `end`.
  void copy_pivots(unsigned from, unsigned to, std::uint64_t end, std::uint64_t* out) const noexcept {
    const unsigned stored = std::min(to, head.count - 1U);
    std::memcpy(out, &pivot[from], (stored - from) * sizeof(pivot[0]));
    if (stored != to) out[to - 1 - from] = end;
  }

  /// Bit i: below slot i there is a gap of at least that size.
  [[nodiscard]] std::uint64_t slots_with_gap(gap_size size) const noexcept {
    std::uint64_t found = 0;
    for (unsigned i = 0; i < head.count; ++i) found |= std::uint64_t{gap[i] >= size} << i;
    return found;
  }

  [[nodiscard]] gap_size largest_gap() const noexcept { return gap_size::largest(gap); }
  /// The same if gap[i] were `instead`.
  [[nodiscard]] gap_size largest_gap_with(unsigned i, gap_size instead) const noexcept {
    return std::max(gap_size::largest(gap, i), instead);
  }
};

}  // namespace rcuvm::tree
