// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What mremap does to page tables.

#include <array>
#include <bitset>

#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

/// Makes the tables that the present pages of `from` will need at `to`. False without memory. Faults are held back: what is
/// seen under a table's lock now, stays so.
template <class Design>
bool address_space<Design>::prepare_tables(vm::cpu& cpu, range from, address to) {
  bool is_ready = true;
  pages_.for_each_leaf(from, [&](vm::table& leaf, unsigned first, unsigned end, address base) {
    std::bitset<vm::table::entry_count> present;
    {
      sync::mutex_guard held{leaf.lock};
      for (unsigned index = first; index < end; ++index) present[index] = !leaf.entry(index).is_empty();
    }
    for (unsigned index = first; index < end && is_ready; ++index) {
      if (!present[index]) continue;
      const address at = base + (index - first) * page_size - from.start + to;
      if (pages_.find_leaf(at) == nullptr)
        is_ready = pages_.make_leaf(at, [] { return true; }, cpu.count).has_value();
    }
  });
  return is_ready;
}

/// Takes the pages of `from` and puts them at `to`. The records of both are dead or building: no fault interferes.
template <class Design>
void address_space<Design>::move_pages(vm::cpu& cpu, range from, address to) {
  std::array<vm::pte, vm::table::entry_count> taken;
  bool any = false;
  pages_.for_each_leaf(from, [&](vm::table& leaf, unsigned first, unsigned end, address base) {
    {
      sync::mutex_guard held{leaf.lock};
      for (unsigned index = first; index < end; ++index) {
        taken[index] = leaf.entry(index);
        if (!taken[index].is_empty()) leaf.set_entry(index, {});
      }
    }
    for (unsigned index = first; index < end; ++index) {
      if (taken[index].is_empty()) continue;
      any = true;
      const address at = base + (index - first) * page_size - from.start + to;
      vm::table* target = pages_.find_leaf(at);
      RCUVM_CHECK(target != nullptr, "a move has prepared its page tables");
      sync::mutex_guard held{target->lock};
      target->set_entry(vm::table::index_of(at, 0), taken[index]);
    }
  });
  if (any || open_zaps_.any_in(from)) shoot_down(cpu);
}

}  // namespace rcuvm
