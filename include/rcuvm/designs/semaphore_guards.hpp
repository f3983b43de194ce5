// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The guards of designs that have a reader-writer semaphore: for everything, or for what cannot go on without it.

#include "rcuvm/designs/design.hpp"
#include "rcuvm/designs/rcu_guards.hpp"
#include "rcuvm/sync/annotations.hpp"
#include "rcuvm/sync/rcu.hpp"
#include "rcuvm/sync/rwsem.hpp"
#include "rcuvm/vm/machine.hpp"
#include "rcuvm/vm/vma.hpp"

namespace rcuvm::designs {

/// Kernel: mmap_lock.
struct one_semaphore {
  explicit one_semaphore(const vm::machine& on) noexcept : semaphore{on.readers()} {}
  sync::rwsem semaphore;
};

/// Nothing changes while it is held.
class semaphore_read_guard {
 public:
  explicit semaphore_read_guard(one_semaphore& of) noexcept : held_{of.semaphore} {}
  [[nodiscard]] const sync::shared_section& section() const noexcept { return held_; }

 private:
  sync::shared_section held_;
};

class semaphore_write_guard {
 public:
  explicit semaphore_write_guard(one_semaphore& of) noexcept : held_{of.semaphore} {}
  [[nodiscard]] const sync::write_section& section() const noexcept { return held_; }

 private:
  sync::write_section held_;
};

/// A fault with the read side held from look-up to end.
class semaphore_fault_guard : public semaphore_read_guard {
 public:
  semaphore_fault_guard(one_semaphore& of, bool) noexcept : semaphore_read_guard{of} {}
  [[nodiscard]] mm::kept keep(vm::vma&) noexcept { return mm::kept::yes; }
  [[nodiscard]] bool is_valid(const vm::vma&, const auto&) const noexcept { return true; }
  template <class Zap>
  void leave(Zap) noexcept {}
};

/// A read section, inside the semaphore's read side if a fault has to come through.
class fallback_guard {
 public:
  fallback_guard(one_semaphore& of, bool takes_lock) noexcept : lock_{takes_lock ? &of.semaphore : nullptr} {}
  [[nodiscard]] const sync::rcu::read_section& section() const noexcept { return section_; }
  [[nodiscard]] bool has_lock() const noexcept { return lock_.held != nullptr; }
  template <class Zap>
  void leave(Zap) noexcept {}

 private:
  struct shared_lock {
    explicit shared_lock(sync::rwsem* wanted) noexcept RCUVM_NO_THREAD_SAFETY_ANALYSIS : held{wanted} {
      if (held != nullptr) held->lock_shared();
    }
    ~shared_lock() RCUVM_NO_THREAD_SAFETY_ANALYSIS {
      if (held != nullptr) held->unlock_shared();
    }
    shared_lock(const shared_lock&) = delete;
    shared_lock& operator=(const shared_lock&) = delete;
    sync::rwsem* held;
  };

  shared_lock lock_;  // waits: before the section
  sync::rcu::read_section section_;
};

/// A design whose readers are under RCU, and whose faults take the semaphore when they cannot go on without; it has a fault_guard
/// of its own.
struct rcu_and_semaphore : common {
  static constexpr bool falls_back = true;
  using state = one_semaphore;
  using read_guard = rcu_read_guard;
  using write_guard = semaphore_write_guard;
  using steady_guard = semaphore_read_guard;
};

}  // namespace rcuvm::designs
