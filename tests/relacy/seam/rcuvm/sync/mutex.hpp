// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Stands in for include/rcuvm/sync/mutex.hpp, on Relacy's mutex and condition variable.

#include "tests/relacy/seam/engine.hpp"

namespace rcuvm::sync {

class mutex {
 public:
  mutex() noexcept = default;
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  void lock(relacy::place where = relacy::place::current()) noexcept { native_.lock(relacy::info_of(where)); }
  [[nodiscard]] bool try_lock(relacy::place where = relacy::place::current()) noexcept {
    return native_.try_lock(relacy::info_of(where));
  }
  void unlock(relacy::place where = relacy::place::current()) noexcept {
    native_.unlock(relacy::info_of(where));
  }

 private:
  friend class condition;
  rl::mutex native_;
};

class mutex_guard {
 public:
  explicit mutex_guard(mutex& held) noexcept : mutex_{held} { mutex_.lock(); }
  ~mutex_guard() { mutex_.unlock(); }
  mutex_guard(const mutex_guard&) = delete;
  mutex_guard& operator=(const mutex_guard&) = delete;

 private:
  friend class condition;
  mutex& mutex_;
};

class condition {
 public:
  void wait(mutex_guard& guard, relacy::place where = relacy::place::current()) noexcept {
    native_.wait(guard.mutex_.native_, relacy::info_of(where));
  }
  void notify_one(relacy::place where = relacy::place::current()) noexcept {
    native_.notify_one(relacy::info_of(where));
  }

 private:
  rl::condition_variable native_;
};

}  // namespace rcuvm::sync
