// SPDX-License-Identifier: Apache-2.0
#include "bench/replay/measured.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "bench/replay/strict.hpp"
#include "rcuvm/designs/designs.hpp"
#include "tests/bench/replay_story.hpp"

namespace rcuvm::replay {
namespace {

recording::trace bundled(std::string_view name) {
  auto read = recording::read(recording::locate(name).value());
  EXPECT_TRUE(read) << read.error().to_text();
  return *std::move(read);
}

// Real threads, walked meanwhile: every call and fault is answered as in recorded order on one thread.
TEST(measured, Answers_do_not_depend_on_the_order_that_the_plan_leaves_open) {
  for (const char* name : {"sqlite_mmap", "nginx_wrk"}) {
    const recording::trace trace = bundled(name);
    script made = resolve(trace);
    ASSERT_EQ(settle_expected_answers(made), 0U);
    const plan laid = lay_out(made, 3);
    for (const std::string& design : designs::names()) {
      for (walker mode : walkers) {
        const measurement found = measure(laid, design, {.mode = mode});
        EXPECT_EQ(found.values.at("different"), 0) << name << " under " << design << ", " << name_of(mode);
        EXPECT_EQ(found.shapes.faults.count(), made.faults);
        EXPECT_EQ(found.shapes.walks.count() > 0, found.values.contains("walk.count"));
      }
    }
  }
}

TEST(measured, A_different_answer_is_counted) {
  story told;
  told.execs(0).maps(0, 0x10000, 0x1000).faults(0, 0x10000).unmaps(0, 0x10000, 0x1000);
  script made = resolve(told.trace());
  made.steps[2].expected_error = EFAULT;
  made.steps[3].expected_error = ENOMEM;
  const measurement found = measure(lay_out(made, 1), "replace", {.passes = 3});
  EXPECT_EQ(found.values.at("different"), 2);
  EXPECT_EQ(found.values.at("different.munmap"), 1);
  EXPECT_EQ(found.values.at("different.fault"), 1);
}

TEST(measured, What_raced_in_the_recording_is_no_difference) {
  story told;
  told.execs(0).says(0, recording::fault{.at = 0x10000, .races_a_call = true});
  const script made = resolve(told.trace());
  EXPECT_EQ(measure(lay_out(made, 1), "replace", {}).values.at("different"), 0);
}

// Counts are per pass, latencies of all passes together; exec and exit are no calls of a writer.
TEST(measured, Passes_add_samples_and_leave_counts_alone) {
  story told;
  told.execs(0).maps(0, 0x10000, 0x8000);
  for (address page = 0; page < 8; ++page) told.faults(0, 0x10000 + page * page_size);
  told.unmaps(0, 0x10000, 0x8000).maps(0, 0x20000, 0x1000).ends(0);
  const script made = resolve(told.trace());
  const figures values = measure(lay_out(made, 2), "sync", {.passes = 5}).values;
  EXPECT_EQ(values.at("fault.count"), 40);
  EXPECT_EQ(values.at("writer.count"), 15);
  EXPECT_EQ(values.at("munmap.count"), 5);
  EXPECT_EQ(values.at("exit.count"), 5);
  EXPECT_EQ(values.at("count.faults"), 8);
  EXPECT_EQ(values.at("count.grace_periods"), 2) << "munmap and exit";
  EXPECT_GT(values.at("faults_per_s"), 0);
  EXPECT_GE(values.at("fault.max_ns"), values.at("fault.p99_ns"));
}

// Two tasks change the same range in turn, three hundred times: each waits for the other, and none for ever.
TEST(measured, Workers_that_wait_for_each_other_all_the_time_come_to_an_end) {
  story told;
  told.execs(0).maps(0, 0x10000, 0x1000).starts(0, 1);
  for (int turn = 0; turn < 300; ++turn) {
    told.protects(turn % 2 == 0 ? 0 : 1, 0x10000, 0x1000, turn % 2 == 0 ? PROT_READ : PROT_READ | PROT_WRITE);
  }
  const script made = resolve(told.trace());
  const plan laid = lay_out(made, 2);
  EXPECT_GT(laid.waits.size(), 290U);
  EXPECT_EQ(measure(laid, "replace", {}).values.at("different"), 0);
}

}  // namespace
}  // namespace rcuvm::replay
