// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Pages of a file that a read fault maps beside its own: those that are cached.
///
///   window of 16 pages   |  .AAAAA@AAAAA..  |      @ the fault; only pages of its mapping and its page table
///   in the page cache        xx  x   x
///   mapped afterwards        xx  x@  x              even if @ itself cannot be: it may lie beyond the end of the file
///
/// Whoever only counts faults does not want it; it is off unless mm::layout asks for it.

#include <array>
#include <span>

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/mm/address_space.hpp"
#include "rcuvm/mm/rules.hpp"

namespace rcuvm {

namespace mm {

/// Where a fault at `at` of the mapping `where` maps pages; `size`: bytes, a power of two. Kernel: do_fault_around.
[[nodiscard]] constexpr range window_around(address at, range where, std::uint64_t size) noexcept {
  const std::uint64_t table = vm::table::entry_span(1);
  const address start = std::max(at & ~(size - 1), where.start);
  return {start, std::min({start + size, (at & ~(table - 1)) + table, where.end})};
}

}  // namespace mm

/// A hint: where a writer or a truncation comes in between, or an old translation may be left, nothing is mapped. `table` is the
/// fault's.
template <class Design>
void address_space<Design>::map_around(vm::cpu& cpu, const fault_site& site, vm::table& table,
                                       const attempt& one) {
  const vm::vma_fields& fields = site.found.fields();
  const range window = mm::window_around(site.at, fields.where, layout_.fault_around);
  std::array<vm::frame_number, vm::table::entry_count> frames;
  const auto cached = std::span{frames}.first(window.size() >> page_shift);
  const std::uint64_t removals = fields.backing->removals();
  fields.backing->share_cached(fields.page_of(window.start), cached);
  const unsigned own = vm::table::index_of(site.at, 0);
  {
    sync::mutex_guard held{table.lock};
    const bool is_as_before = one.is_valid(site.found) && fields.backing->removals() == removals;
    if ((is_as_before || is_mutated(mutation::map_around_unchecked)) && !has_old_translations(window)) {
      unsigned index = vm::table::index_of(window.start, 0);
      for (vm::frame_number& each : cached) {
        if (each != vm::no_frame && index != own && table.entry(index).is_empty()) {
          const std::uint32_t generation = machine_.frames().generation(each);
          table.set_entry(index, vm::pte{each, generation, mm::page_rights(fields, false)});
          each = vm::no_frame;
        }
        ++index;
      }
    }
  }
  for (const vm::frame_number each : cached) {
    if (each != vm::no_frame) machine_.frames().put(each, cpu.stock);
  }
}

}  // namespace rcuvm
