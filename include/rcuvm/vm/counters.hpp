// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a cpu has done and waited for.

#include <algorithm>
#include <cstdint>

namespace rcuvm::vm {

/// Plain numbers of one cpu; only its thread touches them. Reports add them up after the threads have ended.
struct counters {
  std::uint64_t faults = 0;                ///< page faults asked for
  std::uint64_t pages_installed = 0;       ///< faults that made a page present
  std::uint64_t pages_copied = 0;          ///< copy-on-write
  std::uint64_t faults_spurious = 0;       ///< the page was there already, with the right to use it
  std::uint64_t faults_bad_address = 0;    ///< SIGSEGV, SEGV_MAPERR
  std::uint64_t faults_bad_access = 0;     ///< SIGSEGV, SEGV_ACCERR
  std::uint64_t retries_vma_replaced = 0;  ///< the VMA found was dead when its page table was locked
  std::uint64_t retries_page_taken = 0;  ///< the page seen present was taken away (DONTNEED) before the lock
  std::uint64_t retries_true = 0;        ///< what the page belongs to had changed meanwhile
  std::uint64_t retries_spurious = 0;    ///< it had not: a change elsewhere made the fault start again
  std::uint64_t longest_retries = 0;     ///< of one fault; over several cpus the largest
  std::uint64_t waits_vma_building = 0;  ///< a writer was at the VMA, or its old pages were still being moved
  std::uint64_t fallbacks_writer = 0;    ///< the lock was taken because a writer was inside
  std::uint64_t fallbacks_retries = 0;   ///< the lock was taken after attempts without
  std::uint64_t faults_without_lock = 0;  ///< a file's fault() was called: nothing held
  std::uint64_t faults_with_lock = 0;     ///< a file's fault_locked() was called, and read
  std::uint64_t advice_retries = 0;       ///< madvise about pages started again: a writer was at the mapping
  std::uint64_t vma_waits = 0;            ///< a writer waited for faults inside a VMA
  std::uint64_t vma_wait_ns = 0;
  std::uint64_t range_waits = 0;  ///< a writer waited for another one's page work
  std::uint64_t range_wait_ns = 0;
  std::uint64_t stack_growths = 0;
  std::uint64_t changes = 0;        ///< versions of an address space published
  std::uint64_t grace_periods = 0;  ///< waited for by a writer
  std::uint64_t grace_period_ns = 0;
  std::uint64_t tombstone_waits = 0;  ///< a call over a dead entry had to wait
  std::uint64_t tombstone_wait_ns = 0;
  std::uint64_t tombstones = 0;       ///< dead entries left in the tree
  std::uint64_t shootdowns = 0;       ///< TLB flushes asked of the cpus of an address space
  std::uint64_t shootdown_acks = 0;   ///< other cpus asked
  std::uint64_t shootdowns_left = 0;  ///< zaps whose translations were left to the cpus' ticks
  std::uint64_t sweeps = 0;           ///< ticks at which a cpu flushed its TLB
  std::uint64_t frames_freed = 0;
  std::uint64_t tables_made = 0;
  std::uint64_t tables_unlinked = 0;

  /// Calls f(name, value, is_peak) for each, in the order above. A peak does not add up: not over cpus, nor over runs.
  template <class F>
  static void for_each(const counters& of, F f) {
    for (const auto& [name, member, is_peak] : fields) f(name, of.*member, is_peak);
  }

  counters& operator+=(const counters& other) noexcept {
    for (const auto& [name, member, is_peak] : fields) {
      std::uint64_t& own = this->*member;
      own = is_peak ? std::max(own, other.*member) : own + other.*member;
    }
    return *this;
  }

 private:
  struct field {
    const char* name;
    std::uint64_t counters::* member;
    bool is_peak = false;
  };
  static const field fields[35];
};

inline constexpr counters::field counters::fields[35] = {
    {"faults", &counters::faults},
    {"pages_installed", &counters::pages_installed},
    {"pages_copied", &counters::pages_copied},
    {"faults_spurious", &counters::faults_spurious},
    {"faults_bad_address", &counters::faults_bad_address},
    {"faults_bad_access", &counters::faults_bad_access},
    {"retries_vma_replaced", &counters::retries_vma_replaced},
    {"retries_page_taken", &counters::retries_page_taken},
    {"retries_true", &counters::retries_true},
    {"retries_spurious", &counters::retries_spurious},
    {"longest_retries", &counters::longest_retries, true},
    {"waits_vma_building", &counters::waits_vma_building},
    {"fallbacks_writer", &counters::fallbacks_writer},
    {"fallbacks_retries", &counters::fallbacks_retries},
    {"faults_without_lock", &counters::faults_without_lock},
    {"faults_with_lock", &counters::faults_with_lock},
    {"advice_retries", &counters::advice_retries},
    {"vma_waits", &counters::vma_waits},
    {"vma_wait_ns", &counters::vma_wait_ns},
    {"range_waits", &counters::range_waits},
    {"range_wait_ns", &counters::range_wait_ns},
    {"stack_growths", &counters::stack_growths},
    {"changes", &counters::changes},
    {"grace_periods", &counters::grace_periods},
    {"grace_period_ns", &counters::grace_period_ns},
    {"tombstone_waits", &counters::tombstone_waits},
    {"tombstone_wait_ns", &counters::tombstone_wait_ns},
    {"tombstones", &counters::tombstones},
    {"shootdowns", &counters::shootdowns},
    {"shootdown_acks", &counters::shootdown_acks},
    {"shootdowns_left", &counters::shootdowns_left},
    {"sweeps", &counters::sweeps},
    {"frames_freed", &counters::frames_freed},
    {"tables_made", &counters::tables_made},
    {"tables_unlinked", &counters::tables_unlinked},
};
static_assert(sizeof(counters) == 35 * sizeof(std::uint64_t), "each counter stands in counters::fields");

}  // namespace rcuvm::vm
