// SPDX-License-Identifier: Apache-2.0
#pragma once

/// mincore: which pages need no disk.

#include "rcuvm/mm/address_space.hpp"
#include "rcuvm/sync/rcu.hpp"

namespace rcuvm {

/// For each page of `where`: is it present, or in its file's page cache? EINVAL: not on the page grid. ENOMEM: a hole, or beyond
/// all addresses. Kernel: mincore(2).
template <class Design>
result<mm::vector<bool>> address_space<Design>::resident(range where) try {
  if (!is_page_aligned(where.start)) return fail(EINVAL);
  if (where.end < where.start || where.end > layout_.end) return fail(ENOMEM);
  where.end = page_ceil(where.end);
  mm::vector<bool> made;
  read_guard guard{state_};
  sync::rcu::read_section walking;  // of page tables
  const view now = view_of(guard);
  for (address at = where.start; at < where.end; at += page_size) {
    const vm::vma* here = now.find(at);
    if (here == nullptr || here->is_tombstone()) return fail(ENOMEM);
    const vm::vma_fields& fields = here->fields();
    const vm::table* leaf = pages_.find_leaf(at);
    const bool is_present = leaf != nullptr && leaf->entry(vm::table::index_of(at, 0)).is_present();
    made.push_back(is_present || (fields.backing && fields.backing->holds(fields.page_of(at))));
  }
  return made;
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

}  // namespace rcuvm
