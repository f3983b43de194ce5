// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <new>
#include <string>
#include <vector>

#include "explore/engine/world.hpp"

// The world's locks, conditions, time and RCU.

namespace rcuvm::explore {

// --- locks ------------------------------------------------------------------------------------------------

void world::taken(std::uint32_t index, sharing how) noexcept {
  virtual_thread& me = self();
  tracked& it = known(index);
  me.happened.join(it.released);
  if (how == sharing::exclusive) {
    me.happened.join(it.shared_released);
    it.owner = current_;
  } else {
    it.sharers |= only(current_);
  }
  me.held.push_back({index, how});
  note_read(index);
}

/// The shortest way back from what `last` takes to what it holds, and `last`; empty if there is none.
std::vector<lock_order> world::lock_cycle_through(const lock_order& last) const {
  constexpr std::size_t begin = ~std::size_t{0};
  struct reached_by {
    std::uint32_t lock;
    std::size_t from;  ///< index of the one reached before
    const lock_order* order;
  };
  std::vector<reached_by> reached{{last.taken, begin, &last}};
  for (std::size_t i = 0; i != reached.size(); ++i) {
    if (reached[i].lock == last.held) {
      std::vector<lock_order> cycle;
      for (std::size_t at = i; at != begin; at = reached[at].from) cycle.push_back(*reached[at].order);
      std::ranges::reverse(cycle);
      return cycle;
    }
    for (const lock_order& each : lock_orders_) {
      const bool is_known = std::ranges::find(reached, each.taken, &reached_by::lock) != reached.end();
      if (each.held != reached[i].lock || is_known) continue;
      reached.push_back({each.taken, i, &each});
    }
  }
  return {};
}

/// An order of taking that another order contradicts can deadlock, even if this run did not.
void world::note_lock_order(std::uint32_t index) noexcept {
  const std::uint32_t taken = known(index).offset;
  for (const held_lock& each : self().held) {
    const std::uint32_t held = known(each.object).offset;
    const auto is_known = [&](const lock_order& one) { return one.held == held && one.taken == taken; };
    if (held == taken || std::ranges::any_of(lock_orders_, is_known)) continue;
    const lock_order made{held, taken, current_, trace_ == nullptr ? 0 : take_stack()};
    lock_orders_.push_back(made);
    const std::vector<lock_order> cycle = lock_cycle_through(made);
    if (cycle.empty()) continue;
    if (trace_ != nullptr) trace_->cycle = cycle;
    std::string text;
    for (const lock_order& one : cycle) {
      text += (text.empty() ? "" : ", ") + threads_[static_cast<unsigned>(one.thread)].name + " takes " +
              describe_place(one.taken) + " while it holds " + describe_place(one.held);
    }
    report(finding_kind::lock_order, text, taken);
  }
}

void world::lock(const void* what, sharing how) noexcept {
  if (!arena::holds(what)) return;
  const inside here{*this};
  check_live(what, 4, "a lock");
  const std::uint32_t index = index_of(what, 4);
  if (known(index).owner == current_ || has(known(index).sharers, current_)) {
    report(finding_kind::deadlock, self().name + " takes a lock that it holds already", known(index).offset);
  }
  if (limits_.watches_lock_order) note_lock_order(index);
  const bool is_exclusive = how == sharing::exclusive;
  take_step(operation::lock, is_exclusive ? conflict::acquires : conflict::reads, span_of(what, 4),
            is_exclusive ? gate::exclusive : gate::shared, index);
  check_live(what, 4, "a lock");
  if (trace_ != nullptr) trace_->steps.back().is_shared = how == sharing::shared;
  taken(index, how);
}

bool world::try_lock(const void* what, sharing how) noexcept {
  if (!arena::holds(what)) return true;
  const inside here{*this};
  check_live(what, 4, "a lock");
  const std::uint32_t index = index_of(what, 4);
  take_step(operation::try_lock, conflict::writes, span_of(what, 4));
  check_live(what, 4, "a lock");
  note_read(index);
  const tracked& it = known(index);
  const bool is_free = it.owner < 0 && (how == sharing::shared || it.sharers == 0);
  if (trace_ != nullptr) {
    traced_step& told = trace_->steps.back();
    told.is_shared = how == sharing::shared;
    told.value = is_free ? 1 : 0;
    told.has_value = true;
  }
  if (how == sharing::exclusive && it.sharers != 0) note_read(index, sight::readers);
  if (is_free) {
    taken(index, how);
    if (!is_quiet_) search_->took_lock(how);
  }
  return is_free;
}

void world::unlock(const void* what, sharing how) noexcept {
  if (!arena::holds(what)) return;
  const inside here{*this};
  check_live(what, 4, "an unlock");
  const std::uint32_t index = index_of(what, 4);
  take_step(operation::unlock, how == sharing::exclusive ? conflict::writes : conflict::reads,
            span_of(what, 4));
  check_live(what, 4, "an unlock");
  if (trace_ != nullptr) trace_->steps.back().is_shared = how == sharing::shared;
  virtual_thread& me = self();
  tracked& it = known(index);
  const bool is_held = how == sharing::exclusive ? it.owner == current_ : has(it.sharers, current_);
  if (!is_held) report(finding_kind::check, me.name + " unlocks a lock that it does not hold", it.offset);
  if (how == sharing::exclusive) {
    it.owner = -1;
    it.released = me.happened;
  } else {
    it.sharers &= ~only(current_);
    it.shared_released.join(me.happened);
  }
  ++me.happened.of(current_);
  std::erase_if(me.held, [index](const held_lock& each) { return each.object == index; });
  note_write(index, how == sharing::exclusive ? sight::value : sight::readers);
}

// --- conditions, time -------------------------------------------------------------------------------------

/// The first half of a wait: in the queue, then out of the mutex. What notifies in between is not lost.
std::uint32_t world::queue_up(const void* condition, const void* mutex) noexcept {
  std::uint32_t index = 0;
  {
    const inside here{*this};
    check_live(condition, 4, "a wait");
    index = index_of(condition, 4);
    take_step(operation::wait, conflict::writes, span_of(condition, 4));
    self().is_notified = false;
    known(index).waiters.push_back(current_);
  }
  unlock(mutex, sharing::exclusive);
  return index;
}

void world::wait(const void* condition, const void* mutex) noexcept {
  const std::uint32_t index = queue_up(condition, mutex);
  {
    const inside here{*this};
    take_step(operation::wake, conflict::none, span_of(condition, 4), gate::notified, index);
  }
  lock(mutex, sharing::exclusive);
}

bool world::wait_for_ns(const void* condition, const void* mutex, std::uint64_t nanoseconds) noexcept {
  const std::uint32_t index = queue_up(condition, mutex);
  bool has_been_notified = false;
  {
    const inside here{*this};
    virtual_thread& me = self();
    me.deadline_ns = now_ns_ + nanoseconds;
    take_step(me.is_notified ? operation::wake : operation::timeout,
              me.is_notified ? conflict::none : conflict::writes, span_of(condition, 4), gate::timed, index);
    has_been_notified = me.is_notified;
    if (!has_been_notified) {
      forget_waiter(index, current_);
      ++me.early_timeouts;
      now_ns_ = std::max(now_ns_, me.deadline_ns);
    }
  }
  lock(mutex, sharing::exclusive);
  return has_been_notified;
}

void world::forget_waiter(std::uint32_t condition, int thread) noexcept {
  std::erase(known(condition).waiters, thread);
}

void world::wake(int thread, std::uint32_t condition) noexcept {
  virtual_thread& one = threads_[static_cast<unsigned>(thread)];
  forget_waiter(condition, thread);
  one.is_notified = true;
  if (one.waits_for == gate::timed)
    next_[static_cast<unsigned>(thread)] = {operation::wake, conflict::none, {}};
  search_->wait_is_over(thread, search_->order_of(current_));
}

void world::notify_one(const void* condition) noexcept {
  if (!arena::holds(condition)) return;
  int count = 0;
  std::uint32_t index = 0;
  {
    const inside here{*this};
    check_live(condition, 4, "a notification");
    index = index_of(condition, 4);
    take_step(operation::notify, conflict::writes, span_of(condition, 4));
    check_live(condition, 4, "a notification");
    count = static_cast<int>(known(index).waiters.size());
  }
  if (count == 0) return;
  const int chosen = choose(count);
  const inside here{*this};
  wake(known(index).waiters[static_cast<std::size_t>(chosen)], index);
}

void world::notify_all(const void* condition) noexcept {
  if (!arena::holds(condition)) return;
  const inside here{*this};
  check_live(condition, 4, "a notification");
  const std::uint32_t index = index_of(condition, 4);
  take_step(operation::notify, conflict::writes, span_of(condition, 4));
  check_live(condition, 4, "a notification");
  while (!known(index).waiters.empty()) wake(known(index).waiters.front(), index);
}

void world::yield() noexcept {
  const inside here{*this};
  take_step(operation::yield, conflict::none, {}, gate::changed);
  forget_seen(self());
}

void world::sleep_ns(std::uint64_t nanoseconds) noexcept {
  const inside here{*this};
  virtual_thread& me = self();
  me.is_notified = false;
  me.deadline_ns = now_ns_ + nanoseconds;
  take_step(operation::timeout, conflict::none, place::time, gate::timed);
  ++me.early_timeouts;
  now_ns_ = std::max(now_ns_, me.deadline_ns);
}

// --- RCU --------------------------------------------------------------------------------------------------

sync::rcu::detail::thread_state& world::own_state() noexcept {
  return *std::launder(reinterpret_cast<sync::rcu::detail::thread_state*>(self().rcu.data()));
}

void world::begin_section() noexcept {
  const inside here{*this};
  virtual_thread& me = self();
  if (me.sections++ != 0) return;
  --me.sections;  // not yet open
  take_step(operation::begin_section, conflict::reads, place::grace_period);
  ++me.sections;
  me.happened.join(grace_periods_);
}

void world::end_section() noexcept {
  const inside here{*this};
  virtual_thread& me = self();
  if (me.sections == 0) report(finding_kind::check, "a read section is left that was not entered");
  if (me.sections > 1) {
    --me.sections;
    return;
  }
  take_step(operation::end_section, conflict::reads, place::grace_period);
  me.sections = 0;
  sections_ended_.join(me.happened);
  for (int i = 0; i != thread_count_; ++i) {
    virtual_thread& other = threads_[static_cast<unsigned>(i)];
    if (!has(other.grace_period, current_)) continue;
    other.grace_period &= ~only(current_);
    other.came_before_grace.join(me.happened);
    other.order_of_grace.join(search_->order_of(current_));
  }
  ++me.happened.of(current_);
}

void world::synchronize() noexcept {
  const inside here{*this};
  virtual_thread& me = self();
  if (me.sections != 0) report(finding_kind::check, "synchronize() inside a read section waits for itself");
  take_step(operation::begin_grace_period, conflict::writes, place::grace_period);
  grace_periods_.join(me.happened);
  ++me.happened.of(current_);
  me.happened.join(sections_ended_);
  me.grace_period = 0;
  me.came_before_grace = {};
  me.order_of_grace = {};
  for (int i = 0; i != thread_count_; ++i) {
    const virtual_thread& other = threads_[static_cast<unsigned>(i)];
    if (!other.is_done && other.sections != 0) me.grace_period |= only(i);
  }
  if (me.grace_period == 0) return;
  take_step(operation::end_grace_period, conflict::none, {}, gate::grace_period);
  me.happened.join(me.came_before_grace);
  search_->wait_is_over(current_, me.order_of_grace);
}

}  // namespace rcuvm::explore
