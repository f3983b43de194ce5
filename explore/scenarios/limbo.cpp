// SPDX-License-Identifier: Apache-2.0

/// Deferred freeing: M1, M2.

#include <memory>

#include "explore/scenarios/scenario.hpp"
#include "rcuvm/reclaim/limbo.hpp"
#include "rcuvm/sync/memory.hpp"
#include "rcuvm/sync/rcu.hpp"

namespace rcuvm::explore {

namespace {

struct record {
  int value = 42;
};

void free_record(void* dead) noexcept { sync::memory::destroy(static_cast<record*>(dead)); }

struct shelf {
  explicit shelf(reclaim::limits limit = {}) : limbo{limit} {}
  sync::rcu::pointer<record> to{sync::memory::make<record>()};
  reclaim::limbo limbo;

  /// Unlinks and retires; `bytes` is what it weighs.
  reclaim::limbo::ticket replace(std::uint32_t bytes = 8) {
    record* old = to.load_by_writer();
    to.publish(sync::memory::make<record>());
    reclaim::retire_list dead;
    dead.add({old, free_record, bytes});
    return limbo.retire(std::move(dead));
  }
  void read() const {
    const sync::rcu::read_section reading;
    RCUVM_PROMISE(to.load(reading)->value == 42, "M1: a record is read after its free");
  }
  ~shelf() { sync::memory::destroy(to.load_by_writer()); }
};

void retire_beside_reader() {
  const auto in = std::make_unique<shelf>();
  together(world::thread_body{"writer", [&in] { std::ignore = in->replace(); }},
           world::thread_body{"reader", [&in] {
                                const sync::rcu::registration here{"reader"};
                                in->read();
                              }});
}

struct flagged {
  sync::atomic<std::uint32_t>* is_freed;
};
void free_flagged(void* dead) noexcept {
  auto* const it = static_cast<flagged*>(dead);
  it->is_freed->store_relaxed(1);
  sync::memory::destroy(it);
}

/// A writer waits for its own ticket: the hand-over, the sleep and the wake-up.
void wait_for_ticket() {
  const auto limbo = std::make_unique<reclaim::limbo>();
  const auto is_freed = std::make_unique<sync::atomic<std::uint32_t>>(0U);
  const auto replace_and_wait = [&] {
    reclaim::retire_list dead;
    dead.add({sync::memory::make<flagged>(is_freed.get()), free_flagged, 8});
    limbo->wait(limbo->retire(std::move(dead)));
    RCUVM_PROMISE(is_freed->load_relaxed() == 1, "M1: a wait ends before its ticket is over");
  };
  together(world::thread_body{"writer", replace_and_wait});
}

/// Two writers (each with its own record) hand over while the limbo is being drained for its end.
void shutdown_beside_writers() {
  auto limbo = std::make_unique<reclaim::limbo>();
  const auto retire_one = [&limbo] {
    reclaim::retire_list dead;
    dead.add({sync::memory::make<record>(), free_record, 8});
    std::ignore = limbo->retire(std::move(dead));
  };
  together(world::thread_body{"writer", retire_one}, world::thread_body{"writer 2", retire_one});
  world::current()->set_quiet(false);
  limbo.reset();
  world::current()->set_quiet(true);
}

/// A reader stays while a writer goes on: held memory stops at the limit, the writer waits, and goes on when the reader leaves.
void back_pressure() {
  const auto in =
      std::make_unique<shelf>(reclaim::limits{.bytes = 8, .diagnose_after_ns = std::uint64_t{1} << 60U});
  in->limbo.on_diagnosis([](const std::string&) {});
  together(world::thread_body{"writer",
                              [&in] {
                                for (int i = 0; i < 3; ++i) {
                                  in->limbo.throttle();
                                  std::ignore = in->replace();
                                }
                                RCUVM_PROMISE(in->limbo.read_statistics().high_water_bytes <= 16,
                                              "M2: limbo holds more than its limit and one operation");
                              }},
           world::thread_body{"reader", [&in] {
                                const sync::rcu::registration here{"reader"};
                                in->read();
                              }});
}

}  // namespace

std::vector<scenario> limbo_scenarios() {
  const search_options bound_2{.how = strategy::bounded, .bound = 2, .max_schedules = 10'000'000};
  const auto make = [&](std::string_view name, std::string_view summary, std::string_view claim,
                        scenario_body body) {
    return one_subject(name, summary, claim, "limbo", std::move(body), bound_2);
  };
  return {
      make("retire", "a record is retired beside a reader", "M1", retire_beside_reader),
      make("retire-wait", "a writer waits until what it retired is freed", "M1", wait_for_ticket),
      make("retire-shutdown", "two writers hand over, and the limbo ends", "M1", shutdown_beside_writers),
      make("back-pressure", "a reader stays, and the writer meets the limit", "M2", back_pressure),
  };
}

}  // namespace rcuvm::explore
