// SPDX-License-Identifier: Apache-2.0
#pragma once

/// mlock, munlock, mlockall, munlockall.

#include <sys/mman.h>

#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

namespace mm {

inline constexpr vm::vma_flags lock_flags{vm::vma_flag::locked, vm::vma_flag::lock_on_fault};

[[nodiscard]] constexpr vm::vma_flags lock_flags_of(bool is_on_fault) noexcept {
  return is_on_fault ? lock_flags : vm::vma_flags{vm::vma_flag::locked};
}

}  // namespace mm

/// EPERM: nothing may be locked. ENOMEM: not so much; what is locked already counts once. Kernel: do_mlock.
template <class Design>
result<void> address_space<Design>::check_lock(const view& now, range where) const {
  if (limits_.locked_bytes == mm::limits::none) return {};
  if (limits_.locked_bytes == 0) return fail(EPERM);
  // Also of a range that wrapped around, which is more than there can be.
  std::int64_t locked =
      usage_.locked_pages + static_cast<std::int64_t>((where.end - where.start) >> page_shift);
  if (mm::is_within(locked, limits_.locked_bytes)) return {};
  for (const auto& one : now.within(where)) {
    if (one.value->fields().flags.has(vm::vma_flag::locked))
      locked -= mm::pages_of(one.where.intersection(where));
  }
  return mm::is_within(locked, limits_.locked_bytes) ? result<void>{} : fail(ENOMEM);
}

/// mlock and mlock2(MLOCK_ONFAULT). EINVAL: beyond the top of all addresses. ENOMEM: a hole, what lies before it is locked;
/// or a page that may not be touched, everything is locked; or a limit. EPERM: nothing may be locked. EAGAIN: no frames.
template <class Design>
result<void> address_space<Design>::lock(vm::cpu& cpu, range where, bool is_on_fault) {
  where = {page_floor(where.start), page_ceil(where.end)};
  const auto locked = [is_on_fault](const vm::vma_fields& of) -> result<vm::vma_flags> {
    return of.flags.without(mm::lock_flags).with(mm::lock_flags_of(is_on_fault));
  };
  const auto changed = change_once(cpu, [&](write_guard& guard) -> result<void> {
    if (auto allowed = check_lock(view_of(guard), where); !allowed) return allowed;
    if (where.end < where.start) return fail(EINVAL);  // it wrapped around
    if (where.is_empty()) return {};
    return change_flags(cpu, guard, where, locked, at_hole::stops);
  });
  return changed && !is_on_fault ? populate(cpu, where) : changed;
}

/// munlock. EINVAL and ENOMEM as lock().
template <class Design>
result<void> address_space<Design>::unlock(vm::cpu& cpu, range where) {
  where = {page_floor(where.start), page_ceil(where.end)};
  if (where.end < where.start) return fail(EINVAL);  // it wrapped around
  if (where.is_empty()) return {};
  const auto unlocked = [](const vm::vma_fields& of) -> result<vm::vma_flags> {
    return of.flags.without(mm::lock_flags);
  };
  return change_once(
      cpu, [&](write_guard& guard) { return change_flags(cpu, guard, where, unlocked, at_hole::stops); });
}

/// mlockall; munlockall with no flags. What cannot be populated is left out. EINVAL: MCL_ flags that are not known, or MCL_ONFAULT
/// alone. EPERM: nothing may be locked. ENOMEM: not so much as is mapped. Kernel: mlockall(2), apply_mlockall_flags.
template <class Design>
result<void> address_space<Design>::lock_all(vm::cpu& cpu, int flags) {
  const bool is_on_fault = (flags & MCL_ONFAULT) != 0;
  const bool is_now = (flags & MCL_CURRENT) != 0;
  if ((flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) != 0 || flags == MCL_ONFAULT) return fail(EINVAL);
  mm::vector<range> to_populate;
  const auto locked = change_locked(cpu, [&](write_guard& guard) -> result<void> {
    if (flags != 0 && limits_.locked_bytes == 0) return fail(EPERM);
    if (is_now && !mm::is_within(usage_.pages, limits_.locked_bytes)) return fail(ENOMEM);
    const vm::vma_flags added = mm::lock_flags_of(is_on_fault);
    if (is_now || flags == 0) {
      mm::plan planned{lineage_, view_of(guard), {0, layout_.end}};
      planned.change({0, layout_.end}, [&](vm::vma_fields& fields) {
        if (fields.flags.has(vm::vma_flag::special)) return false;
        const vm::vma_flags made =
            fields.flags.without(mm::lock_flags).with(is_now ? added : vm::vma_flags{});
        return std::exchange(fields.flags, made) != made;
      });
      planned.merge();
      if (is_now) {
        // As they are now: in each, the first page that cannot be touched ends it.
        for (const mm::plan::piece& each : planned.pieces()) {
          if (!each.fields.flags.has(vm::vma_flag::special)) to_populate.push_back(each.fields.where);
        }
      }
      if (auto applied = apply(cpu, guard, planned, {}); !applied) return applied;
    }
    locked_from_now_ = (flags & MCL_FUTURE) != 0 ? added : vm::vma_flags{};
    return {};
  });
  if (!locked) return locked;
  for (const range each : to_populate) std::ignore = populate(cpu, each);
  return {};
}

}  // namespace rcuvm
