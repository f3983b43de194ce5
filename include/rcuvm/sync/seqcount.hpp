// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Sequence count: lets a reader notice that a writer was at work, and try again.

#include <cstdint>

#include "rcuvm/base/check.hpp"
#include "rcuvm/sync/atomic.hpp"

namespace rcuvm::sync {

///   even --begin_write--> odd --end_write--> even+2
///
///   writer                                reader
///   begin_write   count = odd    (W1)     begin_read   v = count      (R1)
///                 release fence           ...          relaxed loads of the data
///   ...           relaxed stores          unchanged    acquire fence
///   end_write     count = even+2 (W2)                  count == v ?   (R2)
///
/// Protects   fields of type sync::atomic only, accessed relaxed; no pointer read under it is followed before
///            unchanged() has said true.
/// Writers    one at a time, under the caller's lock.
/// Readers    any number. Progress: wait-free, no stores; a retry loop around it is the caller's.
/// Ordering   seq.W1-seq.R2: who read data of a writer sees its odd count. seq.W2-seq.R1: who sees the even count
///            sees all of its data (Boehm, MSPC 2012, fig. 6).
/// Kernel     seqcount_t.        Cost: two loads to read, two stores to write.
class seqcount {
 public:
  using value = std::uint32_t;

  [[nodiscard]] static constexpr bool is_writing(value count) noexcept { return (count & 1U) != 0; }

  /// Start of a read. Odd (is_writing): a writer is inside; the caller waits or falls back.
  [[nodiscard]] value begin_read() const noexcept {
    return count_.load_acquire();  // seq.R1 <- seq.W2
  }

  /// End of a read: true when no writer was at work since begin_read gave `before`.
  [[nodiscard]] bool unchanged(value before) const noexcept {
#ifdef RCUVM_TSAN
    return count_.fetch_add_acq_rel(0) == before;  // seq.R2 <- seq.W1, as an RMW since TSan models no fence
#else
    acquire_fence();  // seq.R2 <- seq.W1
    return count_.load_relaxed() == before;
#endif
  }

  void begin_write() noexcept {
    const value before = count_.load_relaxed();
    RCUVM_ASSERT(!is_writing(before), "seqcount: two writers at once");
    count_.store_relaxed(before + 1);
    release_fence();  // seq.W1 -> seq.R2
  }

  void end_write() noexcept {
    const value before = count_.load_relaxed();
    RCUVM_ASSERT(is_writing(before), "seqcount: end_write without begin_write");
    count_.store_release(before + 1);  // seq.W2 -> seq.R1
  }

 private:
  mutable atomic<value> count_{
      0};  ///< guard: stored by the one writer; mutable for the TSan form of unchanged()
};

}  // namespace rcuvm::sync
