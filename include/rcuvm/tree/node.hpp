// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The nodes of the tree, and the link that names one.
///
///   leaf   pivot[0] .. pivot[count-1] | ~0 ..    slot[i] is the record of [pivot[i-1], pivot[i]), null = gap
///   inner  the same, slot[i] is the child over that range, gap[i] the size of the largest gap below it
///
/// Pivots are exclusive ends and rise strictly; unused ones are ~0, unused slots null, unused gaps 0, so that
/// a search needs no count. The range before pivot[0] starts where the parent says. Two neighbouring slots
/// are never both null and a null slot ends no leaf but the last one: a gap stands in exactly one slot of the
/// whole tree.
///
/// The pivots open the node, since every lookup reads them; the header closes it, beside the gaps, since
/// taking a snapshot writes a reference count and must not take the pivots' cache line away from the readers.
///
/// Life      building --commit--> live --last reference--> dead --grace period--> freed.
/// Writers   a node is changed only while it is building, by the transaction that made it. After that only
///           its reference count is written.
/// Kernel    struct maple_node (maple_leaf_64, maple_arange_64), without parent pointer, dead mark and lock.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "rcuvm/base/check.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/memory.hpp"
#include "rcuvm/tree/layout.hpp"
#include "rcuvm/tree/recycle.hpp"

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

/// The slot whose range holds `key`. Counts without branches: the last pivot need not be asked, it is the
/// node's end.
template <unsigned Slots>
[[nodiscard]] inline unsigned slot_of(const std::uint64_t (&pivot)[Slots], std::uint64_t key) noexcept {
  unsigned slot = 0;
  for (unsigned i = 0; i + 1 < Slots; ++i) slot += pivot[i] <= key ? 1U : 0U;
  return slot;
}

template <node_layout Layout>
struct alignas(64) leaf {
  static constexpr unsigned slots = Layout::leaf_slots;
  static constexpr unsigned minimum = minimum_slots(slots);
  static constexpr bool has_gaps = false;

  std::uint64_t pivot[slots];  ///< guard: writer while building, then immutable, as all below
  void* slot[slots];
  header head;

  leaf() noexcept {}  // NOLINT(modernize-use-equals-default): leaves the arrays alone, assign() fills them

  /// Size of the largest gap, in keys, when the leaf starts at `low`.
  [[nodiscard]] std::uint64_t largest_gap(std::uint64_t low) const noexcept {
    std::uint64_t largest = 0;
    for (unsigned i = 0; i < head.count; ++i) {
      const std::uint64_t size = slot[i] == nullptr ? pivot[i] - low : 0;
      largest = std::max(largest, size);
      low = pivot[i];
    }
    return largest;
  }
};

template <node_layout Layout>
struct alignas(64) inner {
  static constexpr unsigned slots = Layout::inner_slots;
  static constexpr unsigned minimum = minimum_slots(slots);
  static constexpr bool has_gaps = true;

  std::uint64_t pivot[slots];  ///< guard: writer while building, then immutable, as all below
  void* slot[slots];           ///< inner or leaf, as the level says
  std::uint64_t gap[slots];
  header head;

  inner() noexcept {}  // NOLINT(modernize-use-equals-default): leaves the arrays alone, assign() fills them

  void copy_slots(const inner& from) noexcept {
    std::memcpy(pivot, from.pivot, sizeof(pivot));
    std::memcpy(slot, from.slot, sizeof(slot));
    std::memcpy(gap, from.gap, sizeof(gap));
    head.count = from.head.count;
  }

  [[nodiscard]] std::uint64_t largest_gap(std::uint64_t /*low*/) const noexcept {
    return *std::ranges::max_element(gap);
  }
};

