// SPDX-License-Identifier: Apache-2.0
#pragma once

/// vma-lock: a reader-writer lock in each VMA, which readers only try, and VMAs that are used again at once.

#include <cstdint>
#include <string_view>

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/designs/semaphore_guards.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/clock.hpp"
#include "rcuvm/sync/thread.hpp"
#include "rcuvm/vm/vma_cache.hpp"

namespace rcuvm::designs {

/// What Linux does since 6.4, with the reference count and the type-stable VMAs of 6.15.
///
///   fault    find ── locked? word + 1 ── whose? where? locked? ── install ── word - 1
///   munmap   W=== lock what changes: bit, wait, sequence ── publish ── detach: word 1 -> 0 ── reuse ── zap ── sequence + 1 ===W
///   mmap     W=== take ── publish ── attach: word = 1 ... ===W
///
///   word      [31] - [30] a writer is at locking it [29..0] 1 + faults inside; 0: in no tree
///   sequence  of the address space: counts writers; of a VMA: the one that locked it last. Equal: locked, until that writer is
///             done, who thus unlocks all at once
///
/// Finds and keeps   the tree, inside a read section: a pointer to memory that is a VMA's, but perhaps of another mapping by now, or
///                   of another address space. Then a reference in its word, and nothing of it is read before.
/// Re-checks         with the reference: is it this address space's? of the address? not locked? After that nothing: the writer has
///                   been shut out. The look at the sequence saves the writer a wait, no more: records are not changed in place, and
///                   who detaches one waits for all that are in it.
/// Falls back        to the semaphore as soon as a writer has the VMA, and when it has been used again; for the first private page of
///                   a mapping, which looks at its neighbours, if it cannot have the semaphore at once.
/// Writer            holds the write side, and waits for the faults in the VMAs that it changes, for no others; when it detaches one,
///                   for those who take a reference and see that they should not have.
/// Other readers     hold the semaphore's read side; walks lock one VMA after the other, or take the semaphore for that one.
/// Ordering          vmalock.W1-vmalock.R1: who gets a reference sees all that was done to the VMA before, and whether it is locked.
///                   vmalock.R2-vmalock.W2: the writer sees what the faults did. vmalock.W3-vmalock.R3: who sees it unlocked sees
///                   what its writer did.
/// Frees             frames after the shootdown; VMAs at once, for the next mmap on the machine; nodes and tables by limbo after a
///                   grace period.
/// Races             none. Two that it would have, a fault in another address space's VMA and one at another address, are what it
///                   looks for again (scenario record-reuse). The price: two read-modify-writes a fault on a line that all faults in
///                   the VMA share, and a writer that waits for a fault that waits for a disk, unless the fault lets go
///                   (drops_for_files).
/// Kernel            lock_vma_under_rcu, vma_start_write, vma_mark_attached, vma_mark_detached, lock_next_vma. There the last reader
///                   wakes the writer, who may be of another address space that ends meanwhile: scenario vma-reuse. Here the writer
///                   looks for itself.
struct vma_lock : rcu_and_semaphore {
  static constexpr std::string_view name = "vma-lock";
  static constexpr std::string_view summary =
      "RCU look-up, then a reference in the VMA; writers wait for the faults in what they change";
  static constexpr bool shares_records = false;
  static constexpr bool reuses_records = true;

  struct state : one_semaphore {
    using one_semaphore::one_semaphore;
    sync::atomic<std::uint32_t> sequence{1};  ///< guard: stored by the writer
  };
  using read_guard = semaphore_read_guard;

  class write_guard : public semaphore_write_guard {
   public:
    explicit write_guard(state& of) noexcept : semaphore_write_guard{of}, state_{of} {}
    ~write_guard() {
      state_.sequence.store_release(state_.sequence.load_relaxed() + 1);  // vmalock.W3 -> vmalock.R3
    }
    write_guard(const write_guard&) = delete;
    write_guard& operator=(const write_guard&) = delete;

   private:
    state& state_;
  };

