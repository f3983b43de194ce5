// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Walks over all mappings, as a reader of /proc/PID/maps makes them; and the ends of an address space.

#include <utility>

#include "rcuvm/base/check.hpp"
#include "rcuvm/base/mutation.hpp"
#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

template <class Design>
template <class F>
void address_space<Design>::walk_snapshot(F f) {
  const auto pinned = [this] {
    fault_guard guard{state_, false};
    return vmas_.take_snapshot(guard.section());
  }();
  for (const auto& one : pinned) {
    if (!one.value->is_tombstone()) f(static_cast<const vm::vma&>(*one.value));
  }
}

template <class Design>
template <class F>
void address_space<Design>::walk_chunked(std::size_t lines, F f) {
  RCUVM_CHECK(lines != 0, "a chunk without lines never gets on");
  address from = 0;
  bool takes_lock = false;
  for (bool is_over = false; !is_over;) {
    fault_guard guard{state_, takes_lock};
    const view now = view_of(guard);
    const std::size_t at_once = std::exchange(takes_lock, false) ? 1 : lines;
    for (std::size_t printed = 0; printed < at_once;) {
      const auto one = now.next(from);
      if (!one) {
        is_over = true;
        break;
      }
      if (!keep_line(guard, *one)) {
        takes_lock = true;
        break;
      }
      from = one->where.end;
      if (is_dead_entry(*one->value)) continue;
      f(static_cast<const vm::vma&>(*one->value));
      ++printed;
    }
  }
}

/// May a walk read what it has found? No: look it up again with the lock, for this one line. Kernel: lock_next_vma.
template <class Design>
bool address_space<Design>::keep_line([[maybe_unused]] fault_guard& guard,
                                      [[maybe_unused]] const typename tree::entry& found) const noexcept {
  if constexpr (Design::reuses_records) {
    return guard.keep(*found.value) == mm::kept::yes &&
           (found.value->where() == found.where || is_mutated(mutation::keep_anywhere));
  } else {
    return true;
  }
}

namespace mm {

/// A number for each address space of this process, so that TLB entries of one are not taken for another's.
inline std::uint32_t next_space_id() noexcept {
  static sync::atomic<std::uint32_t> next{1};
  return next.fetch_add_relaxed(1);
}

}  // namespace mm

template <class Design>
address_space<Design>::address_space(vm::machine& on, mm::layout where)
    : machine_{on},
      is_lazy_{on.is_lazy()},
      layout_{where},
      id_{mm::next_space_id()},
      vmas_{on.limbo()},
      state_{on},
      lazy_zaps_{is_lazy_} {}

template <class Design>
address_space<Design>::address_space(const address_space& parent, const write_guard& guard)
    : machine_{parent.machine_},
      is_lazy_{parent.is_lazy_},
      layout_{parent.layout_},
      id_{mm::next_space_id()},
      lineage_{parent.lineage_.of_child()},
      vmas_{parent.vmas_.share(guard.section())},
      state_{machine_},
      lazy_zaps_{is_lazy_} {}

template <class Design>
address_space<Design>::~address_space() {
  Design::drain(state_, machine_.limbo());
  if constexpr (Design::reuses_records) {
    write_guard guard{state_};
    for (const auto& one : view_of(guard)) Design::detach(state_, *one.value);
  }
  vm::frame_pool::magazine stock;
  lazy_zaps_.collect(~std::uint64_t{0}, open_zaps_,
                     [&](vm::frame_number each) { machine_.frames().put(each, stock); });
  pages_.for_each_leaf(vm::page_table::addressable,
                       [&](vm::table& leaf, unsigned first, unsigned end, address) {
                         leaf.filled.for_each(first, end, [&](unsigned index) {
                           if (leaf.entry(index).is_present())
                             machine_.frames().put(leaf.entry(index).frame(), stock);
                         });
                       });
  machine_.frames().drain(stock);
}

template <class Design>
void address_space<Design>::exit(vm::cpu& cpu) {
  // Without memory for the change the destructor takes the pages back.
  if (unmap(cpu, {0, layout_.end})) Design::drain(state_, machine_.limbo());
  if (lazy_zaps_.any_left()) shoot_down(cpu);
}

template <class Design>
bool address_space<Design>::verify() {
  write_guard guard{state_};
  if (!vmas_.verify(guard.section())) return false;
  for (const auto& one : view_of(guard)) {
    if (one.value->where() != one.where) return false;
    if (one.value->state() != (one.value->is_tombstone() ? vm::life::dead : vm::life::live)) return false;
  }
  return true;
}

}  // namespace rcuvm
