// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What all address spaces share: frames, cpus with their TLBs, and limbo.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <stdexcept>

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/reclaim/limbo.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/checked.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/sync/rwsem.hpp"
#include "rcuvm/vm/counters.hpp"
#include "rcuvm/vm/frame.hpp"
#include "rcuvm/vm/tlb.hpp"
#include "rcuvm/vm/vma_cache.hpp"

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

/// How the translations of what munmap and DONTNEED take away go.
enum class shootdowns : std::uint8_t {
  at_once,  ///< the call waits for all cpus
  lazily    ///< at the next tick of each cpu (lazy_zaps.hpp)
};

struct machine_options {
  std::uint32_t frames = 1U << 20;  ///< of 4 KiB each
  frame_pool::backing backing = frame_pool::backing::counted;
  reclaim::limits limbo = {};
  vm::shootdowns shootdowns = vm::shootdowns::at_once;
  sync::reader_wait readers = sync::reader_wait::sleep;  ///< of the semaphores of address spaces
};

class machine {
 public:
  static constexpr unsigned max_cpus = sync::checked::sized(64U, 4U);

  explicit machine(machine_options options = {})
      : frames_{options.frames, options.backing},
        limbo_{options.limbo},
        records_{limbo_},
        is_lazy_{options.shootdowns == shootdowns::lazily},
        readers_{options.readers} {}
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;

  [[nodiscard]] frame_pool& frames() noexcept { return frames_; }
  [[nodiscard]] reclaim::limbo& limbo() noexcept { return limbo_; }
  /// For designs that use records again.
  [[nodiscard]] vma_cache& records() noexcept { return records_; }
  /// Are shootdowns lazy?
  [[nodiscard]] bool is_lazy() const noexcept { return is_lazy_; }
  /// How do readers of its address spaces' semaphores wait?
  [[nodiscard]] sync::reader_wait readers() const noexcept { return readers_; }

  /// Asks each cpu to forget its translations at its next tick. The number of this sweep; the PTEs are cleared already.
  [[nodiscard]] std::uint64_t ask_for_sweep() noexcept {
    return sweeps_asked_.fetch_add_acq_rel(1) + 1;  // sweep.S1 -> sweep.S2
  }
  [[nodiscard]] std::uint64_t sweeps_asked() const noexcept {
    return sweeps_asked_.load_acquire();  // sweep.S2 <- sweep.S1
  }
  /// Which sweep has each cpu of `cpus` done, and all before?
  [[nodiscard]] std::uint64_t swept_by_all(cpu_set& cpus) noexcept {
    std::uint64_t oldest = ~std::uint64_t{0};
    for (std::uint64_t bits = cpus.bits(); bits != 0; bits &= bits - 1)
      oldest = std::min(oldest, tlbs_[static_cast<unsigned>(std::countr_zero(bits))].swept());
    return oldest;
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
  vma_cache records_;
  const bool is_lazy_;                           ///< guard: immutable
  const sync::reader_wait readers_;              ///< guard: immutable
  sync::atomic<std::uint64_t> sweeps_asked_{0};  ///< guard: atomic
  std::array<tlb, max_cpus> tlbs_;               ///< guard: as each TLB says; they outlive their cpus
  sync::mutex lock_;
  std::uint64_t claimed_ = 0;  ///< guard: lock_; cpu ids in use
};

/// What one thread brings along to run in an address space: a TLB, a stock of frames, counters.
///
/// Writers   the thread that made it, alone; it may run in any number of address spaces of the machine, in turn.
/// Kernel    a processor with its per-cpu variables.
class alignas(64) cpu {
 public:
  /// Throws std::runtime_error when the machine has 64 already.
  explicit cpu(machine& of) : machine_{of}, id_{of.claim_cpu()}, is_lazy_{of.is_lazy()} {}
  ~cpu() {
    machine_.frames_.drain(stock);
    machine_.release_cpu(id_);
  }
  cpu(const cpu&) = delete;
  cpu& operator=(const cpu&) = delete;

  [[nodiscard]] unsigned id() const noexcept { return id_; }
  [[nodiscard]] machine& host() noexcept { return machine_; }
  [[nodiscard]] tlb& translations() noexcept { return machine_.tlbs_[id_]; }

  /// Is about to work in address space `space`, which has run on `those`. Asks them for the first time and after another one alone,
  /// so that who shoots down disturbs nobody's faults. Kernel: switch_mm, which sets mm_cpumask.
  void enter(std::uint32_t space, cpu_set& those) noexcept {
    if (space_ == space) return;
    space_ = space;
    if (!is_mutated(mutation::enter_unseen)) those.add(id_);
  }
  /// Each fault and access comes through here; from time to time it is a tick.
  void work() noexcept {
    if (is_lazy_ && ++since_tick_ == work_per_tick) tick();
  }
  /// Waits until no cpu of `those` uses an old translation; this one, which is not in an access, forgets its own. Kernel:
  /// flush_tlb_mm_range.
  void shoot_down(cpu_set& those) noexcept {
    ++count.shootdowns;
    for (std::uint64_t bits = those.bits(); bits != 0; bits &= bits - 1) {
      const auto which = static_cast<unsigned>(std::countr_zero(bits));
      if (which == id_) {
        translations().forget();
      } else {
        ++count.shootdown_acks;
        machine_.tlbs_[which].shoot_down();
      }
    }
  }
  /// What the timer's interrupt does where shootdowns are lazy: between two accesses, forgets all translations if one has to go.
  void tick() noexcept {
    since_tick_ = 0;
    const std::uint64_t asked = machine_.sweeps_asked();
    if (asked == translations().swept()) return;
    translations().sweep(asked);
    ++count.sweeps;
  }

  counters count;              ///< guard: owner
  frame_pool::magazine stock;  ///< guard: owner

 private:
  static constexpr std::uint32_t work_per_tick = sync::checked::sized(1024U, 8U);  ///< about a millisecond

  machine& machine_;
  const unsigned id_;
  const bool is_lazy_;            ///< guard: immutable; as the machine says
  std::uint32_t since_tick_ = 0;  ///< guard: owner
  std::uint32_t space_ = 0;       ///< guard: owner; the one it works in; 0: none yet
};

}  // namespace rcuvm::vm
