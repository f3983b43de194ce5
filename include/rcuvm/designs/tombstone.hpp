// SPDX-License-Identifier: Apache-2.0
#pragma once

/// tombstone: a dead entry keeps the addresses until nobody can hold what was there.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <new>
#include <span>
#include <string_view>
#include <tuple>

#include "rcuvm/base/range.hpp"
#include "rcuvm/designs/rcu_guards.hpp"
#include "rcuvm/maple_tree.hpp"
#include "rcuvm/reclaim/limbo.hpp"
#include "rcuvm/sync/clock.hpp"
#include "rcuvm/sync/memory.hpp"
#include "rcuvm/vm/counters.hpp"
#include "rcuvm/vm/vma.hpp"

namespace rcuvm::designs {

/// Solution 3 of linux-mm, 2021-02-08.
///
///   munmap     publish a dead entry ── kill ── zap ── unlink ── shoot down ── limbo ─ ─ grace period ─ ─ freed
///   tree       VVVVVVVV  ─────────────────────> DDDDDDDD ──────────────────────────────────────> ........
///                                                                    erased by the next call that changes the tree
///   MAP_FIXED  unmaps what is there, then waits until DDDDDDDD is over
///
/// Finds and keeps   the tree, inside a read section. A dead entry is: not mapped to a fault, skipped by a walk, occupied
///                   to the search for a gap, not copied by fork, drained at exit.
/// Re-checks         under the table's lock, as all RCU designs.
/// Writer            munmap does not wait. What needs those very addresses (MAP_FIXED, the target of mremap, brk, a stack
///                   that grows) waits for limbo, without the writer lock; MAP_FIXED_NOREPLACE waits, then succeeds.
/// Frees             frames after the shootdown; nodes, VMAs and tables by limbo after a grace period.
/// Races             none. The prices: a second version for each munmap, and the waits; and what MAP_FIXED or mremap replace is
///                   gone before it is known that there is memory for what comes there.
/// Kernel            never adopted for munmap.
struct tombstone : rcu_and_one_writer {
  static constexpr std::string_view name = "tombstone";
  static constexpr std::string_view summary =
      "RCU readers; munmap leaves a dead entry until the grace period is over; MAP_FIXED over it waits";
  static constexpr bool leaves_tombstones = true;

  struct dead_entry {
    range where;
    reclaim::limbo::ticket until;
  };
  struct state : one_writer {
    using one_writer::one_writer;
    std::deque<dead_entry, sync::memory::allocator<dead_entry>> dead;  ///< guard: writer; tickets rise
    std::size_t reserved = 0;     ///< guard: writer; dead[reserved...] is to be filled
    bool has_been_taken = false;  ///< guard: writer; take_over() may have left entries that are not in `dead`
  };

  [[nodiscard]] static bool may_have_dead(const state& of) noexcept {
    return !of.dead.empty() || of.has_been_taken;
  }

  static void begin_change(state& of, maple_tree<vm::vma>& tree, write_guard& guard,
                           reclaim::limbo& limbo) noexcept {
    std::ignore = erase_dead(of, tree, guard, limbo);
  }

  /// Erases the entries whose grace period is over. False: there was no memory, and some stay until the next time.
  [[nodiscard]] static bool erase_dead(state& of, maple_tree<vm::vma>& tree, write_guard& guard,
                                       reclaim::limbo& limbo) noexcept {
    while (of.dead.size() > of.reserved) of.dead.pop_back();  // reserved by a change that failed
    if (of.dead.empty() || !limbo.is_over(of.dead.front().until)) return true;
    auto change = tree.begin(guard.section());
    std::size_t erased = 0;
    bool has_memory = true;
    while (erased < of.dead.size() && limbo.is_over(of.dead[erased].until)) {
      has_memory = change.erase(of.dead[erased].where).has_value();
      if (!has_memory) break;
      ++erased;
    }
    reclaim::retire_list old;
    change.commit(old);
    of.dead.erase(of.dead.begin(), of.dead.begin() + static_cast<std::ptrdiff_t>(erased));
    of.reserved = of.dead.size();
    if (!old.is_empty()) limbo.retire(std::move(old));
    return has_memory;
  }

  /// Room for the entries that conclude() will note. Throws std::bad_alloc.
  static void reserve(state& of, std::size_t count, std::size_t) {
    of.reserved = of.dead.size();
    of.dead.resize(of.dead.size() + count);
  }

  /// Waits until no dead entry lies in `where`, without the writer lock. True: it has waited, look up again.
  /// Throws std::bad_alloc: an entry is over, and there is no memory to erase it.
  static bool wait_until_free(state& of, maple_tree<vm::vma>& tree, write_guard& guard, reclaim::limbo& limbo,
                              range where, vm::counters& count) {
    bool has_waited = false;
    for (;;) {
      reclaim::limbo::ticket last = 0;
      bool any = false;
      for (const dead_entry& each : of.dead) {
        if (!each.where.overlaps(where)) continue;
        any = true;
        last = std::max(last, each.until);
      }
      if (!any) return has_waited;
      has_waited = true;
      ++count.tombstone_waits;
      const std::uint64_t begun = sync::now_ns();
      guard.unlock();
      limbo.wait(last);
      guard.lock();
      count.tombstone_wait_ns += sync::now_ns() - begun;
      if (!erase_dead(of, tree, guard, limbo)) throw std::bad_alloc{};
    }
  }

  /// Lets a mapping come over dead entries without a wait: only where a recording says what the search for a gap found, which
  /// under this design would have been another place. Safe, because faults re-check. If the call fails after this, the
  /// addresses stay occupied until exit. Throws std::bad_alloc.
  static void take_over(state& of, range where) {
    for (std::size_t i = 0; i < of.dead.size(); ++i) {
      const dead_entry whole = of.dead[i];
      if (!whole.where.overlaps(where)) continue;
      of.has_been_taken = true;
      of.dead[i].where.end = std::max(whole.where.start, std::min(whole.where.end, where.start));
      if (whole.where.end <= where.end) continue;
      of.dead.insert(of.dead.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                     {{where.end, whole.where.end}, whole.until});
      ++i;
    }
    std::erase_if(of.dead, [](const dead_entry& each) { return each.where.is_empty(); });
    of.reserved = of.dead.size();
  }

  static void conclude(state& of, reclaim::retire_list& old, std::span<const range> dead,
                       reclaim::limbo& limbo) noexcept {
    if (old.is_empty() && dead.empty()) return;
    const auto ticket = limbo.retire(std::move(old));
    for (const range where : dead) of.dead[of.reserved++] = {where, ticket};
  }

  static void drain(state& of, reclaim::limbo& limbo) noexcept {
    if (!of.dead.empty()) limbo.wait(of.dead.back().until);
  }
};

}  // namespace rcuvm::designs
