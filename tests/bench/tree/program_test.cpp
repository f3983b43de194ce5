// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/program.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace rcuvm::tree_bench {
namespace {

int run_with(std::initializer_list<const char*> arguments) {
  std::vector<std::string> words{"rcuvm-bench-tree"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& one : words) argv.push_back(one.data());
  return run(static_cast<int>(argv.size()), argv.data());
}

TEST(bench_tree_program_test, a_filter_that_matches_nothing_is_an_error) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_with({"--sizes", "40", "--rivals", "std_map", "--benchmark_filter=no_such_benchmark"}), 2);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("no benchmark matches"), std::string::npos);
}

TEST(bench_tree_program_test, an_unknown_rival_is_an_error) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_with({"--sizes", "40", "--rivals", "nobody"}), 2);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("unknown rival 'nobody'"), std::string::npos);
}

}  // namespace
}  // namespace rcuvm::tree_bench
