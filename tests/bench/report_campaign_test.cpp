// SPDX-License-Identifier: Apache-2.0
#include "bench/report/campaign.hpp"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/replay_story.hpp"

namespace rcuvm::report {
namespace {

std::vector<recording::trace> two_stories() {
  std::vector<recording::trace> made;
  for (const char* name : {"first", "second"}) {
    replay::story told;
    told.execs(0).maps(0, 0x10000, 0x8000);
    for (address page = 0; page < 8; ++page) told.faults(0, 0x10000 + page * page_size);
    told.unmaps(0, 0x10000, 0x8000).ends(0);
    made.push_back(told.trace());
    made.back().name = name;
  }
  return made;
}

std::vector<std::string> order_of(const result& from, std::string_view recording, std::uint32_t repetition) {
  std::vector<std::string> designs;
  for (const replay::run& one : from.runs) {
    const bool is_it = one.recording == recording && one.repetition == repetition;
    if (is_it && one.mode == replay::walker::none) designs.push_back(one.design);
  }
  return designs;
}

TEST(campaign, Designs_take_turns_and_each_begins_once) {
  const auto traces = two_stories();
  const std::vector<std::string> all{"mmap-lock", "sync", "replace"};
  const campaign_result made =
      run_campaign(traces, {.designs = all, .workers = 2, .repetitions = 3, .most_passes = 3});
  const result& data = made.data;
  EXPECT_EQ(data.how.repetitions, 3U);
  EXPECT_EQ(data.runs.size(), 2 * 3 * 3 * 4U);
  std::set<std::string> first;
  for (std::uint32_t repetition = 1; repetition <= 3; ++repetition) {
    const std::vector<std::string> order = order_of(data, "second", repetition);
    EXPECT_EQ(std::set<std::string>(order.begin(), order.end()),
              std::set<std::string>(all.begin(), all.end()));
    first.insert(order.front());
  }
  EXPECT_EQ(first.size(), 3U) << "who goes first changes";
}

TEST(campaign, Every_run_of_a_recording_has_the_same_passes_and_the_warm_up_one) {
  const auto traces = two_stories();
  const campaign_result made = run_campaign(
      traces, {.designs = {"mmap-lock", "replace"}, .workers = 1, .repetitions = 2, .most_passes = 3});
  for (const replay::run& one : made.data.runs) {
    const std::uint32_t passes = made.data.recordings[one.recording == "first" ? 0 : 1].passes;
    EXPECT_EQ(one.passes, one.repetition == 0 ? 1 : passes);
  }
  const auto shape = made.shapes.find({"first", "replace", replay::walker::none});
  ASSERT_NE(shape, made.shapes.end());
  EXPECT_EQ(shape->second.faults.count(), std::uint64_t{8} * 2 * made.data.recordings[0].passes)
      << "no warm-up in it";
  EXPECT_EQ(made.data.how.summaries.size(), 2U);
}

TEST(campaign, A_budget_that_is_used_up_leaves_one_repetition_and_a_note) {
  const auto traces = two_stories();
  const campaign_result made = run_campaign(
      traces, {.designs = {"mmap-lock", "replace"}, .workers = 1, .repetitions = 1000, .budget_s = 0.05});
  EXPECT_GE(made.data.how.repetitions, 1U);
  EXPECT_LT(made.data.how.repetitions, 1000U);
  EXPECT_EQ(made.data.notes.size(), 1U);
}

TEST(campaign, Progress_is_told_and_can_stop_it) {
  const auto traces = two_stories();
  double last = 0;
  campaign_options how{.designs = {"replace"}, .workers = 1, .repetitions = 2, .most_passes = 3};
  how.on_progress = [&](const std::string& what, double done) {
    EXPECT_FALSE(what.empty());
    EXPECT_GE(done, last);
    last = done;
    if (done > 0.4) throw std::runtime_error{"enough"};
  };
  EXPECT_THROW(static_cast<void>(run_campaign(traces, how)), std::runtime_error);
}

}  // namespace
}  // namespace rcuvm::report
