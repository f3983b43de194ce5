// SPDX-License-Identifier: Apache-2.0

/// Scenario files: what they may say, and that each of those that come along runs under each design.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "bench/workload/meeting.hpp"
#include "bench/workload/run.hpp"
#include "rcuvm/designs/designs.hpp"
#include "rcuvm/sync/thread.hpp"

namespace rcuvm::workload {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::vector<fs::path> bundled() {
  std::vector<fs::path> made;
  for (const auto& one : fs::directory_iterator{fs::path{RCUVM_SOURCE_DIR} / "data/workloads"})
    made.push_back(one.path());
  return made;
}

scenario one_group(const std::string& group) {
  return parse(R"({"name": "n", "source": "s", "what": "w", "threads": [)" + group + "]}", "text");
}

std::string error_of(const std::string& text) {
  try {
    std::ignore = parse(text, "mine.json");
  } catch (const std::runtime_error& wrong) {
    return wrong.what();
  }
  return "";
}
std::string error_in_step(const std::string& step) {
  return error_of(R"({"name": "n", "source": "s", "what": "w", "threads": [{"name": "t", "loop": [)" + step +
                  "]}]}");
}

TEST(workload_file, says_who_does_what) {
  const scenario got = one_group(R"({"name": "t", "count": 3,
      "setup": [{"do": "map", "region": "a", "pages": 7, "of": "shared file", "at": "own"}],
      "loop": [{"do": "map", "pages": 1}, {"do": "touch", "region": "a", "for": "write", "random": 5},
               {"do": "stay", "ns": 9}, {"do": "brk", "pages": -2}, {"do": "unmap"}]})");
  ASSERT_EQ(got.groups.size(), 1U);
  const thread_group& group = got.groups.front();
  EXPECT_EQ(group.count, 3U);
  EXPECT_EQ(got.threads(9), 3U);
  EXPECT_EQ(group.regions, (std::vector<std::string>{"a", "it"}));
  const step& map = group.setup.at(0);
  EXPECT_EQ(map.pages, 7U);
  EXPECT_EQ(map.memory, memory::shared_file);
  EXPECT_EQ(map.at, place::own);
  const step& touch = group.loop.at(1);
  EXPECT_EQ(touch.region, 0U);
  EXPECT_TRUE(touch.is_write);
  EXPECT_TRUE(touch.is_random);
  EXPECT_EQ(touch.pages, 5U);
  EXPECT_EQ(group.loop.at(2).nanoseconds, 9U);
  EXPECT_EQ(group.loop.at(3).grows, -2);
  EXPECT_EQ(group.loop.at(4).region, 1U);
}

TEST(workload_file, errors_name_the_file_what_is_wrong_and_what_is_known) {
  const auto holds = [](const std::string& text, std::string_view part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
    EXPECT_TRUE(text.starts_with("mine.json: ")) << text;
  };
  holds(error_of("{"), "parse error");
  holds(error_of("[]"), "is not an object");
  holds(error_of(R"({"name": "n", "source": "s"})"), R"("what" is missing)");
  holds(error_of(R"({"name": "n", "source": "s", "what": "w"})"), "no threads");
  holds(error_of(R"({"name": 1, "source": "s", "what": "w"})"), "type must be string");
  holds(error_in_step(""), "have no loop");
  holds(error_in_step(R"({"do": "dance"})"), R"("dance" is not one of map, unmap)");
  holds(error_in_step(R"({"do": "unmap"})"), R"(no step before maps the region "it")");
  holds(error_in_step(R"({"do": "map"})"), R"("pages" is missing)");
  holds(error_in_step(R"({"do": "map", "pages": 0})"), R"("pages" is 0)");
  holds(error_in_step(R"({"do": "map", "pages": -1})"), R"("pages")");
  holds(error_in_step(R"({"do": "map", "pages": 1, "at": "home"})"),
        R"("home" is not one of anywhere, own, shared)");
  holds(error_in_step(R"({"do": "walk", "lines": 1})"), R"("lines" has no meaning here; known: do, of)");
}

TEST(workload_meeting, hands_ranges_round_until_somebody_leaves) {
  meeting met{2};
  range mine{0, 1};
  range other{1, 2};
  {
    sync::thread second{"second", [&] {
                          EXPECT_TRUE(met.exchange(1, other));
                          EXPECT_FALSE(met.exchange(1, other));  // waits until the first one leaves
                        }};
    EXPECT_TRUE(met.exchange(0, mine));
    met.leave();
  }
  EXPECT_EQ(mine, (range{1, 2}));
  EXPECT_EQ(other, (range{0, 1}));
  EXPECT_FALSE(met.exchange(0, mine));
}

TEST(workload_run, counts_what_its_threads_do) {
  const scenario of = one_group(R"({"name": "t", "loop": [
      {"do": "map", "pages": 3}, {"do": "touch", "for": "write"}, {"do": "unmap"}]})");
  const replay::figures got = run(of, "replace", {.threads = 2, .seconds = 0.02});
  EXPECT_GT(got.at("t.loops_per_s"), 0);
  EXPECT_GT(got.at("map.p50_ns"), 0);
  // Each thread may be in the middle of a loop when time is up.
  EXPECT_NEAR(got.at("touch.count"), 3 * got.at("map.count"), 6);
  EXPECT_EQ(got.at("count.faults"), got.at("touch.count"));
  EXPECT_FALSE(got.contains("walk.count"));
}

TEST(workload_run, leaves_shootdowns_to_ticks_where_it_is_told_so) {
  const scenario of = one_group(R"({"name": "t", "setup": [{"do": "map", "pages": 3}],
      "loop": [{"do": "touch", "for": "write"}, {"do": "drop"}]})");
  const auto left = [&](vm::shootdowns how) {
    return run(of, "replace", {.threads = 2, .seconds = 0.02, .shootdowns = how}).at("count.shootdowns_left");
  };
  EXPECT_EQ(left(vm::shootdowns::at_once), 0);
  EXPECT_GT(left(vm::shootdowns::lazily), 0);
}

TEST(workload_run, a_refused_call_is_told_with_its_errno) {
  const scenario of = one_group(R"({"name": "t", "loop": [{"do": "map", "pages": 99999999999}]})");
  try {
    std::ignore = run(of, "replace", {.threads = 1, .seconds = 0.01});
    FAIL();
  } catch (const std::runtime_error& wrong) {
    EXPECT_STREQ(wrong.what(), "n: t: map was refused: errno 12");
  }
}

TEST(workload_run, each_that_comes_along_runs_under_each_design) {
  for (const fs::path& file : bundled()) {
    const scenario of = parse(text_of(file), file.string());
    EXPECT_EQ(of.name, file.stem().string());
    for (const std::string& design : designs::names()) {
      SCOPED_TRACE(of.name + ", " + design);
      for (const vm::shootdowns how : {vm::shootdowns::at_once, vm::shootdowns::lazily}) {
        const replay::figures got = run(of, design, {.threads = 2, .seconds = 0.002, .shootdowns = how});
        const auto is_p50 = [](const auto& figure) { return figure.first.ends_with(".p50_ns"); };
        EXPECT_TRUE(std::ranges::any_of(got, is_p50));
      }
    }
  }
}

}  // namespace
}  // namespace rcuvm::workload
