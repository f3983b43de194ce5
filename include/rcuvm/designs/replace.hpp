// SPDX-License-Identifier: Apache-2.0
#pragma once

/// replace: one overwriting store, and nobody waits.

#include <span>
#include <string_view>

#include "rcuvm/base/range.hpp"
#include "rcuvm/designs/rcu_guards.hpp"
#include "rcuvm/maple_tree.hpp"
#include "rcuvm/reclaim/limbo.hpp"
#include "rcuvm/vm/counters.hpp"
#include "rcuvm/vm/vma.hpp"

namespace rcuvm::designs {

/// The gather, overwrite, complete of Linux 6.12 for every change, with immutable records.
///
///   fault      ┌─find─┬─lock table: linked? live?─┬─install─┐
///   munmap   publish ── kill ── zap under the table locks ── unlink ── shoot down ── limbo ─ ─ grace period ─ ─ freed
///   MAP_FIXED  the same, and the new record is `building` until the old pages are gone
///
/// Finds and keeps   the tree, inside a read section: one immutable version.
/// Re-checks         under the table's lock: is the table linked, is the VMA live? Else looks up again.
/// Writer            waits for no reader. MAP_FIXED over something is one store: old or new, never a hole.
/// Frees             frames after the shootdown; nodes, VMAs and tables by limbo after a grace period.
/// Races             none. The price is memory in limbo, bounded by back-pressure.
struct replace {
  static constexpr std::string_view name = "replace";
  static constexpr std::string_view summary =
      "RCU readers re-check under the table lock; nobody waits; limbo frees";
  static constexpr bool leaves_tombstones = false;

  using state = one_writer;
  using read_guard = rcu_read_guard;
  using write_guard = one_writer_guard;
  using zap_guard = one_writer_guard;  // faults go on; the mappings must not change meanwhile

  static void begin_change(state&, maple_tree<vm::vma>&, write_guard&, reclaim::limbo&) noexcept {}
  static bool wait_until_free(state&, maple_tree<vm::vma>&, write_guard&, reclaim::limbo&, range,
                              vm::counters&) noexcept {
    return false;
  }
  static void take_over(state&, range) noexcept {}
  static void quiesce(state&, vm::counters&) noexcept {}
  static void dispose(state&, reclaim::retire_list&& old, std::span<const range>,
                      reclaim::limbo& limbo) noexcept {
    if (!old.is_empty()) limbo.retire(std::move(old));
  }
  static void drain(state&, reclaim::limbo&) noexcept {}
};

}  // namespace rcuvm::designs
