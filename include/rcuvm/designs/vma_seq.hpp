// SPDX-License-Identifier: Apache-2.0
#pragma once

/// vma-seq: a sequence count in each VMA.

#include <cstdint>
#include <string_view>

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/designs/semaphore_guards.hpp"

namespace rcuvm::designs {

/// The per-VMA variant of mm-seq: only changes of this mapping make a fault start again.
///
///   fault    find ── read its count ──┬─lock table: count as read?─┬─install─┐    no: again; at last with the semaphore
///   munmap   W=== counts of what changes odd ── publish ── zap under the table locks ===W
///
/// A record that is outdated keeps its odd count for ever; one that was only held back gets an even one again.
///
/// Finds and keeps   the tree, inside a read section: VMA, tables and their locks outlive it.
/// Re-checks         the VMA's count, under the table's lock.
/// Falls back        to the semaphore at once when the count is odd, and after four attempts that failed.
/// Writer            holds the write side, and writes a word in each VMA that it changes, before it publishes.
/// Ordering          vmaseq.W1-vmaseq.R1, vmaseq.W1-vmaseq.R2: the latter through the table's lock.
/// Frees             as mm-seq.
/// Races             none. A change of one part of a VMA still makes faults in its other parts start again.
/// Kernel            speculative page faults v11 (L. Dufour, 2018): vm_sequence.
struct vma_seq : rcu_and_semaphore {
  static constexpr std::string_view name = "vma-seq";
  static constexpr std::string_view summary =
      "RCU and a sequence count per VMA: a fault starts again when its VMA has changed; then the lock";
  static constexpr unsigned attempts_until_lock = 4;
  static constexpr bool shares_records = false;

  class fault_guard : public fallback_guard {
   public:
    using fallback_guard::fallback_guard;
    [[nodiscard]] mm::kept keep(vm::vma& found) noexcept {
      before_ = found.word().load_acquire();  // vmaseq.R1 <- vmaseq.W1
      if (!is_odd(before_)) return mm::kept::yes;
      return found.state() == vm::life::dead ? mm::kept::again : mm::kept::lock;
    }
    [[nodiscard]] bool is_valid(const vm::vma& found, const auto&) const noexcept {
      // vmaseq.R2 <- vmaseq.W1: who comes to the lock after the writer sees the odd count
      return found.word().load_relaxed() == before_ || is_mutated(mutation::install_without_sequence_check);
    }

   private:
    std::uint32_t before_ = 0;
  };

  static void exclude(state&, vm::vma& which, vm::counters&) noexcept {
    if (is_mutated(mutation::change_without_counting)) return;
    which.word().fetch_or_acq_rel(1);  // vmaseq.W1 -> vmaseq.R1; vmaseq.W1 -> vmaseq.R2
  }
  static void admit(state&, vm::vma& which) noexcept {
    if (is_odd(which.word().load_relaxed())) which.word().fetch_add_release(1);  // vmaseq.W1 -> vmaseq.R1
  }

 private:
  [[nodiscard]] static constexpr bool is_odd(std::uint32_t count) noexcept { return (count & 1) != 0; }
};

}  // namespace rcuvm::designs
