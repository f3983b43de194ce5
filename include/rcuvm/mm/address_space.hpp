// SPDX-License-Identifier: Apache-2.0
#pragma once

/// An address space under a locking design.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "rcuvm/base/error.hpp"
#include "rcuvm/base/range.hpp"
#include "rcuvm/maple_tree.hpp"
#include "rcuvm/mm/limits.hpp"
#include "rcuvm/mm/lineage.hpp"
#include "rcuvm/mm/plan.hpp"
#include "rcuvm/mm/request.hpp"
#include "rcuvm/reclaim/retire.hpp"
#include "rcuvm/vm/lazy_zaps.hpp"
#include "rcuvm/vm/machine.hpp"
#include "rcuvm/vm/open_zaps.hpp"
#include "rcuvm/vm/page_table.hpp"
#include "rcuvm/vm/vma.hpp"

namespace rcuvm {

/// The mappings and page tables of one process, and the calls that change them.
///
/// Every call that changes the address space takes the same way; `Design` says how its readers are kept out or outdated:
///
///   lock ── plan ── publish ── kill ── quiesce ── page tables ── shoot down ── live ── unlock ── dispose
///             │        │         │        │           │              │          │                   │
///             │        │         │        │           │              │          │      old nodes, VMAs, tables: freed
///             │        │         │        │           │              │          │      now or after a grace period
///             │        │         │        │           │              │          new VMAs may be faulted from here on
///             │        │         │        │           │              no cpu uses an old translation any more
///             │        │         │        │           clear, change or move PTEs; unlink empty tables
///             │        │         │        `sync` waits for readers here
///             │        │         outdated records are dead: a fault that holds one backs out under the table lock
///             │        one release store: readers see the old version or the new one, whole
///             values only; an error up to here leaves everything as it was
///
/// Threads    any number, each with its own vm::cpu, registered with RCU. Faults and walks run beside everything; calls
///            that change the address space run one at a time, or as the design says.
/// Errors     the kernel's errno values; ENOMEM leaves the address space as it was before the call.
/// Kernel     struct mm_struct. Design: a type of floor 6, see include/rcuvm/designs/designs.hpp.
template <class Design>
class address_space {
 public:
  using design = Design;
  using read_guard = typename Design::read_guard;
  using fault_guard = typename Design::fault_guard;
  using write_guard = typename Design::write_guard;
  using tree = maple_tree<vm::vma>;
  using view = typename tree::view;

  explicit address_space(vm::machine& on, mm::layout where = {});
  ~address_space();
  address_space(const address_space&) = delete;
  address_space& operator=(const address_space&) = delete;

  [[nodiscard]] result<address> map(vm::cpu& cpu, const mm::map_request& wanted);
  /// EINVAL: not page-aligned, empty, or beyond the end of the address space.
  [[nodiscard]] result<void> unmap(vm::cpu& cpu, range where);
  [[nodiscard]] result<void> protect(vm::cpu& cpu, range where, vm::protection to);
  [[nodiscard]] result<address> remap(vm::cpu& cpu, const mm::remap_request& wanted);
  /// The new break, or the old one when `wanted` cannot be had, as the system call does.
  address brk(vm::cpu& cpu, address wanted);
  /// `advice` is a MADV_ value of the kernel. `sharers`, for MADV_REMOVE: all that may map the files, this one among them; none: this
  /// one alone.
  [[nodiscard]] result<void> advise(vm::cpu& cpu, range where, int advice,
                                    std::span<address_space* const> sharers = {});
  [[nodiscard]] result<void> name(vm::cpu& cpu, range where, std::optional<std::string_view> as);
  /// `flags` are MS_ values of the kernel.
  [[nodiscard]] result<void> write_back(range where, int flags);
  [[nodiscard]] result<mm::vector<bool>> resident(range where);
  /// Does a guard stand at `at`?
  [[nodiscard]] bool is_guarded(address at);
  /// Kernel: smaps.
  [[nodiscard]] mm::page_counts count_pages(range where);
  [[nodiscard]] result<void> lock(vm::cpu& cpu, range where, bool is_on_fault = false);
  [[nodiscard]] result<void> unlock(vm::cpu& cpu, range where);
  /// `flags` are MCL_ values of the kernel; none: munlockall.
  [[nodiscard]] result<void> lock_all(vm::cpu& cpu, int flags);
  [[nodiscard]] result<mm::fault_outcome> fault(vm::cpu& cpu, address at, vm::access wanted);
  /// Copies bytes out of or into the address space, faulting pages in. EFAULT, EACCES: as the fault says.
  [[nodiscard]] result<void> read(vm::cpu& cpu, address from, std::span<std::byte> into);
  [[nodiscard]] result<void> write(vm::cpu& cpu, address to, std::span<const std::byte> from);
  /// As read(), of instructions.
  [[nodiscard]] result<void> fetch(vm::cpu& cpu, address from, std::span<std::byte> into);
  /// A reference to the frame of the page at `at`, which is faulted in first if it is not there: it stays what it is until unpin(),
  /// mapped or not; a write after a fork may go to a copy. EFAULT, EACCES, ENOMEM: as the fault says. Kernel: get_user_pages.
  [[nodiscard]] result<vm::frame_number> pin(vm::cpu& cpu, address at, vm::access wanted);
  /// The same for a page that is there already, without any lock; no_frame: it is not. Kernel: get_user_pages_fast.
  [[nodiscard]] vm::frame_number pin_fast(vm::cpu& cpu, address at, vm::access wanted) noexcept;
  void unpin(vm::cpu& cpu, vm::frame_number pinned) noexcept { machine_.frames().put(pinned, cpu.stock); }
  /// The part that each address space has in a truncation or in the punching of a hole: see mm/truncate.hpp.
  void unmap_file_pages(vm::cpu& cpu, vm::file& of, range pages, mm::copies then);
  /// A copy with its own pages (copy-on-write). Null without memory. Cost: each page table and each present page; and each VMA, if
  /// the design keeps something in it, or some are locked or told to do something else at fork.
  [[nodiscard]] std::unique_ptr<address_space> fork(vm::cpu& cpu);
  /// Unmaps everything. Nobody else may be in the address space.
  void exit(vm::cpu& cpu);

