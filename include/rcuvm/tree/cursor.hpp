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
      at_.where.end = leaf_->end_of(slot_, leaf_end_);
      at_.record = leaf_->slot[slot_];
    } while (at_.record == nullptr);
  }

 private:
  struct step {
    const inner<Layout>* node;
    unsigned slot;
    std::uint64_t end;  ///< of the node
  };

  void descend(link<Layout> root, std::uint64_t key) noexcept {
    range covered{0, space_end};
    const void* at = root.node();
    for (unsigned level = root.level(); level != 0; --level) {
      const auto* node = static_cast<const inner<Layout>*>(at);
      const unsigned slot = node->slot_of(key);
      path_[level] = {node, slot, covered.end};
      covered = range_of(*node, slot, covered);
      at = node->slot[slot];
    }
    leaf_ = static_cast<const leaf<Layout>*>(at);
    leaf_end_ = covered.end;
    slot_ = leaf_->slot_of(key);
    at_ = {range_of(*leaf_, slot_, covered), leaf_->slot[slot_]};
  }

  /// The space has not ended, so there is one.
  void enter_next_leaf() noexcept {
    unsigned level = 1;
    while (path_[level].slot + 1 == path_[level].node->head.count) ++level;
    ++path_[level].slot;
    while (true) {
      const step& above = path_[level];
      const void* at = above.node->slot[above.slot];
      const std::uint64_t end = above.node->end_of(above.slot, above.end);
      if (--level == 0) {
        leaf_ = static_cast<const leaf<Layout>*>(at);
        if (above.slot + 1U < above.node->head.count) fetch_ahead(above.node->slot[above.slot + 1]);
        leaf_end_ = end;
        slot_ = 0;
        return;
      }
      path_[level] = {static_cast<const inner<Layout>*>(at), 0, end};
    }
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
  step path_[max_levels<Layout> + 1];
};

}  // namespace rcuvm::tree
