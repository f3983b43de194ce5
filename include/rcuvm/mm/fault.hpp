// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Page faults.

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/mm/address_space.hpp"
#include "rcuvm/mm/attempts.hpp"
#include "rcuvm/mm/rules.hpp"

namespace rcuvm {

/// What a fault has found out before it locks a page table.
template <class Design>
struct address_space<Design>::fault_site {
  address at;
  vm::access wanted;
  vm::vma& found;
};

namespace mm {

/// The errno of a fault that has to be looked up again; never returned to callers.
inline constexpr int try_again = EAGAIN;

/// A frame with one reference that goes back to the pool unless it is installed.
class held_frame {
 public:
  held_frame(vm::cpu& cpu, vm::frame_number frame) noexcept : cpu_{cpu}, frame_{frame} {}
  ~held_frame() {
    if (frame_ != vm::no_frame) cpu_.host().frames().put(frame_, cpu_.stock);
  }
  held_frame(const held_frame&) = delete;
  held_frame& operator=(const held_frame&) = delete;

  [[nodiscard]] vm::frame_number get() const noexcept { return frame_; }
  vm::frame_number release() noexcept { return std::exchange(frame_, vm::no_frame); }
  void replace(vm::frame_number by) noexcept { frame_ = by; }

 private:
  vm::cpu& cpu_;
  vm::frame_number frame_;
};

}  // namespace mm

/// A fetch of instructions that the mapping refuses makes an absent page present all the same before it is refused, as on x86-64:
/// the processor says of a page that is there that it may not be executed, and the kernel asks nothing else (access_error).
/// EFAULT: nothing is mapped at `at` or a guard stands there (SIGSEGV, SEGV_MAPERR), or the page lies beyond the end of its
/// file (SIGBUS). EACCES: the mapping does not allow it (SIGSEGV, SEGV_ACCERR). ENOMEM: no frame or no table.
/// Progress: starts again when a writer was at work that the design cannot tell from one at this very mapping; at last with
/// its lock, if it has one. Cost: one descent and one table lock.
template <class Design>
result<mm::fault_outcome> address_space<Design>::fault(vm::cpu& cpu, address at, vm::access wanted) {
  ++cpu.count.faults;
  cpu.work();
  cpu.enter(id_, cpus_);
  mm::fault_attempts attempts{cpu.count, lineage_, mm::attempts::under<Design>()};
  for (;;) {
    bool is_mapped = false;
    bool is_in_hole = false;
    bool is_to_be_named = false;
    std::shared_ptr<vm::file> asked;
    std::uint64_t page = 0;
    {
      attempt one{*this, cpu, attempts.take_lock()};
      vm::vma* found = view_of(one.guard).find(at);
      if (found != nullptr && is_dead_entry(*found)) found = nullptr;
      is_mapped = found != nullptr;
      const auto how = is_mapped ? one.keep(*found, {at, at + 1}) : mm::kept::yes;
      if (how == mm::kept::yes || !Design::reuses_records) attempts.look_at(found, at);
      if (how != mm::kept::yes) {
        attempts.turned_away(Design::reuses_records ? nullptr : found, at, how);
      } else if (is_mapped) {
        const vm::vma_fields& fields = found->fields();
        const bool is_refused = !vm::allows(fields.allowed(), wanted);
        const bool is_refused_later = is_refused && wanted == vm::access::exec &&
                                      !fields.allowed().is_empty() && !pages_.entry(at).is_present();
        if (is_refused && !is_refused_later) {
          ++cpu.count.faults_bad_access;
          return fail(EACCES);
        }
        if (Design::drops_for_files && fields.backing && fields.backing->must_read(fields.page_of(at))) {
          asked = fields.backing;
          page = fields.page_of(at);
        } else if (const bool is_first_write = found->anon() == 0 && wanted == vm::access::write &&
                                               fields.is_private() && !pages_.entry(at).is_guard();
                   is_first_write && !lineage_.is_own(*found)) {
          is_to_be_named = true;
        } else if (is_first_write && !one.beside_no_writer([&] { name_anon(view_of(one.guard), *found); })) {
          attempts.met_writer();
        } else {
          auto done = install(cpu, {at, is_refused_later ? vm::access::read : wanted, *found}, one);
          // Frames may be had from zaps that wait for sweeps.
          const bool may_shoot = !done && done.error().number() == ENOMEM && lazy_zaps_.any_left();
          if (may_shoot) {
            shoot_down(cpu);
            continue;
          }
          if (done && is_refused_later) {
            ++cpu.count.faults_bad_access;
            return fail(EACCES);
          }
          if (done || done.error().number() != mm::try_again) return done;
          attempts.failed(*found, at);
          is_in_hole = fields.backing && fields.backing->is_in_hole(fields.page_of(at));
        }
      }
    }
    if (is_to_be_named) {
      if (const auto named = name_shared(cpu, at); !named) return std::unexpected{named.error()};
    } else if (asked != nullptr) {
      const auto read = read_in(cpu, *asked, page, at);
      if (!read && read.error().number() != mm::try_again) return std::unexpected{read.error()};
      if (!read) sync::yield();
    } else if (is_mapped) {
      if (is_in_hole || attempts.must_wait()) sync::yield();
    } else if (!grow_stack(cpu, at)) {
      ++cpu.count.faults_bad_address;
      return fail(EFAULT);
    }
  }
}

/// Has `of` read its page `page`, which was mapped at `at`: the next attempt finds it in the cache. With nothing held:
///
///   fault    find ·· fault() reads ·· find again, install
///   munmap        ├────────┤                                 does not wait for the disk
///
/// or, where the file has only fault_locked(), with its mapping found again and held still:
///
///   fault    find ── lock ── find ── fault_locked() reads ── unlock ── find again, install
///   munmap                ├─ waits ─────────────────────────────┤├──────┤
///
/// The lock is the semaphore's read side, the writers' mutex, or the whole range: who waits for it with the inode lock held, and
/// meets a file whose fault_locked() takes that, has the inversion of 2013 back (explore: inode-fault-locked, copy-fault-locked).
/// Nothing is read if the mapping is another one by now. Errors as vm::file has them.
template <class Design>
result<void> address_space<Design>::read_in(vm::cpu& cpu, vm::file& of, std::uint64_t page, address at) {
  if (!of.faults_locked() || is_mutated(mutation::fault_locked_without_lock)) {
    ++cpu.count.faults_without_lock;
    return of.fault(page, machine_.frames(), cpu.stock);
  }
  typename Design::steady_guard guard{state_};
  const vm::vma* found = view_of(guard).find(at);
  if (found == nullptr || is_dead_entry(*found)) return {};
  if (const vm::vma_fields& fields = found->fields();
      fields.backing.get() != &of || fields.page_of(at) != page)
    return {};
  ++cpu.count.faults_with_lock;
  const auto got = of.fault_locked(page, machine_.frames(), cpu.stock);
  if (!got) return std::unexpected{got.error()};
  machine_.frames().put(*got, cpu.stock);
  return {};
}

/// Makes the page present, under its table's lock, if the VMA and the table are still in use there.
///
///   fault:   find vma ........ lock table, is vma valid? ── install ── unlock
///   unmap:   publish ── kill vma ── lock table ── clear ── unlock ── unlink table
///
/// What "valid" means is the design's. With immutable records alone it is vma.L1-vma.L2 through the table's lock; for records that
/// fork has shared it is the tree's root, stored before the same lock (mm/lineage.hpp). A fault that locks the table after unmap
/// cleared it sees the VMA dead or gone; one that locked it before is cleared by unmap. Whether the table is still linked need not
/// be asked: the writer unlinks only what lies between live VMAs, after the kill, so a live VMA's table is
/// linked (asserted; the explorer searched for a schedule that says otherwise).
template <class Design>
result<mm::fault_outcome> address_space<Design>::install(vm::cpu& cpu, const fault_site& site,
                                                         const attempt& one) {
  const vm::vma_fields& fields = site.found.fields();
  vm::frame_pool& frames = machine_.frames();
  const auto again = [](std::uint64_t& cause) {
    ++cause;
    return fail(mm::try_again);
  };

  const auto leaf = pages_.make_leaf(
      site.at, [&] { return one.is_valid(site.found) || is_mutated(mutation::install_without_vma_check); },
      cpu.count);
  if (!leaf) {
    if (leaf.error() == vm::page_table::failure::no_memory) return fail(ENOMEM);
    return again(cpu.count.retries_vma_replaced);
  }
  vm::table& table = **leaf;
  const unsigned index = vm::table::index_of(site.at, 0);
  const bool is_copy = fields.is_private() && site.wanted == vm::access::write;
  if (layout_.fault_around > page_size && fields.backing && site.wanted != vm::access::write &&
      table.entry(index).is_empty())
    map_around(cpu, site, table, one);

  // What the page will be is prepared before the lock: the file's cache has a lock of its own.
  mm::held_frame cached{cpu, vm::no_frame};
  const std::uint64_t removals = fields.backing ? fields.backing->removals() : 0;
  if (fields.backing && table.entry(index).is_empty()) {
    const std::uint64_t wanted = fields.page_of(site.at);
    if (!Design::drops_for_files && fields.backing->must_read(wanted)) ++cpu.count.faults_with_lock;
    const auto page = Design::drops_for_files ? fields.backing->page_at_hand(wanted, frames, cpu.stock)
                                              : fields.backing->fault_locked(wanted, frames, cpu.stock);
    if (!page && page.error().number() == mm::try_again) return again(cpu.count.retries_page_taken);
    if (!page) return std::unexpected{page.error()};
    cached.replace(*page);
  }
  mm::held_frame own{cpu, is_copy ? frames.take(cpu.stock) : vm::no_frame};
  if (is_copy && own.get() == vm::no_frame) return fail(ENOMEM);

  mm::held_frame replaced{cpu, vm::no_frame};  // goes back last, after the shootdown below
  mm::fault_outcome outcome = mm::fault_outcome::spurious;
  {
    sync::mutex_guard held{table.lock};
    if (!one.is_valid(site.found) && !is_mutated(mutation::install_without_vma_check))
      return again(cpu.count.retries_vma_replaced);
    RCUVM_ASSERT(!table.is_stray.load_relaxed() || is_mutated(mutation::install_without_vma_check) ||
                     is_mutated(mutation::install_without_sequence_check) ||
                     is_mutated(mutation::exclude_without_wait),
                 "the table of a live VMA was unlinked");
    const vm::pte old = table.entry(index);
    const auto put = [&](vm::frame_number frame, bool is_exclusive) {
      table.set_entry(index, vm::pte{frame, frames.generation(frame), mm::page_rights(fields, is_exclusive)});
    };
    if (old.is_guard()) {
      ++cpu.count.faults_bad_address;
      return fail(EFAULT);
    }
    if (is_copy && site.found.anon() == 0)
      return again(cpu.count.retries_page_taken);  // a guard was in the way of naming, and has gone
    if (!old.is_present()) {
      if (has_old_translations({page_floor(site.at), page_floor(site.at) + page_size}) &&
          !is_mutated(mutation::install_over_old_translations))
        shoot_down(cpu);
      const bool is_taken_out = fields.backing && fields.backing->removals() != removals &&
                                !is_mutated(mutation::install_without_removal_check);
      if (is_taken_out || (fields.backing && cached.get() == vm::no_frame))
        return again(cpu.count.retries_page_taken);
      outcome = mm::fault_outcome::installed;
      if (is_copy) {
        if (fields.backing) frames.copy(cached.get(), own.get());
        put(own.release(), true);
      } else {
        put(fields.backing ? cached.release() : vm::zero_frame, false);
      }
    } else if (!vm::allows(old.allowed(), site.wanted)) {
      const bool is_exclusive = old.frame() != vm::zero_frame && frames.references(old.frame()) == 1;
      if (!is_copy || is_exclusive) {
        outcome = mm::fault_outcome::upgraded;
        put(old.frame(), is_exclusive);
      } else {
        outcome = mm::fault_outcome::copied;
        if (old.frame() != vm::zero_frame) frames.copy(old.frame(), own.get());
        put(own.release(), true);
        replaced.replace(old.frame());
      }
    }
  }
  switch (outcome) {
    case mm::fault_outcome::installed: ++cpu.count.pages_installed; break;
    case mm::fault_outcome::spurious: ++cpu.count.faults_spurious; break;
    case mm::fault_outcome::upgraded: break;
    case mm::fault_outcome::copied:
      ++cpu.count.pages_copied;
      if (is_mutated(mutation::copy_without_shootdown)) break;
      shoot_down(cpu);
      break;
  }
  return outcome;
}

/// Gives the first private page of a VMA its identity: a neighbour's, if the two could be one mapping but for their
/// protection, so that they can be merged later. Kernel: find_mergeable_anon_vma.
template <class Design>
void address_space<Design>::name_anon(const view& now, vm::vma& of) {
  const vm::vma_fields& fields = of.fields();
  const auto lends = [&](const vm::vma& lender) {
    return lender.anon() != 0 && !lineage_.has_parents(lender) && !lender.is_tombstone();
  };
  if (const auto after = now.next(fields.where.end);
      after && lends(*after->value) && mm::can_share_identity(fields, after->value->fields())) {
    of.set_anon(after->value->anon());
  } else if (const auto before = now.previous(fields.where.start);
             before && lends(*before->value) && mm::can_share_identity(before->value->fields(), fields)) {
    of.set_anon(before->value->anon());
  } else {
    of.set_anon(mm::next_anon_identity());
  }
}

/// Gives the mapping that holds `at` a record that no other address space has. ENOMEM: as it was.
template <class Design>
result<void> address_space<Design>::make_own(vm::cpu& cpu, write_guard& guard, address at) {
  mm::plan planned{lineage_, view_of(guard), {page_floor(at), page_floor(at)}};
  planned.renew(at);
  return apply(cpu, guard, planned, {});
}

/// The same for a fault that finds it shared and without an identity, which it gets, too. Kernel: vmf_anon_prepare, where a fault
/// under the VMA's lock that needs an anon_vma takes the mmap_lock.
template <class Design>
result<void> address_space<Design>::name_shared(vm::cpu& cpu, address at) {
  return change_once(cpu, [&](write_guard& guard) -> result<void> {
    const vm::vma* found = view_of(guard).find(at);
    if (found == nullptr || found->is_tombstone() || found->anon() != 0 || lineage_.is_own(*found)) return {};
    mm::plan planned{lineage_, view_of(guard), found->where()};
    planned.name_anon(at);
    planned.renew(at);
    return apply(cpu, guard, planned, {});
  });
}

/// Lets the stack above `at` grow down to it. It does not merge with what it meets, and its pages have an identity from then
/// on, even when a limit forbids it. False: there is none, it would come too near to another mapping, or that limit.
/// Kernel: expand_downwards.
template <class Design>
bool address_space<Design>::grow_stack(vm::cpu& cpu, address at) {
  {
    read_guard guard{state_};
    const auto above = mapping_above(view_of(guard), at);
    if (!above || !above->value->fields().flags.has(vm::vma_flag::grows_down)) return false;
  }
  const auto grown = change_once(cpu, [&](write_guard& guard) -> result<void> {
    range where{page_floor(at), page_floor(at)};
    std::optional<typename tree::entry> above;
    for (;;) {
      above = mapping_above(view_of(guard), at);
      if (!above) return fail(ENOMEM);
      if (above->where.start <= at) return {};  // somebody else has grown it
      where.end = above->where.start;
      if (Design::wait_until_free(state_, vmas_, guard, machine_.limbo(), where, cpu.count)) continue;
      if (lineage_.is_own(*above->value)) break;
      if (auto owned = make_own(cpu, guard, where.end); !owned) return owned;
    }
    const view now = view_of(guard);
    const vm::vma_fields& stack = above->value->fields();
    if (!stack.flags.has(vm::vma_flag::grows_down)) return fail(ENOMEM);
    const auto below = mapping_below(now, where.start);
    if (below && !below->value->fields().flags.has(vm::vma_flag::grows_down) &&
        !below->value->fields().allowed().is_empty() &&
        where.start - below->where.end < layout_.stack_guard_gap) {
      return fail(ENOMEM);
    }
    if (above->value->anon() == 0) name_anon(now, *above->value);
    if (!mm::may_expand(usage_, limits_, stack.flags, mm::pages_of(where))) return fail(ENOMEM);
    if (stack.where.end - where.start > limits_.stack_bytes) return fail(ENOMEM);
    if (!mm::may_lock_more(usage_, limits_, stack.flags, mm::pages_of(where))) return fail(ENOMEM);
    mm::plan planned{lineage_, now, above->where};
    planned.extend_down(above->where, where.start);
    const auto applied = apply(cpu, guard, planned, {});
    if (applied) ++cpu.count.stack_growths;
    return applied;
  });
  return grown.has_value();
}

}  // namespace rcuvm
