// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Mutex, condition, and the token of the one writer.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "rcuvm/base/check.hpp"
#include "rcuvm/sync/annotations.hpp"
#include "rcuvm/sync/checked.hpp"

namespace rcuvm::sync {

class rwsem;

/// Mutual exclusion. A thread that has to wait for it spins for a while (spin.hpp), and then sleeps offline (rcu.hpp): the holder
/// may wait for a grace period, which an online qsbr thread would hold up for ever.
/// Kernel: struct mutex.
class RCUVM_CAPABILITY("mutex") mutex {
 public:
  constexpr mutex() noexcept = default;
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  void lock() noexcept RCUVM_ACQUIRE() RCUVM_NO_THREAD_SAFETY_ANALYSIS {
    if (checked::is_running()) return checked::current().lock(this, checked::sharing::exclusive);
    if (!try_native()) lock_slowly();
  }
  [[nodiscard]] bool try_lock() noexcept RCUVM_TRY_ACQUIRE(true) RCUVM_NO_THREAD_SAFETY_ANALYSIS {
    if (checked::is_running()) return checked::current().try_lock(this, checked::sharing::exclusive);
    return try_native();
  }
  void unlock() noexcept RCUVM_RELEASE() RCUVM_NO_THREAD_SAFETY_ANALYSIS {
    if (checked::is_running()) return checked::current().unlock(this, checked::sharing::exclusive);
    is_held_.store(false, std::memory_order_relaxed);
    native_.unlock();
  }

 private:
  friend class condition;
  /// As long as a condition waits, its mutex is not held.
  class let_go {
   public:
    explicit let_go(mutex& of) noexcept : of_{of} { of_.is_held_.store(false, std::memory_order_relaxed); }
    ~let_go() { of_.is_held_.store(true, std::memory_order_relaxed); }
    let_go(const let_go&) = delete;
    let_go& operator=(const let_go&) = delete;

   private:
    mutex& of_;
  };

  void lock_slowly() noexcept;
  [[nodiscard]] bool try_native() noexcept {
    const bool got = native_.try_lock();
    if (got) is_held_.store(true, std::memory_order_relaxed);
    return got;
  }

  std::mutex native_;
  std::atomic<bool> is_held_{false};  ///< what a spinning thread looks at. guard: stored by the holder
};

/// Holds a mutex for a scope.
class RCUVM_SCOPED_CAPABILITY mutex_guard {
 public:
  explicit mutex_guard(mutex& held) noexcept RCUVM_ACQUIRE(held) : mutex_{held} { mutex_.lock(); }
  ~mutex_guard() RCUVM_RELEASE() {
    if (is_held_) mutex_.unlock();
  }
  mutex_guard(const mutex_guard&) = delete;
  mutex_guard& operator=(const mutex_guard&) = delete;

  /// For something that must not run under the mutex, in the middle of the scope.
  void unlock() noexcept RCUVM_RELEASE() {
    is_held_ = false;
    mutex_.unlock();
  }
  void lock() noexcept RCUVM_ACQUIRE() {
    mutex_.lock();
    is_held_ = true;
  }

 private:
  friend class condition;

  mutex& mutex_;
  bool is_held_ = true;
};

/// Waits for something that is changed under a mutex: always in a loop that tests it. Offline while it waits (rcu.hpp).
class condition {
 public:
  condition() noexcept = default;
  condition(const condition&) = delete;
  condition& operator=(const condition&) = delete;

  void wait(mutex_guard& guard) noexcept;

  /// False: `nanoseconds` went by without a notification.
  bool wait_for_ns(mutex_guard& guard, std::uint64_t nanoseconds) noexcept;

  void notify_one() noexcept {
    if (checked::is_running()) return checked::current().notify_one(this);
    native_.notify_one();
  }
  void notify_all() noexcept {
    if (checked::is_running()) return checked::current().notify_all(this);
    native_.notify_all();
  }

 private:
  std::condition_variable native_;
};

/// The token "the holder excludes all other writers". What needs the writer takes a `const write_section&`, whichever
/// lock stands behind it. Works with a mutex and with the write side of an rwsem.
class RCUVM_SCOPED_CAPABILITY write_section {
 public:
  explicit write_section(mutex& held) noexcept RCUVM_ACQUIRE(held);
  explicit write_section(rwsem& held) noexcept RCUVM_ACQUIRE(held);
  ~write_section() RCUVM_RELEASE();
  write_section(const write_section&) = delete;
  write_section& operator=(const write_section&) = delete;

  /// For a wait in the middle: other writers get in, so all that was looked up is out of date after lock().
  void unlock() noexcept RCUVM_RELEASE();
  void lock() noexcept RCUVM_ACQUIRE();

  [[nodiscard]] bool is_held() const noexcept { return is_held_; }

 private:
  mutex* mutex_ = nullptr;  ///< one of the two is set. guard: immutable
  rwsem* rwsem_ = nullptr;
  bool is_held_ = false;  ///< guard: the thread that made it
};

}  // namespace rcuvm::sync
