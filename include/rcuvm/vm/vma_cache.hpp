// SPDX-License-Identifier: Apache-2.0
#pragma once

/// VMAs that are used again at once, by whichever address space of the machine.
///
///   munmap   unpublish ── detach: no reference is left, none can be had ── put ┐
///   mmap     publish, attach ── values ── take ────────────────────────────────┘      the same record, the same moment
///   fault    find ······································ reference: had, but of what? looks again (designs/vma_lock.hpp)
///
/// Readers may come upon a record here, or on its next life: its memory stays a VMA's, and its design's words are left alone, until
/// the cache is full. What it has no room for goes through limbo as everything else does.
///
/// Protects   the memory of records. Their contents are the design's to protect.
/// Writers    all address spaces of the machine.
/// Cost       a mutex and a few stores.
/// Kernel     vm_area_cachep with SLAB_TYPESAFE_BY_RCU, since 6.15.

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "rcuvm/reclaim/limbo.hpp"
#include "rcuvm/sync/checked.hpp"
#include "rcuvm/sync/memory.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/vm/vma.hpp"

namespace rcuvm::vm {

class vma_cache {
 public:
  static constexpr std::size_t capacity = sync::checked::sized(std::size_t{512}, std::size_t{4});

  explicit vma_cache(reclaim::limbo& overflow) noexcept : limbo_{overflow} {}
  /// Nobody may be at a record any more.
  ~vma_cache();
  vma_cache(const vma_cache&) = delete;
  vma_cache& operator=(const vma_cache&) = delete;

  /// Null: no memory.
  [[nodiscard]] vma* take(vma_fields values, vm::life state, std::uint64_t owner) noexcept;
  /// Nobody has a reference to it, and none can be had. Outside read sections: limbo may have to wait.
  void put(vma* dead) noexcept;

 private:
  reclaim::limbo& limbo_;
  sync::mutex lock_;
  std::array<vma*, capacity>
      kept_{};             ///< guard: lock_; the last one put is the first one taken: its lines are warm
  std::size_t count_ = 0;  ///< guard: lock_
};

/// Where an address space's records come from.
struct record_source {
  vma_cache* cache = nullptr;  ///< null: they are made, and freed after a grace period
  std::uint64_t mark = 0;      ///< what new ones carry

  /// Null: no memory.
  [[nodiscard]] vma* make(vma_fields values, vm::life state) const noexcept {
    return cache == nullptr ? sync::memory::make<vma>(std::move(values), state, mark)
                            : cache->take(std::move(values), state, mark);
  }
  /// One that was not published. Null is ignored.
  void give_back(vma* made) const noexcept {
    if (cache == nullptr || made == nullptr) return sync::memory::destroy(made);
    cache->put(made);
  }
};

}  // namespace rcuvm::vm
