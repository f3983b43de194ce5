// SPDX-License-Identifier: Apache-2.0
#pragma once

/// mremap: shrink, grow, move.

#include <algorithm>
#include <tuple>

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

namespace mm {

/// Can `asked`, whose lengths are rounded, be refused without a look at the mappings? Kernel: check_mremap_params.
[[nodiscard]] inline bool is_malformed(const remap_request& asked, address end) noexcept {
  if (!is_page_aligned(asked.old_address) || asked.new_length == 0 || asked.new_length > end) return true;
  const bool keeps_old = asked.flags.has(remap_flag::dont_unmap);
  if (!asked.flags.has(remap_flag::fixed) && !keeps_old) return false;
  if (asked.new_address > end - asked.new_length || !is_page_aligned(asked.new_address)) return true;
  if (!asked.flags.has(remap_flag::may_move)) return true;
  if (keeps_old && asked.old_length != asked.new_length) return true;
  const range old{asked.old_address, asked.old_address + asked.old_length};
  const range target{asked.new_address, asked.new_address + asked.new_length};
  return target.overlaps(old);
}

/// A move may cut its mapping in three, and one more is kept for it. Both places may be cut: two more are asked for before anything
/// is unmapped. Kernel: prep_move_vma, check_mremap_params.
inline constexpr std::int64_t mappings_cut_by_a_move = 3;

/// Faults in the mapping wait, until its pages have been moved or it turns out that they cannot be.
template <class Design>
class held_back {
 public:
  held_back(typename Design::state& state, vm::vma& mapping, vm::counters& count) noexcept
      : state_{state}, mapping_{&mapping} {
    if (is_mutated(mutation::move_without_holding_faults)) return;
    mapping.hold_back();
    Design::exclude(state, mapping, count);
  }
  ~held_back() {
    if (mapping_ == nullptr) return;
    mapping_->set_live();
    Design::admit(state_, *mapping_);
  }
  held_back(const held_back&) = delete;
  held_back& operator=(const held_back&) = delete;

  /// The mapping has been replaced by others, and may be gone.
  void forget() noexcept { mapping_ = nullptr; }

 private:
  typename Design::state& state_;
  vm::vma* mapping_;
};

}  // namespace mm

/// EINVAL: off the page grid, no new length, flags that do not fit, ranges that overlap. EFAULT: nothing mapped at the
/// old address, or the old range spans more than one mapping and more than a move or a shrink is asked for. ENOMEM: no room,
/// cannot grow without moving, or a limit. EAGAIN: it is locked, and no more may be.
/// Kernel: as of 6.18.
template <class Design>
result<address> address_space<Design>::remap(vm::cpu& cpu, const mm::remap_request& wanted) {
  mm::remap_request asked = wanted;
  asked.old_length = page_ceil(wanted.old_length);
  asked.new_length = page_ceil(wanted.new_length);
  if (mm::is_malformed(asked, layout_.end)) return fail(EINVAL);
  const bool only_moves = asked.flags.has(mm::remap_flag::fixed) && asked.old_length == asked.new_length;
  const auto done = change_locked(cpu, [&](write_guard& guard) -> result<address> {
    if (asked.flags.has_any({mm::remap_flag::fixed, mm::remap_flag::dont_unmap}) &&
        free_mappings() <= mm::mappings_cut_by_a_move + 2)
      return fail(ENOMEM);
    return only_moves ? move_each(cpu, guard, asked) : remap_one(cpu, guard, asked);
  });
  if (done && asked.new_length > asked.old_length) {
    const range grown{*done + asked.old_length, *done + asked.new_length};
    if (is_locked(grown.start)) std::ignore = populate(cpu, grown);
  }
  return done;
}

/// Moves all that is mapped in the old range, one mapping after the other, with the holes between them. What was moved before
/// an error stays moved. EFAULT: the range begins with a hole. Kernel: remap_move, since 6.17.
template <class Design>
result<address> address_space<Design>::move_each(vm::cpu& cpu, write_guard& guard,
                                                 const mm::remap_request& wanted) {
  const range old{wanted.old_address, wanted.old_address + wanted.old_length};
  result<address> first = fail(EFAULT);
  for (address done = old.start; done < old.end;) {
    const auto one = mapping_above(view_of(guard), done);
    if (!one || one->where.start >= old.end) return first;
    if (!first && one->where.start > old.start) return fail(EFAULT);
    const range part = one->where.intersection(old);
    const auto moved = remap_one(cpu, guard,
                                 {.old_address = part.start,
                                  .old_length = part.size(),
                                  .new_length = part.size(),
                                  .flags = wanted.flags,
                                  .new_address = wanted.new_address + (part.start - old.start),
                                  .recorded = wanted.recorded});
    if (!moved) return moved;
    if (!first) first = moved;
    done = one->where.end;
  }
  return first;
}

