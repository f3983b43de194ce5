// SPDX-License-Identifier: Apache-2.0

/// Ten ways in which an explorer has said "nothing found" where there was something. Each is a test.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <type_traits>

#include "explore/scenarios/scenario.hpp"
#include "explore/search/depth_first.hpp"
#include "explore/search/reduction.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/memory.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/sync/rcu.hpp"

namespace rcuvm::explore {
namespace {

using body = world::thread_body;

struct words {
  sync::atomic<int> x;
  sync::atomic<int> y;
  sync::mutex lock;
  sync::condition condition;
};

search_result all_of(const scenario_body& run, strategy how = strategy::reduced) {
  return explore(run, {.how = how, .bound = 3, .limits = {.steps = 500}});
}

/// One schedule a class: of a writer and two readers there are four, as each reader comes before or after the writer.
TEST(Pitfall, 1_source_sets_lose_no_outcome_and_repeat_none) {
  unsigned seen = 0;  // a bit each
  const search_result got = all_of([&seen] {
    const auto of = std::make_unique<words>();
    int first = 0;
    int second = 0;
    together(body{"writer", [&] { of->x.store_relaxed(1); }},
             body{"a", [&] { first = of->x.load_relaxed(); }},
             body{"b", [&] { second = of->x.load_relaxed(); }});
    seen |= 1U << static_cast<unsigned>(2 * first + second);
  });
  EXPECT_TRUE(got.is_complete);
  EXPECT_EQ(seen, 15U);
  EXPECT_EQ(got.schedules, 4U);
}

TEST(Pitfall, 2_a_free_is_a_write_to_the_whole_object) {
  struct large {
    long header = 0;
    sync::atomic<int> value;
  };
  const search_result got = all_of([] {
    const auto to = std::make_unique<sync::atomic<large*>>(sync::memory::make<large>());
    // The reader comes first here, and the default schedule finds nothing.
    together(body{"reader",
                  [&] {
                    if (const large* found = to->load_acquire(); found != nullptr)
                      std::ignore = found->value.load_relaxed();
                  }},
             body{"writer", [&] { sync::memory::destroy(to->exchange_acq_rel(nullptr)); }});
  });
  EXPECT_EQ(got.found.kind, finding_kind::use_after_free);
  EXPECT_GT(got.schedules, 1U);
}

TEST(Pitfall, 3_takings_of_a_lock_race_with_takings_and_try_lock_with_both) {
  unsigned orders = 0;
  const search_result locks = all_of([&orders] {
    const auto of = std::make_unique<words>();
    const auto take = [&](int own) {
      const sync::mutex_guard guard{of->lock};
      if (of->x.load_relaxed() == 0) of->x.store_relaxed(own);
    };
    together(body{"a", [&] { take(1); }}, body{"b", [&] { take(2); }});
    orders |= 1U << static_cast<unsigned>(of->x.load_relaxed());
  });
  EXPECT_EQ(orders, 6U);
  EXPECT_EQ(locks.schedules, 2U);  // the unlock that a lock waits for is no race: there would be more

  unsigned tries = 0;
  const search_result got = all_of([&tries] {
    const auto of = std::make_unique<words>();
    const auto take = [&] { const sync::mutex_guard guard{of->lock}; };
    const auto attempt = [&]() RCUVM_NO_THREAD_SAFETY_ANALYSIS {
      for (int i = 0; i != 2; ++i) {
        const bool is_taken = of->lock.try_lock();
        tries |= 1U << static_cast<unsigned>(2 * i + (is_taken ? 1 : 0));
        if (is_taken) of->lock.unlock();
      }
    };
    together(body{"a", take}, body{"b", attempt});
  });
  EXPECT_TRUE(got.is_complete);
  EXPECT_EQ(tries, 15U);
}

/// What an oracle remembers of "before" is a step of its own, also where it is the thread's first.
TEST(Pitfall, 4_what_the_oracle_reads_is_a_step) {
  unsigned seen = 0;
  const search_result got = all_of([&seen] {
    const auto of = std::make_unique<words>();
    together(body{"reader", [&] { seen |= 1U << static_cast<unsigned>(of->x.load_relaxed()); }},
             body{"writer", [&] { of->x.store_relaxed(1); }});
  });
  EXPECT_TRUE(got.is_complete);
  EXPECT_EQ(seen, 3U);
}

TEST(Pitfall, 5_a_yield_ends_when_something_read_since_the_last_one_has_changed) {
  const auto spins_until_x = [](auto other) {
    return [other] {
      const auto of = std::make_unique<words>();
      together(body{"spinner",
                    [&] {
                      while (of->x.load_acquire() == 0) sync::relax();
                    }},
               body{"other", [&] { other(*of); }});
    };
  };
  for (const strategy how : {strategy::reduced, strategy::bounded}) {
    EXPECT_TRUE(all_of(spins_until_x([](words& of) { of.x.store_release(1); }), how).is_complete);
    // Nobody ends it: neither a write to something else nor an own one is a change.
    EXPECT_EQ(all_of(spins_until_x([](words& of) { of.y.store_release(1); }), how).found.kind,
              finding_kind::deadlock);
    EXPECT_EQ(all_of(
                  [] {
                    const auto of = std::make_unique<words>();
                    together(body{"spinner", [&] {
                                    while (of->x.load_acquire() < 5) {
                                      of->x.store_relaxed(1);
                                      sync::relax();
                                    }
                                  }});
                  },
                  how)
                  .found.kind,
              finding_kind::deadlock);
  }
}

/// A scenario that cannot fail proves nothing: beside each subject that holds stands one that fails, or a mutation.
TEST(Pitfall, 6_no_scenario_is_without_a_twin_that_fails) {
  std::string without;
  for (const scenario& each : all_scenarios()) {
    const bool has_failing =
        std::ranges::any_of(each.subjects, [](const subject& one) { return one.expected == verdict::fails; });
    const bool has_twin =
        std::ranges::any_of(all_twins(), [&](const twin& it) { return it.scenario == each.name; });
    if (!has_failing && !has_twin) without += "\n  " + std::string{each.name};
  }
  EXPECT_TRUE(without.empty()) << "nothing shows that these could fail:" << without;
}

/// Who keeps something between runs is found out.
TEST(Pitfall, 7_a_scenario_that_is_not_deterministic_is_reported) {
  for (const strategy how : {strategy::reduced, strategy::bounded}) {
    int runs = 0;
    const search_result got = all_of(
        [&runs] {
          const auto of = std::make_unique<words>();
          const auto use = [&] {
            of->x.store_relaxed(1);
            std::ignore = of->x.load_relaxed();
          };
          if (++runs % 4 < 2) {
            together(body{"a", use}, body{"b", use});
          } else {
            together(body{"a", use}, body{"b", use}, body{"c", use});
          }
        },
        how);
    EXPECT_EQ(got.found.kind, finding_kind::divergence) << name_of(how);
  }
}

TEST(Pitfall, 8_a_thread_starts_at_once_up_to_its_first_step) {
  const search_result got = all_of([] {
    const auto of = std::make_unique<words>();
    int begun = 0;
    const auto use = [&] {
      ++begun;
      std::ignore = of->x.load_relaxed();
      RCUVM_CHECK(begun == 2, "both have begun before either takes a step");
    };
    together(body{"a", use}, body{"b", use});
  });
  EXPECT_TRUE(got.is_complete);
}

/// A worker that waits for work for ever, a while at a time.
TEST(Pitfall, 9_an_idle_worker_neither_ends_in_a_deadlock_nor_hides_one) {
  const auto beside_a_worker = [](auto other) {
    return [other] {
      const auto of = std::make_unique<words>();
      together(body{"worker",
                    [&] {
                      sync::mutex_guard guard{of->lock};
                      while (of->x.load_relaxed() == 0) std::ignore = of->condition.wait_for_ns(guard, 1000);
                    }},
               body{"other", [&] { other(*of); }});
    };
  };
  const auto stop = [](words& of) {
    const sync::mutex_guard guard{of.lock};
    of.x.store_relaxed(1);
    of.condition.notify_all();
  };
  const search_result stopped = all_of(beside_a_worker(stop));
  EXPECT_FALSE(stopped.found) << stopped.found.what;
  EXPECT_TRUE(stopped.is_complete);
  // Everybody else waits for ever: time goes on and on, so this is a run without end, not one that is fine.
  const search_result stuck = all_of(beside_a_worker([&](words& of) {
    while (of.y.load_acquire() == 0) sync::relax();
    stop(of);
  }));
  EXPECT_EQ(stuck.found.kind, finding_kind::endless);
}

/// With a bound, a reduction would leave out runs whose equivalents are beyond it.
TEST(Pitfall, 10_a_bound_and_the_reduction_are_never_combined) {
  static_assert(!std::is_base_of_v<depth_first, reduction> && !std::is_base_of_v<reduction, depth_first>);
  static_assert(std::is_final_v<depth_first> && std::is_final_v<reduction>);
  static_assert(!std::is_constructible_v<reduction, int>);
  const scenario_body run = [] {
    const auto of = std::make_unique<words>();
    const auto count = [&] {
      of->x.store_relaxed(of->x.load_relaxed() + 1);
      of->x.store_relaxed(of->x.load_relaxed() + 1);
    };
    together(body{"a", count}, body{"b", count});
  };
  EXPECT_EQ(explore(run, {.how = strategy::reduced, .bound = 0}).schedules,
            explore(run, {.how = strategy::reduced, .bound = 9}).schedules);
}

}  // namespace
}  // namespace rcuvm::explore
