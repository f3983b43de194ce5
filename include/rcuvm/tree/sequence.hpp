// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The new contents of one level while a store is worked out, and how they are cut into nodes.
///
///   leaf level   what stays of the left leaf | the stored range | what stays of the right leaf
///   above        slots left of the change    | the new nodes    | slots right of the change
///
/// Lives on the stack of the store; nothing here is shared.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "rcuvm/base/check.hpp"
#include "rcuvm/tree/gap_size.hpp"
#include "rcuvm/tree/layout.hpp"
#include "rcuvm/tree/node.hpp"

namespace rcuvm::tree {

/// A level's contents are never cut into more nodes: four leaves and a store's three new slots, all in plain
/// form, and one more for cuts that gaps stand in the way of.
template <class Layout>
inline constexpr unsigned max_pieces =
    (4 * Layout::leaf_slots + 3 + plain_slots<Layout> - 1) / plain_slots<Layout> + 1;

template <class Node>
class sequence {
  static constexpr unsigned pieces_below = max_pieces<typename Node::layout>;

 public:
  /// At most: left and right node, one more node behind a trailing gap, one sibling; and what is new.
  static constexpr unsigned capacity = 4 * Node::slots + (Node::has_gaps ? pieces_below : 3);
  static_assert(!Node::has_gaps || (capacity + Node::slots - 1) / Node::slots <= pieces_below);

  explicit sequence(std::uint64_t low) noexcept : low_{low} {}

  [[nodiscard]] unsigned count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t low() const noexcept { return low_; }
  [[nodiscard]] bool ends_in_gap() const noexcept { return slot_[count_ - 1] == nullptr; }
  [[nodiscard]] std::uint64_t end() const noexcept { return pivot_[count_ - 1]; }

  void push(std::uint64_t pivot, void* slot, gap_size gap) noexcept
    requires Node::has_gaps
  {
    RCUVM_ASSERT(count_ < capacity, "a store changes at most four nodes of a level");
    pivot_[count_] = pivot;
    slot_[count_] = slot;
    gap_[count_++] = gap;
  }

  /// A gap joins a gap before it.
  void push(std::uint64_t pivot, void* slot) noexcept
    requires(!Node::has_gaps)
  {
    RCUVM_ASSERT(count_ < capacity, "a store changes at most four nodes of a level");
    if (slot == nullptr && count_ != 0 && slot_[count_ - 1] == nullptr) {
      pivot_[count_ - 1] = pivot;
    } else {
      pivot_[count_] = pivot;
      slot_[count_++] = slot;
    }
  }

  /// The slots [from, to) of a node that ends at `end`, at the end.
  void append(const Node& node, std::uint64_t end, unsigned from, unsigned to) noexcept {
    if constexpr (!Node::has_gaps) {
      if (from < to) {
        push(node.end_of(from, end), node.slot[from]);
        ++from;
      }
    }
    if (from >= to) return;
    RCUVM_ASSERT(count_ + to - from <= capacity, "a store changes at most four nodes of a level");
    copy_in(node, end, from, to, count_);
    count_ += to - from;
  }

  /// All of the node, from `low` on, behind which this one starts. The node ends in no gap.
  void prepend(const Node& node, std::uint64_t low) noexcept {
    const unsigned more = node.head.count;
    RCUVM_ASSERT(count_ + more <= capacity, "a store changes at most four nodes of a level");
    std::memmove(&pivot_[more], &pivot_[0], count_ * sizeof(pivot_[0]));
    std::memmove(&slot_[more], &slot_[0], count_ * sizeof(slot_[0]));
    if constexpr (Node::has_gaps) std::memmove(&gap_[more], &gap_[0], count_ * sizeof(gap_[0]));
    copy_in(node, low_, 0, more, 0);
    count_ += more;
    low_ = low;
  }

  /// Whether the slots [from, to) fit one node.
  [[nodiscard]] bool fits(unsigned from, unsigned to) const noexcept {
    return Node::can_hold(start_of(from), pivot_[to - 1], &pivot_[from], to - from);
  }

