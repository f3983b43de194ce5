// SPDX-License-Identifier: Apache-2.0
#pragma once

/// ftruncate: a file becomes shorter, or longer, under its mappings.

#include <span>

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
/// `spaces`: all that may map it, a parent before its children; the model has no reverse map. They outlive the call. Holds the
/// inode lock from begin to end. Faults and other calls go on. Kernel: truncate_setsize, unmap_mapping_range.
template <class Design>
void truncate(vm::cpu& cpu, vm::file& of, std::uint64_t to, std::span<address_space<Design>* const> spaces) {
  const sync::mutex_guard held{of.inode_lock()};
  const bool is_shorter = to < of.size();
  of.set_size(to);
  if (!is_shorter) return;
  for (address_space<Design>* const each : spaces) each->unmap_beyond(cpu, of, page_ceil(to) >> page_shift);
  of.drop_beyond_end(cpu.stock);
}

}  // namespace mm

/// Clears the PTEs of the file's pages from `first` on.
template <class Design>
void address_space<Design>::unmap_beyond(vm::cpu& cpu, const vm::file& of, std::uint64_t first) {
  typename Design::zap_guard guard{state_, {0, layout_.end}};
  for (const auto& one : view_of(guard)) {
    const vm::vma_fields& fields = one.value->fields();
    if (fields.backing.get() != &of) continue;
    const std::uint64_t kept = first > fields.page_offset ? (first - fields.page_offset) << page_shift : 0;
    const range beyond{fields.where.start + std::min(kept, fields.where.size()), fields.where.end};
    if (!beyond.is_empty()) zap(cpu, beyond, guards::stay);
  }
}

}  // namespace rcuvm
