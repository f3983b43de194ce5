// SPDX-License-Identifier: Apache-2.0
#pragma once

/// vma-lock: a reader-writer lock in each VMA, which readers only try.

#include <cstdint>
#include <string_view>

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/designs/reference.hpp"
#include "rcuvm/designs/semaphore_guards.hpp"
#include "rcuvm/sync/clock.hpp"
#include "rcuvm/sync/thread.hpp"

namespace rcuvm::designs {

/// What Linux does since 6.4, with the reference count of 6.15.
///
///   fault    find ── word + 1 ──────────── install ──────────── word - 1       a writer's bit in the word: take the semaphore
///   munmap   W=== bit into the word of each VMA that changes, wait for its readers ── publish ── zap ===W
///
///   word     [31] - [30] a writer has it [29..0] faults inside
///
/// Finds and keeps   the tree, inside a read section; then a reference in the VMA's word.
/// Re-checks         nothing: who has a reference has shut the writer out.
/// Falls back        to the semaphore as soon as a writer has the VMA.
/// Writer            holds the write side, and waits for the faults in the VMAs that it changes, for no others.
/// Ordering          vmalock.W1-vmalock.R1: who gets a reference sees all that the writer before did; who does not, sees the
///                   bit. vmalock.R2-vmalock.W2: the writer sees what the faults did.
/// Frees             frames after the shootdown; nodes, VMAs and tables by limbo after a grace period. The kernel reuses a VMA
///                   at once (SLAB_TYPESAFE_BY_RCU) and looks again (scenario vma-reuse); here records are immutable, and limbo
///                   keeps them.
/// Races             none. The price: two read-modify-writes a fault on a line that all faults in the VMA share, and a writer
///                   that waits for a fault that waits for a disk, unless the fault lets go (drops_for_files).
/// Kernel            lock_vma_under_rcu, vma_start_write.
struct vma_lock : rcu_and_semaphore {
  static constexpr std::string_view name = "vma-lock";
  static constexpr std::string_view summary =
      "RCU look-up, then a reference in the VMA; writers wait for the faults in what they change";
  static constexpr bool shares_records = false;

  class fault_guard : public fallback_guard {
   public:
    using fallback_guard::fallback_guard;
    ~fault_guard() {
      if (held_ != nullptr) held_->word().fetch_sub_release(1);  // vmalock.R2 -> vmalock.W2
    }
    fault_guard(const fault_guard&) = delete;
    fault_guard& operator=(const fault_guard&) = delete;

    [[nodiscard]] mm::kept keep(vm::vma& found) noexcept {
      if (has_lock()) return mm::kept::yes;
      if (!refer_unless(found, writer))
        return found.state() == vm::life::dead ? mm::kept::again : mm::kept::lock;
      held_ = &found;
      return mm::kept::yes;
    }
    [[nodiscard]] bool is_valid(const vm::vma&, const auto&) const noexcept { return true; }

   private:
    vm::vma* held_ = nullptr;
  };

  static void exclude(vm::vma& which, vm::counters& count) noexcept {
    // vmalock.W1 -> vmalock.R1; vmalock.W2 <- vmalock.R2
    std::uint32_t word = which.word().fetch_or_acq_rel(writer) & ~writer;
    if (word == 0 || is_mutated(mutation::exclude_without_wait)) return;
    const std::uint64_t begun = sync::now_ns();
    while (word != 0) {
      sync::yield();
      word = which.word().load_acquire() & ~writer;  // vmalock.W2 <- vmalock.R2
    }
    ++count.vma_waits;
    count.vma_wait_ns += sync::now_ns() - begun;
  }
  static void admit(vm::vma& which) noexcept {
    if ((which.word().load_relaxed() & writer) != 0)
      which.word().fetch_sub_release(writer);  // vmalock.W1 -> vmalock.R1
  }

 private:
  static constexpr std::uint32_t writer = 1U << 30;
};

}  // namespace rcuvm::designs
