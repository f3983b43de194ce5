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

#include <algorithm>
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
};

/// The nodes' own functions.
struct plain_nodes {
  template <class Node>
  [[nodiscard]] static unsigned slot_of(const Node& node, std::uint64_t key) noexcept {
    return node.slot_of(key);
  }
  template <class Layout>
  [[nodiscard]] static std::uint64_t gaps_with_room(const leaf<Layout>& node, std::uint64_t size) noexcept {
    return node.gaps_with_room(size);
  }
  template <class Layout>
  [[nodiscard]] static std::uint64_t slots_with_gap(const inner<Layout>& node, gap_size size) noexcept {
    return node.slots_with_gap(size);
  }
};

/// The search itself, one step for each level. No recursion and nothing optional: such results are stored in one
/// width and loaded in another, and that load waits for the store. (Measured: a quarter of the search's time.)
/// Nodes: plain_nodes, or the same by vectors.
template <bool Upwards, class Layout, class Nodes>
class gap_search {
 public:
  /// No place: no place starts there.
  static constexpr std::uint64_t nowhere = space_end;

  explicit gap_search(const gap_request& wanted) noexcept
      : size_{wanted.size},
        first_{wanted.within.start},
        end_{wanted.within.end},
        below_unit_{wanted.alignment - 1},
        rounded_{gap_size::round_up(wanted.size)} {}

  /// Where the place starts, in a tree that is not empty.
  [[nodiscard]] std::uint64_t run(link<Layout> root) noexcept {
    const unsigned top = root.level();
    open(top, root, 0, space_end);
    for (unsigned level = top; level <= top;) {
      if (step_[level].left == 0) {
        ++level;
      } else if (level == 0) {
        const std::uint64_t start = try_next(step_[0]);
        if (start != nowhere) return start;
      } else if (enter_next(level)) {
        --level;
      }
    }
    return nowhere;
  }

  /// Where it starts inside [start, end).
  [[nodiscard]] std::uint64_t start_in(std::uint64_t start, std::uint64_t end) const noexcept {
    start = std::max(start, first_);
    end = std::min(end, end_);
    if (end <= start || end - start < size_) return nowhere;
    if (!Upwards) {
      const std::uint64_t found = (end - size_) & ~below_unit_;
      return found < start ? nowhere : found;
    }
    if (start > space_end - below_unit_) return nowhere;
    const std::uint64_t found = (start + below_unit_) & ~below_unit_;
    return found > end || end - found < size_ ? nowhere : found;
  }

 private:
  struct step {
    link<Layout> node;
    std::uint64_t start;  ///< of the node
    std::uint64_t end;
    std::uint64_t left;  ///< slots that may hold the place: a bit each
  };

  void open(unsigned level, link<Layout> node, std::uint64_t start, std::uint64_t end) noexcept {
    step& here = step_[level];
    here.node = node;
    here.start = start;
    here.end = end;
    here.left = level == 0 ? inside(node.as_leaf(), here, Nodes::gaps_with_room(node.as_leaf(), size_))
                           : inside(node.as_inner(), here, Nodes::slots_with_gap(node.as_inner(), rounded_));
  }

  /// Of `slots`, those that do not all lie before the limits, in the search's direction. The node does not.
  template <class Node>
  [[nodiscard]] std::uint64_t inside(const Node& node, const step& here, std::uint64_t slots) const noexcept {
    if (Upwards && here.start < first_) return slots & ~std::uint64_t{0} << Nodes::slot_of(node, first_);
    if (!Upwards && here.end > end_)
      return slots & ~std::uint64_t{0} >> (63 - Nodes::slot_of(node, end_ - 1));
    return slots;
  }

  [[nodiscard]] static unsigned take(step& here) noexcept {
    const int slot = Upwards ? std::countr_zero(here.left) : 63 - std::countl_zero(here.left);
    here.left &= ~(std::uint64_t{1} << slot);
    return static_cast<unsigned>(slot);
  }

  [[nodiscard]] std::uint64_t try_next(step& here) const noexcept {
    const leaf<Layout>& node = here.node.as_leaf();
    const unsigned slot = take(here);
    return start_in(node.start_of(slot, here.start), node.end_of(slot, here.end));
  }

  /// False: it lies behind the limits, and so do all others that are left.
  [[nodiscard]] bool enter_next(unsigned level) noexcept {
    step& here = step_[level];
    const inner<Layout>& node = here.node.as_inner();
    const unsigned slot = take(here);
    const std::uint64_t start = node.start_of(slot, here.start);
    const std::uint64_t end = node.end_of(slot, here.end);
    if (Upwards ? start >= end_ : end <= first_) {
      here.left = 0;
      return false;
    }
    open(level - 1, here.node.child(slot), start, end);
    return true;
  }

  const std::uint64_t size_;
  const std::uint64_t first_;
  const std::uint64_t end_;
  const std::uint64_t below_unit_;
  const gap_size rounded_;
  step step_[max_levels<Layout>];
};

/// The place itself, or nothing when there is none or the request asks for nothing (size 0, empty limits, no
/// power of two).
template <bool Upwards, class Layout>
[[nodiscard]] std::optional<range> find_gap(link<Layout> root, const gap_request& wanted) noexcept {
  if (wanted.size == 0 || wanted.within.size() < wanted.size || !std::has_single_bit(wanted.alignment))
    return {};
  gap_search<Upwards, Layout, plain_nodes> search{wanted};
  std::uint64_t start;
  if (root.is_null()) {
    start = search.start_in(0, space_end);
  } else if constexpr (has_simd<Layout>) {
    start = simd::find_gap(root, wanted, Upwards);
  } else {
    start = search.run(root);
  }
  if (start == search.nowhere) return {};
  return range{start, start + wanted.size};
}

}  // namespace rcuvm::tree
