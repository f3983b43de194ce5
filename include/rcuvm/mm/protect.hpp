// SPDX-License-Identifier: Apache-2.0
#pragma once

/// mprotect.

#include <tuple>
#include <utility>

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/mm/address_space.hpp"
#include "rcuvm/mm/rules.hpp"

namespace rcuvm {

namespace mm {

/// What mprotect populates in `where`, upwards. Kernel: the end of mprotect_fixup.
[[nodiscard]] inline vector<range> populated_by(const plan& planned, range where, vm::protection to) {
  using enum vm::vma_flag;
  vector<range> made;
  if (!to.has(vm::prot::write)) return made;
  for (const plan::piece& each : planned.pieces()) {
    const vm::vma_flags flags = each.fields.flags;
    const range part = each.fields.where.intersection(where);
    if (!part.is_empty() && flags.has(locked) && !flags.has_any({lock_on_fault, write, shared}))
      made.push_back(part);
  }
  return made;
}

/// How far mprotect gets in `where` before what it makes writable would be more data than there may be. Kernel: mprotect_fixup.
[[nodiscard]] inline address protected_until(const plan& planned, range where, vm::protection to,
                                             const limits& may, usage has) noexcept {
  if (!to.has(vm::prot::write)) return where.end;
  for (const plan::piece& each : planned.pieces()) {
    const range part = each.fields.where.intersection(where);
    if (part.is_empty() || each.fields.allowed() == to) continue;
    const vm::vma_flags made = protected_flags(each.fields, to);
    if (!may_expand(has, may, made, pages_of(part)) &&
        may_expand(has, may, each.fields.flags, pages_of(part)))
      return part.start;
    if (is_data(made) && !is_data(each.fields.flags)) has.data_pages += pages_of(part);
  }
  return where.end;
}

}  // namespace mm

/// EINVAL: not on the page grid. ENOMEM: a hole, or a limit; what lies before it has been changed, as the kernel
/// does.
template <class Design>
result<void> address_space<Design>::protect(vm::cpu& cpu, range where, vm::protection to) {
  if (!is_page_aligned(where.start)) return fail(EINVAL);
  if (where.start == where.end) return {};
  where.end = page_ceil(where.end);
  if (where.is_empty()) return fail(ENOMEM);
  mm::vector<range> to_populate;
  const auto outcome = change_once(cpu, [&](write_guard& guard) -> result<void> {
    mm::plan planned{lineage_, view_of(guard), where};
    range done{where.start, planned.mapped_until(where)};
    done.end = mm::protected_until(planned, done, to, limits_, usage_);
    if (!done.is_empty()) {
      address reached = done.start;
      const auto protect_until = [&](address end) {
        const auto changed = [to](vm::vma_fields& fields) {
          const vm::vma_flags made = mm::protected_flags(fields, to);
          return std::exchange(fields.flags, made) != made;
        };
        reached = planned.change({reached, end}, changed, free_mappings());
        return reached == end;
      };
      // Locked private memory that may be written from now on gets its own pages at once: it has an identity before its
      // neighbour's turn comes to merge with it. Not if it begins with a guard, where that ends.
      to_populate = mm::populated_by(planned, done, to);
      std::size_t populated = 0;
      for (const range each : to_populate) {
        if (!protect_until(each.end)) break;
        if (!pages_.entry(each.start).is_guard()) planned.name_anon(each.start);
        ++populated;
      }
      if (populated == to_populate.size()) protect_until(done.end);
      to_populate.resize(populated);
      done.end = reached;
      if (auto applied = apply(cpu, guard, planned, {.reprotected = done}); !applied) return applied;
    }
    return done.end == where.end ? result<void>{} : fail(ENOMEM);
  });
  for (const range each : to_populate) std::ignore = populate(cpu, each);
  return outcome;
}

/// Brings present pages in line with the protection that is planned for them.
template <class Design>
void address_space<Design>::reprotect_pages(vm::cpu& cpu, const mm::plan& planned, range where) {
  bool any = false;
  for (const mm::plan::piece& one : planned.pieces()) {
    const vm::vma_fields& fields = one.fields;
    const range part = fields.where.intersection(where);
    if (part.is_empty()) continue;
    pages_.for_each_leaf(part, [&](vm::table& leaf, unsigned first, unsigned end, address) {
      sync::mutex_guard held{leaf.lock};
      leaf.filled.for_each(first, end, [&](unsigned index) {
        const vm::pte entry = leaf.entry(index);
        if (!entry.is_present()) return;
        const bool is_exclusive =
            entry.frame() != vm::zero_frame && machine_.frames().references(entry.frame()) == 1;
        const vm::pte now_allowed = entry.with(mm::page_rights(fields, is_exclusive));
        if (now_allowed == entry) return;
        leaf.set_entry(index, now_allowed);
        any = true;
      });
    });
  }
  any |= open_zaps_.any_in(where);
  if (any && !is_mutated(mutation::protect_without_shootdown)) shoot_down(cpu);
}

}  // namespace rcuvm
