// SPDX-License-Identifier: Apache-2.0
#pragma once

/// madvise: flags changed, pages taken away, in a range.

#include <sys/mman.h>

#include <algorithm>

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/mm/address_space.hpp"
#include "rcuvm/mm/advice.hpp"
#include "rcuvm/mm/attempts.hpp"

namespace rcuvm {

/// EINVAL: not on the page grid, or advice that is not known. ENOMEM: a hole; the rest has been done, as the kernel does.
/// EAGAIN: too many mappings; what lies before has been done. DONTNEED takes pages away while faults go on; FREE, COLD,
/// PAGEOUT and WILLNEED leave them where they are.
template <class Design>
result<void> address_space<Design>::advise(vm::cpu& cpu, range where, int advice,
                                           std::span<address_space* const> sharers) {
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
  if (advice == MADV_REMOVE) {
    address_space* const alone = this;
    return remove_pages(cpu, where, sharers.empty() ? std::span{&alone, 1} : sharers);
  }
  return advise_pages(cpu, where, advice);
}

/// Advice about pages: mapping by mapping, each found, kept and re-checked as a fault does it, so that other changes go on.
///
///   DONTNEED   ┌─find─┬─ each table: lock, is the VMA valid? clear ─┬─ shoot down ─ free the frames ─┐    not valid: again
///   munmap        publish ── kill ── lock table: cleared already ── is a zap open? shoot down, too
///
/// A page is taken away under its table's lock, where its mapping was asked for the last time: advice that comes beside a change
/// comes before or after it, for each table. Cost: a look-up for each mapping and each 64 MiB, so that no read section is long.
template <class Design>
result<void> address_space<Design>::advise_pages(vm::cpu& cpu, range where, int advice) {
  constexpr std::uint64_t most_at_once = std::uint64_t{64} << 20;
  bool has_hole = false;
  auto attempts = mm::attempts::under<Design>();
  for (address reached = where.start; reached < where.end;) {
    {
      attempt one{*this, cpu, attempts.needs_lock()};
      const auto found = mapping_above(view_of(one.guard), reached);
      if (!found || found->where.start >= where.end) return fail(ENOMEM);
      vm::vma& mapping = *found->value;
      has_hole |= found->where.start > reached;
      const range part = found->where.intersection({reached, where.end});
      const address end = std::min(part.end, part.start + most_at_once);
      const auto how = one.keep(mapping, part);
      const int refusal = how == mm::kept::yes ? mm::refusal_of_advice(mapping.fields(), advice) : 0;
      if (refusal != 0) return fail(refusal);
      const auto is_valid = [&] {
        return one.is_valid(mapping) || is_mutated(mutation::zap_without_vma_check);
      };
      if (how == mm::kept::lock) {
        attempts.met_writer();
      } else if (how == mm::kept::yes && take_away(cpu, {part.start, end}, advice, is_valid)) {
        reached = end;
        continue;
      } else {
        attempts.failed();
      }
    }
    ++cpu.count.advice_retries;
    if (attempts.must_wait()) sync::yield();
  }
  return has_hole ? fail(ENOMEM) : result<void>{};
}

/// What the advice says of the pages of one mapping, as zap_while() says.
template <class Design>
template <class IsValid>
bool address_space<Design>::take_away(vm::cpu& cpu, range where, int advice, IsValid is_valid) {
  switch (advice) {
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED: return zap_while(cpu, where, guards::stay, translations::may_stay, is_valid);
    case mm::guard_remove: return remove_guards_while(where, is_valid);
    default: return true;
  }
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

/// Changes all that is mapped in `where`, splitting and merging: change(fields) returns whether it has changed them. ENOMEM: a hole;
/// the rest is done, or what lies before it. The errno of refusal(fields), if not 0: what lies before that mapping is done. EAGAIN:
/// too many mappings, the same; ENOMEM when a hole stops it.
template <class Design>
template <class Refusal, class F>
result<void> address_space<Design>::change_fields(vm::cpu& cpu, write_guard& guard, range where,
                                                  Refusal refusal, F change, at_hole then) {
  mm::plan planned{lineage_, view_of(guard), where};
  const address reached = planned.mapped_until(where);
  range changed{where.start, then == at_hole::stops ? reached : where.end};
  result<void> outcome = reached < where.end ? fail(ENOMEM) : result<void>{};
  for (const auto& each : planned.pieces()) {
    if (!each.fields.where.overlaps(changed)) continue;
    if (const int refused = refusal(each.fields); refused != 0) {
      changed.end = std::max(each.fields.where.start, changed.start);
      outcome = fail(refused);
      break;
    }
  }
  if (changed.is_empty()) return outcome;
  if (planned.change(changed, change, free_mappings()) < changed.end)
    outcome = fail(then == at_hole::stops ? ENOMEM : EAGAIN);
  if (auto applied = apply(cpu, guard, planned, {}); !applied) return applied;
  return outcome;
}

/// The same with the flags that flags_of(fields) returns, or its error.
template <class Design>
template <class F>
result<void> address_space<Design>::change_flags(vm::cpu& cpu, write_guard& guard, range where, F flags_of,
                                                 at_hole then) {
  const auto refusal = [&](const vm::vma_fields& of) {
    const auto made = flags_of(of);
    return made ? 0 : made.error().number();
  };
  const auto change = [&](vm::vma_fields& fields) {
    const vm::vma_flags made = flags_of(fields).value_or(fields.flags);
    return std::exchange(fields.flags, made) != made;
  };
  return change_fields(cpu, guard, where, refusal, change, then);
}

}  // namespace rcuvm
