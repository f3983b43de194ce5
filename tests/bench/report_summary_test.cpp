// SPDX-License-Identifier: Apache-2.0
#include "bench/report/summary.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "bench/report/table.hpp"
#include "bench/report/words.hpp"
#include "tests/bench/report_example.hpp"

namespace rcuvm::report {
namespace {

const metric& metric_of(std::string_view key) {
  return *std::ranges::find_if(
      metrics(), [&](const metric& one) { return one.key == key && one.mode == replay::walker::none; });
}

bool says(const std::vector<std::string>& texts, std::string_view what) {
  return std::ranges::any_of(texts,
                             [&](const std::string& one) { return one.find(what) != std::string::npos; });
}

TEST(summary, A_ratio_is_the_geometric_mean_of_the_recordings) {
  const result from = example_with_runs();
  const summary_cell faults = summarize(from, metric_of("fault.p99_ns"), "other");
  EXPECT_DOUBLE_EQ(faults.ratio, 0.5);
  EXPECT_DOUBLE_EQ(faults.absolute, 51);
  EXPECT_EQ(faults.better, 2U);
  EXPECT_EQ(faults.worse, 0U);
  EXPECT_EQ(judge(faults, metric_of("fault.p99_ns")), verdict::better);
}

// Clearly worse on one recording, within the spread on the other: worse on half of them, and never better.
TEST(summary, One_clear_recording_of_two_is_enough_for_a_verdict) {
  const summary_cell writers = summarize(example_with_runs(), metric_of("writer.p99_ns"), "other");
  EXPECT_EQ(writers.worse, 1U);
  EXPECT_EQ(writers.better, 0U);
  EXPECT_EQ(judge(writers, metric_of("writer.p99_ns")), verdict::worse);
}

TEST(summary, Overlapping_spreads_and_tiny_differences_are_unclear) {
  result from = example_result();
  add_runs(from, "one", "base", "fault.p99_ns", {0, 100, 120, 110});
  add_runs(from, "one", "other", "fault.p99_ns", {0, 50, 101, 60});
  const metric& of = metric_of("fault.p99_ns");
  EXPECT_EQ(judge(summarize(from, of, "other"), of), verdict::unclear);
  result close = example_result();
  add_runs(close, "one", "base", "fault.p99_ns", {0, 100, 100, 100});
  add_runs(close, "one", "other", "fault.p99_ns", {0, 99, 99, 99});
  EXPECT_EQ(judge(summarize(close, of, "other"), of), verdict::unclear);
}

TEST(summary, More_is_better_for_rates) {
  result from = example_result();
  add_runs(from, "one", "base", "faults_per_s", {0, 100, 100, 100});
  add_runs(from, "one", "other", "faults_per_s", {0, 300, 300, 300});
  const metric& of = metric_of("faults_per_s");
  EXPECT_EQ(judge(summarize(from, of, "other"), of), verdict::better);
}

TEST(summary, A_good_machine_gets_no_warning) { EXPECT_TRUE(warnings_of(example_with_runs()).empty()); }

TEST(summary, Each_weakness_of_a_measurement_is_named) {
  result from = example_with_runs();
  from.machine.cores = 2;
  EXPECT_TRUE(says(warnings_of(from), "scales"));
  EXPECT_TRUE(says(warnings_of(from), "share 2 cores"));
  from.machine.has_assertions = true;
  EXPECT_TRUE(says(warnings_of(from), "assertions"));
  from.machine.load_before = {4, 4, 4};
  EXPECT_TRUE(says(warnings_of(from), "busy"));
  from.how.repetitions = 1;
  EXPECT_TRUE(says(warnings_of(from), "1 repetition:"));
  add_runs(from, "one", "base", "fault.p50_ns", {0, 100, 200, 150});
  EXPECT_TRUE(says(warnings_of(from), "noisy"));
  add_runs(from, "one", "other", "different", {0, 1});
  EXPECT_TRUE(says(warnings_of(from), "answered otherwise"));
}

TEST(words, Findings_say_what_is_better_and_what_it_costs) {
  const std::vector<findings> found = find(example_with_runs());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].design, "other");
  ASSERT_EQ(found[0].better.size(), 1U);
  EXPECT_EQ(found[0].better[0].title, "fault p99");
  ASSERT_EQ(found[0].worse.size(), 1U);
  EXPECT_EQ(found[0].worse[0].clear_on, 1U);
  EXPECT_TRUE(says(found[0].prices, "4 KiB"));
  EXPECT_EQ(one_line(found[0]),
            "other: clearly better at fault p99 0.50x; clearly worse at writer p99 1.73x");
}

TEST(words, Alone_there_is_nothing_to_compare) {
  result from = example_with_runs();
  from.how.designs = {"base"};
  EXPECT_TRUE(find(from).empty());
  EXPECT_NE(yardstick(from).find("nothing to compare"), std::string::npos);
}

TEST(table, Columns_are_as_wide_as_their_widest_cell_in_characters) {
  text_table made;
  made.add({"name", "time"});
  made.add({"a", "1 µs"});
  made.add({"longer", "10 ns"});
  EXPECT_EQ(made.to_text(), "name      time\na         1 µs\nlonger   10 ns\n");
}

TEST(table, The_summary_has_both_sides_with_ratios_and_absolute_figures) {
  const std::string text = summary_text(example_with_runs());
  EXPECT_NE(text.find("Page faults"), std::string::npos);
  EXPECT_NE(text.find("Writers"), std::string::npos);
  EXPECT_NE(text.find("0.50x+"), std::string::npos) << text;
  EXPECT_NE(text.find("1.73x-"), std::string::npos) << text;
  EXPECT_NE(text.find("51 ns"), std::string::npos) << text;
}

}  // namespace
}  // namespace rcuvm::report
