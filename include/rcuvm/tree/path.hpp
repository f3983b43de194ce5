// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The way from a root to a leaf, which can be moved to the neighbouring node of any level.

#include <algorithm>
#include <cstdint>

#include "rcuvm/tree/find.hpp"
#include "rcuvm/tree/node.hpp"
#include "rcuvm/tree/place.hpp"

namespace rcuvm::tree {

template <class Layout>
class path {
 public:
  using step = path_step<Layout>;

  path() noexcept {}  // NOLINT(modernize-use-equals-default): leaves the steps alone, of which few are used

  /// To the leaf slot that holds `key`.
  void descend(link<Layout> root, std::uint64_t key) noexcept {
    top_ = root.level();
    tree::descend(root, key, step_);
  }

  /// The same for a key that is not below the one of `left`, whose way this one goes as far as it can.
  void descend_beside(const path& left, link<Layout> root, std::uint64_t key) noexcept {
    if (key >= left.step_[0].covered.end) return descend(root, key);
    stand_beside(left, slot_in(left.step_[0].node.as_leaf(), key));
  }
  /// The way of `left`, to another slot of its leaf.
  void stand_beside(const path& left, unsigned slot) noexcept {
    top_ = left.top_;
    std::copy_n(left.step_, top_ + 1, step_);
    step_[0].slot = slot;
  }

  void turn_in_leaf(unsigned slot) noexcept { step_[0].slot = slot; }
  /// `node` stands for the one of that level now, over the same range.
  void replace(unsigned level, const void* node) noexcept { step_[level].node = {node, level}; }

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
      step_[turn] = step_[turn + 1].below();
      step_[turn].slot = step_[turn].node.head().count - 1U;
    }
  }

  /// Turns at `turn` to the slot behind, and on to the first slots down to `level`.
  void turn_right(unsigned turn, unsigned level) noexcept {
    ++step_[turn].slot;
    while (turn-- != level) step_[turn] = step_[turn + 1].below();
  }

 private:
  unsigned top_ = 0;
  union {
    step step_[max_levels<Layout>];
  };
};

}  // namespace rcuvm::tree
