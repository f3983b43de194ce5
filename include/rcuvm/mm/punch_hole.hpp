// SPDX-License-Identifier: Apache-2.0
#pragma once

/// fallocate(FALLOC_FL_PUNCH_HOLE), and madvise(MADV_REMOVE): a file loses pages in its middle, under its mappings.

#include <sys/mman.h>

#include <memory>
#include <span>

#include "rcuvm/mm/address_space.hpp"
#include "rcuvm/mm/advice.hpp"
#include "rcuvm/vm/file.hpp"

namespace rcuvm {

namespace mm {

/// Takes `bytes` out of `of`: from then on they are zeros. Its size stays, and so do private copies.
///
///   no fault gets those pages ── each space: clear PTEs, shoot down ── drop the cached pages, zero the ends ── faults may go on
///    a fault under way sees that pages were taken out; a later one starts again until the end
///
/// Both are needed: a fault that got the page from the cache between the space's turn and the drop would bring it back.
/// `spaces`: all that may map it, a parent before its children; the model has no reverse map. They outlive the call. Holds all of
/// the inode lock from begin to end. Faults of other pages and other calls go on. Kernel: shmem_fallocate.
template <class Design>
void punch_hole(vm::cpu& cpu, vm::file& of, range bytes, std::span<address_space<Design>* const> spaces) {
  const vm::inode_lock::section held{of.inode_lock(), vm::inode_lock::everything};
  const range pages = of.begin_hole(bytes);
  for (address_space<Design>* const each : spaces) each->unmap_file_pages(cpu, of, pages, copies::stay);
  of.end_hole(bytes, cpu.stock);
}

}  // namespace mm

/// MADV_REMOVE: a hole in each file that is mapped in `where`, which must be shared there and not locked. Kernel: madvise_remove,
/// which lets go of mmap_lock, too, before it punches.
template <class Design>
result<void> address_space<Design>::remove_pages(vm::cpu& cpu, range where,
                                                 std::span<address_space* const> sharers) {
  bool has_hole = false;
  for (address reached = where.start; reached < where.end;) {
    std::shared_ptr<vm::file> of;
    range bytes;
    {
      read_guard guard{state_};
      const auto found = mapping_above(view_of(guard), reached);
      if (!found || found->where.start >= where.end) return fail(ENOMEM);
      has_hole |= found->where.start > reached;
      const vm::vma_fields& fields = found->value->fields();
      if (const int refusal = mm::refusal_of_advice(fields, MADV_REMOVE); refusal != 0) return fail(refusal);
      const range part = found->where.intersection({reached, where.end});
      of = fields.backing;
      bytes.start = fields.page_of(part.start) << page_shift;
      bytes.end = bytes.start + part.size();
      reached = part.end;
    }
    mm::punch_hole<Design>(cpu, *of, bytes, sharers);
  }
  return has_hole ? fail(ENOMEM) : result<void>{};
}

}  // namespace rcuvm
