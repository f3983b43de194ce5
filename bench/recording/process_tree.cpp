// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/process_tree.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace rcuvm::recording {
namespace {

/// Until finish() knows how many events there are.
constexpr std::size_t not_ended = std::numeric_limits<std::size_t>::max();

/// How long after its EXIT a task may still fault. Seen: 3 us.
constexpr std::uint64_t last_fault_ns = 1'000'000;

}  // namespace

live_task* process_tree::find(std::int32_t tid) noexcept {
  const auto at = tasks_.find(tid);
  return at == tasks_.end() ? nullptr : &at->second;
}

process* process_tree::find_process(std::int32_t pid) noexcept {
  const auto at = processes_.find(pid);
  return at == processes_.end() ? nullptr : &at->second;
}

live_task& process_tree::get(std::int32_t pid, std::int32_t tid, std::string_view comm) {
  if (live_task* const known = find(tid)) {
    if (known->pid == pid) return *known;
    if (!known->has_exited) log_.note_oddity("a thread's number appears in another process");
    end(*known);
  }
  return add_found(pid, tid, comm);
}

live_task& process_tree::add_found(std::int32_t pid, std::int32_t tid, std::string_view comm) {
  if (const auto announced = announced_.find(tid); announced != announced_.end()) {
    // A lost task_newtask: the FORK record knows all but vfork.
    const perf::fork_record record = announced->second;
    announced_.erase(announced);
    log_.note_oddity("FORK without task_newtask");
    live_task& creator = get(record.parent_pid, record.parent_tid, comm);
    begin(creator, {.tid = tid, .flags = record.pid == record.parent_pid ? 0x10100u : 0u}, comm);
    if (live_task* const begun = find(tid); begun != nullptr && begun->pid == pid) return *begun;
  }
  log_.note_oddity("task first seen in mid-life");
  space_id in = no_id;
  const process* const known = find_process(pid);
  if (known != nullptr && spaces_[known->space].users != 0) {
    in = known->space;
  } else {
    in = add_space({.from = space::origin::found, .is_known = false, .pid = pid, .first_event = log_.size()});
    const auto task = static_cast<task_id>(log_.into().tasks.size());
    log_.append(in, task, space_begin{.maps = {}, .is_known = false});
  }
  return add_task(pid, tid, in, no_id, comm);
}

space_id process_tree::add_space(space made) {
  made.end_event = not_ended;
  log_.into().spaces.push_back(made);
  spaces_.emplace_back();
  return static_cast<space_id>(spaces_.size() - 1);
}

live_task& process_tree::add_task(std::int32_t pid, std::int32_t tid, space_id in, task_id creator,
                                  std::string_view comm) {
  ++spaces_[in].users;  // first: the thread that ends here may be its last one
  if (live_task* const old = find(tid)) {
    if (!old->has_exited) log_.note_oddity("a thread's number begins again before its EXIT");
    end(*old);
  }
  std::vector<task>& tasks = log_.into().tasks;
  const auto id = static_cast<task_id>(tasks.size());
  tasks.push_back({.pid = pid,
                   .tid = tid,
                   .creator = creator,
                   .first_event = log_.size(),
                   .end_event = not_ended,
                   .name = std::string{comm}});
  log_.append(in, id, task_begin{});
  process& its = processes_[pid];
  its.space = in;
  ++its.threads;
  ended_.erase(tid);
  live_task& made = tasks_[tid];
  made = {.id = id,
          .pid = pid,
          .tid = tid,
          .space = in,
          .pending = {},
          .dying_since_ns = {},
          .has_exited = false};
  return made;
}

void process_tree::note_fork(const perf::fork_record& record) { announced_[record.tid] = record; }

void process_tree::begin(live_task& creator, const perf::new_task& child, std::string_view comm) {
  announced_.erase(child.tid);
  const std::int32_t pid = child.is_thread() ? creator.pid : child.tid;
  const task_id by = creator.id;
  space_id in = creator.space;
  if (!child.shares_memory()) {
    const bool is_known = log_.into().spaces[creator.space].is_known;
    in = add_space({.from = space::origin::fork,
                    .is_known = is_known,
                    .parent = creator.space,
                    .pid = pid,
                    .first_event = log_.size()});
    log_.append(creator.space, by, space_fork{.child = in});
  }
  add_task(pid, child.tid, in, by, comm);
}

void process_tree::leave_space(const live_task& one, std::uint64_t leaving_since_ns) {
  space_state& left = spaces_[one.space];
  if (--left.users > 0) return;
  log_.into().spaces[one.space].end_event = log_.append(one.space, one.id, space_end{});
  log_.add_window({.space = one.space, .from_ns = leaving_since_ns, .to_ns = log_.now_ns() + 1});
}

void process_tree::end(live_task& one) {
  if (one.pending) abandon_call(one, "task died inside a call");
  process& its = process_of(one);
  if (its.exec) {
    log_.note_oddity("exec never returned");
    finish_exec(its, 0);
  }
  log_.into().tasks[one.id].end_event = log_.append(one.space, one.id, task_end{});
  const std::uint64_t own = one.dying_since_ns.value_or(log_.now_ns());
  leave_space(one, std::min(own, its.dying_since_ns.value_or(own)));
  const auto [pid, tid] = std::pair{one.pid, one.tid};
  if (--its.threads == 0) processes_.erase(pid);
  tasks_.erase(tid);
  ended_[tid] = pid;
}

