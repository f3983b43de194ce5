// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/reclaim/limbo.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "rcuvm/sync/clock.hpp"
#include "rcuvm/sync/memory.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/sync/rcu.hpp"
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

retire_list list_of(morgue& dead, std::uint32_t objects, std::uint32_t bytes = 1) {
  retire_list list;
  for (std::uint32_t at = 0; at != objects; ++at) list.add(dead.die(bytes));
  return list;
}

TEST(limbo_test, M1_nothing_is_freed_under_a_reader_and_all_of_it_after) {
  morgue dead;
  limbo held;
  reader_inside reader;
  const limbo::ticket ticket = held.retire(list_of(dead, 10));
  sync::sleep_ns(a_while_ns);
  EXPECT_EQ(dead.freed(), 0U);
  EXPECT_FALSE(held.is_over(ticket));
  reader.leave();
  EXPECT_TRUE(eventually([&] { return held.is_over(ticket); }));
  EXPECT_TRUE(dead.is_each_freed_once());
  EXPECT_TRUE(dead.is_in_order());
}

/// How many cpus the thread that freed the last one might use, and where it was.
struct freeing {
  sync::atomic<std::uint32_t> cpus{0};
  sync::atomic<std::uint32_t> cpu{0};

  [[nodiscard]] retire_list seen_by_one_more() {
    retire_list list;
    list.add({.object = this,
              .free =
                  [](void* object) noexcept {
                    auto& noted = *static_cast<freeing*>(object);
                    noted.cpu.store_relaxed(sync::current_cpu());
                    noted.cpus.store_release(sync::placement{}.cpus());
                  },
              .bytes = 1});
    return list;
  }
};

/// Registered threads that are at work.
class other_threads {
 public:
  explicit other_threads(unsigned count) {
    while (threads_.size() != count)
      threads_.emplace_back("other", [this] {
        while (!may_end_.load_acquire()) sync::yield();
      });
  }
  ~other_threads() { may_end_.store_release(true); }
  other_threads(const other_threads&) = delete;
  other_threads& operator=(const other_threads&) = delete;

 private:
  sync::atomic<bool> may_end_{false};
  std::deque<sync::thread> threads_;
};

TEST(limbo_test, the_reclaimer_works_where_all_is_retired_when_no_cpu_is_to_spare) {
  limbo held;
  sync::placement here;
  const unsigned cpus = here.cpus();
  if (cpus < 2) GTEST_SKIP() << "one cpu";
  const other_threads others{cpus};
  const unsigned one = sync::current_cpu();
  unsigned other = 0;
  for (here.move_to(other); other == one || sync::current_cpu() != other; here.move_to(other)) ++other;
  freeing noted;
  for (const unsigned cpu : {one, other}) {
    here.move_to(cpu);
    EXPECT_TRUE(eventually([&] {
      held.retire(noted.seen_by_one_more());
      return noted.cpus.load_acquire() == 1 && noted.cpu.load_relaxed() == cpu;
    })) << cpu;
  }
  // As much from each, in one round: a reader holds it up until all of it is there.
  EXPECT_TRUE(eventually([&] {
    {
      reader_inside reader;
      for (const unsigned cpu : {one, other}) {
        here.move_to(cpu);
        for (unsigned i = 0; i != 50; ++i) held.retire(noted.seen_by_one_more());
      }
    }
    held.drain();
    held.wait(held.retire(noted.seen_by_one_more()));
    return noted.cpus.load_acquire() == cpus;
  }));
  held.drain();
}

TEST(limbo_test, an_empty_list_is_over_at_once) {
  limbo held;
  EXPECT_EQ(held.retire(retire_list{}), 0U);
  EXPECT_TRUE(held.is_over(0));
  held.wait(0);
  held.drain();
}

TEST(limbo_test, wait_returns_when_the_ticket_is_over) {
  morgue dead;
  limbo held;
  for (std::uint32_t round = 1; round != 50; ++round) {
    const limbo::ticket ticket = held.retire(list_of(dead, 3));
    EXPECT_EQ(ticket, round);
    held.wait(ticket);
    EXPECT_TRUE(held.is_over(ticket));
    EXPECT_EQ(dead.freed(), 3 * round);
  }
}

