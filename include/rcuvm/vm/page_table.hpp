// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Page tables of four levels.

#include <array>
#include <cstdint>
#include <expected>

#include "rcuvm/base/address.hpp"
#include "rcuvm/base/mutation.hpp"
#include "rcuvm/base/range.hpp"
#include "rcuvm/reclaim/retire.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/checked.hpp"
#include "rcuvm/sync/memory.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/vm/counters.hpp"
#include "rcuvm/vm/entry_set.hpp"
#include "rcuvm/vm/pte.hpp"

namespace rcuvm::vm {

/// One table: 512 entries in a real 4 KiB page, and its lock. Kernel: a page-table page and its ptlock.
///
///   linked --unlink--> stray, empty --grace period or exclusion--> kept as it is --> linked, somewhere
///
/// Protects   its entries: they are stored under lock, and loaded under it or, by a walker, without.
/// Ordering   table.E1-table.E2: who finds a table through its parent's entry sees it initialised.
struct table {
  static constexpr unsigned entry_bits = sync::checked::sized(9U, 3U);
  static constexpr unsigned entry_count = 1U << entry_bits;

  /// Bytes that one entry of a table of `level` covers; level 0 holds PTEs.
  [[nodiscard]] static constexpr std::uint64_t entry_span(unsigned level) noexcept {
    return page_size << (entry_bits * level);
  }
  [[nodiscard]] static constexpr unsigned index_of(address at, unsigned level) noexcept {
    return static_cast<unsigned>((at >> (page_shift + entry_bits * level)) % entry_count);
  }

  /// An empty one, or null. Most have been tables before, and were empty when they went: nothing has to be cleared.
  [[nodiscard]] static table* make() noexcept;
  /// One without entries, which nobody can find any more.
  static void give_back(table* empty) noexcept;

  [[nodiscard]] pte entry(unsigned index) const noexcept {
    return pte{entries[index].load_acquire()};  // table.E2 <- table.E1
  }
  void set_entry(unsigned index, pte to) noexcept { set_word(index, to.word()); }
  [[nodiscard]] table* child(unsigned index) const noexcept {
    // An entry of an inner table is the child's address: tables are real memory of this process.
    return reinterpret_cast<table*>(entries[index].load_acquire());  // table.E2 <- table.E1
  }
  /// Empties those of [first, end) that are not empty and for which goes(index). Under the lock.
  template <class Goes>
  void clear_if(unsigned first, unsigned end, Goes goes) {
    filled.erase_if(first, end, [&](unsigned index) {
      if (!goes(index)) return false;
      entries[index].store_release(0);  // table.E1 -> table.E2
      return true;
    });
  }
  void set_child(unsigned index, table* to) noexcept { set_word(index, reinterpret_cast<std::uint64_t>(to)); }

  alignas(64) std::array<sync::atomic<std::uint64_t>, entry_count> entries{};  ///< guard: lock to store
  sync::mutex lock;
  sync::atomic<bool> is_stray{
      false};  ///< guard: stored by the writer; cut off from the tree of tables, never used again
  entry_set<entry_count> filled;  ///< guard: lock; the entries that are not empty

  /// A copy of `filled`. Takes the lock.
  [[nodiscard]] entry_set<entry_count> filled_now() noexcept {
    const sync::mutex_guard held{lock};
    return filled;
  }

 private:
  void set_word(unsigned index, std::uint64_t to) noexcept {
    if (to == 0) {
      filled.erase(index);
    } else {
      filled.insert(index);
    }
    entries[index].store_release(to);  // table.E1 -> table.E2
  }
};

/// The tables of an address space.
///
/// Protects   PTEs, each by its table's lock.
/// Writers    faults install: any number at a time. Zap, move and unlink: the address space's one writer.
/// Readers    find_leaf() walks without locks; a table that it meets may be unlinked meanwhile: the caller locks it
///            and asks whether its VMA is live. Tables are freed by the design: after a grace period, or when no walker can exist.
/// Progress   find_leaf: wait-free. make_leaf: locks a parent only where a table is missing.
/// Kernel     mm->pgd, pte_offset_map_lock, free_pgtables.
class page_table {
 public:
  static constexpr unsigned levels = 4;
  static constexpr range addressable = {0, table::entry_span(levels)};  ///< 256 TiB

  enum class failure : std::uint8_t { no_memory, gone };

  page_table() = default;
  ~page_table() { free_subtree(root_.load_relaxed(), levels - 1); }
  page_table(const page_table&) = delete;
  page_table& operator=(const page_table&) = delete;

  /// The table that holds the PTE of `at`, or null.
  [[nodiscard]] table* find_leaf(address at) const noexcept {
    table* here = root_.load_acquire();  // table.R2 <- table.R1
    for (unsigned level = levels - 1; level > 0 && here != nullptr; --level) {
      here = here->child(table::index_of(at, level));
    }
    return here;
  }

  /// The PTE of `at` now; empty where there is no table.
  [[nodiscard]] pte entry(address at) const noexcept {
    const table* leaf = find_leaf(at);
    return leaf == nullptr ? pte{} : leaf->entry(table::index_of(at, 0));
  }

