// SPDX-License-Identifier: Apache-2.0
#pragma once

/// refcount: a reference in the VMA, and the last one takes its pages away.

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "rcuvm/designs/rcu_guards.hpp"
#include "rcuvm/sync/memory.hpp"
#include "rcuvm/sync/mutex.hpp"

namespace rcuvm::designs {

/// Solution 2 of linux-mm, 2021-02-08: shown because it does not work.
///
///   fault    find ── word + 1 ── install ──────────────────── word - 1: the last one: zap, shoot down
///   munmap       publish ── kill ── bit into the word: who is inside? nobody: zap ── returns
///                                                                       X    somebody: returns at once
///
///   word     [31] the tree has let go  [30..0] faults inside
///
/// Finds and keeps   the tree, inside a read section; then a reference in the VMA's word.
/// Re-checks         the VMA's life, under the table's lock, as all RCU designs.
/// Writer            waits for nobody.
/// Frees             pages when the last reference goes, the fault's or the writer's; nodes, VMAs and tables by limbo after a
///                   grace period.
/// Ordering          refcount.W1-refcount.R1: of fault and writer, one sees that the other has gone before it.
/// Races             the one that its author found: munmap returns while a fault is inside, and the old pages are still there.
///                   Another mapping at the address shows them (F1, F2), and loses its own pages when the last reference goes.
/// Kernel            never adopted so; vm_refcnt of 6.15 counts readers, but the writer waits for them (vma-lock).
struct refcount : rcu_and_one_writer {
  static constexpr std::string_view name = "refcount";
  static constexpr std::string_view summary =
      "RCU look-up, then a reference; the last one takes the pages away: stale PTEs";
  static constexpr bool is_sound = false;
  static constexpr bool shares_records = false;
  static constexpr bool last_reference_unmaps = true;

  struct left_behind {
    const vm::vma* which;
    range pages;
  };
  struct state : one_writer {
    using one_writer::one_writer;
    sync::mutex lock;
    std::vector<left_behind, sync::memory::allocator<left_behind>> left;  ///< guard: lock
  };

  class fault_guard : public rcu_read_guard {
   public:
    fault_guard(state& of, bool) noexcept : rcu_read_guard{of}, state_{of} {}
    [[nodiscard]] mm::kept keep(vm::vma& found) noexcept {
      std::uint32_t now = found.word().load_relaxed();
      do {
        if ((now & let_go) != 0) return mm::kept::again;
      } while (!found.word().cas_acq_rel(now, now + 1));  // refcount.R1 <-> refcount.W1
      held_ = &found;
      return mm::kept::yes;
    }
    [[nodiscard]] bool is_valid(const vm::vma& found, const auto&) const noexcept { return found.is_live(); }
    /// Gives the reference back; the last one takes away what the writer has left. Inside the section: tables must not go
    /// meanwhile, nor may the record, by which it is known what that is.
    template <class Zap>
    void leave(Zap zap) noexcept {
      if (held_ == nullptr) return;
      // refcount.R1 <-> refcount.W1
      if (held_->word().fetch_sub_acq_rel(1) != let_go + 1) return;
      zap(find(state_, held_));
      forget(state_, held_);
    }

   private:
    state& state_;
    vm::vma* held_ = nullptr;
  };

  /// Room for what let_go_of() will note. Throws std::bad_alloc.
  static void reserve(state& of, std::size_t, std::size_t outdated) {
    sync::mutex_guard held{of.lock};
    of.left.reserve(of.left.size() + outdated);
  }
  /// The tree's reference goes. True: it was the last one. Else somebody will zap `pages` who is inside.
  [[nodiscard]] static bool let_go_of(state& of, vm::vma& which, range pages) noexcept {
    {
      sync::mutex_guard held{of.lock};
      of.left.push_back({&which, pages});
    }
    // refcount.W1 <-> refcount.R1
    if ((which.word().fetch_or_acq_rel(let_go) & ~let_go) != 0) return false;
    forget(of, &which);
    return true;
  }
  [[nodiscard]] static bool may_unlink_tables(state& of, write_guard&, range) noexcept {
    sync::mutex_guard held{of.lock};
    return of.left.empty();
  }

 private:
  static constexpr std::uint32_t let_go = 1U << 31;

  [[nodiscard]] static range find(state& of, const vm::vma* which) noexcept {
    sync::mutex_guard held{of.lock};
    return std::ranges::find(of.left, which, &left_behind::which)->pages;
  }
  static void forget(state& of, const vm::vma* which) noexcept {
    sync::mutex_guard held{of.lock};
    of.left.erase(std::ranges::find(of.left, which, &left_behind::which));
  }
};

}  // namespace rcuvm::designs
