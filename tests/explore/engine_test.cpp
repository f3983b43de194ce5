// SPDX-License-Identifier: Apache-2.0

/// What the engine finds, each kind by a program as small as can be, and what it does not report.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "explore/scenarios/scenario.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/memory.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/sync/rcu.hpp"
#include "rcuvm/sync/rwsem.hpp"
#include "rcuvm/sync/thread.hpp"

namespace rcuvm::explore {
namespace {

using sync::mutex_guard;
using sync::shared_section;
using sync::write_section;

struct record {
  explicit record(int with) : value{with} {}
  long header = 0;  // what is read lies behind the first word
  sync::atomic<int> value;
  int plain = 0;
};

struct shared_state {
  sync::atomic<int> x;
  sync::atomic<int> y;
  sync::mutex first;
  sync::mutex second;
  sync::mutex third;
  sync::rwsem semaphore;
  sync::condition condition;
  sync::atomic<record*> pointer{nullptr};
  int plain = 0;
  int ready = 0;  // guard: first
};

/// One or two threads on a fresh state, and what comes after them.
using part = std::function<void(shared_state&)>;
scenario_body threads(part a, part b = {}, part after = {}) {
  return [a = std::move(a), b = std::move(b), after = std::move(after)] {
    const auto state = std::make_unique<shared_state>();
    const auto run = [&state](const part& one) {
      const sync::rcu::registration here{"t"};
      one(*state);
    };
    if (b) {
      together(world::thread_body{"a", [&] { run(a); }}, world::thread_body{"b", [&] { run(b); }});
    } else {
      together(world::thread_body{"a", [&] { run(a); }});
    }
    if (after) after(*state);
  };
}

finding_kind kind_of(const scenario_body& body, strategy how = strategy::reduced) {
  return explore(body, {.how = how, .bound = 2, .limits = {.steps = 500}}).found.kind;
}

/// Both exhaustive searches come to this.
void expect_found(finding_kind kind, const scenario_body& body) {
  EXPECT_EQ(name_of(kind_of(body, strategy::reduced)), name_of(kind));
  EXPECT_EQ(name_of(kind_of(body, strategy::bounded)), name_of(kind));
}

void expect_nothing(const scenario_body& body) {
  for (const strategy how : {strategy::reduced, strategy::bounded}) {
    const search_result got = explore(body, {.how = how, .bound = 2, .limits = {.steps = 500}});
    EXPECT_FALSE(got.found) << name_of(got.found.kind) << ": " << got.found.what;
    EXPECT_TRUE(got.is_complete);
  }
}

const part does_nothing = [](shared_state& of) { std::ignore = of.y.load_relaxed(); };

// --- checks, memory ---------------------------------------------------------------------------------------

TEST(Finds, a_broken_check) {
  expect_found(finding_kind::check,
               threads([](shared_state& of) { of.x.store_relaxed(1); },
                       [](shared_state& of) { RCUVM_CHECK(of.x.load_relaxed() == 0, "x is 0"); }));
}

TEST(Finds, an_exception_that_leaves_a_thread) {
  expect_found(finding_kind::check, threads([](shared_state&) { throw std::runtime_error{"out"}; }));
}

void make_record(shared_state& of) { of.pointer.store_release(sync::memory::make<record>(7)); }

/// The record is freed without a wait for who uses it.
scenario_body free_beside(const std::function<void(record&)>& use) {
  return [use] {
    const auto state = std::make_unique<shared_state>();
    make_record(*state);
    together(world::thread_body{"user",
                                [&] {
                                  if (record* found = state->pointer.load_acquire(); found != nullptr)
                                    use(*found);
                                }},
             world::thread_body{"freer",
                                [&] { sync::memory::destroy(state->pointer.exchange_acq_rel(nullptr)); }});
  };
}

TEST(Finds, use_after_free_by_an_atomic) {
  expect_found(finding_kind::use_after_free,
               free_beside([](record& it) { std::ignore = it.value.load_relaxed(); }));
  expect_found(finding_kind::use_after_free, free_beside([](record& it) { it.value.store_relaxed(1); }));
}

TEST(Finds, use_after_free_by_a_plain_load) {
  expect_found(finding_kind::use_after_free,
               free_beside([](record& it) { RCUVM_CHECK(it.plain != 5, "read"); }));
}

TEST(Finds, use_after_free_by_a_lock) {
  expect_found(finding_kind::use_after_free, [] {
    const auto held = std::make_unique<sync::atomic<sync::mutex*>>(sync::memory::make<sync::mutex>());
    together(world::thread_body{"user",
                                [&]() RCUVM_NO_THREAD_SAFETY_ANALYSIS {
                                  if (sync::mutex* found = held->load_acquire(); found != nullptr) {
                                    found->lock();
                                    found->unlock();
                                  }
                                }},
             world::thread_body{"freer", [&] { sync::memory::destroy(held->exchange_acq_rel(nullptr)); }});
  });
}

TEST(Finds, a_touch_beyond_the_end) {
  expect_found(finding_kind::wild_touch, [] {
    char* const made = static_cast<char*>(sync::memory::allocate(16, 8));
    volatile char* const behind = made + 16;
    *behind = 1;
    sync::memory::deallocate(made, 16, 8);
  });
}

TEST(Finds, a_double_free) {
  expect_found(finding_kind::double_free, threads([](shared_state&) {
                 void* made = sync::memory::allocate(16, 8);
                 sync::memory::deallocate(made, 16, 8);
                 sync::memory::deallocate(made, 16, 8);
               }));
}

TEST(Finds, a_leak) {
  expect_found(finding_kind::leak,
               threads([](shared_state&) { std::ignore = sync::memory::allocate(16, 8); }));
}

// --- data races -------------------------------------------------------------------------------------------

/// One stores plain data and then tells, the other is told and then reads it.
scenario_body message(part tell, std::function<bool(shared_state&)> is_told) {
  return threads(
      [tell](shared_state& of) {
        of.plain = 1;
        tell(of);
      },
      [is_told](shared_state& of) {
        if (is_told(of)) RCUVM_CHECK(of.plain == 1, "the message is seen");
      });
}

TEST(DataRace, is_found_where_nothing_orders) {
  expect_found(finding_kind::data_race,
               threads([](shared_state& of) { of.plain = 1; },
                       [](shared_state& of) { RCUVM_CHECK(of.plain != 5, "read"); }));
}

/// A compiler's instrumentation may see only the load of an increment (g++ with -fsanitize=kernel-address does).
TEST(DataRace, is_found_between_increments) {
  expect_found(finding_kind::data_race,
               threads([](shared_state& of) { ++of.plain; }, [](shared_state& of) { ++of.plain; }));
}

TEST(DataRace, relaxed_publication_is_found) {
  expect_found(finding_kind::data_race, message([](shared_state& of) { of.x.store_relaxed(1); },
                                                [](shared_state& of) { return of.x.load_acquire() == 1; }));
  expect_found(finding_kind::data_race, message([](shared_state& of) { of.x.store_release(1); },
                                                [](shared_state& of) { return of.x.load_relaxed() == 1; }));
}

TEST(DataRace, release_and_acquire_order) {
  expect_nothing(message([](shared_state& of) { of.x.store_release(1); },
                         [](shared_state& of) { return of.x.load_acquire() == 1; }));
}

TEST(DataRace, fences_order) {
  expect_nothing(message(
      [](shared_state& of) {
        sync::release_fence();
        of.x.store_relaxed(1);
      },
      [](shared_state& of) {
        const bool is_told = of.x.load_relaxed() == 1;
        sync::acquire_fence();
        return is_told;
      }));
  expect_found(finding_kind::data_race, message(
                                            [](shared_state& of) {
                                              of.x.store_relaxed(1);
                                              sync::release_fence();
                                            },
                                            [](shared_state& of) {
                                              const bool is_told = of.x.load_relaxed() == 1;
                                              sync::acquire_fence();
                                              return is_told;
                                            }));
}

TEST(DataRace, a_mutex_orders) {
  const part count = [](shared_state& of) {
    const mutex_guard guard{of.first};
    ++of.plain;
  };
  expect_nothing(threads(count, count, [](shared_state& of) { RCUVM_CHECK(of.plain == 2, "both count"); }));
}

TEST(DataRace, an_rwsem_orders_its_writer_and_not_its_readers) {
  const part write = [](shared_state& of) {
    const write_section guard{of.semaphore};
    ++of.plain;
  };
  const part read = [](shared_state& of) {
    const shared_section guard{of.semaphore};
    RCUVM_CHECK(of.plain != 5, "read");
  };
  const part write_as_reader = [](shared_state& of) {
    const shared_section guard{of.semaphore};
    of.plain =
        5;  // not ++: of a load and a store of the same bytes, g++'s instrumentation shows the first alone
  };
  expect_nothing(threads(write, read));
  expect_nothing(threads(read, read));
  expect_found(finding_kind::data_race, threads(write_as_reader, read));
}

TEST(DataRace, a_grace_period_orders) {
  expect_nothing(threads(
      [](shared_state& of) {
        make_record(of);
        record* old = of.pointer.exchange_acq_rel(nullptr);
        sync::rcu::synchronize();
        old->plain = 3;
        sync::memory::destroy(old);
      },
      [](shared_state& of) {
        const sync::rcu::read_section reading;
        if (record* found = of.pointer.load_acquire(); found != nullptr)
          RCUVM_CHECK(found->plain == 0, "untouched");
      }));
}

TEST(DataRace, start_and_join_order) {
  expect_nothing(threads([](shared_state& of) {
    of.plain = 1;
    sync::thread other{"other", [&of] { ++of.plain; }};
    other.join();
    RCUVM_CHECK(++of.plain == 3, "each has counted");
  }));
  expect_found(finding_kind::data_race, threads([](shared_state& of) {
                 sync::thread other{"other", [&of] { of.plain = 1; }};
                 of.plain = 2;
                 other.join();
               }));
}

// --- locks, spins -----------------------------------------------------------------------------------------

TEST(Deadlock, with_itself) {
  expect_found(finding_kind::deadlock, threads([](shared_state& of) RCUVM_NO_THREAD_SAFETY_ANALYSIS {
                 of.first.lock();
                 of.first.lock();
               }));
}

TEST(Deadlock, of_two_locks_is_a_lock_order_even_where_it_does_not_happen) {
  const auto both = [](sync::mutex shared_state::* one, sync::mutex shared_state::* two) {
    return part{[one, two](shared_state& of) {
      const mutex_guard outer{of.*one};
      const mutex_guard inner{of.*two};
    }};
  };
  const scenario_body body = threads(both(&shared_state::first, &shared_state::second),
                                     both(&shared_state::second, &shared_state::first));
  expect_found(finding_kind::lock_order, body);
  // The first schedule is of one thread after the other.
  EXPECT_EQ(explore(body, {.how = strategy::bounded, .bound = 0}).found.kind, finding_kind::lock_order);
  EXPECT_EQ(explore(body, {.how = strategy::reduced, .limits = {.watches_lock_order = false}}).found.kind,
            finding_kind::deadlock);
  expect_nothing(threads(both(&shared_state::first, &shared_state::second),
                         both(&shared_state::first, &shared_state::second)));
}

TEST(Deadlock, of_three_locks_is_told_with_each_of_them) {
  const auto both = [](sync::mutex& one, sync::mutex& two) {
    const mutex_guard outer{one};
    const mutex_guard inner{two};
  };
  const search_result got = explore(threads(
                                        [both](shared_state& of) {
                                          both(of.first, of.second);
                                          both(of.second, of.third);
                                        },
                                        [both](shared_state& of) { both(of.third, of.first); }),
                                    {.how = strategy::bounded, .bound = 0});
  ASSERT_EQ(got.found.kind, finding_kind::lock_order);
  EXPECT_EQ(std::ranges::count(got.found.what, '#'), 6) << got.found.what;
}

TEST(Deadlock, of_a_notification_that_is_lost) {
  expect_found(finding_kind::deadlock, threads(
                                           [](shared_state& of) {
                                             mutex_guard guard{of.first};
                                             of.condition.wait(guard);
                                           },
                                           [](shared_state& of) { of.condition.notify_one(); }));
}

TEST(Deadlock, of_a_grace_period_inside_a_lock_that_a_reader_takes) {
  expect_found(finding_kind::deadlock, threads(
                                           [](shared_state& of) {
                                             const mutex_guard guard{of.first};
                                             sync::rcu::synchronize();
                                           },
                                           [](shared_state& of) {
                                             const sync::rcu::read_section reading;
                                             const mutex_guard guard{of.first};
                                           }));
}

TEST(Finds, a_loop_without_end) {
  expect_found(finding_kind::endless, threads([](shared_state& of) {
                 while (of.x.load_relaxed() == 0) std::ignore = of.y.load_relaxed();
               }));
}

// --- RCU --------------------------------------------------------------------------------------------------

TEST(GracePeriod, ends_when_the_sections_open_at_its_begin_have_been_left) {
  expect_nothing(threads(
      [](shared_state& of) {
        of.x.store_seq_cst(1);
        sync::rcu::synchronize();
        RCUVM_CHECK(of.y.load_seq_cst() != 1, "a section that saw no x is over");
      },
      [](shared_state& of) {
        const sync::rcu::read_section reading;
        if (of.x.load_seq_cst() != 0) return;
        of.y.store_seq_cst(1);
        of.y.store_seq_cst(2);
      }));
}

TEST(GracePeriod, does_not_wait_for_sections_begun_later) {
  // Else this check would hold: it is broken where the section begins inside the grace period and outlasts it.
  expect_found(finding_kind::check, [] {
    const auto of = std::make_unique<shared_state>();
    const auto early = [&of] {
      const sync::rcu::registration here{"early"};
      const sync::rcu::read_section reading;
      of->x.store_seq_cst(1);
      while (of->y.load_seq_cst() == 0) sync::relax();
    };
    const auto late = [&of] {
      const sync::rcu::registration here{"late"};
      if (of->x.load_seq_cst() != 2) return of->y.store_seq_cst(1);
      const sync::rcu::read_section reading;
      of->y.store_seq_cst(1);
      of->y.store_seq_cst(2);
      of->y.store_seq_cst(3);
    };
    const auto writer = [&of] {
      std::ignore = of->x.exchange_acq_rel(2);
      sync::rcu::synchronize();
      RCUVM_CHECK(of->y.load_seq_cst() != 2, "nobody is inside a section");
    };
    together(world::thread_body{"early", early}, world::thread_body{"late", late},
             world::thread_body{"writer", writer});
  });
}

TEST(Finds, synchronize_inside_a_section) {
  expect_found(finding_kind::check, threads([](shared_state&) {
                 const sync::rcu::read_section reading;
                 sync::rcu::synchronize();
               }));
}

// --- conditions, time -------------------------------------------------------------------------------------

TEST(Condition, the_classic_loop_loses_no_notification) {
  expect_nothing(threads(
      [](shared_state& of) {
        mutex_guard guard{of.first};
        while (of.ready == 0) of.condition.wait(guard);
      },
      [](shared_state& of) {
        const mutex_guard guard{of.first};
        of.ready = 1;
        of.condition.notify_one();
      }));
}

TEST(Condition, notify_one_wakes_each_of_several_waiters_in_some_schedule) {
  unsigned woken = 0;  // one bit for each that was first. Outside the arena.
  const scenario_body body = [&woken] {
    const auto of = std::make_unique<shared_state>();
    const auto wait = [&](unsigned own) {
      mutex_guard guard{of->first};
      ++of->ready;
      of->condition.wait(guard);
      if (of->ready == 2) woken |= own;
      ++of->ready;
    };
    const auto notify = [&] {
      for (int done = 0; done != 2;) {
        const mutex_guard guard{of->first};
        if (of->ready == 2 + done) {
          of->condition.notify_one();
          ++done;
        }
        if (done == 2) return;
        of->first.unlock();
        sync::relax();
        of->first.lock();
      }
    };
    together(world::thread_body{"a", [&] { wait(1); }}, world::thread_body{"b", [&] { wait(2); }},
             world::thread_body{"notifier", notify});
  };
  const search_result got = explore(body, {.how = strategy::reduced});
  EXPECT_FALSE(got.found) << got.found.what;
  EXPECT_EQ(woken, 3U);
}

TEST(Time, a_timed_wait_may_end_early_once) {
  unsigned seen = 0;
  const auto body = threads(
      [&seen](shared_state& of) {
        mutex_guard guard{of.first};
        seen |= of.ready != 0 ? 1U : of.condition.wait_for_ns(guard, 1'000'000) ? 2U : 4U;
      },
      [](shared_state& of) {
        const mutex_guard guard{of.first};
        of.ready = 1;
        of.condition.notify_all();
      });
  expect_nothing(body);
  EXPECT_EQ(seen, 7U);
  // A second one ends when nobody else can run.
  expect_nothing(threads(
      [](shared_state& of) {
        mutex_guard guard{of.first};
        std::ignore = of.condition.wait_for_ns(guard, 1000);
        std::ignore = of.condition.wait_for_ns(guard, 1000);
        RCUVM_CHECK(of.x.load_relaxed() == 1, "the other has run");
      },
      [](shared_state& of) { of.x.store_relaxed(1); }));
}

}  // namespace
}  // namespace rcuvm::explore
