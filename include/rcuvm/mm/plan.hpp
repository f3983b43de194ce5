// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A change of an address space on paper, before any of it is published.

#include <algorithm>
#include <cstddef>
#include <vector>

#include "rcuvm/base/range.hpp"
#include "rcuvm/mm/lineage.hpp"
#include "rcuvm/sync/memory.hpp"
#include "rcuvm/vm/vma.hpp"

namespace rcuvm::mm {

template <class T>
using vector = std::vector<T, sync::memory::allocator<T>>;

/// May `left` and `right`, which touch, become one mapping? Kernel: can_vma_merge_left and _right.
[[nodiscard]] bool can_merge(const vm::vma_fields& left, const vm::vma_fields& right) noexcept;

/// May pages of `left` and `right`, which touch, have one identity? Then the two can be merged some day, when nothing but their
/// protection keeps them apart. Kernel: anon_vma_compatible.
[[nodiscard]] bool can_share_identity(const vm::vma_fields& left, const vm::vma_fields& right) noexcept;

/// The mappings around a range, as a list of values that a writer cuts, changes and joins.
///
///   gathered:    AAAA BBBBBBBB CC      pieces after split(3), change, merge:   AAA DDD BBBBBB CC
///
/// Holds the VMAs that overlap or touch the range, so that merging sees both neighbours; tombstones are left out.
/// Everything throws std::bad_alloc and then has changed nothing but this list.
class plan {
 public:
  using tree_view = maple_tree<vm::vma>::view;

  struct piece {
    vm::vma_fields fields;
    bool is_touched = false;          ///< inserted or changed
    bool may_merge = false;           ///< the same since the last merge(): may become one with its neighbours
    bool ends_touched = false;        ///< while merging: so is the last of what it was joined from
    bool is_renewed = false;          ///< gets a record of its own, changed or not
    const vm::vma* origin = nullptr;  ///< the original it is a part of; null when inserted
  };

  plan(const lineage& of, const tree_view& now, range where) : lineage_{&of} { gather(now, where); }
  /// Takes in what overlaps or touches a second range (the target of a move).
  void gather(const tree_view& now, range where);

  [[nodiscard]] const vector<vm::vma*>& originals() const noexcept { return originals_; }
  [[nodiscard]] vector<piece>& pieces() noexcept { return pieces_; }
  [[nodiscard]] const vector<piece>& pieces() const noexcept { return pieces_; }

  /// How far `where` is mapped from its start on without a hole; its start when there is nothing.
  [[nodiscard]] address mapped_until(range where) const noexcept;

  /// The piece that holds `at`, or the first one above it; empty when there is none.
  [[nodiscard]] range mapping_at(address at) const noexcept {
    const auto found = first_beyond(pieces_, at);
    return found == pieces_.end() ? range{} : found->fields.where;
  }

  /// Cuts the piece that holds `at` in two, there. Nothing when `at` is an edge or in a hole.
  void split(address at);
  /// Takes out all that is mapped in `where`, cutting at its edges.
  void erase(range where);
  /// Lets the mapping at `where` begin at `start`, in the hole below it.
  void extend_down(range where, address start);
  /// Puts a new mapping into a hole.
  void insert(vm::vma_fields fields);
  /// Calls f(fields) for each piece wholly inside `where`, after cutting at its edges. f returns whether it changed it.
  template <class F>
  void change(range where, F f) {
    split(where.start);
    split(where.end);
    for (piece& each : pieces_) {
      if (!where.contains(each.fields.where) || !f(each.fields)) continue;
      each.is_touched = each.may_merge = true;
    }
  }
  /// The same and merge(), when only `room` mappings more may come before none is cut any more. Stops at the mapping that
  /// would have to be cut; if it is to be cut at both ends and there is room for one, it is cut at the lower one, as the
  /// kernel leaves it. Returns where it stopped, or the end.
  template <class F>
  address change(range where, F f, std::int64_t room) {
    if (room >= 2) {
      change(where, f);
      merge();
      return where.end;
    }
    for (address at = where.start; at < where.end;) {
      const range part = mapping_at(at).intersection({at, where.end});
      if (part.is_empty()) break;
      const plan before = *this;
      change(part, f);
      merge();
      const std::int64_t cuts = growth() - before.growth();
      if (cuts > 0 && growth() > room) {
        const bool is_cut_below = cuts == 2 && before.growth() < room;
        *this = before;
        if (is_cut_below) split(part.start);
        return part.start;
      }
      at = part.end;
    }
    return where.end;
  }
  /// Lets the mapping that holds `at` have a record that no other address space has. It neither splits nor merges.
  void renew(address at) { first_beyond(pieces_, at)->is_renewed = true; }
  /// Gives the pages of the mapping that holds `at` an identity, unless they have one, as the first private page would.
  void name_anon(address at);
  /// Joins each piece that was inserted or changed since the last time with its neighbours, from low to high addresses,
  /// where the kernel would, but no neighbour with the one behind it; and what was cut in two but not changed.
  void merge();
  /// Flags for each mapping that `where` meets, as a whole. It neither splits nor merges.
  void add_flags(range where, vm::vma_flags added);
  /// What becomes of the mapping that `moved` was taken from when it stays: it is not locked any more, and starts anew when all
  /// its pages have gone. It neither splits nor merges. After merge(). Returns what starts anew.
  /// Kernel: dontunmap_complete.
  range leave_behind(range moved);

 private:
  void add(vm::vma* one);
  /// The piece that holds `at`, or the first one above it.
  template <class Pieces>
  [[nodiscard]] static std::ranges::iterator_t<Pieces> first_beyond(Pieces& pieces, address at) noexcept {
    return std::ranges::partition_point(pieces,
                                        [at](const piece& each) { return each.fields.where.end <= at; });
  }
  /// How many mappings there are more than before.
  [[nodiscard]] std::int64_t growth() const noexcept {
    return static_cast<std::int64_t>(pieces_.size()) - static_cast<std::int64_t>(originals_.size());
  }
  /// Joins neighbours of which are_one(left, right) says that they are one.
  template <class F>
  void join(F are_one);

  const lineage* lineage_;      ///< whose records they are
  vector<vm::vma*> originals_;  ///< as gathered, upwards
  vector<piece> pieces_;        ///< as planned, upwards, no overlap
};

}  // namespace rcuvm::mm
