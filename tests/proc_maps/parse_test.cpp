// SPDX-License-Identifier: Apache-2.0
#include "proc_maps/parse.hpp"

#include <gtest/gtest.h>

#include <string>

namespace rcuvm::proc_maps {
namespace {

using namespace std::string_literals;

entry parsed(std::string_view line) {
  const auto result = parse_line(line);
  if (!result) {
    ADD_FAILURE() << line << ": " << result.error().to_text();
    return {};
  }
  return *result;
}

// Lines of real processes on Linux 6.18 (the shared set's snaps/).
constexpr std::string_view file_line =
    "562a049bc000-562a049ea000 r-xp 00008000 fe:00 248066                     /usr/bin/sqlite3";
constexpr std::string_view nameless_line = "7f086c28c000-7f086c28f000 rw-p 00000000 00:00 0 ";

TEST(parse, takes_every_field) {
  const entry one = parsed(file_line);
  EXPECT_EQ(one.where, (range{0x562a049bc000, 0x562a049ea000}));
  EXPECT_EQ(one.allowed, (permissions{permission::read, permission::execute}));
  EXPECT_EQ(one.offset, 0x8000u);
  EXPECT_EQ(one.device_major, 0xfeu);
  EXPECT_EQ(one.device_minor, 0u);
  EXPECT_EQ(one.inode, 248066u);
  EXPECT_EQ(one.name, "/usr/bin/sqlite3");
}

TEST(parse, a_line_without_name_ends_with_one_space) {
  EXPECT_EQ(parsed(nameless_line).name, "");
  EXPECT_FALSE(parse_line(nameless_line.substr(0, nameless_line.size() - 1)));
}

TEST(parse, names_are_bytes) {
  const std::string prefix = "7fa2b20f3000-7fa2b20f4000 r--p 00001000 00:170 20                        ";
  ASSERT_EQ(prefix.size(), 73u);
  for (const std::string& name :
       {"/x/two  spaces and trailing "s, "/x/tab\there (deleted)"s, "/x/cr\rlf"s, "/x/bad-\xff\xfe-bytes"s,
        "/x/ctl-\x01\x1b[31m"s, "/x/back\\slash"s, " starts with a space"s, "/x/000-fff r-xp 0 00:00 1"s,
        "/x/[stack]"s, "anon_inode:[io_uring]"s, "/memfd: (deleted)"s}) {
    EXPECT_EQ(parsed(prefix + name).name, name);
  }
}

TEST(parse, only_the_newline_is_escaped) {
  EXPECT_EQ(
      parsed("7fa2b2139000-7fa2b213a000 r--p 00001000 00:170 6                         /x/new\\012line\\012")
          .name,
      "/x/new\nline\n");
  EXPECT_EQ(
      parsed("7fa2b2139000-7fa2b213a000 r--p 00001000 00:170 6                         /x/tab\\011s").name,
      "/x/tab\\011s");
}

TEST(parse, numbers_as_large_as_the_kernel_makes_them) {
  const entry low = parsed("00000000-00001000 r--p 00000000 00:00 0 ");
  EXPECT_EQ(low.where, (range{0, 0x1000}));
  const entry high =
      parsed("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]");
  EXPECT_EQ(high.where.end, 0xffffffffff601000u);
  EXPECT_EQ(high.name, vsyscall_name);
  const entry wide =
      parsed("7fca026cf000-7fca026d0000 r--s 7fffffff000 103:170 18446744073709551615  /d/bigfile");
  EXPECT_EQ(wide.offset, 0x7fffffff000u);
  EXPECT_EQ(wide.device_major, 0x103u);
  EXPECT_EQ(wide.device_minor, 0x170u);
  EXPECT_EQ(wide.inode, 18446744073709551615u);
  EXPECT_TRUE(wide.allowed.has(permission::shared));
  EXPECT_EQ(wide.name, "/d/bigfile");
}

TEST(parse, padding_of_another_width_is_no_part_of_the_name) {
  EXPECT_EQ(parsed("08048000-08049000 r-xp 00000000 03:00 8312       /opt/test").name, "/opt/test");
}

struct bad_line {
  std::string_view line;
  std::size_t column;
  std::string_view reason;
};

TEST(parse, an_error_says_where_and_what) {
  for (const bad_line& bad : {
           bad_line{"", 1, "start address"},
           bad_line{"7f0000-7f1000 r--p 00000000 00:00 0 ", 1, "start address"},
           bad_line{"11112222333344445-2 r--p", 1, "start address"},
           bad_line{"00001000_00002000 r--p 00000000 00:00 0 ", 9, "'-'"},
           bad_line{"00001000-2000 r--p 00000000 00:00 0 ", 10, "end address"},
           bad_line{"00002000-00002000 r--p 00000000 00:00 0 ", 18, "ends before"},
           bad_line{"00001000-00002000 r-p 00000000 00:00 0 ", 19, "permissions"},
           bad_line{"00001000-00002000 r--q 00000000 00:00 0 ", 19, "permissions"},
           bad_line{"00001000-00002000 r--p 0 00:00 0 ", 24, "offset"},
           bad_line{"00001000-00002000 r--p 00000000 0:00 0 ", 33, "major"},
           bad_line{"00001000-00002000 r--p 00000000 00.00 0 ", 35, "':'"},
           bad_line{"00001000-00002000 r--p 00000000 00:0 0 ", 36, "minor"},
           bad_line{"00001000-00002000 r--p 00000000 00:00 x ", 39, "inode"},
           bad_line{"00001000-00002000 r--p 00000000 00:00 18446744073709551616 ", 39, "inode"},
           bad_line{"00001000-00002000 r--p 00000000 00:00 0", 40, "space after the inode"},
       }) {
    const auto result = parse_line(bad.line);
    ASSERT_FALSE(result) << bad.line;
    EXPECT_EQ(result.error().column, bad.column) << bad.line << ": " << result.error().to_text();
    EXPECT_NE(result.error().reason.find(bad.reason), std::string_view::npos) << result.error().to_text();
  }
}

TEST(parse, a_whole_file) {
  const std::string text = std::string{file_line} + '\n' + std::string{nameless_line} + '\n';
  const auto all = parse(text);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0], parsed(file_line));
  EXPECT_EQ(parse("")->size(), 0u);
}

TEST(parse, an_error_in_a_file_names_the_line) {
  const std::string text = std::string{file_line} + '\n' + "garbage\n";
  const auto all = parse(text);
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().line, 2u);
  EXPECT_EQ(all.error().to_text().substr(0, 5), "2:1: ");
}

TEST(parse, a_cut_off_file_is_an_error) {
  const auto all = parse(file_line);
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().reason, "the text ends inside a line");
}

}  // namespace
}  // namespace rcuvm::proc_maps
