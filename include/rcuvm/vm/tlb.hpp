// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The software TLB of a cpu, and its shootdown.

#include <array>
#include <cstdint>
#include <optional>

#include "rcuvm/base/address.hpp"
#include "rcuvm/base/mutation.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/checked.hpp"
#include "rcuvm/sync/thread.hpp"
#include "rcuvm/vm/pte.hpp"

namespace rcuvm::vm {

/// Translations that a cpu remembers, so that an access need not walk the page table.
///
///   owner:     begin_access ── look up or walk, use the frame ── end_access        (like running with IRQs off)
///   shooter:   clear the PTEs ── flush_wanted ── ask: is an access under way? ── wait for its end = the ack
///
/// Protects   frames and page tables: after shoot_down() returns, no access that began before uses an old translation,
///            and each later access flushes first. Only then may frames and tables be freed.
/// Writers    the owner alone touches the entries; any thread may shoot.
/// Progress   owner: wait-free. Shooter: waits for at most one access of the owner.
/// Ordering   tlb.A1-tlb.A2: both are read-modify-writes of active_, so one comes first. If the owner's comes first, the
///            shooter sees the access and waits for tlb.A3. If the shooter's comes first, the owner sees flush_wanted_
///            and the cleared PTEs, because they were written before it.
/// Kernel     the TLB, and flush_tlb_mm_range() with its IPI. Cost: two read-modify-writes an access, one a shootdown.
class alignas(64) tlb {
 public:
  struct key {
    std::uint32_t space;  ///< which address space; like a PCID
    address page;         ///< page-aligned
    friend constexpr bool operator==(key, key) noexcept = default;
  };

  /// RAII: an access is under way on this cpu. One at a time.
  class access_section {
   public:
    explicit access_section(tlb& of) noexcept : tlb_{of} {
      tlb_.active_.exchange_acq_rel(tlb_.accesses_ += 1);  // tlb.A1 <-> tlb.A2
      if (is_mutated(mutation::access_without_flush)) return;
      if (tlb_.flush_wanted_.load_relaxed() != tlb_.flushed_) tlb_.flush();
    }
    ~access_section() {
      // An exchange, because a plain store would hide tlb.A2.
      tlb_.active_.exchange_acq_rel(tlb_.accesses_ += 1);  // tlb.A3 -> tlb.A4
    }
    access_section(const access_section&) = delete;
    access_section& operator=(const access_section&) = delete;

    [[nodiscard]] std::optional<pte> find(key wanted) const noexcept {
      const entry& place = tlb_.entries_[slot_of(wanted)];
      if (place.epoch != tlb_.epoch_ || place.what != wanted) return std::nullopt;
      return place.translation;
    }
    void remember(key what, pte translation) noexcept {
      tlb_.entries_[slot_of(what)] = {what, translation, tlb_.epoch_};
    }

   private:
    tlb& tlb_;
  };

  /// Any thread: after this no access uses a translation that was looked up before. The PTEs are cleared already.
  void shoot_down() noexcept {
    flush_wanted_.fetch_add_relaxed(1);
    const std::uint32_t seen = active_.fetch_add_acq_rel(0);  // tlb.A2 <-> tlb.A1
    if (seen % 2 == 0 || is_mutated(mutation::shoot_without_waiting)) return;
    while (active_.load_acquire() == seen) sync::yield();  // tlb.A4 <- tlb.A3
  }

  /// The owner, between two accesses: forgets all.
  void forget() noexcept { ++epoch_; }
  /// The same as sweep `number` and those before it ask.
  void sweep(std::uint64_t number) noexcept {
    if (!is_mutated(mutation::sweep_without_flush)) forget();
    swept_.store_release(number);  // sweep.S3 -> sweep.S4
  }
  /// Any thread: the last sweep done.
  [[nodiscard]] std::uint64_t swept() const noexcept {
    return swept_.load_acquire();  // sweep.S4 <- sweep.S3
  }

 private:
  static constexpr std::size_t entry_count = sync::checked::sized(256U, 2U);
  struct entry {
    key what{};
    pte translation{};
    std::uint64_t epoch = 0;  ///< valid when equal to epoch_
  };

  [[nodiscard]] static std::size_t slot_of(key of) noexcept { return (of.page >> page_shift) % entry_count; }

  void flush() noexcept {
    flushed_ = flush_wanted_.load_relaxed();
    forget();
  }

  sync::atomic<std::uint32_t> active_{0};        ///< guard: atomic; odd while an access is under way
  sync::atomic<std::uint32_t> flush_wanted_{0};  ///< guard: atomic
  sync::atomic<std::uint64_t> swept_{0};         ///< guard: atomic, stored by the owner
  std::uint32_t accesses_ = 0;                   ///< guard: owner; the value of active_
  std::uint32_t flushed_ = 0;                    ///< guard: owner; the last flush_wanted_ obeyed
  std::uint64_t epoch_ = 1;                      ///< guard: owner
  std::array<entry, entry_count> entries_{};     ///< guard: owner
};

}  // namespace rcuvm::vm
