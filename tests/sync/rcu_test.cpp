// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/sync/rcu.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/clock.hpp"
#include "rcuvm/sync/memory.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/sync/rwsem.hpp"
#include "rcuvm/sync/thread.hpp"
#include "tests/sync/eventually.hpp"
#include "tests/sync/reader_inside.hpp"

namespace rcuvm::sync::rcu {
namespace {

using tests::a_while_ns;
using tests::eventually;
using tests::reader_inside;

/// A thread that waits for a grace period.
class grace_period {
 public:
  [[nodiscard]] bool is_over() const { return is_over_.load_acquire(); }

 private:
  atomic<bool> is_over_{false};
  thread waiter_{"waiter", [this] {
                   synchronize();
                   is_over_.store_release(true);
                 }};
};

/// Ends the program when it does not, since the thread that waits cannot be joined either.
void expect_end_of(const grace_period& waiting) {
  RCUVM_CHECK(eventually([&] { return waiting.is_over(); }), "a grace period that does not end");
}

bool is_named(const std::vector<reader_info>& readers, const std::string& name) {
  return std::ranges::any_of(readers, [&](const reader_info& each) { return each.name == name; });
}

TEST(rcu_test, a_grace_period_waits_for_the_reader_inside) {
  reader_inside reader;
  const grace_period waiting;
  sleep_ns(a_while_ns);
  EXPECT_FALSE(waiting.is_over());
  reader.leave();
  expect_end_of(waiting);
}

TEST(rcu_test, a_grace_period_does_not_wait_for_readers_that_come_later) {
  reader_inside early{"early"};
  const grace_period waiting;
  sleep_ns(a_while_ns);
  const reader_inside late{"late"};
  early.leave();
  expect_end_of(waiting);
}

/// The inner section ends while the grace period is waiting: that is when qsbr could mistake it for a quiescent state.
TEST(rcu_test, the_end_of_an_inner_section_does_not_end_the_outer_one) {
  atomic<int> step{0};
  thread reader{"reader", [&] {
                  const read_section outer;
                  step.store_release(1);
                  while (step.load_acquire() != 2) yield();
                  {
                    const read_section inner;
                  }
                  EXPECT_TRUE(is_in_section());
                  step.store_release(3);
                  while (step.load_acquire() != 4) yield();
                }};
  while (step.load_acquire() != 1) yield();
  const grace_period waiting;
  sleep_ns(a_while_ns);
  step.store_release(2);
  while (step.load_acquire() != 3) yield();
  sleep_ns(a_while_ns);
  EXPECT_FALSE(waiting.is_over());
  step.store_release(4);
  reader.join();
  expect_end_of(waiting);
}

TEST(rcu_test, a_registration_nests) {
  const registration outer{"outer"};
  {
    const registration inner{"inner"};
  }
  const read_section section;
  EXPECT_TRUE(is_in_section());
  EXPECT_TRUE(is_named(readers_inside(), "outer"));
}

TEST(rcu_test, a_thread_that_the_application_registered_stays_registered) {
  liburcu::register_thread();
  {
    const registration here{"guest"};
    const read_section section;
    EXPECT_TRUE(is_named(readers_inside(), "guest"));
  }
  synchronize();
  {
    const registration again{"guest"};
  }
  liburcu::unregister_thread();
  synchronize();  // walks liburcu's list: a thread that stands in it twice, or after its end, would break it
  EXPECT_FALSE(is_named(readers_inside(), "guest"));
}

TEST(rcu_test, is_in_section_says_where_the_thread_is) {
  const registration here;
  EXPECT_FALSE(is_in_section());
  {
    const read_section section;
    EXPECT_TRUE(is_in_section());
    EXPECT_TRUE(section.is_current());
  }
  EXPECT_FALSE(is_in_section());
}

TEST(rcu_test, grace_periods_are_counted) {
  const std::uint64_t before = grace_periods();
  synchronize();
  synchronize();
  EXPECT_GE(grace_periods(), before + 2);
}

#ifndef RCUVM_RCU_QSBR

constexpr int most_attempts = 50;

/// The reader gets a cpu now and then, to see whether it may leave: in one of these grace periods it has none.
TEST(rcu_test, a_grace_period_sleeps_for_a_reader_that_has_no_cpu) {
  bool slept = false;
  for (int i = 0; i != most_attempts && !slept; ++i) {
    reader_inside reader;
    const std::uint64_t before = naps();
    const grace_period waiting;
    sleep_ns(20'000'000);
    slept = naps() != before;
    reader.leave();
    expect_end_of(waiting);
  }
  EXPECT_TRUE(slept);
}

/// On a busy machine the reader may lose its cpu, too: in one of these grace periods it has it.
TEST(rcu_test, a_grace_period_does_not_sleep_for_a_reader_that_has_its_cpu) {
  constexpr std::uint64_t stay_ns = 20'000'000;
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "there is no cpu for the reader";
  bool slept = true;
  for (int i = 0; i != most_attempts && slept; ++i) {
    atomic<bool> is_inside{false};
    const thread reader{"reader", [&] {
                          const read_section section;
                          is_inside.store_release(true);
                          for (const std::uint64_t end_ns = now_ns() + stay_ns; now_ns() < end_ns;) relax();
                        }};
    while (!is_inside.load_acquire()) relax();
    const std::uint64_t before = naps();
    synchronize();
    slept = naps() != before;
  }
  EXPECT_FALSE(slept);
}

#endif

TEST(rcu_test, the_flavour_is_the_one_compiled_in) {
#ifdef RCUVM_RCU_QSBR
  EXPECT_STREQ(flavour(), "qsbr");
#else
  EXPECT_STREQ(flavour(), "memb");
#endif
}

TEST(rcu_test, the_diagnosis_names_who_is_inside) {
  atomic<int> step{0};
  const thread bystander{"bystander", [&] {
                           step.store_release(1);
                           while (step.load_acquire() != 2) sleep_ns(100'000);
                         }};
  while (step.load_acquire() != 1) yield();
  EXPECT_FALSE(is_named(readers_inside(), "culprit"));
  {
    const reader_inside reader{"culprit"};
    const std::vector<reader_info> readers = readers_inside();
    EXPECT_TRUE(is_named(readers, "culprit"));
    EXPECT_FALSE(is_named(readers, "bystander"));
    for (const reader_info& each : readers) EXPECT_GT(each.tid, 0);
  }
  EXPECT_FALSE(is_named(readers_inside(), "culprit"));
  step.store_release(2);
}

TEST(rcu_offline_test, who_waits_is_not_at_work) {
  const std::size_t before = threads_at_work();
  atomic<bool> may_sleep{false};
  atomic<bool> may_end{false};
  const thread other{"other", [&] {
                       while (!may_sleep.load_acquire()) std::this_thread::yield();
                       while (!may_end.load_acquire()) sleep_ns(100'000'000);
                     }};
  EXPECT_TRUE(eventually([&] { return threads_at_work() == before + 1; }));
  may_sleep.store_release(true);
  EXPECT_TRUE(eventually([&] { return threads_at_work() == before; }));
  may_end.store_release(true);
}

// What waits outside a section must not hold up a grace period, qsbr or not: nor may the lock that it waits for.

TEST(rcu_offline_test, a_sleeper_holds_up_nobody) {
  atomic<bool> may_end{false};
  const thread sleeper{"sleeper", [&] {
                         while (!may_end.load_relaxed()) sleep_ns(20'000'000);
                       }};
  const grace_period waiting;
  expect_end_of(waiting);
  may_end.store_relaxed(true);
}

TEST(rcu_offline_test, who_waits_for_a_lock_does_not_hold_up_its_holder) {
  mutex first;
  rwsem second;
  rwsem third;
  atomic<int> started{0};
  std::vector<thread> waiters;
  {
    const write_section holds_first{first};
    const write_section holds_second{second};
    const shared_section holds_third{third};
    waiters.emplace_back("mutex", [&] {
      started.fetch_add_acq_rel(1);
      const write_section waits{first};
    });
    waiters.emplace_back("rwsem read", [&] {
      started.fetch_add_acq_rel(1);
      const shared_section waits{second};
    });
    waiters.emplace_back("rwsem write", [&] {
      started.fetch_add_acq_rel(1);
      const write_section waits{third};
    });
    EXPECT_TRUE(eventually([&] { return started.load_acquire() == 3; }));
    sleep_ns(a_while_ns);
    const grace_period waiting;
    expect_end_of(waiting);
  }
}

TEST(rcu_offline_test, who_waits_for_a_condition_or_a_thread_holds_up_nobody) {
  mutex lock;
  condition changed;
  bool may_end = false;
  thread waits_for_the_condition{"condition", [&] {
                                   mutex_guard guard{lock};
                                   while (!may_end) changed.wait(guard);
                                 }};
  const thread waits_for_the_thread{"join", [&] { waits_for_the_condition.join(); }};
  sleep_ns(a_while_ns);
  {
    const grace_period waiting;
    expect_end_of(waiting);
  }
  const mutex_guard guard{lock};
  may_end = true;
  changed.notify_all();
}

TEST(rcu_offline_test, a_loop_around_yield_holds_up_nobody) {
  atomic<bool> may_end{false};
  const thread spinner{"spinner", [&] {
                         while (!may_end.load_relaxed()) yield();
                       }};
  const grace_period waiting;
  expect_end_of(waiting);
  may_end.store_relaxed(true);
}

TEST(rcu_offline_test, inside_a_section_offline_keeps_the_promise) {
  atomic<int> step{0};
  thread reader{"reader", [&] {
                  const read_section section;
                  const offline ignored;
                  step.store_release(1);
                  while (step.load_acquire() != 2) yield();
                }};
  while (step.load_acquire() != 1) yield();
  const grace_period waiting;
  sleep_ns(a_while_ns);
  EXPECT_FALSE(waiting.is_over());
  step.store_release(2);
  reader.join();
}

TEST(rcu_offline_test, nests_and_ends_online) {
  thread{"reader",
         [] {
           {
             const offline outer;
             {
               const offline inner;
             }
             synchronize();
           }
           const read_section section;  // with assertions: checks that the thread is online
           EXPECT_TRUE(is_in_section());
         }}
      .join();
}

struct node {
  std::uint64_t number;
  std::uint64_t complement;
};

/// 2 readers, 1 writer. TSan and ASan judge as well.
TEST(rcu_pointer_test, readers_see_whole_nodes_that_live) {
  pointer<node> shared;
  shared.publish(memory::make<node>(1U, ~std::uint64_t{1}));
  atomic<bool> is_over{false};
  atomic<std::uint64_t> broken{0};
  atomic<std::uint64_t> reads{0};
  const auto read = [&] {
    std::uint64_t seen_broken = 0;
    std::uint64_t seen = 0;
    for (; !is_over.load_relaxed(); ++seen) {
      const read_section section;
      const node* at = shared.load(section);
      seen_broken += at->number != ~at->complement ? 1U : 0U;
      for (int pause = 0; pause != 5; ++pause) relax();
      seen_broken += at->number != ~at->complement ? 1U : 0U;
    }
    broken.fetch_add_relaxed(seen_broken);
    reads.fetch_add_relaxed(seen);
  };
  std::uint64_t writes = 0;
  {
    const thread one{"reader 1", read};
    const thread two{"reader 2", read};
    const std::uint64_t end_ns = now_ns() + tests::stress_ns;
    for (std::uint64_t number = 2; now_ns() < end_ns; ++number, ++writes) {
      node* old = shared.load_by_writer();
      shared.publish(memory::make<node>(number, ~number));
      synchronize();
      *old = {0, 0};  // no complement of each other: a reader that is still there sees it
      memory::destroy(old);
    }
    is_over.store_relaxed(true);
  }
  EXPECT_EQ(broken.load_relaxed(), 0U);
  EXPECT_GT(reads.load_relaxed(), 0U);
  EXPECT_GT(writes, 0U);
  memory::destroy(shared.load_pinned());
}

TEST(rcu_DeathTest, synchronize_inside_a_section_ends_the_program) {
  const registration here;
  EXPECT_DEATH(
      {
        const read_section section;
        synchronize();
      },
      "synchronize inside a read section");
}

TEST(rcu_DeathTest, a_registration_must_not_end_inside_a_section) {
  EXPECT_DEATH(
      {
        std::optional<registration> here{std::in_place};
        const read_section section;
        here.reset();
      },
      "registration ended inside a read section");
}

#ifdef RCUVM_ASSERTIONS

TEST(rcu_DeathTest, a_read_after_the_section_ends_the_program) {
  const registration here;
  int object = 0;
  const pointer<int> shared{&object};
  std::optional<read_section> section{std::in_place};
  EXPECT_EQ(shared.load(*section), &object);
  const read_section& ended = *section;
  section.reset();
  EXPECT_DEATH(static_cast<void>(shared.load(ended)), "outside the read section");
}

TEST(rcu_DeathTest, a_read_with_the_section_of_another_thread_ends_the_program) {
  const registration here;
  const read_section section;
  int object = 0;
  const pointer<int> shared{&object};
  EXPECT_DEATH((thread{"other", [&] { static_cast<void>(shared.load(section)); }}.join()),
               "outside the read section");
}

TEST(rcu_DeathTest, a_section_of_an_unregistered_thread_ends_the_program) {
  EXPECT_DEATH({ const read_section section; }, "without rcu::registration");
}

#endif

}  // namespace
}  // namespace rcuvm::sync::rcu
