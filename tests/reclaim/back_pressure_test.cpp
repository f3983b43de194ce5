// SPDX-License-Identifier: Apache-2.0

/// M2: a reader that does not leave its section makes memory grow to the limit and the writers wait, with a diagnosis.

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "rcuvm/reclaim/limbo.hpp"
#include "rcuvm/sync/clock.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/sync/thread.hpp"
#include "tests/reclaim/corpse.hpp"
#include "tests/sync/eventually.hpp"
#include "tests/sync/reader_inside.hpp"

namespace rcuvm::reclaim {
namespace {

using tests::a_while_ns;
using tests::eventually;
using tests::morgue;
using tests::reader_inside;

constexpr std::uint64_t limit_bytes = 100'000;
constexpr std::uint32_t object_bytes = 1'000;
constexpr std::uint32_t objects_per_operation = 7;
constexpr std::uint64_t operation_bytes = std::uint64_t{object_bytes} * objects_per_operation;
constexpr limits small{.bytes = limit_bytes, .diagnose_after_ns = 20'000'000};

retire_list operation(morgue& dead) {
  retire_list list;
  for (std::uint32_t at = 0; at != objects_per_operation; ++at) list.add(dead.die(object_bytes));
  return list;
}

/// Keeps the diagnoses.
class audience {
 public:
  explicit audience(limbo& heard) {
    heard.on_diagnosis([this](const std::string& text) {
      const sync::mutex_guard guard{lock_};
      heard_.push_back({sync::now_ns(), text});
    });
  }

  struct diagnosis {
    std::uint64_t at_ns;
    std::string text;
  };
  [[nodiscard]] std::vector<diagnosis> heard() {
    const sync::mutex_guard guard{lock_};
    return heard_;
  }

 private:
  sync::mutex lock_;
  std::vector<diagnosis> heard_;
};

/// A writer that works through its operations, and how far it is. Its objects are freed before it goes.
class worker {
 public:
  worker(limbo& held, std::uint64_t operations)
      : held_{held}, thread_{"writer", [this, operations] {
                               while (done_.load_relaxed() != operations) {
                                 held_.throttle();
                                 held_.retire(operation(dead_));
                                 done_.fetch_add_relaxed(1);
                               }
                             }} {}
  ~worker() {
    join();
    held_.drain();
  }
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  void join() { thread_.join(); }
  [[nodiscard]] std::uint64_t done() const { return done_.load_relaxed(); }
  [[nodiscard]] bool is_each_freed_once() const { return dead_.is_each_freed_once(); }

