// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Which records are an address space's own, once fork has left one tree to two.
///
///   forks of all processes   0              7                     9
///   parent, born at 0        |── A made ────| fork ── B made ─────|──────────
///   child, born at 7                        | has A ── C made ────| forks ── D made
///
/// A record carries the number of the last fork when it was made; an address space knows that of its birth and of its last fork.
///
///   own         made since the last fork: nobody else has it. Its life word tells whether it is outdated
///   shared      made before: another address space may have it. Nothing is written to it any more, so that what is outdated here
///               goes on there: whether it is current is asked of the tree
///   inherited   made before the birth: its private pages, if it has any, are the parent's, too, under another identity
///
/// Protects   records that two trees name from the writers of both.
/// Writers    the address space's writer, at fork. Progress: a fault waits, without locks, while a fork is at its pages.
/// Ordering   lineage.W1-lineage.R1: who locks a page table after fork has shared its pages, or after a writer has cleared it who
///            took the mapping for shared, does so, too. The same pairs of locks as for vma.L1-vma.L2.
/// Kernel     none: dup_mmap copies every VMA.

#include <cstdint>

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/vm/vma.hpp"

namespace rcuvm::mm {

class lineage {
 public:
  /// Of an address space that has no parent, or whose records have all been made for it.
  lineage() noexcept = default;
  lineage(const lineage&) = delete;
  lineage& operator=(const lineage&) = delete;
  /// Of a child that has its parent's records, while that fork is under way.
  [[nodiscard]] lineage of_child() const noexcept { return lineage{last_fork()}; }

  /// What a new record carries. By the writer.
  [[nodiscard]] std::uint64_t last_fork() const noexcept { return state_.load_relaxed() >> 1; }
  [[nodiscard]] bool is_own(const vm::vma& one) const noexcept {
    return one.made_after() >= state_.load_acquire() >> 1;  // lineage.R1 <- lineage.W1
  }
  [[nodiscard]] bool is_inherited(const vm::vma& one) const noexcept { return one.made_after() < born_; }
  /// Does a fork want faults in `one` to wait, because a private page there may be copied on write? Otherwise one thread's fault
  /// copies a page while another one still writes to the original through its TLB: that write would be lost here and appear in
  /// the child. Kernel: vma_start_write() in dup_mmap(), since 6.5, for that race.
  [[nodiscard]] bool must_wait(const vm::vma& one) const noexcept {
    return (state_.load_acquire() & forking) != 0 &&  // lineage.R1 <- lineage.W1
           one.fields().is_private() && one.fields().allowed().has(vm::prot::write);
  }

  /// The identity of its anonymous pages here, 0 before the first.
  [[nodiscard]] std::uint64_t anon_of(const vm::vma& one) const noexcept { return here(one, one.anon()); }
  /// The same, after it was outdated: from now on no fault makes pages under another identity.
  [[nodiscard]] std::uint64_t last_anon_of(vm::vma& one) const noexcept { return here(one, one.last_anon()); }
  [[nodiscard]] bool has_parents(const vm::vma& one) const noexcept {
    return one.fields().has_parents || (is_inherited(one) && one.anon() != 0);
  }
  /// Its values as they are here. A fault that found the record its own before a fork may still give it an identity: the other side,
  /// which has no page of it, then keeps it apart where the kernel would merge; nothing else follows.
  [[nodiscard]] vm::vma_fields fields_of(const vm::vma& one) const {
    vm::vma_fields made = one.fields();
    made.anon = anon_of(one);
    made.has_parents = has_parents(one);
    return made;
  }

  /// All records are shared from now on, and faults wait until it ends. By the writer.
  class fork_under_way {
   public:
    explicit fork_under_way(lineage& of) noexcept : of_{of} {
      static sync::atomic<std::uint64_t> forks{0};
      const std::uint64_t number = forks.fetch_add_relaxed(1) + 1;
      const std::uint64_t held = is_mutated(mutation::fork_without_holding_faults) ? 0 : forking;
      of_.state_.store_release(number << 1 | held);  // lineage.W1 -> lineage.R1
    }
    ~fork_under_way() { of_.state_.store_release(of_.last_fork() << 1); }  // lineage.W1 -> lineage.R1
    fork_under_way(const fork_under_way&) = delete;
    fork_under_way& operator=(const fork_under_way&) = delete;

   private:
    lineage& of_;
  };

 private:
  static constexpr std::uint64_t forking = 1;

  explicit lineage(std::uint64_t born) noexcept : born_{born}, state_{born << 1} {}

  /// One of its own for each inherited record: where the record lies, which nothing else here does as long as it is named.
  [[nodiscard]] std::uint64_t here(const vm::vma& one, std::uint64_t identity) const noexcept {
    if (identity == 0 || !is_inherited(one)) return identity;
    return std::uint64_t{1} << 63 | reinterpret_cast<std::uintptr_t>(&one);
  }

  const std::uint64_t born_ = 0;          ///< guard: immutable
  sync::atomic<std::uint64_t> state_{0};  ///< guard: stored by the writer; last fork << 1 | is one under way
};

}  // namespace rcuvm::mm
