// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The new contents of one level while a store is worked out, and how they are cut into nodes.
///
///   leaf level   what stays of the left leaf | the stored range | what stays of the right leaf
///   above        slots left of the change    | the new nodes    | slots right of the change
///
/// Lives on the stack of the store; nothing here is shared.

#include <array>
#include <cstdint>
#include <cstring>

#include "rcuvm/base/check.hpp"
#include "rcuvm/tree/node.hpp"

namespace rcuvm::tree {

template <class Node>
class sequence {
 public:
  /// At most: left and right node (N each), the stored range and its trimmed neighbours or the new nodes (6),
  /// one more node behind a trailing gap, one sibling.
  static constexpr unsigned capacity = 4 * Node::slots + 6;

  explicit sequence(std::uint64_t low) noexcept : low_{low} {}

  [[nodiscard]] unsigned count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t low() const noexcept { return low_; }
  [[nodiscard]] bool ends_in_gap() const noexcept { return slot_[count_ - 1] == nullptr; }
  [[nodiscard]] std::uint64_t end() const noexcept { return pivot_[count_ - 1]; }

  void push(std::uint64_t pivot, void* slot, std::uint64_t gap) noexcept
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

  /// The node's slots [from, to), at the end.
  void append(const Node& node, unsigned from, unsigned to) noexcept {
    if constexpr (!Node::has_gaps) {
      if (from < to) {
        push(node.pivot[from], node.slot[from]);
        ++from;
      }
    }
    if (from >= to) return;
    RCUVM_ASSERT(count_ + to - from <= capacity, "a store changes at most four nodes of a level");
    copy_in(node, from, to - from, count_);
    count_ += to - from;
  }

  /// All of the node before which this one starts. The node ends in no gap.
  void prepend(const Node& node, std::uint64_t low) noexcept {
    const unsigned more = node.head.count;
    RCUVM_ASSERT(count_ + more <= capacity, "a store changes at most four nodes of a level");
    std::memmove(&pivot_[more], &pivot_[0], count_ * sizeof(pivot_[0]));
    std::memmove(&slot_[more], &slot_[0], count_ * sizeof(slot_[0]));
    if constexpr (Node::has_gaps) std::memmove(&gap_[more], &gap_[0], count_ * sizeof(gap_[0]));
    copy_in(node, 0, more, 0);
    count_ += more;
    low_ = low;
  }

  /// Fills a building node with the slots [from, to).
  void write(Node& node, unsigned from, unsigned to) const noexcept {
    const unsigned count = to - from;
    std::memcpy(node.pivot, &pivot_[from], count * sizeof(pivot_[0]));
    std::memcpy(node.slot, &slot_[from], count * sizeof(slot_[0]));
    if constexpr (Node::has_gaps) std::memcpy(node.gap, &gap_[from], count * sizeof(gap_[0]));
    for (unsigned i = count; i < Node::slots; ++i) {
      node.pivot[i] = space_end;
      node.slot[i] = nullptr;
      if constexpr (Node::has_gaps) node.gap[i] = 0;
    }
    node.head.count = static_cast<std::uint16_t>(count);
  }

  [[nodiscard]] std::uint64_t start_of(unsigned slot) const noexcept {
    return slot == 0 ? low_ : pivot_[slot - 1];
  }

  static constexpr unsigned max_pieces = 6;

  /// The ends of the pieces. All hold at least the minimum, none but the last ends in a gap.
  struct cuts {
    unsigned pieces = 0;
    std::array<unsigned, max_pieces> end{};
  };

  /// As few nodes as hold it all, of even size; one more when gaps stand in the way of every cut. A cut
  /// behind a gap moves before it: there is a record, since gaps are never neighbours.
  [[nodiscard]] cuts cut() const noexcept {
    cuts made;
    made.pieces = (count_ + Node::slots - 1) / Node::slots;
    while (!cut_into(made.pieces, made)) ++made.pieces;
    return made;
  }

 private:
  [[nodiscard]] bool cut_into(unsigned pieces, cuts& made) const noexcept {
    RCUVM_ASSERT(pieces <= max_pieces, "no cut into nodes of legal size");
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
        made.end[piece] = end;
        from = end;
        is_cut = true;
        break;
      }
      if (!is_cut) return false;
    }
    made.end[pieces - 1] = count_;
    return true;
  }

  void copy_in(const Node& node, unsigned from, unsigned count, unsigned at) noexcept {
    std::memcpy(&pivot_[at], &node.pivot[from], count * sizeof(pivot_[0]));
    std::memcpy(&slot_[at], &node.slot[from], count * sizeof(slot_[0]));
    if constexpr (Node::has_gaps) std::memcpy(&gap_[at], &node.gap[from], count * sizeof(gap_[0]));
  }

  std::uint64_t low_;
  unsigned count_ = 0;
  std::uint64_t pivot_[capacity];
  void* slot_[capacity];
  std::uint64_t gap_[Node::has_gaps ? capacity : 1];
};

}  // namespace rcuvm::tree
