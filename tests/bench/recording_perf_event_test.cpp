// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/perf_event.hpp"

#include <gtest/gtest.h>

#include <string>

namespace rcuvm::recording::perf {
namespace {

using proc_maps::permission;

/// The event of that type in a recorded line.
template <class Event>
Event parsed(std::string_view text) {
  const auto result = parse_event(text);
  if (!result) {
    ADD_FAILURE() << text << ": column " << result.error().column << ": " << result.error().reason;
    return {};
  }
  const Event* const wanted = std::get_if<Event>(&*result);
  if (wanted == nullptr) {
    ADD_FAILURE() << text << ": is event " << result->index();
    return {};
  }
  return *wanted;
}

TEST(perf_event, a_call_and_its_arguments) {
  const auto one = parsed<call_enter>(
      "syscalls:sys_enter_mmap: addr: 0x00000000, len: 0x00002000, prot: 0x00000003, flags: 0x00000022, fd: "
      "0xffffffff, "
      "off: 0x00000000");
  EXPECT_EQ(one.name, "mmap");
  ASSERT_NE(one.given.find("len"), nullptr);
  EXPECT_EQ(*one.given.find("len"), 0x2000u);
  EXPECT_EQ(*one.given.find("fd"), 0xffffffffu);
  EXPECT_EQ(*one.given.find("off"), 0u);
  EXPECT_EQ(one.given.find("length"), nullptr);
}

TEST(perf_event, a_call_without_arguments) {
  EXPECT_EQ(parsed<call_enter>("syscalls:sys_enter_vfork: ").name, "vfork");
  EXPECT_EQ(parsed<call_enter>("syscalls:sys_enter_vfork:").name, "vfork");
}

TEST(perf_event, a_result_is_raw) {
  EXPECT_EQ(parsed<call_exit>("syscalls:sys_exit_mmap: 0xffffffffffffffef").returned, 0xffffffffffffffefu);
  EXPECT_EQ(parsed<call_exit>("syscalls:sys_exit_munmap: 0x0").returned, 0u);
  EXPECT_EQ(parsed<call_exit>("syscalls:sys_exit_clone3: 0x549b").name, "clone3");
}

TEST(perf_event, faults) {
  const auto user = parsed<page_fault>(
      "exceptions:page_fault_user: address=0x7f085ab08000 ip=0x555f474f11cc error_code=0x6");
  EXPECT_EQ(user.at, 0x7f085ab08000u);
  EXPECT_EQ(user.error_code, 6u);
  EXPECT_FALSE(user.by_kernel);
  const auto kernel = parsed<page_fault>(
      "exceptions:page_fault_kernel: address=0x7fff81ddefa0 ip=__put_user_8 error_code=0x2");
  EXPECT_TRUE(kernel.by_kernel);
}

TEST(perf_event, a_mapping_of_a_file) {
  const auto one = parsed<mapping>(
      "PERF_RECORD_MMAP2 24022/24023: [0x7f8469436000(0xf000) @ 0x2f000 fe:00 409619 521581918]: r-xp "
      "/etc/ld so.cache");
  EXPECT_EQ(one.pid, 24022);
  EXPECT_EQ(one.tid, 24023);
  EXPECT_EQ(one.where, (range{0x7f8469436000, 0x7f8469445000}));
  EXPECT_EQ(one.offset, 0x2f000u);
  EXPECT_EQ(one.device_major, 0xfeu);
  EXPECT_EQ(one.inode, 409619u);
  EXPECT_EQ(one.generation, 521581918u);
  EXPECT_EQ(one.allowed, (proc_maps::permissions{permission::read, permission::execute}));
  EXPECT_EQ(one.name, "/etc/ld so.cache");
}

TEST(perf_event, a_zero_offset_has_no_prefix) {
  const auto one = parsed<mapping>(
      "PERF_RECORD_MMAP2 1/1: [0x7f846944d000(0x2000) @ 0 00:170 9223372036854775811 0]: rwxs [vdso]");
  EXPECT_EQ(one.offset, 0u);
  EXPECT_EQ(one.device_minor, 0x170u);
  EXPECT_EQ(one.inode, 9223372036854775811u);
  EXPECT_TRUE(one.allowed.has(permission::shared));
}

TEST(perf_event, tasks_come_and_go) {
  const auto forked = parsed<fork_record>("PERF_RECORD_FORK(21305:21306):(21283:21284)");
  EXPECT_EQ(forked.pid, 21305);
  EXPECT_EQ(forked.tid, 21306);
  EXPECT_EQ(forked.parent_pid, 21283);
  EXPECT_EQ(forked.parent_tid, 21284);
  EXPECT_EQ(parsed<exit_record>("PERF_RECORD_EXIT(21305:21306):(21283:21283)").tid, 21306);
}

// FORMATS.md: clone_flags are hexadecimal WITHOUT 0x.
TEST(perf_event, clone_flags) {
  const auto fork =
      parsed<new_task>("task:task_newtask: pid=21305 comm=bash clone_flags=1200000 oom_score_adj=0");
  EXPECT_EQ(fork.tid, 21305);
  EXPECT_FALSE(fork.shares_memory());
  EXPECT_FALSE(fork.is_thread());
  const auto thread =
      parsed<new_task>("task:task_newtask: pid=2 comm=a b clone_flags=3d0f00 oom_score_adj=0");
  EXPECT_TRUE(thread.shares_memory());
  EXPECT_TRUE(thread.is_thread());
  const auto vfork =
      parsed<new_task>("task:task_newtask: pid=2 comm=a clone_flags=9 clone_flags=4100 oom_score_adj=0");
  EXPECT_TRUE(vfork.shares_memory()) << "the comm ends where the last marker begins";
  EXPECT_FALSE(vfork.is_thread());
}

TEST(perf_event, names_and_programs) {
  const auto exec = parsed<naming>("PERF_RECORD_COMM exec: bash:24022/24022");
  EXPECT_TRUE(exec.is_exec);
  EXPECT_EQ(exec.pid, 24022);
  const auto thread = parsed<naming>("PERF_RECORD_COMM: C1: x:20656/20694");
  EXPECT_FALSE(thread.is_exec);
  EXPECT_EQ(thread.name, "C1: x");
  EXPECT_EQ(thread.tid, 20694);
}

TEST(perf_event, what_is_only_counted) {
  EXPECT_EQ(
      parsed<other_event>("mmap_lock:mmap_lock_released: mm=0xffff888102e95140 memcg_id=5699 write=true")
          .name,
      "mmap_lock:mmap_lock_released");
  EXPECT_EQ(parsed<other_event>("PERF_RECORD_SWITCH OUT").name, "PERF_RECORD_SWITCH");
  EXPECT_EQ(parsed<lost_record>("PERF_RECORD_LOST lost 17").count, 17u);
}

TEST(perf_event, garbled) {
  for (const std::string_view text : {
           "no tracepoint",
           "syscalls:sys_enter_mmap",
           "syscalls:sys_enter_: addr: 0x1",
           "syscalls:sys_enter_mmap: addr 0x1",
           "syscalls:sys_enter_mmap: addr: 1",
           "syscalls:sys_enter_mmap: addr: 0x1 len: 0x2",
           "syscalls:sys_enter_mmap: addr: 0x11112222333344445",
           "syscalls:sys_enter_x: a: 0x1, b: 0x1, c: 0x1, d: 0x1, e: 0x1, f: 0x1, g: 0x1",
           "syscalls:sys_exit_mmap: -17",
           "syscalls:sys_exit_mmap: 0x0 0x0",
           "exceptions:page_fault_user: address=7f08 ip=0x5 error_code=0x6",
           "exceptions:page_fault_user: address=0x7f08 ip=0x5",
           "exceptions:page_fault_user: address=0x7f08 ip=0x5 error_code=0x6 ",
           "task:task_newtask: pid=x comm=bash clone_flags=0",
           "task:task_newtask: pid=-1 comm=bash clone_flags=0",
           "task:task_newtask: pid=1 comm=bash",
           "PERF_RECORD_FORK(1:1)",
           "PERF_RECORD_EXIT(1:1):(2:2",
           "PERF_RECORD_COMM exec bash:1/1",
           "PERF_RECORD_COMM: bash",
           "PERF_RECORD_LOST lost many",
           "PERF_RECORD_MMAP2 1/1: [0x1000(0) @ 0 00:00 0 0]: r--p x",
           "PERF_RECORD_MMAP2 1/1: [0x1001(0x1000) @ 0 00:00 0 0]: r--p x",
           "PERF_RECORD_MMAP2 1/1: [0xfffffffffffff000(0x2000) @ 0 00:00 0 0]: r--p x",
           "PERF_RECORD_MMAP2 1/1: [0x1000(0xffffffffffffffff) @ 0 00:00 0 0]: r--p x",
           "PERF_RECORD_MMAP2 1/1: [0x1000(0x1000) @ 0 <5e6a7b>]: r--p x",
           "PERF_RECORD_MMAP2 1/1: [0x1000(0x1000) @ 0 00:00 0 0]: r--q x",
           "PERF_RECORD_MMAP2 1/1: [0x1000(0x1000) @ 0 00:00 0 0]: r--p ",
       }) {
    EXPECT_FALSE(parse_event(text)) << text;
  }
}

}  // namespace
}  // namespace rcuvm::recording::perf
