// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Search for room: the lowest or highest place of a given size and alignment that no record touches.
///
/// Descends only where a child's largest gap is big enough. Limits and alignment may still defeat such a
/// candidate; then the search goes on with the next one. So without them the cost is one descent; with them
/// at worst one visit of each gap of at least that size inside the limits.
///
/// Readers   as for a lookup: loads only. Kernel: mas_empty_area, mas_empty_area_rev, vm_unmapped_area.

#include <bit>
#include <cstdint>
#include <optional>

#include "rcuvm/base/range.hpp"
#include "rcuvm/tree/node.hpp"

namespace rcuvm::tree {

/// What is looked for.
struct gap_request {
  std::uint64_t size;       ///< keys, not 0
  range within;             ///< the whole place lies in here
  std::uint64_t alignment;  ///< of the place's start; a power of two
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

/// Goes through the slots of the node below `at`, upwards or downwards, and into those that may hold the
/// place.
template <class Layout, bool Upwards>
[[nodiscard]] std::optional<std::uint64_t> search_gap(link<Layout> at, std::uint64_t low,
                                                      const gap_request& wanted) noexcept {
  const auto visit = [&](const auto& node, auto&& try_slot) -> std::optional<std::uint64_t> {
    const unsigned first = wanted.within.start <= low ? 0 : slot_of(node.pivot, wanted.within.start);
    const unsigned end = node.pivot[node.head.count - 1U] <= wanted.within.end
                             ? node.head.count
                             : slot_of(node.pivot, wanted.within.end - 1) + 1;
    for (unsigned step = first; step < end; ++step) {
      const unsigned slot = Upwards ? step : end - 1 - (step - first);
      const range where{slot == 0 ? low : node.pivot[slot - 1], node.pivot[slot]};
      if (const auto start = try_slot(slot, where)) return start;
    }
    return std::nullopt;
  };
  if (at.level() == 0) {
    const leaf<Layout>& node = at.as_leaf();
    return visit(node, [&](unsigned slot, range where) -> std::optional<std::uint64_t> {
      if (node.slot[slot] != nullptr) return std::nullopt;
      const range free = where.intersection(wanted.within);
      return Upwards ? lowest_start(free, wanted) : highest_start(free, wanted);
    });
  }
  const inner<Layout>& node = at.as_inner();
  return visit(node, [&](unsigned slot, range where) -> std::optional<std::uint64_t> {
    if (node.gap[slot] < wanted.size) return std::nullopt;
    return search_gap<Layout, Upwards>(at.child(slot), where.start, wanted);
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
    start = detail::search_gap<Layout, Upwards>(root, 0, wanted);
  }
  if (!start) return {};
  return range{*start, *start + wanted.size};
}

}  // namespace rcuvm::tree
