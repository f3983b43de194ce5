// SPDX-License-Identifier: Apache-2.0
#pragma once

/// mm-seq: one sequence count over the address space.

#include <string_view>

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/designs/semaphore_guards.hpp"
#include "rcuvm/sync/seqcount.hpp"

namespace rcuvm::designs {

/// The sequence counter of LSFMM 2013, and of the speculative page faults of 2018 to 2022.
///
///   fault    read count ── find ── prepare ──┬─lock table: count as read?─┬─install─┐      no: again; at last with the semaphore
///   munmap   W=== count odd ── publish ── zap under the table locks ── count even ===W
///
/// Finds and keeps   the tree, inside a read section: VMA, tables and their locks outlive it whatever the count says.
/// Re-checks         the count, under the table's lock. A writer that came before has made it odd before it locked the table;
///                   one that comes later clears what was installed.
/// Falls back        to the semaphore at once when a writer is inside, and after four attempts that failed.
/// Writer            holds the write side; every change counts, wherever it is.
/// Frees             frames after the shootdown; nodes, VMAs and tables by limbo after a grace period.
/// Races             none, unless 2^31 changes come while one fault is under way: the count is as before then. The price: faults in
///                   one range fail because of changes in another (retries_spurious).
/// Kernel            never adopted for faults; mmap_lock_speculate_try_begin for uprobes.
struct mm_seq : rcu_and_semaphore {
  static constexpr std::string_view name = "mm-seq";
  static constexpr std::string_view summary =
      "RCU and one sequence count: a fault starts again when anything has changed; then the lock";
  static constexpr unsigned attempts_until_lock = 4;

  struct state : one_semaphore {
    using one_semaphore::one_semaphore;
    sync::seqcount changes;
  };

  class write_guard : public semaphore_write_guard {
   public:
    explicit write_guard(state& of) noexcept : semaphore_write_guard{of}, changes_{of.changes} {
      if (!is_mutated(mutation::change_without_counting)) changes_.begin_write();
    }
    ~write_guard() {
      if (!is_mutated(mutation::change_without_counting)) changes_.end_write();
    }
    write_guard(const write_guard&) = delete;
    write_guard& operator=(const write_guard&) = delete;

   private:
    sync::seqcount& changes_;
  };

  class fault_guard : public fallback_guard {
   public:
    fault_guard(state& of, bool takes_lock) noexcept
        : fallback_guard{of, takes_lock}, changes_{of.changes}, before_{changes_.begin_read()} {}
    [[nodiscard]] mm::kept keep(vm::vma&) noexcept {
      return sync::seqcount::is_writing(before_) ? mm::kept::lock : mm::kept::yes;
    }
    [[nodiscard]] bool is_valid(const vm::vma&, const auto&) const noexcept {
      if (is_mutated(mutation::narrow_sequence)) return (changes_.begin_read() - before_) % 4 == 0;
      return changes_.unchanged(before_) || is_mutated(mutation::install_without_sequence_check);
    }

   private:
    const sync::seqcount& changes_;
    sync::seqcount::value before_;
  };
};

}  // namespace rcuvm::designs
