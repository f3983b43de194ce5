// SPDX-License-Identifier: Apache-2.0

/// What an operation writes that other threads touch.

#include "explore/traffic.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "explore/scenarios/scenario.hpp"

namespace rcuvm::explore {
namespace {

constexpr std::uint32_t line = 64;
constexpr int measured = 2;
constexpr int other = 3;

traced_step made(int thread, operation what, std::uint32_t number_of_line, std::uint32_t offset = 0) {
  const std::uint32_t at = number_of_line * line + offset;
  return {.thread = thread, .what = what, .where = {at, at + 4}};
}

trace without_steps() {
  trace of;
  of.names = {"main", "reclaimer", traffic_thread, "other"};
  return of;
}

TEST(traffic, counts_writes_to_lines_that_another_thread_touches) {
  using enum operation;
  trace of = without_steps();
  of.steps = {made(measured, store, 5), made(measured, update, 5, 8), made(measured, load, 5),
              made(measured, lock, 6),  made(measured, unlock, 6),    made(measured, store, 7),
              made(other, load, 5, 60), made(other, lock, 6),         made(other, store, 8)};
  const shared_writes got = count_shared_writes(of, traffic_thread);
  EXPECT_EQ(got.stores, 1);
  EXPECT_EQ(got.updates, 3);
}

TEST(traffic, leaves_out_what_one_thread_does_alone_and_what_is_no_access) {
  using enum operation;
  trace of = without_steps();
  traced_step quiet = made(measured, store, 5);
  quiet.is_quiet = true;
  of.steps = {quiet, made(measured, allocate, 5), made(measured, store, 9), made(other, load, 5),
              made(other, store, 10)};
  const shared_writes got = count_shared_writes(of, traffic_thread);
  EXPECT_EQ(got.stores, 0);
  EXPECT_EQ(got.updates, 0);
}

TEST(traffic, counts_plain_stores_too) {
  trace of = without_steps();
  of.plain = {{.thread = measured, .is_write = true, .where = {5 * line, 5 * line + 8}},
              {.thread = measured, .is_write = false, .where = {5 * line, 5 * line + 8}},
              {.thread = other, .is_write = false, .where = {5 * line + 16, 5 * line + 24}}};
  EXPECT_EQ(count_shared_writes(of, traffic_thread).stores, 1);
}

TEST(traffic, an_access_that_crosses_lines_counts_once_if_any_of_them_is_shared) {
  trace of = without_steps();
  of.plain = {{.thread = measured, .is_write = true, .where = {5 * line + 60, 6 * line + 4}},
              {.thread = other, .is_write = false, .where = {6 * line + 16, 6 * line + 24}}};
  EXPECT_EQ(count_shared_writes(of, traffic_thread).stores, 1);
}

TEST(traffic, refuses_a_run_without_the_thread) {
  EXPECT_THROW(std::ignore = count_shared_writes(without_steps(), "nobody"), std::runtime_error);
}

/// Both kinds together.
double writes(const std::vector<traffic>& all, std::string_view what, std::string_view design) {
  const auto found =
      std::ranges::find_if(all, [&](const traffic& one) { return one.what == what && one.design == design; });
  if (found == all.end()) {
    ADD_FAILURE() << what << " under " << design << " was not counted";
    return 0;
  }
  return found->each.stores + found->each.updates;
}

TEST(traffic, tells_the_designs_apart) {
  const std::vector<traffic> all = measure_traffic();
  // P1: a walk under RCU writes nothing that others touch.
  EXPECT_GE(writes(all, "walk", "mmap-lock"), 2);
  for (const char* design : {"mm-seq", "vma-seq", "sync", "tombstone", "replace", "range-lock"})
    EXPECT_EQ(writes(all, "walk", design), 0) << design;
  // Whose records may be used again locks each of them.
  EXPECT_GE(writes(all, "walk", "vma-lock"), 2);
  // The semaphore is everybody's, a VMA's references are for those who fault in it, a table's lock is for its own pages.
  EXPECT_GE(writes(all, "fault", "mmap-lock"), 2);
  for (const char* design :
       {"mm-seq", "vma-seq", "vma-lock", "sync", "refcount", "tombstone", "replace", "range-lock"})
    EXPECT_EQ(writes(all, "fault", design), 0) << design;
  EXPECT_EQ(writes(all, "fault, others in the same VMA", "replace"), 0);
  EXPECT_GE(writes(all, "fault, others in the same VMA", "vma-lock"), writes(all, "fault", "vma-lock") + 2);
}

}  // namespace
}  // namespace rcuvm::explore
