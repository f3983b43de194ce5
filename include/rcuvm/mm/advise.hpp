// SPDX-License-Identifier: Apache-2.0
#pragma once

/// madvise: flags changed, pages taken away, in a range.

#include <sys/mman.h>

#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

namespace mm {

/// What a piece of advice does to the flags of a mapping; nothing for advice that is about pages only.
struct flag_change {
  vm::vma_flags add = {};
  vm::vma_flags remove = {};

  [[nodiscard]] bool is_empty() const noexcept { return add.is_empty() && remove.is_empty(); }
};

/// Null: not known. Kernel: madvise_vma_behavior.
[[nodiscard]] inline std::optional<flag_change> flags_of_advice(int advice) noexcept {
  using enum vm::vma_flag;
  switch (advice) {
    case MADV_NORMAL: return flag_change{.remove = {sequential, random}};
    case MADV_SEQUENTIAL: return flag_change{.add = sequential, .remove = random};
    case MADV_RANDOM: return flag_change{.add = random, .remove = sequential};
    case MADV_DONTFORK: return flag_change{.add = dont_fork};
    case MADV_DOFORK: return flag_change{.remove = dont_fork};
    case MADV_DONTDUMP: return flag_change{.add = dont_dump};
    case MADV_DODUMP: return flag_change{.remove = dont_dump};
    case MADV_WIPEONFORK: return flag_change{.add = wipe_on_fork};
    case MADV_KEEPONFORK: return flag_change{.remove = wipe_on_fork};
    case MADV_HUGEPAGE: return flag_change{.add = huge_pages, .remove = no_huge_pages};
    case MADV_NOHUGEPAGE: return flag_change{.add = no_huge_pages, .remove = huge_pages};
    case MADV_MERGEABLE: return flag_change{.add = mergeable};
    case MADV_UNMERGEABLE: return flag_change{.remove = mergeable};
    case MADV_WILLNEED:
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
    case MADV_FREE:
    case MADV_REMOVE:
    case MADV_COLD:
    case MADV_PAGEOUT:
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE: return flag_change{};
    default: return std::nullopt;
  }
}

/// The flags of a mapping after advice about flags. EINVAL: the kernel refuses such advice for it.
[[nodiscard]] inline result<vm::vma_flags> advised_flags(const vm::vma_fields& of, int advice,
                                                         const flag_change& change) noexcept {
  const bool is_plain = of.is_private() && of.is_anonymous();
  if (advice == MADV_WIPEONFORK && !is_plain) return fail(EINVAL);
  if (advice == MADV_MERGEABLE && !of.is_private()) return of.flags;
  return of.flags.without(change.remove).with(change.add);
}

/// The errno with which the kernel refuses advice about the pages of such a mapping; 0: it does not.
[[nodiscard]] inline int refusal_of_advice(const vm::vma_fields& of, int advice) noexcept {
  const bool is_locked = of.flags.has(vm::vma_flag::locked);
  switch (advice) {
    case MADV_DONTNEED:
    case MADV_COLD:
    case MADV_PAGEOUT: return is_locked ? EINVAL : 0;
    case MADV_FREE: return of.is_anonymous() ? 0 : EINVAL;
    case MADV_REMOVE:
      if (is_locked || of.is_anonymous()) return EINVAL;
      return of.flags.has_all({vm::vma_flag::shared, vm::vma_flag::write}) ? 0 : EACCES;
    default: return 0;
  }
}

}  // namespace mm

/// EINVAL: not on the page grid, or advice that is not known. ENOMEM: a hole; the rest has been done, as the kernel does. EAGAIN: too
/// many mappings; what lies before has been done.
/// DONTNEED takes pages away while faults go on; FREE, COLD, PAGEOUT, REMOVE and WILLNEED leave them where they are.
template <class Design>
result<void> address_space<Design>::advise(vm::cpu& cpu, range where, int advice) {
  const auto asked = mm::flags_of_advice(advice);
  if (!asked || !is_page_aligned(where.start) || where.end < where.start) return fail(EINVAL);
  where.end = page_ceil(where.end);
  if (where.end < where.start) return fail(EINVAL);  // it wrapped around
  if (where.is_empty()) return {};
  if (!asked->is_empty()) {
    const auto flags_of = [&](const vm::vma_fields& of) { return mm::advised_flags(of, advice, *asked); };
    return change_locked(
        cpu, [&](write_guard& guard) { return change_flags(cpu, guard, where, flags_of, at_hole::goes_on); });
  }
  if (advice == MADV_POPULATE_READ) return prefault(cpu, where, vm::access::read);
  if (advice == MADV_POPULATE_WRITE) return prefault(cpu, where, vm::access::write);
  typename Design::zap_guard guard{state_};
  address reached = where.start;
  bool has_hole = false;
  for (const auto& one : view_of(guard).within(where)) {
    if (one.value->is_tombstone()) continue;
    has_hole |= one.where.start > reached;
    reached = one.where.end;
    if (const int refusal = mm::refusal_of_advice(one.value->fields(), advice); refusal != 0)
      return fail(refusal);
    if (advice != MADV_DONTNEED && advice != MADV_DONTNEED_LOCKED) continue;
    zap(cpu, one.where.intersection(where));
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
