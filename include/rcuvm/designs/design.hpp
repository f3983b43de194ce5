// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a design is made of, and what most of them have in common.

#include <cstddef>
#include <span>
#include <utility>

#include "rcuvm/base/range.hpp"
#include "rcuvm/maple_tree.hpp"
#include "rcuvm/mm/request.hpp"
#include "rcuvm/reclaim/limbo.hpp"
#include "rcuvm/vm/counters.hpp"
#include "rcuvm/vm/vma.hpp"

namespace rcuvm::designs {

/// A design has these types:
///
///   state          the locks, one for each address space; made of the machine that it is on
///   read_guard     section(): one version of the tree cannot go away, nor do its records become others
///   write_guard    section(): the one writer
///   steady_guard   section(); the mappings do not change, faults go on (what a file loses)
///   fault_guard    of one attempt of a fault, or of advice about pages; of a chunk of a walk:
///     fault_guard(state&, bool takes_lock)   takes_lock: the attempt has to come through; only where falls_back is true
///     section()                              as a read_guard has it; but what is found may not be read before keep(), where
///                                            records are used again
///     mm::kept keep(vm::vma&)                asked of the VMA found, before anything is done with it
///     bool beside_no_writer(f)               only where records are used again: calls f() while others than the kept one may be
///                                            read, too; false: not now, take the lock
///     bool is_valid(const vm::vma&, is_current)  asked under the page table's lock; no: look up again. is_current(): is it in the
///                                            tree, if its life word does not tell because another address space has it, too?
///     void leave(zap)                        at the attempt's end, inside its section; may have zap(pages) take pages away
///
/// and what stands here, as far as it is otherwise.
struct common {
  /// Does it keep F1 to F3? One that does not is here to show why.
  static constexpr bool is_sound = true;
  /// Is there a lock for faults that cannot go on without? It shuts out writers.
  static constexpr bool falls_back = false;
  /// Attempts of a fault before it takes that lock.
  static constexpr unsigned attempts_until_lock = 1;
  /// Does a fault let go of everything while a file reads a page, unless the file has only fault_locked()?
  static constexpr bool drops_for_files = true;
  /// May fork leave a record to two address spaces? Not if the design keeps something of one in it.
  static constexpr bool shares_records = true;
  /// Is a record another mapping's as soon as it is outdated? Then attach() and detach() say when it may be had.
  static constexpr bool reuses_records = false;
  /// Does munmap leave a dead entry in the tree?
  static constexpr bool leaves_tombstones = false;
  /// Does the last reference to a VMA take its pages away, instead of the writer? Then there is let_go_of().
  static constexpr bool last_reference_unmaps = false;

  /// A writer is inside. May do what was left to do.
  template <class State, class Guard>
  static void begin_change(State&, maple_tree<vm::vma>&, Guard&, reclaim::limbo&) noexcept {}
  /// Waits until `where` may be used. True: it has waited, without the writer lock; look up again.
  template <class State, class Guard>
  static bool wait_until_free(State&, maple_tree<vm::vma>&, Guard&, reclaim::limbo&, range,
                              vm::counters&) noexcept {
    return false;
  }
  /// May there be dead entries in the tree?
  template <class State>
  [[nodiscard]] static bool may_have_dead(const State&) noexcept {
    return false;
  }
  /// Replay: what a search for a place has left out is used all the same.
  template <class State>
  static void take_over(State&, range) noexcept {}
  /// A call that publishes more than once: writers at their page work end before this returns.
  template <class State, class Guard>
  static void exclude_writers(State&, Guard&) noexcept {}
  /// A writer is about to publish: `changed` holds all that it changes, `pages` those that it will be at. False: another one is at
  /// work there.
  template <class State, class Guard>
  static bool claim(State&, Guard&, [[maybe_unused]] range changed, [[maybe_unused]] range pages) noexcept {
    return true;
  }
  /// True: another one was, and has been waited for without the writer lock; look up again.
  template <class State, class Guard>
  static bool wait_for_writers(State&, Guard&, vm::counters&) noexcept {
    return false;
  }
  /// While the writer is at its page work.
  struct page_section {
    static constexpr bool lets_writers_in = false;  ///< others are beside it
    template <class State, class Guard>
    page_section(State&, Guard&) noexcept {}
  };
  /// A writer is about to change the mapping, or to make faults wait: those under way end before this returns, or find out
  /// under the page table's lock. More than once: as once.
  template <class State>
  static void exclude(State&, vm::vma&, vm::counters&) noexcept {}
  /// Faults may have it again: it has not been changed.
  template <class State>
  static void admit(State&, vm::vma&) noexcept {}
  /// It was published.
  template <class State>
  static void attach(State&, vm::vma&) noexcept {}
  /// It is in no version any more that a reader may find, and was excluded.
  template <class State>
  static void detach(State&, vm::vma&) noexcept {}
  /// A version was published; pages are about to go.
  template <class State>
  static void quiesce(State&, vm::counters&) noexcept {}
  /// Room for what the change will note, so that nothing can fail after it is published. Throws std::bad_alloc.
  template <class State>
  static void reserve(State&, [[maybe_unused]] std::size_t dead, [[maybe_unused]] std::size_t outdated) {}
  /// May the tables in `hole` go, where nothing is mapped? No: somebody is still at their pages.
  template <class State, class Guard>
  static bool may_unlink_tables(State&, Guard&, range) noexcept {
    return true;
  }
  /// Under the writer lock for the last time: `dead` has become free. May dispose of `old` already.
  template <class State>
  static void conclude(State&, [[maybe_unused]] reclaim::retire_list& old, std::span<const range>,
                       reclaim::limbo&) noexcept {}
  /// `old` is out of reach for new readers. Without any lock: other writers need not wait for this.
  static void dispose(reclaim::retire_list&& old, reclaim::limbo& limbo) noexcept {
    limbo.retire(std::move(old));
  }
  /// The address space ends.
  template <class State>
  static void drain(State&, reclaim::limbo&) noexcept {}
};

}  // namespace rcuvm::designs
