// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Forward walk over the records of one version.
///
/// Keeps the path from the root, so that a step inside a leaf reads two words and a step to the next leaf one
/// more slot of its parent. The version never changes, so nothing is looked up again.
///
/// Readers   one per cursor; the version must be held as for a lookup. Progress: wait-free.
/// Kernel    mas_for_each, vma_iterator.

#include <cstddef>
#include <cstdint>

#include "rcuvm/base/range.hpp"
#include "rcuvm/tree/node.hpp"
#include "rcuvm/tree/path.hpp"

namespace rcuvm::tree {

template <class Layout>
class cursor {
 public:
  cursor() noexcept {}  // NOLINT(modernize-use-equals-default): leaves the path alone

  /// Stands on the first record that overlaps [from, to), or at the end.
  cursor(link<Layout> root, range within) noexcept : to_{within.end} {
    if (root.is_null() || within.is_empty()) return;
    path_.descend(root, within.start);
    at_ = path_[0].read();
    stand_on_leaf();
    if (at_.record == nullptr) advance();
  }

  [[nodiscard]] bool is_at_end() const noexcept { return at_.record == nullptr; }
  [[nodiscard]] const found& read() const noexcept { return at_; }

  /// To the next record, or the end.
  void advance() noexcept {
    do {
      at_.where.start = at_.where.end;
      if (at_.where.start >= to_) {
        at_.record = nullptr;
        return;
      }
      if (++slot_ == leaf_->head.count) enter_next_leaf();
      at_.where.end = leaf_->end_of(slot_, leaf_end_);
      at_.record = leaf_->slot[slot_];
    } while (at_.record == nullptr);
  }

 private:
  void stand_on_leaf() noexcept {
    leaf_ = &path_[0].node.as_leaf();
    leaf_end_ = path_[0].covered.end;
    slot_ = path_[0].slot;
  }

  /// The space has not ended, so there is one.
  void enter_next_leaf() noexcept {
    path_.turn_right(path_.level_of_right_turn(0), 0);
    stand_on_leaf();
    const path_step<Layout>& above = path_[1];
    const inner<Layout>& node = above.node.as_inner();
    if (above.slot + 1U < node.head.count) fetch_ahead(node.slot[above.slot + 1]);
  }

  /// Asks for a leaf that will be walked after this one.
  static void fetch_ahead(const void* next) noexcept {
    for (std::size_t byte = 0; byte < sizeof(leaf<Layout>); byte += 64)
      __builtin_prefetch(static_cast<const char*>(next) + byte);
  }

  found at_{};
  std::uint64_t to_ = 0;
  const leaf<Layout>* leaf_ = nullptr;
  std::uint64_t leaf_end_ = 0;
  unsigned slot_ = 0;
  path<Layout> path_;  ///< its slot in the leaf stays where the walk has entered the leaf
};

}  // namespace rcuvm::tree
