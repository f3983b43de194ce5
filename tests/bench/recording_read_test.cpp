// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "bench/recording/recording.hpp"
#include "tests/bench/recording_script.hpp"

namespace rcuvm::recording {
namespace {

namespace fs = std::filesystem;

std::uint64_t number_at(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// "mmap 79, brk 74" as a table.
std::map<std::string, std::uint64_t> counts_of(std::string_view list) {
  std::map<std::string, std::uint64_t> counts;
  while (!list.empty()) {
    const std::size_t end = list.find(", ");
    const std::string_view item = list.substr(0, end);
    const std::size_t space = item.rfind(' ');
    counts[std::string{item.substr(0, space)}] = number_at(item.substr(space + 1));
    list = end == std::string_view::npos ? std::string_view{} : list.substr(end + 2);
  }
  return counts;
}

std::uint64_t lines_of(const trace& run, const std::string& name) {
  const auto at = run.report.classes.find(name);
  return at == run.report.classes.end() ? 0 : at->second.lines;
}

class recorded : public testing::TestWithParam<location> {};

// The recorder counted too: NAME.meta.
TEST_P(recorded, is_read_without_loss) {
  const auto run = read(GetParam());
  ASSERT_TRUE(run) << run.error().to_text();
  expect_consistent(*run);
  EXPECT_TRUE(run->report.oddities.empty()) << run->report.to_text();
  EXPECT_TRUE(run->report.warnings.empty()) << run->report.to_text();

  const meta& about = run->about;
  EXPECT_EQ(run->report.lines, number_at(about.get("lines")));
  EXPECT_EQ(lines_of(*run, "page_fault_user"), number_at(about.get("page_fault_user")));
  EXPECT_EQ(lines_of(*run, "page_fault_kernel"), number_at(about.get("page_fault_kernel")));
  const auto calls = counts_of(about.get("syscalls"));
  EXPECT_GE(calls.size(), 5u);
  for (const auto& [name, count] : calls) EXPECT_EQ(lines_of(*run, "sys_enter_" + name), count) << name;
  const auto sideband = counts_of(about.get("sideband"));
  EXPECT_GT(sideband.size(), 2u);
  for (const auto& [name, count] : sideband) EXPECT_EQ(lines_of(*run, name), count) << name;
  EXPECT_EQ(run->samples.size(), number_at(about.get("maps_snapshots")));
  if (about.get("cut") != "whole run") return;  // what follows was counted before the cut
  EXPECT_EQ(run->tasks.size(), number_at(about.get("threads")));
  std::set<std::int32_t> processes;
  for (const task& one : run->tasks) processes.insert(one.pid);
  EXPECT_EQ(processes.size(), number_at(about.get("processes")));
}

TEST_P(recorded, every_call_and_fault_is_one_event) {
  const auto run = read(GetParam());
  ASSERT_TRUE(run) << run.error().to_text();
  std::map<std::string, std::uint64_t> events;
  std::uint64_t exec_exits = 0;
  for (const event& one : run->events) {
    if (std::holds_alternative<fault>(one.what)) ++events["fault"];
    if (std::holds_alternative<mmap_call>(one.what)) ++events["mmap"];
    if (std::holds_alternative<munmap_call>(one.what)) ++events["munmap"];
    if (std::holds_alternative<mprotect_call>(one.what)) ++events["mprotect"];
    if (std::holds_alternative<mremap_call>(one.what)) ++events["mremap"];
    if (std::holds_alternative<brk_call>(one.what)) ++events["brk"];
    if (std::holds_alternative<madvise_call>(one.what)) ++events["madvise"];
    if (std::holds_alternative<remap_file_pages_call>(one.what)) ++events["remap_file_pages"];
    if (const auto* const begun = std::get_if<space_begin>(&one.what)) exec_exits += begun->exec_exit_ns != 0;
  }
  EXPECT_EQ(events["fault"], lines_of(*run, "page_fault_user") + lines_of(*run, "page_fault_kernel"));
  for (const char* const name :
       {"mmap", "munmap", "mprotect", "mremap", "brk", "madvise", "remap_file_pages"}) {
    EXPECT_EQ(events[name], lines_of(*run, std::string{"sys_enter_"} + name)) << name;
  }
  const auto failed = run->report.failed_calls.find("execve");
  EXPECT_EQ(exec_exits + (failed == run->report.failed_calls.end() ? 0 : failed->second),
            lines_of(*run, "sys_exit_execve"));
}

INSTANTIATE_TEST_SUITE_P(all, recorded, testing::ValuesIn(recordings_to_test()), name_of_recording);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(recorded);

TEST(read, at_least_four_recordings_are_bundled_with_all_their_files) {
  const auto bundled = list(source_folder() / "data/recordings");
  EXPECT_GE(bundled.size(), 4u);
  for (const location& one : bundled) {
    EXPECT_FALSE(one.maps.empty()) << one.name;
    EXPECT_FALSE(one.segments.empty()) << one.name;
    EXPECT_FALSE(one.about.empty()) << one.name;
  }
}

TEST(read, recordings_with_lock_tracepoints_are_read_too) {
  const auto locked = list(shared_traces() / "lock");
  if (locked.empty()) GTEST_SKIP() << "no shared recordings beside the source tree";
  for (const location& one : locked) {
    const auto run = read(one);
    ASSERT_TRUE(run) << run.error().to_text();
    expect_consistent(*run);
    EXPECT_GT(lines_of(*run, "mmap_lock_released"), 0u);
    EXPECT_TRUE(run->report.oddities.empty()) << one.name << ": " << run->report.to_text();
  }
}

TEST(read, a_missing_companion_is_a_warning_that_names_it) {
  scratch_recording scratch;
  const auto run = scratch.write(".perf", script{}.execs(10).text()).read_all();
  ASSERT_TRUE(run) << run.error().to_text();
  ASSERT_EQ(run->report.warnings.size(), 3u);
  EXPECT_TRUE(run->report.warnings[0].starts_with("scratch.meta is missing: "));
  EXPECT_TRUE(run->report.warnings[1].starts_with("scratch.elf is missing: "));
  EXPECT_TRUE(run->report.warnings[2].starts_with("scratch.maps is missing: "));
  EXPECT_NE(run->report.to_text().find("warning: scratch.elf is missing"), std::string::npos);
}

TEST(read, a_garbled_line_is_named) {
  scratch_recording scratch;
  script lines;
  lines.execs(10)
      .says("syscalls:sys_enter_mmap: addr: 0x00000000, len: 0x1")
      .says("nonsense")
      .says(fault_line);
  scratch.write(".perf", lines.text());
  const auto strict = scratch.read_all();
  ASSERT_FALSE(strict);
  EXPECT_TRUE(strict.error().file.ends_with("scratch.perf"));
  EXPECT_EQ(strict.error().line, 4u);
  EXPECT_NE(strict.error().to_text().find("scratch.perf:4: column"), std::string::npos)
      << strict.error().to_text();
  EXPECT_NE(strict.error().reason.find("the call lacks an argument 'prot'"), std::string::npos);

  const auto counted = scratch.read_all(garbled_lines::are_counted);
  ASSERT_TRUE(counted) << counted.error().to_text();
  EXPECT_EQ(lines_of(*counted, "garbled"), 2u);
  EXPECT_EQ(counted->report.lines, 6u);
  EXPECT_EQ(events_of<fault>(*counted).size(), 1u);
  expect_consistent(*counted);
}

TEST(read, the_column_of_a_garble_counts_from_the_start_of_the_line) {
  scratch_recording scratch;
  const auto run =
      scratch.write(".perf", "mh 1/1 [000]  2536.239263039:  syscalls:sys_exit_mmap: huh\n").read_all();
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().reason.substr(0, 10), "column 56:");
}

struct companion {
  std::string_view suffix;
  std::string_view bytes;
  std::uint64_t line;
  std::string_view reason;
};

TEST(read, a_garbled_companion_is_an_error_with_file_line_and_reason) {
  for (const companion& bad : {
           companion{".meta", "name: x\nno colon\n", 2, "key: value"},
           companion{".elf", "# comment\n/usr/bin/bash\n  LOAD zero\n", 3, "LOAD"},
           companion{".elf", "/usr/bin/bash\n", 0, ""},
           companion{".maps", "00001000-00002000 r--p 00000000 00:00 0 \n", 1, "@@ pid="},
           companion{".maps", "@@ pid=1 t0=1.5 t1=1.0 vmas=0 comm=x\n", 1, "@@ pid="},
           companion{".maps",
                     "@@ pid=1 t0=1.5 t1=1.6 vmas=2 comm=x\n00001000-00002000 r--p 00000000 00:00 0 \n", 2,
                     "have 1 lines, not 2"},
           companion{".maps",
                     "@@ pid=1 t0=1.5 t1=1.6 vmas=1 comm=x\n00001000-00002000 r--x 00000000 00:00 0 \n", 2,
                     "column 19"},
           companion{".maps", "@@ pid=1 t0=1.5 t1=1.6 vmas=0 comm=", 1, "cut off"},
       }) {
    scratch_recording scratch;
    const auto run =
        scratch.write(".perf", script{}.execs(10).text()).write(bad.suffix, bad.bytes).read_all();
    if (bad.line == 0) {
      EXPECT_TRUE(run) << bad.bytes;
      continue;
    }
    ASSERT_FALSE(run) << bad.bytes;
    EXPECT_TRUE(run.error().file.ends_with(bad.suffix)) << run.error().to_text();
    EXPECT_EQ(run.error().line, bad.line) << run.error().to_text();
    EXPECT_NE(run.error().reason.find(bad.reason), std::string::npos) << run.error().to_text();
  }
}

TEST(locate, by_path_and_by_name) {
  scratch_recording scratch;
  scratch.write(".perf", "").write(".elf", "");
  for (const fs::path& path : {scratch.path(".perf"), scratch.path("")}) {
    const auto found = locate(path.string());
    ASSERT_TRUE(found) << found.error().to_text();
    EXPECT_EQ(found->name, "scratch");
    EXPECT_EQ(found->events, scratch.path(".perf"));
    EXPECT_EQ(found->segments, scratch.path(".elf"));
    EXPECT_TRUE(found->maps.empty());
  }
  EXPECT_FALSE(locate(scratch.path("_not_there").string()));

  const auto bundled = locate("sqlite_mmap");
  ASSERT_TRUE(bundled) << bundled.error().to_text();
  EXPECT_EQ(fs::canonical(bundled->events),
            fs::canonical(source_folder() / "data/recordings/sqlite_mmap.perf.xz"));
  const auto unknown = locate("no_such_recording");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().to_text().find("data/recordings"), std::string::npos)
      << "it says where it looked";
}

TEST(locate, a_folder_named_by_the_environment_comes_first) {
  scratch_recording scratch;
  scratch.write(".perf.xz", pack(script{}.execs(10).text()));
  setenv("RCUVM_RECORDINGS", scratch.path("").parent_path().c_str(), 1);
  const auto found = locate("scratch");
  const auto all = list(bundled_folder());
  unsetenv("RCUVM_RECORDINGS");
  ASSERT_TRUE(found) << found.error().to_text();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].events, scratch.path(".perf.xz"));
  EXPECT_TRUE(read(*found));
}

}  // namespace
}  // namespace rcuvm::recording
