// SPDX-License-Identifier: Apache-2.0
#include "explore/engine/world.hpp"

#include <execinfo.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>
#include <stdexcept>

namespace rcuvm::explore {

namespace {

constexpr std::size_t stack_bytes = std::size_t{256} << 10U;
constexpr std::size_t granules = arena::size / 4;

template <class T>
T* zeros(std::size_t count) {
  void* got = std::calloc(count, sizeof(T));
  if (got == nullptr) throw std::bad_alloc{};
  return static_cast<T*>(got);
}

world* the_world = nullptr;

}  // namespace

world::world(world_limits limits)
    : limits_{limits},
      objects_(1024),
      object_at_{zeros<std::uint32_t>(granules), std::free},
      cells_{zeros<cell>(granules), std::free} {
  if (the_world != nullptr) throw std::runtime_error{"one world at a time"};
  void* got = ::mmap(nullptr, max_threads * stack_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (got == MAP_FAILED) throw std::bad_alloc{};
  stacks_ = got;
  the_world = this;
}

world::~world() {
  the_world = nullptr;
  ::munmap(stacks_, max_threads * stack_bytes);
}

// --- a run ------------------------------------------------------------------------------------------------

finding world::run(search& by, const std::function<void()>& body, trace* told) {
  for (std::uint32_t i = 1; i != object_count_; ++i) object_at_[objects_[i].offset / 4] = 0;
  object_count_ = 1;
  memory_.reset();
  lock_orders_.clear();
  decisions_.clear();
  grace_periods_ = {};
  sections_ended_ = {};
  finding_ = {};
  ++run_;
  steps_ = 0;
  now_ns_ = 0;
  thread_count_ = 1;
  alive_ = only(0);
  current_ = -1;
  starting_by_ = -1;
  is_starting_ = false;
  is_quiet_ = true;
  waiting_ = 0;
  trace_ = told;
  if (told != nullptr) *told = {};
  search_ = &by;
  by.begin_run();

  prepare_thread(0, "main", body);
  threads_[0].happened = {};
  threads_[0].happened.of(0) = 1;
  if (trace_ != nullptr) {
    trace_->names = {"main"};
    trace_->next.resize(max_threads);
  }

  is_running_ = true;
  running_world = this;
  sync::checked::running = this;
  is_inside_ = true;
  switch_to(0);
  is_inside_ = false;
  sync::checked::running = nullptr;
  running_world = nullptr;
  is_running_ = false;
  if (trace_ != nullptr) trace_->objects = memory_.objects();
  trace_ = nullptr;
  return finding_;
}

void world::enter_thread() { the_world->run_thread(); }

void world::run_thread() noexcept {
  const int id = current_;
  {
    auto body = std::move(self().body);
    is_inside_ = false;
    try {
      body();
    } catch (const std::exception& thrown) {
      report(finding_kind::check, std::string{"an exception leaves a thread: "} + thrown.what());
    }
  }
  is_inside_ = true;
  virtual_thread& me = threads_[static_cast<unsigned>(id)];
  if (id == 0) {
    if (me.sections != 0) report(finding_kind::check, "the body ends inside a read section");
    if (alive_ != only(0)) report(finding_kind::check, "the body ends before its threads");
    if (memory_.live_objects() != 0) {
      const std::vector<arena::object> all = memory_.objects();
      const auto first = std::ranges::find(all, arena::state::live, &arena::object::now);
      report(finding_kind::leak, std::to_string(memory_.live_objects()) + " objects are left at the end",
             first->where.first);
    }
    leave();
  }
  if (!me.held.empty()) report(finding_kind::check, "a thread ends with a lock held");
  if (me.sections != 0) report(finding_kind::check, "a thread ends inside a read section");
  take_step(operation::end, conflict::none, place::end_of(id));  // who joins is not enabled before it
  me.is_done = true;
  alive_ &= ~only(id);
  for (int i = 0; i != thread_count_; ++i) {
    virtual_thread& other = threads_[static_cast<unsigned>(i)];
    if (other.is_done || other.waits_for != gate::joined || other.awaited != static_cast<std::uint32_t>(id))
      continue;
    search_->wait_is_over(i, search_->order_of(id));
  }
  schedule();  // nobody comes back to this stack
  std::abort();
}

void world::concurrently(std::vector<thread_body> bodies) {
  std::vector<int> started;
  for (thread_body& each : bodies) started.push_back(start_thread(each.name, std::move(each.run)));
  set_quiet(false);
  for (const int each : started) join(each);
  set_quiet(true);
}

void world::set_quiet(bool is_quiet) noexcept { is_quiet_ = is_quiet; }

void world::report(finding_kind kind, std::string what, std::uint32_t object) noexcept {
  is_inside_ = true;
  finding_ = {kind, std::move(what), object};
  if (trace_ != nullptr) {
    trace_->last_thread = current_;
    trace_->last_stack = take_stack();
  }
  if (!is_quiet_) search_->stopped(now());
  leave();
}

void world::fail(const char* what, const char* file, int line) noexcept {
  is_inside_ = true;
  report(finding_kind::check, std::string{what} + "  (" + file + ":" + std::to_string(line) + ")");
}

void world::leave() noexcept {
  switch_to(-1);
  std::abort();
}

int world::choose(int count) noexcept {
  const inside here{*this};
  if (is_quiet_ || count < 2) return 0;
  const int chosen = search_->choose(count);
  if (chosen < 0 || chosen >= count) report(finding_kind::divergence, "a choice that does not exist here");
  decisions_.push_back(decision_of_choice(chosen));
  if (trace_ != nullptr) {
    record(operation::choose, {});
    trace_->steps.back().value = static_cast<std::uint64_t>(chosen);
    trace_->steps.back().has_value = true;
  }
  return chosen;
}

// --- scheduling -------------------------------------------------------------------------------------------

void world::switch_to(int thread) noexcept {
  fiber& from = current_ < 0 ? outside_ : self().stack;
  current_ = thread;
  fiber& to = thread < 0 ? outside_ : self().stack;
  to.resume_from(from);
}

moment world::now() noexcept {
  return {enabled(), alive_, current_ >= 0 && !self().is_done ? current_ : -1, thread_count_, next_};
}

bool world::is_enabled(const virtual_thread& one, bool is_only) const noexcept {
  switch (one.waits_for) {
    case gate::open: return true;
    case gate::exclusive: return objects_[one.awaited].owner < 0 && objects_[one.awaited].sharers == 0;
    case gate::shared: return objects_[one.awaited].owner < 0;
    case gate::grace_period: return one.grace_period == 0;
    case gate::notified: return one.is_notified;
    case gate::timed: return one.is_notified || is_only || one.early_timeouts < limits_.early_timeouts;
    case gate::joined: return threads_[one.awaited].is_done;
    case gate::changed:
      return one.seen.empty() || std::ranges::any_of(one.seen, [this](const seen_version& each) {
               const tracked& it = objects_[each.object];
               return (each.what == sight::value ? it.version : it.shared_unlocks) != each.version;
             });
  }
  return false;
}

thread_set world::enabled() const noexcept {
  thread_set set = alive_ & ~waiting_;
  for (thread_set left = alive_ & waiting_; left != 0; left &= left - 1) {
    const int i = std::countr_zero(left);
    if (is_enabled(threads_[static_cast<unsigned>(i)], false)) set |= only(i);
  }
  if (set != 0) return set;
  // Nobody can run: time goes on to the next end of a timed wait.
  int first = -1;
  for (int i = 0; i != thread_count_; ++i) {
    const virtual_thread& one = threads_[static_cast<unsigned>(i)];
    if (one.is_done || !is_enabled(one, true)) continue;
    if (first < 0 || one.deadline_ns < threads_[static_cast<unsigned>(first)].deadline_ns) first = i;
  }
  return first < 0 ? 0 : only(first);
}

void world::schedule() noexcept {
  ++total_steps_;
  int chosen = 0;
  const bool is_current_alive = !self().is_done;
  if (is_quiet_) {
    if (++steps_ > 10 * limits_.steps)
      report(finding_kind::endless, "the quiet part does not come to an end");
    if (is_current_alive && is_enabled(self(), false)) return;
    const thread_set can = enabled();
    if (can == 0) deadlock();
    chosen = std::countr_zero(can);
  } else {
    if (++steps_ > limits_.steps) {
      report(finding_kind::endless, "no end after " + std::to_string(limits_.steps) + " steps");
    }
    const moment m = now();
    if (m.enabled == 0) deadlock();
    chosen = search_->pick(m);
    if (chosen == nobody) {
      search_->stopped(m);
      leave();
    }
    if (!has(m.enabled, chosen)) {
      report(finding_kind::divergence, "the schedule wants a thread that cannot run here");
    }
    if (!is_one(m.enabled)) decisions_.push_back(chosen);
  }
  if (chosen != current_) switch_to(chosen);
}

void world::take_step(operation what, conflict how, span_of_bytes where, gate waits_for,
                      std::uint32_t awaited) noexcept {
  virtual_thread& me = self();
  next_[static_cast<unsigned>(current_)] = {what, how, where};
  me.waits_for = waits_for;
  me.awaited = awaited;
  if (waits_for != gate::open) waiting_ |= only(current_);
  if (trace_ != nullptr) announce(what, where);
  if (is_starting_) {
    is_starting_ = false;
    switch_to(starting_by_);
  } else {
    schedule();
  }
  me.waits_for = gate::open;
  waiting_ &= ~only(current_);
  if (trace_ != nullptr) record(next_[static_cast<unsigned>(current_)].what, where);
}

/// All but its clock and its place among the living.
void world::prepare_thread(int id, const char* name, std::function<void()> body) {
  virtual_thread& made = threads_[static_cast<unsigned>(id)];
  made.body = std::move(body);
  made.name = name;
  made.is_done = false;
  made.waits_for = gate::open;
  made.early_timeouts = 0;
  made.grace_period = 0;
  made.loaded = made.released = {};
  forget_seen(made);
  made.held.clear();
  made.sections = 0;
  made.shared_stores = 0;
  new (made.rcu.data()) sync::rcu::detail::thread_state{};
  made.stack.prepare(static_cast<std::byte*>(stacks_) + static_cast<std::size_t>(id + 1) * stack_bytes,
                     stack_bytes, &world::enter_thread);
}

int world::start_thread(const char* name, std::function<void()> body) noexcept {
  const inside here{*this};
  if (thread_count_ == max_threads) report(finding_kind::check, "more than 8 threads in a scenario");
  take_step(operation::start, conflict::none, {});
  const int parent = current_;
  const int id = thread_count_++;
  prepare_thread(id, name, std::move(body));
  alive_ |= only(id);
  clock& happened = threads_[static_cast<unsigned>(id)].happened;
  happened = self().happened;
  happened.of(id) = 1;
  ++self().happened.of(parent);
  if (trace_ != nullptr) trace_->names.emplace_back(name);
  search_->wait_is_over(id, search_->order_of(parent));
  starting_by_ = parent;
  is_starting_ = true;
  switch_to(id);
  return id;
}

void world::join(int thread) noexcept {
  const inside here{*this};
  virtual_thread& other = threads_[static_cast<unsigned>(thread)];
  take_step(operation::join, conflict::none, place::end_of(thread), gate::joined,
            static_cast<std::uint32_t>(thread));
  self().happened.join(other.happened);
  search_->wait_is_over(current_, search_->order_of(thread));
}

void world::deadlock() noexcept {
  std::string text = "deadlock:";
  for (int i = 0; i != thread_count_; ++i) {
    const virtual_thread& one = threads_[static_cast<unsigned>(i)];
    if (!one.is_done) text += " " + one.name + " " + describe_wait(one) + ";";
  }
  text.pop_back();
  report(finding_kind::deadlock, text);
}

std::string world::describe_wait(const virtual_thread& one) const {
  switch (one.waits_for) {
    case gate::exclusive:
    case gate::shared: {
      const tracked& lock = objects_[one.awaited];
      std::string holders = lock.owner >= 0 ? threads_[static_cast<unsigned>(lock.owner)].name : "";
      for (int i = 0; i != thread_count_; ++i) {
        if (has(lock.sharers, i))
          holders += (holders.empty() ? "" : ", ") + threads_[static_cast<unsigned>(i)].name;
      }
      return "waits for " + describe_place(lock.offset) + " held by " + holders;
    }
    case gate::grace_period: {
      std::string readers;
      for (int i = 0; i != thread_count_; ++i) {
        if (has(one.grace_period, i))
          readers += (readers.empty() ? "" : ", ") + threads_[static_cast<unsigned>(i)].name;
      }
      return "waits for the read section of " + readers;
    }
    case gate::notified:
    case gate::timed: return "waits for a notification of " + describe_place(objects_[one.awaited].offset);
    case gate::joined: return "waits for the end of " + threads_[one.awaited].name;
    case gate::changed: return "spins on a value that nobody changes";
    case gate::open: break;
  }
  return "can run";
}

std::string world::describe_place(std::uint32_t offset) const {
  char text[32];
  std::snprintf(text, sizeof text, "#%x", offset);
  return text;
}

// --- the trace --------------------------------------------------------------------------------------------

std::uint32_t world::take_stack() noexcept {
  call_stack taken{};
  ::backtrace(taken.data(), static_cast<int>(taken.size() - 1));
  trace_->stacks.push_back(taken);
  return static_cast<std::uint32_t>(trace_->stacks.size() - 1);
}

/// The stack is that of the moment before the switch: the one thing that a thread which never runs again leaves behind.
void world::announce(operation what, span_of_bytes where) noexcept {
  traced_step& step = trace_->next[static_cast<unsigned>(current_)];
  step = {};
  step.thread = current_;
  step.what = what;
  step.where = where;
  step.stack = take_stack();
}

void world::record(operation what, span_of_bytes where) noexcept {
  traced_step step = trace_->next[static_cast<unsigned>(current_)];
  step.thread = current_;
  step.what = what;
  step.where = where;
  step.is_quiet = is_quiet_;
  if (what == operation::choose) step.stack = take_stack();
  trace_->steps.push_back(step);
  trace_->next[static_cast<unsigned>(current_)].stack = 0;
}

}  // namespace rcuvm::explore