/// Names a node together with its level, in one word: the level stands in the low bits that alignment leaves
/// free. So a reader that has loaded the root's link knows the kind of every node on its way without asking
/// the node.
template <node_layout Layout>
class link {
 public:
  link() = default;
  link(const void* node, unsigned level) noexcept
      : word_{reinterpret_cast<std::uintptr_t>(node) | level} {}  // NOLINT: the point of the class
  [[nodiscard]] static link from_word(std::uintptr_t word) noexcept {
    link made{};
    made.word_ = word;
    return made;
  }

  [[nodiscard]] std::uintptr_t word() const noexcept { return word_; }
  [[nodiscard]] bool is_null() const noexcept { return word_ == 0; }
  [[nodiscard]] unsigned level() const noexcept { return static_cast<unsigned>(word_ & level_mask); }
  [[nodiscard]] void* node() const noexcept {
    return reinterpret_cast<void*>(word_ & ~level_mask);  // NOLINT(performance-no-int-to-ptr): as above
  }
  [[nodiscard]] tree::leaf<Layout>& as_leaf() const noexcept {
    return *static_cast<tree::leaf<Layout>*>(node());
  }
  [[nodiscard]] tree::inner<Layout>& as_inner() const noexcept {
    return *static_cast<tree::inner<Layout>*>(node());
  }
  [[nodiscard]] header& head() const noexcept { return level() == 0 ? as_leaf().head : as_inner().head; }

  /// The child in that slot of an inner node.
  [[nodiscard]] link child(unsigned slot) const noexcept { return {as_inner().slot[slot], level() - 1}; }

  friend bool operator==(link, link) noexcept = default;

 private:
  static constexpr std::uintptr_t level_mask = 63;
  static_assert(max_levels<Layout> <= level_mask + 1 && alignof(tree::leaf<Layout>) > level_mask &&
                alignof(tree::inner<Layout>) > level_mask);

  std::uintptr_t word_;
};

namespace detail {
template <class Layout>
void count_nodes([[maybe_unused]] int change) noexcept {
  if constexpr (requires { Layout::count_nodes(change); }) Layout::count_nodes(change);
}

template <class Layout>
inline constexpr bool recycles = [] {
  if constexpr (requires { Layout::recycles_nodes; }) return Layout::recycles_nodes;
  return false;
}();
}  // namespace detail

/// Frees a node that no reader can reach, on any thread.
template <node_layout Layout>
void free_node(link<Layout> dead) noexcept {
  detail::count_nodes<Layout>(-1);
  const auto free = []<class Node>(Node& node) {
    if constexpr (detail::recycles<Layout>)
      node_stock<Node>::put(&node);
    else
      sync::memory::destroy(&node);
  };
  dead.level() == 0 ? free(dead.as_leaf()) : free(dead.as_inner());
}

/// Where a tree's writer gets its nodes from, and where those go that nobody else has seen.
template <node_layout Layout>
class node_source {
 public:
  /// A building node with undefined contents; null when there is no memory.
  template <class Node>
  [[nodiscard]] Node* make(unsigned level) noexcept {
    Node* made = nullptr;
    if constexpr (detail::recycles<Layout>)
      made = spare(static_cast<Node*>(nullptr)).make();
    else
      made = sync::memory::make<Node>();
    if (made == nullptr) return nullptr;
    made->head.level = static_cast<std::uint16_t>(level);
    detail::count_nodes<Layout>(+1);
    return made;
  }
  void free(link<Layout> node) noexcept {
    if constexpr (!detail::recycles<Layout>) return free_node(node);
    detail::count_nodes<Layout>(-1);
    node.level() == 0 ? leaves_.keep(&node.as_leaf()) : inners_.keep(&node.as_inner());
  }

 private:
  auto& spare(const leaf<Layout>*) noexcept { return leaves_; }
  auto& spare(const inner<Layout>*) noexcept { return inners_; }

  spare_nodes<leaf<Layout>> leaves_;   ///< guard: writer
  spare_nodes<inner<Layout>> inners_;  ///< guard: writer
};

}  // namespace rcuvm::tree
