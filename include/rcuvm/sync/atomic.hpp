// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Atomics whose memory order stands in the name of the call.
///
/// Each non-relaxed call outside this file carries its pair tag: `// <header>.W1 -> <header>.R1`.

#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "rcuvm/sync/checked.hpp"
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

  [[nodiscard]] T load_relaxed() const noexcept {
    return load(checked::order::relaxed, std::memory_order_relaxed);
  }
  [[nodiscard]] T load_acquire() const noexcept {
    return load(checked::order::acquire, std::memory_order_acquire);
  }
  [[nodiscard]] T load_seq_cst() const noexcept {
    return load(checked::order::seq_cst, std::memory_order_seq_cst);
  }

  void store_relaxed(T value) noexcept { store(value, checked::order::relaxed, std::memory_order_relaxed); }
  void store_release(T value) noexcept { store(value, checked::order::release, std::memory_order_release); }
  void store_seq_cst(T value) noexcept { store(value, checked::order::seq_cst, std::memory_order_seq_cst); }

  T exchange_acquire(T value) noexcept {
    return update(checked::order::acquire, [&] { return value_.exchange(value, std::memory_order_acquire); });
  }
  T exchange_acq_rel(T value) noexcept {
    return update(checked::order::acq_rel, [&] { return value_.exchange(value, std::memory_order_acq_rel); });
  }
  T exchange_seq_cst(T value) noexcept {
    return update(checked::order::seq_cst, [&] { return value_.exchange(value, std::memory_order_seq_cst); });
  }

  T fetch_add_relaxed(T value) noexcept {
    return update(checked::order::relaxed,
                  [&] { return value_.fetch_add(value, std::memory_order_relaxed); });
  }
  T fetch_add_release(T value) noexcept {
    return update(checked::order::release,
                  [&] { return value_.fetch_add(value, std::memory_order_release); });
  }
  T fetch_add_acq_rel(T value) noexcept {
    return update(checked::order::acq_rel,
                  [&] { return value_.fetch_add(value, std::memory_order_acq_rel); });
  }
  T fetch_sub_relaxed(T value) noexcept {
    return update(checked::order::relaxed,
                  [&] { return value_.fetch_sub(value, std::memory_order_relaxed); });
  }
  T fetch_sub_release(T value) noexcept {
    return update(checked::order::release,
                  [&] { return value_.fetch_sub(value, std::memory_order_release); });
  }
  T fetch_sub_acq_rel(T value) noexcept {
    return update(checked::order::acq_rel,
                  [&] { return value_.fetch_sub(value, std::memory_order_acq_rel); });
  }
  T fetch_or_acq_rel(T value) noexcept {
    return update(checked::order::acq_rel, [&] { return value_.fetch_or(value, std::memory_order_acq_rel); });
  }
  T fetch_and_acq_rel(T value) noexcept {
    return update(checked::order::acq_rel,
                  [&] { return value_.fetch_and(value, std::memory_order_acq_rel); });
  }

  /// True: `desired` is in. False: `expected` holds what was there instead (read with the acquire half of the order).
  bool cas_relaxed(T& expected, T desired) noexcept {
    return update(checked::order::relaxed, [&] {
      return value_.compare_exchange_strong(expected, desired, std::memory_order_relaxed,
                                            std::memory_order_relaxed);
    });
  }
  bool cas_acquire(T& expected, T desired) noexcept {
    return update(checked::order::acquire, [&] {
      return value_.compare_exchange_strong(expected, desired, std::memory_order_acquire,
                                            std::memory_order_acquire);
    });
  }
  bool cas_release(T& expected, T desired) noexcept {
    return update(checked::order::release, [&] {
      return value_.compare_exchange_strong(expected, desired, std::memory_order_release,
                                            std::memory_order_relaxed);
    });
  }
  bool cas_acq_rel(T& expected, T desired) noexcept {
    return update(checked::order::acq_rel, [&] {
      return value_.compare_exchange_strong(expected, desired, std::memory_order_acq_rel,
                                            std::memory_order_acquire);
    });
  }

 private:
  [[nodiscard]] T load(checked::order shown, std::memory_order with) const noexcept {
    checked::touch(this, sizeof(T), checked::access::load, shown);
    const T value = value_.load(with);
    if (checked::is_running()) checked::current().show(number_of(value));
    return value;
  }
  void store(T value, checked::order shown, std::memory_order with) noexcept {
    checked::touch(this, sizeof(T), checked::access::store, shown);
    value_.store(value, with);
    if (checked::is_running()) checked::current().show(number_of(value));
  }
  template <class Change>
  auto update(checked::order shown, Change change) noexcept {
    checked::touch(this, sizeof(T), checked::access::update, shown);
    const auto before = change();
    if (checked::is_running()) checked::current().show(number_of(value_.load(std::memory_order_relaxed)));
    return before;
  }
  [[nodiscard]] static std::uint64_t number_of(T value) noexcept {
    if constexpr (std::is_pointer_v<T>) {
      return reinterpret_cast<std::uintptr_t>(value);
    } else if constexpr (sizeof(T) <= sizeof(std::uint64_t) && std::is_trivially_copyable_v<T>) {
      std::uint64_t number = 0;
      std::memcpy(&number, &value, sizeof value);
      return number;
    } else {
      return 0;
    }
  }

  std::atomic<T> value_{};
};

/// In a short spin loop: lets the other hardware thread run. A wait that may be long yields or blocks instead.
inline void relax() noexcept {
  if (checked::is_running()) return checked::current().yield();
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Earlier loads come before later loads and stores.
inline void acquire_fence() noexcept {
  if (checked::is_running()) checked::current().fence(checked::order::acquire);
#ifdef RCUVM_TSAN
  __tsan_atomic_thread_fence(__ATOMIC_ACQUIRE);  // the fence without g++'s -Wtsan: TSan does not model either
#else
  std::atomic_thread_fence(std::memory_order_acquire);
#endif
}

/// Earlier loads and stores come before later stores.
inline void release_fence() noexcept {
  if (checked::is_running()) checked::current().fence(checked::order::release);
#ifdef RCUVM_TSAN
  __tsan_atomic_thread_fence(__ATOMIC_RELEASE);
#else
  std::atomic_thread_fence(std::memory_order_release);
#endif
}

}  // namespace rcuvm::sync
