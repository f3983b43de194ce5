// SPDX-License-Identifier: Apache-2.0
#include "bench/replay/plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/bench/replay_story.hpp"
#include "tests/tree/settings.hpp"

namespace rcuvm::replay {
namespace {

/// Some processes with some threads that map, touch and unmap the same few pages.
story random_story(std::mt19937_64& random) {
  const auto below = [&](std::uint64_t bound) { return random() % bound; };
  story told;
  told.execs(0);
  recording::task_id tasks = 1;
  for (std::uint64_t count = 20 + below(300); count > 0; --count) {
    const auto task = static_cast<recording::task_id>(below(tasks));
    const address at = 0x10000 + below(16) * page_size;
    switch (below(12)) {
      case 0: told.starts(task, tasks++); break;
      case 1: told.forks(task, tasks++); break;
      case 2: told.maps(task, at, page_size * (1 + below(4))); break;
      case 3: told.unmaps(task, at, page_size * (1 + below(4))); break;
      case 4: told.protects(task, at, page_size, PROT_READ); break;
      case 5: told.breaks(task, 0, 0x80000); break;
      default: told.faults(task, at); break;
    }
  }
  return told;
}

/// Runs a plan with a random worker at a time, as real threads might: the steps in the order in which they ran.
/// Shorter than the script when the workers wait for each other in a circle.
std::vector<std::uint32_t> execute(const plan& of, std::mt19937_64& random) {
  std::vector<std::uint32_t> ran;
  std::vector<std::uint32_t> done(of.workers.size(), 0);
  const auto may_run = [&](std::size_t worker) {
    if (done[worker] == of.workers[worker].size()) return false;
    const auto waits = of.waits_of(of.workers[worker][done[worker]]);
    return std::ranges::all_of(waits, [&](position wait) { return done[wait.worker] > wait.index; });
  };
  for (;;) {
    std::vector<std::size_t> ready;
    for (std::size_t worker = 0; worker < of.workers.size(); ++worker) {
      if (may_run(worker)) ready.push_back(worker);
    }
    if (ready.empty()) return ran;
    // Mostly the same worker goes on, so that it gets far ahead of the others.
    const std::size_t chosen = random() % 4 == 0 ? ready[random() % ready.size()] : ready.front();
    ran.push_back(of.workers[chosen][done[chosen]++].step);
  }
}

bool must_keep_order(const script& of, const step& earlier, const step& later) {
  if (earlier.task == later.task) return true;
  for (const touch& one : touches_of(of, earlier)) {
    for (const touch& other : touches_of(of, later)) {
      const bool is_changed = one.what == touch::kind::changes || other.what == touch::kind::changes;
      if (is_changed && one.space == other.space && one.where.overlaps(other.where)) return true;
    }
  }
  return false;
}

std::uint64_t first_seed() { return tree::testing::seed_or(1); }

TEST(plan, Every_execution_ends_and_keeps_the_order_of_what_overlaps) {
  for (std::uint64_t seed = first_seed(); seed < first_seed() + 60; ++seed) {
    SCOPED_TRACE("RCUVM_SEED=" + std::to_string(seed));
    std::mt19937_64 random{seed};
    const story told = random_story(random);
    const script made = resolve(told.trace());
    const plan laid = lay_out(made, static_cast<std::uint32_t>(1 + random() % 6));
    for (int attempt = 0; attempt < 8; ++attempt) {
      const std::vector<std::uint32_t> ran = execute(laid, random);
      ASSERT_EQ(ran.size(), made.steps.size());
      for (std::size_t first = 0; first < ran.size(); ++first) {
        for (std::size_t second = first + 1; second < ran.size(); ++second) {
          if (ran[first] < ran[second]) continue;
          ASSERT_FALSE(must_keep_order(made, made.steps[ran[second]], made.steps[ran[first]]))
              << "steps " << ran[second] << " and " << ran[first];
        }
      }
    }
  }
}

// task 0   exec  map A  map B  start task 1
// task 1                                     fault in A        must not come before map B either
TEST(plan, A_task_starts_after_its_creators_last_step) {
  story told;
  told.execs(0).maps(0, 0x10000, 0x1000).maps(0, 0x40000, 0x1000).starts(0, 1).faults(1, 0x10000);
  const script made = resolve(told.trace());
  const plan laid = lay_out(made, 2);
  ASSERT_EQ(laid.workers[1].size(), 1U);
  const auto waits = laid.waits_of(laid.workers[1][0]);
  ASSERT_EQ(waits.size(), 1U);
  EXPECT_EQ(waits[0], (position{0, 2}));
}

// A task that has done nothing itself stands for its creator.
TEST(plan, A_grandchild_of_an_idle_task_starts_after_the_grandparents_step) {
  story told;
  told.execs(0).maps(0, 0x10000, 0x1000).starts(0, 1).starts(1, 2).faults(2, 0x999000);
  const script made = resolve(told.trace());
  const plan laid = lay_out(made, 2);
  ASSERT_EQ(laid.workers[1].size(), 1U);
  EXPECT_EQ(laid.waits_of(laid.workers[1][0]).size(), 1U);
}

TEST(plan, Work_is_dealt_out_evenly_and_the_same_every_time) {
  story told;
  told.execs(0);
  for (recording::task_id task = 1; task < 9; ++task) {
    told.starts(0, task);
    for (address page = 0; page < 50; ++page) told.faults(task, 0x10000 + page * page_size);
  }
  const script made = resolve(told.trace());
  const plan one = lay_out(made, 4);
  const plan other = lay_out(made, 4);
  for (std::size_t worker = 0; worker < 4; ++worker) {
    EXPECT_NEAR(static_cast<double>(one.workers[worker].size()), 100, 1);
    EXPECT_EQ(one.workers[worker].size(), other.workers[worker].size());
  }
  EXPECT_EQ(one.waits, other.waits);
}

TEST(plan, One_worker_waits_for_nobody) {
  std::mt19937_64 random{7};
  const story told = random_story(random);
  const script made = resolve(told.trace());
  EXPECT_TRUE(lay_out(made, 1).waits.empty());
}

}  // namespace
}  // namespace rcuvm::replay
