// SPDX-License-Identifier: Apache-2.0
#pragma once

/// replace: one overwriting store, and nobody waits.

#include <string_view>

#include "rcuvm/designs/rcu_guards.hpp"

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
struct replace : rcu_and_one_writer {
  static constexpr std::string_view name = "replace";
  static constexpr std::string_view summary =
      "RCU readers re-check under the table lock; nobody waits; limbo frees";
};

}  // namespace rcuvm::designs
