// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Recordings written line by line, for one test each.

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/recording_testing.hpp"

namespace rcuvm::recording {

/// Lines of a made-up recording, a microsecond apart unless it is said when.
class script {
 public:
  script& at_us(std::uint64_t time) {
    time_us_ = time;
    return *this;
  }
  script& task(int pid, int tid) {
    task_ = std::to_string(pid) + "/" + std::to_string(tid);
    return *this;
  }
  script& says(std::string_view event) {
    std::string fraction = std::to_string(time_us_++);
    fraction.insert(0, 6 - fraction.size(), '0');
    text_ += "   some program " + task_ + " [000]  100." + fraction + "000: " + std::string{event} + "\n";
    return *this;
  }
  script& execs(int pid) {
    const std::string both = std::to_string(pid) + "/" + std::to_string(pid);
    return task(pid, pid)
        .says("PERF_RECORD_COMM exec: prog:" + both)
        .says("PERF_RECORD_MMAP2 " + both +
              ": [0x7ffd49da1000(0x21000) @ 0x7ffffffde000 00:00 0 0]: rw-p [stack]")
        .says("syscalls:sys_exit_execve: 0x0");
  }
  script& clones(int pid, int child, std::string_view flags) {
    return task(pid, pid).says("task:task_newtask: pid=" + std::to_string(child) +
                               " comm=x clone_flags=" + std::string{flags} + " oom_score_adj=0");
  }
  script& exits(int pid, int tid) {
    const std::string both = std::to_string(pid) + ":" + std::to_string(tid);
    return task(pid, tid).says("PERF_RECORD_EXIT(" + both + "):(1:1)");
  }
  const std::string& text() const { return text_; }

 private:
  std::string task_ = "10/10";
  std::uint64_t time_us_ = 0;
  std::string text_;
};

inline constexpr std::string_view enter_munmap = "syscalls:sys_enter_munmap: addr: 0x10000, len: 0x0000e5ef";
inline constexpr std::string_view enter_mmap =
    "syscalls:sys_enter_mmap: addr: 0x00000000, len: 0x00002001, prot: 0x00000003, flags: 0x00000022, fd: "
    "0xffffffff, "
    "off: 0x00000000";
inline constexpr std::string_view enter_file_mmap =
    "syscalls:sys_enter_mmap: addr: 0x00000000, len: 0x00002000, prot: 0x00000001, flags: 0x00000002, fd: "
    "0x1600000015, off: 0x00001000";
inline constexpr std::string_view fault_line =
    "exceptions:page_fault_user: address=0x12345 ip=0x1 error_code=0x6";

inline trace run_of(const script& lines, std::string_view elf = {}, std::string_view maps = {}) {
  scratch_recording scratch;
  scratch.write(".perf", lines.text());
  if (!elf.empty()) scratch.write(".elf", elf);
  if (!maps.empty()) scratch.write(".maps", maps);
  auto made = scratch.read_all();
  if (!made) {
    ADD_FAILURE() << made.error().to_text() << "\n" << lines.text();
    return {};
  }
  expect_consistent(*made);
  return *std::move(made);
}

/// The events of one kind.
template <class What>
std::vector<const event*> events_of(const trace& run) {
  std::vector<const event*> found;
  for (const event& one : run.events) {
    if (std::holds_alternative<What>(one.what)) found.push_back(&one);
  }
  return found;
}
template <class What>
const What& only(const trace& run) {
  const auto all = events_of<What>(run);
  EXPECT_EQ(all.size(), 1u);
  static const What none{};
  return all.empty() ? none : std::get<What>(all.front()->what);
}

inline std::uint64_t oddity(const trace& run, std::string_view what) {
  const auto at = run.report.oddities.find(what);
  return at == run.report.oddities.end() ? 0 : at->second;
}

}  // namespace rcuvm::recording
