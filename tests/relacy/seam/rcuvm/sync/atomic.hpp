// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Stands in for include/rcuvm/sync/atomic.hpp: the same operations, on Relacy's atomics. A stale value is returned
/// wherever C++11 allows one (Relacy keeps the last three); a failed compare-and-swap sees the newest value.

#include <cstdint>
#include <type_traits>

#include "tests/relacy/seam/engine.hpp"
#include "tests/relacy/seam/weakening.hpp"

namespace rcuvm::sync {

template <class T>
class atomic {
  using place = relacy::place;
  /// Relacy prints values, and knows no enumerations.
  using word = std::conditional_t<std::is_enum_v<T>, std::uint32_t, T>;

 public:
  atomic() noexcept : atomic{T{}} {}
  explicit atomic(T value) noexcept : value_{to_word(value)} {}
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  [[nodiscard]] T load_relaxed(place where = place::current()) const noexcept {
    return load(rl::mo_relaxed, where);
  }
  [[nodiscard]] T load_acquire(place where = place::current()) const noexcept {
    return load(rl::mo_acquire, where);
  }
  [[nodiscard]] T load_seq_cst(place where = place::current()) const noexcept {
    return load(rl::mo_seq_cst, where);
  }

  void store_relaxed(T value, place where = place::current()) noexcept {
    store(value, rl::mo_relaxed, where);
  }
  void store_release(T value, place where = place::current()) noexcept {
    store(value, rl::mo_release, where);
  }
  void store_seq_cst(T value, place where = place::current()) noexcept {
    store(value, rl::mo_seq_cst, where);
  }

  T exchange_acquire(T value, place where = place::current()) noexcept {
    return swap(value, rl::mo_acquire, where);
  }
  T exchange_acq_rel(T value, place where = place::current()) noexcept {
    return swap(value, rl::mo_acq_rel, where);
  }
  T exchange_seq_cst(T value, place where = place::current()) noexcept {
    return swap(value, rl::mo_seq_cst, where);
  }

  T fetch_add_relaxed(T by, place where = place::current()) noexcept {
    return add(by, rl::mo_relaxed, where);
  }
  T fetch_add_release(T by, place where = place::current()) noexcept {
    return add(by, rl::mo_release, where);
  }
  T fetch_add_acq_rel(T by, place where = place::current()) noexcept {
    return add(by, rl::mo_acq_rel, where);
  }
  T fetch_sub_relaxed(T by, place where = place::current()) noexcept {
    return sub(by, rl::mo_relaxed, where);
  }
  T fetch_sub_release(T by, place where = place::current()) noexcept {
    return sub(by, rl::mo_release, where);
  }
  T fetch_sub_acq_rel(T by, place where = place::current()) noexcept {
    return sub(by, rl::mo_acq_rel, where);
  }
  T fetch_or_acq_rel(T bits, place where = place::current()) noexcept {
    return with_bits(bits, rl::mo_acq_rel, where);
  }
  T fetch_and_acq_rel(T bits, place where = place::current()) noexcept {
    return masked(bits, rl::mo_acq_rel, where);
  }

  bool cas_relaxed(T& expected, T desired, place where = place::current()) noexcept {
    return cas(expected, desired, rl::mo_relaxed, where);
  }
  bool cas_acquire(T& expected, T desired, place where = place::current()) noexcept {
    return cas(expected, desired, rl::mo_acquire, where);
  }
  bool cas_release(T& expected, T desired, place where = place::current()) noexcept {
    return cas(expected, desired, rl::mo_release, where);
  }
  bool cas_acq_rel(T& expected, T desired, place where = place::current()) noexcept {
    return cas(expected, desired, rl::mo_acq_rel, where);
  }

 private:
  [[nodiscard]] static word to_word(T value) noexcept { return static_cast<word>(value); }
  [[nodiscard]] static T from_word(word value) noexcept { return static_cast<T>(value); }
  [[nodiscard]] static rl::memory_order order_of(rl::memory_order written, const place& where) noexcept {
    return relacy::weakening::order_of(written, where);
  }

  [[nodiscard]] T load(rl::memory_order order, const place& where) const noexcept {
    return from_word(value_.load(order_of(order, where), relacy::info_of(where)));
  }
  void store(T value, rl::memory_order order, const place& where) noexcept {
    value_.store(to_word(value), order_of(order, where), relacy::info_of(where));
  }
  T swap(T value, rl::memory_order order, const place& where) noexcept {
    if (relacy::weakening::is_torn(where)) return tear([&](word) { return to_word(value); }, where);
    return from_word(value_.exchange(to_word(value), order_of(order, where), relacy::info_of(where)));
  }
  T add(T by, rl::memory_order order, const place& where) noexcept {
    if (relacy::weakening::is_torn(where)) return tear([&](word old) { return old + by; }, where);
    return value_.fetch_add(by, order_of(order, where), relacy::info_of(where));
  }
  T sub(T by, rl::memory_order order, const place& where) noexcept {
    if (relacy::weakening::is_torn(where)) return tear([&](word old) { return old - by; }, where);
    return value_.fetch_sub(by, order_of(order, where), relacy::info_of(where));
  }
  T with_bits(T bits, rl::memory_order order, const place& where) noexcept {
    if (relacy::weakening::is_torn(where)) return tear([&](word old) { return old | bits; }, where);
    return value_.fetch_or(bits, order_of(order, where), relacy::info_of(where));
  }
  T masked(T bits, rl::memory_order order, const place& where) noexcept {
    if (relacy::weakening::is_torn(where)) return tear([&](word old) { return old & bits; }, where);
    return value_.fetch_and(bits, order_of(order, where), relacy::info_of(where));
  }
  template <class Change>
  T tear(Change change, const place& where) noexcept {
    const word old = value_.load(rl::mo_acquire, relacy::info_of(where));
    value_.store(change(old), rl::mo_release, relacy::info_of(where));
    return from_word(old);
  }
  bool cas(T& expected, T desired, rl::memory_order order, const place& where) noexcept {
    word old = to_word(expected);
    bool is_in = false;
    if (relacy::weakening::is_torn(where)) {
      const word seen = value_.load(rl::mo_acquire, relacy::info_of(where));
      is_in = seen == old;
      if (is_in) value_.store(to_word(desired), rl::mo_release, relacy::info_of(where));
      old = seen;
    } else {
      is_in = value_.compare_exchange_strong(old, to_word(desired), order_of(order, where),
                                             relacy::info_of(where));
    }
    expected = from_word(old);
    return is_in;
  }

  mutable rl::atomic<word> value_;
};

inline void relax(relacy::place where = relacy::place::current()) noexcept {
  rl::yield(1, relacy::info_of(where));
}

inline void acquire_fence(relacy::place where = relacy::place::current()) noexcept {
  if (relacy::weakening::order_of(rl::mo_acquire, where) != rl::mo_acquire) return;
  rl::atomic_thread_fence(rl::mo_acquire, relacy::info_of(where));
}

inline void release_fence(relacy::place where = relacy::place::current()) noexcept {
  if (relacy::weakening::order_of(rl::mo_release, where) != rl::mo_release) return;
  rl::atomic_thread_fence(rl::mo_release, relacy::info_of(where));
}

}  // namespace rcuvm::sync
