// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Checks that a version keeps the rules of leaf.hpp and inner.hpp, and measures its shape.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <iterator>
#include <string>

#include "rcuvm/tree/gap_size.hpp"
#include "rcuvm/tree/node.hpp"

namespace rcuvm::tree {

/// What a version consists of.
struct shape {
  unsigned levels = 0;
  std::size_t leaves = 0;
  std::size_t inners = 0;
  std::size_t entries = 0;  ///< without gaps
  std::size_t gaps = 0;
  std::size_t bytes = 0;  ///< of nodes, shared ones included
};

namespace detail {

template <class Layout>
class verifier {
 public:
  [[nodiscard]] std::expected<void, std::string> run(link<Layout> root) {
    if (root.is_null()) return {};
    if (root.level() >= max_levels<Layout>) return broken("more levels than a tree can have");
    if (root.level() != 0 && root.as_inner().head.count < 2)
      return broken("an inner root has at least two children");
    if (root.level() == 0 && root.as_leaf().head.count == 1 && root.as_leaf().slot[0] == nullptr) {
      return broken("a tree without entries has no nodes");
    }
    gap_size gap = gap_size::round_up(0);
    return check(root, true, 0, space_end, gap);
  }

 private:
  std::unexpected<std::string> broken(const std::string& rule) const {
    return std::unexpected{where_ + ": " + rule};
  }

  std::expected<void, std::string> check(link<Layout> at, bool is_root, std::uint64_t low, std::uint64_t end,
                                         gap_size& largest_gap) {
    return at.level() == 0 ? check_leaf(at, is_root, low, end, largest_gap)
                           : check_inner(at, is_root, low, end, largest_gap);
  }

  /// What holds for nodes of both kinds.
  template <class Node>
  std::expected<void, std::string> check_node(const Node& node, unsigned level, unsigned most, bool is_root,
                                              std::uint64_t low, std::uint64_t end) const {
    if (node.head.references.load_relaxed() == 0) return broken("a live node has a reference");
    if (node.head.level != level) return broken("all leaves are at one level, and each node knows its own");
    const unsigned count = node.head.count;
    if (count == 0 || count > most) return broken("a node has 1 to " + std::to_string(most) + " slots");
    if (!is_root && count < Node::minimum)
      return broken("a node but the root has at least the minimum of slots");
    for (unsigned i = 0; i < count; ++i) {
      if (node.end_of(i, end) <= low) {
        return broken(i + 1 == count ? "the last pivot lies below the node's end, as the parent says"
                                     : "pivots rise: pivot " + std::to_string(i));
      }
      low = node.end_of(i, end);
    }
    for (unsigned i = count; i < Node::slots; ++i) {
      if (node.slot[i] != nullptr) return broken("unused slots are empty");
    }
    return {};
  }

  template <class Number, unsigned Pivots>
  static bool are_unused(const Number (&pivot)[Pivots], unsigned from) noexcept {
    return std::all_of(pivot + from, std::end(pivot),
                       [](Number n) { return n == static_cast<Number>(~Number{0}); });
  }

  std::expected<void, std::string> check_leaf(link<Layout> at, bool is_root, std::uint64_t low,
                                              std::uint64_t end, gap_size& largest_gap) const {
    const leaf<Layout>& node = at.as_leaf();
    const unsigned most = node.is_plain() ? leaf<Layout>::plain_slots : leaf<Layout>::slots;
    if (auto sound = check_node(node, 0, most, is_root, low, end); !sound) return sound;
    if (!(node.is_plain() ? are_unused(node.pivot.plain, node.head.count - 1U)
                          : are_unused(node.pivot.packed, node.head.count - 1U))) {
      return broken("unused pivots are the largest number");
    }
    for (unsigned i = 0; i < node.head.count; ++i) {
      if (node.slot[i] != nullptr) continue;
      if (i != 0 && node.slot[i - 1] == nullptr)
        return broken("no two gaps are neighbours: slot " + std::to_string(i));
      if (i + 1U == node.head.count && end != space_end) return broken("no leaf but the last ends in a gap");
    }
    largest_gap = gap_size::round_up(node.largest_gap(low, end));
    return {};
  }

  std::expected<void, std::string> check_inner(link<Layout> at, bool is_root, std::uint64_t low,
                                               std::uint64_t end, gap_size& largest_gap) {
    const inner<Layout>& node = at.as_inner();
    if (auto sound = check_node(node, at.level(), inner<Layout>::slots, is_root, low, end); !sound)
      return sound;
    if (!are_unused(node.pivot, node.head.count - 1U)) return broken("unused pivots are the largest number");
    for (unsigned i = 0; i < node.separator.size(); ++i) {
      if (node.separator[i] != node.pivot[node.separated(i)])
        return broken("separator " + std::to_string(i) + " repeats its line's last pivot");
    }
    largest_gap = gap_size::round_up(0);
    const std::size_t here = where_.size();
    for (unsigned i = 0; i < node.head.count; ++i) {
      where_ += "[" + std::to_string(i) + "]";
      if (node.slot[i] == nullptr) return broken("an inner slot has a child");
      gap_size below = gap_size::round_up(0);
      if (auto sound = check(at.child(i), false, low, node.end_of(i, end), below); !sound) return sound;
      if (node.gap[i] != below) {
        return broken("the parent says that the largest gap is " + std::to_string(node.gap[i].keys()) +
                      ", it is " + std::to_string(below.keys()));
      }
      largest_gap = largest_gap < below ? below : largest_gap;
      low = node.end_of(i, end);
      where_.resize(here);
    }
    for (unsigned i = node.head.count; i < inner<Layout>::slots; ++i) {
      if (node.gap[i] != gap_size::round_up(0)) return broken("unused gaps are 0");
    }
    return {};
  }

  std::string where_ = "root";  ///< the path to the node being checked: root[3][0]
};

template <class Layout>
void add_shape(link<Layout> at, shape& sum) noexcept {
  if (at.level() == 0) {
    const leaf<Layout>& node = at.as_leaf();
    ++sum.leaves;
    sum.bytes += sizeof(node);
    for (unsigned i = 0; i < node.head.count; ++i) ++(node.slot[i] != nullptr ? sum.entries : sum.gaps);
    return;
  }
  ++sum.inners;
  sum.bytes += sizeof(inner<Layout>);
  for (unsigned i = 0; i < at.as_inner().head.count; ++i) add_shape(at.child(i), sum);
}

}  // namespace detail

/// Nothing, or which rule is broken where.
template <class Layout>
[[nodiscard]] std::expected<void, std::string> verify(link<Layout> root) {
  return detail::verifier<Layout>{}.run(root);
}

template <class Layout>
[[nodiscard]] shape measure_shape(link<Layout> root) noexcept {
  shape sum;
  if (root.is_null()) {
    sum.gaps = 1;
    return sum;
  }
  sum.levels = root.level() + 1;
  detail::add_shape(root, sum);
  return sum;
}

}  // namespace rcuvm::tree
