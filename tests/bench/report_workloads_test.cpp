// SPDX-License-Identifier: Apache-2.0

/// Known workloads and the grace curve: what is measured, in a result file and in the report.

#include "bench/report/workloads.hpp"

#include <gtest/gtest.h>

#include "bench/report/html.hpp"
#include "tests/bench/report_example.hpp"
#include "tests/bench/workload_example.hpp"

namespace rcuvm::report {
namespace {

result example() {
  result made = example_with_runs();
  made.machine.cores = 2;
  made.workloads = {{.name = "malloc<1>",
                     .what = "w",
                     .source = "s",
                     .threads = 3,
                     .medians = {{"base", {{"worker.loops_per_s", 200.0}, {"unmap.p50_ns", 7.0}}},
                                 {"other", {{"worker.loops_per_s", 300.0}, {"unmap.p50_ns", 8.0}}}},
                     .other_readers = {{"worker.loops_per_s", 90.0}}}};
  made.curve = {{"base", 1, 1'000, {{"unmap.mean_ns", 2'000.0}, {"map.mean_ns", 500.0}}},
                {"other", 1, 1'000, {{"unmap.mean_ns", 3'000.0}, {"map.mean_ns", 600.0}}},
                {"base", 1, 1'000'000, {{"unmap.mean_ns", 4'000.0}, {"map.mean_ns", 700.0}}},
                {"other", 1, 1'000'000, {{"unmap.mean_ns", 5'000.0}, {"map.mean_ns", 800.0}}}};
  return made;
}

TEST(report_workloads, each_is_measured_under_each_design) {
  unsigned runs = 0;
  settings how;
  how.designs = {"mmap-lock", "replace"};
  how.workers = 2;
  const auto got = measure_workloads({workload::stays()}, how, [&](const std::string&, double) { ++runs; });
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].name, "n");
  EXPECT_EQ(got[0].threads, 3U);
  EXPECT_EQ(got[0].medians.size(), 2U);
  EXPECT_GT(got[0].medians.at("replace").at("mapper.loops_per_s"), 0);
  EXPECT_GT(got[0].other_readers.at("mapper.loops_per_s"), 0);
  EXPECT_GE(runs, 3U);
}

TEST(report_workloads, the_curve_is_of_designs_that_differ_in_it) {
  const auto ignore = [](const std::string&, double) {};
  EXPECT_TRUE(measure_grace_curve(workload::stays(), {"mmap-lock", "vma-lock"}, ignore).empty());
  const auto got = measure_grace_curve(workload::stays(), {"mmap-lock", "sync"}, ignore);
  ASSERT_FALSE(got.empty());
  for (const workload::curve_point& one : got) {
    EXPECT_EQ(one.design, "sync");
    EXPECT_EQ(one.readers, 1U);
    EXPECT_GT(one.medians.at("unmap.mean_ns"), 0);
  }
  EXPECT_LT(got.front().stay_ns, got.back().stay_ns);
}

TEST(report_workloads, come_back_from_a_result_file) {
  const result from = example();
  const auto back = from_json(to_json(from));
  ASSERT_TRUE(back) << back.error();
  EXPECT_EQ(to_json(*back), to_json(from));
  ASSERT_EQ(back->workloads.size(), 1U);
  EXPECT_EQ(back->workloads[0].medians, from.workloads[0].medians);
  EXPECT_EQ(back->workloads[0].other_readers, from.workloads[0].other_readers);
  ASSERT_EQ(back->curve.size(), 4U);
  EXPECT_EQ(back->curve[3].stay_ns, 1'000'000U);
}

TEST(report_workloads, stand_in_the_report_against_the_baseline) {
  campaign_result measured;
  measured.data = example();
  const std::string page = to_html(measured, {});
  EXPECT_NE(page.find("malloc&lt;1&gt;*</th><td>worker</td><td>200"), std::string::npos);
  const std::string_view row = std::string_view{page}.substr(page.find("malloc&lt;1&gt;"), 200);
  EXPECT_NE(row.find("<td>1.50x</td><td>0.45x</td>"), std::string_view::npos) << row;
  EXPECT_NE(page.find("<th scope=\"col\">mmap-lock, readers spin</th>"), std::string::npos);
  const std::string_view curve = std::string_view{page}.substr(page.find("munmap; a reader stays"));
  EXPECT_NE(curve.find("1 ms</th><td>4 µs</td><td>5 µs</td>"), std::string_view::npos);
  EXPECT_NE(curve.find("1 ms</th><td>700 ns</td><td>800 ns</td>"), std::string_view::npos);
  measured.data.workloads.clear();
  measured.data.curve.clear();
  const std::string without = to_html(measured, {});
  EXPECT_EQ(without.find("Known workloads"), std::string::npos);
  EXPECT_EQ(without.find("price of a grace period"), std::string::npos);
}

}  // namespace
}  // namespace rcuvm::report
