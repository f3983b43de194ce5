// SPDX-License-Identifier: Apache-2.0

/// Each mutation, and where it is caught. A scenario that is expected to hold counts only beside one of these, or beside
/// a subject of its own that fails: else the search might be empty because nothing can happen in it.

#include <array>

#include "explore/scenarios/scenario.hpp"

namespace rcuvm::explore {

namespace {

using enum mutation;
constexpr auto check = finding_kind::check;
constexpr auto use_after_free = finding_kind::use_after_free;
constexpr auto data_race = finding_kind::data_race;
constexpr auto deadlock = finding_kind::deadlock;

struct words {
  mutation of;
  std::string_view name;
  std::string_view leaves_out;
};
constexpr std::array all_words{
    words{install_without_vma_check, "install_without_vma_check",
          "the fault's look at the life word under the table's lock"},
    words{install_without_sequence_check, "install_without_sequence_check",
          "the fault's look at the sequence count under the table's lock"},
    words{change_without_counting, "change_without_counting", "the increments of the sequence count"},
    words{narrow_sequence, "narrow_sequence",
          "all but two bits of the sequence count: two changes make it wrap"},
    words{install_without_removal_check, "install_without_removal_check",
          "the fault's look whether its file has lost pages meanwhile"},
    words{fault_locked_without_lock, "fault_locked_without_lock",
          "the lock around a file's fault_locked(): it is called as fault() is"},
    words{map_around_unchecked, "map_around_unchecked",
          "the look, for the pages around a fault, whether mapping and file are as before"},
    words{punch_without_hiding, "punch_without_hiding",
          "the hole's hold on faults until its pages have left the cache"},
    words{lock_inode_whole, "lock_inode_whole", "the ranges of the inode lock: it is taken whole"},
    words{exclude_without_wait, "exclude_without_wait", "the writer's wait for faults inside a VMA"},
    words{keep_anybodys, "keep_anybodys", "the fault's look whose VMA it has a reference to"},
    words{keep_anywhere, "keep_anywhere",
          "the look where the VMA is that a fault or a walk has a reference to"},
    words{claim_regardless, "claim_regardless", "the writer's look whether another one is at work there"},
    words{publish_after_wait, "publish_after_wait",
          "the new plan of a writer that has waited for another one"},
    words{touch_all_published, "touch_all_published",
          "the writer's restraint from records that others may outdate by now"},
    words{publish_without_kill, "publish_without_kill", "the kill of outdated records"},
    words{unmap_without_zap, "unmap_without_zap",
          "the zap of the page tables: they are left to the free callback"},
    words{unmap_without_shootdown, "unmap_without_shootdown", "the TLB shootdown before frames are freed"},
    words{unlink_without_shootdown, "unlink_without_shootdown",
          "the shootdown before page tables are freed at once"},
    words{shoot_without_waiting, "shoot_without_waiting", "the shootdown's wait for an access under way"},
    words{access_without_flush, "access_without_flush", "the access's look whether its TLB is to be flushed"},
    words{enter_unseen, "enter_unseen", "the mark of a cpu in the address space that it enters"},
    words{free_before_sweep, "free_before_sweep", "a lazy shootdown's wait for the sweeps of all cpus"},
    words{sweep_without_flush, "sweep_without_flush", "the flush of the TLB at a tick"},
    words{install_over_old_translations, "install_over_old_translations",
          "the shootdown before a fault installs where an old translation may be left"},
    words{map_over_old_translations, "map_over_old_translations",
          "the shootdown before something is mapped where an old translation may be left"},
    words{pin_without_access, "pin_without_access",
          "get_user_pages_fast's hold on the shootdown: interrupts stay on"},
    words{count_at_one_look, "count_at_one_look",
          "smaps' second look at a page that is not its file's: is it still there?"},
    words{zap_without_vma_check, "zap_without_vma_check",
          "DONTNEED's look at its mapping under the table's lock"},
    words{trust_cleared_entries, "trust_cleared_entries",
          "the shootdown for entries that another call has cleared, and not shot down yet"},
    words{map_live_at_once, "map_live_at_once", "the wait of faults until the old pages are gone"},
    words{move_without_holding_faults, "move_without_holding_faults",
          "mremap's hold on faults in what it moves"},
    words{protect_without_shootdown, "protect_without_shootdown", "mprotect's TLB shootdown"},
    words{copy_without_shootdown, "copy_without_shootdown", "the TLB shootdown after a copy on write"},
    words{fork_without_shootdown, "fork_without_shootdown", "fork's TLB shootdown"},
    words{fork_without_holding_faults, "fork_without_holding_faults",
          "fork's hold on faults that would copy"},
    words{fork_dead_entries, "fork_dead_entries", "fork's look for dead entries: the child has them, too"},
    words{take_shared_for_own, "take_shared_for_own",
          "the fault's look at the tree for a record that fork has left to two address spaces"},
    words{kill_shared, "kill_shared",
          "the writer's restraint from the life word of a record that another address space has, too"},
    words{change_in_place, "change_in_place",
          "the new record per change: the fields are overwritten (the patch of 2021)"},
    words{quiesce_without_wait, "quiesce_without_wait", "munmap's grace period"},
    words{retire_without_grace_period, "retire_without_grace_period", "limbo's wait for a grace period"},
    words{retire_without_wake, "retire_without_wake", "the wake-up of a sleeping reclaimer"},
    words{over_before_free, "over_before_free", "the order: freed first, over then"},
    words{throttle_without_wait, "throttle_without_wait", "the writer's wait at the limit"},
    words{publish_relaxed, "publish_relaxed", "the release order of the root's store"},
    words{hold_dead_root, "hold_dead_root", "the snapshot's look whether the root is dead"},
    words{take_root_unchecked, "take_root_unchecked", "the compare-and-swap that takes the old root"},
    words{hand_over_without_release, "hand_over_without_release",
          "the look whether the last holder of a shared node goes"},
    words{tell_before_publishing, "tell_before_publishing",
          "the order of a group commit: published first, told then"},
};

constexpr twin caught(mutation broken, std::string_view scenario, std::string_view design,
                      finding_kind kind) {
  for (const words& each : all_words) {
    if (each.of == broken) return {broken, each.name, each.leaves_out, scenario, design, kind};
  }
  throw "a mutation without words";  // in a constant expression: does not compile
}

constexpr std::array twins{
    caught(install_without_vma_check, "late-install", "replace", check),
    caught(install_without_sequence_check, "late-install", "mm-seq", check),
    caught(install_without_sequence_check, "late-install", "vma-seq", check),
    caught(install_without_sequence_check, "move-fault", "vma-seq", check),
    caught(change_without_counting, "late-install", "mm-seq", check),
    caught(change_without_counting, "late-install", "vma-seq", check),
    caught(narrow_sequence, "two-changes", "mm-seq", check),
    caught(install_without_removal_check, "truncate", "replace", check),
    caught(install_without_removal_check, "punch-hole", "replace", check),
    caught(fault_locked_without_lock, "fault-locked-read", "replace", check),
    caught(fault_locked_without_lock, "fault-locked-read", "mmap-lock-drop", check),
    caught(map_around_unchecked, "fault-around", "replace", check),
    caught(map_around_unchecked, "fault-around-truncate", "mmap-lock", check),
    caught(punch_without_hiding, "punch-hole", "mmap-lock", check),
    caught(lock_inode_whole, "inode-ranges", "mmap-lock", finding_kind::lock_order),
    caught(lock_inode_whole, "read-itself-ranges", "replace", deadlock),
    caught(install_without_vma_check, "fault-during-read", "replace", check),
    caught(exclude_without_wait, "late-install", "vma-lock", data_race),
    caught(exclude_without_wait, "move-fault", "vma-lock", data_race),
    caught(keep_anybodys, "record-reuse", "vma-lock", check),
    caught(keep_anywhere, "two-changes", "vma-lock", check),
    caught(claim_regardless, "two-writers", "range-lock", check),
    caught(publish_after_wait, "two-writers", "range-lock", check),
    caught(touch_all_published, "two-cuts", "range-lock", use_after_free),
    caught(publish_without_kill, "late-install", "tombstone", check),
    caught(unmap_without_zap, "stale-pte", "replace", check),
    caught(unmap_without_shootdown, "move-over-dead", "replace", check),
    caught(unmap_without_shootdown, "stale-pte", "tombstone", check),
    caught(unmap_without_shootdown, "map-fixed", "replace", check),
    caught(unmap_without_shootdown, "late-access", "replace", check),
    caught(shoot_without_waiting, "frame-reuse", "replace", check),
    caught(access_without_flush, "frame-reuse", "sync", check),
    caught(enter_unseen, "frame-reuse", "replace", check),
    caught(free_before_sweep, "lazy-frame-reuse", "replace", check),
    caught(sweep_without_flush, "lazy-frame-reuse", "replace", check),
    caught(install_over_old_translations, "lazy-dontneed", "replace", check),
    caught(map_over_old_translations, "lazy-remap", "replace", check),
    caught(pin_without_access, "pin", "replace", check),
    caught(unlink_without_shootdown, "pin-table", "mmap-lock", use_after_free),
    caught(pin_without_access, "pin-move", "mmap-lock", use_after_free),
    caught(pin_without_access, "pin-truncate", "replace", check),
    caught(zap_without_vma_check, "dontneed-lock", "replace", check),
    caught(trust_cleared_entries, "dontneed-munmap", "replace", check),
    caught(trust_cleared_entries, "two-dontneeds", "mmap-lock", check),
    caught(trust_cleared_entries, "dontneed-move", "replace", check),
    caught(retire_without_grace_period, "smaps", "replace", use_after_free),
    caught(retire_without_grace_period, "smaps-move", "replace", use_after_free),
    caught(count_at_one_look, "smaps-truncate", "replace", check),
    caught(map_live_at_once, "move-pages", "replace", check),
    caught(move_without_holding_faults, "move-fault", "replace", check),
    caught(protect_without_shootdown, "protect", "replace", check),
    caught(copy_without_shootdown, "copy-on-write", "replace", check),
    caught(fork_without_shootdown, "fork", "replace", check),
    caught(fork_without_holding_faults, "fork-two-writers", "replace", check),
    caught(fork_without_holding_faults, "fork-order", "replace", check),
    caught(fork_dead_entries, "fork-over-dead", "tombstone", check),
    caught(take_shared_for_own, "shared-record", "replace", check),
    caught(take_shared_for_own, "shared-record-untouched", "replace", check),
    caught(kill_shared, "shared-record-child", "replace", finding_kind::endless),
    caught(change_in_place, "walk-chunked-shrink", "replace", data_race),
    caught(change_in_place, "walk-snapshot-shrink", "sync", data_race),
    caught(quiesce_without_wait, "late-install", "sync", use_after_free),
    caught(retire_without_grace_period, "retire", "limbo", use_after_free),
    caught(retire_without_grace_period, "table-reclaim", "replace", use_after_free),
    caught(retire_without_grace_period, "gap-beside-dead", "tombstone", use_after_free),
    caught(retire_without_grace_period, "exit", "tombstone", use_after_free),
    caught(retire_without_wake, "retire-wait", "limbo", deadlock),
    caught(retire_without_wake, "retire-shutdown", "limbo", deadlock),
    caught(over_before_free, "retire-wait", "limbo", check),
    caught(throttle_without_wait, "back-pressure", "limbo", check),
    caught(publish_relaxed, "tree-store", "maple-tree", data_race),
    caught(publish_relaxed, "tree-split", "maple-tree", data_race),
    caught(publish_relaxed, "tree-merge", "maple-tree", data_race),
    caught(publish_relaxed, "walk-chunked-split", "replace", data_race),
    caught(publish_relaxed, "walk-chunked-merge", "tombstone", data_race),
    caught(publish_relaxed, "walk-chunked-expand", "sync", data_race),
    caught(publish_relaxed, "walk-chunked-up", "replace", data_race),
    caught(publish_relaxed, "walk-chunked-down", "replace", data_race),
    caught(publish_relaxed, "walk-snapshot-split", "replace", data_race),
    caught(publish_relaxed, "walk-snapshot-merge", "replace", data_race),
    caught(publish_relaxed, "walk-snapshot-expand", "replace", data_race),
    caught(publish_relaxed, "walk-snapshot-up", "replace", data_race),
    caught(publish_relaxed, "walk-snapshot-down", "replace", data_race),
    caught(retire_without_grace_period, "tree-empty", "maple-tree", use_after_free),
    caught(hold_dead_root, "tree-snapshot", "maple-tree", check),
    caught(take_root_unchecked, "tree-snapshot", "maple-tree", use_after_free),
    caught(tell_before_publishing, "tree-group", "maple-tree", check),
    caught(hand_over_without_release, "tree-share", "maple-tree", use_after_free),
};

}  // namespace

std::span<const twin> all_twins() { return twins; }

}  // namespace rcuvm::explore
