// SPDX-License-Identifier: Apache-2.0
#pragma once

/// ftruncate: a file becomes shorter, or longer, under its mappings.

#include <span>
#include <tuple>

#include "rcuvm/mm/address_space.hpp"
#include "rcuvm/vm/file.hpp"

namespace rcuvm {

namespace mm {

/// Gives `of` the size `to`, in bytes. Pages beyond the end leave all address spaces that map the file, private copies of
/// them, too: who touches them gets EFAULT (SIGBUS). A file that becomes longer again has zeros there.
///
///   set the size ── each space: clear PTEs, shoot down ── drop the cached pages
///    │               a fault that comes later finds no page; one under way sees that the file was truncated
///    faults get no page beyond the end any more
///
/// `spaces`: all that may map it, a parent before its children; the model has no reverse map. They outlive the call. Holds all of
/// the inode lock from begin to end. Faults and other calls go on. Kernel: truncate_setsize.
template <class Design>
void truncate(vm::cpu& cpu, vm::file& of, std::uint64_t to, std::span<address_space<Design>* const> spaces) {
  const vm::inode_lock::section held{of.inode_lock(), vm::inode_lock::everything};
  const bool is_shorter = to < of.size();
  of.set_size(to);
  if (!is_shorter) return;
  const range gone{page_ceil(to) >> page_shift, ~std::uint64_t{0}};
  for (address_space<Design>* const each : spaces) each->unmap_file_pages(cpu, of, gone, copies::go);
  of.drop_beyond_end(cpu.stock);
}

}  // namespace mm

/// Clears the PTEs of the file's pages whose indexes lie in `pages`, and of private copies of them if these go, too.
/// Kernel: unmap_mapping_range.
template <class Design>
void address_space<Design>::unmap_file_pages(vm::cpu& cpu, vm::file& of, range pages, mm::copies then) {
  typename Design::steady_guard guard{state_};
  for (const auto& one : view_of(guard)) {
    const vm::vma_fields& fields = one.value->fields();
    if (fields.backing.get() != &of) continue;
    const std::uint64_t first = fields.page_offset;
    const range part = pages.intersection({first, first + (fields.where.size() >> page_shift)});
    if (part.is_empty()) continue;
    const range gone{fields.where.start + ((part.start - first) << page_shift),
                     fields.where.start + ((part.end - first) << page_shift)};
    const auto goes = [&](vm::pte entry, address at) {
      return then == mm::copies::go || of.cached(fields.page_of(at)) == entry.frame();
    };
    std::ignore = zap_while(cpu, gone, guards::stay, translations::go, [] { return true; }, goes);
  }
}

}  // namespace rcuvm