  /// Calls f(vma) for each mapping of one version, upwards, holding nothing but a pinned snapshot (G6).
  template <class F>
  void walk_snapshot(F f);
  /// As the kernel's seq_file: up to `lines` mappings under the read guard, then let go, then look up where the last
  /// one ended (G1, G3).
  template <class F>
  void walk_chunked(std::size_t lines, F f);

  /// The values of a mapping that a walk shows as they are here: after a fork the record may be the parent's, too.
  [[nodiscard]] vm::vma_fields fields_of(const vm::vma& shown) const { return lineage_.fields_of(shown); }

  /// exec: the first break, and the addresses of the main thread's stack.
  void set_break(address start) noexcept { break_start_ = break_ = start; }
  void set_stack(range where) noexcept { stack_ = where; }
  [[nodiscard]] range heap() const noexcept { return {break_start_, break_}; }
  [[nodiscard]] range stack() const noexcept { return stack_; }

  /// setrlimit and vm.max_map_count. Only while nobody changes anything; what is over a limit already, stays.
  void set_limits(const mm::limits& to) noexcept { limits_ = to; }
  [[nodiscard]] const mm::limits& limits() const noexcept { return limits_; }
  /// What counts against them now. Only while nobody changes anything.
  [[nodiscard]] const mm::usage& usage() const noexcept { return usage_; }
  [[nodiscard]] const mm::layout& layout() const noexcept { return layout_; }

  /// Pages of page tables now. Only while nobody changes anything.
  [[nodiscard]] std::uint64_t count_tables() const noexcept { return pages_.count_tables(); }
  /// Is the tree sound, and does every entry have its record's range? For tests.
  [[nodiscard]] bool verify();

 private:
  template <class Other>
  friend class address_space;

  /// What the page tables need after a version is published.
  struct page_work {
    range unmapped = {};     ///< zap all that was mapped there, and unlink what becomes empty
    range replaced = {};     ///< zap all that was mapped there: other mappings have taken its place
    range reprotected = {};  ///< give present pages their VMA's protection of now
    range moved_from = {};   ///< take pages from there ...
    address moved_to = 0;    ///< ... and put them here, in order; the tables are prepared
    range fresh = {};        ///< records put here are building until the page work is over
    range emptied = {};      ///< the same for a record whose pages have all been moved away

    /// All pages that it is about, but for where some are moved to.
    [[nodiscard]] range hull() const noexcept {
      range all = unmapped;
      for (const range one : {replaced, reprotected, moved_from, fresh, emptied}) all = hull_of(all, one);
      return all;
    }
  };

  template <class Guard>
  [[nodiscard]] view view_of(const Guard& guard) const {
    return vmas_.read(guard.section());
  }

