// SPDX-License-Identifier: Apache-2.0
#pragma once

/// /proc/PID/maps of a model's address space.

#include <string_view>
#include <vector>

#include "proc_maps/entry.hpp"
#include "rcuvm/base/address.hpp"
#include "rcuvm/vm/vma.hpp"

namespace rcuvm::proc_maps {

/// What names anonymous memory by its place.
struct landmarks {
  range heap;   ///< from the first break to the break of now
  range stack;  ///< the main thread's, as exec made it
};

/// A name for anonymous memory: "[heap]" for what overlaps the heap, "[stack]" for what holds the place where the
/// stack began. Kernel: vma_is_initial_heap(), vma_is_initial_stack().
[[nodiscard]] inline std::string_view name_by_place(range where, const landmarks& at) noexcept {
  if (where.start < at.heap.end && where.end > at.heap.start) return "[heap]";
  if (!at.stack.is_empty() && where.contains(at.stack.end - 1)) return "[stack]";
  return {};
}

/// The line of one mapping. The heap and the stack are called that, whatever the process calls them. Kernel: show_map_vma(),
/// get_vma_name().
[[nodiscard]] inline entry entry_of(const vm::vma_fields& one, const landmarks& at) {
  entry made{.where = one.where, .allowed = {}, .name = {}};
  const auto allow = [&](vm::vma_flag flag, permission letter) {
    if (one.flags.has(flag)) made.allowed = made.allowed.with(letter);
  };
  allow(vm::vma_flag::read, permission::read);
  allow(vm::vma_flag::write, permission::write);
  allow(vm::vma_flag::exec, permission::execute);
  allow(vm::vma_flag::shared, permission::shared);
  if (one.backing != nullptr) {
    const vm::file_identity& file = one.backing->identity();
    made.offset = one.page_offset << page_shift;
    made.device_major = file.device_major;
    made.device_minor = file.device_minor;
    made.inode = file.inode;
    made.name = one.name.empty() ? file.name : one.name;
  } else {
    const bool is_special = one.flags.has(vm::vma_flag::special);
    const std::string_view by_place = is_special ? std::string_view{} : name_by_place(one.where, at);
    made.name = by_place.empty() ? std::string_view{one.name} : by_place;
  }
  return made;
}

/// All lines of one version (G6). `Space`: rcuvm::address_space of any design.
template <class Space>
[[nodiscard]] std::vector<entry> from_model(Space& space) {
  const landmarks at{.heap = space.heap(), .stack = space.stack()};
  std::vector<entry> made;
  space.walk_snapshot([&](const vm::vma& one) { made.push_back(entry_of(one.fields(), at)); });
  return made;
}

}  // namespace rcuvm::proc_maps
