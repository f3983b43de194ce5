// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Zaps that leave their shootdown to the cpus' next ticks.

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "rcuvm/base/check.hpp"
#include "rcuvm/base/mutation.hpp"
#include "rcuvm/base/range.hpp"
#include "rcuvm/sync/checked.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/vm/frame.hpp"
#include "rcuvm/vm/open_zaps.hpp"

namespace rcuvm::vm {

/// The frames of an address space that no PTE has any more, and some TLB may have.
///
///   munmap     open ── clear PTEs ── leave: asks for a sweep, does its own, returns     a later call: all have swept ── close, free
///   other cpu  ·········· still uses its translation ········ tick: sweeps ·············┘
///
/// Protects   frames: none is freed before each cpu of the address space has swept after its PTE was cleared, or was shot at.
///            A zap stays open until then: who puts a page or a mapping where one is open, shoots down first. So new pages and
///            mappings are as safe as ever.
/// The price  after munmap or DONTNEED has returned, another cpu may still reach the old page until its next tick: F1 as its
///            program sees it is given up (explore: late-access). Frames come back later, and as many zaps as there are places wait
///            at most: with all taken, as on cpus that never tick, a call shoots down for all.
/// Ordering   sweep.S1-sweep.S2: a cpu that sweeps as asked sees the PTEs cleared; sweep.S3-sweep.S4: its accesses before are over.
/// Threads    any. Cost: two locks a zap, and a look at each cpu's TLB.
/// Source     LATR (Kumar et al., ASPLOS 2018). There munmap keeps the addresses, too, until all have swept; here they may be mapped
///            at once, for a shootdown.
class lazy_zaps {
 public:
  static constexpr std::size_t most_frames = 64;

  /// One zap; it is open from take() to collect() or give_back().
  class place {
   public:
    open_zaps::zap zap;

   private:
    friend class lazy_zaps;
    std::uint64_t sweep_ = 0;                         ///< guard: lock_; what it waits for
    std::uint32_t count_ = 0;                         ///< guard: lock_
    place* next_ = nullptr;                           ///< guard: lock_
    std::array<frame_number, most_frames> frames_{};  ///< guard: lock_
  };

  /// Throws std::bad_alloc.
  explicit lazy_zaps(bool is_used) : places_{is_used ? std::make_unique<place[]>(place_count) : nullptr} {
    if (!is_used) return;
    for (place& each : std::span{places_.get(), place_count}) give_back(each);
  }

  /// Null: all are taken, or none is used.
  [[nodiscard]] place* take() noexcept {
    if (places_ == nullptr) return nullptr;
    const sync::mutex_guard held{lock_};
    place* const got = free_;
    if (got != nullptr) free_ = got->next_;
    return got;
  }
  /// For a zap that needs no place any more, and is closed.
  void give_back(place& one) noexcept {
    const sync::mutex_guard held{lock_};
    one.next_ = free_;
    free_ = &one;
  }
  /// The zap has cleared its PTEs: the frames wait for the sweep that ask() numbers.
  template <class Ask>
  void leave(place& one, std::span<const frame_number> frames, Ask ask) noexcept {
    RCUVM_ASSERT(frames.size() <= most_frames, "a lazy zap of too many frames");
    const sync::mutex_guard held{lock_};
    std::copy(frames.begin(), frames.end(), one.frames_.begin());
    one.count_ = static_cast<std::uint32_t>(frames.size());
    one.sweep_ = ask();
    one.next_ = nullptr;
    (last_ == nullptr ? first_ : last_->next_) = &one;
    last_ = &one;
  }
  /// Is a zap waiting for a sweep?
  [[nodiscard]] bool any_left() noexcept {
    if (places_ == nullptr) return false;
    const sync::mutex_guard held{lock_};
    return first_ != nullptr;
  }
  /// Closes the zaps that wait for sweep `done` or one before, and calls free(frame) for each of their frames.
  template <class Free>
  void collect(std::uint64_t done, open_zaps& among, Free free) noexcept {
    while (place* const one = first_until(done)) {
      among.close(one->zap);
      for (const frame_number each : std::span{one->frames_}.first(one->count_)) free(each);
      give_back(*one);
    }
  }

 private:
  static constexpr std::size_t place_count = sync::checked::sized(64U, 2U);

  [[nodiscard]] place* first_until(std::uint64_t done) noexcept {
    if (places_ == nullptr) return nullptr;
    const sync::mutex_guard held{lock_};
    place* const one = first_;
    if (one == nullptr || (one->sweep_ > done && !is_mutated(mutation::free_before_sweep))) return nullptr;
    first_ = one->next_;
    if (first_ == nullptr) last_ = nullptr;
    return one;
  }

  const std::unique_ptr<place[]>
      places_;  ///< guard: immutable (the array); null where shootdowns are not lazy
  sync::mutex lock_;
  place* free_ = nullptr;   ///< guard: lock_
  place* first_ = nullptr;  ///< guard: lock_; those that wait, by their sweeps
  place* last_ = nullptr;   ///< guard: lock_
};

}  // namespace rcuvm::vm
