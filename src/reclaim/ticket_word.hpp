// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The two words between the writers and the reclaimer: which tickets were taken, and which are over.

#include <cstdint>

#include "rcuvm/sync/atomic.hpp"

namespace rcuvm::reclaim::detail {

///   writer                        taken            reclaimer
///                                 [n  | awake ]
///                                 [n  | asleep] <--sleep_after(n)-- n is over: all that was taken
///   take() --> n+1, asleep        [n+1| asleep]                     sleeps under the limbo's mutex
///   under the mutex: wake()       [n+1| awake ]     notified --->   works
///
/// Protects   the reclaimer's sleep: it never sleeps while a ticket is taken and not over, unless its taker is on the way
///            to wake it.
/// Invariants a ticket is given once; the numbers have no gap; asleep is set by the reclaimer alone, and only when the
///            last ticket taken is over.
/// Writers    take: any thread. wake: any thread, under the limbo's mutex. Progress: lock-free.
/// Reclaimer  sleep_after: one thread, under the limbo's mutex.
/// Ordering   limbo.W3-limbo.R3: who takes a ticket finds the reclaimer asleep, or the reclaimer finds the ticket. That
///            follows from all changes being read-modify-writes of one word, so they are relaxed: nothing else is handed
///            over here (the batches go through the lanes, the sleep through the mutex).
/// Cost       take: one read-modify-write.
class ticket_word {
 public:
  using ticket = std::uint64_t;  ///< counts from 1; 0 is over from the start

  struct taken {
    ticket number;
    bool found_asleep;  ///< the taker must wake()
  };

  [[nodiscard]] taken take() noexcept {
    const std::uint64_t before = word_.fetch_add_relaxed(one_ticket);  // limbo.W3 -> limbo.R3
    return {.number = before / one_ticket + 1, .found_asleep = (before & asleep) != 0};
  }
  [[nodiscard]] ticket last_taken() const noexcept { return word_.load_relaxed() / one_ticket; }

  /// False: a ticket after `last_over` was taken, there is work.
  [[nodiscard]] bool sleep_after(ticket last_over) noexcept {
    std::uint64_t all_over = last_over * one_ticket;
    return word_.cas_relaxed(all_over, all_over | asleep);  // limbo.R3 <- limbo.W3
  }
  [[nodiscard]] bool is_asleep() const noexcept { return (word_.load_relaxed() & asleep) != 0; }
  void wake() noexcept {
    std::uint64_t seen = word_.load_relaxed();
    while ((seen & asleep) != 0) {
      if (word_.cas_relaxed(seen, seen & ~asleep)) return;  // limbo.W3 -> limbo.R3
    }
  }

 private:
  static constexpr std::uint64_t asleep = 1;      ///< the reclaimer sleeps: who takes a ticket wakes it
  static constexpr std::uint64_t one_ticket = 2;  ///< the tickets count above that bit

  sync::atomic<std::uint64_t> word_{0};  ///< guard: atomic
};

///   reclaimer   frees batch 1 | raise_to(1) (W2) | frees batch 2 | raise_to(2) (W2) ...
///   waiter      is_over(1) (R2): what the free functions of batch 1 did is done
///
/// Protects   what free functions write, for those who wait for them.
/// Writers    the reclaimer.
/// Readers    any number. Progress: wait-free.
/// Ordering   limbo.W2-limbo.R2: the free functions of a batch, before its ticket is over.
class over_word {
 public:
  using ticket = ticket_word::ticket;

  [[nodiscard]] bool is_over(ticket taken) const noexcept {
    return word_.load_acquire() >= taken;  // limbo.R2 <- limbo.W2
  }
  /// The last ticket that is over, for the reclaimer.
  [[nodiscard]] ticket last_by_reclaimer() const noexcept { return word_.load_relaxed(); }
  void raise_to(ticket freed) noexcept {
    word_.store_release(freed);  // limbo.W2 -> limbo.R2
  }

 private:
  sync::atomic<ticket> word_{0};  ///< guard: stored by the reclaimer
};

}  // namespace rcuvm::reclaim::detail
