// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The record of one mapping.

#include <cstdint>
#include <memory>
#include <string>

#include "rcuvm/base/address.hpp"
#include "rcuvm/base/flags.hpp"
#include "rcuvm/base/range.hpp"
#include "rcuvm/maple_tree.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/vm/file.hpp"
#include "rcuvm/vm/protection.hpp"

namespace rcuvm::vm {

/// Properties of a mapping. The first three are the protection. Kernel: vm_flags.
enum class vma_flag : std::uint32_t {
  read = 1U << 0,
  write = 1U << 1,
  exec = 1U << 2,
  shared = 1U << 3,
  grows_down = 1U << 4,
  locked = 1U << 5,
  lock_on_fault = 1U << 6,
  no_reserve = 1U << 7,
  accounted = 1U << 8,  ///< counts against the commit limit
  dont_fork = 1U << 9,
  dont_dump = 1U << 10,
  wipe_on_fork = 1U << 11,
  huge_pages = 1U << 12,
  no_huge_pages = 1U << 13,
  sequential = 1U << 14,
  random = 1U << 15,
  mergeable = 1U << 16,    ///< MADV_MERGEABLE: pages, not VMAs
  special = 1U << 17,      ///< made by the kernel ([vdso]); never merged
  tombstone = 1U << 18,    ///< a dead entry: occupies addresses, is not mapped
  maybe_guard = 1U << 19,  ///< guards were installed in it once
};
using vma_flags = flags<vma_flag>;

inline constexpr vma_flags protection_flags{vma_flag::read, vma_flag::write, vma_flag::exec};

/// What does not keep mappings apart: if one of two has it, so has what they become. Kernel: VM_STICKY.
inline constexpr vma_flags sticky_flags{vma_flag::maybe_guard};

/// The life of a published record.
///
///   building --publish--> live --kill--> dead --grace period--> freed
///       ^------hold back----'
///
/// building: in the tree, but its pages are not ready (old ones are being removed, or moved here or away): a fault waits.
/// dead: outdated by a newer version. A fault that still holds it backs out, because it looks under the table lock.
enum class life : std::uint8_t { building, live, dead };

/// The values of a VMA, apart from its life. Copied and changed freely while a writer plans a change.
struct vma_fields {
  range where = {};  ///< page-aligned bytes
  vma_flags flags = {};
  bool has_parents = false;  ///< shares anonymous pages with the process it was forked from
  std::uint64_t page_offset =
      0;  ///< pages into the file; anonymous: the page number at which it was first mapped
  std::shared_ptr<file> backing = {};  ///< null: anonymous
  std::string name = {};   ///< of a special mapping ("[vdso]"), or of named memory ("[anon:NAME]")
  std::uint64_t anon = 0;  ///< identity of its anonymous pages, 0 before the first. Kernel: anon_vma

  [[nodiscard]] bool is_tombstone() const noexcept { return flags.has(vma_flag::tombstone); }
  [[nodiscard]] protection allowed() const noexcept {
    return protection::from_bits(static_cast<std::uint8_t>(flags.bits() & 7));
  }
  [[nodiscard]] bool is_private() const noexcept { return !flags.has(vma_flag::shared); }
  [[nodiscard]] bool is_anonymous() const noexcept { return !backing; }
  /// The page of the file that backs `at`.
  [[nodiscard]] std::uint64_t page_of(address at) const noexcept {
    return page_offset + ((at - where.start) >> page_shift);
  }
};

class vma_cache;

/// One mapping of an address space, and of those forked from it until one of them changes it (mm/lineage.hpp): fixed once published,
/// but for its life, its anon identity and its design's words.
///
/// Protects   nothing; it is protected: by a read section or a snapshot of the tree, and freed after both. If it came from a
///            vma_cache, a read section protects no more than its memory: it may be another mapping's record at any time, to all who
///            have no reference that its design gives (designs/vma_lock.hpp).
/// Writers    the address space's writer publishes and kills it; a fault sets anon once, from 0.
/// Ordering   vma.L1-vma.L2: who locks a page table after the writer did sees the kill that came before.
///            vma.A1-vma.A2: a fault that names the pages too late for the writer to see it sees the VMA dead.
/// Kernel     struct vm_area_struct.
class vma : public tree::counted<vma> {
 public:
  /// `mark`: the number of the last fork, or the owner; see there.
  vma(vma_fields values, vm::life state, std::uint64_t mark = 0) noexcept
      : fields_{std::move(values)}, mark_{mark}, anon_{fields_.anon}, life_{state} {}

