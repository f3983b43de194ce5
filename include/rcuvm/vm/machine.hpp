// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What all address spaces share: frames, cpus with their TLBs, and limbo.

#include <array>
#include <bit>
#include <cstdint>
#include <stdexcept>
#include <utility>

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/base/range.hpp"
#include "rcuvm/reclaim/limbo.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/checked.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/vm/counters.hpp"
#include "rcuvm/vm/frame.hpp"
#include "rcuvm/vm/tlb.hpp"

namespace rcuvm::vm {

/// Which cpus have run an address space, one bit each. Kernel: mm_cpumask.
class cpu_set {
 public:
  /// Marks `id`. Cost: one load, but for the first time.
  void add(unsigned id) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << id;
    if ((bits_.load_relaxed() & bit) == 0) bits_.fetch_or_acq_rel(bit);  // cpus.B1 <-> cpus.B2
  }
  /// A read-modify-write: a cpu that is not seen here adds itself later, and then sees what the caller did to the PTEs.
  [[nodiscard]] std::uint64_t bits() noexcept { return bits_.fetch_or_acq_rel(0); }  // cpus.B2 <-> cpus.B1

 private:
  sync::atomic<std::uint64_t> bits_{0};  ///< guard: atomic
};

/// Zaps that have cleared PTEs and have not shot them down yet. Who finds a PTE cleared must not take it that nobody can reach
/// the page any more: it shoots down, too.
///
///   one       open ── lock table, clear ················· shoot down ── close
///   another              lock table: cleared already ── any? ── shoot down ── returns: nobody reaches the page
///
/// Ordering  zaps.Z1-zaps.Z2: through the table's lock, who finds the PTE cleared sees it open; or sees it closed, and by
///           zaps.Z3-zaps.Z2 all that the shootdown did.
/// Cost      two locks for a zap that clears something; a load for who asks while none is open.
/// Kernel    inc_tlb_flush_pending, mm_tlb_flush_nested; they know no ranges.
class open_zaps {
 public:
  class zap {
   public:
    explicit zap(range where) noexcept : where_{where} {}

   private:
    friend class open_zaps;
    const range where_;
    zap* next_ = nullptr;   ///< guard: lock_
    bool is_open_ = false;  ///< guard: owner
  };

  /// Once or more, before the first PTE is cleared.
  void open(zap& one) noexcept {
    if (one.is_open_) return;
    one.is_open_ = true;
    const sync::mutex_guard held{lock_};
    one.next_ = std::exchange(first_, &one);
    count_.fetch_add_relaxed(1);  // zaps.Z1 -> zaps.Z2
  }
  /// After the shootdown; whether it was opened or not.
  void close(zap& one) noexcept {
    if (!one.is_open_) return;
    const sync::mutex_guard held{lock_};
    zap** place = &first_;
    while (*place != &one) place = &(*place)->next_;
    *place = one.next_;
    count_.fetch_sub_release(1);  // zaps.Z3 -> zaps.Z2
  }
  /// Is one open in `where`, beside the caller's own?
  [[nodiscard]] bool any_in(range where, const zap* own = nullptr) noexcept {
    const std::uint32_t own_count = own != nullptr && own->is_open_ ? 1 : 0;
    // zaps.Z2 <- zaps.Z1; zaps.Z2 <- zaps.Z3
    if (count_.load_acquire() == own_count || is_mutated(mutation::trust_cleared_entries)) return false;
    const sync::mutex_guard held{lock_};
    for (const zap* each = first_; each != nullptr; each = each->next_) {
      if (each != own && each->where_.overlaps(where)) return true;
    }
    return false;
  }

 private:
  sync::atomic<std::uint32_t> count_{0};  ///< guard: atomic, stored under lock_
  sync::mutex lock_;
  zap* first_ = nullptr;  ///< guard: lock_
};

struct machine_options {
  std::uint32_t frames = 1U << 20;  ///< of 4 KiB each
  frame_pool::backing backing = frame_pool::backing::counted;
  reclaim::limits limbo = {};
};

class machine {
 public:
  static constexpr unsigned max_cpus = sync::checked::sized(64U, 4U);

  explicit machine(machine_options options = {})
      : frames_{options.frames, options.backing}, limbo_{options.limbo} {}
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;

  [[nodiscard]] frame_pool& frames() noexcept { return frames_; }
  [[nodiscard]] reclaim::limbo& limbo() noexcept { return limbo_; }

  /// Waits until no cpu of `cpus` uses an old translation. Kernel: flush_tlb_mm_range.
  void shoot_down(cpu_set& cpus, counters& count) noexcept {
    ++count.shootdowns;
    for (std::uint64_t bits = cpus.bits(); bits != 0; bits &= bits - 1) {
      ++count.shootdown_acks;
      tlbs_[static_cast<unsigned>(std::countr_zero(bits))].shoot_down();
    }
  }

 private:
  friend class cpu;

  [[nodiscard]] unsigned claim_cpu() {
    sync::mutex_guard held{lock_};
    const auto id = static_cast<unsigned>(std::countr_one(claimed_));
    if (id == max_cpus) throw std::runtime_error{"rcuvm: a machine has at most 64 cpus at a time"};
    claimed_ |= std::uint64_t{1} << id;
    return id;
  }
  void release_cpu(unsigned id) noexcept {
    sync::mutex_guard held{lock_};
    claimed_ &= ~(std::uint64_t{1} << id);
  }

  frame_pool frames_;
  reclaim::limbo limbo_;
  std::array<tlb, max_cpus> tlbs_;  ///< guard: as each TLB says; they outlive their cpus
  sync::mutex lock_;
  std::uint64_t claimed_ = 0;  ///< guard: lock_; cpu ids in use
};

/// What one thread brings along to run in an address space: a TLB, a stock of frames, counters.
///
/// Writers   the thread that made it, alone; it may run in any number of address spaces of the machine, in turn.
/// Kernel    a processor with its per-cpu variables.
class cpu {
 public:
  /// Throws std::runtime_error when the machine has 64 already.
  explicit cpu(machine& of) : machine_{of}, id_{of.claim_cpu()} {}
  ~cpu() {
    machine_.frames_.drain(stock);
    machine_.release_cpu(id_);
  }
  cpu(const cpu&) = delete;
  cpu& operator=(const cpu&) = delete;

  [[nodiscard]] unsigned id() const noexcept { return id_; }
  [[nodiscard]] machine& host() noexcept { return machine_; }
  [[nodiscard]] tlb& translations() noexcept { return machine_.tlbs_[id_]; }

  counters count;              ///< guard: owner
  frame_pool::magazine stock;  ///< guard: owner

 private:
  machine& machine_;
  const unsigned id_;
};

}  // namespace rcuvm::vm
