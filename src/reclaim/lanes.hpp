// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The way of a batch from its writer to the reclaimer.

#include <array>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstddef>
#include <cstdint>

#include "rcuvm/reclaim/retire.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/checked.hpp"
#include "rcuvm/sync/clock.hpp"
#include "rcuvm/sync/thread.hpp"
#include "rcuvm/sync/tsan.hpp"

namespace rcuvm::reclaim::detail {

///   writers            lanes                        collector
///   claim a free one   [busy | ring of batches] -->
///   push, release      [busy | ring of batches] --> pops all rings
///                      ...
///
/// Protects   the batches on their way; each is owned by its writer before, by the collector after.
/// Writers    any number: each claims a lane for one push. Progress: lock-free but for the claim, which is tried and
///            never waited for.
/// Collector  one at a time, under the limbo's mutex.
/// Ordering   lanes.W1-lanes.R1: the claim hands the writer's side of a ring from writer to writer.
///            lanes.W2-lanes.R2: the batch from writer to collector (inside Boost's ring; told to TSan here).
/// Why        Boost's multi-writer queue would do, but its fixed-size form tells reused nodes apart by 16 bits only, so
///            a writer that sleeps in the middle of a push can corrupt it; its ring has no such case, and costs one
///            read-modify-write (the claim) instead of three.
class lanes {
 public:
  /// False: no lane is free or the writer's is full; the batch stays with the caller.
  [[nodiscard]] bool push(retire_block* batch) noexcept {
    const std::size_t start = home_of(sync::current_thread_key());
    for (std::size_t step = 0; step != lane_count; ++step) {
      lane& here = lanes_[(start + step) % lane_count];
      if (here.is_busy.exchange_acquire(1) != 0) continue;  // lanes.R1 <- lanes.W1
      sync::tsan::release(batch);                           // lanes.W2 -> lanes.R2
      sync::checked::use(&here.ring, sizeof here.ring, sync::checked::access::update);
      const bool pushed = here.ring.push(batch);
      here.is_busy.store_release(0);  // lanes.W1 -> lanes.R1
      return pushed;
    }
    return false;
  }

  /// Gives all batches to `take`, in no particular order, each with a time at which it had been pushed: the ring looks
  /// once for what it holds, before the first of its batches, so one look at the clock does for them all.
  template <class Take>
  void collect(Take take) noexcept {
    for (lane& here : lanes_) {
      std::uint64_t seen_at_ns = 0;
      sync::checked::use(&here.ring, sizeof here.ring, sync::checked::access::update);
      here.ring.consume_all([&take, &seen_at_ns](retire_block* batch) {
        sync::tsan::acquire(batch);  // lanes.R2 <- lanes.W2
        if (seen_at_ns == 0) seen_at_ns = sync::now_ns();
        take(batch, seen_at_ns);
      });
    }
  }

 private:
  static constexpr unsigned lane_bits = sync::checked::sized(3U, 1U);
  static constexpr std::size_t lane_count = std::size_t{1} << lane_bits;
  static constexpr std::size_t lane_capacity = sync::checked::sized(1024U, 4U);

  /// Multiplicative hashing (Knuth, TAOCP 6.4): thread keys are addresses a stack's size apart.
  [[nodiscard]] static std::size_t home_of(std::uint64_t thread_key) noexcept {
    return static_cast<std::size_t>((thread_key * 0x9e37'79b9'7f4a'7c15U) >> (64U - lane_bits));
  }

  struct alignas(64) lane {
    sync::atomic<std::uint32_t> is_busy{0};
    boost::lockfree::spsc_queue<retire_block*, boost::lockfree::capacity<lane_capacity>> ring;
  };

  std::array<lane, lane_count> lanes_;
};

}  // namespace rcuvm::reclaim::detail