  /// Everything as published. `fields().anon` is the value at publication; anon() is today's.
  [[nodiscard]] const vma_fields& fields() const noexcept { return fields_; }
  [[nodiscard]] range where() const noexcept { return fields_.where; }
  /// The number of the last fork of its address space before it was made: mm/lineage.hpp.
  [[nodiscard]] std::uint64_t made_after() const noexcept { return mark_; }
  /// Of a record that may be used again: whose it is. No such record is shared by a fork. Kernel: vm_mm.
  [[nodiscard]] std::uint64_t owner() const noexcept { return mark_; }
  [[nodiscard]] std::uint64_t anon() const noexcept { return anon_.load_acquire(); }  // vma.A3 <- vma.A1
  /// The same, after kill(): from now on no fault makes pages under another identity.
  [[nodiscard]] std::uint64_t last_anon() noexcept {
    return anon_.fetch_add_acq_rel(0);  // vma.A2 <-> vma.A1
  }

  [[nodiscard]] vm::life state() const noexcept { return life_.load_acquire(); }  // vma.L2 <- vma.L1
  [[nodiscard]] bool is_live() const noexcept { return state() == life::live; }
  [[nodiscard]] bool is_tombstone() const noexcept { return fields_.is_tombstone(); }

  void set_live() noexcept { life_.store_release(life::live); }  // vma.L1 -> vma.L2
  /// Faults wait from now on, until set_live() or kill(). Those under way end before their table is locked again.
  void hold_back() noexcept { life_.store_release(life::building); }  // vma.L1 -> vma.L2
  void kill() noexcept { life_.store_release(life::dead); }           // vma.L1 -> vma.L2

  /// What the design keeps in it: a sequence count, references. See there.
  [[nodiscard]] sync::atomic<std::uint32_t>& word() noexcept { return word_; }
  [[nodiscard]] const sync::atomic<std::uint32_t>& word() const noexcept { return word_; }
  /// And which writer was the last to lock it. Kernel: vm_lock_seq.
  [[nodiscard]] sync::atomic<std::uint32_t>& sequence() noexcept { return sequence_; }

  /// Back to its cache, or to limbo.
  static void retire_record(vma* dead, reclaim::retire_list& retired) noexcept;

  /// Gives the identity `wanted` unless there is one already.
  void set_anon(std::uint64_t wanted) noexcept {
    std::uint64_t none = 0;
    anon_.cas_acq_rel(none, wanted);  // vma.A1 <-> vma.A2; vma.A1 -> vma.A3
  }

 private:
  friend class vma_cache;

  /// Another mapping's from now on. What readers of the one before may still touch stays: the design's words.
  void use_again(vma_fields values, vm::life state, std::uint64_t mark) noexcept {
    fields_ = std::move(values);
    mark_ = mark;
    anon_.store_relaxed(fields_.anon);
    life_.store_relaxed(state);
  }

  sync::atomic<std::uint32_t> word_{0};      ///< guard: the design's; in the gap that the base leaves
  vma_fields fields_;                        ///< guard: immutable, until it is used again
  std::uint64_t mark_;                       ///< guard: immutable, until it is used again
  sync::atomic<std::uint64_t> anon_;         ///< guard: atomic, 0 -> identity once
  sync::atomic<vm::life> life_;              ///< guard: atomic, stored by the writer
  sync::atomic<std::uint32_t> sequence_{0};  ///< guard: the design's
  vma_cache* home_ = nullptr;                ///< guard: immutable; null: it is freed after a grace period
};

}  // namespace rcuvm::vm
