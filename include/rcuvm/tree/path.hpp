// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The writer's way from a root to a leaf, which can be moved to the neighbouring node of any level.

#include <algorithm>
#include <cstdint>

#include "rcuvm/tree/node.hpp"

namespace rcuvm::tree {

template <class Layout>
class path {
 public:
  struct step {
    link<Layout> node;
    unsigned slot;      ///< the way goes on, or ends, there
    std::uint64_t low;  ///< where the node starts
  };

  /// To the leaf slot that holds `key`.
  void descend(link<Layout> root, std::uint64_t key) noexcept {
    top_ = root.level();
    std::uint64_t low = 0;
    link<Layout> at = root;
    for (unsigned level = top_; level != 0; --level) {
      const inner<Layout>& node = at.as_inner();
      const unsigned slot = slot_of(node.pivot, key);
      step_[level] = {at, slot, low};
      if (slot != 0) low = node.pivot[slot - 1];
      at = at.child(slot);
    }
    step_[0] = {at, slot_of(at.as_leaf().pivot, key), low};
  }

  /// The same for a key that is not below the one of `left`, whose way this one goes as far as it can.
  void descend_beside(const path& left, link<Layout> root, std::uint64_t key) noexcept {
    const leaf<Layout>& node = left.step_[0].node.as_leaf();
    if (key >= node.pivot[node.head.count - 1U]) return descend(root, key);
    top_ = left.top_;
    std::copy_n(left.step_, top_ + 1, step_);
    step_[0].slot = slot_of(node.pivot, key);
  }

  [[nodiscard]] const step& operator[](unsigned level) const noexcept { return step_[level]; }

  /// The lowest level at which the way can be turned to a node left (right) of the present one of `level`; 0
  /// = nowhere.
  [[nodiscard]] unsigned level_of_left_turn(unsigned level) const noexcept {
    while (++level <= top_) {
      if (step_[level].slot != 0) return level;
    }
    return 0;
  }
  [[nodiscard]] unsigned level_of_right_turn(unsigned level) const noexcept {
    while (++level <= top_) {
      if (step_[level].slot + 1U < step_[level].node.head().count) return level;
    }
    return 0;
  }

  /// Turns at `turn` to the slot before, and on to the last slots down to `level`.
  void turn_left(unsigned turn, unsigned level) noexcept {
    --step_[turn].slot;
    while (turn-- != level) {
      const step& above = step_[turn + 1];
      const std::uint64_t low = above.slot != 0 ? above.node.as_inner().pivot[above.slot - 1] : above.low;
      const link<Layout> at = above.node.child(above.slot);
      step_[turn] = {at, at.head().count - 1U, low};
    }
  }

  /// Turns at `turn` to the slot behind, and on to the first slots down to `level`. Keeps no lower bounds.
  void turn_right(unsigned turn, unsigned level) noexcept {
    ++step_[turn].slot;
    while (turn-- != level) {
      const step& above = step_[turn + 1];
      step_[turn] = {above.node.child(above.slot), 0, 0};
    }
  }

 private:
  unsigned top_ = 0;
  step step_[max_levels<Layout>];
};

}  // namespace rcuvm::tree
