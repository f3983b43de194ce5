// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Zaps whose shootdown is still to come.

#include <cstdint>
#include <utility>

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/base/range.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/mutex.hpp"

namespace rcuvm::vm {

/// Zaps that have cleared PTEs and have not shot them down yet. Who finds a PTE cleared must not take it that nobody can reach
/// the page any more: it shoots down, too.
///
///   one       open ── lock table, clear ················· shoot down ── close
///   another              lock table: cleared already ── any? ── shoot down ── returns: nobody reaches the page
///
/// Ordering  zaps.Z1-zaps.Z2: through the table's lock, who finds the PTE cleared sees it open; or sees it closed, and by
///           zaps.Z3-zaps.Z2 all that the shootdown did.
/// Cost      two locks for a zap that clears something; a load for who asks while none is open.
/// Kernel    inc_tlb_flush_pending, mm_tlb_flush_nested; they know no ranges.
class open_zaps {
 public:
  class zap {
   public:
    zap() = default;
    zap(const zap&) = delete;
    zap& operator=(const zap&) = delete;

   private:
    friend class open_zaps;
    range where_;           ///< guard: owner, not changed while it is open
    zap* next_ = nullptr;   ///< guard: lock_
    bool is_open_ = false;  ///< guard: owner
  };

  /// Once or more, before the first PTE of `where` is cleared.
  void open(zap& one, range where) noexcept {
    if (one.is_open_) return;
    one.where_ = where;
    one.is_open_ = true;
    const sync::mutex_guard held{lock_};
    one.next_ = std::exchange(first_, &one);
    count_.fetch_add_relaxed(1);  // zaps.Z1 -> zaps.Z2
  }
  /// After the shootdown; whether it was opened or not.
  void close(zap& one) noexcept {
    if (!std::exchange(one.is_open_, false)) return;
    const sync::mutex_guard held{lock_};
    zap** place = &first_;
    while (*place != &one) place = &(*place)->next_;
    *place = one.next_;
    count_.fetch_sub_release(1);  // zaps.Z3 -> zaps.Z2
  }
  /// Is one open in `where`, beside the caller's own?
  [[nodiscard]] bool any_in(range where, const zap* own = nullptr) noexcept {
    const std::uint32_t own_count = own != nullptr && own->is_open_ ? 1 : 0;
    // zaps.Z2 <- zaps.Z1; zaps.Z2 <- zaps.Z3
    if (count_.load_acquire() == own_count || is_mutated(mutation::trust_cleared_entries)) return false;
    const sync::mutex_guard held{lock_};
    for (const zap* each = first_; each != nullptr; each = each->next_) {
      if (each != own && each->where_.overlaps(where)) return true;
    }
    return false;
  }

 private:
  sync::atomic<std::uint32_t> count_{0};  ///< guard: atomic, stored under lock_
  sync::mutex lock_;
  zap* first_ = nullptr;  ///< guard: lock_
};

}  // namespace rcuvm::vm
