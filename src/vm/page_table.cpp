// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/vm/page_table.hpp"

#include <algorithm>

#include "rcuvm/base/check.hpp"

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

namespace {

/// By then nobody links tables below it.
unsigned children_of(table& one) noexcept {
  const sync::mutex_guard held{one.lock};
  return one.children;
}

}  // namespace

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
        --here.children;
      }
      retire_subtree(below, level - 1, std::max(mine.start, covered.start), into, count);
      any = true;
    } else {
      any |= unlink_in(*below, level - 1, covered.start, where, hole, into, count);
    }
  }
  return any;
}

/// Looks for the tables below from that of `near` on, round to it again, until it has them all.
void page_table::retire_subtree(table* here, unsigned level, address near, reclaim::retire_list& into,
                                counters& count) noexcept {
  here->is_stray.store_relaxed(true);
  if (level > 0) {
    const unsigned first = table::index_of(near, level);
    unsigned left = children_of(*here);
    for (unsigned i = 0; left != 0 && i < table::entry_count; ++i) {
      if (table* below = here->child((first + i) % table::entry_count)) {
        retire_subtree(below, level - 1, near, into, count);
        --left;
      }
    }
    RCUVM_ASSERT(left == 0, "a page table has fewer tables below it than it has counted");
  }
  ++count.tables_unlinked;
  into.add(
      {here, [](void* gone) noexcept { sync::memory::destroy(static_cast<table*>(gone)); }, sizeof(table)});
}

void page_table::free_subtree(table* here, unsigned level) noexcept {
  if (here == nullptr) return;
  if (level > 0) {
    unsigned left = here->children;
    for (unsigned index = 0; left != 0 && index < table::entry_count; ++index) {
      if (here->child(index) != nullptr) --left;
      free_subtree(here->child(index), level - 1);
    }
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
