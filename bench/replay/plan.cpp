// SPDX-License-Identifier: Apache-2.0
#include "bench/replay/plan.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <stdexcept>

namespace rcuvm::replay {

namespace {

std::vector<std::uint32_t> deal_out(const script& of, std::uint32_t workers) {
  const std::size_t tasks = of.trace->tasks.size();
  std::vector<std::uint64_t> steps_of(tasks, 0);
  for (const step& one : of.steps) ++steps_of[one.task];
  std::vector<recording::task_id> by_size(tasks);
  std::iota(by_size.begin(), by_size.end(), 0U);
  std::ranges::sort(by_size, [&](recording::task_id one, recording::task_id other) {
    return steps_of[one] != steps_of[other] ? steps_of[one] > steps_of[other] : one < other;
  });

  std::vector<std::uint32_t> worker_of(tasks, 0);
  std::vector<std::uint64_t> load(workers, 0);
  for (recording::task_id one : by_size) {
    const auto least = std::ranges::min_element(load) - load.begin();
    worker_of[one] = static_cast<std::uint32_t>(least);
    load[static_cast<std::size_t>(least)] += steps_of[one];
  }
  return worker_of;
}

}  // namespace

plan lay_out(const script& of, std::uint32_t workers) {
  if (of.steps.size() >= std::numeric_limits<std::uint32_t>::max()) {
    throw std::length_error{"rcuvm: a recording of 2^32 steps cannot be laid out"};
  }
  const std::vector<std::uint32_t> worker_of = deal_out(of, workers);
  plan made;
  made.of = &of;
  made.workers.resize(workers);
  order keeps{workers};

  // A task starts after what its creator had done by then: the creator's last step before the task's first event.
  std::vector<std::optional<position>> last_of(of.trace->tasks.size());
  std::vector<std::optional<position>> creator_at(of.trace->tasks.size());
  std::vector<bool> has_begun(of.trace->tasks.size(), false);
  std::vector<position> waits;
  std::size_t next_event = 0;
  const auto note_begin = [&](const recording::event& one) {
    if (!std::holds_alternative<recording::task_begin>(one.what)) return;
    const recording::task_id creator = of.trace->tasks[one.task].creator;
    if (creator == recording::no_id) return;
    creator_at[one.task] = last_of[creator] ? last_of[creator] : creator_at[creator];
  };

  for (std::uint32_t index = 0; index < of.steps.size(); ++index) {
    const step& one = of.steps[index];
    for (; next_event <= one.event; ++next_event) note_begin(of.trace->events[next_event]);

    std::vector<position> after;
    if (!has_begun[one.task] && creator_at[one.task]) after.push_back(*creator_at[one.task]);
    has_begun[one.task] = true;
    waits.clear();
    const std::uint32_t worker = worker_of[one.task];
    const touches all = touches_of(of, one);
    last_of[one.task] = keeps.add(worker, {all.data(), all.size()}, after, waits);
    made.workers[worker].push_back({.step = index,
                                    .first_wait = static_cast<std::uint32_t>(made.waits.size()),
                                    .wait_count = static_cast<std::uint32_t>(waits.size())});
    made.waits.insert(made.waits.end(), waits.begin(), waits.end());
  }
  return made;
}

}  // namespace rcuvm::replay
