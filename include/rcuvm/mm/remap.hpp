// SPDX-License-Identifier: Apache-2.0
#pragma once

/// mremap: shrink, grow, move.

#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

/// EINVAL: off the page grid, no new length, flags that do not fit, ranges that overlap. EFAULT: nothing mapped at the
/// old address, or the old range spans more than one mapping. ENOMEM: no room, or cannot grow without moving.
template <class Design>
result<address> address_space<Design>::remap(vm::cpu& cpu, const mm::remap_request& wanted) {
  mm::remap_request asked = wanted;
  asked.old_length = page_ceil(wanted.old_length);
  asked.new_length = page_ceil(wanted.new_length);
  const bool is_fixed = asked.flags.has(mm::remap_flag::fixed);
  const bool keeps_old = asked.flags.has(mm::remap_flag::dont_unmap);
  const range old{asked.old_address, asked.old_address + asked.old_length};
  const range target{asked.new_address, asked.new_address + asked.new_length};
  if (!is_page_aligned(asked.old_address) || asked.new_length == 0) return fail(EINVAL);
  if ((is_fixed || keeps_old) && !asked.flags.has(mm::remap_flag::may_move)) return fail(EINVAL);
  if (keeps_old && asked.old_length != asked.new_length) return fail(EINVAL);
  if (is_fixed && (!is_page_aligned(target.start) || target.end > layout_.end || target.end < target.start ||
                   target.overlaps(old))) {
    return fail(EINVAL);
  }
  if (old.end > layout_.end || old.end < old.start) return fail(EFAULT);

  return change_locked(cpu, [&](write_guard& guard) -> result<address> {
    if (is_fixed) {
      // The target goes first, and stays gone even if the rest fails: so does the kernel.
      if (auto gone = unmap_locked(cpu, guard, target); !gone) return std::unexpected{gone.error()};
      Design::wait_until_free(state_, vmas_, guard, machine_.limbo(), target, cpu.count);
    } else if (asked.recorded) {
      // Replay: the kernel had room there, so a dead entry of ours has to go first.
      const address from = *asked.recorded == old.start ? old.end : *asked.recorded;
      const range needed{from, *asked.recorded + asked.new_length};
      Design::wait_until_free(state_, vmas_, guard, machine_.limbo(), needed, cpu.count);
    }
    const vm::vma* found = view_of(guard).find(asked.old_address);
    if (found == nullptr || found->is_tombstone()) return fail(EFAULT);
    if (asked.old_length == 0 && found->fields().is_private()) return fail(EINVAL);
    if (asked.old_length > asked.new_length) {
      const range tail{asked.old_address + asked.new_length, old.end};
      if (auto gone = unmap_locked(cpu, guard, tail); !gone) return std::unexpected{gone.error()};
      asked.old_length = asked.new_length;
      found = view_of(guard).find(asked.old_address);
      if (found == nullptr || found->is_tombstone()) return fail(EFAULT);
    }
    if (old.start + asked.old_length > found->where().end) return fail(EFAULT);
    if (!is_fixed && !keeps_old) {
      if (asked.old_length == asked.new_length) return asked.old_address;
      if (auto grown = grow_in_place(cpu, guard, *found, asked);
          grown || grown.error().number() != ENOMEM || !asked.flags.has(mm::remap_flag::may_move)) {
        return grown;
      }
      found = view_of(guard).find(asked.old_address);
    }
    return move(cpu, guard, *found, asked);
  });
}

/// Grows the mapping at its end, if that is where the old range ends and the addresses behind are free.
template <class Design>
result<address> address_space<Design>::grow_in_place(vm::cpu& cpu, write_guard& guard, const vm::vma& old,
                                                     const mm::remap_request& wanted) {
  const range more{wanted.old_address + wanted.old_length, wanted.old_address + wanted.new_length};
  const bool is_moved = wanted.recorded.has_value() && *wanted.recorded != wanted.old_address;
  if (wanted.old_length == 0 || is_moved || old.where().end != more.start || more.end > layout_.end) return fail(ENOMEM);
  const auto after = view_of(guard).next(more.start);  // a dead entry is in the way, too
  if (after && after->where.start < more.end) return fail(ENOMEM);
  mm::plan planned{view_of(guard), more};
  vm::vma_fields tail = old.fields();
  tail.page_offset = tail.page_of(more.start);
  tail.where = more;
  tail.anon = old.anon();
  planned.insert(std::move(tail));
  planned.merge();
  if (auto applied = apply(cpu, guard, planned, {}); !applied) return std::unexpected{applied.error()};
  return wanted.old_address;
}

