// SPDX-License-Identifier: Apache-2.0
#pragma once

/// sync: RCU readers, and a munmap() that waits for a grace period.

#include <span>
#include <string_view>

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/base/range.hpp"
#include "rcuvm/designs/rcu_guards.hpp"
#include "rcuvm/maple_tree.hpp"
#include "rcuvm/reclaim/limbo.hpp"
#include "rcuvm/sync/clock.hpp"
#include "rcuvm/vm/counters.hpp"
#include "rcuvm/vm/vma.hpp"

namespace rcuvm::designs {

/// Solution 1 of linux-mm, 2021-02-08.
///
///   fault      ┌──section──┐        ┌──section──┐ (cannot find the VMA any more)
///   munmap   publish ·········· grace period ·········· zap ── free all at once
///
/// Finds and keeps   the tree, inside a read section.
/// Re-checks         VMA and table under the table's lock, as all RCU designs (needed for mprotect, which does not wait).
/// Writer            what unmaps (munmap, MAP_FIXED over something, mremap, a lower break) waits for every reader in the
///                   process, with the writer lock held.
/// Frees             after that wait: VMAs, nodes and tables at once. Changes that unmap nothing hand theirs to limbo.
/// Races             none; the price is munmap's latency.
/// Kernel            never adopted.
struct synchronize : rcu_and_one_writer {
  static constexpr std::string_view name = "sync";
  static constexpr std::string_view summary =
      "RCU readers; munmap waits for a grace period, then frees at once";

  struct state : one_writer {
    using one_writer::one_writer;
    bool has_waited = false;  ///< guard: writer; this change has
  };

  static void begin_change(state& of, maple_tree<vm::vma>&, write_guard&, reclaim::limbo&) noexcept {
    of.has_waited = false;
  }
  static void quiesce(state& of, vm::counters& count) noexcept {
    const std::uint64_t begun = sync::now_ns();
    if (!is_mutated(mutation::quiesce_without_wait)) sync::rcu::synchronize();
    ++count.grace_periods;
    count.grace_period_ns += sync::now_ns() - begun;
    of.has_waited = true;
  }
  static void conclude(state& of, reclaim::retire_list& old, std::span<const range>,
                       reclaim::limbo&) noexcept {
    if (std::exchange(of.has_waited, false)) old.free_now();
  }
};

}  // namespace rcuvm::designs
