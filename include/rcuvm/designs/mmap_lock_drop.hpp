// SPDX-License-Identifier: Apache-2.0
#pragma once

/// mmap-lock-drop: the semaphore is not held while a file is asked for a page.

#include <string_view>

#include "rcuvm/designs/mmap_lock.hpp"

namespace rcuvm::designs {

/// The wish of LSFMM 2013: no call into a filesystem under mmap_sem.
///
///   fault   R===find===R ·· file reads the page ·· R===find again, install===R
///   munmap                    W==========W          does not wait for the disk
///
/// Finds and keeps   the read side, as mmap-lock; nothing while the file reads, but the file itself. Where that has only fault_locked(),
///                   the read side again (vm/file.hpp).
/// Re-checks         all: it looks up again as if it came for the first time, and finds the page in the file's cache.
/// Writer, frees     as mmap-lock.
/// Races             none of its own. The lock order "inode lock, then semaphore" has no opposite any more, but in a fault_locked().
/// Kernel            FAULT_FLAG_ALLOW_RETRY, VM_FAULT_RETRY: since 2010 for page locks, for reads since 5.1.
struct mmap_lock_drop : mmap_lock {
  static constexpr std::string_view name = "mmap-lock-drop";
  static constexpr std::string_view summary =
      "one rwsem, let go while a file reads a page; then everything is looked up again";
  static constexpr bool drops_for_files = true;
};

}  // namespace rcuvm::designs