/// Moves the mapping and its pages in one version: a walk sees it at the old place or at the new one.
template <class Design>
result<address> address_space<Design>::move(vm::cpu& cpu, write_guard& guard, const vm::vma& old,
                                            const mm::remap_request& wanted) {
  address to = wanted.new_address;
  if (!wanted.flags.has(mm::remap_flag::fixed)) {
    const auto found = find_area(view_of(guard), 0, wanted.new_length);
    if (!found && !wanted.recorded) return std::unexpected{found.error()};
    to = wanted.recorded.value_or(found.value_or(0));
  }
  const range from{wanted.old_address, wanted.old_address + wanted.old_length};
  const range where{to, to + wanted.new_length};
  if (wanted.recorded && !is_free(view_of(guard), where)) return fail(ENOMEM);

  vm::vma_fields moved = old.fields();
  moved.page_offset = moved.page_of(from.start);
  moved.anon = old.anon();
  moved.where = where;
  // Untouched anonymous memory forgets where it came from, so that it can merge with its new neighbours.
  if (moved.is_anonymous() && moved.anon == 0) moved.page_offset = to >> page_shift;

  mm::plan planned{view_of(guard), from};
  planned.gather(view_of(guard), where);
  const bool keeps_old = wanted.flags.has(mm::remap_flag::dont_unmap) || from.is_empty();
  if (keeps_old) {
    planned.change(from, [](vm::vma_fields& left) { return std::exchange(left.anon, 0) != 0; });
  } else {
    planned.erase(from);
  }
  planned.insert(std::move(moved));
  planned.merge();
  const page_work work{.unmapped = keeps_old ? range{} : from, .moved_from = from, .moved_to = to, .fresh = where};
  if (auto applied = apply(cpu, guard, planned, work); !applied) return std::unexpected{applied.error()};
  return to;
}

/// Makes the tables that the present pages of `from` will need at `to`. False without memory.
template <class Design>
bool address_space<Design>::prepare_tables(vm::cpu& cpu, range from, address to) {
  bool is_ready = true;
  pages_.for_each_leaf(from, [&](vm::table& leaf, unsigned first, unsigned end, address base) {
    for (unsigned index = first; index < end && is_ready; ++index) {
      if (!leaf.entry(index).is_present()) continue;
      const address at = base + (index - first) * page_size - from.start + to;
      if (pages_.find_leaf(at) == nullptr) is_ready = pages_.make_leaf(at, [] { return true; }, cpu.count).has_value();
    }
  });
  return is_ready;
}

/// Takes the pages of `from` and puts them at `to`. The records of both are dead or building: no fault interferes.
template <class Design>
void address_space<Design>::move_pages(vm::cpu& cpu, range from, address to) {
  std::array<vm::pte, vm::table::entry_count> taken;
  bool any = false;
  pages_.for_each_leaf(from, [&](vm::table& leaf, unsigned first, unsigned end, address base) {
    {
      sync::mutex_guard held{leaf.lock};
      for (unsigned index = first; index < end; ++index) {
        taken[index] = leaf.entry(index);
        if (taken[index].is_present()) leaf.set_entry(index, {});
      }
    }
    for (unsigned index = first; index < end; ++index) {
      if (!taken[index].is_present()) continue;
      any = true;
      const address at = base + (index - first) * page_size - from.start + to;
      vm::table* target = pages_.find_leaf(at);
      RCUVM_CHECK(target != nullptr, "a move has prepared its page tables");
      sync::mutex_guard held{target->lock};
      target->set_entry(vm::table::index_of(at, 0), taken[index]);
    }
  });
  if (any) machine_.shoot_down(cpus_, cpu.count);
}

}  // namespace rcuvm
