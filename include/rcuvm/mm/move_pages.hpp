// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What mremap does to page tables.

#include <array>

#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

/// Makes the tables that the present pages of `from` will need at `to`. False without memory. Faults are held back: what is
/// seen under a table's lock now, stays so.
template <class Design>
bool address_space<Design>::prepare_tables(vm::cpu& cpu, range from, address to) {
  bool is_ready = true;
  pages_.for_each_leaf(from, [&](vm::table& leaf, unsigned first, unsigned end, address base) {
    leaf.filled_now().for_each(first, end, [&](unsigned index) {
      const address at = base + (index - first) * page_size - from.start + to;
      if (is_ready && pages_.find_leaf(at) == nullptr)
        is_ready = pages_.make_leaf(at, [] { return true; }, cpu.count).has_value();
    });
  });
  return is_ready;
}

/// Takes the pages of `from` and puts them at `to`. The records of both are dead or building: no fault interferes.
template <class Design>
void address_space<Design>::move_pages(vm::cpu& cpu, range from, address to) {
  std::array<vm::pte, vm::table::entry_count> taken;
  vm::entry_set<vm::table::entry_count> moving;
  bool any = false;
  pages_.for_each_leaf(from, [&](vm::table& leaf, unsigned first, unsigned end, address base) {
    {
      sync::mutex_guard held{leaf.lock};
      moving = leaf.filled;
      leaf.clear_if(first, end, [&](unsigned index) {
        taken[index] = leaf.entry(index);
        return true;
      });
    }
    moving.for_each(first, end, [&](unsigned index) {
      any = true;
      const address at = base + (index - first) * page_size - from.start + to;
      vm::table* target = pages_.find_leaf(at);
      RCUVM_CHECK(target != nullptr, "a move has prepared its page tables");
      sync::mutex_guard held{target->lock};
      target->set_entry(vm::table::index_of(at, 0), taken[index]);
    });
  });
  if (any || open_zaps_.any_in(from)) shoot_down(cpu);
}

}  // namespace rcuvm
