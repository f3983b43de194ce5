// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The way of every change: publish a planned version, then bring the page tables after it.

#include <algorithm>
#include <array>
#include <limits>

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

/// What a change has unlinked, errors in its middle or not: taken as the last act under the writer lock, disposed of after it.
template <class Design>
class disposal {
 public:
  explicit disposal(reclaim::limbo& to) noexcept : limbo_{to} {}
  ~disposal() {
    if (!old_.is_empty()) Design::dispose(std::move(old_), limbo_);
  }
  disposal(const disposal&) = delete;
  disposal& operator=(const disposal&) = delete;

  class taking {
   public:
    taking(disposal& to, reclaim::retire_list& from) noexcept : to_{to}, from_{from} {}
    ~taking() { to_.old_ = std::move(from_); }
    taking(const taking&) = delete;
    taking& operator=(const taking&) = delete;

   private:
    disposal& to_;
    reclaim::retire_list& from_;
  };

 private:
  reclaim::limbo& limbo_;
  reclaim::retire_list old_;
};

/// Runs f(guard) as the one writer. Slowed down first, without any lock, when limbo is over its limit.
template <class Design>
template <class F>
auto address_space<Design>::change_locked(vm::cpu& cpu, F f) -> std::invoke_result_t<F, write_guard&> {
  return change_once(cpu, [&](write_guard& guard) {
    Design::exclude_writers(state_, guard);
    return f(guard);
  });
}

