// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/sync/mutex.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "rcuvm/sync/clock.hpp"
#include "rcuvm/sync/rwsem.hpp"
#include "rcuvm/sync/thread.hpp"
#include "tests/sync/eventually.hpp"

namespace rcuvm::sync {
namespace {

using tests::a_while_ns;
using tests::eventually;

constexpr std::uint32_t rounds = 20'000;

/// Two threads add to a plain counter, each inside what `Section` locks.
template <class Section, class Lock>
std::uint64_t count_with_two_threads(Lock& lock) {
  std::uint64_t count = 0;
  const auto add = [&] {
    for (std::uint32_t at = 0; at != rounds; ++at) {
      const Section inside{lock};
      const std::uint64_t before = count;
      if (at % 64 == 0) yield();  // the other one comes by between read and write
      count = before + 1;
    }
  };
  {
    thread one{"one", add};
    thread two{"two", add};
  }
  return count;
}

TEST(mutex_test, only_one_thread_is_inside) {
  mutex lock;
  EXPECT_EQ(count_with_two_threads<mutex_guard>(lock), 2 * rounds);
}

bool another_thread_gets(mutex& lock) {
  bool succeeded = false;
  thread{"other",
         [&] {
           if (!lock.try_lock()) return;
           lock.unlock();
           succeeded = true;
         }}
      .join();
  return succeeded;
}

TEST(mutex_test, try_lock_fails_while_another_holds_it) {
  mutex lock;
  {
    const mutex_guard held{lock};
    EXPECT_FALSE(another_thread_gets(lock));
  }
  EXPECT_TRUE(another_thread_gets(lock));
}

TEST(mutex_test, a_guard_can_let_go_in_the_middle) {
  mutex lock;
  mutex_guard guard{lock};
  guard.unlock();
  EXPECT_TRUE(another_thread_gets(lock));
  guard.lock();
  EXPECT_FALSE(another_thread_gets(lock));
}

TEST(condition_test, ping_pong_loses_no_wake_up) {
  mutex lock;
  condition changed;
  std::uint32_t turn = 0;
  const auto play = [&](std::uint32_t mine) {
    mutex_guard guard{lock};
    for (std::uint32_t at = 0; at != 2'000; ++at) {
      while (turn % 2 != mine) changed.wait(guard);
      ++turn;
      changed.notify_one();
    }
  };
  {
    thread ping{"ping", [&] { play(0); }};
    thread pong{"pong", [&] { play(1); }};
  }
  EXPECT_EQ(turn, 4'000U);
}

TEST(condition_test, a_timed_wait_says_whether_it_was_notified) {
  mutex lock;
  condition changed;
  mutex_guard guard{lock};
  const std::uint64_t began_ns = now_ns();
  std::uint32_t spurious = 0;
  while (changed.wait_for_ns(guard, 5'000'000)) ++spurious;
  EXPECT_GE(now_ns() - began_ns, 5'000'000U);
  EXPECT_LT(spurious, 100U);

  bool is_set = false;
  thread notifier{"notifier", [&] {
                    const mutex_guard inner{lock};
                    is_set = true;
                    changed.notify_all();
                  }};
  bool was_notified = true;
  while (!is_set && was_notified) was_notified = changed.wait_for_ns(guard, ~std::uint64_t{0});
  EXPECT_TRUE(was_notified);
  guard.unlock();
}

TEST(write_section_test, excludes_with_a_mutex) {
  mutex lock;
  EXPECT_EQ(count_with_two_threads<write_section>(lock), 2 * rounds);
}

TEST(write_section_test, excludes_with_an_rwsem) {
  rwsem lock;
  EXPECT_EQ(count_with_two_threads<write_section>(lock), 2 * rounds);
}

TEST(write_section_test, lets_another_writer_in_while_unlocked) {
  rwsem lock;
  write_section writer{lock};
  EXPECT_TRUE(writer.is_held());
  atomic<bool> was_inside{false};
  thread other{"other", [&] {
                 const write_section inside{lock};
                 was_inside.store_relaxed(true);
               }};
  sleep_ns(a_while_ns);
  EXPECT_FALSE(was_inside.load_relaxed());
  writer.unlock();
  EXPECT_FALSE(writer.is_held());
  EXPECT_TRUE(eventually([&] { return was_inside.load_relaxed(); }));
  writer.lock();
  EXPECT_TRUE(writer.is_held());
}

}  // namespace
}  // namespace rcuvm::sync
