// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/sync/range_lock.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/thread.hpp"
#include "tests/sync/eventually.hpp"

namespace rcuvm::sync {
namespace {

using tests::a_while_ns;
using tests::eventually;

/// Locks a range on a thread of its own, and lets go when told to.
class holder {
 public:
  holder(range_lock& of, range where)
      : thread_{"holder", [this, &of, where] {
                  range_lock::entry own;
                  of.lock(own, where);
                  is_inside_.store_release(true);
                  while (!may_leave_.load_acquire()) sleep_ns(100'000);
                  of.unlock(own);
                }} {}
  ~holder() { leave(); }
  void leave() { may_leave_.store_release(true); }
  [[nodiscard]] bool gets_in() {
    return eventually([this] { return is_inside_.load_acquire(); });
  }
  [[nodiscard]] bool waits() {
    sleep_ns(a_while_ns);
    return !is_inside_.load_acquire();
  }

 private:
  atomic<bool> is_inside_{false};
  atomic<bool> may_leave_{false};
  thread thread_;
};

TEST(range_lock_test, ranges_that_do_not_overlap_are_held_side_by_side) {
  range_lock lock;
  range_lock::entry low;
  range_lock::entry high;
  lock.lock(low, {0, 4});
  EXPECT_TRUE(lock.try_lock(high, {4, 8}, {4, 8}));
  range_lock::entry both;
  EXPECT_FALSE(lock.try_lock(both, {3, 5}, {3, 5}));
  lock.unlock(low);
  EXPECT_FALSE(lock.try_lock(both, {3, 5}, {3, 5}));
  lock.unlock(high);
  EXPECT_TRUE(lock.try_lock(both, {3, 5}, {3, 5}));
  lock.unlock(both);
}

TEST(range_lock_test, a_try_may_ask_for_more_to_be_free_than_it_holds) {
  range_lock lock;
  range_lock::entry low;
  range_lock::entry high;
  lock.lock(low, {0, 4});
  EXPECT_FALSE(lock.try_lock(high, {6, 8}, {3, 9}));
  EXPECT_TRUE(lock.try_lock(high, {6, 8}, {4, 9}));
  EXPECT_FALSE(lock.is_wanted({4, 6}));
  lock.unlock(low);
  lock.unlock(high);
}

TEST(range_lock_test, whoever_wants_a_part_waits_for_all_that_hold_some_of_it) {
  range_lock lock;
  range_lock::entry low;
  range_lock::entry high;
  lock.lock(low, {0, 4});
  lock.lock(high, {8, 9});
  holder other{lock, {2, 9}};
  EXPECT_TRUE(other.waits());
  lock.unlock(high);
  EXPECT_TRUE(other.waits());
  lock.unlock(low);
  EXPECT_TRUE(other.gets_in());
}

TEST(range_lock_test, who_waits_is_not_passed_by_those_who_come_later) {
  range_lock lock;
  range_lock::entry first;
  lock.lock(first, {0, 4});
  holder waiting{lock, {3, 6}};
  ASSERT_TRUE(eventually([&] { return lock.is_wanted({4, 6}); }));
  range_lock::entry late;
  EXPECT_FALSE(lock.try_lock(late, {5, 7}, {5, 7}));
  EXPECT_TRUE(lock.try_lock(late, {6, 7}, {6, 7}));
  lock.unlock(late);
  lock.unlock(first);
  EXPECT_TRUE(waiting.gets_in());
}

TEST(range_lock_test, tells_whether_others_want_a_range) {
  range_lock lock;
  range_lock::entry own;
  lock.lock(own, {2, 4});
  EXPECT_TRUE(lock.is_wanted({0, 3}));
  EXPECT_FALSE(lock.is_wanted({0, 3}, &own));
  EXPECT_FALSE(lock.is_wanted({4, 9}));
  lock.unlock(own);
  EXPECT_FALSE(lock.is_wanted({0, 3}));
}

TEST(range_lock_test, a_wait_ends_when_the_range_is_free_and_holds_nothing) {
  range_lock lock;
  std::optional<holder> other;
  other.emplace(lock, range{0, 4});
  ASSERT_TRUE(other->gets_in());
  atomic<bool> is_over{false};
  const thread waiting{"waiting", [&] {
                         lock.wait_until_free({3, 5});
                         is_over.store_release(true);
                       }};
  sleep_ns(a_while_ns);
  EXPECT_FALSE(is_over.load_acquire());
  other->leave();
  EXPECT_TRUE(eventually([&] { return is_over.load_acquire(); }));
  EXPECT_TRUE(eventually([&] { return !lock.is_wanted({0, 9}); }));
}

}  // namespace
}  // namespace rcuvm::sync
