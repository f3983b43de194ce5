// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the checked build can leave out, to show that the explorer misses it.

#include <cstdint>

namespace rcuvm {

/// A wait, a check or an order that a sound design needs. explore/scenarios/twins.cpp says in words what each leaves out, and
/// which scenario catches it. In every other build is_mutated() is false, and nothing of this is left.
enum class mutation : std::uint8_t {
  none,
  // faults, page tables, TLBs
  install_without_vma_check,
  install_without_sequence_check,
  change_without_counting,
  narrow_sequence,
  install_without_removal_check,
  fault_locked_without_lock,
  map_around_unchecked,
  punch_without_hiding,
  lock_inode_whole,
  exclude_without_wait,
  keep_anybodys,
  keep_anywhere,
  claim_regardless,
  publish_after_wait,
  touch_all_published,
  publish_without_kill,
  map_live_at_once,
  zap_without_vma_check,
  trust_cleared_entries,
  unmap_without_zap,
  unmap_without_shootdown,
  unlink_without_shootdown,
  protect_without_shootdown,
  copy_without_shootdown,
  fork_without_shootdown,
  fork_without_holding_faults,
  fork_dead_entries,
  take_shared_for_own,
  kill_shared,
  move_without_holding_faults,
  access_without_flush,
  enter_unseen,
  free_before_sweep,
  sweep_without_flush,
  install_over_old_translations,
  map_over_old_translations,
  pin_without_access,
  count_at_one_look,
  shoot_without_waiting,
  change_in_place,
  // grace periods
  quiesce_without_wait,
  retire_without_grace_period,
  retire_without_wake,
  over_before_free,
  throttle_without_wait,
  // the tree
  publish_relaxed,
  hold_dead_root,
  take_root_unchecked,
  hand_over_without_release,
  tell_before_publishing,
};

#ifdef RCUVM_CHECKED
/// guard: set between two runs of the explorer.
extern constinit mutation active_mutation;
[[nodiscard]] inline bool is_mutated(mutation which) noexcept { return active_mutation == which; }
#else
[[nodiscard]] constexpr bool is_mutated(mutation) noexcept { return false; }
#endif

}  // namespace rcuvm