/// Within one mapping, but for what a shrink cuts off.
template <class Design>
result<address> address_space<Design>::remap_one(vm::cpu& cpu, write_guard& guard,
                                                 const mm::remap_request& asked) {
  const bool is_fixed = asked.flags.has(mm::remap_flag::fixed);
  const bool stays_there = !is_fixed && !asked.flags.has(mm::remap_flag::dont_unmap);
  const range old{asked.old_address, asked.old_address + asked.old_length};
  const range tail{asked.old_address + asked.new_length, old.end};  // of a shrink
  const bool shrinks = asked.old_length > asked.new_length;
  for (;;) {
    vm::vma* found = view_of(guard).find(asked.old_address);
    if (found == nullptr || found->is_tombstone()) return fail(EFAULT);
    if (stays_there && asked.old_length == asked.new_length) return asked.old_address;
    if (stays_there && shrinks) {
      if (!is_valid(tail)) return fail(EINVAL);
      if (auto gone = unmap_locked(cpu, guard, tail); !gone) return std::unexpected{gone.error()};
      return asked.old_address;
    }
    if (asked.old_length == 0 && found->fields().is_private()) return fail(EINVAL);
    if (std::min(asked.old_length, asked.new_length) > found->where().end - asked.old_address)
      return fail(EFAULT);
    if (auto allowed = check_growth(*found, asked); !allowed) return std::unexpected{allowed.error()};

    const bool grows = stays_there && can_grow(view_of(guard), *found, asked);
    range needed{old.end, old.start + asked.new_length};
    if (!grows) {
      if (!asked.flags.has(mm::remap_flag::may_move)) return fail(ENOMEM);
      const auto to = place_for(view_of(guard), asked, found->fields());
      if (!to) return to;
      needed = {*to, *to + asked.new_length};
    }
    const auto allowed = grows ? result<void>{} : check_move(asked, needed, view_of(guard), *found);
    // The target goes first. The source may go with it, or turn out to be no range at all.
    const bool loses_source = is_fixed && needed.contains(asked.old_address);
    if (loses_source || (shrinks && !is_valid(tail)) || !allowed) {
      if (is_fixed) {
        if (auto gone = unmap_locked(cpu, guard, needed); !gone) return std::unexpected{gone.error()};
      }
      if (loses_source) return fail(EFAULT);
      if (shrinks && !is_valid(tail)) return fail(EINVAL);
      if (shrinks) {
        if (auto gone = unmap_locked(cpu, guard, tail); !gone) return std::unexpected{gone.error()};
      }
      return std::unexpected{allowed.error()};
    }
    if (!grows && !lineage_.is_own(*found)) {  // faults in it are to wait
      if (auto owned = make_own(cpu, guard, asked.old_address); !owned) return std::unexpected{owned.error()};
      continue;
    }
    if (is_fixed) {
      if (auto room = make_room_once(cpu, guard, needed); !room) return std::unexpected{room.error()};
    } else if (!is_free(view_of(guard), needed)) {
      return fail(ENOMEM);  // where the recording had room
    }
    if (asked.recorded && !is_fixed) Design::take_over(state_, needed);  // as in mmap
    // A dead entry: wait for its end, then look at everything again.
    if (Design::wait_until_free(state_, vmas_, guard, machine_.limbo(), needed, cpu.count)) continue;
    if (grows) return grow_in_place(cpu, guard, *found, asked);
    const range loose =
        std::exchange(loose_tables_, hull_of(loose_tables_, needed));  // unless it comes to be mapped
    const auto moved = move(cpu, guard, *found, asked, needed);
    if (moved) loose_tables_ = loose;
    return moved;
  }
}

/// What grows must be allowed to, before anything else is done. Kernel: check_prep_vma.
template <class Design>
result<void> address_space<Design>::check_growth(const vm::vma& old, const mm::remap_request& asked) const {
  if (asked.new_length <= asked.old_length) return {};
  const auto more = static_cast<std::int64_t>((asked.new_length - asked.old_length) >> page_shift);
  if (!mm::may_lock_more(usage_, limits_, old.fields().flags, more)) return fail(EAGAIN);
  if (!mm::may_expand(usage_, limits_, old.fields().flags, more)) return fail(ENOMEM);
  return {};
}

/// May a mapping move, once what is in its way and what a shrink cuts off is gone? Kernel: mremap_to, prep_move_vma.
template <class Design>
result<void> address_space<Design>::check_move(const mm::remap_request& asked, range target, const view& now,
                                               const vm::vma& old) const {
  if (free_mappings() > mm::mappings_cut_by_a_move + 2 && limits_.bytes == mm::limits::none &&
      limits_.data_bytes == mm::limits::none)
    return {};
  mm::plan planned{lineage_, now, target};
  const range tail{asked.old_address + asked.new_length, asked.old_address + asked.old_length};
  if (!tail.is_empty()) planned.gather(now, tail);
  mm::usage left = usage_;
  for (const vm::vma* each : planned.originals()) left.remove(each->fields());
  if (asked.flags.has(mm::remap_flag::fixed)) planned.erase(target);
  if (!tail.is_empty()) planned.erase(tail);
  for (const mm::plan::piece& each : planned.pieces()) left.add(each.fields);
  const auto pages = static_cast<std::int64_t>(asked.old_length >> page_shift);
  if (asked.flags.has(mm::remap_flag::dont_unmap) &&
      !mm::may_expand(left, limits_, old.fields().flags, pages))
    return fail(ENOMEM);
  if (static_cast<std::int64_t>(limits_.mappings) - left.mappings <= mm::mappings_cut_by_a_move)
    return fail(ENOMEM);
  return {};
}