  /// Fills a building node with the slots [from, to), which fit.
  void write(Node& node, unsigned from, unsigned to) const noexcept {
    if constexpr (Node::has_gaps) {
      node.assign(&pivot_[from], &slot_[from], &gap_[from], to - from);
    } else {
      node.assign(start_of(from), &pivot_[from], &slot_[from], to - from);
    }
  }

  /// Size of the largest gap in the slots [from, to).
  [[nodiscard]] gap_size largest_gap(unsigned from, unsigned to) const noexcept {
    if constexpr (Node::has_gaps) {
      return *std::max_element(&gap_[from], &gap_[to]);
    } else {
      std::uint64_t largest = 0;
      for (unsigned i = from; i < to; ++i) {
        if (slot_[i] == nullptr) largest = std::max(largest, pivot_[i] - start_of(i));
      }
      return gap_size::round_up(largest);
    }
  }

  [[nodiscard]] std::uint64_t start_of(unsigned slot) const noexcept {
    return slot == 0 ? low_ : pivot_[slot - 1];
  }

  /// The ends of the pieces. Each fits a node and holds at least the minimum; none but the last ends in a gap.
  struct cuts {
    unsigned pieces = 0;
    std::array<unsigned, pieces_below> end{};
  };

  /// Makes cut() put what is too much for one node into two: the first `wanted` slots, or as near to that as can be, and the
  /// rest. False where two can't hold it so.
  [[nodiscard]] bool cut_in_two(unsigned wanted) noexcept {
    if (count_ < 2 * Node::minimum || fits(0, count_)) return false;
    unsigned at = std::min({wanted, count_ - Node::minimum, Node::slots});
    if (!Node::has_gaps && slot_[at - 1] == nullptr) --at;
    if (at < Node::minimum || !fits(0, at) || !fits(at, count_)) return false;
    cut_at_ = at;
    return true;
  }

  /// As few nodes as hold it all, of even size; more when gaps stand in the way of every cut, or pivots can't
  /// be packed. A cut behind a gap moves before it: there is a record, since gaps are never neighbours.
  [[nodiscard]] cuts cut() const noexcept {
    cuts made;
    if (cut_at_ != 0) {
      made.pieces = 2;
      made.end = {cut_at_, count_};
      return made;
    }
    made.pieces = (count_ + Node::slots - 1) / Node::slots;
    while (!cut_into(made.pieces, made)) ++made.pieces;
    return made;
  }

 private:
  [[nodiscard]] bool cut_into(unsigned pieces, cuts& made) const noexcept {
    RCUVM_ASSERT(pieces <= pieces_below, "no cut into nodes of legal size");
    unsigned from = 0;
    for (unsigned piece = 0; piece + 1 < pieces; ++piece) {
      const unsigned left = pieces - piece;  // pieces still to cut, this one included
      const unsigned even = from + (count_ - from + left - 1) / left;
      bool is_cut = false;
      for (const unsigned end : {even, even - 1}) {
        const unsigned size = end - from;
        const unsigned rest = count_ - end;
        if (size < Node::minimum || size > Node::slots || rest < Node::minimum * (left - 1) ||
            rest > Node::slots * (left - 1)) {
          continue;
        }
        if (!Node::has_gaps && slot_[end - 1] == nullptr) continue;
        if (!fits(from, end)) continue;
        made.end[piece] = end;
        from = end;
        is_cut = true;
        break;
      }
      if (!is_cut) return false;
    }
    if (!fits(from, count_)) return false;
    made.end[pieces - 1] = count_;
    return true;
  }

  /// The slots [from, to) of a node that ends at `end`.
  void copy_in(const Node& node, std::uint64_t end, unsigned from, unsigned to, unsigned at) noexcept {
    node.copy_pivots(from, to, end, &pivot_[at]);
    std::memcpy(&slot_[at], &node.slot[from], (to - from) * sizeof(slot_[0]));
    if constexpr (Node::has_gaps) std::memcpy(&gap_[at], &node.gap[from], (to - from) * sizeof(gap_[0]));
  }

  std::uint64_t low_;
  unsigned count_ = 0;
  unsigned cut_at_ = 0;  ///< 0: evenly
  std::uint64_t pivot_[capacity];
  void* slot_[capacity];
  gap_size gap_[Node::has_gaps ? capacity : 1];
};

}  // namespace rcuvm::tree
