// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where a mapping goes that may go anywhere.

#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

/// The hint when it is free; else a gap as find_gap() does. Private anonymous memory of whole huge pages that has no hint begins
/// with one where a gap is that much longer. ENOMEM: no room. Kernel: arch_get_unmapped_area, thp_get_unmapped_area. Other than
/// there, shared memory is never aligned: tmpfs does that only when it is set to use huge pages.
template <class Design>
result<address> address_space<Design>::find_area(const view& now, address hint, std::uint64_t length,
                                                 bool may_be_huge) const {
  hint = page_floor(hint);
  if (hint != 0) hint = std::max(hint, layout_.lowest);
  if (hint != 0 && length <= layout_.end && hint <= layout_.end - length) {
    const range wish{hint, hint + length};
    const auto after = now.next(wish.start);
    if ((!after || after->where.start >= wish.end) && !is_in_guard_gap(now, wish)) return hint;
  }
  const std::uint64_t huge = layout_.huge_page;
  if (hint == 0 && may_be_huge && huge != 0 && length % huge == 0) {
    if (const auto padded = find_gap(now, length + huge)) {
      const std::uint64_t off = (huge - *padded % huge) % huge;
      return *padded + (off == 0 && !layout_.is_bottom_up ? huge : off);
    }
  }
  return find_gap(now, length);
}

/// The highest gap below mmap_base, or the lowest above unmapped_base. Dead entries are occupied, and a stack keeps its guard gap.
/// Kernel: vm_unmapped_area.
template <class Design>
result<address> address_space<Design>::find_gap(const view& now, std::uint64_t length) const {
  if (!layout_.is_bottom_up) {
    range within{layout_.lowest, layout_.mmap_base};
    while (auto gap = now.highest_gap(length, within, page_size)) {
      if (!is_in_guard_gap(now, *gap)) return gap->start;
      const address stack = mapping_above(now, gap->end)->where.start;
      within.end = stack - std::min(stack, layout_.stack_guard_gap);
    }
  }
  range within{layout_.unmapped_base, layout_.end};
  while (auto gap = now.lowest_gap(length, within, page_size)) {
    if (!is_in_guard_gap(now, *gap)) return gap->start;
    within.start = mapping_above(now, gap->end)->where.end;
  }
  return fail(ENOMEM);
}

/// Would it come too near to a stack above it?
template <class Design>
bool address_space<Design>::is_in_guard_gap(const view& now, range candidate) const {
  const auto after = mapping_above(now, candidate.end);
  return after && after->value->fields().flags.has(vm::vma_flag::grows_down) &&
         after->where.start - candidate.end < layout_.stack_guard_gap;
}

}  // namespace rcuvm