  /// As find_leaf, but makes what is missing. `may_link()` is asked under each parent's lock: false when the mapping is
  /// gone, so that no table is made for it. gone: look up again.
  template <class MayLink>
  [[nodiscard]] std::expected<table*, failure> make_leaf(address at, MayLink may_link,
                                                         counters& count) noexcept {
    table* here = root_.load_acquire();  // table.R2 <- table.R1
    if (here == nullptr) here = make_root(count);
    for (unsigned level = levels - 1; level > 0; --level) {
      if (here == nullptr) return std::unexpected{failure::no_memory};
      table* below = here->child(table::index_of(at, level));
      if (below == nullptr) {
        auto made = link_new(*here, table::index_of(at, level), may_link, count);
        if (!made) return made;
        below = *made;
      }
      here = below;
    }
    return here;
  }

  /// Calls f(table, first index, end index, address of the first) for each leaf that exists in `where`, upwards, to change what is in
  /// it under its lock. By the writer; or in a read section: then tables may be unlinked meanwhile, and f asks under the table's
  /// lock whether its VMA is still there. Tables may be added meanwhile, but none for a VMA that the caller has killed before.
  template <class F>
  void for_each_leaf(range where, F f) {
    table* root = root_.load_acquire();  // table.R2 <- table.R1
    if (root == nullptr) {
      // A read-modify-write: a fault that makes the first root later reads it, and so sees what the caller has killed. Where there is
      // a root, it would take the line from all who fault.
      if (root_.cas_acq_rel(root, nullptr)) return;  // table.R1 -> table.R2; table.R2 <- table.R1
    }
    visit<visitor::changes>(*root, levels - 1, 0, where, f);
  }
  /// The same to look at entries, each for itself: takes no lock, stores nothing. In a read section, or by the writer.
  template <class F>
  void look_at_leaves(range where, F f) const {
    table* root = root_.load_acquire();  // table.R2 <- table.R1
    if (root != nullptr) visit<visitor::looks>(*root, levels - 1, 0, where, f);
  }

  /// Cuts off each table that covers something of `where` and lies wholly in `hole`, and adds it to `into`. Writer only, after the
  /// PTEs are cleared and the VMAs killed: a fault that holds such a table finds its VMA dead. True when there was one.
  /// Cost: as `where` is long, not as `hole` is. Kernel: free_pgtables with its floor and ceiling.
  bool unlink(range where, range hole, reclaim::retire_list& into, counters& count) noexcept;

  /// Tables now, for tests and smaps. Writer only.
  [[nodiscard]] std::uint64_t count_tables() const noexcept;

 private:
  enum class visitor : std::uint8_t { changes, looks };
  template <visitor Which, class F>
  static void visit(table& here, unsigned level, address base, range where, F& f) {
    const std::uint64_t span = table::entry_span(level);
    const range mine = where.intersection({base, base + span * table::entry_count});
    if (mine.is_empty()) return;
    const auto first = static_cast<unsigned>((mine.start - base) / span);
    const auto end = static_cast<unsigned>((mine.end - base + span - 1) / span);
    if (level == 0) {
      f(here, first, end, base + first * span);
      return;
    }
    const auto visit_below = [&](unsigned index) {
      if (table* below = here.child(index)) visit<Which>(*below, level - 1, base + index * span, where, f);
    };
    if (Which == visitor::changes && (end - first > 1 || here.child(first) == nullptr)) {
      // A fault that has linked a table before is in the set; one that comes later sees, under the lock, the VMAs that the caller has
      // killed before. Without the lock each could miss the other's store.
      here.filled_now().for_each(first, end, visit_below);
    } else {
      for (unsigned index = first; index < end; ++index) visit_below(index);
    }
  }

  template <class MayLink>
  [[nodiscard]] static std::expected<table*, failure> link_new(table& parent, unsigned index,
                                                               MayLink& may_link, counters& count) noexcept {
    table* made = table::make();
    if (made == nullptr) return std::unexpected{failure::no_memory};
    std::expected<table*, failure> outcome = made;
    {
      sync::mutex_guard held{parent.lock};
      if (!may_link()) {
        outcome = std::unexpected{failure::gone};
      } else if (table* other = parent.child(index)) {
        outcome = other;
      } else {
        parent.set_child(index, made);
        ++count.tables_made;
        return made;
      }
    }
    table::give_back(made);
    return outcome;
  }

  [[nodiscard]] table* make_root(counters& count) noexcept;
  static void free_subtree(table* here, unsigned level) noexcept;
  static void retire_subtree(table* here, unsigned level, reclaim::retire_list& into,
                             counters& count) noexcept;
  static bool unlink_in(table& here, unsigned level, address base, range where, range hole,
                        reclaim::retire_list& into, counters& count) noexcept;

  sync::atomic<table*> root_{nullptr};  ///< guard: atomic, set once
};

}  // namespace rcuvm::vm
