// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/perf_line.hpp"

#include <gtest/gtest.h>

#include <string>

namespace rcuvm::recording {
namespace {

perf_line parsed(std::string_view line) {
  const auto result = parse_perf_line(line);
  if (!result) {
    ADD_FAILURE() << line << ": column " << result.error().column << ": " << result.error().reason;
    return {};
  }
  return *result;
}

TEST(perf_line, columns_of_a_recorded_line) {
  const perf_line one = parsed(
      "              mh 23703/23703 [001]  2536.239263039:           syscalls:sys_enter_munmap: addr: "
      "0x7fdc75381000, "
      "len: 0x0000e5ef");
  EXPECT_EQ(one.comm, "mh");
  EXPECT_EQ(one.pid, 23703);
  EXPECT_EQ(one.tid, 23703);
  EXPECT_EQ(one.cpu, 1u);
  EXPECT_EQ(one.time_ns, 2536239263039u);
  EXPECT_EQ(one.event, "syscalls:sys_enter_munmap: addr: 0x7fdc75381000, len: 0x0000e5ef");
}

TEST(perf_line, a_comm_may_hold_spaces_and_look_like_columns) {
  EXPECT_EQ(parsed(" C1 CompilerThre 20656/20694 [000]  2390.128151831: x:y: 0x0").comm, "C1 CompilerThre");
  EXPECT_EQ(parsed("       a 1/2 [0] 20656/20694 [000]  2390.128151831: x:y: 0x0").comm, "a 1/2 [0]");
  EXPECT_EQ(parsed("           [x] y/ 20656/20694 [000]  2390.128151831: x:y: 0x0").comm, "[x] y/");
  EXPECT_EQ(parsed("                 20656/20694 [000]  2390.128151831: x:y: 0x0").comm, "");
  EXPECT_EQ(parsed("             \xff\xfe 20656/20694 [000]  2390.128151831: x:y: 0x0").comm, "\xff\xfe");
}

TEST(perf_line, short_numbers_are_padded_on_both_sides) {
  const perf_line one = parsed("            init     1/1     [001]     0.000000001: x:y: 0x0");
  EXPECT_EQ(one.pid, 1);
  EXPECT_EQ(one.tid, 1);
  EXPECT_EQ(one.time_ns, 1u);
  EXPECT_EQ(parsed("            :-1    -1/-1    [001]     1.5: x:y: 0x0").pid, -1);
}

TEST(perf_line, fractions_of_six_and_nine_digits) {
  EXPECT_EQ(parsed("tiny 17280/17280 [000]   805.289054: a:b: 0x0").time_ns, 805289054000u);
  EXPECT_EQ(parsed("tiny 17280/17280 [000]   808.878141589: a:b: 0x0").time_ns, 808878141589u);
}

TEST(perf_line, an_event_may_end_with_a_space) {
  EXPECT_EQ(parsed("chromium 21660/21660 [001]  2450.299181532:            syscalls:sys_enter_vfork: ").event,
            "syscalls:sys_enter_vfork: ");
}

struct bad_line {
  std::string_view line;
  std::size_t column;
  std::string_view reason;
};

TEST(perf_line, an_error_says_where_and_what) {
  for (const bad_line& bad : {
           bad_line{"", 1, "[CPU]"},
           bad_line{"mh 23703/23703 000  2536.239263039: x:y: 0x0", 1, "[CPU]"},
           bad_line{"mh 23703 [000]  2536.239263039: x:y: 0x0", 10, "PID/TID"},
           bad_line{"mh 23703/99999999999 [000]  2536.239263039: x:y: 0x0", 22, "PID/TID"},
           bad_line{"mh 23703/23703 [0x0]  2536.239263039: x:y: 0x0", 18, "CPU number"},
           bad_line{"mh 23703/23703 [000]  2536: x:y: 0x0", 23, "time"},
           bad_line{"mh 23703/23703 [000]  2536.1234567890: x:y: 0x0", 23, "time"},
           bad_line{"mh 23703/23703 [000]  99999999999999999.1: x:y: 0x0", 23, "time"},
           bad_line{"mh 23703/23703 [000]  2536.239263039 x:y: 0x0", 37, "': '"},
           bad_line{"mh 23703/23703 [000]  2536.239263039:   ", 41, "no event"},
       }) {
    const auto result = parse_perf_line(bad.line);
    ASSERT_FALSE(result) << bad.line;
    EXPECT_EQ(result.error().column, bad.column) << bad.line << ": " << result.error().reason;
    EXPECT_NE(result.error().reason.find(bad.reason), std::string_view::npos) << result.error().reason;
  }
}

}  // namespace
}  // namespace rcuvm::recording
