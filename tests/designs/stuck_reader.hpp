// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A thread that stays inside a read section until it is told to leave.

#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/thread.hpp"
#include "tests/sync/eventually.hpp"

namespace rcuvm::designs::testing {

class stuck_reader {
 public:
  /// Returns when the reader is inside.
  stuck_reader() {
    while (is_inside_.load_acquire() == 0) sync::sleep_ns(100'000);
  }
  ~stuck_reader() { leave(); }

  void leave() {
    may_leave_.store_release(1);
    thread_.join();
  }

 private:
  sync::atomic<std::uint32_t> is_inside_{0};
  sync::atomic<std::uint32_t> may_leave_{0};
  sync::thread thread_{"stuck", [this] {
                         const sync::rcu::read_section section;
                         is_inside_.store_release(1);
                         while (may_leave_.load_acquire() == 0) sync::sleep_ns(100'000);
                       }};
};

/// A call on a thread of its own, to see whether it returns.
class other_call {
 public:
  template <class Body>
  explicit other_call(Body body)
      : thread_{"call", [this, body = std::move(body)]() mutable {
                  body();
                  has_returned_.store_release(1);
                }} {}

  [[nodiscard]] bool has_returned() const { return has_returned_.load_acquire() == 1; }
  /// Watches for a while that it does not.
  [[nodiscard]] bool waits() const {
    sync::sleep_ns(tests::a_while_ns);
    return !has_returned();
  }
  [[nodiscard]] bool returns() {
    return tests::eventually([this] { return has_returned(); });
  }

 private:
  sync::atomic<std::uint32_t> has_returned_{0};
  sync::thread thread_;
};

}  // namespace rcuvm::designs::testing
