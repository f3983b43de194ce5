// SPDX-License-Identifier: Apache-2.0
#pragma once

/// mmap-lock: one reader-writer semaphore over everything.

#include <span>
#include <string_view>

#include "rcuvm/designs/semaphore_guards.hpp"
#include "rcuvm/reclaim/limbo.hpp"

namespace rcuvm::designs {

/// What Linux did up to 6.3: the baseline.
///
///   fault, walk chunk   R========R            R====R
///   munmap                        W==========W        waits for every reader, every reader waits for it
///
/// Finds and keeps   the semaphore's read side is held from the look-up to the end of the fault or the walk chunk.
/// Re-checks         nothing can have changed.
/// Writer            holds the write side from plan to the end of the page work.
/// Frees             VMAs, nodes and tables after it, at once: nobody inside can have found them. Frames after the TLB shootdown.
/// Races             none of its own; a chunked walk is only as consistent as its chunks (G1, G3).
/// Kernel            mm->mmap_lock (mmap_sem). Here munmap does not downgrade to the read side while it zaps.
struct mmap_lock : common {
  static constexpr std::string_view name = "mmap-lock";
  static constexpr std::string_view summary =
      "one rwsem: readers and writers exclude each other; frees at once";
  static constexpr bool drops_for_files = false;

  using state = one_semaphore;
  using read_guard = semaphore_read_guard;
  using fault_guard = semaphore_fault_guard;
  using write_guard = semaphore_write_guard;
  using steady_guard = semaphore_read_guard;

  static void dispose(reclaim::retire_list&& old, reclaim::limbo&) noexcept { old.free_now(); }
};

}  // namespace rcuvm::designs
