// SPDX-License-Identifier: Apache-2.0
#pragma once

/// mmap-lock: one reader-writer semaphore over everything.

#include <span>
#include <string_view>
#include <utility>

#include "rcuvm/base/range.hpp"
#include "rcuvm/maple_tree.hpp"
#include "rcuvm/reclaim/limbo.hpp"
#include "rcuvm/sync/rwsem.hpp"
#include "rcuvm/vm/counters.hpp"
#include "rcuvm/vm/vma.hpp"

namespace rcuvm::designs {

/// What Linux did up to 6.3: the baseline.
///
///   fault, walk chunk   R========R            R====R
///   munmap                        W==========W        waits for every reader, every reader waits for it
///
/// Finds and keeps   the semaphore's read side is held from the look-up to the end of the fault or the walk chunk.
/// Re-checks         nothing can have changed.
/// Writer            holds the write side from plan to dispose.
/// Frees             VMAs, nodes and tables at once: nobody else is inside. Frames after the TLB shootdown.
/// Races             none of its own; a chunked walk is only as consistent as its chunks (G1, G3).
/// Kernel            mm->mmap_lock (mmap_sem). Here munmap does not downgrade to the read side while it zaps.
struct mmap_lock {
  static constexpr std::string_view name = "mmap-lock";
  static constexpr std::string_view summary =
      "one rwsem: readers and writers exclude each other; frees at once";
  static constexpr bool leaves_tombstones = false;

  struct state {
    sync::rwsem semaphore;
  };

  class read_guard {
   public:
    explicit read_guard(state& of) noexcept : held_{of.semaphore} {}
    [[nodiscard]] const sync::shared_section& section() const noexcept { return held_; }

   private:
    sync::shared_section held_;
  };

  class write_guard {
   public:
    explicit write_guard(state& of) noexcept : held_{of.semaphore} {}
    [[nodiscard]] const sync::write_section& section() const noexcept { return held_; }

   private:
    sync::write_section held_;
  };

  /// For a call that takes pages away but leaves the mappings (madvise DONTNEED): beside faults, as in the kernel.
  using zap_guard = read_guard;

  static void begin_change(state&, maple_tree<vm::vma>&, write_guard&, reclaim::limbo&) noexcept {}
  static bool wait_until_free(state&, maple_tree<vm::vma>&, write_guard&, reclaim::limbo&, range,
                              vm::counters&) noexcept {
    return false;
  }
  static void take_over(state&, range) noexcept {}
  static void quiesce(state&, vm::counters&) noexcept {}
  static void dispose(state&, reclaim::retire_list&& old, std::span<const range>, reclaim::limbo&) noexcept {
    old.free_now();
  }
  static void drain(state&, reclaim::limbo&) noexcept {}
};

}  // namespace rcuvm::designs
