// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A recording written by hand: what some tasks did, one call after the other.
///
///   story told;
///   told.execs(0).maps(0, 0x10000, 0x3000).faults(0, 0x10000).starts(0, 1).unmaps(1, 0x10000, 0x3000);

#include <sys/mman.h>

#include <cerrno>
#include <cstdint>

#include "bench/recording/recording.hpp"

namespace rcuvm::replay {

class story {
 public:
  story() { trace_.name = "story"; }

  [[nodiscard]] const recording::trace& trace() const { return trace_; }

  /// A space without anything in it, which `task` runs from now on.
  story& execs(recording::task_id task) {
    trace_.spaces.push_back({.first_event = trace_.events.size()});
    task_of(task).space = static_cast<recording::space_id>(trace_.spaces.size() - 1);
    begin_task(task);
    return says(task, recording::space_begin{});
  }
  /// A thread of the same space.
  story& starts(recording::task_id task, recording::task_id thread) {
    task_of(thread).space = task_of(task).space;
    trace_.tasks[thread].creator = task;
    begin_task(thread);
    return *this;
  }
  story& forks(recording::task_id task, recording::task_id child) {
    const auto space = static_cast<recording::space_id>(trace_.spaces.size());
    trace_.spaces.push_back({.from = recording::space::origin::fork, .parent = task_of(task).space});
    says(task, recording::space_fork{.child = space});
    task_of(child).space = space;
    trace_.tasks[child].creator = task;
    begin_task(child);
    return *this;
  }
  story& maps(recording::task_id task, address at, std::uint64_t length,
              std::uint32_t flags = MAP_PRIVATE | MAP_ANONYMOUS,
              std::uint32_t protection = PROT_READ | PROT_WRITE) {
    return says(
        task, recording::mmap_call{
                  .how = returns(at), .hint = 0, .length = length, .protection = protection, .flags = flags});
  }
  /// The file's first `length` bytes, shared.
  story& maps_file(recording::task_id task, address at, std::uint64_t length, recording::file_id file) {
    return says(task, recording::mmap_call{.how = returns(at),
                                           .hint = 0,
                                           .length = length,
                                           .protection = PROT_READ | PROT_WRITE,
                                           .flags = MAP_SHARED,
                                           .file = file});
  }
  story& unmaps(recording::task_id task, address at, std::uint64_t length, int failure = 0) {
    return says(task, recording::munmap_call{.how = fails(failure), .start = at, .length = length});
  }
  story& protects(recording::task_id task, address at, std::uint64_t length, std::uint32_t protection) {
    return says(task, recording::mprotect_call{
                          .how = returns(0), .start = at, .length = length, .protection = protection});
  }
  story& breaks(recording::task_id task, address wanted, address got) {
    return says(task, recording::brk_call{.how = returns(got), .wanted = wanted});
  }
  story& faults(recording::task_id task, address at, recording::access kind = recording::access::write) {
    return says(task, recording::fault{.at = at, .kind = kind});
  }
  story& ends(recording::task_id task) { return says(task, recording::space_end{}); }

  /// Any event.
  story& says(recording::task_id task, recording::event::payload what) {
    const recording::space_id space = task_of(task).space;
    trace_.events.push_back(
        {.time_ns = trace_.events.size(), .space = space, .task = task, .what = std::move(what)});
    return *this;
  }
  recording::trace& edit() { return trace_; }

  [[nodiscard]] static recording::call returns(std::uint64_t value) {
    return {.enter_ns = 1, .exit_ns = 2, .returned = value, .has_returned = true, .notices = {}};
  }
  [[nodiscard]] static recording::call fails(int number) {
    return returns(~static_cast<std::uint64_t>(number) + 1);
  }

 private:
  struct place {
    recording::space_id space = 0;
  };

  place& task_of(recording::task_id task) {
    if (places_.size() <= task) places_.resize(task + 1);
    if (trace_.tasks.size() <= task) trace_.tasks.resize(task + 1);
    return places_[task];
  }
  void begin_task(recording::task_id task) {
    trace_.tasks[task].first_event = trace_.events.size();
    says(task, recording::task_begin{});
  }

  recording::trace trace_;
  std::vector<place> places_;
};

}  // namespace rcuvm::replay