  /// Of a child: the parent's tree, shared.
  address_space(const address_space& parent, const write_guard& guard);

  /// Asked before anything else of what is found where records may be used again: there are no dead entries there.
  [[nodiscard]] static bool is_dead_entry(const vm::vma& found) noexcept {
    return Design::leaves_tombstones && found.is_tombstone();
  }

  // zap.hpp
  enum class guards : std::uint8_t { stay, go };
  /// Must no cpu use what is zapped once the call returns, or is its program content with later where shootdowns are lazy?
  enum class translations : std::uint8_t { go, may_stay };
  class zapping;
  struct takes_all {
    [[nodiscard]] constexpr bool operator()(vm::pte, address) const noexcept { return true; }
  };
  /// A zapping of its own.
  template <class IsValid, class Takes = takes_all>
  [[nodiscard]] bool zap_while(vm::cpu& cpu, range where, guards then, translations old, IsValid is_valid,
                               Takes takes = {});
  void shoot_down(vm::cpu& cpu) noexcept;
  void free_swept(vm::cpu& cpu, std::uint64_t sweep) noexcept;
  /// Might a cpu have a translation of what was in `where` before, though the calls that took it away have returned?
  [[nodiscard]] bool has_old_translations(range where) noexcept {
    return is_lazy_ && open_zaps_.any_in(where);
  }

  // change.hpp
  [[nodiscard]] vm::record_source source() const noexcept {
    if constexpr (Design::reuses_records) {
      return {.cache = &machine_.records(), .mark = Design::owner(state_)};
    } else {
      return {.cache = nullptr, .mark = lineage_.last_fork()};
    }
  }
  [[nodiscard]] result<void> apply(vm::cpu& cpu, write_guard& guard, const mm::plan& planned,
                                   const page_work& work);
  void reprotect_pages(vm::cpu& cpu, const mm::plan& planned, range where);
  void move_pages(vm::cpu& cpu, range from, address to);
  [[nodiscard]] bool prepare_tables(vm::cpu& cpu, range from, address to);
  template <class F>
  auto change_locked(vm::cpu& cpu, F f) -> std::invoke_result_t<F, write_guard&>;
  template <class F>
  auto change_once(vm::cpu& cpu, F f) -> std::invoke_result_t<F, write_guard&>;
  /// How many mappings more there may be before none is cut any more.
  [[nodiscard]] std::int64_t free_mappings() const noexcept {
    return static_cast<std::int64_t>(limits_.mappings) - usage_.mappings;
  }
  [[nodiscard]] bool is_valid(range where) const noexcept {
    return is_page_aligned(where.start) && !where.is_empty() && where.end <= layout_.end;
  }

  // map.hpp
  [[nodiscard]] result<void> make_room(vm::cpu& cpu, write_guard& guard, range where);
  [[nodiscard]] result<void> make_room_once(vm::cpu& cpu, write_guard& guard, range where);
  [[nodiscard]] result<void> check_room(vm::cpu& cpu, write_guard& guard, range where, vm::vma_flags kind);
  [[nodiscard]] bool is_free(const view& now, range where) const;
  [[nodiscard]] static std::optional<typename tree::entry> mapping_above(const view& now, address at);
  [[nodiscard]] static std::optional<typename tree::entry> mapping_below(const view& now, address at);
  enum class at_hole : std::uint8_t { goes_on, stops };
  template <class Refusal, class F>
  [[nodiscard]] result<void> change_fields(vm::cpu& cpu, write_guard& guard, range where, Refusal refusal,
                                           F change, at_hole then);
  template <class F>
  [[nodiscard]] result<void> change_flags(vm::cpu& cpu, write_guard& guard, range where, F flags_of,
                                          at_hole then);
  result<void> populate(vm::cpu& cpu, range where);
  [[nodiscard]] result<void> prefault(vm::cpu& cpu, range where, vm::access wanted);
  [[nodiscard]] bool is_locked(address at);

  // unmap.hpp
  [[nodiscard]] result<void> unmap_locked(vm::cpu& cpu, write_guard& guard, range where);
  void unlink_tables(vm::cpu& cpu, write_guard& guard, range where, zapping& zapped,
                     reclaim::retire_list& old);

  // walk.hpp
  [[nodiscard]] bool keep_line(fault_guard& guard, const typename tree::entry& found) const noexcept;