/// The same for an f that publishes at most once, and has done nothing that others may see before. Other writers may be at their
/// page work, where the design lets them; f runs again when one of them was in its way.
template <class Design>
template <class F>
auto address_space<Design>::change_once(vm::cpu& cpu, F f) -> std::invoke_result_t<F, write_guard&> try {
  machine_.limbo().throttle();
  disposal<Design> after{machine_.limbo()};
  write_guard guard{state_};
  const typename disposal<Design>::taking last{after, old_};
  Design::begin_change(state_, vmas_, guard, machine_.limbo());
  for (;;) {
    auto outcome = f(guard);
    if (!Design::wait_for_writers(state_, guard, cpu.count)) return outcome;
  }
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

/// New records of a change that is not published: freed unless it comes to that.
class unpublished_records {
 public:
  explicit unpublished_records(const vm::record_source& from) noexcept : source_{from} {}
  ~unpublished_records() {
    for (vm::vma* each : records_) source_.give_back(each);
  }
  unpublished_records(const unpublished_records&) = delete;
  unpublished_records& operator=(const unpublished_records&) = delete;

  /// Null without memory.
  [[nodiscard]] vm::vma* make(vm::vma_fields fields, vm::life state) {
    vm::vma*& made = records_.emplace_back(nullptr);
    made = source_.make(std::move(fields), state);
    return made;
  }
  [[nodiscard]] std::size_t count() const noexcept { return records_.size(); }
  /// The first ones made.
  [[nodiscard]] std::span<vm::vma* const> first(std::size_t count) const noexcept {
    return {records_.data(), count};
  }
  /// They belong to the tree now.
  [[nodiscard]] mm::vector<vm::vma*> release() noexcept { return std::exchange(records_, {}); }

 private:
  const vm::record_source source_;
  mm::vector<vm::vma*> records_;
};

/// Is `piece` what is published already?
inline bool stays(const mm::plan::piece& piece, const vm::vma& old, const mm::lineage& of) noexcept {
  const vm::vma_fields& was = old.fields();
  if (piece.fields.where != was.where || piece.is_renewed) return false;
  return !piece.is_touched ||
         (piece.fields.flags == was.flags && piece.fields.page_offset == was.page_offset &&
          piece.fields.backing == was.backing && piece.fields.name == was.name &&
          piece.fields.anon == of.anon_of(old));
}

/// Faults give a VMA its anon identity without the writer's lock: the records that take its place get it, too. Both lists
/// rise; records that are still building have no part in the old pages.
inline void hand_down_identities(const mm::lineage& of, std::span<vm::vma* const> outdated,
                                 std::span<vm::vma* const> published) noexcept {
  auto heir = published.begin();
  for (vm::vma* old : outdated) {
    const std::uint64_t identity = of.last_anon_of(*old);
    if (identity == 0) continue;
    while (heir != published.end() && (*heir)->where().end <= old->where().start) ++heir;
    for (auto each = heir; each != published.end() && (*each)->where().start < old->where().end; ++each) {
      if ((*each)->is_live() && (*each)->fields().is_private()) (*each)->set_anon(identity);
    }
  }
}

/// Publishes `planned`, does the page work, and leaves what is old for after the lock.
/// ENOMEM: nothing has changed. EBUSY, for change_once() alone: the same, another writer is at work there.
template <class Design>
result<void> address_space<Design>::apply(vm::cpu& cpu, write_guard& guard, const mm::plan& planned,
                                          const page_work& work) {
  auto change = vmas_.begin(guard.section());
  unpublished_records fresh{source()};
  mm::vector<vm::vma*> outdated;
  mm::vector<range> dead;
  mm::usage after = usage_;
  const range pages = work.hull();
  range changed = pages;
  const auto outdate = [&](vm::vma* which) {
    outdated.push_back(which);
    after.remove(which->fields());
  };

  // Walk originals and pieces side by side: what stays as it is, is not written.
  auto old = planned.originals().begin();
  const auto old_end = planned.originals().end();
  address done = 0;  // all below is as planned
  const auto clear_until = [&](address until) {
    for (; old != old_end && (*old)->where().start < until; ++old) {
      const range gone = (*old)->where().intersection({done, until});
      if (!gone.is_empty()) {
        // Holes inside what is unmapped may be stored over, too: one store instead of one for each VMA.
        const bool joins =
            !dead.empty() && dead.back().start >= done &&
            (dead.back().end == gone.start ||
             (!Design::leaves_tombstones && work.unmapped.contains({dead.back().start, gone.end})));
        if (joins) {
          dead.back().end = gone.end;
        } else {
          dead.push_back(gone);
        }
      }
      if ((*old)->where().end > until) return;
      outdate(*old);
    }
  };
  for (const auto& piece : planned.pieces()) {
    const range where = piece.fields.where;
    clear_until(where.start);
    if (old != old_end && stays(piece, **old, lineage_)) {
      ++old;
    } else if (is_mutated(mutation::change_in_place) && old != old_end &&
               (*old)->where().start == where.start && where.end < (*old)->where().end) {
      dead.push_back({where.end, (*old)->where().end});
      const_cast<vm::vma_fields&>((*old)->fields()) = piece.fields;
      if (auto stored = change.store(where, *old); !stored) return stored;
      ++old;
    } else {
      const bool must_wait = (work.fresh.overlaps(where) || work.emptied.overlaps(where)) &&
                             !is_mutated(mutation::map_live_at_once);
      const auto state = must_wait ? vm::life::building : vm::life::live;
      after.add(piece.fields);
      changed = hull_of(changed, where);
      vm::vma* made = fresh.make(piece.fields, state);
      if (made == nullptr) return fail(ENOMEM);
      if (auto stored = change.store(where, made); !stored) return stored;
      while (old != old_end && (*old)->where().end <= where.end) outdate(*old++);
    }
    done = where.end;
  }
  clear_until(std::numeric_limits<address>::max());
  const std::size_t mapped = fresh.count();
  for (const range gone : dead) {
    vm::vma* mark = nullptr;
    if constexpr (Design::leaves_tombstones) {
      mark = fresh.make({.where = gone, .flags = vm::vma_flag::tombstone}, vm::life::dead);
      if (mark == nullptr) return fail(ENOMEM);
    }
    if (auto stored = change.store(gone, mark); !stored) return stored;
  }
  Design::reserve(state_, dead.size(), outdated.size());
  for (const range gone : dead) changed = hull_of(changed, gone);
  if (!Design::claim(state_, guard, changed, pages)) return fail(EBUSY);

  if (is_lazy_ && !is_mutated(mutation::map_over_old_translations)) {
    const auto is_over_old = [&](const vm::vma* one) { return open_zaps_.any_in(one->where()); };
    if (std::ranges::any_of(fresh.first(mapped), is_over_old)) shoot_down(cpu);
  }
  for (vm::vma* each : outdated) Design::exclude(state_, *each, cpu.count);
  mm::vector<range> held;  // where the last reference unmaps: what faults inside will
  if constexpr (Design::last_reference_unmaps) held.reserve(outdated.size());
  const auto clear_rest = [&](zapping& of, range where) {
    for (const range theirs : held) {
      if (!theirs.overlaps(where)) continue;
      of.clear({where.start, theirs.start});
      where.start = theirs.end;
    }
    of.clear(where);
  };
  reclaim::retire_list retired;
  change.commit(retired, [&] {
    for (vm::vma* each : outdated) {
      const bool is_ours = lineage_.is_own(*each) || is_mutated(mutation::kill_shared);
      if (is_ours && !is_mutated(mutation::publish_without_kill)) each->kill();
    }
    hand_down_identities(lineage_, outdated, fresh.first(mapped));
    for (vm::vma* each : fresh.first(fresh.count())) Design::attach(state_, *each);
    for (vm::vma* each : outdated) Design::detach(state_, *each);
    if constexpr (Design::last_reference_unmaps) {
      for (vm::vma* each : outdated) {
        const range gone = each->where().intersection(work.unmapped);
        const range left = gone.is_empty() ? each->where().intersection(work.replaced) : gone;
        if (!left.is_empty() && !Design::let_go_of(state_, *each, left)) held.push_back(left);
      }
    }
  });
  // The others are not ours any more once other writers get in: one of them may outdate them.
  auto building = fresh.release();
  if (!is_mutated(mutation::touch_all_published))
    std::erase_if(building, [](const vm::vma* one) { return one->state() != vm::life::building; });
  usage_ = after;
  ++cpu.count.changes;
  if constexpr (Design::leaves_tombstones) cpu.count.tombstones += dead.size();

  zapping unmapped{*this, cpu, work.unmapped, translations::may_stay};
  if (!pages.is_empty()) {
    [[maybe_unused]] const typename Design::page_section beside_others{state_, guard};
    const bool takes_pages =
        !work.unmapped.is_empty() || !work.replaced.is_empty() || !work.moved_from.is_empty();
    if (takes_pages && !outdated.empty()) Design::quiesce(state_, cpu.count);
    {
      zapping replaced{*this, cpu, work.replaced, translations::go};
      clear_rest(replaced, work.replaced);
    }
    if (!work.moved_from.is_empty()) move_pages(cpu, work.moved_from, work.moved_to);
    if (!is_mutated(mutation::unmap_without_zap)) clear_rest(unmapped, work.unmapped);
    // Beside them; tables go when they are out again, with a shootdown of their own.
    if (Design::page_section::lets_writers_in) unmapped.finish();
    reprotect_pages(cpu, planned, work.reprotected);
    for (vm::vma* each : building) each->set_live();
  }
  if (!is_mutated(mutation::unmap_without_zap)) unlink_tables(cpu, guard, work.unmapped, unmapped, retired);
  unmapped.finish();
  Design::conclude(state_, retired, std::span<const range>{dead}, machine_.limbo());
  old_.append(std::move(retired));
  return {};
}

}  // namespace rcuvm
