// SPDX-License-Identifier: Apache-2.0
#pragma once

/// mincore: which pages need no disk. smaps: how many there are, and how many are nobody else's.

#include <algorithm>
#include <array>

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/mm/address_space.hpp"
#include "rcuvm/sync/rcu.hpp"

namespace rcuvm {

/// For each page of `where`: is it present, or in its file's page cache? EINVAL: not on the page grid. ENOMEM: a hole, or beyond
/// all addresses. 512 pages at a time, as the kernel does: what changes meanwhile may show in a part. Kernel: mincore(2).
template <class Design>
result<mm::vector<bool>> address_space<Design>::resident(range where) try {
  if (!is_page_aligned(where.start)) return fail(EINVAL);
  if (where.end < where.start || where.end > layout_.end) return fail(ENOMEM);
  where.end = page_ceil(where.end);
  mm::vector<bool> made;
  std::array<bool, 512> piece;
  for (address from = where.start; from < where.end; from += piece.size() * page_size) {
    const std::size_t pages = std::min(piece.size(), (where.end - from) / page_size);
    {
      read_guard guard{state_};
      sync::rcu::read_section walking;  // of page tables
      const view now = view_of(guard);
      for (std::size_t i = 0; i != pages; ++i) {
        const address at = from + i * page_size;
        const vm::vma* here = now.find(at);
        if (here == nullptr || here->is_tombstone()) return fail(ENOMEM);
        const vm::vma_fields& fields = here->fields();
        piece[i] =
            pages_.entry(at).is_present() || (fields.backing && fields.backing->holds(fields.page_of(at)));
      }
    }
    made.insert(made.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(pages));
  }
  return made;
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

/// What one of the places that map a frame counts for, in 1/4096 of a byte. A file's page cache holds a reference, too.
template <class Design>
std::uint64_t address_space<Design>::share_of(vm::frame_number frame, bool is_files) const {
  const std::uint32_t not_mapped = is_files ? 1 : 0;
  const std::uint32_t references = std::max(machine_.frames().references(frame), not_mapped + 1);
  return (page_size << 12) / (references - not_mapped);
}

/// What is mapped in `where` as smaps counts it. Other threads go on meanwhile: each page counts as it was at some moment.
/// Kernel: smaps_account.
template <class Design>
mm::page_counts address_space<Design>::count_pages(range where) {
  mm::page_counts made;
  read_guard guard{state_};
  sync::rcu::read_section walking;  // of page tables
  for (const auto& one : view_of(guard).within(where)) {
    const vm::vma_fields& fields = one.value->fields();
    if (fields.is_tombstone()) continue;
    // False: it has changed meanwhile. A page that its file loses goes from the page table before it goes from the cache: one that is
    // not the cache's, and is still there, is private.
    const auto count_one = [&](const vm::table& leaf, unsigned index, address at) {
      const vm::pte entry = leaf.entry(index);
      if (!entry.is_present() || entry.frame() == vm::zero_frame) return true;
      const bool is_files = fields.backing && (!fields.is_private() ||
                                               fields.backing->cached(fields.page_of(at)) == entry.frame());
      if (!is_files && leaf.entry(index) != entry && !is_mutated(mutation::count_at_one_look)) return false;
      ++made.resident;
      if (!is_files) ++made.anonymous;
      if (fields.flags.has(vm::vma_flag::locked)) made.locked += share_of(entry.frame(), is_files);
      return true;
    };
    const auto count_in = [&](const vm::table& leaf, unsigned first, unsigned end, address base) {
      for (unsigned index = first; index < end;) {
        if (count_one(leaf, index, base + (index - first) * page_size)) ++index;
      }
    };
    pages_.look_at_leaves(one.where.intersection(where), count_in);
  }
  return made;
}

}  // namespace rcuvm