  // place.hpp
  [[nodiscard]] result<address> find_area(const view& now, address hint, std::uint64_t length,
                                          bool may_be_huge) const;
  [[nodiscard]] result<address> find_gap(const view& now, std::uint64_t length) const;
  [[nodiscard]] bool is_in_guard_gap(const view& now, range candidate) const;

  // guard.hpp
  [[nodiscard]] result<void> guard(vm::cpu& cpu, range where);
  [[nodiscard]] result<void> install_guards(vm::cpu& cpu, range where);
  template <class IsValid>
  [[nodiscard]] bool remove_guards_while(range where, IsValid is_valid);

  // advise.hpp
  [[nodiscard]] result<void> advise_pages(vm::cpu& cpu, range where, int advice);
  template <class IsValid>
  [[nodiscard]] bool take_away(vm::cpu& cpu, range where, int advice, IsValid is_valid);

  // punch_hole.hpp
  [[nodiscard]] result<void> remove_pages(vm::cpu& cpu, range where, std::span<address_space* const> sharers);

  // fault.hpp
  /// One attempt of a fault, or of a call that finds and re-checks a mapping as faults do.
  class attempt {
    address_space& of_;
    vm::cpu& by_;

    [[nodiscard]] bool must_wait(const vm::vma& found) const noexcept {
      return found.state() == vm::life::building || of_.lineage_.must_wait(found);
    }

   public:
    attempt(address_space& of, vm::cpu& by, bool takes_lock) noexcept
        : of_{of}, by_{by}, guard{of.state_, takes_lock} {}
    ~attempt() {
      guard.leave([&](range left) { zapping{of_, by_, left, translations::go}.clear(left); });
    }
    attempt(const attempt&) = delete;
    attempt& operator=(const attempt&) = delete;

    /// May the attempt go on with what it has found in `where`? Where records are used again nothing of it may be read before.
    [[nodiscard]] mm::kept keep(vm::vma& found, [[maybe_unused]] range where) noexcept {
      if constexpr (Design::reuses_records) {
        if (const auto refused = guard.keep(found); refused != mm::kept::yes) return refused;
        if (!found.where().contains(where) && !is_mutated(mutation::keep_anywhere)) return mm::kept::again;
        return must_wait(found) ? mm::kept::lock : mm::kept::yes;
      } else {
        return must_wait(found) ? mm::kept::lock : guard.keep(found);
      }
    }
    /// Calls f() while the neighbours of what is kept may be read, too. False: not now, take the lock.
    template <class F>
    [[nodiscard]] bool beside_no_writer(F f) noexcept {
      if constexpr (Design::reuses_records) return guard.beside_no_writer(f);
      f();
      return true;
    }
    /// Asked under the page table's lock: what the fault does there is right. No: look up again.
    [[nodiscard]] bool is_valid(const vm::vma& found) const noexcept {
      return guard.is_valid(found, [&] { return of_.is_current(found, guard); });
    }

    fault_guard guard;
  };
  /// Is it in the tree, for all that its life word does not tell because it may be another address space's, too?
  [[nodiscard]] bool is_current(const vm::vma& found, const fault_guard& guard) const noexcept {
    return lineage_.is_own(found) ||
           (!lineage_.must_wait(found) && view_of(guard).find(found.where().start) == &found) ||
           is_mutated(mutation::take_shared_for_own);
  }
  struct fault_site;
  [[nodiscard]] result<void> read_in(vm::cpu& cpu, vm::file& of, std::uint64_t page, address at);
  [[nodiscard]] result<mm::fault_outcome> install(vm::cpu& cpu, const fault_site& site, const attempt& one);
  void name_anon(const view& now, vm::vma& of);
  [[nodiscard]] result<void> make_own(vm::cpu& cpu, write_guard& guard, address at);
  [[nodiscard]] result<void> name_shared(vm::cpu& cpu, address at);
  [[nodiscard]] bool grow_stack(vm::cpu& cpu, address at);

  // fault_around.hpp
  void map_around(vm::cpu& cpu, const fault_site& site, vm::table& table, const attempt& one);

  // fork.hpp
  [[nodiscard]] result<void> inherit(const view& parents);
  [[nodiscard]] result<void> copy_pages_to(address_space& child, vm::cpu& cpu, const view& now);

  // resident.hpp
  [[nodiscard]] std::uint64_t share_of(vm::frame_number frame, bool is_files) const;

  // lock.hpp
  [[nodiscard]] result<void> check_lock(const view& now, range where) const;