void process_tree::note_exit(live_task& one) {
  if (one.has_exited) return;
  if (one.pending) abandon_call(one, "task died inside a call");
  if (!one.dying_since_ns) one.dying_since_ns = log_.now_ns();
  one.has_exited = true;
  exited_.push_back({.tid = one.tid, .id = one.id, .at_ns = log_.now_ns()});
}

void process_tree::end_exited() {
  for (; !exited_.empty() && exited_.front().at_ns + last_fault_ns < log_.now_ns(); exited_.pop_front()) {
    live_task* const gone = find(exited_.front().tid);
    if (gone != nullptr && gone->id == exited_.front().id) end(*gone);
  }
}

bool process_tree::has_ended(std::int32_t pid, std::int32_t tid) const noexcept {
  const auto at = ended_.find(tid);
  return at != ended_.end() && at->second == pid;
}

void process_tree::begin_exec(std::int32_t pid, std::int32_t tid, std::string_view comm) {
  // An exec by another thread than the first takes over the first one's number; all others are gone by now.
  std::vector<live_task*> others;
  std::uint64_t enter_ns = 0;
  for (auto& [number, one] : tasks_) {
    if (one.pid != pid) continue;
    if (one.pending && one.pending->kind->role == call_role::exec) {
      enter_ns = one.pending->enter_ns;
      one.pending.reset();
    }
    if (number != tid) others.push_back(&one);
  }
  std::ranges::sort(others, {}, &live_task::id);
  for (live_task* const other : others) {
    if (!other->has_exited) log_.note_oddity("thread ended by another thread's exec");
    end(*other);
  }
  live_task* const task = find(tid);
  const task_id id = task != nullptr ? task->id : static_cast<task_id>(log_.into().tasks.size());
  if (task != nullptr) {
    if (task->pending) abandon_call(*task, "exec inside another call");
    const std::uint64_t since_ns = enter_ns != 0 ? enter_ns : log_.now_ns();
    log_.add_window({.space = task->space, .from_ns = since_ns, .to_ns = log_.now_ns() + 1, .pid = pid});
    leave_space(*task, since_ns);
  }
  const space_id fresh = add_space({.from = space::origin::exec, .pid = pid, .first_event = log_.size()});
  const std::size_t at_event =
      log_.append(fresh, id, space_begin{.maps = {}, .is_known = true, .exec_enter_ns = enter_ns});
  if (task != nullptr) {
    task->space = fresh;
    ++spaces_[fresh].users;
    processes_[pid].space = fresh;
  } else {
    add_task(pid, tid, fresh, no_id, comm);
  }
  process& its = processes_[pid];
  its.dying_since_ns.reset();
  its.exec = exec_in_progress{.at_event = at_event, .since_ns = log_.now_ns(), .image = {}};
}

void process_tree::finish_exec(process& of, std::uint64_t exit_ns) {
  const exec_in_progress exec = std::move(*of.exec);
  of.exec.reset();
  auto& begun = std::get<space_begin>(log_.payload_at(exec.at_event));
  begun.maps = log_.add_notices(exec.image.maps());
  begun.exec_exit_ns = exit_ns;
  log_.add_window({.space = of.space, .from_ns = exec.since_ns, .to_ns = log_.now_ns() + 1, .is_exec = true});
}

void process_tree::begin_call(live_task& by, pending_call call) {
  if (by.pending) abandon_call(by, "call inside another call");
  if (call.changes_maps) ++spaces_[by.space].changing_calls;
  by.pending = std::move(call);
}

std::optional<pending_call> process_tree::end_call(live_task& by) {
  std::optional<pending_call> ended = std::exchange(by.pending, std::nullopt);
  if (ended && ended->changes_maps) {
    --spaces_[by.space].changing_calls;
    log_.add_window({.space = by.space, .from_ns = ended->enter_ns, .to_ns = log_.now_ns() + 1});
  }
  return ended;
}

void process_tree::abandon_call(live_task& by, std::string_view why) {
  const auto ended = end_call(by);
  log_.note_oddity(why, ended->kind->name);
  if (ended->kind->role == call_role::memory && !ended->at_event) log_.append(by.space, by.id, ended->what);
}

bool process_tree::races_a_call(const live_task& one) const noexcept {
  const bool own = one.pending && one.pending->changes_maps;
  return spaces_[one.space].changing_calls > (own ? 1u : 0u);
}

void process_tree::finish() {
  for (const exited& last : exited_) {
    live_task* const gone = find(last.tid);
    if (gone != nullptr && gone->id == last.id) end(*gone);
  }
  exited_.clear();
  std::vector<live_task*> left;
  left.reserve(tasks_.size());
  for (auto& [number, one] : tasks_) left.push_back(&one);
  std::ranges::sort(left, {}, &live_task::id);
  for (live_task* const one : left) {
    if (one->pending) abandon_call(*one, "call in flight at the end");
  }
  for (auto& [pid, one] : processes_) {
    if (!one.exec) continue;
    log_.note_oddity("exec in progress at the end");
    finish_exec(one, 0);
  }
  if (!announced_.empty()) log_.into().report.oddities["FORK without task_newtask"] += announced_.size();

  const std::size_t end = log_.size();
  for (space& one : log_.into().spaces) one.end_event = std::min(one.end_event, end);
  for (task& one : log_.into().tasks) one.end_event = std::min(one.end_event, end);
}

}  // namespace rcuvm::recording
