// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/sync/thread.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "rcuvm/sync/clock.hpp"

namespace rcuvm::sync {
namespace {

TEST(thread_test, the_destructor_waits_for_the_body) {
  bool has_run = false;
  {
    const thread one{"one", [&] {
                       sleep_ns(20'000'000);
                       has_run = true;
                     }};
  }
  EXPECT_TRUE(has_run);
}

TEST(thread_test, a_moved_thread_is_joined_once) {
  int runs = 0;
  thread one{"one", [&] { ++runs; }};
  thread two{std::move(one)};
  two.join();
  two.join();
  EXPECT_EQ(runs, 1);
}

TEST(thread_test, the_body_may_read_under_rcu_and_bears_the_name) {
  std::string name;
  bool was_inside = false;
  thread{"a name longer than fifteen",
         [&] {
           const rcu::read_section section;
           was_inside = rcu::is_in_section();
           char shown[16] = {};
           ::pthread_getname_np(::pthread_self(), shown, sizeof shown);
           name = shown;
         }}
      .join();
  EXPECT_TRUE(was_inside);
  EXPECT_EQ(name, "a name longer t");
}

TEST(thread_test, a_placed_thread_runs_there_and_afterwards_anywhere) {
  placement where;
  const unsigned cpus = where.cpus();
  const unsigned cpu = current_cpu();
  where.move_to(cpu);
  EXPECT_EQ(placement{}.cpus(), 1U);
  EXPECT_EQ(current_cpu(), cpu);
  where.move_to(std::nullopt);
  EXPECT_EQ(placement{}.cpus(), cpus);
}

TEST(thread_test, a_cpu_that_is_not_there_is_nowhere) {
  placement where;
  const unsigned cpus = where.cpus();
  for (const unsigned cpu : {1023U, 1024U, ~0U}) {
    where.move_to(cpu);
    EXPECT_EQ(placement{}.cpus(), cpus) << cpu;
  }
}

TEST(thread_test, threads_differ_by_tid_and_key) {
  int other_tid = 0;
  std::uintptr_t other_key = 0;
  thread{"other",
         [&] {
           other_tid = current_tid();
           other_key = current_thread_key();
         }}
      .join();
  EXPECT_EQ(current_tid(), ::getpid());
  EXPECT_NE(other_tid, current_tid());
  EXPECT_NE(other_key, current_thread_key());
  EXPECT_EQ(current_thread_key(), current_thread_key());
}

TEST(thread_test, sleep_lasts_at_least_as_long_as_asked) {
  const std::uint64_t began_ns = now_ns();
  sleep_ns(3'000'000);
  EXPECT_GE(now_ns() - began_ns, 3'000'000U);
}

TEST(thread_test, there_is_a_cpu) { EXPECT_GE(hardware_threads(), 1U); }

}  // namespace
}  // namespace rcuvm::sync
