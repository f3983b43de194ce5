// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The rules that turn requests into the values of a VMA, and those into the rights of its pages.

#include <memory>

#include "rcuvm/base/range.hpp"
#include "rcuvm/mm/request.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/vm/vma.hpp"

namespace rcuvm::mm {

/// The VMA that `wanted` asks for, at `where`.
inline vm::vma_fields fields_of(const map_request& wanted, range where) {
  using enum vm::vma_flag;
  vm::vma_fields made{.where = where,
                      .flags = vm::vma_flags::from_bits(wanted.protection.bits()),
                      .page_offset = wanted.file ? wanted.offset >> page_shift : where.start >> page_shift,
                      .backing = wanted.file,
                      .name = wanted.name};
  if (wanted.flags.has(map_flag::shared)) made.flags = made.flags.with(shared);
  if (wanted.flags.has(map_flag::grows_down)) made.flags = made.flags.with(grows_down);
  if (wanted.flags.has(map_flag::locked)) made.flags = made.flags.with(locked);
  if (wanted.flags.has(map_flag::no_reserve)) made.flags = made.flags.with(no_reserve);
  if (wanted.flags.has(map_flag::stack)) made.flags = made.flags.with(no_huge_pages);
  if (!wanted.name.empty()) made.flags = made.flags.with(special);
  // Private memory that can be written counts against the commit limit, unless it was asked not to.
  if (!made.flags.has_any({no_reserve, shared, special}) && made.flags.has(write))
    made.flags = made.flags.with(accounted);
  return made;
}

/// MAP_SHARED without a file: pages that live in a nameless file of their own.
inline std::shared_ptr<vm::file> make_shared_anonymous(std::uint64_t length) {
  static sync::atomic<std::uint64_t> next_inode{1};
  return std::make_shared<vm::file>(
      vm::file_identity{
          .name = "/dev/zero (deleted)", .device_minor = 1, .inode = next_inode.fetch_add_relaxed(1)},
      length, vm::file::origin::nameless);
}

/// The rights that a present page may get from its VMA. A private page that others see, too, stays read-only: the next
/// write copies it.
inline vm::protection page_rights(const vm::vma_fields& of, bool is_exclusive) noexcept {
  const vm::protection allowed = of.allowed();
  if (allowed.is_empty() || !of.is_private() || is_exclusive) return allowed;
  return allowed.without(vm::prot::write).with(vm::prot::read);
}

/// The flags of `of` with the protection `to`. Private memory counts against the commit limit from the time that it can
/// be written, and until then again only if it was never touched. No change of protection changes nothing.
inline vm::vma_flags protected_flags(const vm::vma_fields& of, vm::protection to) noexcept {
  using enum vm::vma_flag;
  if (of.allowed() == to) return of.flags;
  vm::vma_flags made = of.flags.without(vm::protection_flags).with(vm::vma_flags::from_bits(to.bits()));
  if (to.has(vm::prot::write)) {
    if (!of.flags.has_any({accounted, write, shared, no_reserve, special})) made = made.with(accounted);
  } else if (of.is_anonymous() && of.anon == 0) {
    made = made.without(accounted);
  }
  return made;
}

/// A new identity for anonymous pages, never 0.
inline std::uint64_t next_anon_identity() noexcept {
  static sync::atomic<std::uint64_t> next{1};
  return next.fetch_add_relaxed(1);
}

}  // namespace rcuvm::mm
