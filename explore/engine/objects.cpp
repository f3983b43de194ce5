// SPDX-License-Identifier: Apache-2.0

/// Atomic words and tokens of a world: what was read and written, and what it orders.

#include "explore/engine/world.hpp"

namespace rcuvm::explore {

namespace {

constexpr bool is_acquire(order with) noexcept { return with != order::relaxed && with != order::release; }
constexpr bool is_release(order with) noexcept { return with != order::relaxed && with != order::acquire; }

}  // namespace

std::uint32_t world::index_of(const void* at, std::size_t bytes) noexcept {
  const std::uint32_t granule = arena::offset_of(at) / 4;
  if (const std::uint32_t index = object_at_[granule]; index != 0) return index;
  if (object_count_ == objects_.size()) objects_.resize(2 * objects_.size());
  const std::uint32_t index = object_count_++;
  tracked& made = objects_[index];
  made.offset = arena::offset_of(at);
  made.version = 0;
  made.shared_unlocks = 0;
  made.owner = -1;
  made.sharers = 0;
  made.released = {};
  made.shared_released = {};
  made.waiters.clear();
  object_at_[granule] = index;
  // The other words of it are no plain data either.
  for (std::size_t i = 1; i < (bytes + 3) / 4; ++i) {
    if (object_at_[granule + i] != 0) continue;
    if (object_count_ == objects_.size()) objects_.resize(2 * objects_.size());
    objects_[object_count_].offset = made.offset + static_cast<std::uint32_t>(4 * i);
    objects_[object_count_].waiters.clear();
    object_at_[granule + i] = object_count_++;
  }
  return index;
}

void world::note_read(std::uint32_t index, sight what) noexcept {
  virtual_thread& me = self();
  sighting& it = sighting_of(index, what);
  if (it.epoch == me.epoch) return;
  it = {.epoch = me.epoch, .at = static_cast<std::uint32_t>(me.seen.size())};
  me.seen.push_back({index, version_of(index, what), what});
}

void world::note_write(std::uint32_t index, sight what) noexcept {
  const std::uint32_t now = ++version_of(index, what);
  const sighting& it = sighting_of(index, what);
  if (it.epoch != self().epoch) return;
  seen_version& mine = self().seen[it.at];
  if (mine.version + 1 == now) mine.version = now;
}

void world::report_dead(std::uint32_t offset, const char* what) noexcept {
  if (memory_.state_at(offset) == arena::state::freed) {
    report(finding_kind::use_after_free, std::string{what} + " of memory that has been freed", offset);
  }
  report(finding_kind::wild_touch, std::string{what} + " of memory that is nobody's", offset);
}

void world::touch(const void* word, std::size_t bytes, access how, order with) noexcept {
  if (!arena::holds(word)) return;
  const inside here{*this};
  static constexpr std::array<operation, 3> names{operation::load, operation::store, operation::update};
  static constexpr std::array<const char*, 3> texts{"an atomic load", "an atomic store", "an atomic update"};
  const auto kind = static_cast<unsigned>(how);
  check_live(word, bytes, texts[kind]);
  const std::uint32_t index = index_of(word, bytes);
  take_step(names[kind], how == access::load ? conflict::reads : conflict::writes, span_of(word, bytes));
  check_live(word, bytes, texts[kind]);
  if (trace_ != nullptr) trace_->steps.back().with = with;

  virtual_thread& me = self();
  tracked& it = known(index);
  if (how != access::store) {
    (is_acquire(with) ? me.happened : me.loaded).join(it.released);
    note_read(index);
  }
  if (how == access::load) return;
  ++me.shared_stores;
  const clock& given = is_release(with) ? me.happened : me.released;
  if (how == access::store) {
    it.released = given;
  } else {
    it.released.join(given);
  }
  if (is_release(with)) ++me.happened.of(current_);
  note_write(index);
}

void world::show(std::uint64_t value) noexcept {
  if (trace_ == nullptr || trace_->steps.empty()) return;
  traced_step& last = trace_->steps.back();
  if (last.thread != current_ || last.has_value) return;
  last.value = value;
  last.has_value = true;
}

void world::use(const void* object, std::size_t bytes, access how) noexcept {
  if (!arena::holds(object)) return;
  const inside here{*this};
  check_live(object, bytes, "a use");
  const std::uint32_t index = index_of(object, bytes);
  take_step(operation::use, how == access::load ? conflict::reads : conflict::writes, span_of(object, 4));
  check_live(object, bytes, "a use");
  note_read(index);
  if (how != access::load) note_write(index);
}

void world::fence(order with) noexcept {
  virtual_thread& me = self();
  if (is_acquire(with)) me.happened.join(me.loaded);
  if (is_release(with)) {
    me.released = me.happened;
    ++me.happened.of(current_);
  }
}

void world::acquire(const void* token) noexcept {
  if (!arena::holds(token)) return;
  const inside here{*this};
  self().happened.join(known(index_of(token, 1)).released);
}

void world::release(const void* token) noexcept {
  if (!arena::holds(token)) return;
  const inside here{*this};
  known(index_of(token, 1)).released.join(self().happened);
  ++self().happened.of(current_);
}

}  // namespace rcuvm::explore
