// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/cli.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/diff_kernel/scene.hpp"
#include "rcuvm/designs/designs.hpp"

namespace rcuvm::cli {
namespace {

namespace fs = std::filesystem;

struct outcome {
  int code = 0;
  std::string out;
  std::string error;
};

outcome rcuvm(std::initializer_list<std::string> arguments) {
  std::vector<const char*> given{"rcuvm"};
  for (const std::string& one : arguments) given.push_back(one.c_str());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  outcome made;
  made.code = run(static_cast<int>(given.size()), given.data());
  std::fflush(stdout);
  made.out = testing::internal::GetCapturedStdout();
  made.error = testing::internal::GetCapturedStderr();
  return made;
}

bool holds(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

class file_of_text {
 public:
  explicit file_of_text(std::string_view text)
      : path_{fs::temp_directory_path() / ("rcuvm_cli_test_" + std::to_string(::getpid()))} {
    std::ofstream{path_, std::ios::binary} << text;
  }
  ~file_of_text() { fs::remove(path_); }
  file_of_text(const file_of_text&) = delete;
  file_of_text& operator=(const file_of_text&) = delete;
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

TEST(cli, Help_is_no_error_and_shows_examples) {
  for (const char* command : {"review", "replay", "maps", "designs", "diff-kernel"}) {
    const outcome got = rcuvm({command, "--help"});
    EXPECT_EQ(got.code, ok) << command;
    EXPECT_TRUE(holds(got.out, "Usage")) << got.out;
  }
  const outcome got = rcuvm({"--help"});
  EXPECT_EQ(got.code, ok);
  EXPECT_TRUE(holds(got.out, "Examples"));
  EXPECT_TRUE(holds(got.out, "Exit status"));
}

TEST(cli, Wrong_usage_is_2) {
  EXPECT_EQ(rcuvm({}).code, bad_input);
  EXPECT_EQ(rcuvm({"nonsense"}).code, bad_input);
  EXPECT_EQ(rcuvm({"replay"}).code, bad_input) << "no recording";
  EXPECT_EQ(rcuvm({"review", "--workers", "0"}).code, bad_input);
  EXPECT_EQ(rcuvm({"review", "--repetitions", "x"}).code, bad_input);
}

TEST(cli, An_unknown_design_names_the_known_ones) {
  for (const char* command : {"replay", "review"}) {
    const std::string option = std::string{command} == "replay" ? "--design" : "--designs";
    const outcome got = rcuvm({command, "sqlite_mmap", option, "mmap-lock,fastest"});
    EXPECT_EQ(got.code, bad_input);
    EXPECT_TRUE(holds(got.error, "'fastest'")) << got.error;
    for (const std::string& name : designs::names()) EXPECT_TRUE(holds(got.error, name)) << got.error;
  }
}

TEST(cli, An_unknown_recording_names_the_known_ones) {
  const outcome got = rcuvm({"replay", "no_such_thing", "--strict"});
  EXPECT_EQ(got.code, bad_input);
  EXPECT_TRUE(holds(got.error, "no_such_thing")) << got.error;
  EXPECT_TRUE(holds(got.error, "sqlite_mmap")) << got.error;
}

TEST(cli, An_unknown_walker_names_the_known_ones) {
  const outcome got = rcuvm({"replay", "sqlite_mmap", "--walker", "fast"});
  EXPECT_EQ(got.code, bad_input);
  EXPECT_TRUE(holds(got.error, "snapshot"));
}

TEST(cli, An_unknown_way_of_shooting_down_names_the_known_ones) {
  const outcome got = rcuvm({"workload", "mmap1", "--shootdowns", "never"});
  EXPECT_EQ(got.code, bad_input);
  EXPECT_TRUE(holds(got.error, "lazily")) << got.error;
}

TEST(cli, An_unknown_way_of_waiting_names_the_known_ones) {
  for (const char* command : {"review", "replay", "workload"}) {
    const outcome got = rcuvm({command, "mmap1", "--readers", "never"});
    EXPECT_EQ(got.code, bad_input);
    EXPECT_TRUE(holds(got.error, "sleep")) << got.error;
    EXPECT_TRUE(holds(got.error, "spin")) << got.error;
  }
}

TEST(cli, A_workload_tells_how_readers_wait) {
  for (const std::string how : {"sleep", "spin"}) {
    const outcome got = rcuvm(
        {"workload", "mmap1", "--designs", "mmap-lock", "--seconds", "0.001", "--json", "--readers", how});
    EXPECT_TRUE(holds(got.out, "\"readers\": \"" + how + "\"")) << got.out << got.error;
  }
}

TEST(cli, Designs_are_listed_the_baseline_first) {
  const outcome got = rcuvm({"designs"});
  EXPECT_EQ(got.code, ok);
  EXPECT_TRUE(got.out.starts_with("mmap-lock ")) << got.out;
  for (const std::string& name : designs::names())
    EXPECT_TRUE(holds(got.out, "\n" + name) || got.out.starts_with(name));
}

// --- maps ----------------------------------------------------------------------------------------------------------

TEST(cli, Maps_of_a_process_and_of_a_file_are_printed_as_they_are) {
  const outcome self = rcuvm({"maps", std::to_string(::getpid())});
  EXPECT_EQ(self.code, ok) << self.error;
  EXPECT_TRUE(holds(self.out, "[stack]"));
  const file_of_text file{self.out};
  EXPECT_EQ(rcuvm({"maps", file.path()}).out, self.out);
}

TEST(cli, Maps_as_json_are_numbers_and_names) {
  const file_of_text file{"00001000-00003000 r-xs 00002000 fe:01 7                                  /a b\n"};
  const outcome got = rcuvm({"maps", "--json", file.path()});
  EXPECT_EQ(got.code, ok);
  const auto read = nlohmann::json::parse(got.out);
  EXPECT_EQ(read.at(0).at("start"), "1000");
  EXPECT_EQ(read.at(0).at("permissions"), "r-xs");
  EXPECT_EQ(read.at(0).at("offset"), 0x2000);
  EXPECT_EQ(read.at(0).at("device"), "fe:01");
  EXPECT_EQ(read.at(0).at("name"), "/a b");
}

TEST(cli, A_garbled_line_is_told_by_number_and_is_2) {
  const file_of_text file{"00001000-00003000 r-xp 00000000 00:00 0 \nrubbish\n"};
  const outcome got = rcuvm({"maps", file.path()});
  EXPECT_EQ(got.code, bad_input);
  EXPECT_TRUE(holds(got.error, file.path() + ":2:")) << got.error;
  EXPECT_EQ(rcuvm({"maps", "/no/such/file"}).code, bad_input);
}

TEST(cli, Lines_out_of_order_are_1) {
  const file_of_text file{
      "00003000-00004000 r-xp 00000000 00:00 0 \n00001000-00002000 r-xp 00000000 00:00 0 \n"};
  const outcome got = rcuvm({"maps", file.path()});
  EXPECT_EQ(got.code, differences);
  EXPECT_TRUE(holds(got.error, ":2:")) << got.error;
}

// --- replay and review ---------------------------------------------------------------------------------------------

TEST(cli, A_strict_replay_says_how_many_samples_are_equal) {
  const outcome got = rcuvm({"replay", "sqlite_mmap", "nginx_wrk", "--strict", "--design", "tombstone"});
  EXPECT_EQ(got.code, ok) << got.out;
  EXPECT_TRUE(holds(got.out, "sqlite_mmap under tombstone: 7 of 7 samples equal")) << got.out;
  EXPECT_TRUE(holds(got.out, "(100.0 %)")) << got.out;
  const auto read = nlohmann::json::parse(rcuvm({"replay", "sqlite_mmap", "--strict", "--json"}).out);
  EXPECT_EQ(read.at(0).at("samples_equal"), 7);
}

TEST(cli, A_measured_replay_prints_a_table_or_json) {
  const outcome got = rcuvm({"replay", "sqlite_mmap", "--workers", "2", "--walker", "chunked"});
  EXPECT_EQ(got.code, ok) << got.out;
  EXPECT_TRUE(holds(got.out, "munmap")) << got.out;
  const outcome as_json = rcuvm({"replay", "sqlite_mmap", "--design", "all", "--json"});
  const auto read = nlohmann::json::parse(as_json.out);
  EXPECT_EQ(read.size(), designs::names().size());
  EXPECT_EQ(read.at(0).at("figures").at("different"), 0);
}

TEST(cli, A_review_writes_the_report_and_prints_the_summary) {
  const fs::path folder = fs::temp_directory_path() / ("rcuvm_cli_review_" + std::to_string(::getpid()));
  const outcome got = rcuvm({"review", "sqlite_mmap", "--designs", "replace,mmap-lock", "--repetitions", "1",
                             "--no-workloads", "--budget", "2", "-o", folder.string()});
  EXPECT_EQ(got.code, ok) << got.error;
  EXPECT_TRUE(holds(got.out, (folder / "index.html").string())) << got.out;
  EXPECT_TRUE(holds(got.out, "Page faults")) << got.out;
  EXPECT_LT(got.out.find("mmap-lock"), got.out.find("replace")) << "the baseline first";
  EXPECT_TRUE(holds(got.error, "warm-up")) << "progress";
  EXPECT_TRUE(fs::exists(folder / "index.html"));
  EXPECT_TRUE(fs::exists(folder / "result.json"));
  fs::remove_all(folder);
}

TEST(cli, A_review_refuses_to_write_over_something_else_before_it_measures) {
  const fs::path folder = fs::temp_directory_path() / ("rcuvm_cli_other_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  std::ofstream{folder / "mine"} << "x";
  const outcome got = rcuvm({"review", "sqlite_mmap", "-o", folder.string()});
  EXPECT_EQ(got.code, bad_input);
  EXPECT_FALSE(holds(got.error, "warm-up"));
  EXPECT_TRUE(fs::exists(folder / "mine"));
  fs::remove_all(folder);
}

TEST(cli, Diff_kernel_says_what_it_compared) {
  if (!diff_kernel::is_kernel_followed()) GTEST_SKIP() << diff_kernel::kernel_name();
  const outcome got = rcuvm({"diff-kernel", "--ops", "300", "--seed", "5", "--arena", "128K", "--json"});
  ASSERT_EQ(got.code, ok) << got.error;
  const auto told = nlohmann::json::parse(got.out);
  EXPECT_EQ(told["calls"], 300);
  EXPECT_EQ(told["seed"], 5);
  EXPECT_EQ(told["arena_bytes"], 128 << 10);
  EXPECT_EQ(told["design"], "replace");
  EXPECT_TRUE(told["difference"].is_null());
  EXPECT_TRUE(holds(rcuvm({"diff-kernel", "--ops", "100"}).out, "100 calls, no difference"));
}

TEST(cli, Diff_kernel_refuses_wrong_use) {
  for (const auto& wrong : {std::pair{"--ops", "0"},
                            {"--ops", "many"},
                            {"--arena", "5000"},
                            {"--arena", "4K"},
                            {"--arena", "1G"},
                            {"--design", "no-such"},
                            {"--design", "all"}}) {
    EXPECT_EQ(rcuvm({"diff-kernel", wrong.first, wrong.second}).code, bad_input) << wrong.second;
  }
}

}  // namespace
}  // namespace rcuvm::cli
