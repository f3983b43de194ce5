// SPDX-License-Identifier: Apache-2.0
#pragma once

/// munmap, and what it does to page tables.

#include <array>

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

template <class Design>
result<void> address_space<Design>::unmap(vm::cpu& cpu, range where) {
  where.end = page_ceil(where.end);
  if (!is_valid(where)) return fail(EINVAL);
  return change_once(cpu, [&](write_guard& guard) { return unmap_locked(cpu, guard, where); });
}

/// Unmaps without looking whether dead entries are in the way. ENOMEM: a mapping would have to be cut in two, and there are as
/// many as there may be. Kernel: vms_gather_munmap_vmas.
template <class Design>
result<void> address_space<Design>::unmap_locked(vm::cpu& cpu, write_guard& guard, range where) {
  if (free_mappings() <= 0) {
    const vm::vma* const cut = view_of(guard).find(where.start);
    if (cut != nullptr && !cut->is_tombstone() && cut->where().start < where.start &&
        where.end < cut->where().end)
      return fail(ENOMEM);
  }
  mm::plan planned{lineage_, view_of(guard), where};
  planned.erase(where);
  return apply(cpu, guard, planned, {.unmapped = where});
}

/// Cuts off the tables around `where` that no mapping needs any more.
template <class Design>
void address_space<Design>::unlink_tables(vm::cpu& cpu, write_guard& guard, range where,
                                          reclaim::retire_list& old) {
  if (where.is_empty()) return;
  const view now = view_of(guard);
  range hole = vm::page_table::addressable;
  if (const auto below = mapping_below(now, where.start)) hole.start = below->where.end;
  if (const auto above = mapping_above(now, where.start)) hole.end = above->where.start;
  where = hull_of(where, loose_tables_);
  if (!Design::may_unlink_tables(state_, guard, hole)) {
    loose_tables_ = where;
    return;
  }
  if (hole.contains(loose_tables_)) loose_tables_ = {};
  const bool any = pages_.unlink(where.intersection(hole), hole, old, cpu.count);
  if (any && !is_mutated(mutation::unlink_without_shootdown)) shoot_down(cpu);
}

/// Clears the PTEs of the pages that takes(pte, address) names, as long as is_valid(), asked under each table's lock, says so; its
/// answer at the end. Guards go with their mapping only. Frames go back to the pool once no cpu uses them any more. A large zap
/// shoots down at once, even where translations may stay.
template <class Design>
template <class IsValid, class Takes>
bool address_space<Design>::zap_while(vm::cpu& cpu, range where, guards then, translations old,
                                      IsValid is_valid, Takes takes) {
  std::array<vm::frame_number, 4 * vm::table::entry_count> batch;
  std::size_t count = 0;
  const bool may_wait = old == translations::may_stay && is_lazy_;
  vm::open_zaps::zap own;
  vm::lazy_zaps::place* lazy = nullptr;
  const auto as_opened = [&]() -> vm::open_zaps::zap& { return lazy == nullptr ? own : lazy->zap; };
  bool is_open = false;
  const auto open = [&] {
    if (std::exchange(is_open, true)) return;
    if (may_wait) lazy = lazy_zaps_.take();
    open_zaps_.open(as_opened(), where);
  };
  bool may_go_on = true;
  bool has_flushed = false;
  const auto flush = [&] {
    if (!is_mutated(mutation::unmap_without_shootdown)) shoot_down(cpu);
    for (std::size_t i = 0; i < count; ++i) machine_.frames().put(batch[i], cpu.stock);
    cpu.count.frames_freed += count;
    count = 0;
    has_flushed = true;
  };
  pages_.for_each_leaf(where, [&](vm::table& leaf, unsigned first, unsigned end, address base) {
    if (!may_go_on) return;
    if (count + vm::table::entry_count > batch.size()) flush();
    sync::mutex_guard held{leaf.lock};
    may_go_on = is_valid();
    if (!may_go_on) return;
    leaf.clear_if(first, end, [&](unsigned index) {
      const vm::pte entry = leaf.entry(index);
      if (entry.is_guard()) return then == guards::go;
      if (!takes(entry, base + (index - first) * page_size)) return false;
      open();
      batch[count++] = entry.frame();
      return true;
    });
  });
  if (lazy != nullptr && !has_flushed && count <= vm::lazy_zaps::most_frames) {
    lazy_zaps_.leave(*lazy, std::span{batch}.first(count), [&] { return machine_.ask_for_sweep(); });
    ++cpu.count.shootdowns_left;
    cpu.tick();  // its own translations go at once
    free_swept(cpu, machine_.swept_by_all(cpus_));
    return may_go_on;
  }
  if (count > 0 || (!may_wait && open_zaps_.any_in(where, &as_opened()))) flush();
  open_zaps_.close(as_opened());
  if (lazy != nullptr) lazy_zaps_.give_back(*lazy);
  return may_go_on;
}

/// After this no cpu uses a translation whose PTE was cleared or changed before; zaps that wait for sweeps are over.
template <class Design>
void address_space<Design>::shoot_down(vm::cpu& cpu) noexcept {
  const std::uint64_t asked = is_lazy_ ? machine_.sweeps_asked() : 0;
  cpu.shoot_down(cpus_);
  free_swept(cpu, asked);
}

/// Frees what waited for `sweep`, which every cpu has done.
template <class Design>
void address_space<Design>::free_swept(vm::cpu& cpu, std::uint64_t sweep) noexcept {
  lazy_zaps_.collect(sweep, open_zaps_, [&](vm::frame_number each) {
    machine_.frames().put(each, cpu.stock);
    ++cpu.count.frames_freed;
  });
}

}  // namespace rcuvm