  // remap.hpp
  [[nodiscard]] result<void> check_growth(const vm::vma& old, const mm::remap_request& asked) const;
  [[nodiscard]] result<void> check_move(const mm::remap_request& asked, range target, const view& now,
                                        const vm::vma& old) const;
  [[nodiscard]] result<address> move_each(vm::cpu& cpu, write_guard& guard, const mm::remap_request& wanted);
  [[nodiscard]] result<address> remap_one(vm::cpu& cpu, write_guard& guard, const mm::remap_request& asked);
  [[nodiscard]] bool can_grow(const view& now, const vm::vma& old, const mm::remap_request& wanted) const;
  [[nodiscard]] result<address> place_for(const view& now, const mm::remap_request& wanted,
                                          const vm::vma_fields& old) const;
  [[nodiscard]] result<address> grow_in_place(vm::cpu& cpu, write_guard& guard, const vm::vma& old,
                                              const mm::remap_request& wanted);
  [[nodiscard]] result<address> move(vm::cpu& cpu, write_guard& guard, vm::vma& old,
                                     const mm::remap_request& wanted, range target);

  // access.hpp
  [[nodiscard]] result<void> read_as(vm::cpu& cpu, address from, std::span<std::byte> into,
                                     vm::access wanted);
  template <class Copy>
  [[nodiscard]] result<void> access_bytes(vm::cpu& cpu, address at, std::size_t count, vm::access wanted,
                                          Copy copy);

  // What faults read and hardly anybody writes.
  vm::machine& machine_;
  const bool is_lazy_;       ///< guard: immutable; as the machine says
  const mm::layout layout_;  ///< guard: immutable
  const std::uint32_t id_;   ///< guard: immutable; tells address spaces apart in TLBs
  mm::lineage lineage_;      ///< guard: as lineage says
  vm::page_table pages_;     ///< guard: as page_table says
  // What faults read and each change writes: a line of its own.
  tree vmas_;  ///< guard: writer; readers as the design says
  // What changes write, and most faults do not touch: a line that is the writers'.
  alignas(64) mutable typename Design::state state_;  ///< the design's locks
  vm::cpu_set cpus_;                                  ///< guard: atomic
  vm::open_zaps open_zaps_;                           ///< guard: atomic
  vm::lazy_zaps lazy_zaps_;                           ///< guard: atomic
  reclaim::retire_list old_;                          ///< guard: writer; what its change has unlinked
  range loose_tables_;             ///< guard: writer; where empty ones may stand that went with no munmap
  address break_start_ = 0;        ///< guard: writer
  address break_ = 0;              ///< guard: writer
  range stack_;                    ///< guard: writer
  mm::limits limits_;              ///< guard: writer
  mm::usage usage_;                ///< guard: writer
  vm::vma_flags locked_from_now_;  ///< guard: writer; mlockall: what new mappings get
};

}  // namespace rcuvm

#include "rcuvm/mm/access.hpp"        // IWYU pragma: export
#include "rcuvm/mm/advise.hpp"        // IWYU pragma: export
#include "rcuvm/mm/brk.hpp"           // IWYU pragma: export
#include "rcuvm/mm/change.hpp"        // IWYU pragma: export
#include "rcuvm/mm/fault.hpp"         // IWYU pragma: export
#include "rcuvm/mm/fault_around.hpp"  // IWYU pragma: export
#include "rcuvm/mm/fork.hpp"          // IWYU pragma: export
#include "rcuvm/mm/guard.hpp"         // IWYU pragma: export
#include "rcuvm/mm/lock.hpp"          // IWYU pragma: export
#include "rcuvm/mm/map.hpp"           // IWYU pragma: export
#include "rcuvm/mm/move_pages.hpp"    // IWYU pragma: export
#include "rcuvm/mm/name.hpp"          // IWYU pragma: export
#include "rcuvm/mm/place.hpp"         // IWYU pragma: export
#include "rcuvm/mm/protect.hpp"       // IWYU pragma: export
#include "rcuvm/mm/punch_hole.hpp"    // IWYU pragma: export
#include "rcuvm/mm/remap.hpp"         // IWYU pragma: export
#include "rcuvm/mm/resident.hpp"      // IWYU pragma: export
#include "rcuvm/mm/truncate.hpp"      // IWYU pragma: export
#include "rcuvm/mm/unmap.hpp"         // IWYU pragma: export
#include "rcuvm/mm/walk.hpp"          // IWYU pragma: export
#include "rcuvm/mm/write_back.hpp"    // IWYU pragma: export
#include "rcuvm/mm/zap.hpp"           // IWYU pragma: export
