// SPDX-License-Identifier: Apache-2.0

/// What the explorer says, in a result file and in the report.

#include "bench/report/proofs.hpp"

#include <gtest/gtest.h>

#include "bench/report/html.hpp"
#include "tests/bench/report_example.hpp"

namespace rcuvm::report {
namespace {

constexpr std::string_view answer = R"({"results": [
    {"scenario": "late-install", "summary": "a fault beside munmap", "claim": "F3", "design": "base", "verdict": "holds",
     "as_expected": true, "complete": true, "search": "bounded", "bound": 1, "schedules": 4488, "finding": null, "replay": null},
    {"scenario": "late-install", "summary": "a fault beside munmap", "claim": "F3", "design": "other",
     "verdict": "fails", "as_expected": false, "complete": false, "search": "bounded", "bound": 1, "schedules": 7,
     "finding": {"what": "F3: too late"}, "replay": "rcuvm explore late-install --design other --replay 'b1c'"}]})";
constexpr std::string_view counted = R"({"traffic": [
    {"design": "base", "what": "fault", "updates": 2.0, "stores": 0.5},
    {"design": "other", "what": "fault", "updates": 0.0, "stores": 0.0}]})";

result example() {
  result made = example_with_runs();
  made.proofs = proofs_from_json(answer).value();
  made.traffic = traffic_from_json(counted).value();
  return made;
}

TEST(proofs, are_read_from_the_explorers_answer) {
  const auto got = proofs_from_json(answer);
  ASSERT_TRUE(got) << got.error();
  ASSERT_EQ(got->size(), 2U);
  EXPECT_TRUE(got->front().holds);
  EXPECT_TRUE(got->front().is_complete);
  EXPECT_EQ(got->front().schedules, 4488U);
  EXPECT_EQ(to_text(got->front()), "holds: 4488 schedules, all with up to 1 preemption");
  EXPECT_FALSE(got->back().holds);
  EXPECT_EQ(to_text(got->back()), "fails: F3: too late");
  EXPECT_EQ(got->back().replay, "rcuvm explore late-install --design other --replay 'b1c'");
}

TEST(proofs, traffic_is_read_the_same_way) {
  const auto got = traffic_from_json(counted);
  ASSERT_TRUE(got) << got.error();
  ASSERT_EQ(got->size(), 2U);
  EXPECT_EQ(got->front(), (traffic{.design = "base", .what = "fault", .updates = 2, .stores = 0.5}));
}

TEST(proofs, an_answer_that_cannot_be_read_and_a_program_that_is_not_there_are_told) {
  EXPECT_FALSE(proofs_from_json("").has_value());
  EXPECT_FALSE(proofs_from_json(counted).has_value());
  EXPECT_FALSE(traffic_from_json(answer).has_value());
  const auto got = run_traffic("/nowhere/rcuvm-explore");
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().find("/nowhere/rcuvm-explore"), std::string::npos);
  EXPECT_FALSE(run_explorer("/nowhere/rcuvm-explore").has_value());
}

TEST(proofs, come_back_from_a_result_file) {
  const result from = example();
  const auto back = from_json(to_json(from));
  ASSERT_TRUE(back) << back.error();
  EXPECT_EQ(back->proofs, from.proofs);
  EXPECT_EQ(back->traffic, from.traffic);
}

TEST(proofs, stand_in_the_report_with_the_replay_of_what_fails) {
  campaign_result measured;
  measured.data = example();
  const std::string page = to_html(measured, {});
  EXPECT_NE(page.find("late-install"), std::string::npos);
  EXPECT_NE(page.find("--replay"), std::string::npos);
  EXPECT_NE(page.find("<td>2 + 0.5</td>"), std::string::npos);
  measured.data.traffic.clear();
  EXPECT_EQ(to_html(measured, {}).find("that others touch"), std::string::npos);
}

}  // namespace
}  // namespace rcuvm::report
