// SPDX-License-Identifier: Apache-2.0

/// A schedule is text, and text is a run.

#include <gtest/gtest.h>

#include <memory>

#include "explore/scenarios/scenario.hpp"
#include "explore/search/replay.hpp"
#include "explore/search/sampling.hpp"
#include "rcuvm/sync/atomic.hpp"

namespace rcuvm::explore {
namespace {

/// Found only where the two interleave.
void lost_update() {
  const auto x = std::make_unique<sync::atomic<int>>();
  const auto count = [&x] {
    for (int i = 0; i != 2; ++i) x->store_relaxed(x->load_relaxed() + 1);
  };
  together(world::thread_body{"a", count}, world::thread_body{"b", count});
  RCUVM_CHECK(x->load_relaxed() == 4, "no update is lost");
}

TEST(Schedule, text_and_back) {
  for (const std::vector<int>& each : {std::vector<int>{},
                                       {1, 1, 1, 2, 0, 1},
                                       {decision_of_choice(0), 1, decision_of_choice(12), 1, 1},
                                       {7}}) {
    EXPECT_EQ(parse_schedule(to_text(each)), each);
  }
  EXPECT_EQ(to_text({1, 1, 2, decision_of_choice(1), 1}), "b2c(1)b");
}

TEST(Schedule, what_is_none_is_rejected) {
  for (const char* each : {"i", "B", "1", "b-1", "(", "(1", "()", "(-1)", "b 2", "b99999999999"}) {
    EXPECT_EQ(parse_schedule(each), std::nullopt) << each;
  }
}

TEST(Schedule, of_a_finding_replays_to_it) {
  for (const strategy how : {strategy::bounded, strategy::reduced, strategy::uniform, strategy::priorities}) {
    const search_result got = explore(lost_update, {.how = how, .bound = 2, .seed = 3});
    ASSERT_EQ(got.found.kind, finding_kind::check) << name_of(how);
    const replayed again = replay_schedule(lost_update, parse_schedule(to_text(got.schedule)).value());
    EXPECT_EQ(again.found.kind, got.found.kind);
    EXPECT_EQ(again.found.what, got.found.what);
    EXPECT_FALSE(again.told.steps.empty());
  }
}

TEST(Schedule, of_another_program_is_a_divergence) {
  EXPECT_EQ(replay_schedule(lost_update, {6, 6, 6}).found.kind, finding_kind::divergence);
}

TEST(Schedule, shrunk_is_no_longer_and_of_the_same_kind) {
  for (std::uint64_t seed = 1; seed != 20; ++seed) {
    const search_options options{.how = strategy::uniform, .seed = seed, .shrinks = false};
    search_options shrinking = options;
    shrinking.shrinks = true;
    const search_result found = explore(lost_update, options);
    const search_result shrunk = explore(lost_update, shrinking);
    EXPECT_EQ(found.found.kind, shrunk.found.kind);
    EXPECT_LE(shrunk.schedule.size(), found.schedule.size());
    EXPECT_EQ(replay_schedule(lost_update, shrunk.schedule).found.kind, found.found.kind);
  }
}

template <class Search, class... More>
std::vector<std::vector<int>> decisions_with(std::uint64_t seed, More... more) {
  world here{{}};
  Search by{seed, more...};
  std::vector<std::vector<int>> all;
  for (int i = 0; i != 20; ++i) {
    std::ignore = here.run(by, lost_update);
    all.push_back(here.decisions());
    std::ignore = by.end_run();
  }
  return all;
}

TEST(Schedule, the_same_seed_is_the_same_run) {
  EXPECT_EQ(decisions_with<uniform>(5), decisions_with<uniform>(5));
  EXPECT_NE(decisions_with<uniform>(5), decisions_with<uniform>(6));
  EXPECT_EQ(decisions_with<priorities>(5, 3), decisions_with<priorities>(5, 3));
  EXPECT_NE(decisions_with<priorities>(5, 3), decisions_with<priorities>(6, 3));
}

}  // namespace
}  // namespace rcuvm::explore
