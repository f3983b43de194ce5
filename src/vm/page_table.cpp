// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/vm/page_table.hpp"

namespace rcuvm::vm {

table* page_table::make_root(counters& count) noexcept {
  table* made = sync::memory::make<table>();
  if (made == nullptr) return nullptr;
  table* none = nullptr;
  if (root_.cas_acq_rel(none, made)) {  // table.R1 -> table.R2
    ++count.tables_made;
    return made;
  }
  sync::memory::destroy(made);
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
  const auto end = static_cast<unsigned>((mine.end - base + span - 1) / span);
  for (auto index = static_cast<unsigned>((mine.start - base) / span); index < end; ++index) {
    table* below = here.child(index);
    if (below == nullptr) continue;
    const range covered{base + index * span, base + (index + 1) * span};
    if (hole.contains(covered)) {
      {
        sync::mutex_guard held{here.lock};
        here.set_child(index, nullptr);
      }
      retire_subtree(below, level - 1, into, count);
      any = true;
    } else {
      any |= unlink_in(*below, level - 1, covered.start, where, hole, into, count);
    }
  }
  return any;
}

void page_table::retire_subtree(table* here, unsigned level, reclaim::retire_list& into,
                                counters& count) noexcept {
  {
    sync::mutex_guard held{here->lock};
    here->is_stray = true;
  }
  if (level > 0) {
    for (unsigned index = 0; index < table::entry_count; ++index) {
      if (table* below = here->child(index)) retire_subtree(below, level - 1, into, count);
    }
  }
  ++count.tables_unlinked;
  into.add(
      {here, [](void* gone) noexcept { sync::memory::destroy(static_cast<table*>(gone)); }, sizeof(table)});
}

void page_table::free_subtree(table* here, unsigned level) noexcept {
  if (here == nullptr) return;
  if (level > 0) {
    for (unsigned index = 0; index < table::entry_count; ++index) free_subtree(here->child(index), level - 1);
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
