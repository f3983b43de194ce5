// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Reader-writer semaphore.

#include <pthread.h>

#include <cstdint>
#include <string_view>

#include "rcuvm/sync/annotations.hpp"
#include "rcuvm/sync/mutex.hpp"

namespace rcuvm::sync {

/// What a reader of a semaphore does first when it has to wait.
enum class reader_wait : std::uint8_t {
  sleep,  ///< Linux since 5.11
  spin    ///< for as long as a writer does: Linux 5.3 to 5.10
};
[[nodiscard]] constexpr std::string_view name_of(reader_wait how) noexcept {
  return how == reader_wait::sleep ? "sleep" : "spin";
}
[[nodiscard]] constexpr reader_wait other_than(reader_wait how) noexcept {
  return how == reader_wait::sleep ? reader_wait::spin : reader_wait::sleep;
}

/// Many readers or one writer. A waiting writer stops new readers, as the kernel's does: a stream of readers cannot
/// starve it. Therefore a thread must not take the read side twice. Writers spin for a while (spin.hpp)
/// before they sleep, readers do as they are told. Sleeps are offline (rcu.hpp).
/// Kernel: struct rw_semaphore (mmap_lock).
class RCUVM_CAPABILITY("rwsem") rwsem {
 public:
  explicit rwsem(reader_wait wait_by = reader_wait::sleep) noexcept;
  ~rwsem();
  rwsem(const rwsem&) = delete;
  rwsem& operator=(const rwsem&) = delete;

  void lock() noexcept RCUVM_ACQUIRE();
  [[nodiscard]] bool try_lock() noexcept RCUVM_TRY_ACQUIRE(true);
  void unlock() noexcept RCUVM_RELEASE();

  void lock_shared() noexcept RCUVM_ACQUIRE_SHARED();
  [[nodiscard]] bool try_lock_shared() noexcept RCUVM_TRY_ACQUIRE_SHARED(true);
  void unlock_shared() noexcept RCUVM_RELEASE_SHARED();

 private:
  const bool do_readers_spin_;  ///< guard: immutable
  pthread_rwlock_t native_;
};

/// Holds the read side of an rwsem for a scope: the token "no writer is inside".
class RCUVM_SCOPED_CAPABILITY shared_section {
 public:
  explicit shared_section(rwsem& held) noexcept RCUVM_ACQUIRE_SHARED(held) : rwsem_{held} {
    rwsem_.lock_shared();
  }
  ~shared_section() RCUVM_RELEASE_GENERIC() {
    if (is_held_) rwsem_.unlock_shared();
  }
  shared_section(const shared_section&) = delete;
  shared_section& operator=(const shared_section&) = delete;

  /// For a wait in the middle: a writer gets in, so all that was looked up is out of date after lock().
  void unlock() noexcept RCUVM_RELEASE_GENERIC() {
    is_held_ = false;
    rwsem_.unlock_shared();
  }
  void lock() noexcept RCUVM_ACQUIRE_SHARED() {
    rwsem_.lock_shared();
    is_held_ = true;
  }

  [[nodiscard]] bool is_held() const noexcept { return is_held_; }

 private:
  rwsem& rwsem_;
  bool is_held_ = true;  ///< guard: the thread that made it
};

}  // namespace rcuvm::sync
