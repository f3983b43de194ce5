// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The link that names a node, and where nodes come from and go to.
///
/// Life      building --commit--> live --last reference--> dead --grace period--> freed.
/// Writers   a node is changed only while it is building, by the transaction that made it. After that only
///           its reference count is written.
/// Kernel    struct maple_node (maple_leaf_64, maple_arange_64), without parent pointer, dead mark and lock.

#include <cstdint>

#include "rcuvm/base/range.hpp"
#include "rcuvm/sync/memory.hpp"
#include "rcuvm/tree/header.hpp"
#include "rcuvm/tree/inner.hpp"
#include "rcuvm/tree/layout.hpp"
#include "rcuvm/tree/leaf.hpp"

namespace rcuvm::tree {

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

/// What a slot of a node covers, when the node covers `covered`.
template <class Node>
[[nodiscard]] range range_of(const Node& node, unsigned slot, range covered) noexcept {
  return {node.start_of(slot, covered.start), node.end_of(slot, covered.end)};
}

namespace detail {
template <class Layout>
void count_nodes([[maybe_unused]] int change) noexcept {
  if constexpr (requires { Layout::count_nodes(change); }) Layout::count_nodes(change);
}

}  // namespace detail

/// A building node with undefined contents; null when there is no memory. Any thread.
template <class Node>
[[nodiscard]] Node* make_node(unsigned level) noexcept {
  Node* made = sync::memory::make<Node>();
  if (made == nullptr) return nullptr;
  made->head.level = static_cast<std::uint16_t>(level);
  detail::count_nodes<typename Node::layout>(+1);
  return made;
}

/// Frees a node that no reader can reach. Any thread.
template <node_layout Layout>
void free_node(link<Layout> dead) noexcept {
  detail::count_nodes<Layout>(-1);
  dead.level() == 0 ? sync::memory::destroy(&dead.as_leaf()) : sync::memory::destroy(&dead.as_inner());
}

}  // namespace rcuvm::tree
