// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/search.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bench/diff_kernel/kernel.hpp"
#include "bench/diff_kernel/scene.hpp"
#include "proc_maps/format.hpp"
#include "rcuvm/designs/designs.hpp"
#include "tests/bench/diff_kernel_broken_model.hpp"
#include "tests/tree/settings.hpp"

namespace rcuvm::diff_kernel {
namespace {

using testing::broken_model;
using testing::broken_rule;
using tree::testing::scaled;
using tree::testing::seed_or;

std::string describe(const finding& found) {
  std::string text;
  for (const call& one : found.calls) text += to_text(one) + "\n";
  return text + "after it: " + to_text(found.difference, found.calls.back());
}

#define SKIP_WHERE_THE_KERNEL_DIFFERS() \
  if (!is_kernel_followed()) GTEST_SKIP() << kernel_name() << "; the model follows " << model_follows

/// Expects no difference in `calls` calls of each of `seeds` seeds.
void expect_same(std::string_view design, std::uint64_t calls, std::uint64_t seeds, std::uint64_t arena) {
  const auto by = make_model(design);
  for (std::uint64_t seed = seed_or(1); seed < seed_or(1) + seeds; ++seed) {
    SCOPED_TRACE(std::string{design} + ", RCUVM_SEED=" + std::to_string(seed));
    const search_result got =
        search({.calls = scaled(calls), .seed = seed, .arena_bytes = arena * page_size}, *by);
    EXPECT_EQ(got.calls, scaled(calls));
    ASSERT_FALSE(got.finding) << describe(*got.finding);
  }
}

TEST(diff_kernel, F4_20000_random_calls_give_the_kernels_answers_maps_and_data) {
  SKIP_WHERE_THE_KERNEL_DIFFERS();
  expect_same("replace", 4000, 4, 64);
  expect_same("replace", 2000, 1, 16);
  expect_same("replace", 2000, 1, largest_arena / page_size);
}

TEST(diff_kernel, F4_every_design_gives_what_the_kernel_gives) {
  SKIP_WHERE_THE_KERNEL_DIFFERS();
  for (const std::string& design : designs::names()) expect_same(design, 1000, 2, 64);
}

/// Nothing is touched: whether there are huge pages to be had does not matter.
TEST(diff_kernel, Large_anonymous_mappings_begin_where_the_kernel_lets_them) {
  SKIP_WHERE_THE_KERNEL_DIFFERS();
  constexpr std::uint64_t lengths[] = {page_size,     huge_page,     huge_page + page_size,
                                       2 * huge_page, 3 * huge_page, huge_page - page_size};
  const stage on = find_stage(16 * huge_page);
  const auto by = make_model("replace");
  tree::testing::random_engine random{seed_or(1)};
  const auto draw = [&](std::uint64_t end) { return tree::testing::draw(random, end); };
  std::vector<call> calls;
  while (calls.size() < 400) {
    const std::uint64_t length = lengths[draw(std::size(lengths))];
    call one{.what = verb::map, .at = no_hint, .length = length, .protection = PROT_READ};
    one.flags = draw(4) == 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_PRIVATE | MAP_ANONYMOUS;
    if (draw(3) == 0) one.flags |= draw(2) == 0 ? MAP_GROWSDOWN : MAP_NORESERVE;
    if (draw(2) == 0) {
      one = {
          .what = verb::unmap, .at = draw(on.arena.size() / page_size - 1) * page_size, .length = page_size};
      one.length = std::min(length, on.arena.size() - one.at);
    } else if (draw(4) == 0) {
      one = {.what = verb::remap,
             .at = calls.empty() ? 0 : calls.back().at % on.arena.size(),
             .length = page_size,
             .flags = MREMAP_MAYMOVE,
             .new_length = length};
    }
    calls.push_back(one);
  }
  const auto differs = first_difference(calls, on, *by);
  EXPECT_FALSE(differs) << "call " << differs->index << ": " << to_text(*differs, calls[differs->index]);
}

/// All that can be seen of the model while it performs the calls.
std::string told_by(std::string_view design, std::span<const call> calls, const stage& on) {
  const auto by = make_model(design);
  by->start(on, {{.name = "/first", .inode = 1}, {.name = "/second", .inode = 2}});
  std::string told;
  std::uint64_t first_inode = 0;
  for (const call& one : calls) {
    sight seen = by->perform(one);
    told += to_text(one) + " = " + to_text(seen.answer) + " " + seen.seen + "\n";
    for (proc_maps::entry& line : seen.lines) {  // numbered through all designs
      if (!is_shared_anonymous(line)) continue;
      if (first_inode == 0) first_inode = line.inode;
      line.inode -= first_inode;
    }
    told += proc_maps::format(seen.lines);
  }
  return told;
}

TEST(diff_kernel, All_designs_give_the_same_bytes_for_the_same_calls) {
  const stage on = find_stage(64 * page_size);
  for (std::uint64_t number = 0; number < 4; ++number) {
    SCOPED_TRACE("RCUVM_SEED=" + std::to_string(seed_or(1)) + ", sequence " + std::to_string(number));
    const auto calls = sequence({.seed = seed_or(1)}, number);
    const std::string expected = told_by(designs::names().front(), calls, on);
    for (const std::string& design : designs::names())
      ASSERT_EQ(told_by(design, calls, on), expected) << design;
  }
}

/// Else no brk would be compared.
TEST(diff_kernel, Has_the_heap_in_the_arena) {
  const stage on = find_stage(16 * page_size);
  if (!on.with_heap) GTEST_SKIP() << "a kernel without CONFIG_CHECKPOINT_RESTORE";
  const call grown{.what = verb::brk, .at = 12 * page_size};
  kernel_run kernel{std::span{&grown, 1}, on};
  const sight seen = kernel.next();
  EXPECT_EQ(seen.answer, (answer{outcome::returned, 12 * page_size}));
  ASSERT_EQ(seen.lines.size(), 1);
  EXPECT_EQ(seen.lines.front().where,
            (range{on.arena.start + 9 * page_size, on.arena.start + 12 * page_size}));
}

/// The double itself breaks nothing.
TEST(diff_kernel, A_model_with_no_broken_rule_is_not_found_out) {
  SKIP_WHERE_THE_KERNEL_DIFFERS();
  broken_model by{"replace", broken_rule::none};
  EXPECT_FALSE(search({.calls = 500}, by).finding);
}

class broken : public ::testing::TestWithParam<std::pair<broken_rule, const char*>> {};

TEST_P(broken, rule_is_found_within_20000_calls_and_told_in_a_few) {
  SKIP_WHERE_THE_KERNEL_DIFFERS();
  broken_model by{"replace", GetParam().first};
  const search_result got = search({.calls = 20'000, .seed = seed_or(1)}, by);
  ASSERT_TRUE(got.finding);
  EXPECT_LE(got.finding->calls.size(), 8) << describe(*got.finding);
  const std::string told = describe(*got.finding);
  EXPECT_NE(told.find(GetParam().second), std::string::npos) << told;
}

INSTANTIATE_TEST_SUITE_P(
    diff_kernel, broken,
    ::testing::Values(std::pair{broken_rule::merges_whatever_looks_alike, "maps (-: kernel, +: model)"},
                      std::pair{broken_rule::unmaps_where_nothing_may_be, "answer, kernel: EEXIST"},
                      std::pair{broken_rule::keeps_the_offset_after_a_split, "maps (-: kernel, +: model)"},
                      std::pair{broken_rule::protects_behind_a_hole, "mprotect("},
                      std::pair{broken_rule::keeps_pages_that_are_not_needed, "MADV_DONTNEED"},
                      std::pair{broken_rule::takes_pages_out, "MADV_PAGEOUT"},
                      std::pair{broken_rule::grows_stacks_without_end, "limit_to(RLIMIT_STACK"},
                      std::pair{broken_rule::counts_no_pages_of_files, "inspect()"},
                      std::pair{broken_rule::asks_for_exec_first, "run("},
                      std::pair{broken_rule::writes_through_after_fork, "spawn("}));

}  // namespace
}  // namespace rcuvm::diff_kernel