TEST(limbo_test, wait_does_not_return_under_a_reader) {
  morgue dead;
  limbo held;
  reader_inside reader;
  sync::atomic<bool> has_returned{false};
  const sync::thread writer{"writer", [&] {
                              held.wait(held.retire(list_of(dead, 1)));
                              has_returned.store_release(true);
                            }};
  sync::sleep_ns(a_while_ns);
  EXPECT_FALSE(has_returned.load_acquire());
  reader.leave();
  EXPECT_TRUE(eventually([&] { return has_returned.load_acquire(); }));
}

TEST(limbo_test, the_destructor_frees_everything) {
  morgue dead;
  {
    limbo held;
    for (int batch = 0; batch != 100; ++batch) held.retire(list_of(dead, 7));
  }
  EXPECT_EQ(dead.freed(), 700U);
  EXPECT_TRUE(dead.is_each_freed_once());
  EXPECT_TRUE(dead.is_in_order());
}

/// With a reader inside, far more batches than the lanes hold: they go on to the list behind, in order.
TEST(limbo_test, more_batches_than_the_lanes_hold_are_all_freed_in_order) {
  morgue dead;
  limbo held;
  reader_inside reader;
  for (std::uint32_t batch = 0; batch != 12'000; ++batch) held.retire(list_of(dead, 1 + batch % 2));
  const limbo::statistics full = held.read_statistics();
  EXPECT_EQ(full.objects, 18'000U);
  reader.leave();
  held.drain();
  EXPECT_EQ(dead.freed(), 18'000U);
  EXPECT_TRUE(dead.is_each_freed_once());
  EXPECT_TRUE(dead.is_in_order());
}

TEST(limbo_test, batches_of_many_writers_are_freed_in_ticket_order) {
  struct note {
    limbo::ticket ticket;
    std::uint64_t place;
  };
  sync::atomic<std::uint64_t> places{0};
  std::vector<note> notes;
  sync::mutex notes_lock;
  {
    std::deque<tests::corpse> corpses(3 * 2'000);
    limbo held;
    {
      std::vector<sync::thread> writers;
      for (std::size_t writer = 0; writer != 3; ++writer) {
        writers.emplace_back("writer", [&, writer] {
          std::vector<std::pair<limbo::ticket, tests::corpse*>> mine;
          limbo::ticket last = 0;
          for (std::size_t at = 0; at != 2'000; ++at) {
            tests::corpse& dead = corpses[writer * 2'000 + at];
            dead.places = &places;
            retire_list list;
            list.add({&dead,
                      [](void* object) noexcept {
                        auto* freed = static_cast<tests::corpse*>(object);
                        freed->place.store_relaxed(freed->places->fetch_add_acq_rel(1) + 1);
                      },
                      1});
            const limbo::ticket ticket = held.retire(std::move(list));
            EXPECT_GT(ticket, last);
            last = ticket;
            mine.emplace_back(ticket, &dead);
            if (at % 16 == 0) sync::yield();
          }
          held.wait(last);
          const sync::mutex_guard guard{notes_lock};
          for (const auto& [ticket, dead] : mine) notes.push_back({ticket, dead->place.load_relaxed()});
        });
      }
    }
  }
  ASSERT_EQ(notes.size(), 6'000U);
  std::ranges::sort(notes, {}, &note::ticket);
  for (std::size_t at = 0; at != notes.size(); ++at) {
    ASSERT_EQ(notes[at].ticket, at + 1);
    ASSERT_EQ(notes[at].place, at + 1);
  }
}

/// A free function retires the next one: drain() waits for the whole chain.
TEST(limbo_test, drain_waits_for_what_free_functions_retire) {
  struct link {
    limbo* held;
    link* next;
    bool is_freed = false;
    static void free(void* object) noexcept {
      auto* self = static_cast<link*>(object);
      self->is_freed = true;
      if (self->next == nullptr) return;
      retire_list list;
      list.add({self->next, free, 1});
      self->held->retire(std::move(list));
    }
  };
  limbo held;
  std::vector<link> chain(20);
  for (std::size_t at = 0; at != chain.size(); ++at) {
    chain[at] = {.held = &held, .next = at + 1 == chain.size() ? nullptr : &chain[at + 1]};
  }
  retire_list first;
  first.add({&chain.front(), link::free, 1});
  held.retire(std::move(first));
  held.drain();
  EXPECT_TRUE(std::ranges::all_of(chain, &link::is_freed));
  EXPECT_EQ(held.read_statistics().freed, chain.size());
}

TEST(limbo_test, the_accounting_is_exact) {
  morgue dead;
  limbo held;
  {
    reader_inside reader;
    held.retire(list_of(dead, 10, 100));
    EXPECT_EQ(held.read_statistics().objects, 10U);  // its age counts from here at the latest
    sync::sleep_ns(a_while_ns);
    held.retire(list_of(dead, 30, 7));
    const limbo::statistics full = held.read_statistics();
    EXPECT_EQ(full.objects, 40U);
    EXPECT_EQ(full.bytes, 1'210U);
    EXPECT_EQ(full.high_water_objects, 40U);
    EXPECT_EQ(full.high_water_bytes, 1'210U);
    EXPECT_GE(full.oldest_age_ns, a_while_ns);
    EXPECT_EQ(full.retired, 40U);
    EXPECT_EQ(full.freed, 0U);
  }
  held.drain();
  const limbo::statistics empty = held.read_statistics();
  EXPECT_EQ(empty.objects, 0U);
  EXPECT_EQ(empty.bytes, 0U);
  EXPECT_EQ(empty.high_water_objects, 40U);
  EXPECT_EQ(empty.high_water_bytes, 1'210U);
  EXPECT_EQ(empty.oldest_age_ns, 0U);
  EXPECT_EQ(empty.retired, 40U);
  EXPECT_EQ(empty.freed, 40U);
  EXPECT_GE(empty.grace_periods, 1U);
  held.reset_high_water();
  EXPECT_EQ(held.read_statistics().high_water_bytes, 0U);
  EXPECT_EQ(held.read_statistics().high_water_objects, 0U);
}

/// Counted from the first look at it, also when that is not the reclaimer's but one for the statistics.
TEST(limbo_test, the_oldest_age_is_that_of_the_oldest_batch) {
  morgue dead;
  limbo held;
  for (int round = 0; round != 20; ++round) {
    reader_inside reader;
    const std::uint64_t before_ns = sync::now_ns();
    held.retire(list_of(dead, 1));
    EXPECT_EQ(held.read_statistics().objects, 1U);
    const std::uint64_t after_ns = sync::now_ns();
    for (int batch = 0; batch != 3; ++batch) {
      const std::uint64_t at_least_ns = sync::now_ns() - after_ns;
      const std::uint64_t age_ns = held.read_statistics().oldest_age_ns;
      EXPECT_GE(age_ns, at_least_ns);
      EXPECT_LE(age_ns, sync::now_ns() - before_ns);
      sync::sleep_ns(1'000'000);
      held.retire(list_of(dead, 1));
    }
    reader.leave();
    held.drain();
  }
}

/// The reclaimer sleeps between the batches, or naps, or is about to do either: no batch is forgotten.
TEST(limbo_test, a_batch_after_any_silence_is_freed) {
  morgue dead;
  limbo held;
  std::uint64_t batches = 0;
  for (const std::uint64_t silence_ns :
       {100'000U, 1'000'000U, 15'000'000U, 17'000'000U, 19'000'000U, 60'000'000U}) {
    for (int round = 0; round != 5; ++round) {
      sync::sleep_ns(silence_ns);
      held.retire(list_of(dead, 1));
      ++batches;
      EXPECT_TRUE(eventually([&] { return dead.freed() == batches; }));
    }
  }
}

TEST(limbo_test, the_list_of_a_failed_allocation_is_handed_over_all_the_same) {
  morgue dead;
  limbo held;
  for (std::uint64_t nth = 1; nth != 6; ++nth) {
    const sync::memory::failing_allocations failing{nth};
    held.retire(list_of(dead, 200));
  }
  held.drain();
  EXPECT_EQ(dead.freed(), 5U * 200U);
  EXPECT_TRUE(dead.is_each_freed_once());
}

TEST(limbo_test, the_limbo_of_the_process_is_one) {
  EXPECT_EQ(&limbo::process(), &limbo::process());
  morgue dead;
  limbo::process().wait(limbo::process().retire(list_of(dead, 2)));
  EXPECT_TRUE(dead.is_each_freed_once());
}

/// 3 writers replace an object that 2 readers read. The sanitizers judge as well.
TEST(limbo_test, M1_stress_of_readers_and_writers) {
  struct node {
    std::uint64_t number;
    std::uint64_t complement;
    static void free(void* object) noexcept {
      auto* dead = static_cast<node*>(object);
      *dead = {0, 0};  // no complement of each other: a reader that is still there sees it
      sync::memory::destroy(dead);
    }
  };
  sync::rcu::pointer<node> shared{sync::memory::make<node>(1U, ~std::uint64_t{1})};
  sync::mutex writers_lock;
  sync::atomic<bool> is_over{false};
  sync::atomic<std::uint64_t> broken{0};
  std::uint64_t writes = 0;
  limbo held{{.bytes = 64 * 1'024}};
  {
    std::vector<sync::thread> threads;
    for (int reader = 0; reader != 2; ++reader) {
      threads.emplace_back("reader", [&] {
        while (!is_over.load_relaxed()) {
          const sync::rcu::read_section section;
          const node* at = shared.load(section);
          for (int look = 0; look != 3; ++look) {
            if (at->number != ~at->complement) broken.fetch_add_relaxed(1);
            sync::relax();
          }
        }
      });
    }
    for (std::uint64_t writer = 1; writer != 4; ++writer) {
      threads.emplace_back("writer", [&, writer] {
        for (std::uint64_t number = writer; !is_over.load_relaxed(); number += 4) {
          held.throttle();
          retire_list list;
          {
            const sync::write_section section{writers_lock};
            list.add({shared.load_by_writer(), node::free, sizeof(node)});
            shared.publish(sync::memory::make<node>(number, ~number));
            ++writes;
          }
          held.retire(std::move(list));
        }
      });
    }
    sync::sleep_ns(tests::stress_ns);
    is_over.store_relaxed(true);
  }
  held.drain();
  EXPECT_EQ(broken.load_relaxed(), 0U);
  const limbo::statistics end = held.read_statistics();
  EXPECT_EQ(end.retired, writes);
  EXPECT_EQ(end.freed, writes);
  EXPECT_EQ(end.bytes, 0U);
  EXPECT_LE(end.high_water_bytes, 64 * 1'024U + 3 * sizeof(node));
  sync::memory::destroy(shared.load_pinned());
}

TEST(limbo_DeathTest, waiting_inside_a_section_ends_the_program) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        const sync::rcu::registration here;
        morgue dead;
        limbo held;
        retire_list list = list_of(dead, 1);
        const sync::rcu::read_section section;
        held.wait(held.retire(std::move(list)));
      },
      "wait inside a read section");
}

TEST(limbo_DeathTest, waiting_in_a_free_function_ends_the_program) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        limbo held;
        retire_list list;
        list.add({&held,
                  [](void* object) noexcept {
                    auto* inside = static_cast<limbo*>(object);
                    inside->wait(inside->read_statistics().freed + 1);
                  },
                  1});
        held.retire(std::move(list));
        held.drain();
      },
      "wait in a free function");
}

TEST(limbo_DeathTest, waiting_for_a_ticket_that_nobody_handed_out_ends_the_program) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(limbo{}.wait(5), "a ticket of another limbo");
}

}  // namespace
}  // namespace rcuvm::reclaim
