// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/vm/page_table.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "rcuvm/base/check.hpp"

namespace rcuvm::vm {

namespace {

[[maybe_unused]] bool is_empty(const table& one) noexcept {
  return one.filled.is_empty() &&
         std::ranges::all_of(one.entries, [](const auto& each) { return each.load_relaxed() == 0; });
}

}  // namespace

table* table::make() noexcept {
  table* made = sync::memory::make_or_reuse<table>();
  if (made != nullptr) made->is_stray.store_relaxed(false);
  return made;
}

void table::give_back(table* empty) noexcept {
  RCUVM_ASSERT(is_empty(*empty), "a page table goes with entries in it");
  sync::memory::keep(empty);
}

table* page_table::make_root(counters& count) noexcept {
  table* made = table::make();
  if (made == nullptr) return nullptr;
  table* none = nullptr;
  if (root_.cas_acq_rel(none, made)) {  // table.R1 -> table.R2
    ++count.tables_made;
    return made;
  }
  table::give_back(made);
  return none;
}

bool page_table::unlink(range where, range hole, reclaim::retire_list& into, counters& count) noexcept {
  table* root = root_.load_acquire();  // table.R2 <- table.R1
  return root != nullptr && unlink_in(*root, levels - 1, 0, where, hole, into, count);
}

bool page_table::unlink_in(table& here, unsigned level, address base, range where, range hole,
                           reclaim::retire_list& into, counters& count) noexcept {
  const std::uint64_t span = table::entry_span(level);
  const range mine = where.intersection({base, base + span * table::entry_count});
  if (level == 0 || mine.is_empty()) return false;
  bool any = false;
  const auto first = static_cast<unsigned>((mine.start - base) / span);
  const auto end = static_cast<unsigned>((mine.end - base + span - 1) / span);
  const auto unlink_below = [&](unsigned index) {
    table* const below = here.child(index);
    if (below == nullptr) return;
    const range covered{base + index * span, base + (index + 1) * span};
    if (!hole.contains(covered)) {
      any |= unlink_in(*below, level - 1, covered.start, where, hole, into, count);
      return;
    }
    {
      const sync::mutex_guard held{here.lock};
      here.set_child(index, nullptr);
    }
    retire_subtree(below, level - 1, into, count);
    any = true;
  };
  if (end - first > 1) {
    here.filled_now().for_each(first, end, unlink_below);
  } else {
    unlink_below(first);
  }
  return any;
}

namespace {

using tables = std::array<table*, table::entry_count>;

/// Takes all tables out of a stray one, to which nobody links any more; how many.
unsigned take_children(table& from, tables& into) noexcept {
  const sync::mutex_guard held{from.lock};
  unsigned found = 0;
  from.clear_if(0, table::entry_count, [&](unsigned index) {
    into[found++] = from.child(index);
    return true;
  });
  return found;
}

}  // namespace

void page_table::retire_subtree(table* here, unsigned level, reclaim::retire_list& into,
                                counters& count) noexcept {
  here->is_stray.store_relaxed(true);
  if (level > 0) {
    tables below;
    for (table* each : std::span{below}.first(take_children(*here, below)))
      retire_subtree(each, level - 1, into, count);
  }
  ++count.tables_unlinked;
  into.add({here, [](void* gone) noexcept { table::give_back(static_cast<table*>(gone)); }, sizeof(table)});
}

void page_table::free_subtree(table* here, unsigned level) noexcept {
  if (here == nullptr) return;
  if (level > 0) {
    here->filled.for_each(0, table::entry_count,
                          [&](unsigned index) { free_subtree(here->child(index), level - 1); });
  }
  sync::memory::destroy(here);
}

namespace {

std::uint64_t count_in(const table& here, unsigned level) noexcept {
  std::uint64_t sum = 1;
  if (level == 0) return sum;
  for (unsigned index = 0; index < table::entry_count; ++index) {
    if (const table* below = here.child(index)) sum += count_in(*below, level - 1);
  }
  return sum;
}

}  // namespace

std::uint64_t page_table::count_tables() const noexcept {
  const table* root = root_.load_acquire();  // table.R2 <- table.R1
  return root == nullptr ? 0 : count_in(*root, levels - 1);
}

}  // namespace rcuvm::vm
