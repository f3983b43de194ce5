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
struct replace : common {
  static constexpr std::string_view name = "replace";
  static constexpr std::string_view summary =
      "RCU readers re-check under the table lock; nobody waits; limbo frees";

  using state = one_writer;
  using read_guard = rcu_read_guard;
  using fault_guard = life_fault_guard;
  using write_guard = one_writer_guard;
  using zap_guard = one_writer_guard;  // faults go on; the mappings must not change meanwhile
};

}  // namespace rcuvm::designs
