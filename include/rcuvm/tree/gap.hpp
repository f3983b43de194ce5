// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Search for room: the lowest or highest place of a given size and alignment that no record touches.
///
/// Descends only where a child's largest gap is big enough, as far as its rounded size tells. Limits, alignment
/// and, rarely, the rounding may still defeat such a candidate; then the search goes on with the next one. So
/// without them the cost is one descent; with them at worst one visit of each gap of at least that size inside
/// the limits.
///
/// Readers   as for a lookup: loads only. Kernel: mas_empty_area, mas_empty_area_rev, vm_unmapped_area.

#include <bit>
#include <cstdint>
#include <optional>

#include "rcuvm/base/range.hpp"
#include "rcuvm/tree/find.hpp"
#include "rcuvm/tree/gap_size.hpp"
#include "rcuvm/tree/inner.hpp"
#include "rcuvm/tree/leaf.hpp"
#include "rcuvm/tree/node.hpp"
#include "rcuvm/tree/simd.hpp"

namespace rcuvm::tree {

/// What is looked for.
struct gap_request {
  std::uint64_t size;       ///< keys, not 0
  range within;             ///< the whole place lies in here
  std::uint64_t alignment;  ///< of the place's start; a power of two
  gap_size rounded = gap_size::round_up(size);
};

namespace detail {

/// The lowest aligned start with `size` keys inside `free`.
[[nodiscard]] inline std::optional<std::uint64_t> lowest_start(range free,
                                                               const gap_request& wanted) noexcept {
  const std::uint64_t mask = wanted.alignment - 1;
  if (free.size() < wanted.size || free.start > space_end - mask) return std::nullopt;
  const std::uint64_t start = (free.start + mask) & ~mask;
  if (start > free.end || free.end - start < wanted.size) return std::nullopt;
  return start;
}

/// The highest aligned start with `size` keys inside `free`.
[[nodiscard]] inline std::optional<std::uint64_t> highest_start(range free,
                                                                const gap_request& wanted) noexcept {
  if (free.size() < wanted.size) return std::nullopt;
  const std::uint64_t start = (free.end - wanted.size) & ~(wanted.alignment - 1);
  if (start < free.start) return std::nullopt;
  return start;
}

/// The slots that may hold the place: a bit each.
template <class Layout>
[[nodiscard]] std::uint64_t candidates(const leaf<Layout>& node, const gap_request& /*wanted*/) noexcept {
  return gaps_of(node);
}
template <class Layout>
[[nodiscard]] std::uint64_t candidates(const inner<Layout>& node, const gap_request& wanted) noexcept {
  return slots_with_gap(node, wanted.rounded);
}

/// Goes through the slots of the node that overlap the limits, upwards or downwards, and into those that may
/// hold the place.
template <bool Upwards, class Node, class F>
[[nodiscard]] std::optional<std::uint64_t> visit_slots(const Node& node, range covered,
                                                       const gap_request& wanted, F try_slot) noexcept {
  std::uint64_t left = candidates(node, wanted);
  if (wanted.within.start > covered.start) left &= ~std::uint64_t{0} << slot_in(node, wanted.within.start);
  if (wanted.within.end < covered.end)
    left &= ~std::uint64_t{0} >> (63 - slot_in(node, wanted.within.end - 1));
  while (left != 0) {
    const auto slot = static_cast<unsigned>(Upwards ? std::countr_zero(left) : 63 - std::countl_zero(left));
    if (const auto start = try_slot(slot)) return start;
    left &= ~(std::uint64_t{1} << slot);
  }
  return std::nullopt;
}

template <class Layout, bool Upwards>
[[nodiscard]] std::optional<std::uint64_t> search_gap(link<Layout> at, range covered,
                                                      const gap_request& wanted) noexcept {
  if (at.level() == 0) {
    const leaf<Layout>& node = at.as_leaf();
    return visit_slots<Upwards>(node, covered, wanted, [&](unsigned slot) {
      const range free = range_of(node, slot, covered).intersection(wanted.within);
      return Upwards ? lowest_start(free, wanted) : highest_start(free, wanted);
    });
  }
  const inner<Layout>& node = at.as_inner();
  return visit_slots<Upwards>(node, covered, wanted, [&](unsigned slot) {
    return search_gap<Layout, Upwards>(at.child(slot), range_of(node, slot, covered), wanted);
  });
}

}  // namespace detail

/// The place itself, or nothing when there is none or the request asks for nothing (size 0, empty limits, no
/// power of two).
template <bool Upwards, class Layout>
[[nodiscard]] std::optional<range> find_gap(link<Layout> root, const gap_request& wanted) noexcept {
  if (wanted.size == 0 || wanted.within.size() < wanted.size || !std::has_single_bit(wanted.alignment))
    return {};
  std::optional<std::uint64_t> start;
  if (root.is_null()) {
    start =
        Upwards ? detail::lowest_start(wanted.within, wanted) : detail::highest_start(wanted.within, wanted);
  } else {
    start = detail::search_gap<Layout, Upwards>(root, {0, space_end}, wanted);
  }
  if (!start) return {};
  return range{*start, *start + wanted.size};
}

}  // namespace rcuvm::tree
