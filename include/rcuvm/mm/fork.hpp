// SPDX-License-Identifier: Apache-2.0
#pragma once

/// fork: a second address space with the same mappings, whose private pages are copied on write.

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/mm/address_space.hpp"
#include "rcuvm/mm/rules.hpp"

namespace rcuvm {

namespace mm {

/// Where records are not shared: the faults that lineage::must_wait() tells of wait, for a scope, until their pages are shared and
/// no cpu has a writable translation left.
template <class Design>
class writers_held_back {
 public:
  writers_held_back(typename Design::state& state, typename address_space<Design>::view now,
                    vm::counters& count) noexcept
      : state_{state}, now_{now} {
    for (const auto& one : now_) {
      const vm::vma_fields& fields = one.value->fields();
      if (!fields.is_tombstone() && fields.is_private() && fields.allowed().has(vm::prot::write) &&
          !is_mutated(mutation::fork_without_holding_faults)) {
        one.value->hold_back();
        Design::exclude(state_, *one.value, count);
      }
    }
  }
  ~writers_held_back() {
    for (const auto& one : now_) {
      if (one.value->state() != vm::life::building) continue;
      one.value->set_live();
      Design::admit(state_, *one.value);
    }
  }
  writers_held_back(const writers_held_back&) = delete;
  writers_held_back& operator=(const writers_held_back&) = delete;

 private:
  typename Design::state& state_;
  typename address_space<Design>::view now_;
};

}  // namespace mm

/// The tree is shared, in O(1), and both sides go on with the same records: see mm/lineage.hpp. A design that keeps something of one
/// address space in its records copies them all, as the kernel does.
template <class Design>
std::unique_ptr<address_space<Design>> address_space<Design>::fork(vm::cpu& cpu) {
  std::unique_ptr<address_space> child;
  const auto copied = change_locked(cpu, [&](write_guard& guard) -> result<void> {
    const view now = view_of(guard);
    const auto give = [&]() -> result<void> {
      child->usage_ = usage_;
      const bool may_have_dead = Design::may_have_dead(state_) && !is_mutated(mutation::fork_dead_entries);
      if (!Design::shares_records || usage_.told_of_fork != 0 || may_have_dead) {
        if (auto inherited = child->inherit(now); !inherited) return inherited;
      }
      child->usage_.locked_pages = 0;  // nor what the kernel counts and has forgotten
      return copy_pages_to(*child, cpu, now);
    };
    const auto share = [&] {
      const mm::lineage::fork_under_way faults_wait{lineage_};
      child.reset(new address_space{*this, guard});
      return give();
    };
    const auto copy = [&] {
      const mm::writers_held_back<Design> faults_wait{state_, now, cpu.count};
      child = std::make_unique<address_space>(machine_, layout_);
      return give();
    };
    if (auto done = Design::shares_records ? share() : copy(); !done) return done;
    child->break_start_ = break_start_;
    child->break_ = break_;
    child->stack_ = stack_;
    child->limits_ = limits_;
    return {};
  });
  if (!copied) child.reset();
  return child;
}

namespace mm {

/// What a mapping is in the child.
inline void adapt_to_fork(vm::vma_fields& fields) noexcept {
  fields.flags = fields.flags.without({vm::vma_flag::locked, vm::vma_flag::lock_on_fault});
  if (!fields.flags.has(vm::vma_flag::wipe_on_fork)) return;
  fields.anon = 0;
  fields.has_parents = false;
}

}  // namespace mm

/// The child's own part: what it shall not have as its parent has it, is taken out or gets a record of the child's; so does all
/// where records are not shared. Cost: a look at each, and a store for each of those.
template <class Design>
result<void> address_space<Design>::inherit(const view& parents) {
  write_guard own{state_};
  auto version = vmas_.begin(own.section());
  unpublished_records records{source()};
  for (const auto& one : parents) {
    const vm::vma_fields& theirs = one.value->fields();
    if (Design::shares_records && !theirs.flags.has_any(mm::changed_by_fork)) continue;
    if (!theirs.is_tombstone()) usage_.remove(theirs);
    vm::vma* made = nullptr;
    if (!theirs.flags.has_any(mm::left_out_by_fork)) {
      vm::vma_fields fields = lineage_.fields_of(*one.value);
      if (!Design::shares_records && fields.anon != 0) {
        fields.anon = mm::next_anon_identity();
        fields.has_parents = true;
      }
      mm::adapt_to_fork(fields);
      usage_.add(fields);
      made = records.make(std::move(fields), vm::life::live);
      if (made == nullptr) return fail(ENOMEM);
    }
    if (auto stored = version.store(one.where, made); !stored) return stored;
  }
  version.commit();
  for (vm::vma* each : records.release()) Design::attach(state_, *each);
  return {};
}

namespace mm {

/// The pages and guards of `part` of a mapping go from one leaf into the other, too. Private pages become read-only in both.
inline void share_pages(vm::table& leaf, vm::table& childs, const vm::vma_fields& mapping, range part,
                        vm::frame_pool& frames) {
  const bool is_private = mapping.is_private();
  const vm::protection rights = page_rights(mapping, false);
  const unsigned first = vm::table::index_of(part.start, 0);
  const auto end = first + static_cast<unsigned>(part.size() >> page_shift);
  sync::mutex_guard held{leaf.lock};  // the child's table is nobody else's yet
  leaf.filled.for_each(first, end, [&](unsigned index) {
    const vm::pte entry = leaf.entry(index);
    if (entry.is_guard()) childs.set_entry(index, entry);
    if (!entry.is_present()) return;
    frames.share(entry.frame());
    const bool is_writable = entry.allowed().has(vm::prot::write);
    const vm::pte shared = is_private && is_writable ? entry.with(rights) : entry;
    if (is_private && is_writable) leaf.set_entry(index, shared);
    childs.set_entry(index, shared);
  });
}

}  // namespace mm

/// Shares the present pages with `child`. Private ones become read-only on both sides.
template <class Design>
result<void> address_space<Design>::copy_pages_to(address_space& child, vm::cpu& cpu, const view& now) {
  result<void> outcome;
  // Without an identity or a guard there is no page that a fault of the child would not bring, too. A fault that gives one after
  // it was asked for here waits under the table's lock (vma.A1-vma.A2). Kernel: vma_needs_copy.
  const auto has_own_pages = [](vm::vma& one) {
    const vm::vma_flags flags = one.fields().flags;
    return !flags.has_any(mm::left_out_by_fork.with(vm::vma_flag::wipe_on_fork)) &&
           (one.anon() != 0 || flags.has(vm::vma_flag::maybe_guard) || one.last_anon() != 0);
  };
  const auto lowest = now.next(0);
  const auto highest = now.previous(layout_.end);
  const range used = lowest ? range{lowest->where.start, highest->where.end} : range{};
  pages_.for_each_leaf(used, [&](vm::table& leaf, unsigned first, unsigned end, address base) {
    const range here{base, base + (end - first) * page_size};
    vm::table* made = nullptr;
    for (const auto& one : now.within(here)) {
      if (!outcome || !has_own_pages(*one.value)) continue;
      if (made == nullptr) {
        const auto linked = child.pages_.make_leaf(base, [] { return true; }, cpu.count);
        if (!linked) {
          outcome = fail(ENOMEM);
          return;
        }
        made = *linked;
      }
      mm::share_pages(leaf, *made, one.value->fields(), one.where.intersection(here), machine_.frames());
    }
  });
  if (!is_mutated(mutation::fork_without_shootdown)) shoot_down(cpu);
  return outcome;
}

}  // namespace rcuvm
