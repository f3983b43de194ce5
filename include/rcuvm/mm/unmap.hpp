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
  where = hull_of(where, loose_tables_);
  if (!Design::may_unlink_tables(state_, guard, hole)) {
    loose_tables_ = where;
    return;
  }
  if (hole.contains(loose_tables_)) loose_tables_ = {};
  if (pages_.unlink(where.intersection(hole), hole, old, cpu.count)) machine_.shoot_down(cpus_, cpu.count);
}

/// Clears the PTEs of the pages that takes(pte, address) names, as long as is_valid(), asked under each table's lock, says so; its
/// answer at the end. Guards go with their mapping only. Frames go back to the pool once no cpu uses them any more.
template <class Design>
template <class IsValid, class Takes>
bool address_space<Design>::zap_while(vm::cpu& cpu, range where, guards then, IsValid is_valid, Takes takes) {
  std::array<vm::frame_number, 4 * vm::table::entry_count> batch;
  std::size_t count = 0;
  vm::open_zaps::zap own{where};
  bool may_go_on = true;
  const auto flush = [&] {
    if (!is_mutated(mutation::unmap_without_shootdown)) machine_.shoot_down(cpus_, cpu.count);
    for (std::size_t i = 0; i < count; ++i) machine_.frames().put(batch[i], cpu.stock);
    cpu.count.frames_freed += count;
    count = 0;
  };
  pages_.for_each_leaf(where, [&](vm::table& leaf, unsigned first, unsigned end, address base) {
    if (!may_go_on) return;
    if (count + vm::table::entry_count > batch.size()) flush();
    sync::mutex_guard held{leaf.lock};
    may_go_on = is_valid();
    if (!may_go_on) return;
    for (unsigned index = first; index < end; ++index) {
      const vm::pte entry = leaf.entry(index);
      if (entry.is_guard() && then == guards::go) leaf.set_entry(index, {});
      if (!entry.is_present() || !takes(entry, base + (index - first) * page_size)) continue;
      open_zaps_.open(own);
      leaf.set_entry(index, {});
      batch[count++] = entry.frame();
    }
  });
  if (count > 0 || open_zaps_.any_in(where, &own)) flush();
  open_zaps_.close(own);
  return may_go_on;
}

}  // namespace rcuvm
