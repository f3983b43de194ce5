// SPDX-License-Identifier: Apache-2.0
#include "bench/replay/order.hpp"

#include <gtest/gtest.h>

#include <bitset>
#include <random>
#include <string>
#include <vector>

#include "tests/tree/settings.hpp"

namespace rcuvm::replay {
namespace {

constexpr std::size_t most_events = 192;

/// A small random history, as the recording of one would come.
struct history {
  struct event {
    std::uint32_t worker = 0;
    std::vector<touch> touches;
    std::vector<position> after;
    position self;
    std::vector<position> waits;
  };
  std::uint32_t workers = 0;
  std::vector<event> events;

  [[nodiscard]] std::size_t event_at(position at) const {
    for (std::size_t index = 0; index < events.size(); ++index) {
      if (events[index].self == at) return index;
    }
    return events.size();
  }
};

bool must_keep_order(const history::event& earlier, const history::event& later) {
  for (const touch& one : earlier.touches) {
    for (const touch& other : later.touches) {
      const bool is_changed = one.what == touch::kind::changes || other.what == touch::kind::changes;
      if (is_changed && one.space == other.space && one.where.overlaps(other.where)) return true;
    }
  }
  return false;
}

history random_history(std::mt19937_64& random) {
  const auto below = [&](std::uint64_t bound) { return random() % bound; };
  history made;
  made.workers = static_cast<std::uint32_t>(1 + below(5));
  order keeps{made.workers};
  const std::size_t count = 10 + below(most_events - 10);
  const std::uint64_t reads_of_ten = 1 + below(9);
  for (std::size_t index = 0; index < count; ++index) {
    history::event one;
    one.worker = static_cast<std::uint32_t>(below(made.workers));
    const auto space = static_cast<std::uint32_t>(below(3));
    if (below(40) == 0) {
      one.touches.push_back({space, whole_space, touch::kind::changes});
      if (below(2) == 0) one.touches.push_back({(space + 1) % 3, whole_space, touch::kind::changes});
    } else if (below(10) < reads_of_ten) {
      const std::uint64_t page = below(32);
      one.touches.push_back({space, {page, page + 1}, touch::kind::reads});
    } else {
      for (std::uint64_t parts = 1 + below(2); parts > 0; --parts) {
        const std::uint64_t start = below(32);
        one.touches.push_back({space, {start, start + 1 + below(8)}, touch::kind::changes});
      }
    }
    if (index > 0 && below(20) == 0) one.after.push_back(made.events[below(index)].self);
    one.self = keeps.add(one.worker, one.touches, one.after, one.waits);
    made.events.push_back(std::move(one));
  }
  return made;
}

/// before[i][j]: in every legal execution j is over before i starts.
using relation = std::vector<std::bitset<most_events>>;

relation all_that_is_ordered(const history& of, std::size_t without_event = most_events,
                             std::size_t without_wait = 0) {
  relation before(of.events.size());
  std::vector<std::size_t> last_of_worker(of.workers, most_events);
  for (std::size_t index = 0; index < of.events.size(); ++index) {
    const auto add = [&](std::size_t earlier) {
      before[index] |= before[earlier];
      before[index].set(earlier);
    };
    const history::event& one = of.events[index];
    if (last_of_worker[one.worker] != most_events) add(last_of_worker[one.worker]);
    for (std::size_t wait = 0; wait < one.waits.size(); ++wait) {
      if (index == without_event && wait == without_wait) continue;
      add(of.event_at(one.waits[wait]));
    }
    last_of_worker[one.worker] = index;
  }
  return before;
}

bool keeps_all(const history& of, const relation& before) {
  for (std::size_t later = 0; later < of.events.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      if (must_keep_order(of.events[earlier], of.events[later]) && !before[later].test(earlier)) return false;
    }
    for (position after : of.events[later].after) {
      if (!before[later].test(of.event_at(after))) return false;
    }
  }
  return true;
}

std::uint64_t first_seed() { return tree::testing::seed_or(1); }

TEST(order, Overlapping_events_with_a_change_keep_their_order_in_every_execution) {
  for (std::uint64_t seed = first_seed(); seed < first_seed() + 400; ++seed) {
    SCOPED_TRACE("RCUVM_SEED=" + std::to_string(seed));
    std::mt19937_64 random{seed};
    const history made = random_history(random);
    ASSERT_TRUE(keeps_all(made, all_that_is_ordered(made)));
  }
}

TEST(order, Waits_are_for_earlier_events_of_other_workers_so_nobody_waits_in_a_circle) {
  for (std::uint64_t seed = first_seed(); seed < first_seed() + 400; ++seed) {
    SCOPED_TRACE("RCUVM_SEED=" + std::to_string(seed));
    std::mt19937_64 random{seed};
    const history made = random_history(random);
    for (std::size_t index = 0; index < made.events.size(); ++index) {
      const history::event& one = made.events[index];
      EXPECT_LT(one.waits.size(), made.workers);
      for (position wait : one.waits) {
        EXPECT_NE(wait.worker, one.worker);
        EXPECT_LT(made.event_at(wait), index);
      }
    }
  }
}

TEST(order, No_wait_is_superfluous) {
  for (std::uint64_t seed = first_seed(); seed < first_seed() + 40; ++seed) {
    SCOPED_TRACE("RCUVM_SEED=" + std::to_string(seed));
    std::mt19937_64 random{seed};
    const history made = random_history(random);
    for (std::size_t index = 0; index < made.events.size(); ++index) {
      for (std::size_t wait = 0; wait < made.events[index].waits.size(); ++wait) {
        EXPECT_FALSE(keeps_all(made, all_that_is_ordered(made, index, wait))) << "event " << index;
      }
    }
  }
}

// worker 0   change [0,9)                                            change [0,9)
// worker 1                 read 1   read 2   read 3
TEST(order, Many_reads_between_two_changes_cost_one_wait_each_way) {
  order keeps{2};
  std::vector<position> waits;
  const touch change{0, {0, 9}, touch::kind::changes};
  keeps.add(0, {&change, 1}, {}, waits);
  EXPECT_TRUE(waits.empty());
  for (std::uint64_t page = 1; page < 4; ++page) {
    const touch read{0, {page, page + 1}, touch::kind::reads};
    keeps.add(1, {&read, 1}, {}, waits);
  }
  EXPECT_EQ(waits, (std::vector<position>{{0, 0}}));
  waits.clear();
  keeps.add(0, {&change, 1}, {}, waits);
  EXPECT_EQ(waits, (std::vector<position>{{1, 2}}));
}

// AAAA....   worker 0 changes A
// ....BBBB   worker 1 reads and changes B: nothing to wait for
TEST(order, Disjoint_ranges_and_other_spaces_do_not_wait) {
  order keeps{3};
  std::vector<position> waits;
  const touch a{0, {0, 4}, touch::kind::changes};
  const touch b{0, {4, 8}, touch::kind::changes};
  const touch a_elsewhere{1, {0, 4}, touch::kind::changes};
  keeps.add(0, {&a, 1}, {}, waits);
  keeps.add(1, {&b, 1}, {}, waits);
  keeps.add(2, {&a_elsewhere, 1}, {}, waits);
  EXPECT_TRUE(waits.empty());
}

}  // namespace
}  // namespace rcuvm::replay
