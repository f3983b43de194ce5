// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Forward walk over the records of one version.
///
/// Keeps the path from the root, so that a step inside a leaf reads two words and a step to the next leaf one
/// more slot of its parent. The version never changes, so nothing is looked up again.
///
/// Readers   one per cursor; the version must be held as for a lookup. Progress: wait-free.
/// Kernel    mas_for_each, vma_iterator.

#include <cstdint>

#include "rcuvm/base/range.hpp"
#include "rcuvm/tree/find.hpp"
#include "rcuvm/tree/node.hpp"

namespace rcuvm::tree {

template <class Layout>
class cursor {
 public:
  cursor() noexcept {}  // NOLINT(modernize-use-equals-default): leaves the path alone

  /// Stands on the first record that overlaps [from, to), or at the end.
  cursor(link<Layout> root, range within) noexcept : to_{within.end} {
    if (root.is_null() || within.is_empty()) return;
    descend(root, within.start);
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
      at_.where.end = leaf_->pivot[slot_];
      at_.record = leaf_->slot[slot_];
    } while (at_.record == nullptr);
  }

 private:
  struct step {
    const inner<Layout>* node;
    unsigned slot;
  };

  void descend(link<Layout> root, std::uint64_t key) noexcept {
    std::uint64_t low = 0;
    const void* at = root.node();
    for (unsigned level = root.level(); level != 0; --level) {
      const auto* node = static_cast<const inner<Layout>*>(at);
      const unsigned slot = slot_of(node->pivot, key);
      if (slot != 0) low = node->pivot[slot - 1];
      path_[level] = {node, slot};
      at = node->slot[slot];
    }
    leaf_ = static_cast<const leaf<Layout>*>(at);
    slot_ = slot_of(leaf_->pivot, key);
    at_ = place<Layout>{leaf_, slot_, slot_ != 0 ? leaf_->pivot[slot_ - 1] : low}.read();
  }

  /// The space has not ended, so there is one.
  void enter_next_leaf() noexcept {
    unsigned level = 1;
    while (path_[level].slot + 1 == path_[level].node->head.count) ++level;
    ++path_[level].slot;
    const void* at = path_[level].node->slot[path_[level].slot];
    while (--level != 0) {
      path_[level] = {static_cast<const inner<Layout>*>(at), 0};
      at = path_[level].node->slot[0];
    }
    leaf_ = static_cast<const leaf<Layout>*>(at);
    slot_ = 0;
  }

  found at_{};
  std::uint64_t to_ = 0;
  const leaf<Layout>* leaf_ = nullptr;
  unsigned slot_ = 0;
  step path_[max_levels<Layout> + 1];
};

}  // namespace rcuvm::tree
