// SPDX-License-Identifier: Apache-2.0
#include "bench/replay/strict.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "rcuvm/designs/designs.hpp"
#include "tests/bench/replay_story.hpp"
#include "tests/tree/settings.hpp"

namespace rcuvm::replay {
namespace {

using proc_maps::entry;
using proc_maps::permission;

entry line(range where, std::string name = "", std::uint64_t offset = 0) {
  return {.where = where,
          .allowed = {permission::read},
          .offset = offset,
          .inode = name.empty() ? 0U : 7U,
          .name = name};
}

// --- why two maps differ -----------------------------------------------------------------------------------------

TEST(strict, Equal_maps_have_no_cause) {
  const std::vector<entry> maps{line({1, 2}), line({3, 4}, "f")};
  EXPECT_EQ(why_different(maps, maps), std::nullopt);
}

// kernel AAAA, model AABB with the same contents: merged in one, not in the other
TEST(strict, The_same_memory_cut_elsewhere_is_a_matter_of_merging) {
  const std::vector<entry> one{line({0x1000, 0x5000}, "f", 0x1000)};
  const std::vector<entry> two{line({0x1000, 0x3000}, "f", 0x1000), line({0x3000, 0x5000}, "f", 0x3000)};
  EXPECT_EQ(why_different(one, two), cause::merge);
  const std::vector<entry> jumps{line({0x1000, 0x3000}, "f", 0x1000), line({0x3000, 0x5000}, "f", 0x9000)};
  EXPECT_EQ(why_different(one, jumps), cause::offset);
}

TEST(strict, Each_cause_has_its_name) {
  const std::vector<entry> base{line({1, 2}, "f", 5)};
  auto changed = [&](auto change) {
    std::vector<entry> other = base;
    change(other[0]);
    return why_different(base, other);
  };
  EXPECT_EQ(changed([](entry& one) { one.name += " (deleted)"; }), cause::unlinked);
  EXPECT_EQ(changed([](entry& one) { one.name = "g"; }), cause::name);
  EXPECT_EQ(changed([](entry& one) { one.offset = 6; }), cause::offset);
  EXPECT_EQ(changed([](entry& one) { one.device_minor = 6; }), cause::identity);
  EXPECT_EQ(changed([](entry& one) { one.allowed = {permission::write}; }), cause::permissions);
  EXPECT_EQ(changed([](entry& one) { one.where.end = 3; }), cause::surplus);
  EXPECT_EQ(why_different(base, {}), cause::missing);
  EXPECT_EQ(why_different({}, base), cause::surplus);
}

TEST(strict, The_fixed_gate_of_the_kernel_is_nobodys_mapping) {
  const std::vector<entry> sampled{line({1, 2}),
                                   line({0xffffffffff600000, 0xffffffffff601000}, "[vsyscall]")};
  EXPECT_EQ(without_gate(sampled).size(), 1U);
}

// --- a story with samples ----------------------------------------------------------------------------------------

recording::maps_sample sample_after(const story& told, std::vector<entry> entries) {
  recording::maps_sample made;
  made.space = 0;
  made.entries = std::move(entries);
  made.events_before = told.trace().events.size();
  return made;
}

entry anonymous(range where) {
  return {.where = where, .allowed = {permission::read, permission::write}, .name = {}};
}

// AAAA....   then  A..A....  : a sample at each moment
TEST(strict, Each_sample_is_compared_with_the_model_of_its_moment) {
  story told;
  told.execs(0).maps(0, 0x10000, 0x4000);
  told.edit().samples.push_back(sample_after(told, {anonymous({0x10000, 0x14000})}));
  told.unmaps(0, 0x11000, 0x2000);
  told.edit().samples.push_back(
      sample_after(told, {anonymous({0x10000, 0x11000}), anonymous({0x13000, 0x14000})}));
  told.edit().samples.push_back(sample_after(told, {anonymous({0x10000, 0x11000})}));
  recording::maps_sample raced = sample_after(told, {});
  raced.verdict = recording::comparison::changed_meanwhile;
  told.edit().samples.push_back(raced);
  const script made = resolve(told.trace());
  for (const std::string& design : designs::names()) {
    const strict_result found = replay_strictly(made, design);
    EXPECT_EQ(found.equal, 2U) << design;
    ASSERT_EQ(found.different.size(), 1U) << design;
    EXPECT_EQ(found.different[0].sample, 2U);
    EXPECT_EQ(found.different[0].cause, cause::surplus);
    EXPECT_NE(found.different[0].diff.find("+00013000-00014000"), std::string::npos)
        << found.different[0].diff;
    EXPECT_EQ(found.not_comparable.size(), 1U);
  }
}

// --- what a recording does not hold ------------------------------------------------------------------------------

/// A mapped file, and the same line with its name lost.
struct mapped_file {
  story told;
  entry named;
  entry unlinked;

