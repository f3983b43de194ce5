// SPDX-License-Identifier: Apache-2.0
#pragma once

/// madvise: flags changed, pages taken away, in a range.

#include <sys/mman.h>

#include "rcuvm/mm/address_space.hpp"
#include "rcuvm/mm/advice.hpp"

namespace rcuvm {

/// EINVAL: not on the page grid, or advice that is not known. ENOMEM: a hole; the rest has been done, as the kernel does.
/// EAGAIN: too many mappings; what lies before has been done. DONTNEED takes pages away while faults go on; FREE, COLD,
/// PAGEOUT, REMOVE and WILLNEED leave them where they are.
template <class Design>
result<void> address_space<Design>::advise(vm::cpu& cpu, range where, int advice) {
  const auto asked = mm::flags_of_advice(advice);
  if (!asked || !is_page_aligned(where.start) || where.end < where.start) return fail(EINVAL);
  where.end = page_ceil(where.end);
  if (where.end < where.start) return fail(EINVAL);  // it wrapped around
  if (where.is_empty()) return {};
  if (!asked->is_empty()) {
    const auto flags_of = [&](const vm::vma_fields& of) { return mm::advised_flags(of, advice, *asked); };
    return change_once(
        cpu, [&](write_guard& guard) { return change_flags(cpu, guard, where, flags_of, at_hole::goes_on); });
  }
  if (advice == MADV_POPULATE_READ) return prefault(cpu, where, vm::access::read);
  if (advice == MADV_POPULATE_WRITE) return prefault(cpu, where, vm::access::write);
  if (advice == mm::guard_install) return guard(cpu, where);
  typename Design::zap_guard guard{state_, where};
  address reached = where.start;
  bool has_hole = false;
  for (const auto& one : view_of(guard).within(where)) {
    if (one.value->is_tombstone()) continue;
    has_hole |= one.where.start > reached;
    reached = one.where.end;
    if (const int refusal = mm::refusal_of_advice(one.value->fields(), advice); refusal != 0)
      return fail(refusal);
    const range part = one.where.intersection(where);
    if (advice == mm::guard_remove) {
      remove_guards(part);
    } else if (advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED) {
      zap(cpu, part, guards::stay);
    }
  }
  return has_hole || reached < where.end ? fail(ENOMEM) : result<void>{};
}

/// MADV_POPULATE_READ and _WRITE. What lies before an error has been done. ENOMEM: a hole, no frame. EINVAL: a mapping without
/// that very protection. EFAULT: beyond the end of a file. Kernel: madvise_populate.
template <class Design>
result<void> address_space<Design>::prefault(vm::cpu& cpu, range where, vm::access wanted) {
  for (address at = where.start; at < where.end; at += page_size) {
    {
      read_guard guard{state_};
      const vm::vma* here = view_of(guard).find(at);
      if (here == nullptr || here->is_tombstone()) return fail(ENOMEM);
      if (!here->fields().allowed().has(vm::needed_for(wanted))) return fail(EINVAL);
    }
    if (const auto done = fault(cpu, at, wanted); !done) return std::unexpected{done.error()};
  }
  return {};
}

/// Gives all that is mapped in `where` the flags that flags_of(fields) returns, splitting and merging. ENOMEM: a hole; the rest is
/// done, or what lies before it. An error of flags_of: what lies before that mapping is done. EAGAIN: too many mappings, the same;
/// ENOMEM when a hole stops it.
template <class Design>
template <class F>
result<void> address_space<Design>::change_flags(vm::cpu& cpu, write_guard& guard, range where, F flags_of,
                                                 at_hole then) {
  mm::plan planned{view_of(guard), where};
  const address reached = planned.mapped_until(where);
  range changed{where.start, then == at_hole::stops ? reached : where.end};
  result<void> outcome = reached < where.end ? fail(ENOMEM) : result<void>{};
  for (const auto& each : planned.pieces()) {
    if (!each.fields.where.overlaps(changed)) continue;
    if (const auto made = flags_of(each.fields); !made) {
      changed.end = std::max(each.fields.where.start, changed.start);
      outcome = std::unexpected{made.error()};
      break;
    }
  }
  if (changed.is_empty()) return outcome;
  const auto change = [&](vm::vma_fields& fields) {
    const vm::vma_flags made = flags_of(fields).value_or(fields.flags);
    return std::exchange(fields.flags, made) != made;
  };
  if (planned.change(changed, change, free_mappings()) < changed.end)
    outcome = fail(then == at_hole::stops ? ENOMEM : EAGAIN);
  if (auto applied = apply(cpu, guard, planned, {}); !applied) return applied;
  return outcome;
}

}  // namespace rcuvm
