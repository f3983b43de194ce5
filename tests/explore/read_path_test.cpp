// SPDX-License-Identifier: Apache-2.0

/// What lookups store to memory that other threads may touch: nothing. In the checked library every atomic store, lock
/// and reference count goes through the world, which counts them by thread. (The read section itself, liburcu's, stores
/// to a word of its thread's own.)

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>

#include "explore/engine/world.hpp"
#include "explore/scenarios/scenario.hpp"
#include "explore/search/sampling.hpp"
#include "rcuvm/maple_tree.hpp"

namespace rcuvm::explore {
namespace {

struct record {};
using tree = maple_tree<record>;

struct case_of_reading {
  const char* name;
  void (*read)(const tree& of, const sync::rcu::read_section& reading);
  bool stores;  ///< taking a snapshot does: it must, to keep its version
};

void PrintTo(const case_of_reading& of, std::ostream* out) { *out << of.name; }

class ReadPath : public testing::TestWithParam<case_of_reading> {};

TEST_P(ReadPath, stores_nothing_that_others_may_touch) {
  constexpr int writer = 2;  // 1 is the reclaimer
  constexpr int reader = 3;
  constexpr std::uint64_t entries = 20;
  std::uint64_t by_writer = 0;
  std::uint64_t by_reader = 0;
  const std::function<void()> body = [&] {
    const sync::rcu::registration here{"main"};
    reclaim::limbo limbo;
    sync::mutex lock;
    record value;
    tree of{limbo};
    const auto store = [&](std::uint64_t at, record* what) {
      sync::write_section writing{lock};
      auto change = of.begin(writing);
      RCUVM_CHECK(change.store({10 * at, 10 * at + 5}, what), "a store of the test");
      change.commit();
    };
    for (std::uint64_t i = 0; i != entries; ++i) store(i, &value);
    together(world::thread_body{"writer",
                                [&] {
                                  store(3, nullptr);
                                  store(17, nullptr);
                                }},
             world::thread_body{"reader", [&] {
                                  const sync::rcu::registration here_too{"reader"};
                                  const std::uint64_t before = world::current()->shared_stores(reader);
                                  {
                                    const sync::rcu::read_section reading;
                                    GetParam().read(of, reading);
                                  }
                                  by_reader += world::current()->shared_stores(reader) - before;
                                }});
    by_writer += world::current()->shared_stores(writer);
  };
  world here{{.steps = 5'000}};
  uniform by{1};
  for (int run = 0; run != 200; ++run) {
    ASSERT_FALSE(here.run(by, body));
    ASSERT_TRUE(by.end_run());
  }
  EXPECT_GT(by_writer, 0U);  // else nothing is counted
  EXPECT_EQ(by_reader != 0, GetParam().stores) << by_reader;
}

INSTANTIATE_TEST_SUITE_P(all, ReadPath,
                         testing::Values(case_of_reading{"find",
                                                         [](const tree& of, const auto& reading) {
                                                           for (std::uint64_t key = 0; key < 200; key += 7)
                                                             std::ignore = of.read(reading).find(key);
                                                         },
                                                         false},
                                         case_of_reading{"find_many",
                                                         [](const tree& of, const auto& reading) {
                                                           const std::array<std::uint64_t, 3> keys{1, 33,
                                                                                                   171};
                                                           std::array<record*, 3> found{};
                                                           of.read(reading).find_many(keys, found);
                                                         },
                                                         false},
                                         case_of_reading{"neighbours",
                                                         [](const tree& of, const auto& reading) {
                                                           std::ignore = of.read(reading).next(36);
                                                           std::ignore = of.read(reading).previous(36);
                                                         },
                                                         false},
                                         case_of_reading{"walk",
                                                         [](const tree& of, const auto& reading) {
                                                           std::ignore = of.read(reading).count_entries();
                                                         },
                                                         false},
                                         case_of_reading{"gaps",
                                                         [](const tree& of, const auto& reading) {
                                                           std::ignore = of.read(reading).lowest_gap(6);
                                                           std::ignore = of.read(reading).highest_gap(6);
                                                         },
                                                         false},
                                         case_of_reading{"snapshot",
                                                         [](const tree& of, const auto& reading) {
                                                           std::ignore = of.take_snapshot(reading);
                                                         },
                                                         true}),
                         [](const auto& one) { return std::string{one.param.name}; });

}  // namespace
}  // namespace rcuvm::explore
