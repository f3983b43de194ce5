// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "explore/engine/world.hpp"

// The world's memory: allocations, frees, plain accesses and their races.

namespace rcuvm::explore {

// --- memory -----------------------------------------------------------------------------------------------

void* world::allocate(std::size_t bytes, std::size_t alignment) noexcept {
  const inside here{*this};
  void* made = memory_.allocate(bytes, alignment, current_);
  if (made == nullptr) report(finding_kind::check, "the scenario needs more memory than its arena has");
  if (trace_ != nullptr) {
    arena::object& it = *memory_.find(arena::offset_of(made));
    it.allocated_by = current_;
    it.allocation_stack = take_stack();
  }
  return made;
}

arena::object& world::find_to_free(const void* object) noexcept {
  const std::uint32_t offset = arena::offset_of(object);
  arena::object* it = memory_.find(offset);
  if (it == nullptr || it->where.first != offset) {
    report(finding_kind::wild_touch, "a free of what was never allocated", offset);
  }
  if (it->now == arena::state::freed) report(finding_kind::double_free, "freed twice", offset);
  return *it;
}

void world::free_now(arena::object& dead) noexcept {
  check_order_of_free(dead);
  if (trace_ != nullptr) {
    dead.freed_by = current_;
    dead.free_stack = take_stack();
  }
  memory_.free(dead);
}

void world::deallocate(void* object) noexcept {
  if (!arena::holds(object)) return;
  const inside here{*this};
  take_step(operation::free, conflict::writes, find_to_free(object).where);
  free_now(find_to_free(object));
}

void world::deallocate_private(void* object) noexcept {
  if (is_inside_) return;
  const inside here{*this};
  free_now(find_to_free(object));
}

void world::check_plain(std::uint32_t offset, std::size_t bytes, bool is_write) noexcept {
  const inside here{*this};
  check_live(arena::at(offset), bytes, is_write ? "a store" : "a load");
  virtual_thread& me = self();
  const auto last = static_cast<std::uint32_t>(offset + bytes);
  // A thread's part before its first step runs while its starter is still quiet.
  if (trace_ != nullptr && (!is_quiet_ || current_ != 0) && object_at_[offset / 4] == 0) {
    trace_->plain.push_back({.thread = current_,
                             .is_write = is_write,
                             .where = {offset, last},
                             .stack = take_stack(),
                             .steps_before = static_cast<std::uint32_t>(trace_->steps.size())});
  }
  if (is_alone()) return;
  for (std::uint32_t granule = offset / 4; granule * 4 < last; ++granule) {
    if (object_at_[granule] != 0) continue;
    const std::uint32_t from = std::max(offset, granule * 4) - granule * 4;
    const std::uint32_t to = std::min(last, granule * 4 + 4) - granule * 4;
    const auto mask = static_cast<std::uint8_t>((0xfU << from) & (0xfU >> (4 - to)));
    cell& it = cells_[granule];
    if (it.run != run_) it = {.run = run_};
    const bool is_unordered_write =
        (it.write_mask & mask) != 0 && it.writer != current_ && it.write_at > me.happened.of(it.writer);
    if (is_unordered_write) {
      report(finding_kind::data_race,
             std::string{is_write ? "a store" : "a load"} + " of " + me.name + " and a store of " +
                 threads_[it.writer].name + " are unordered",
             offset);
    }
    const auto mine = static_cast<unsigned>(current_);
    if (!is_write) {
      it.read_at[mine] = me.happened.of(current_);
      it.read_mask[mine] |= mask;
      continue;
    }
    for (unsigned other = 0; other != static_cast<unsigned>(thread_count_); ++other) {
      if (other == mine || (it.read_mask[other] & mask) == 0 || it.read_at[other] <= me.happened.at[other])
        continue;
      report(finding_kind::data_race,
             "a store of " + me.name + " and a load of " + threads_[other].name + " are unordered", offset);
    }
    it.writer = static_cast<std::uint8_t>(current_);
    it.write_mask = mask;
    it.write_at = me.happened.of(current_);
  }
}

/// A free is a store to the whole: who has touched it without having been waited for may do so again.
void world::check_order_of_free(const arena::object& dead) noexcept {
  if (is_alone()) return;
  const virtual_thread& me = self();
  for (std::uint32_t granule = dead.where.first / 4; granule * 4 < dead.where.end; ++granule) {
    const cell& it = cells_[granule];
    if (it.run != run_) continue;
    for (unsigned other = 0; other != static_cast<unsigned>(thread_count_); ++other) {
      const bool has_written =
          it.write_mask != 0 && it.writer == other && it.write_at > me.happened.at[other];
      const bool has_read = it.read_mask[other] != 0 && it.read_at[other] > me.happened.at[other];
      if (static_cast<int>(other) == current_ || !(has_written || has_read)) continue;
      report(finding_kind::use_after_free,
             me.name + " frees what " + threads_[other].name + " uses: nothing orders the free after the use",
             granule * 4);
    }
  }
}

}  // namespace rcuvm::explore
