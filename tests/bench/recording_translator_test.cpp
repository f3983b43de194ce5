// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/translator.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "tests/bench/recording_script.hpp"

namespace rcuvm::recording {
namespace {

TEST(translator, results_past_the_last_address_are_negative_errnos) {
  const trace run =
      run_of(script{}.execs(10).says(enter_mmap).says("syscalls:sys_exit_mmap: 0xffffffffffffffef"));
  const auto& call = only<mmap_call>(run);
  EXPECT_TRUE(call.how.has_failed());
  EXPECT_EQ(call.how.error_number(), EEXIST);
  EXPECT_EQ(run.report.failed_calls.at("mmap"), 1u);
  recording::call lowest{
      .enter_ns = 0, .exit_ns = 0, .returned = 0xfffffffffffff001, .has_returned = true, .notices = {}};
  EXPECT_EQ(lowest.error_number(), 4095);
  lowest.returned = 0xfffffffffffff000;
  EXPECT_EQ(lowest.error_number(), 0);
}

TEST(translator, arguments_are_the_programs_own) {
  const trace run =
      run_of(script{}.execs(10).says(enter_mmap).says("syscalls:sys_exit_mmap: 0x7f0000000000"));
  const auto& call = only<mmap_call>(run);
  EXPECT_EQ(call.length, 0x2001u) << "not rounded";
  EXPECT_EQ(call.descriptor, -1);
  EXPECT_EQ(call.how.returned, 0x7f0000000000u);
  EXPECT_EQ(call.file, no_id);
  EXPECT_EQ(oddity(run, "file mapping without MMAP2"), 0u) << "it is anonymous";
}

TEST(translator, the_announcement_inside_a_call_names_its_file) {
  const trace run = run_of(script{}
                               .execs(10)
                               .says(enter_file_mmap)
                               .says("PERF_RECORD_MMAP2 10/10: [0x7f0000000000(0x8000) @ 0x1000 fe:00 409619 "
                                     "521581918]: r--p /etc/ld.so.cache")
                               .says("syscalls:sys_exit_mmap: 0x7f0000000000"));
  const auto& call = only<mmap_call>(run);
  EXPECT_EQ(call.descriptor, 0x15) << "the kernel looks at 32 bits";
  ASSERT_NE(call.file, no_id);
  EXPECT_EQ(run.files[call.file], (file{"/etc/ld.so.cache", 0xfe, 0, 409619, 521581918}));
  ASSERT_EQ(call.how.notices.count, 1u);
  EXPECT_EQ(slice_of(run, call.how.notices)[0].where.size(), 0x8000u) << "the VMA after merging";
}

TEST(translator, a_file_may_be_called_like_a_special_area) {
  const trace run =
      run_of(script{}
                 .execs(10)
                 .says(enter_file_mmap)
                 .says("PERF_RECORD_MMAP2 10/10: [0x10000(0x2000) @ 0x1000 fe:00 7 0]: r--p [heap]")
                 .says("syscalls:sys_exit_mmap: 0x10000"));
  const auto& call = only<mmap_call>(run);
  ASSERT_NE(call.file, no_id);
  EXPECT_EQ(run.files[call.file].name, "[heap]");
  EXPECT_EQ(slice_of(run, call.how.notices)[0].kind, backing::file);
}

TEST(translator, a_file_mapping_without_announcement_is_counted) {
  const trace run =
      run_of(script{}.execs(10).says(enter_file_mmap).says("syscalls:sys_exit_mmap: 0x7f0000000000"));
  EXPECT_EQ(only<mmap_call>(run).file, no_id);
  EXPECT_EQ(oddity(run, "file mapping without MMAP2"), 1u);
}

TEST(translator, fault_codes) {
  struct expectation {
    std::string_view code;
    access kind;
    bool was_present;
  };
  for (const auto& [code, kind, was_present] : {expectation{"0x6", access::write, false},
                                                {"0x7", access::write, true},
                                                {"0x4", access::read, false},
                                                {"0x14", access::execute, false},
                                                {"0x15", access::execute, true}}) {
    const trace run = run_of(script{}.execs(10).says(
        "exceptions:page_fault_user: address=0x12345 ip=0x1 error_code=" + std::string{code}));
    const auto& seen = only<fault>(run);
    EXPECT_EQ(seen.kind, kind) << code;
    EXPECT_EQ(seen.page_was_present, was_present) << code;
    EXPECT_FALSE(seen.by_kernel);
    EXPECT_EQ(seen.at, 0x12345u);
  }
  const trace run = run_of(script{}.execs(10).says(
      "exceptions:page_fault_kernel: address=0x12345 ip=__put_user_8 error_code=0x2"));
  EXPECT_TRUE(only<fault>(run).by_kernel);
  EXPECT_EQ(only<fault>(run).kind, access::write);
}

//  line    enter munmap | enter mmap | exit mmap | exit munmap
//  event   munmap                      mmap
TEST(translator, a_munmap_takes_effect_when_it_is_entered_and_a_mmap_when_it_returns) {
  const trace run = run_of(script{}
                               .execs(10)
                               .clones(10, 11, "3d0f00")
                               .task(10, 10)
                               .says(enter_munmap)
                               .task(10, 11)
                               .says(enter_mmap)
                               .says("syscalls:sys_exit_mmap: 0x10000")
                               .task(10, 10)
                               .says("syscalls:sys_exit_munmap: 0x0"));
  ASSERT_EQ(run.events.size(), 5u);
  const auto& removed = std::get<munmap_call>(run.events[3].what);
  EXPECT_EQ(run.events[3].time_ns, removed.how.enter_ns);
  EXPECT_LT(removed.how.enter_ns, removed.how.exit_ns);
  EXPECT_FALSE(removed.how.has_failed());
  const auto& made = std::get<mmap_call>(run.events[4].what);
  EXPECT_EQ(run.events[4].time_ns, made.how.exit_ns);
  EXPECT_EQ(run.tasks[run.events[4].task].tid, 11);
}

TEST(translator, a_failing_munmap_is_marked_in_its_place) {
  const trace run = run_of(script{}
                               .execs(10)
                               .says(enter_munmap)
                               .says(fault_line)
                               .says("syscalls:sys_exit_munmap: 0xffffffffffffffea"));
  const auto& call = std::get<munmap_call>(run.events[2].what);
  EXPECT_EQ(call.how.error_number(), EINVAL);
  EXPECT_TRUE(std::holds_alternative<fault>(run.events[3].what));
}

TEST(translator, a_fault_beside_anothers_call_may_miss_its_vma) {
  const trace run = run_of(script{}
                               .execs(10)
                               .clones(10, 11, "3d0f00")
                               .task(10, 10)
                               .says(enter_mmap)
                               .says(fault_line)  // of the caller itself
                               .task(10, 11)
                               .says(fault_line)
                               .task(10, 10)
                               .says("syscalls:sys_exit_mmap: 0x10000")
                               .task(10, 11)
                               .says(fault_line));
  std::vector<bool> races;
  for (const event* one : events_of<fault>(run)) races.push_back(std::get<fault>(one->what).races_a_call);
  EXPECT_EQ(races, (std::vector<bool>{false, true, false}));
}

TEST(translator, an_exec_makes_a_space_of_what_the_kernel_maps_meanwhile) {
  // Lines of a real bash; its first announcement covers the whole image.
  const trace run = run_of(
      script{}
          .task(10, 10)
          .says("PERF_RECORD_COMM exec: bash:10/10")
          .says("PERF_RECORD_MMAP2 10/10: [0x7ffd49da1000(0x21000) @ 0x7ffffffde000 00:00 0 0]: rw-p [stack]")
          .says("PERF_RECORD_MMAP2 10/10: [0x55fad5896000(0x140000) @ 0 fe:00 247101 0]: r--p /usr/bin/bash")
          .says("PERF_RECORD_MMAP2 10/10: [0x55fad58c5000(0xc1000) @ 0x2f000 fe:00 247101 0]: r-xp "
                "/usr/bin/bash")
          .says("PERF_RECORD_MMAP2 10/10: [0x55fad5986000(0x38000) @ 0xf0000 fe:00 247101 0]: r--p "
                "/usr/bin/bash")
          .says("PERF_RECORD_MMAP2 10/10: [0x55fad59be000(0xd000) @ 0x128000 fe:00 247101 0]: rw-p "
                "/usr/bin/bash")
          .says("exceptions:page_fault_kernel: address=0x55fad59ca764 ip=elf_load error_code=0x2")
          .says("PERF_RECORD_MMAP2 10/10: [0x55fad59cb000(0xb000) @ 0x55fad59cb000 00:00 0 0]: rw-p //anon")
          .says("PERF_RECORD_MMAP2 10/10: [0x7f846944d000(0x2000) @ 0 00:00 0 0]: r-xp [vdso]")
          .says("syscalls:sys_exit_execve: 0x0")
          .says(fault_line),
      "/usr/bin/bash\n  LOAD 0x000000 0x0000000000000000 0x02ed48 0x02ed48 R\n");
  const auto& begun = only<space_begin>(run);
  const auto maps = slice_of(run, begun.maps);
  ASSERT_EQ(maps.size(), 7u);
  EXPECT_EQ(maps[0].where, (range{0x55fad5896000, 0x55fad58c5000})) << "up to the end of segment 1 only";
  EXPECT_EQ(maps[3].where.end, 0x55fad59cb000u);
  EXPECT_EQ(maps[4].kind, backing::anonymous);
  EXPECT_EQ(maps[5].kind, backing::vdso);
  EXPECT_EQ(maps[6].kind, backing::stack);
  EXPECT_EQ(special_name(maps[6].kind), "[stack]");
  const auto faults = events_of<fault>(run);
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_TRUE(std::get<fault>(faults[0]->what).during_exec);
  EXPECT_FALSE(std::get<fault>(faults[1]->what).during_exec);
  EXPECT_TRUE(oddity(run, "program without PT_LOAD table: /usr/bin/bash") == 0);
}

//  announced   AAAAAAAAAA            the whole image
//  segments    AA..BB..CC            chromium and stress-ng leave such holes
TEST(translator, holes_between_segments_are_not_mapped) {
  const auto lines = [] {
    return script{}
        .task(10, 10)
        .says("PERF_RECORD_COMM exec: hole:10/10")
        .says("PERF_RECORD_MMAP2 10/10: [0x10000(0xa000) @ 0 fe:00 1 0]: r--p /hole")
        .says("PERF_RECORD_MMAP2 10/10: [0x14000(0x2000) @ 0x2000 fe:00 1 0]: r-xp /hole")
        .says("PERF_RECORD_MMAP2 10/10: [0x18000(0x2000) @ 0x4000 fe:00 1 0]: rw-p /hole")
        .says("syscalls:sys_exit_execve: 0x0");
  };
  const trace run = run_of(lines(), "/hole\n  LOAD 0x000000 0x0000000000000040 0x001f00 0x01f00 R\n");
  const auto maps = slice_of(run, only<space_begin>(run).maps);
  ASSERT_EQ(maps.size(), 3u);
  EXPECT_EQ(maps[0].where, (range{0x10000, 0x12000}));
  EXPECT_EQ(maps[1].where, (range{0x14000, 0x16000}));
  EXPECT_EQ(maps[2].where, (range{0x18000, 0x1a000}));

  // Without NAME.elf the holes stay, and it is said.
  const trace unknown = run_of(lines());
  EXPECT_EQ(slice_of(unknown, only<space_begin>(unknown).maps).size(), 4u);
  EXPECT_EQ(slice_of(unknown, only<space_begin>(unknown).maps)[2].offset, 0x6000u);
  EXPECT_EQ(oddity(unknown, "program without PT_LOAD table: /hole"), 1u);
  EXPECT_EQ(unknown.report.warnings.size(), 3u) << ".meta, .elf and .maps are missing";
}

TEST(translator, a_stack_grows_outside_any_call) {
  const trace run = run_of(script{}.execs(10).says(
      "PERF_RECORD_MMAP2 10/10: [0x7ffd49d91000(0x31000) @ 0x7ffffffdd000 00:00 0 0]: rw-p [stack]"));
  EXPECT_EQ(only<stack_growth>(run).where, (range{0x7ffd49d91000, 0x7ffd49dc2000}));
  EXPECT_TRUE(only<stack_growth>(run).is_main);
}

TEST(translator, a_stack_may_grow_inside_a_call_that_maps_nothing) {
  const trace run = run_of(
      script{}
          .execs(10)
          .says("syscalls:sys_enter_madvise: start: 0x1000, len_in: 0x1000, behavior: 0x00000004")
          .says("PERF_RECORD_MMAP2 10/10: [0x7ffd49d91000(0x31000) @ 0x7ffffffdd000 00:00 0 0]: rw-p [stack]")
          .says("syscalls:sys_exit_madvise: 0x0"));
  EXPECT_EQ(events_of<stack_growth>(run).size(), 1u);
  EXPECT_EQ(only<madvise_call>(run).advice, 4);
}

TEST(translator, every_call_with_its_arguments) {
  const trace run = run_of(
      script{}
          .execs(10)
          .says("syscalls:sys_enter_mprotect: start: 0x1000, len: 0x00000fff, prot: 0x00000001")
          .says("PERF_RECORD_MMAP2 10/10: [0x1000(0x1000) @ 0x1000 00:00 0 0]: r--p //anon")
          .says("syscalls:sys_exit_mprotect: 0x0")
          .says("syscalls:sys_enter_pkey_mprotect: start: 0x1000, len: 0x1000, prot: 0x1, pkey: 0xffffffff")
          .says("syscalls:sys_exit_pkey_mprotect: 0x0")
          .says("syscalls:sys_enter_mremap: addr: 0x1000, old_len: 0x00041000, new_len: 0x00081000, flags: "
                "0x00000001, "
                "new_addr: 0x00000000")
          .says("syscalls:sys_exit_mremap: 0x7f0175abf000")
          .says("syscalls:sys_enter_brk: brk: 0x166a4000")
          .says("PERF_RECORD_MMAP2 10/10: [0x1000(0x2000) @ 0 00:00 0 0]: rw-p [heap]")
          .says("syscalls:sys_exit_brk: 0x166a4000")
          .says("syscalls:sys_enter_mlock2: start: 0x1000, len: 0x1000, flags: 0xffffffff")
          .says("syscalls:sys_exit_mlock2: 0xffffffffffffffea")
          .says("syscalls:sys_enter_munlockall: ")
          .says("syscalls:sys_exit_munlockall: 0x0")
          .says("syscalls:sys_enter_msync: start: 0x8000000000000000, len: 0x00005000, flags: 0x00000000")
          .says("syscalls:sys_exit_msync: 0xfffffffffffffff4")
          .says("syscalls:sys_enter_mincore: start: 0x1000, len: 0x1000, vec: 0x1")
          .says("syscalls:sys_exit_mincore: 0x0")
          .says("syscalls:sys_enter_shmat: shmid: 0x7, shmaddr: 0x0, shmflg: 0x0")
          .says("PERF_RECORD_MMAP2 10/10: [0x7f432ad8b000(0x3000) @ 0 00:01 11 0]: rw-s /SYSV1234abcd "
                "(deleted)")
          .says("syscalls:sys_exit_shmat: 0x7f432ad8b000")
          .says("syscalls:sys_enter_shmdt: shmaddr: 0x7f432ad8b000")
          .says("syscalls:sys_exit_shmdt: 0x0")
          .says("syscalls:sys_enter_remap_file_pages: start: 0x1000, size: 0x2000, prot: 0x0, pgoff: 0x1ff, "
                "flags: 0x0")
          .says("syscalls:sys_exit_remap_file_pages: 0x0")
          .says("syscalls:sys_enter_process_madvise: pidfd: 0x5, vec: 0x7ffed1e90c00, vlen: 0x1, behavior: "
                "0x15, flags: "
                "0x0")
          .says("syscalls:sys_exit_process_madvise: 0x400000")
          .says("syscalls:sys_enter_mlockall: flags: 0x3")
          .says("syscalls:sys_exit_mlockall: 0x0"));
  EXPECT_TRUE(run.report.oddities.empty()) << run.report.to_text();
  const auto protects = events_of<mprotect_call>(run);
  ASSERT_EQ(protects.size(), 2u);
  EXPECT_FALSE(std::get<mprotect_call>(protects[0]->what).has_key);
  EXPECT_EQ(call_of(*protects[0])->notices.count, 1u);
  EXPECT_EQ(std::get<mprotect_call>(protects[1]->what).key, -1);
  EXPECT_EQ(only<mremap_call>(run).new_length, 0x81000u);
  EXPECT_EQ(only<mremap_call>(run).how.returned, 0x7f0175abf000u);
  EXPECT_EQ(only<brk_call>(run).wanted, 0x166a4000u);
  EXPECT_EQ(slice_of(run, only<brk_call>(run).how.notices)[0].kind, backing::heap);
  const auto ranged = events_of<range_call>(run);
  ASSERT_EQ(ranged.size(), 3u);
  EXPECT_EQ(std::get<range_call>(ranged[0]->what).flags, 0xffffffffu);
  EXPECT_EQ(std::get<range_call>(ranged[1]->what).what, range_call::verb::msync);
  EXPECT_EQ(call_of(*ranged[1])->error_number(), ENOMEM);
  EXPECT_EQ(std::get<range_call>(ranged[2]->what).what, range_call::verb::mincore);
  EXPECT_EQ(run.files[only<shmat_call>(run).file].name, "/SYSV1234abcd (deleted)");
  EXPECT_EQ(only<shmat_call>(run).segment, 7);
  EXPECT_EQ(only<shmdt_call>(run).start, 0x7f432ad8b000u);
  EXPECT_EQ(only<remap_file_pages_call>(run).page_offset, 0x1ffu);
  EXPECT_EQ(only<process_madvise_call>(run).advice, 0x15);
  const auto locks = events_of<mlockall_call>(run);
  ASSERT_EQ(locks.size(), 2u);
  EXPECT_TRUE(std::get<mlockall_call>(locks[0]->what).unlocks);
  EXPECT_EQ(std::get<mlockall_call>(locks[1]->what).flags, 3u);
}

TEST(translator, calls_without_exit_and_exits_without_enter_are_counted) {
  const trace run = run_of(script{}
                               .execs(10)
                               .says("syscalls:sys_exit_mmap: 0x10000")
                               .says(enter_mmap)
                               .says(enter_mmap)
                               .says("syscalls:sys_exit_brk: 0x1")
                               .says(enter_munmap)
                               .clones(10, 11, "3d0f00")
                               .task(10, 11)
                               .says(enter_mmap)
                               .exits(10, 11));
  EXPECT_EQ(oddity(run, "exit without enter: mmap"), 1u);
  EXPECT_EQ(oddity(run, "exit without enter: brk"), 1u);
  EXPECT_EQ(oddity(run, "call inside another call: mmap"), 1u);
  EXPECT_EQ(oddity(run, "call without exit: mmap"), 1u);
  EXPECT_EQ(oddity(run, "task died inside a call: mmap"), 1u);
  EXPECT_EQ(oddity(run, "call in flight at the end: munmap"), 1u);
  const auto calls = events_of<mmap_call>(run);
  ASSERT_EQ(calls.size(), 3u) << "each stays in the list, as one that did nothing";
  for (const event* one : calls) {
    EXPECT_FALSE(call_of(*one)->has_returned);
    EXPECT_TRUE(call_of(*one)->has_failed());
    EXPECT_EQ(call_of(*one)->error_number(), 0);
  }
  EXPECT_TRUE(only<munmap_call>(run).how.has_failed());
}

TEST(translator, lines_of_nobody_and_lost_records_are_counted) {
  const trace run =
      run_of(script{}
                 .execs(10)
                 .task(-1, -1)
                 .says(fault_line)
                 .task(10, 10)
                 .says("PERF_RECORD_LOST lost 17")
                 .says("mmap_lock:mmap_lock_released: mm=0xffff888102e95140 memcg_id=5699 write=true")
                 .says("syscalls:sys_enter_userfaultfd: flags: 0x1"));
  EXPECT_EQ(oddity(run, "line of a task without a number"), 1u);
  EXPECT_EQ(oddity(run, "records lost by the recorder"), 17u);
  EXPECT_EQ(run.report.classes.at("mmap_lock_released").without_event, 1u);
  EXPECT_EQ(run.report.classes.at("sys_enter_userfaultfd").without_event, 1u);
  EXPECT_EQ(events_of<fault>(run).size(), 0u);
}

TEST(translator, time_does_not_go_back) {
  scratch_recording scratch;
  script lines;
  lines.execs(10).at_us(1).says(fault_line);
  const auto run = scratch.write(".perf", lines.text()).read_all();
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().line, 4u);
  EXPECT_NE(run.error().reason.find("time goes back"), std::string::npos);
}

}  // namespace
}  // namespace rcuvm::recording
