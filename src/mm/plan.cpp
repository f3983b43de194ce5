// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/mm/plan.hpp"

#include "rcuvm/mm/rules.hpp"

namespace rcuvm::mm {

namespace {

/// One set of anonymous pages can have one identity only, and one that is shared with a parent process stays alone.
bool anon_can_merge(const vm::vma_fields& left, const vm::vma_fields& right) noexcept {
  if (left.anon == right.anon) return true;
  if (left.anon == 0) return !right.has_parents;
  if (right.anon == 0) return !left.has_parents;
  return false;
}

}  // namespace

bool can_merge(const vm::vma_fields& left, const vm::vma_fields& right) noexcept {
  constexpr vm::vma_flags alone{vm::vma_flag::special, vm::vma_flag::tombstone};
  return left.where.end == right.where.start &&
         left.flags.without(vm::sticky_flags) == right.flags.without(vm::sticky_flags) &&
         !left.flags.has_any(alone) && left.backing == right.backing && left.name == right.name &&
         left.page_of(left.where.end) == right.page_offset && anon_can_merge(left, right);
}

bool can_share_identity(const vm::vma_fields& left, const vm::vma_fields& right) noexcept {
  return left.where.end == right.where.start && left.backing == right.backing &&
         left.flags.without(vm::protection_flags).without(vm::sticky_flags) ==
             right.flags.without(vm::protection_flags).without(vm::sticky_flags) &&
         left.page_of(left.where.end) == right.page_offset;
}

void plan::add(vm::vma* one) {
  if (one->is_tombstone()) return;
  const auto place = std::ranges::lower_bound(originals_, one->where().start, {},
                                              [](const vm::vma* each) { return each->where().start; });
  if (place != originals_.end() && *place == one) return;
  const auto index = place - originals_.begin();
  originals_.insert(place, one);
  pieces_.insert(pieces_.begin() + index, {.fields = lineage_->fields_of(*one), .origin = one});
}

void plan::gather(const tree_view& now, range where) {
  if (auto before = now.previous(where.start); before && before->where.end == where.start) add(before->value);
  for (auto one = now.next(where.start); one && one->where.start <= where.end;
       one = now.next(one->where.end)) {
    add(one->value);
  }
}

address plan::mapped_until(range where) const noexcept {
  address reached = where.start;
  for (const piece& each : pieces_) {
    if (each.fields.where.start <= reached) reached = std::max(reached, each.fields.where.end);
  }
  return std::min(reached, where.end);
}

void plan::split(address at) {
  const auto lower = first_beyond(pieces_, at);
  if (lower == pieces_.end() || at <= lower->fields.where.start) return;
  piece upper = *lower;
  upper.fields.page_offset = upper.fields.page_of(at);
  upper.fields.where.start = at;
  lower->fields.where.end = at;
  pieces_.insert(lower + 1, std::move(upper));
}

void plan::erase(range where) {
  split(where.start);
  split(where.end);
  std::erase_if(pieces_, [where](const piece& each) { return where.contains(each.fields.where); });
}

void plan::extend_down(range where, address start) {
  const auto grown = first_beyond(pieces_, where.start);
  grown->fields.page_offset -= (where.start - start) >> page_shift;
  grown->fields.where.start = start;
  grown->is_touched = true;
}

void plan::insert(vm::vma_fields fields) {
  const auto place = first_beyond(pieces_, fields.where.start);
  pieces_.insert(place, {.fields = std::move(fields), .is_touched = true, .may_merge = true});
}

void plan::name_anon(address at) {
  const auto here = first_beyond(pieces_, at);
  vm::vma_fields& fields = here->fields;
  if (fields.anon != 0) return;
  const auto lends = [](const vm::vma_fields& lender) { return lender.anon != 0 && !lender.has_parents; };
  if (const auto after = here + 1;
      after != pieces_.end() && lends(after->fields) && can_share_identity(fields, after->fields)) {
    fields.anon = after->fields.anon;
  } else if (here != pieces_.begin() && lends((here - 1)->fields) &&
             can_share_identity((here - 1)->fields, fields)) {
    fields.anon = (here - 1)->fields.anon;
  } else {
    fields.anon = next_anon_identity();
  }
}

template <class F>
void plan::join(F are_one) {
  if (pieces_.empty()) return;
  std::size_t kept = 0;
  for (std::size_t i = 1; i < pieces_.size(); ++i) {
    piece& left = pieces_[kept];
    piece& right = pieces_[i];
    if (are_one(left, right)) {
      left.fields.where.end = right.fields.where.end;
      if (right.fields.flags.has_any(vm::sticky_flags))
        left.fields.flags = left.fields.flags.with(vm::sticky_flags);
      left.fields.anon |= right.fields.anon;  // equal, or one of them is 0
      left.fields.has_parents |= right.fields.has_parents;
      left.is_touched |= right.is_touched;
      left.may_merge |= right.may_merge;
      left.ends_touched = right.may_merge;
    } else {
      right.ends_touched = right.may_merge;
      if (++kept != i) pieces_[kept] = std::move(right);
    }
  }
  pieces_.erase(pieces_.begin() + static_cast<std::ptrdiff_t>(kept) + 1, pieces_.end());
}

void plan::merge() {
  join([](const piece& left, const piece& right) {
    return left.origin != nullptr && left.origin == right.origin &&
           left.fields.where.end == right.fields.where.start && left.fields.flags == right.fields.flags &&
           left.fields.name == right.fields.name;
  });
  if (!pieces_.empty()) pieces_.front().ends_touched = pieces_.front().may_merge;
  join([](const piece& left, const piece& right) {
    return (left.ends_touched || right.may_merge) && can_merge(left.fields, right.fields);
  });
  for (piece& each : pieces_) each.may_merge = false;
}

void plan::add_flags(range where, vm::vma_flags added) {
  for (piece& each : pieces_) {
    if (!each.fields.where.overlaps(where)) continue;
    each.fields.flags = each.fields.flags.with(added);
    each.is_touched = true;
  }
}

range plan::leave_behind(range moved) {
  const auto source = first_beyond(pieces_, moved.start);
  vm::vma_fields& fields = source->fields;
  fields.flags = fields.flags.without({vm::vma_flag::locked, vm::vma_flag::lock_on_fault});
  source->is_touched = true;
  if (fields.where != moved) return {};
  fields.anon = 0;
  fields.has_parents = false;
  return moved;
}

}  // namespace rcuvm::mm
