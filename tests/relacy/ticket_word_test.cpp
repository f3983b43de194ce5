// SPDX-License-Identifier: Apache-2.0
#include "src/reclaim/ticket_word.hpp"

#include <cstdint>

#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/sync/thread.hpp"
#include "search.hpp"

namespace rcuvm::relacy {
namespace {

constexpr const char* source = "src/reclaim/ticket_word.hpp";

/// The reclaimer of limbo.cpp, cut down to its sleep: it ends when both writers' tickets are over. A ticket that it
/// sleeps through is a deadlock.
struct sleeping_reclaimer : rl::test_suite<sleeping_reclaimer, 3> {
  static constexpr unsigned writers = 2;

  reclaim::detail::ticket_word tickets;
  reclaim::detail::over_word over;
  sync::mutex lock;
  sync::condition work;
  plain<std::uint32_t> given[writers];  ///< times that a ticket was given

  void before() {
    for (auto& each : given) each.write(0);
  }
  void thread(unsigned index) { index < writers ? retire() : run(); }
  void after() {
    for (auto& each : given) promise(each.read() == 1, "a ticket was given twice or never");
  }

  void retire() {
    const auto [ticket, found_asleep] = tickets.take();
    promise(ticket >= 1 && ticket <= writers, "a ticket out of turn");
    given[ticket - 1].write(given[ticket - 1].read() + 1);
    if (!found_asleep) return;
    const sync::mutex_guard guard{lock};
    tickets.wake();
    work.notify_one();
  }
  void run() {
    sync::mutex_guard guard{lock};
    while (over.last_by_reclaimer() != writers) {
      const std::uint64_t last = tickets.last_taken();
      if (last != over.last_by_reclaimer()) {
        over.raise_to(last);
      } else if (tickets.sleep_after(last)) {
        while (tickets.is_asleep()) work.wait(guard);
      }
    }
  }
};

/// What a free function did, for one who waits for its ticket.
struct waiter : rl::test_suite<waiter, 2> {
  reclaim::detail::over_word over;
  plain<std::uint32_t> freed[2];

  void before() {
    for (auto& each : freed) each.write(0);
  }
  void thread(unsigned index) {
    if (index == 0) {
      freed[0].write(1);
      over.raise_to(1);
      freed[1].write(1);
      over.raise_to(2);
    } else {
      for (unsigned ticket : {1U, 2U}) {
        if (over.is_over(ticket)) promise(freed[ticket - 1].read() == 1, "over before it was freed");
      }
    }
  }
};

TEST(ticket_word_test, the_reclaimer_sleeps_through_no_ticket) { expect_holds<sleeping_reclaimer>(3); }
TEST(ticket_word_test, who_finds_a_ticket_over_finds_its_objects_freed) { expect_holds<waiter>(4); }

TEST(ticket_word_test, without_W2) { expect_caught<waiter>(source, "limbo.W2"); }
TEST(ticket_word_test, without_R2) { expect_caught<waiter>(source, "limbo.R2"); }
// The third pair has no order to take out: both are changes of one word. They stop being that when they are two steps.
TEST(ticket_word_test, taken_in_two_steps) {
  expect_caught<sleeping_reclaimer>(source, "limbo.W3", weakening::how::torn);
}
TEST(ticket_word_test, asleep_in_two_steps) {
  expect_caught<sleeping_reclaimer>(source, "limbo.R3", weakening::how::torn);
}
TEST(ticket_word_test, each_ordering_has_a_twin_without_it) {
  expect_all_tags(source, {"limbo.W2", "limbo.R2", "limbo.W3", "limbo.R3"});
}

}  // namespace
}  // namespace rcuvm::relacy
