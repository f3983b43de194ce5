// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Atomics whose memory order stands in the name of the call.
///
/// Each non-relaxed call outside this file carries its pair tag: `// <header>.W1 -> <header>.R1`.

#include <atomic>

#include "rcuvm/sync/tsan.hpp"

namespace rcuvm::sync {

/// One word that threads share. Progress: wait-free (lock-free for the read-modify-writes).
template <class T>
class atomic {
  static_assert(std::atomic<T>::is_always_lock_free,
                "a lock inside an atomic would break every progress promise");

 public:
  constexpr atomic() noexcept = default;
  constexpr explicit atomic(T value) noexcept : value_{value} {}
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  [[nodiscard]] T load_relaxed() const noexcept { return value_.load(std::memory_order_relaxed); }
  [[nodiscard]] T load_acquire() const noexcept { return value_.load(std::memory_order_acquire); }
  [[nodiscard]] T load_seq_cst() const noexcept { return value_.load(std::memory_order_seq_cst); }

  void store_relaxed(T value) noexcept { value_.store(value, std::memory_order_relaxed); }
  void store_release(T value) noexcept { value_.store(value, std::memory_order_release); }
  void store_seq_cst(T value) noexcept { value_.store(value, std::memory_order_seq_cst); }

  T exchange_acquire(T value) noexcept { return value_.exchange(value, std::memory_order_acquire); }
  T exchange_acq_rel(T value) noexcept { return value_.exchange(value, std::memory_order_acq_rel); }
  T exchange_seq_cst(T value) noexcept { return value_.exchange(value, std::memory_order_seq_cst); }

  T fetch_add_relaxed(T value) noexcept { return value_.fetch_add(value, std::memory_order_relaxed); }
  T fetch_add_release(T value) noexcept { return value_.fetch_add(value, std::memory_order_release); }
  T fetch_add_acq_rel(T value) noexcept { return value_.fetch_add(value, std::memory_order_acq_rel); }
  T fetch_sub_relaxed(T value) noexcept { return value_.fetch_sub(value, std::memory_order_relaxed); }
  T fetch_sub_release(T value) noexcept { return value_.fetch_sub(value, std::memory_order_release); }
  T fetch_sub_acq_rel(T value) noexcept { return value_.fetch_sub(value, std::memory_order_acq_rel); }
  T fetch_or_acq_rel(T value) noexcept { return value_.fetch_or(value, std::memory_order_acq_rel); }
  T fetch_and_acq_rel(T value) noexcept { return value_.fetch_and(value, std::memory_order_acq_rel); }

  /// True: `desired` is in. False: `expected` holds what was there instead (read with the acquire half of the order).
  bool cas_relaxed(T& expected, T desired) noexcept {
    return value_.compare_exchange_strong(expected, desired, std::memory_order_relaxed);
  }
  bool cas_acquire(T& expected, T desired) noexcept {
    return value_.compare_exchange_strong(expected, desired, std::memory_order_acquire);
  }
  bool cas_release(T& expected, T desired) noexcept {
    return value_.compare_exchange_strong(expected, desired, std::memory_order_release,
                                          std::memory_order_relaxed);
  }
  bool cas_acq_rel(T& expected, T desired) noexcept {
    return value_.compare_exchange_strong(expected, desired, std::memory_order_acq_rel);
  }

 private:
  std::atomic<T> value_{};
};

/// In a short spin loop: lets the other hardware thread run. A wait that may be long yields or blocks instead.
inline void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Earlier loads come before later loads and stores.
inline void acquire_fence() noexcept {
#ifdef RCUVM_TSAN
  __tsan_atomic_thread_fence(__ATOMIC_ACQUIRE);  // the fence without g++'s -Wtsan: TSan does not model either
#else
  std::atomic_thread_fence(std::memory_order_acquire);
#endif
}

/// Earlier loads and stores come before later stores.
inline void release_fence() noexcept {
#ifdef RCUVM_TSAN
  __tsan_atomic_thread_fence(__ATOMIC_RELEASE);
#else
  std::atomic_thread_fence(std::memory_order_release);
#endif
}

}  // namespace rcuvm::sync
