// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Who runs in which address space, as the recording goes on.
///
///   bash 10 ──fork──> 11 ──exec──> rm        fork: a copy. exec: a fresh space.
///            └─vfork─> 12 ┄┄┄┄┄┄┄> cc1       vfork: in bash's own space until its exec.
///   java 20 ──clone─> 20/21, 20/22           threads: one space, which ends with the last of them.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bench/recording/calls.hpp"
#include "bench/recording/event_log.hpp"
#include "bench/recording/exec_image.hpp"
#include "bench/recording/perf_event.hpp"

namespace rcuvm::recording {

/// A call that was entered and has not returned.
struct pending_call {
  const call_kind* kind = nullptr;
  std::uint64_t enter_ns = 0;
  event::payload what;  ///< of role memory
  std::vector<notice> notices;
  std::optional<std::size_t> at_event;  ///< its event, when that stands already (munmap)
  bool changes_maps = false;            ///< and is counted in space_state::changing_calls
};

struct live_task {
  task_id id = no_id;
  std::int32_t pid = 0;
  std::int32_t tid = 0;
  space_id space = no_id;
  std::optional<pending_call> pending;
  std::optional<std::uint64_t> dying_since_ns;  ///< its exit or exit_group, or else its EXIT
  bool has_exited = false;                      ///< its EXIT was seen; it may still fault once
};

/// An execve between its point of no return and its return.
struct exec_in_progress {
  std::size_t at_event = 0;  ///< its space_begin
  std::uint64_t since_ns = 0;
  exec_image image;
};

struct process {
  space_id space = no_id;
  std::uint32_t threads = 0;
  std::optional<std::uint64_t> dying_since_ns;  ///< its exit_group
  std::optional<exec_in_progress> exec;
};

class process_tree {
 public:
  explicit process_tree(event_log& log) noexcept : log_{log} {}

  /// The task of that number; one that is new to the recording begins here, in mid-life.
  [[nodiscard]] live_task& get(std::int32_t pid, std::int32_t tid, std::string_view comm);
  /// nullptr when it is not alive.
  [[nodiscard]] live_task* find(std::int32_t tid) noexcept;
  [[nodiscard]] process& process_of(const live_task& one) { return processes_.at(one.pid); }
  [[nodiscard]] process* find_process(std::int32_t pid) noexcept;

  void note_fork(const perf::fork_record& record);
  void begin(live_task& creator, const perf::new_task& child, std::string_view comm);

  /// Its EXIT. Kernel 6.18 writes that record before the task lets go of its memory, and a thread that is killed then
  /// still clears its child_tid word, with a fault; so the task ends a moment later, in end_exited().
  void note_exit(live_task& one);
  /// Ends the tasks whose EXIT is longer ago than such a fault takes.
  void end_exited();
  /// Whether that task has been ended and its number is not in use again.
  [[nodiscard]] bool has_ended(std::int32_t pid, std::int32_t tid) const noexcept;

  /// The point of no return of an exec: other threads are gone, the task has a fresh space.
  void begin_exec(std::int32_t pid, std::int32_t tid, std::string_view comm);
  /// The exec is over: what the kernel mapped meanwhile is what the space holds.
  void finish_exec(process& of, std::uint64_t exit_ns);

  void begin_call(live_task& by, pending_call call);
  /// Takes the task's call off its hands; none when it is in none.
  std::optional<pending_call> end_call(live_task& by);
  /// The call will never return: its event says so.
  void abandon_call(live_task& by, std::string_view why);

  /// Calls of other tasks that are changing the maps of this task's space.
  [[nodiscard]] bool races_a_call(const live_task& one) const noexcept;

  /// The end of the recording: what is still going on is closed and counted.
  void finish();

 private:
  struct space_state {
    std::uint32_t users = 0;
    std::uint32_t changing_calls = 0;
  };

  [[nodiscard]] space_id add_space(space made);
  live_task& add_task(std::int32_t pid, std::int32_t tid, space_id in, task_id creator,
                      std::string_view comm);
  /// The task leaves its space, which ends if it was the last one there.
  void leave_space(const live_task& one, std::uint64_t leaving_since_ns);
  live_task& add_found(std::int32_t pid, std::int32_t tid, std::string_view comm);
  void end(live_task& one);

  struct exited {
    std::int32_t tid;
    task_id id;
    std::uint64_t at_ns;
  };

  event_log& log_;
  std::unordered_map<std::int32_t, live_task> tasks_;
  std::unordered_map<std::int32_t, process> processes_;
  std::vector<space_state> spaces_;
  std::deque<exited> exited_;                                      ///< by time
  std::unordered_map<std::int32_t, std::int32_t> ended_;           ///< pid by tid
  std::unordered_map<std::int32_t, perf::fork_record> announced_;  ///< forked, task_newtask not seen yet
};

}  // namespace rcuvm::recording