  mapped_file() {
    told.edit().files.push_back({.name = "/tmp/f", .device_minor = 1, .inode = 7});
    told.execs(0).maps_file(0, 0x10000, 0x4000, 0);
    named = {.where = {0x10000, 0x14000},
             .allowed = {permission::read, permission::write, permission::shared},
             .device_minor = 1,
             .inode = 7,
             .name = "/tmp/f"};
    unlinked = named;
    unlinked.name += " (deleted)";
  }

  strict_result replay() const { return replay_strictly(resolve(told.trace()), "replace"); }
};

TEST(strict, A_lost_name_is_learned_from_the_sample_that_shows_it) {
  mapped_file f;
  f.told.edit().samples = {sample_after(f.told, {f.named}), sample_after(f.told, {f.unlinked}),
                           sample_after(f.told, {f.unlinked})};
  const strict_result found = f.replay();
  EXPECT_EQ(found.equal, 3U);
  EXPECT_EQ(found.after_untold, (decltype(found.after_untold){{"unlink", 1}})) << "once for the file";
  EXPECT_TRUE(found.different.empty());
}

TEST(strict, A_lost_name_never_comes_back) {
  mapped_file f;
  f.told.edit().samples = {sample_after(f.told, {f.unlinked}), sample_after(f.told, {f.named})};
  const strict_result found = f.replay();
  EXPECT_EQ(found.equal, 1U);
  ASSERT_EQ(found.different.size(), 1U);
  EXPECT_EQ(found.different[0].sample, 1U);
  EXPECT_EQ(found.different[0].cause, cause::unlinked);
}

// AABB -> AAAA, B locked: only mlockall and munlockall join them without another call
struct locked_in_part {
  story told;

  locked_in_part() {
    told.execs(0).maps(0, 0x10000, 0x4000);
    told.says(0, recording::range_call{.how = story::returns(0),
                                       .start = 0x12000,
                                       .length = 0x2000,
                                       .what = recording::range_call::verb::mlock});
  }

