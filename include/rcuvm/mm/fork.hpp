// SPDX-License-Identifier: Apache-2.0
#pragma once

/// fork: a second address space with the same mappings, whose private pages are copied on write.

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/mm/address_space.hpp"
#include "rcuvm/mm/rules.hpp"

namespace rcuvm {

namespace mm {

/// Faults of private mappings that may be written wait, for a scope: until their pages are shared and no cpu has a writable
/// translation left. Otherwise one thread's fault copies a page while another one still writes to the original through its TLB:
/// that write would be lost here and appear in the child. Kernel: vma_start_write() in dup_mmap(), since 6.5, for that race.
template <class Design>
class writers_held_back {
 public:
  writers_held_back(typename address_space<Design>::view now, vm::counters& count) noexcept : now_{now} {
    for (const auto& one : now_) {
      const vm::vma_fields& fields = one.value->fields();
      if (!fields.is_tombstone() && fields.is_private() && fields.allowed().has(vm::prot::write) &&
          !is_mutated(mutation::fork_without_holding_faults)) {
        one.value->hold_back();
        Design::exclude(*one.value, count);
      }
    }
  }
  ~writers_held_back() {
    for (const auto& one : now_) {
      if (one.value->state() != vm::life::building) continue;
      one.value->set_live();
      Design::admit(*one.value);
    }
  }
  writers_held_back(const writers_held_back&) = delete;
  writers_held_back& operator=(const writers_held_back&) = delete;

 private:
  typename address_space<Design>::view now_;
};

}  // namespace mm

template <class Design>
std::unique_ptr<address_space<Design>> address_space<Design>::fork(vm::cpu& cpu) {
  std::unique_ptr<address_space> child;
  const auto copied = change_locked(cpu, [&](write_guard& guard) -> result<void> {
    child = std::make_unique<address_space>(machine_, layout_);
    child->break_start_ = break_start_;
    child->break_ = break_;
    child->stack_ = stack_;
    child->limits_ = limits_;

    const mm::writers_held_back<Design> faults{view_of(guard), cpu.count};
    write_guard own{child->state_};
    auto version = child->vmas_.begin(own.section());
    unpublished_records records;
    for (const auto& one : view_of(guard)) {
      using enum vm::vma_flag;
      if (one.value->is_tombstone() || one.value->fields().flags.has(dont_fork)) continue;
      vm::vma_fields fields = one.value->fields();
      fields.flags = fields.flags.without({locked, lock_on_fault});
      if (fields.flags.has(wipe_on_fork)) {
        fields.anon = 0;
        fields.has_parents = false;
      } else if (one.value->anon() != 0) {
        fields.anon = mm::next_anon_identity();
        fields.has_parents = true;
      }
      child->usage_.add(fields);
      vm::vma* made = records.make(std::move(fields), vm::life::live);
      if (made == nullptr) return fail(ENOMEM);
      if (auto stored = version.store(one.where, made); !stored) return stored;
    }
    version.commit();
    static_cast<void>(records.release());
    return copy_pages_to(*child, cpu, view_of(guard));
  });
  if (!copied) child.reset();
  return child;
}

/// Shares the present pages with `child`. Private ones become read-only on both sides.
template <class Design>
result<void> address_space<Design>::copy_pages_to(address_space& child, vm::cpu& cpu, const view& now) {
  result<void> outcome;
  for (const auto& one : now) {
    const vm::vma_fields& fields = one.value->fields();
    // Without an identity or a guard there is no page that a fault of the child would not bring, too. Kernel: vma_needs_copy.
    if (fields.is_tombstone() || (one.value->anon() == 0 && !fields.flags.has(vm::vma_flag::maybe_guard)) ||
        fields.flags.has_any({vm::vma_flag::dont_fork, vm::vma_flag::wipe_on_fork}))
      continue;
    pages_.for_each_leaf(one.where, [&](vm::table& leaf, unsigned first, unsigned end, address base) {
      if (!outcome) return;
      const auto made = child.pages_.make_leaf(base, [] { return true; }, cpu.count);
      if (!made) {
        outcome = fail(ENOMEM);
        return;
      }
      sync::mutex_guard held{leaf.lock};  // the child's table is nobody else's yet
      for (unsigned index = first; index < end; ++index) {
        const vm::pte entry = leaf.entry(index);
        if (entry.is_guard()) (*made)->set_entry(index, entry);
        if (!entry.is_present()) continue;
        machine_.frames().share(entry.frame());
        const vm::pte shared = fields.is_private() && entry.allowed().has(vm::prot::write)
                                   ? entry.with(mm::page_rights(fields, false))
                                   : entry;
        leaf.set_entry(index, shared);
        (*made)->set_entry(index, shared);
      }
    });
  }
  if (!is_mutated(mutation::fork_without_shootdown)) shoot_down(cpu);
  return outcome;
}

}  // namespace rcuvm
