// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/line_reader.hpp"

#include <gtest/gtest.h>
#include <lzma.h>

#include <filesystem>
#include <string>
#include <vector>

#include "proc_maps/format.hpp"
#include "proc_maps/parse.hpp"
#include "tests/bench/recording_testing.hpp"

namespace rcuvm::recording {
namespace {

namespace fs = std::filesystem;

struct reading {
  std::vector<std::string> lines;
  std::optional<read_error> error;
};

reading read_lines(const fs::path& path) {
  reading got;
  auto reader = line_reader::open(path);
  if (!reader) return {{}, reader.error()};
  while (true) {
    const auto next = reader->next();
    if (!next) {
      got.error = next.error();
      return got;
    }
    if (!*next) return got;
    got.lines.emplace_back(**next);
    EXPECT_EQ(reader->line_number(), got.lines.size());
  }
}

class line_reader_of : public testing::TestWithParam<std::string_view> {
 protected:
  /// The text as a file of the kind under test.
  fs::path file_of(std::string_view text) {
    const bool is_packed = GetParam() == ".xz";
    return scratch_.write(GetParam(), is_packed ? pack(text) : std::string{text}).path(GetParam());
  }
  scratch_recording scratch_;
};

TEST_P(line_reader_of, splits_at_newlines_only) {
  const reading got = read_lines(file_of("one\n\n two\r\n\tthree\v\f\x85\xff\n"));
  ASSERT_FALSE(got.error) << got.error->to_text();
  EXPECT_EQ(got.lines, (std::vector<std::string>{"one", "", " two\r", "\tthree\v\f\x85\xff"}));
}

TEST_P(line_reader_of, no_lines) {
  const reading got = read_lines(file_of(""));
  EXPECT_FALSE(got.error);
  EXPECT_TRUE(got.lines.empty());
}

TEST_P(line_reader_of, text_larger_than_every_buffer) {
  std::string text;
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < 20'000; ++at) {
    lines.push_back(std::to_string(at) + std::string(at % 97, 'x'));
    text += lines.back() + '\n';
  }
  const std::string long_line(700'000, 'y');  // longer than the buffer, so it must grow
  text += long_line + '\n';
  lines.push_back(long_line);
  const reading got = read_lines(file_of(text));
  ASSERT_FALSE(got.error) << got.error->to_text();
  EXPECT_TRUE(got.lines == lines);
}

TEST_P(line_reader_of, a_last_line_without_newline_is_cut_off) {
  const reading got = read_lines(file_of("whole\ncut of"));
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->line, 2u);
  EXPECT_NE(got.error->reason.find("cut off"), std::string::npos);
  EXPECT_EQ(got.lines, std::vector<std::string>{"whole"});
}

TEST_P(line_reader_of, a_line_that_never_ends_does_not_fill_the_memory) {
  const reading got = read_lines(file_of(std::string(std::size_t{3} << 20, 'z')));
  ASSERT_TRUE(got.error);
  EXPECT_NE(got.error->reason.find("1 MiB"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(both, line_reader_of, testing::Values(".xz", ".txt"),
                         [](const auto& kind) { return std::string{kind.param.substr(1)}; });

TEST(line_reader, a_file_that_is_not_there) {
  const reading got = read_lines("/nonexistent/x.perf");
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->to_text(), "/nonexistent/x.perf: No such file or directory");
}

TEST(line_reader, a_folder_is_no_file) {
  scratch_recording scratch;
  const reading got = read_lines(scratch.path("").parent_path());
  ASSERT_TRUE(got.error);
}

TEST(line_reader, a_cut_off_xz_gives_the_lines_before_the_cut_or_fewer_and_an_error) {
  std::string text;
  for (int at = 0; at < 5'000; ++at) text += "line " + std::to_string(at * 7919) + '\n';
  const std::string packed = pack(text);
  scratch_recording scratch;
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{5}, std::size_t{12}, std::size_t{40}, packed.size() / 3,
        packed.size() / 2, packed.size() - 13, packed.size() - 1}) {
    const reading got = read_lines(scratch.write(".xz", packed.substr(0, length)).path(".xz"));
    ASSERT_TRUE(got.error) << length;
    EXPECT_EQ(got.error->reason, "the .xz stream is cut off") << length;
    EXPECT_EQ(got.error->line, got.lines.size() + 1) << length;
  }
  EXPECT_EQ(read_lines(scratch.write(".xz", packed + packed).path(".xz")).lines.size(), 10'000u);
}

TEST(line_reader, a_corrupt_xz_says_so) {
  std::string text;
  for (int at = 0; at < 5'000; ++at) text += "line " + std::to_string(at * 7919) + '\n';
  std::string packed = pack(text);
  packed[packed.size() / 2] = static_cast<char>(packed[packed.size() / 2] ^ 0x40);
  scratch_recording scratch;
  const reading got = read_lines(scratch.write(".xz", packed).path(".xz"));
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->reason, "the .xz stream is corrupt");
  EXPECT_EQ(read_lines(scratch.write(".xz", "no xz at all, but long enough").path(".xz")).error->reason,
            "this is no .xz stream");
}

// The other half of format.gives_back_every_byte_of_the_kernels_text: the large snapshots, 65,023 lines among them.
TEST(line_reader, packed_snapshots_of_maps_come_back_byte_for_byte) {
  std::error_code none;
  std::size_t snapshots = 0;
  for (const auto& folder : fs::directory_iterator{shared_traces() / "snaps", none}) {
    for (const std::string_view name : {"maps.1.xz", "maps.2.xz"}) {
      if (!fs::exists(folder.path() / name)) continue;
      const reading got = read_lines(folder.path() / name);
      ASSERT_FALSE(got.error) << got.error->to_text();
      for (const std::string& line : got.lines) {
        const auto entry = proc_maps::parse_line(line);
        ASSERT_TRUE(entry) << folder.path() << ": " << line << ": " << entry.error().to_text();
        ASSERT_EQ(proc_maps::format_line(*entry), line);
      }
      ++snapshots;
    }
  }
  if (!fs::exists(shared_traces())) GTEST_SKIP() << "no shared recordings beside the source tree";
  EXPECT_GT(snapshots, 0u);
}

}  // namespace
}  // namespace rcuvm::recording
