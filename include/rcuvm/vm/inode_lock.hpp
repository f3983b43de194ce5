// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The lock of a file's contents, whole or range by range.

#include <cstdint>

#include "rcuvm/base/address.hpp"
#include "rcuvm/base/mutation.hpp"
#include "rcuvm/base/range.hpp"
#include "rcuvm/sync/annotations.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/sync/range_lock.hpp"

namespace rcuvm::vm {

/// Held by read and write, by what takes pages out, and by the fault that reads a page where the file system wants it.
///
///   whole     write [0, 1) ├───────────────┤ fault that reads page 5 ├──┤
///   ranges    write [0, 1) ├───────────────┤
///             fault that reads page 5 ├──┤      side by side; page 0 waits
///
/// Protects   a write from the reads beside it. The page cache has a lock of its own.
/// Ordering   Two that want different pages never wait for each other, whatever else they hold: the inversion with mmap_lock is gone
///            between them (explore: inode-ranges). Two that want each other's pages can still deadlock (explore: copy-crosswise).
/// Kernel     i_mutex, now i_rwsem; the ranges as J. Kara proposed them in 2013 for this very inversion.
class inode_lock {
 public:
  enum class kind : std::uint8_t { whole, ranges };
  static constexpr range everything = {0, ~std::uint64_t{0}};

  inode_lock() = default;
  inode_lock(const inode_lock&) = delete;
  inode_lock& operator=(const inode_lock&) = delete;

  /// Only while nobody uses the file.
  void set_kind(kind to) noexcept { kind_ = to; }

  /// RAII: holds the pages of `bytes`.
  class section {
   public:
    section(inode_lock& of, range bytes) noexcept RCUVM_NO_THREAD_SAFETY_ANALYSIS : of_{of} {
      if (of_.is_whole()) {
        of_.whole_.lock();
      } else {
        of_.ranges_.lock(held_, pages_of(bytes));
      }
    }
    ~section() RCUVM_NO_THREAD_SAFETY_ANALYSIS {
      if (of_.is_whole()) {
        of_.whole_.unlock();
      } else {
        of_.ranges_.unlock(held_);
      }
    }
    section(const section&) = delete;
    section& operator=(const section&) = delete;

   private:
    inode_lock& of_;
    sync::range_lock::entry held_;  ///< ranges only
  };

 private:
  [[nodiscard]] bool is_whole() const noexcept {
    return kind_ == kind::whole || is_mutated(mutation::lock_inode_whole);
  }
  [[nodiscard]] static constexpr range pages_of(range bytes) noexcept {
    const std::uint64_t end = page_ceil(bytes.end);
    return {page_floor(bytes.start), end < bytes.end ? everything.end : end};
  }

  kind kind_ = kind::whole;  ///< guard: set before the file is used
  sync::mutex whole_;
  sync::range_lock ranges_;
};

}  // namespace rcuvm::vm
