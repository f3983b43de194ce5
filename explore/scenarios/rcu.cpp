// SPDX-License-Identifier: Apache-2.0

/// What RCU promises, and what it does not.

#include <memory>

#include "explore/scenarios/scenario.hpp"
#include "rcuvm/sync/memory.hpp"
#include "rcuvm/sync/rcu.hpp"

namespace rcuvm::explore {

namespace {

struct record {
  int value = 42;
};

struct published {
  sync::rcu::pointer<record> to{sync::memory::make<record>()};
};

enum class reader_does : std::uint8_t { reads_inside, reads_after_the_section };
enum class writer_does : std::uint8_t { waits, frees_at_once };

template <writer_does Writer, reader_does Reader>
void unlink_and_free() {
  const auto shared = std::make_unique<published>();
  const auto write = [&] {
    record* old = shared->to.load_by_writer();
    shared->to.publish(nullptr);
    if (Writer == writer_does::waits) sync::rcu::synchronize();
    sync::memory::destroy(old);
  };
  const auto read = [&] {
    const sync::rcu::registration here{"reader"};
    const record* found = nullptr;
    {
      const sync::rcu::read_section reading;
      found = shared->to.load(reading);
      if (Reader == reader_does::reads_inside && found != nullptr) {
        RCUVM_PROMISE(found->value == 42, "M1: a record is read after its free");
      }
    }
    if (Reader == reader_does::reads_after_the_section && found != nullptr) {
      RCUVM_PROMISE(found->value == 42, "M1: a record is read after its free");
    }
  };
  together(world::thread_body{"writer", write}, world::thread_body{"reader", read},
           world::thread_body{"reader 2", read});
}

}  // namespace

std::vector<scenario> rcu_scenarios() {
  return {
      {.name = "grace-period",
       .summary = "a record is unlinked and freed beside two readers",
       .claim = "M1",
       .subjects = {{.design = "wait",
                     .body = unlink_and_free<writer_does::waits, reader_does::reads_inside>,
                     .search = {.how = strategy::reduced}},
                    {.design = "no-wait",
                     .body = unlink_and_free<writer_does::frees_at_once, reader_does::reads_inside>,
                     .expected = verdict::fails,
                     .kind = finding_kind::use_after_free,
                     .search = {.how = strategy::reduced}},
                    {.design = "section-left",
                     .body = unlink_and_free<writer_does::waits, reader_does::reads_after_the_section>,
                     .expected = verdict::fails,
                     .kind = finding_kind::use_after_free,
                     .search = {.how = strategy::reduced}}}},
  };
}

}  // namespace rcuvm::explore