  class fault_guard : public fallback_guard {
   public:
    fault_guard(state& of, bool takes_lock) noexcept : fallback_guard{of, takes_lock}, state_{of} {}
    ~fault_guard() { let_go(); }
    fault_guard(const fault_guard&) = delete;
    fault_guard& operator=(const fault_guard&) = delete;

    /// Of what was kept before, it lets go.
    [[nodiscard]] mm::kept keep(vm::vma& found) noexcept {
      let_go();
      if (has_lock()) return mm::kept::yes;
      if (is_locked(found)) return mm::kept::lock;
      if (const auto refused = refer(found); refused != mm::kept::yes) return refused;
      held_ = &found;
      if (found.owner() != owner(state_) && !is_mutated(mutation::keep_anybodys)) return mm::kept::again;
      return is_locked(found) ? mm::kept::lock : mm::kept::yes;
    }
    [[nodiscard]] bool is_valid(const vm::vma&, const auto&) const noexcept { return true; }
    /// Who has one VMA's lock may not wait for the semaphore: its writer may be waiting for that VMA.
    template <class F>
    [[nodiscard]] bool beside_no_writer(F f) noexcept RCUVM_NO_THREAD_SAFETY_ANALYSIS {
      if (!has_lock() && !state_.semaphore.try_lock_shared()) return false;
      f();
      if (!has_lock()) state_.semaphore.unlock_shared();
      return true;
    }

   private:
    [[nodiscard]] bool is_locked(vm::vma& found) const noexcept {
      return found.sequence().load_relaxed() == state_.sequence.load_acquire();  // vmalock.R3 <- vmalock.W3
    }
    void let_go() noexcept {
      if (held_ != nullptr) held_->word().fetch_sub_release(1);  // vmalock.R2 -> vmalock.W2
      held_ = nullptr;
    }

    state& state_;
    vm::vma* held_ = nullptr;
  };

  /// Of its records.
  [[nodiscard]] static std::uint64_t owner(const state& of) noexcept {
    return reinterpret_cast<std::uintptr_t>(&of);
  }

  static void exclude(state& of, vm::vma& which, vm::counters& count) noexcept {
    const std::uint32_t own = of.sequence.load_relaxed();
    if (which.sequence().load_relaxed() == own) return;
    std::uint32_t word = which.word().fetch_or_acq_rel(writer) & ~writer;  // vmalock.W2 <- vmalock.R2
    if (word != attached && !is_mutated(mutation::exclude_without_wait)) {
      const std::uint64_t begun = sync::now_ns();
      while (word != attached) {
        sync::yield();
        word = which.word().load_acquire() & ~writer;  // vmalock.W2 <- vmalock.R2
      }
      ++count.vma_waits;
      count.vma_wait_ns += sync::now_ns() - begun;
    }
    which.sequence().store_relaxed(own);
    which.word().fetch_sub_release(writer);  // vmalock.W1 -> vmalock.R1
  }
  /// Not locked: it is published as it shall be. Its last life may have left it any sequence.
  static void attach(state& of, vm::vma& which) noexcept {
    which.sequence().store_relaxed(of.sequence.load_relaxed() - 1);
    which.word().store_release(attached);  // vmalock.W1 -> vmalock.R1
  }
  /// A reader that sees it locked holds a reference for a moment.
  static void detach(state&, vm::vma& which) noexcept {
    if (is_mutated(mutation::exclude_without_wait)) return which.word().store_relaxed(0);
    std::uint32_t idle = attached;
    while (!which.word().cas_acq_rel(idle, 0)) {  // vmalock.W2 <- vmalock.R2
      sync::yield();
      idle = attached;
    }
  }

 private:
  static constexpr std::uint32_t writer = 1U << 30;
  static constexpr std::uint32_t attached = 1;

  /// Takes a reference if it may be had. Progress: lock-free.
  [[nodiscard]] static mm::kept refer(vm::vma& which) noexcept {
    std::uint32_t now = which.word().load_relaxed();
    do {
      if (now == 0) return mm::kept::again;
      if ((now & writer) != 0) return mm::kept::lock;
    } while (!which.word().cas_acq_rel(now, now + 1));  // vmalock.R1 <- vmalock.W1
    return mm::kept::yes;
  }
};

}  // namespace rcuvm::designs