/// Does the mapping end with the old range, and are the addresses behind it free? Dead entries do not count.
template <class Design>
bool address_space<Design>::can_grow(const view& now, const vm::vma& old,
                                     const mm::remap_request& wanted) const {
  const range more{wanted.old_address + wanted.old_length, wanted.old_address + wanted.new_length};
  if (wanted.recorded && *wanted.recorded != wanted.old_address) return false;
  return wanted.old_length != 0 && old.where().end == more.start && more.end <= layout_.end &&
         is_free(now, more);
}

/// Where a mapping that moves goes to.
template <class Design>
result<address> address_space<Design>::place_for(const view& now, const mm::remap_request& wanted,
                                                 const vm::vma_fields& old) const {
  if (wanted.flags.has(mm::remap_flag::fixed)) return wanted.new_address;
  const address hint = wanted.flags.has(mm::remap_flag::dont_unmap) ? wanted.new_address : 0;
  const auto area = find_area(now, hint, wanted.new_length, old.is_anonymous() && old.is_private());
  return wanted.recorded ? *wanted.recorded : area;
}

/// Grows the mapping at its end.
template <class Design>
result<address> address_space<Design>::grow_in_place(vm::cpu& cpu, write_guard& guard, const vm::vma& old,
                                                     const mm::remap_request& wanted) {
  const range more{wanted.old_address + wanted.old_length, wanted.old_address + wanted.new_length};
  mm::plan planned{lineage_, view_of(guard), more};
  vm::vma_fields tail = lineage_.fields_of(old);
  tail.page_offset = tail.page_of(more.start);
  tail.where = more;
  planned.insert(std::move(tail));
  planned.merge();
  if (auto applied = apply(cpu, guard, planned, {}); !applied) return std::unexpected{applied.error()};
  return wanted.old_address;
}

/// Moves the mapping and its pages in one version: a walk sees it at the old place or at the new one. What was mapped in
/// `target`, and behind the new length at the old place, goes in the same version.
template <class Design>
result<address> address_space<Design>::move(vm::cpu& cpu, write_guard& guard, vm::vma& old,
                                            const mm::remap_request& wanted, range target) {
  const range whole{wanted.old_address, wanted.old_address + wanted.old_length};
  const range from{whole.start, whole.start + std::min(wanted.old_length, wanted.new_length)};
  mm::held_back<Design> faults{state_, old, cpu.count};
  if (!prepare_tables(cpu, from, target.start)) return fail(ENOMEM);

  vm::vma_fields moved = lineage_.fields_of(old);
  moved.page_offset = moved.page_of(from.start);
  moved.where = target;
  // Untouched anonymous memory forgets where it came from, so that it can merge with its new neighbours.
  if (moved.is_anonymous() && moved.anon == 0) moved.page_offset = target.start >> page_shift;

  mm::plan planned{lineage_, view_of(guard), whole};
  planned.gather(view_of(guard), target);
  const bool is_copy = from.is_empty();
  const bool keeps_old = wanted.flags.has(mm::remap_flag::dont_unmap) && !is_copy;
  const bool replaces = !is_free(view_of(guard), target);
  planned.erase(target);
  planned.erase({from.end, whole.end});
  planned.insert(std::move(moved));
  planned.merge();  // with the source, too, whose other parts then share an identity with the new place
  range emptied{};
  std::int64_t unlocked = 0;
  if (keeps_old) {
    const range source = planned.mapping_at(from.start);
    if (old.fields().flags.has(vm::vma_flag::locked)) unlocked = mm::pages_of(source);
    emptied = planned.leave_behind(from);
  } else if (!is_copy) {
    planned.erase(from);
  }
  const page_work work{.unmapped = keeps_old || is_copy ? range{} : whole,
                       .replaced = replaces ? target : range{},
                       .moved_from = from,
                       .moved_to = target.start,
                       .fresh = target,
                       .emptied = emptied};
  if (auto applied = apply(cpu, guard, planned, work); !applied) return std::unexpected{applied.error()};
  // What stays is not locked any more, but counts as if it were: the kernel forgets it.
  if (keeps_old) usage_.locked_pages += unlocked;
  const vm::vma* left = view_of(guard).find(whole.start);
  if (left != &old) faults.forget();
  return target.start;
}

}  // namespace rcuvm
