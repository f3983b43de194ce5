// SPDX-License-Identifier: Apache-2.0
#pragma once

/// munmap, and what becomes of page tables.

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/mm/address_space.hpp"
#include "rcuvm/mm/zap.hpp"

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

/// Cuts off the tables around `where` that no mapping needs any more; they go with what is `zapped` there.
template <class Design>
void address_space<Design>::unlink_tables(vm::cpu& cpu, write_guard& guard, range where, zapping& zapped,
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
  if (is_mutated(mutation::unlink_without_shootdown)) zapped.finish();
  const bool any = pages_.unlink(where.intersection(hole), hole, old, cpu.count);
  if (any && !is_mutated(mutation::unlink_without_shootdown)) zapped.note_tables();
}

}  // namespace rcuvm
