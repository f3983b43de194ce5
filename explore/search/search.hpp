// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Who runs next: the one question that all searches answer.

#include <array>
#include <bit>
#include <cstdint>
#include <string>

#include "explore/engine/clock.hpp"
#include "explore/engine/step.hpp"

namespace rcuvm::explore {

/// Virtual threads, one bit each.
using thread_set = std::uint32_t;

[[nodiscard]] constexpr bool has(thread_set set, int thread) noexcept {
  return thread >= 0 && ((set >> thread) & 1U) != 0;
}
[[nodiscard]] constexpr thread_set only(int thread) noexcept { return thread_set{1} << thread; }
/// std::has_single_bit is a call into libgcc, on processors older than 2008.
[[nodiscard]] constexpr bool is_one(thread_set set) noexcept { return set != 0 && (set & (set - 1)) == 0; }

/// By a table: the baseline x86-64 has no instruction for it, and a library call at every step shows.
[[nodiscard]] inline int count_of(thread_set set) noexcept {
  static constexpr auto counts = [] {
    std::array<std::uint8_t, thread_set{1} << max_threads> made{};
    for (unsigned i = 0; i != made.size(); ++i) made[i] = static_cast<std::uint8_t>(std::popcount(i));
    return made;
  }();
  return counts[set];
}

/// A moment at which somebody has to be chosen.
struct moment {
  thread_set enabled;
  thread_set alive;
  int current;  ///< who ran last; -1: that thread has ended
  int threads;
  const std::array<step, max_threads>& next;  ///< what each would do
};

/// A choice of prune() instead of a thread.
inline constexpr int nobody = -1;
/// A pick where the run is not the one that was seen before: the scenario is not deterministic.
inline constexpr int lost = -2;

/// A choose() in a list of decisions, beside threads, which are not negative.
[[nodiscard]] constexpr int decision_of_choice(int value) noexcept { return -1 - value; }

/// Who runs when nothing speaks against it: the current thread goes on, else the lowest.
[[nodiscard]] constexpr int default_pick(const moment& m) noexcept {
  return has(m.enabled, m.current) ? m.current : std::countr_zero(m.enabled);
}

/// One search: it is asked at each moment of a run, and told of each step.
class search {
 public:
  search() = default;
  virtual ~search() = default;
  search(const search&) = delete;
  search& operator=(const search&) = delete;

  virtual void begin_run() = 0;
  /// One of m.enabled; or `nobody`: what follows here has been seen, the run can be left.
  virtual int pick(const moment& m) = 0;
  /// One of [0, count): which of several waiters is woken.
  virtual int choose(int count) = 0;
  /// `thread` begins with what it was given clock `order` for: what of other threads came before by conflicts and by
  /// waits. Its own entry is set here. Only a reduction needs it.
  virtual void wait_is_over(int /*thread*/, const clock& /*came_before*/) {}
  [[nodiscard]] virtual clock order_of(int /*thread*/) const { return {}; }
  /// The try_lock() that was picked last has got its lock.
  virtual void took_lock(sharing /*how*/) {}
  /// The run is cut short at this moment: failed, or pruned, or over its limit of steps.
  virtual void stopped(const moment& /*m*/) {}
  /// False: there is nothing left to search.
  virtual bool end_run() = 0;
  /// Is an end of end_run() a proof up to the search's bound?
  [[nodiscard]] virtual bool is_exhaustive() const { return false; }
};

}  // namespace rcuvm::explore
