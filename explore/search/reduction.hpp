// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One schedule of each class of schedules that differ in the order of independent steps only.

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "explore/search/search.hpp"

namespace rcuvm::explore {

/// Dynamic partial-order reduction with source sets and sleep sets.
///
///   past       t0 t1 t2 ... ti ......... p's next step conflicts with ti, and nothing orders the two
///   node of ti {who could run}  <- who could begin a run in which p's step comes first is to be tried there, too
///   sleep set  who has been tried already, as long as nothing dependent has happened since
///
/// Exhaustive without a bound on preemptions. Checked against depth-first search in tests/explore/reduction_test.cpp.
/// A free conflicts with every step inside the bytes freed. A taking of a lock conflicts with the last takings, not with
/// the unlock that it waits for, nor with a try_lock() that failed: neither can come after it.
/// Source: Abdulla, Aronis, Jonsson, Sagonas, Optimal Dynamic Partial Order Reduction, POPL 2014 (algorithm 1).
class reduction final : public search {
 public:
  reduction();

  void begin_run() override;
  int pick(const moment& m) override;
  int choose(int count) override;
  void wait_is_over(int thread, const clock& came_before) override {
    order_[static_cast<unsigned>(thread)].join(came_before);
  }
  [[nodiscard]] clock order_of(int thread) const override { return order_[static_cast<unsigned>(thread)]; }
  void took_lock(sharing how) override;
  void stopped(const moment& m) override;
  bool end_run() override;
  [[nodiscard]] bool is_exhaustive() const override { return true; }

 private:
  static constexpr int none = -1;

  struct node {
    thread_set enabled = 0;
    thread_set sleep = 0;
    thread_set wanted = 0;  ///< to be tried: the backtrack set
    thread_set tried = 0;
    int chosen = 0;
    int choices = 0;  ///< not 0: a choose()
    std::array<step, max_threads> next{};
  };
  struct event {
    int thread;
    std::size_t node;
    clock order;  ///< of each thread, how many events (by index) are before this one or are it
  };
  /// Who has touched an object.
  struct accesses {
    span_of_bytes where;
    int write = none;
    int unlock = none;  ///< of a lock, the last exclusive one, as is
    int take = none;
    std::array<int, max_threads> shared_take{};  ///< since then
    std::array<int, max_threads> read{};
    clock write_order;
    clock read_order;
  };
  struct freed {
    span_of_bytes where;
    int by;
  };

  accesses& accesses_to(span_of_bytes where);
  template <class F>
  void for_each_access(const step& of, F f);
  void find_races(int thread, const step& of);
  void note_take(accesses& to, sharing how, int thread, int index);
  void reverse(std::size_t before, int thread, const step& of);
  void happen(int thread, const step& what);

  std::vector<node> path_;
  std::size_t depth_ = 0;
  thread_set sleep_ = 0;  ///< of the next node
  std::vector<event> past_;
  std::array<clock, max_threads> order_{};
  std::vector<accesses> accesses_;
  std::unique_ptr<std::uint32_t[], void (*)(void*)> access_at_;  ///< index + 1 by offset / 4
  std::vector<freed> frees_;
  span_of_bytes last_touched_;
  std::vector<std::size_t> kept_;
  int threads_ = 0;
};

}  // namespace rcuvm::explore
