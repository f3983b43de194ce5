// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/event_log.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/bench/recording_script.hpp"

namespace rcuvm::recording {
namespace {

std::string sample_at(int pid, std::uint64_t from_us, std::uint64_t to_us) {
  const auto time = [](std::uint64_t us) {
    std::string fraction = std::to_string(us);
    return "100." + std::string(6 - fraction.size(), '0') + fraction + "500";
  };
  return "@@ pid=" + std::to_string(pid) + " t0=" + time(from_us) + " t1=" + time(to_us) +
         " vmas=1 comm=x\n00001000-00002000 r--p 00000000 00:00 0 \n";
}

/// Events at 0..2 (exec), 10 enter mmap, 20 exit mmap, 30 fault, 40 clone, 50 exec of the child, 60 harmless madvise,
/// 70 exit of the child.
TEST(event_log, which_samples_can_be_compared) {
  script lines;
  lines.execs(10)
      .at_us(10)
      .says(enter_mmap)
      .at_us(20)
      .says("syscalls:sys_exit_mmap: 0x10000")
      .at_us(30)
      .says(fault_line)
      .at_us(40)
      .clones(10, 20, "1200000")
      .at_us(50)
      .execs(20)
      .at_us(60)
      .task(10, 10)
      .says("syscalls:sys_enter_madvise: start: 0x1000, len_in: 0x1000, behavior: 0x00000004")
      .at_us(65)
      .says("syscalls:sys_exit_madvise: 0x0")
      .at_us(70)
      .exits(20, 20)
      .at_us(5'000)
      .task(10, 10)
      .says(fault_line);
  struct expectation {
    int pid;
    std::uint64_t from_us, to_us;
    comparison verdict;
  };
  const std::vector<expectation> all{
      {10, 0, 1, comparison::exec_in_progress},     {10, 4, 8, comparison::comparable},
      {10, 9, 11, comparison::changed_meanwhile},   {10, 12, 14, comparison::call_in_flight},
      {10, 18, 25, comparison::call_in_flight},     {10, 25, 35, comparison::comparable},
      {20, 30, 31, comparison::no_such_space},      {10, 39, 45, comparison::comparable},
      {20, 42, 44, comparison::comparable},         {20, 45, 51, comparison::changed_meanwhile},
      {20, 51, 55, comparison::exec_in_progress},   {10, 59, 66, comparison::comparable},
      {20, 60, 65, comparison::comparable},         {20, 66, 75, comparison::changed_meanwhile},
      {20, 80, 90, comparison::call_in_flight},     {10, 80, 90, comparison::comparable},
      {10, 4'000, 6'000, comparison::past_the_end},
  };
  std::string maps;
  for (const expectation& one : all) maps += sample_at(one.pid, one.from_us, one.to_us);
  const trace run = run_of(lines, {}, maps);
  ASSERT_EQ(run.samples.size(), all.size());
  for (const maps_sample& sample : run.samples) {
    const expectation& wanted = all[(sample.line - 1) / 2];
    EXPECT_EQ(name_of(sample.verdict), name_of(wanted.verdict)) << wanted.pid << " at " << wanted.from_us;
    if (sample.is_comparable()) {
      EXPECT_TRUE(sample.events_before == 0 ||
                  run.events[sample.events_before - 1].time_ns < sample.start_ns);
      EXPECT_TRUE(sample.events_before == run.events.size() ||
                  run.events[sample.events_before].time_ns >= sample.start_ns);
    }
  }
}

// MADV_HUGEPAGE (14) sets a VMA flag, so it may split a line of maps; MADV_DONTNEED (4) above does not.
TEST(event_log, advice_that_sets_a_flag_changes_the_maps) {
  const trace run =
      run_of(script{}
                 .execs(10)
                 .at_us(10)
                 .says("syscalls:sys_enter_madvise: start: 0x1000, len_in: 0x1000, behavior: 0x0000000e")
                 .at_us(20)
                 .says("syscalls:sys_exit_madvise: 0x0")
                 .at_us(30)
                 .says(fault_line),
             {}, sample_at(10, 12, 14));
  EXPECT_EQ(run.samples[0].verdict, comparison::call_in_flight);
}

// The space does not change, but the process of the child moves to another one.
TEST(event_log, an_exec_after_vfork_disturbs_the_samples_of_the_child_alone) {
  script lines;
  lines.execs(10)
      .at_us(10)
      .clones(10, 30, "4100")
      .at_us(20)
      .execs(30)
      .at_us(30)
      .task(10, 10)
      .says(fault_line);
  const trace run = run_of(lines, {}, sample_at(10, 15, 25) + sample_at(30, 16, 25) + sample_at(30, 12, 14));
  ASSERT_EQ(run.samples.size(), 3u);
  EXPECT_EQ(run.samples[0].verdict, comparison::comparable) << "the child before its exec";
  EXPECT_EQ(run.samples[0].space, 0u);
  EXPECT_EQ(run.samples[1].verdict, comparison::comparable) << "the parent during it";
  EXPECT_EQ(run.samples[2].verdict, comparison::changed_meanwhile) << "the child during it";
}

}  // namespace
}  // namespace rcuvm::recording
