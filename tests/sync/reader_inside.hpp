// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A reader for tests that keeps a grace period waiting.

#include <string>
#include <utility>

#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/rcu.hpp"
#include "rcuvm/sync/thread.hpp"

namespace rcuvm::tests {

/// A thread that is inside a read section from the end of the constructor until leave() or the destructor.
class reader_inside {
 public:
  explicit reader_inside(std::string name = "reader")
      : reader_{std::move(name), [this] {
                  const sync::rcu::read_section section;
                  is_inside_.store_release(true);
                  while (!may_leave_.load_acquire()) sync::sleep_ns(100'000);
                }} {
    while (!is_inside_.load_acquire()) sync::sleep_ns(100'000);
  }
  ~reader_inside() { leave(); }
  reader_inside(const reader_inside&) = delete;
  reader_inside& operator=(const reader_inside&) = delete;

  void leave() {
    tell_to_leave();
    reader_.join();
  }

  /// Does not wait until it has left.
  void tell_to_leave() { may_leave_.store_release(true); }

 private:
  sync::atomic<bool> is_inside_{false};
  sync::atomic<bool> may_leave_{false};
  sync::thread reader_;
};

}  // namespace rcuvm::tests
