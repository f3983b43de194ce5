// SPDX-License-Identifier: Apache-2.0
#pragma once

/// msync. Files of the model have no disk behind their page cache: what is left is what the call refuses.

#include <sys/mman.h>

#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

/// EINVAL: flags that are not known or exclude each other, not on the page grid. EBUSY: MS_INVALIDATE of locked pages. ENOMEM: a
/// hole. Kernel: msync(2), errors in its order.
template <class Design>
result<void> address_space<Design>::write_back(range where, int flags) {
  constexpr int both = MS_ASYNC | MS_SYNC;
  if ((flags & ~(both | MS_INVALIDATE)) != 0 || (flags & both) == both) return fail(EINVAL);
  if (!is_page_aligned(where.start)) return fail(EINVAL);
  where.end = page_ceil(where.end);
  if (where.end < where.start) return fail(ENOMEM);
  if (where.is_empty()) return {};
  read_guard guard{state_};
  address reached = where.start;
  bool has_hole = false;
  for (const auto& one : view_of(guard).within(where)) {
    if (one.value->is_tombstone()) continue;
    has_hole |= one.where.start > reached;
    if (has_hole && flags == MS_ASYNC) return fail(ENOMEM);
    if ((flags & MS_INVALIDATE) != 0 && one.value->fields().flags.has(vm::vma_flag::locked))
      return fail(EBUSY);
    reached = one.where.end;
  }
  return has_hole || reached < where.end ? fail(ENOMEM) : result<void>{};
}

}  // namespace rcuvm
