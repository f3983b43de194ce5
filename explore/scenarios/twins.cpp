// SPDX-License-Identifier: Apache-2.0

/// Each mutation, and where it is caught. A scenario that is expected to hold counts only beside one of these, or beside a subject of its
/// own that fails: else the search might be empty because nothing can happen in it.

#include <array>

#include "explore/scenarios/scenario.hpp"

namespace rcuvm::explore {

namespace {

using enum mutation;
constexpr auto check = finding_kind::check;
constexpr auto use_after_free = finding_kind::use_after_free;
constexpr auto data_race = finding_kind::data_race;
constexpr auto deadlock = finding_kind::deadlock;

constexpr std::array twins{
    twin{install_without_vma_check, "install_without_vma_check",
         "the fault's look at the life word under the table's lock", "late-install", "replace", check},
    twin{publish_without_kill, "publish_without_kill", "the kill of outdated records", "late-install",
         "tombstone", check},
    twin{unmap_without_zap, "unmap_without_zap",
         "the zap of the page tables: they are left to the free callback", "stale-pte", "replace", check},
    twin{unmap_without_shootdown, "unmap_without_shootdown", "the TLB shootdown before frames are freed",
         "move-over-dead", "replace", check},
    twin{unmap_without_shootdown, "unmap_without_shootdown", "the TLB shootdown before frames are freed",
         "stale-pte", "tombstone", check},
    twin{unmap_without_shootdown, "unmap_without_shootdown", "the TLB shootdown before frames are freed",
         "map-fixed", "replace", check},
    twin{shoot_without_waiting, "shoot_without_waiting", "the shootdown's wait for an access under way",
         "frame-reuse", "replace", check},
    twin{access_without_flush, "access_without_flush", "the access's look whether its TLB is to be flushed",
         "frame-reuse", "sync", check},
    twin{map_live_at_once, "map_live_at_once", "the wait of faults until the old pages are gone",
         "move-pages", "replace", check},
    twin{move_without_holding_faults, "move_without_holding_faults",
         "mremap's hold on faults in what it moves", "move-fault", "replace", check},
    twin{protect_without_shootdown, "protect_without_shootdown", "mprotect's TLB shootdown", "protect",
         "replace", check},
    twin{copy_without_shootdown, "copy_without_shootdown", "the TLB shootdown after a copy on write",
         "copy-on-write", "replace", check},
    twin{fork_without_shootdown, "fork_without_shootdown", "fork's TLB shootdown", "fork", "replace", check},
    twin{fork_without_holding_faults, "fork_without_holding_faults", "fork's hold on faults that would copy",
         "fork-two-writers", "replace", check},
    twin{change_in_place, "change_in_place",
         "the new record per change: the fields are overwritten (the patch of 2021)", "walk-chunked-shrink",
         "replace", data_race},
    twin{change_in_place, "change_in_place",
         "the new record per change: the fields are overwritten (the patch of 2021)", "walk-snapshot-shrink",
         "sync", data_race},
    twin{quiesce_without_wait, "quiesce_without_wait", "munmap's grace period", "late-install", "sync",
         use_after_free},
    twin{retire_without_grace_period, "retire_without_grace_period", "limbo's wait for a grace period",
         "retire", "limbo", use_after_free},
    twin{retire_without_grace_period, "retire_without_grace_period", "limbo's wait for a grace period",
         "table-reclaim", "replace", use_after_free},
    twin{retire_without_grace_period, "retire_without_grace_period", "limbo's wait for a grace period",
         "gap-beside-dead", "tombstone", use_after_free},
    twin{retire_without_grace_period, "retire_without_grace_period", "limbo's wait for a grace period",
         "exit", "tombstone", use_after_free},
    twin{retire_without_wake, "retire_without_wake", "the wake-up of a sleeping reclaimer", "retire-wait",
         "limbo", deadlock},
    twin{retire_without_wake, "retire_without_wake", "the wake-up of a sleeping reclaimer", "retire-shutdown",
         "limbo", deadlock},
    twin{over_before_free, "over_before_free", "the order: freed first, over then", "retire-wait", "limbo",
         check},
    twin{throttle_without_wait, "throttle_without_wait", "the writer's wait at the limit", "back-pressure",
         "limbo", check},
    twin{publish_relaxed, "publish_relaxed", "the release order of the root's store", "tree-store",
         "maple-tree", data_race},
    twin{publish_relaxed, "publish_relaxed", "the release order of the root's store", "tree-split",
         "maple-tree", data_race},
    twin{publish_relaxed, "publish_relaxed", "the release order of the root's store", "tree-merge",
         "maple-tree", data_race},
    twin{publish_relaxed, "publish_relaxed", "the release order of the root's store", "walk-chunked-split",
         "replace", data_race},
    twin{publish_relaxed, "publish_relaxed", "the release order of the root's store", "walk-chunked-merge",
         "tombstone", data_race},
    twin{publish_relaxed, "publish_relaxed", "the release order of the root's store", "walk-chunked-expand",
         "sync", data_race},
    twin{publish_relaxed, "publish_relaxed", "the release order of the root's store", "walk-chunked-up",
         "replace", data_race},
    twin{publish_relaxed, "publish_relaxed", "the release order of the root's store", "walk-chunked-down",
         "replace", data_race},
    twin{publish_relaxed, "publish_relaxed", "the release order of the root's store", "walk-snapshot-split",
         "replace", data_race},
    twin{publish_relaxed, "publish_relaxed", "the release order of the root's store", "walk-snapshot-merge",
         "replace", data_race},
    twin{publish_relaxed, "publish_relaxed", "the release order of the root's store", "walk-snapshot-expand",
         "replace", data_race},
    twin{publish_relaxed, "publish_relaxed", "the release order of the root's store", "walk-snapshot-up",
         "replace", data_race},
    twin{publish_relaxed, "publish_relaxed", "the release order of the root's store", "walk-snapshot-down",
         "replace", data_race},
    twin{retire_without_grace_period, "retire_without_grace_period", "limbo's wait for a grace period",
         "tree-empty", "maple-tree", use_after_free},
    twin{hold_dead_root, "hold_dead_root", "the snapshot's look whether the root is dead", "tree-snapshot",
         "maple-tree", check},
    twin{take_root_unchecked, "take_root_unchecked", "the compare-and-swap that takes the old root",
         "tree-snapshot", "maple-tree", use_after_free},
    twin{hand_over_without_release, "hand_over_without_release",
         "the look whether the last holder of a shared node goes", "tree-share", "maple-tree",
         use_after_free},
};

}  // namespace

std::span<const twin> all_twins() { return twins; }

}  // namespace rcuvm::explore
