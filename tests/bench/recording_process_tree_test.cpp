// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/process_tree.hpp"

#include <gtest/gtest.h>

#include "tests/bench/recording_script.hpp"

namespace rcuvm::recording {
namespace {

TEST(process_tree, an_exec_ends_the_old_space_and_a_failed_one_does_not) {
  const trace run = run_of(script{}
                               .execs(10)
                               .says("syscalls:sys_enter_execve: filename: 0x1, argv: 0x2, envp: 0x3")
                               .says("syscalls:sys_exit_execve: 0xfffffffffffffffe")
                               .says(fault_line)
                               .says("syscalls:sys_enter_execve: filename: 0x1, argv: 0x2, envp: 0x3")
                               .execs(10)
                               .says(fault_line));
  EXPECT_EQ(run.report.failed_calls.at("execve"), 1u);
  EXPECT_EQ(run.report.classes.at("sys_enter_execve").without_event, 1u);
  EXPECT_EQ(run.report.classes.at("sys_exit_execve").without_event, 1u);
  ASSERT_EQ(run.spaces.size(), 2u);
  const auto faults = events_of<fault>(run);
  EXPECT_EQ(faults[0]->space, 0u);
  EXPECT_EQ(faults[1]->space, 1u);
  EXPECT_EQ(faults[0]->task, faults[1]->task) << "the task lives on";
  EXPECT_LT(run.spaces[0].end_event, run.spaces[1].first_event);
  EXPECT_GT(std::get<space_begin>(events_of<space_begin>(run)[1]->what).exec_enter_ns, 0u);
}

TEST(process_tree, fork_copies_and_vfork_shares_until_its_exec) {
  const trace run = run_of(script{}
                               .execs(10)
                               .clones(10, 20, "1200000")
                               .task(20, 20)
                               .says("syscalls:sys_exit_clone: 0x0")  // of a new task, without enter
                               .says(fault_line)
                               .clones(10, 30, "4100")
                               .task(30, 30)
                               .says(fault_line)
                               .says("syscalls:sys_enter_execve: filename: 0x1, argv: 0x2, envp: 0x3")
                               .execs(30)
                               .says(fault_line));
  EXPECT_TRUE(run.report.oddities.empty()) << run.report.to_text();
  ASSERT_EQ(run.spaces.size(), 3u);
  EXPECT_EQ(run.spaces[1].from, space::origin::fork);
  EXPECT_EQ(run.spaces[1].parent, 0u);
  const auto faults = events_of<fault>(run);
  ASSERT_EQ(faults.size(), 3u);
  EXPECT_EQ(faults[0]->space, 1u) << "the forked child has its own";
  EXPECT_EQ(faults[1]->space, 0u) << "the vforked one runs in its parent's";
  EXPECT_EQ(faults[2]->space, 2u) << "until its exec";
  EXPECT_EQ(run.spaces[0].end_event, run.events.size()) << "which leaves the parent's as it is";
  const auto forks = events_of<space_fork>(run);
  ASSERT_EQ(forks.size(), 1u);
  EXPECT_EQ(forks[0]->space, 0u);
  EXPECT_EQ(std::get<space_fork>(forks[0]->what).child, 1u);
}

TEST(process_tree, a_space_ends_with_its_last_thread) {
  const trace run = run_of(script{}
                               .execs(10)
                               .clones(10, 11, "3d0f00")
                               .task(10, 10)
                               .says("syscalls:sys_enter_exit: error_code: 0x00000000")
                               .exits(10, 10)
                               .at_us(5'000)
                               .task(10, 11)
                               .says(fault_line)
                               .says("syscalls:sys_enter_exit_group: error_code: 0x00000000")
                               .exits(10, 11));
  ASSERT_EQ(run.spaces.size(), 1u);
  const std::size_t count = run.events.size();
  EXPECT_TRUE(std::holds_alternative<space_end>(run.events[count - 1].what));
  EXPECT_TRUE(std::holds_alternative<task_end>(run.events[count - 2].what));
  EXPECT_EQ(run.tasks[run.events[count - 2].task].tid, 11);
  EXPECT_LT(run.tasks[0].end_event, run.tasks[1].end_event);
  EXPECT_EQ(run.report.classes.at("sys_enter_exit").without_event, 1u);
}

// Seen in chromium_headless and redis_bgsave: threads that exit_group kills.
TEST(process_tree, the_fault_behind_an_EXIT_still_belongs_to_the_task) {
  const trace run =
      run_of(script{}
                 .execs(10)
                 .clones(10, 11, "3d0f00")
                 .exits(10, 11)
                 .says("exceptions:page_fault_kernel: address=0x12345 ip=__put_user_4 error_code=0x3")
                 .at_us(9'000)
                 .says(fault_line));
  EXPECT_EQ(run.tasks.size(), 2u);
  EXPECT_EQ(events_of<fault>(run).size(), 1u);
  EXPECT_EQ(oddity(run, "line of a task after its EXIT"), 1u) << "but not for ever";
}

TEST(process_tree, numbers_are_used_again) {
  const trace run = run_of(script{}
                               .execs(10)
                               .clones(10, 11, "3d0f00")
                               .exits(10, 11)
                               .clones(10, 11, "1200000")
                               .task(11, 11)
                               .says(fault_line));
  EXPECT_TRUE(run.report.oddities.empty()) << run.report.to_text();
  ASSERT_EQ(run.tasks.size(), 3u);
  EXPECT_EQ(run.tasks[1].tid, run.tasks[2].tid);
  EXPECT_EQ(run.tasks[2].pid, 11);
  EXPECT_EQ(events_of<fault>(run)[0]->task, 2u);
}

TEST(process_tree, an_exec_of_another_thread_takes_the_first_ones_number) {
  const trace run = run_of(script{}
                               .execs(10)
                               .clones(10, 11, "3d0f00")
                               .task(10, 11)
                               .says("syscalls:sys_enter_execve: filename: 0x1, argv: 0x2, envp: 0x3")
                               .exits(10, 10)
                               .execs(10)
                               .says(fault_line));
  EXPECT_EQ(oddity(run, "thread ended by another thread's exec"), 1u);
  ASSERT_EQ(run.spaces.size(), 2u);
  EXPECT_LE(run.spaces[0].end_event, run.spaces[1].first_event);
  EXPECT_EQ(events_of<fault>(run)[0]->space, 1u);
}

TEST(process_tree, what_was_there_before_the_recording) {
  const trace run =
      run_of(script{}.task(10, 12).says(fault_line).clones(10, 20, "1200000").task(20, 20).says(fault_line),
             {}, "@@ pid=10 t0=100.000000500 t1=100.000000600 vmas=0 comm=x\n");
  EXPECT_EQ(oddity(run, "task first seen in mid-life"), 2u) << "threads 12 and 10";
  ASSERT_EQ(run.spaces.size(), 2u);
  EXPECT_FALSE(run.spaces[0].is_known);
  EXPECT_FALSE(run.spaces[1].is_known) << "a copy of the unknown";
  EXPECT_EQ(run.spaces[0].from, space::origin::found);
  EXPECT_EQ(run.samples[0].verdict, comparison::unknown_contents);
}

TEST(process_tree, a_lost_task_newtask_is_made_up_from_the_FORK_record) {
  const trace run = run_of(script{}
                               .execs(10)
                               .says("PERF_RECORD_FORK(10:11):(10:10)")
                               .says("PERF_RECORD_FORK(20:20):(10:10)")
                               .task(10, 11)
                               .says(fault_line)
                               .task(20, 20)
                               .says(fault_line)
                               .task(10, 10)
                               .says("PERF_RECORD_FORK(30:30):(10:10)"));
  EXPECT_EQ(oddity(run, "FORK without task_newtask"), 3u);
  EXPECT_EQ(run.tasks.size(), 3u);
  const auto faults = events_of<fault>(run);
  EXPECT_EQ(faults[0]->space, 0u);
  EXPECT_EQ(faults[1]->space, 1u);
  EXPECT_EQ(run.spaces[1].from, space::origin::fork);
}

}  // namespace
}  // namespace rcuvm::recording
