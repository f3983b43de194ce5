// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A lock on ranges: holders of ranges that do not overlap are inside side by side.

#include "rcuvm/base/range.hpp"
#include "rcuvm/sync/mutex.hpp"

namespace rcuvm::sync {

/// First come, first served: who waits in line is passed by nobody that wants some of the same.
///
///   in order of arrival   [0, 4) held   [8, 9) held   [2, 9) waits for both   [3, 5) waits for the first and the third
///
/// Protects   what its user says. A range is held by whoever made its entry; no entry is locked twice.
/// Progress   blocking, fair in line. Who has to wait spins (spin.hpp) before it goes into line. Sleeps are offline (rcu.hpp).
/// Cost       a mutex, and a look at each entry: as many as there are threads inside at most. Allocates nothing.
/// Source     range locks of J. Kara (2013) and D. Bueso (2017) for Linux, there on an interval tree.
class range_lock {
 public:
  /// A range that is held or waited for; lives with its owner, who unlocks it before it ends.
  class entry {
   public:
    entry() noexcept = default;
    entry(const entry&) = delete;
    entry& operator=(const entry&) = delete;

   private:
    friend class range_lock;
    range where_;             ///< guard: lock_ of its range_lock
    entry* later_ = nullptr;  ///< guard: the same
  };

  range_lock() noexcept = default;
  range_lock(const range_lock&) = delete;
  range_lock& operator=(const range_lock&) = delete;

  void lock(entry& as, range where) noexcept;
  /// False: somebody holds some of `free` or waits for it, which contains `where`.
  [[nodiscard]] bool try_lock(entry& as, range where, range free) noexcept;
  void unlock(entry& held) noexcept;

  /// Does somebody hold some of `where`, or wait for it? `except` is not asked about.
  [[nodiscard]] bool is_wanted(range where, const entry* except = nullptr) noexcept;
  /// Waits until nobody holds some of `where` or waits for it; in line with others if that takes long.
  void wait_until_free(range where) noexcept;

 private:
  /// Is `where` wanted by an entry that came before `end`? Null: by any.
  [[nodiscard]] bool is_wanted_before(const entry* end, range where) const noexcept;
  void append(entry& as, range where) noexcept;
  void wait_in_line(entry& as, range where) noexcept;
  /// False: after a while it is still wanted.
  [[nodiscard]] bool spin_until_free(range where) noexcept;

  mutex lock_;
  condition gone_;          ///< one has been unlocked
  entry* first_ = nullptr;  ///< guard: lock_; in order of arrival
  unsigned waiting_ = 0;    ///< guard: lock_
};

}  // namespace rcuvm::sync
