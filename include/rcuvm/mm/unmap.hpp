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
  mm::plan planned{view_of(guard), where};
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
  if (!Design::may_unlink_tables(state_, guard, hole)) return;
  if (pages_.unlink(hole, old, cpu.count)) machine_.shoot_down(cpus_, cpu.count);
}

/// Clears PTEs. Guards go with their mapping only. Frames go back to the pool once no cpu uses them any more.
template <class Design>
void address_space<Design>::zap(vm::cpu& cpu, range where, guards then) {
  std::array<vm::frame_number, 4 * vm::table::entry_count> batch;
  std::size_t count = 0;
  const auto flush = [&] {
    if (!is_mutated(mutation::unmap_without_shootdown)) machine_.shoot_down(cpus_, cpu.count);
    for (std::size_t i = 0; i < count; ++i) machine_.frames().put(batch[i], cpu.stock);
    cpu.count.frames_freed += count;
    count = 0;
  };
  pages_.for_each_leaf(where, [&](vm::table& leaf, unsigned first, unsigned end, address) {
    if (count + vm::table::entry_count > batch.size()) flush();
    sync::mutex_guard held{leaf.lock};
    for (unsigned index = first; index < end; ++index) {
      const vm::pte entry = leaf.entry(index);
      if (entry.is_guard() && then == guards::go) leaf.set_entry(index, {});
      if (!entry.is_present()) continue;
      leaf.set_entry(index, {});
      batch[count++] = entry.frame();
    }
  });
  if (count > 0) flush();
}

}  // namespace rcuvm
