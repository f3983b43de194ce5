// SPDX-License-Identifier: Apache-2.0
#pragma once

/// mmap: where a mapping goes, and what it replaces.

#include "rcuvm/mm/address_space.hpp"
#include "rcuvm/mm/rules.hpp"

namespace rcuvm {

/// EINVAL: no length, an offset or a fixed address off the page grid, a stack that is not private anonymous memory.
/// ENOMEM: no room, no memory, or a limit. EEXIST: fixed_noreplace and something is mapped there. EPERM: nothing may be locked.
/// EAGAIN: not so much.
template <class Design>
result<address> address_space<Design>::map(vm::cpu& cpu, const mm::map_request& wanted) {
  const std::uint64_t length = page_ceil(wanted.length);
  const bool is_fixed = wanted.flags.has_any({mm::map_flag::fixed, mm::map_flag::fixed_noreplace});
  if (wanted.length == 0 || !is_page_aligned(wanted.offset)) return fail(EINVAL);
  if (length == 0 || length > layout_.end) return fail(ENOMEM);

  range where;
  bool is_populated = wanted.flags.has(mm::map_flag::populate);
  auto done = change_once(cpu, [&](write_guard& guard) -> result<void> {
    if (free_mappings() < 0) return fail(ENOMEM);
    if (is_fixed && wanted.hint > layout_.end - length) return fail(ENOMEM);
    if (is_fixed && !is_page_aligned(wanted.hint)) return fail(EINVAL);
    address at = wanted.hint;
    if (!is_fixed) {
      const bool may_be_huge = !wanted.file && !wanted.flags.has(mm::map_flag::shared);
      auto found = find_area(view_of(guard), wanted.hint, length, may_be_huge);
      if (!found && !wanted.recorded) return std::unexpected{found.error()};
      at = wanted.recorded.value_or(found.value_or(0));
    }
    where = {at, at + length};
    if (wanted.flags.has(mm::map_flag::fixed_noreplace)) {
      Design::wait_until_free(state_, vmas_, guard, machine_.limbo(), where, cpu.count);
      if (!is_free(view_of(guard), where)) return fail(EEXIST);
    }
    const vm::vma_flags kind = mm::fields_of(wanted, where).flags.with(locked_from_now_);
    if (wanted.flags.has(mm::map_flag::locked) && limits_.locked_bytes == 0) return fail(EPERM);
    if (!mm::may_lock_more(usage_, limits_, kind, mm::pages_of(where))) return fail(EAGAIN);
    if (wanted.flags.has(mm::map_flag::grows_down) && (wanted.flags.has(mm::map_flag::shared) || wanted.file))
      return fail(EINVAL);
    if (auto room = check_room(cpu, guard, where, kind); !room) return room;
    if (!is_fixed && wanted.recorded) {
      Design::take_over(
          state_, where);  // without a recording the search would have found a place without dead entries
    } else if (!wanted.flags.has(mm::map_flag::fixed_noreplace)) {
      if (auto room = make_room(cpu, guard, where); !room) return room;
    }
    mm::map_request asked = wanted;
    if (wanted.flags.has(mm::map_flag::shared) && !wanted.file)
      asked.file = mm::make_shared_anonymous(length);
    mm::plan planned{lineage_, view_of(guard), where};
    const bool replaces = !is_free(view_of(guard), where);
    planned.erase(where);
    vm::vma_fields made = mm::fields_of(asked, where);
    if (!made.flags.has(vm::vma_flag::special)) made.flags = kind;
    is_populated |= made.flags.has(vm::vma_flag::locked);
    planned.insert(std::move(made));
    planned.merge();
    // What is replaced leaves pages behind: nobody may fault the new mapping in before they are gone.
    return apply(cpu, guard, planned,
                 {.replaced = replaces ? where : range{}, .fresh = replaces ? where : range{}});
  });
  if (!done) return std::unexpected{done.error()};
  if (is_populated) std::ignore = populate(cpu, where);
  return where.start;
}

/// ENOMEM: what `where` is to hold would be too much in place of what it holds. Whatever reaches beyond `where` has been cut then,
/// as the kernel leaves it; but it cuts nothing in three when there are as many mappings as there may be. Kernel: __mmap_prepare.
template <class Design>
result<void> address_space<Design>::check_room(vm::cpu& cpu, write_guard& guard, range where,
                                               vm::vma_flags kind) {
  const bool may_expand = mm::may_expand(usage_, limits_, kind, mm::pages_of(where));
  if (may_expand && free_mappings() > 0) return {};
  std::int64_t replaced = 0;
  for (const auto& one : view_of(guard).within(where)) {
    if (one.value->is_tombstone()) continue;
    if (free_mappings() <= 0 && one.where.start < where.start && where.end < one.where.end)
      return fail(ENOMEM);
    replaced += mm::pages_of(one.where.intersection(where));
  }
  if (mm::may_expand(usage_, limits_, kind, mm::pages_of(where) - replaced)) return {};
  mm::plan planned{lineage_, view_of(guard), where};
  planned.split(where.start);
  planned.split(where.end);
  if (auto cut = apply(cpu, guard, planned, {}); !cut) return cut;
  return fail(ENOMEM);
}

/// Under a design with dead entries, unmaps what is in `where` and waits until the addresses may be used again. Other
/// designs replace in the same version instead.
template <class Design>
result<void> address_space<Design>::make_room(vm::cpu& cpu, write_guard& guard, range where) {
  do {
    if (auto gone = make_room_once(cpu, guard, where); !gone) return gone;
  } while (Design::wait_until_free(state_, vmas_, guard, machine_.limbo(), where, cpu.count));
  return {};
}

/// The same without the wait.
template <class Design>
result<void> address_space<Design>::make_room_once(vm::cpu& cpu, write_guard& guard, range where) {
  if (!Design::leaves_tombstones || is_free(view_of(guard), where)) return {};
  return unmap_locked(cpu, guard, where);
}

/// Is nothing mapped in `where`? Dead entries do not count.
template <class Design>
bool address_space<Design>::is_free(const view& now, range where) const {
  const auto first = mapping_above(now, where.start);
  return !first || first->where.start >= where.end;
}

/// The lowest mapping that ends above `at`. Dead entries do not count.
template <class Design>
auto address_space<Design>::mapping_above(const view& now, address at)
    -> std::optional<typename tree::entry> {
  auto one = now.next(at);
  while (one && is_dead_entry(*one->value)) one = now.next(one->where.end);
  return one;
}

/// The highest mapping that starts below `at`. Dead entries do not count.
template <class Design>
auto address_space<Design>::mapping_below(const view& now, address at)
    -> std::optional<typename tree::entry> {
  auto one = now.previous(at);
  while (one && is_dead_entry(*one->value)) one = now.previous(one->where.start);
  return one;
}

/// Faults the pages of `where` in, up to the first that cannot be. ENOMEM: a hole, or no access. EAGAIN: no frame.
/// Kernel: mm_populate; errors as mlock returns them.
template <class Design>
result<void> address_space<Design>::populate(vm::cpu& cpu, range where) {
  for (address at = where.start; at < where.end; at += page_size) {
    vm::access wanted = vm::access::read;
    {
      read_guard guard{state_};
      const vm::vma* here = view_of(guard).find(at);
      if (here == nullptr || here->is_tombstone()) return fail(ENOMEM);
      if (here->fields().flags.has(vm::vma_flag::lock_on_fault)) continue;
      if (here->fields().allowed().is_empty()) return fail(ENOMEM);
      if (here->fields().is_private() && here->fields().flags.has(vm::vma_flag::write))
        wanted = vm::access::write;
    }
    if (const auto done = fault(cpu, at, wanted); !done)
      return fail(done.error().number() == ENOMEM ? EAGAIN : ENOMEM);
  }
  return {};
}

/// Is what is mapped at `at` locked?
template <class Design>
bool address_space<Design>::is_locked(address at) {
  read_guard guard{state_};
  const vm::vma* here = view_of(guard).find(at);
  return here != nullptr && here->fields().flags.has(vm::vma_flag::locked);
}

}  // namespace rcuvm