  strict_result replay() const { return replay_strictly(resolve(told.trace()), "replace"); }
};

TEST(strict, Locked_memory_that_was_joined_tells_of_calls_that_are_not_recorded) {
  locked_in_part l;
  const entry whole = anonymous({0x10000, 0x14000});
  l.told.edit().samples = {sample_after(l.told, {whole}), sample_after(l.told, {whole})};
  const strict_result found = l.replay();
  EXPECT_EQ(found.equal, 2U);
  EXPECT_EQ(found.after_untold, (decltype(found.after_untold){{"mlockall and munlockall", 1}}));
}

TEST(strict, A_recording_that_has_such_calls_is_taken_at_its_word) {
  locked_in_part l;
  l.told.says(0, recording::mlockall_call{.how = story::returns(0), .flags = MCL_FUTURE});
  l.told.edit().samples = {sample_after(l.told, {anonymous({0x10000, 0x14000})})};
  const strict_result found = l.replay();
  EXPECT_EQ(found.equal, 0U);
  EXPECT_TRUE(found.after_untold.empty());
}

TEST(strict, A_cut_that_the_model_lacks_is_a_difference) {
  story told;
  told.execs(0).maps(0, 0x10000, 0x4000);
  const std::vector<entry> cut{anonymous({0x10000, 0x12000}), anonymous({0x12000, 0x14000})};
  told.edit().samples = {sample_after(told, cut), sample_after(told, {anonymous({0x10000, 0x14000})})};
  const strict_result found = replay_strictly(resolve(told.trace()), "replace");
  EXPECT_EQ(found.equal, 1U);
  ASSERT_EQ(found.different.size(), 1U);
  EXPECT_EQ(found.different[0].cause, cause::merge);
}

// mlockall(MCL_CURRENT) beside an mlock: one line again
TEST(strict, Recorded_mlockall_and_munlockall_are_replayed) {
  locked_in_part l;
  l.told.says(0, recording::mlockall_call{.how = story::returns(0), .flags = MCL_CURRENT});
  l.told.edit().samples = {sample_after(l.told, {anonymous({0x10000, 0x14000})})};
  l.told.says(0, recording::mlockall_call{.how = story::returns(0), .flags = 0, .unlocks = true});
  const script made = resolve(l.told.trace());
  EXPECT_TRUE(made.skipped.empty());
  const strict_result found = replay_strictly(made, "replace");
  EXPECT_EQ(found.equal, 1U);
  EXPECT_TRUE(found.after_untold.empty());
  EXPECT_TRUE(found.answers.empty());
}

TEST(strict, An_answer_that_is_not_the_kernels_is_reported) {
  story told;
  told.execs(0).maps(0, 0x10000, 0x1000).unmaps(0, 0x10000, 0x1000, EINVAL).faults(0, 0x999000);
  script made = resolve(told.trace());
  const strict_result found = replay_strictly(made, "mmap-lock");
  ASSERT_EQ(found.answers.size(), 1U);
  EXPECT_EQ(found.answers[0].expected, EINVAL);
  EXPECT_EQ(found.answers[0].got, 0);
  EXPECT_EQ(found.faults_refused, 1U);

  EXPECT_EQ(settle_expected_answers(made), 1U);
  EXPECT_EQ(made.steps[2].expected_error, 0) << "measured runs are compared with the model";
  EXPECT_EQ(made.steps[3].expected_error, EFAULT);
}

// --- recordings of real programs -----------------------------------------------------------------------------------

struct totals {
  std::size_t equal = 0;
  std::size_t compared = 0;
};

/// Replays a folder's recordings under each design. Differences are printed, once.
std::map<std::string, totals> replay_folder(const std::filesystem::path& folder,
                                            const std::vector<std::string>& all) {
  std::map<std::string, totals> sums;
  for (const recording::location& where : recording::list(folder)) {
    const auto trace = recording::read(where);
    if (!trace) {
      ADD_FAILURE() << trace.error().to_text();
      continue;
    }
    const script made = resolve(*trace);
    for (const std::string& design : all) {
      const strict_result found = replay_strictly(made, design);
      sums[design].equal += found.equal;
      sums[design].compared += found.compared();
      EXPECT_EQ(found.answers.size(), 0U) << where.name << " under " << design;
      if (design != all.front()) continue;
      for (const sample_difference& one : found.different) {
        std::cout << where.name << ", sample at line " << trace->samples[one.sample].line << ": "
                  << name_of(one.cause) << " (- kernel, + model)\n"
                  << one.diff;
      }
    }
  }
  return sums;
}

TEST(strict, Maps_of_the_bundled_recordings_are_the_kernels_under_every_design) {
  for (const auto& [design, found] : replay_folder(recording::bundled_folder(), designs::names())) {
    EXPECT_GT(found.compared, 50U) << design;
    EXPECT_EQ(found.equal, found.compared) << design;
  }
}

TEST(strict, Maps_of_the_shared_recordings_are_the_kernels) {
  if (recording::list(recording::shared_folder()).empty()) GTEST_SKIP() << "no recordings beside the project";
  std::vector<std::string> all = designs::names();
  if (tree::testing::is_sanitized) all = {all.back()};
  for (const auto& [design, found] : replay_folder(recording::shared_folder(), all)) {
    EXPECT_GT(found.compared, 300U) << design;
    EXPECT_EQ(found.equal, found.compared) << design;
  }
}

}  // namespace
}  // namespace rcuvm::replay
