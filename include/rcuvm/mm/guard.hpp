// SPDX-License-Identifier: Apache-2.0
#pragma once

/// MADV_GUARD_INSTALL and MADV_GUARD_REMOVE: pages that nobody may touch, without a mapping of their own.
///
/// A guard takes a page's place in the page table: it survives mprotect, MADV_DONTNEED and a truncation, moves with mremap, is
/// copied by fork, and goes with its mapping.

#include <array>

#include "rcuvm/mm/address_space.hpp"
#include "rcuvm/mm/advice.hpp"

namespace rcuvm {

/// MADV_GUARD_INSTALL. The mappings are marked as wholes, so that fork copies their tables; an anonymous one gets an
/// identity, too, as if a page of it had been written. EINVAL: a locked mapping; what lies before is done. ENOMEM: a hole,
/// all the rest is done; or no table, some guards stand.
/// Kernel: madvise_guard_install, with VM_MAYBE_GUARD: seen in 6.18.44, other releases give each mapping an identity instead.
template <class Design>
result<void> address_space<Design>::guard(vm::cpu& cpu, range where) {
  return change_locked(cpu, [&](write_guard& guard) -> result<void> {
    result<void> outcome;
    range guarded{where.start, where.start};
    range wholes = guarded;
    bool has_hole = false;
    const view before = view_of(guard);
    for (const auto& one : before.within(where)) {
      if (one.value->is_tombstone()) continue;
      has_hole |= one.where.start > guarded.end;
      if (const int refusal = mm::refusal_of_advice(one.value->fields(), mm::guard_install); refusal != 0) {
        outcome = fail(refusal);
        break;
      }
      guarded.end = std::min(one.where.end, where.end);
      wholes = hull_of(wholes, one.where);
    }
    if (outcome && (has_hole || guarded.end < where.end)) outcome = fail(ENOMEM);
    if (guarded.is_empty()) return outcome;
    mm::plan planned{lineage_, before, wholes};  // an identity may be a neighbour's
    for (const auto& one : before.within(guarded)) {
      if (!one.value->is_tombstone() && one.value->fields().is_anonymous())
        planned.name_anon(one.where.start);
    }
    planned.add_flags(guarded, vm::vma_flag::maybe_guard);
    if (auto applied = apply(cpu, guard, planned, {}); !applied) return applied;
    for (const auto& one : view_of(guard).within(guarded)) {
      if (one.value->is_tombstone()) continue;
      if (auto done = install_guards(cpu, one.where.intersection(guarded)); !done) return done;
    }
    return outcome;
  });
}

/// Guards on all pages of `where`, which is mapped; what was there goes. ENOMEM: no table.
template <class Design>
result<void> address_space<Design>::install_guards(vm::cpu& cpu, range where) {
  std::array<vm::frame_number, vm::table::entry_count> taken;
  for (address at = where.start; at < where.end;) {
    const auto leaf = pages_.make_leaf(at, [] { return true; }, cpu.count);
    if (!leaf) return fail(ENOMEM);
    std::size_t count = 0;
    const address from = at;
    vm::open_zaps::zap own;
    open_zaps_.open(own, {at, where.end});
    {
      sync::mutex_guard held{(*leaf)->lock};
      unsigned index = vm::table::index_of(at, 0);
      for (; index < vm::table::entry_count && at < where.end; ++index, at += page_size) {
        const vm::pte old = (*leaf)->entry(index);
        if (old.is_present()) taken[count++] = old.frame();
        (*leaf)->set_entry(index, vm::pte::guard());
      }
    }
    if (count != 0 || open_zaps_.any_in({from, at}, &own)) shoot_down(cpu);
    open_zaps_.close(own);
    for (std::size_t i = 0; i < count; ++i) machine_.frames().put(taken[i], cpu.stock);
    cpu.count.frames_freed += count;
  }
  return {};
}

/// As zap_while() says.
template <class Design>
template <class IsValid>
bool address_space<Design>::remove_guards_while(range where, IsValid is_valid) {
  bool may_go_on = true;
  pages_.for_each_leaf(where, [&](vm::table& leaf, unsigned first, unsigned end, address) {
    if (!may_go_on) return;
    sync::mutex_guard held{leaf.lock};
    may_go_on = is_valid();
    if (!may_go_on) return;
    leaf.clear_if(first, end, [&](unsigned index) { return leaf.entry(index).is_guard(); });
  });
  return may_go_on;
}

template <class Design>
bool address_space<Design>::is_guarded(address at) {
  read_guard guard{state_};
  sync::rcu::read_section walking;  // of page tables; those of what is mapped stay
  return view_of(guard).find(at) != nullptr && pages_.entry(at).is_guard();
}

}  // namespace rcuvm
