// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The guards that the RCU designs share: readers take nothing, writers one lock.

#include "rcuvm/designs/design.hpp"
#include "rcuvm/sync/annotations.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/sync/rcu.hpp"
#include "rcuvm/vm/machine.hpp"
#include "rcuvm/vm/vma.hpp"

namespace rcuvm::designs {

/// One writer at a time in an address space. Kernel: mmap_lock, taken for write only.
struct one_writer {
  explicit one_writer(const vm::machine&) noexcept {}
  sync::mutex writers;
};

/// Progress: wait-free; no store to a line that others touch (P1).
class rcu_read_guard {
 public:
  template <class State>
  explicit rcu_read_guard(State&) noexcept {}
  [[nodiscard]] const sync::rcu::read_section& section() const noexcept { return section_; }

 private:
  sync::rcu::read_section section_;
};

/// A fault takes nothing, and asks under the page table's lock whether the VMA is live, and the tree's current one.
class life_fault_guard : public rcu_read_guard {
 public:
  life_fault_guard(one_writer& of, bool) noexcept : rcu_read_guard{of} {}
  [[nodiscard]] mm::kept keep(vm::vma&) noexcept { return mm::kept::yes; }
  [[nodiscard]] bool is_valid(const vm::vma& found, const auto& is_current) const noexcept {
    return found.is_live() && is_current();
  }
  template <class Zap>
  void leave(Zap) noexcept {}
};

class one_writer_guard {
 public:
  explicit one_writer_guard(one_writer& of) noexcept : held_{of.writers} {}
  [[nodiscard]] const sync::write_section& section() const noexcept { return held_; }
  /// For a wait in the middle of a call: what was looked up before has to be looked up again.
  void unlock() noexcept RCUVM_NO_THREAD_SAFETY_ANALYSIS { held_.unlock(); }
  void lock() noexcept RCUVM_NO_THREAD_SAFETY_ANALYSIS { held_.lock(); }

 private:
  sync::write_section held_;
};

/// A design of these guards; one with more of its own has it instead.
struct rcu_and_one_writer : common {
  using state = one_writer;
  using read_guard = rcu_read_guard;
  using fault_guard = life_fault_guard;
  using write_guard = one_writer_guard;
  using steady_guard = one_writer_guard;
};

}  // namespace rcuvm::designs
