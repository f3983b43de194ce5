// SPDX-License-Identifier: Apache-2.0
#pragma once

/// brk: the end of the heap.

#include <tuple>
#include <utility>

#include "rcuvm/mm/address_space.hpp"
#include "rcuvm/mm/rules.hpp"

namespace rcuvm {

/// It can neither grow to where it would touch another mapping, nor shrink when nothing is mapped in what would go.
/// A limit forbids it to grow: there is no program's data beside the heap here. Kernel: brk(2), do_brk_flags.
template <class Design>
address address_space<Design>::brk(vm::cpu& cpu, address wanted) {
  range to_populate;
  address before = 0;
  const auto moved = change_once(cpu, [&](write_guard& guard) -> result<address> {
    before = break_;
    if (wanted < break_start_ || wanted >= layout_.end) return break_;
    if (wanted - break_start_ > limits_.data_bytes) return break_;
    range grown{page_ceil(break_), page_ceil(wanted)};
    while (!grown.is_empty() &&
           Design::wait_until_free(state_, vmas_, guard, machine_.limbo(), grown, cpu.count)) {
      grown.start = page_ceil(break_);  // it waited without the lock
    }
    const range shrunk{page_ceil(wanted), page_ceil(break_)};
    if (!shrunk.is_empty()) {
      if (is_free(view_of(guard), shrunk)) return break_;
      // Before the pages go: other writers may be let in meanwhile.
      const address old = std::exchange(break_, wanted);
      if (auto gone = unmap_locked(cpu, guard, shrunk); !gone) return break_ = old;
      return wanted;
    }
    if (!grown.is_empty()) {
      // One page stays free above the heap, and the guard gap of a stack.
      range needed{grown.start, grown.end + page_size};
      const auto above = mapping_above(view_of(guard), grown.start);
      if (above && above->value->fields().flags.has(vm::vma_flag::grows_down))
        needed.end += layout_.stack_guard_gap;
      if (!is_free(view_of(guard), needed)) return break_;
      const mm::map_request heap{.length = grown.size(), .protection = {vm::prot::read, vm::prot::write}};
      vm::vma_fields made = mm::fields_of(heap, grown);
      made.flags = made.flags.with(locked_from_now_);
      if (!mm::may_lock_more(usage_, limits_, made.flags, mm::pages_of(grown))) return break_;
      if (!mm::may_expand(usage_, limits_, made.flags, mm::pages_of(grown)) || free_mappings() < 0)
        return break_;
      mm::plan planned{lineage_, view_of(guard), grown};
      planned.insert(std::move(made));
      const auto below = mapping_below(view_of(guard), grown.start);
      if (below && below->where.end > break_start_)
        planned.merge();  // what lies below the heap is no part of it
      if (auto applied = apply(cpu, guard, planned, {}); !applied) return break_;
      if (locked_from_now_.has(vm::vma_flag::locked)) to_populate = grown;
    }
    return break_ = wanted;
  });
  if (!to_populate.is_empty()) std::ignore = populate(cpu, to_populate);
  return moved.value_or(before);
}

}  // namespace rcuvm
