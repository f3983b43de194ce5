// SPDX-License-Identifier: Apache-2.0

/// Every scenario comes out as it says.

#include <gtest/gtest.h>

#include "explore/scenarios/scenario.hpp"
#include "explore/search/replay.hpp"

namespace rcuvm::explore {
namespace {

class Scenarios : public testing::TestWithParam<std::pair<const scenario*, const subject*>> {};

TEST_P(Scenarios, come_out_as_expected) {
  const auto& [asked, under] = GetParam();
  const search_result got = explore(under->body, under->search);
  if (under->expected == verdict::holds) {
    EXPECT_FALSE(got.found) << got.found.what << "\nschedule " << to_text(got.schedule);
    EXPECT_TRUE(got.is_complete) << "after " << got.schedules << " schedules";
  } else {
    EXPECT_EQ(got.found.kind, under->kind) << name_of(got.found.kind) << ": " << got.found.what;
    const replayed again = replay_schedule(under->body, got.schedule, under->search.limits);
    EXPECT_EQ(again.found.what, got.found.what);
  }
}

/// Each mutation is missed where twins.cpp says so: the scenario's empty search means something.
class Twins : public testing::TestWithParam<twin> {
 protected:
  ~Twins() override { active_mutation = mutation::none; }
};

TEST_P(Twins, are_caught) {
  const twin& broken = GetParam();
  const scenario* const in = find_scenario(broken.scenario);
  ASSERT_NE(in, nullptr) << broken.scenario;
  const subject* const under = find_subject(*in, broken.design);
  ASSERT_NE(under, nullptr) << broken.design;
  EXPECT_EQ(under->expected, verdict::holds);
  active_mutation = broken.broken;
  const search_result got = explore(under->body, under->search);
  EXPECT_EQ(name_of(got.found.kind), name_of(broken.kind)) << got.found.what;
}

std::string twin_name(const testing::TestParamInfo<twin>& of) {
  return std::to_string(of.index) + "_" + std::string{of.param.name};
}

INSTANTIATE_TEST_SUITE_P(all, Twins, testing::ValuesIn(all_twins().begin(), all_twins().end()), twin_name);

std::vector<std::pair<const scenario*, const subject*>> all_subjects() {
  std::vector<std::pair<const scenario*, const subject*>> made;
  for (const scenario& each : all_scenarios()) {
    for (const subject& one : each.subjects) made.emplace_back(&each, &one);
  }
  return made;
}

std::string test_name(const testing::TestParamInfo<std::pair<const scenario*, const subject*>>& info) {
  std::string made = std::string{info.param.first->name} + "_" + info.param.second->design;
  for (char& each : made) {
    if (std::isalnum(static_cast<unsigned char>(each)) == 0) each = '_';
  }
  return made;
}

INSTANTIATE_TEST_SUITE_P(all, Scenarios, testing::ValuesIn(all_subjects()), test_name);

}  // namespace
}  // namespace rcuvm::explore