 private:
  limbo& held_;
  morgue dead_;
  sync::atomic<std::uint64_t> done_{0};
  sync::thread thread_;
};

TEST(back_pressure_test, M2_a_stuck_reader_stops_the_writers_at_the_limit_until_it_leaves) {
  constexpr std::uint64_t operations = 200;  // several times the limit
  limbo held{small};
  audience listener{held};
  reader_inside reader{"stuck-reader"};
  worker one{held, operations};
  worker two{held, operations};

  EXPECT_TRUE(eventually([&] { return !listener.heard().empty(); }));
  sync::sleep_ns(a_while_ns);
  const limbo::statistics stuck = held.read_statistics();
  EXPECT_GT(stuck.bytes, limit_bytes);
  EXPECT_LE(stuck.bytes, limit_bytes + 2 * operation_bytes);
  EXPECT_EQ(stuck.freed, 0U);
  EXPECT_EQ(stuck.throttled, 2U);
  EXPECT_LT(one.done() + two.done(), 2 * operations);

  reader.leave();  // the writers go on by themselves
  one.join();
  two.join();
  held.drain();
  const limbo::statistics end = held.read_statistics();
  EXPECT_EQ(end.retired, 2 * operations * objects_per_operation);
  EXPECT_EQ(end.freed, end.retired);
  EXPECT_EQ(end.objects, 0U);
  EXPECT_EQ(end.bytes, 0U);
  EXPECT_LE(end.high_water_bytes, limit_bytes + 2 * operation_bytes);
  EXPECT_GE(end.throttled_ns, a_while_ns);
  EXPECT_TRUE(one.is_each_freed_once());
  EXPECT_TRUE(two.is_each_freed_once());
}

TEST(back_pressure_test, the_diagnosis_names_the_reader_the_figures_and_the_cure) {
  limbo held{small};
  audience listener{held};
  reader_inside reader{"stuck-reader"};
  const worker writer{held, 30};
  EXPECT_TRUE(eventually([&] { return !listener.heard().empty(); }));
  reader.leave();
  const auto heard = listener.heard();
  ASSERT_FALSE(heard.empty());
  const std::string& text = heard.front().text;
  EXPECT_NE(text.find("stuck-reader (tid "), std::string::npos) << text;
  EXPECT_NE(text.find("limbo holds 0.1 MiB in 105 objects (limit 0.1 MiB)"), std::string::npos) << text;
  EXPECT_NE(text.find("oldest for 0."), std::string::npos) << text;
  EXPECT_NE(text.find("Cure: "), std::string::npos) << text;
  EXPECT_EQ(text.find("writer (tid"), std::string::npos) << text;
}

TEST(back_pressure_test, the_diagnosis_comes_after_its_time_and_then_once_a_second) {
  limbo held{small};
  audience listener{held};
  reader_inside reader;
  const std::uint64_t began_ns = sync::now_ns();
  const worker one{held, 30};
  const worker two{held, 30};
  EXPECT_TRUE(eventually([&] { return listener.heard().size() >= 2; }));
  reader.leave();
  const auto heard = listener.heard();
  ASSERT_GE(heard.size(), 2U);
  EXPECT_GE(heard[0].at_ns - began_ns, small.diagnose_after_ns);
  EXPECT_GE(heard[1].at_ns - heard[0].at_ns, 990'000'000U);
}

TEST(back_pressure_test, without_a_stuck_reader_nobody_hears_anything) {
  limbo held{{.bytes = limit_bytes, .diagnose_after_ns = 5'000'000'000U}};
  audience listener{held};
  {
    const worker one{held, 2'000};
    const worker two{held, 2'000};
  }
  EXPECT_TRUE(listener.heard().empty());
  EXPECT_LE(held.read_statistics().high_water_bytes, limit_bytes + 2 * operation_bytes);
}

/// A user of a container may not know of throttle(): its memory is bounded all the same.
TEST(back_pressure_test, M2_a_writer_that_never_throttles_is_stopped_at_twice_the_limit) {
  morgue dead;
  limbo held{small};
  audience listener{held};
  reader_inside reader{"stuck-reader"};
  sync::atomic<bool> has_ended{false};
  sync::thread writer{"writer", [&] {
                        for (int at = 0; at != 100; ++at) held.retire(operation(dead));
                        has_ended.store_release(true);
                      }};
  EXPECT_TRUE(eventually([&] { return !listener.heard().empty(); }));
  EXPECT_FALSE(has_ended.load_acquire());
  EXPECT_GT(held.read_statistics().bytes, 2 * limit_bytes);
  EXPECT_LE(held.read_statistics().bytes, 2 * limit_bytes + operation_bytes);
  reader.leave();
  writer.join();
  held.drain();
  EXPECT_TRUE(dead.is_each_freed_once());
}

TEST(back_pressure_test, free_functions_may_retire_past_the_limit) {
  struct bomb {
    limbo* held;
    std::uint64_t left;
    static void free(void* object) noexcept {
      auto* self = static_cast<bomb*>(object);
      if (self->left-- == 0) return;
      retire_list list;
      list.add({self, free, 10 * limit_bytes});
      self->held->throttle();
      self->held->retire(std::move(list));
    }
  };
  limbo held{small};
  bomb lit{.held = &held, .left = 5};
  retire_list list;
  list.add({&lit, bomb::free, 10 * limit_bytes});
  held.retire(std::move(list));
  held.drain();
  EXPECT_EQ(held.read_statistics().freed, 6U);
}

#ifdef RCUVM_ASSERTIONS
TEST(back_pressure_DeathTest, throttling_inside_a_section_ends_the_program) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        const sync::rcu::registration here;
        limbo held;
        const sync::rcu::read_section section;
        held.throttle();
      },
      "throttle inside a read section");
}
#endif

}  // namespace
}  // namespace rcuvm::reclaim
