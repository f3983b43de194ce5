// SPDX-License-Identifier: Apache-2.0
#pragma once

/// mmap: where a mapping goes, and what it replaces.

#include "rcuvm/mm/address_space.hpp"
#include "rcuvm/mm/rules.hpp"

namespace rcuvm {

/// EINVAL: no length, an offset or a fixed address off the page grid. ENOMEM: no room, or no memory.
/// EEXIST: fixed_noreplace and something is mapped there.
template <class Design>
result<address> address_space<Design>::map(vm::cpu& cpu, const mm::map_request& wanted) {
  const std::uint64_t length = page_ceil(wanted.length);
  const bool is_fixed = wanted.flags.has_any({mm::map_flag::fixed, mm::map_flag::fixed_noreplace});
  if (wanted.length == 0 || !is_page_aligned(wanted.offset)) return fail(EINVAL);
  if (length == 0 || length > layout_.end) return fail(ENOMEM);
  if (is_fixed && !is_page_aligned(wanted.hint)) return fail(EINVAL);
  if (is_fixed && wanted.hint > layout_.end - length) return fail(ENOMEM);

  range where;
  auto done = change_locked(cpu, [&](write_guard& guard) -> result<void> {
    address at = wanted.hint;
    if (!is_fixed) {
      auto found = find_area(view_of(guard), wanted.hint, length);
      if (!found && !wanted.recorded) return std::unexpected{found.error()};
      at = wanted.recorded.value_or(found.value_or(0));
    }
    where = {at, at + length};
    if (wanted.flags.has(mm::map_flag::fixed_noreplace)) {
      Design::wait_until_free(state_, vmas_, guard, machine_.limbo(), where, cpu.count);
      if (!is_free(view_of(guard), where)) return fail(EEXIST);
    } else if (auto room = make_room(cpu, guard, where); !room) {
      return room;
    }
    mm::map_request asked = wanted;
    if (wanted.flags.has(mm::map_flag::shared) && !wanted.file) asked.file = mm::make_shared_anonymous(length);
    mm::plan planned{view_of(guard), where};
    const bool replaces = !is_free(view_of(guard), where);
    planned.erase(where);
    planned.insert(mm::fields_of(asked, where));
    planned.merge();
    // What is replaced leaves pages behind: nobody may fault the new mapping in before they are gone.
    return apply(cpu, guard, planned, {.unmapped = replaces ? where : range{}, .fresh = replaces ? where : range{}});
  });
  if (!done) return std::unexpected{done.error()};
  if (wanted.flags.has_any({mm::map_flag::populate, mm::map_flag::locked})) populate(cpu, where);
  return where.start;
}

/// Under a design with dead entries, unmaps what is in `where` and waits until the addresses may be used again. Other
/// designs replace in the same version instead.
template <class Design>
result<void> address_space<Design>::make_room(vm::cpu& cpu, write_guard& guard, range where) {
  if constexpr (Design::leaves_tombstones) {
    for (bool waited = true; waited;) {
      if (!is_free(view_of(guard), where)) {
        if (auto gone = unmap_locked(cpu, guard, where); !gone) return gone;
      }
      waited = Design::wait_until_free(state_, vmas_, guard, machine_.limbo(), where, cpu.count);
    }
  } else {
    static_cast<void>(cpu), static_cast<void>(guard), static_cast<void>(where);
  }
  return {};
}

/// Is nothing mapped in `where`? Dead entries do not count.
template <class Design>
bool address_space<Design>::is_free(const view& now, range where) const {
  for (auto one = now.next(where.start); one && one->where.start < where.end; one = now.next(one->where.end)) {
    if (!one->value->is_tombstone()) return false;
  }
  return true;
}

/// The hint when it is free; else the highest gap below mmap_base, or the lowest above unmapped_base. Dead entries are
/// occupied, and a stack keeps its guard gap.
template <class Design>
result<address> address_space<Design>::find_area(const view& now, address hint, std::uint64_t length) const {
  const auto guard_below = [&](range candidate) {
    const auto after = now.next(candidate.end);
    return after && after->value->fields().flags.has(vm::vma_flag::grows_down) &&
           after->where.start - candidate.end < layout_.stack_guard_gap;
  };
  hint = page_ceil(hint);
  if (hint >= layout_.lowest && length <= layout_.end && hint <= layout_.end - length) {
    const range wish{hint, hint + length};
    const auto after = now.next(wish.start);
    if ((!after || after->where.start >= wish.end) && !guard_below(wish)) return hint;
  }
  if (!layout_.is_bottom_up) {
    range within{layout_.lowest, layout_.mmap_base};
    while (auto gap = now.highest_gap(length, within, page_size)) {
      if (!guard_below(*gap)) return gap->start;
      within.end = now.next(gap->end)->where.start - layout_.stack_guard_gap;
    }
  }
  range within{layout_.unmapped_base, layout_.end};
  while (auto gap = now.lowest_gap(length, within, page_size)) {
    if (!guard_below(*gap)) return gap->start;
    within.start = now.next(gap->end)->where.end;
  }
  return fail(ENOMEM);
}

/// Faults the pages of `where` in, as far as that is possible. Kernel: mm_populate.
template <class Design>
void address_space<Design>::populate(vm::cpu& cpu, range where) {
  for (address at = where.start; at < where.end; at += page_size) {
    vm::access wanted = vm::access::read;
    {
      read_guard guard{state_};
      const vm::vma* here = view_of(guard).find(at);
      if (here == nullptr || here->is_tombstone() || here->fields().allowed().is_empty()) return;
      if (here->fields().is_private() && here->fields().flags.has(vm::vma_flag::write)) wanted = vm::access::write;
    }
    if (!fault(cpu, at, wanted)) return;
  }
}

}  // namespace rcuvm
