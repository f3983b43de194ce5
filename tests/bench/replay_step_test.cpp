// SPDX-License-Identifier: Apache-2.0
#include "bench/replay/step.hpp"

#include <gtest/gtest.h>

#include "tests/bench/replay_story.hpp"

namespace rcuvm::replay {
namespace {

using recording::access;

TEST(step, Calls_become_steps_in_recorded_order_with_the_kernels_answer) {
  story told;
  told.execs(0).maps(0, 0x10000, 0x2fff).faults(0, 0x11234, access::read).unmaps(0, 0x10001, 0x1000, EINVAL);
  const script made = resolve(told.trace());
  ASSERT_EQ(made.steps.size(), 4U);
  EXPECT_EQ(made.steps[0].what, verb::begin);
  EXPECT_EQ(made.steps[1].what, verb::map);
  EXPECT_EQ(made.maps[made.steps[1].detail].placed, 0x10000U);
  EXPECT_EQ(made.maps[made.steps[1].detail].length, 0x2fffU);
  EXPECT_EQ(made.steps[2].what, verb::fault);
  EXPECT_EQ(made.steps[2].where.start, 0x11234U);
  EXPECT_EQ(made.steps[2].access, access::read);
  EXPECT_EQ(made.steps[3].what, verb::unmap);
  EXPECT_EQ(made.steps[3].expected_error, EINVAL);
  EXPECT_EQ(made.faults, 1U);
  EXPECT_TRUE(made.skipped.empty());
}

// The first answer tells where the heap begins; a wish that was refused asks for nothing.
TEST(step, A_break_knows_where_it_was_before) {
  story told;
  told.execs(0).breaks(0, 0, 0x50000).breaks(0, 0x52000, 0x52000).breaks(0, 0x9000000, 0x52000);
  const script made = resolve(told.trace());
  EXPECT_EQ(made.first_break, std::vector<address>{0x50000});
  ASSERT_EQ(made.steps.size(), 4U);
  EXPECT_EQ(made.steps[1].where, (range{0, 0x50000}));
  EXPECT_EQ(made.steps[2].where, (range{0x52000, 0x50000}));
  EXPECT_EQ(made.steps[3].where.start, 0U);
}

TEST(step, A_child_tells_its_parents_first_break_when_the_parent_never_asked) {
  story told;
  told.execs(0).forks(0, 1).breaks(1, 0, 0x70000);
  EXPECT_EQ(resolve(told.trace()).first_break, (std::vector<address>{0x70000, 0x70000}));
}

TEST(step, A_segment_is_detached_as_a_whole_once) {
  story told;
  told.execs(0);
  told.edit().notices.push_back({.where = {0x40000, 0x48000}, .allowed = {}});
  recording::call attached = story::returns(0x40000);
  attached.notices = {.first = 0, .count = 1};
  told.says(0, recording::shmat_call{.how = attached})
      .says(0, recording::shmdt_call{.how = story::returns(0), .start = 0x40000})
      .says(0, recording::shmdt_call{.how = story::returns(0), .start = 0x40000});
  const script made = resolve(told.trace());
  ASSERT_EQ(made.steps.size(), 3U);
  EXPECT_EQ(made.steps[2].what, verb::unmap);
  EXPECT_EQ(made.steps[2].where, (range{0x40000, 0x48000}));
  EXPECT_EQ(made.skipped.size(), 1U);
}

// remap_file_pages is an mmap of the same file at another offset.
TEST(step, Remapped_file_pages_keep_the_file_of_their_mapping) {
  story told;
  told.edit().files.push_back({.name = "f"});
  told.execs(0).says(0, recording::mmap_call{.how = story::returns(0x40000),
                                             .length = 0x4000,
                                             .protection = PROT_READ,
                                             .flags = MAP_SHARED,
                                             .file = 0});
  told.says(0, recording::remap_file_pages_call{
                   .how = story::returns(0), .start = 0x41000, .length = 0x1000, .page_offset = 3});
  told.unmaps(0, 0x40000, 0x4000);
  told.says(0,
            recording::remap_file_pages_call{.how = story::returns(0), .start = 0x41000, .length = 0x1000});
  const script made = resolve(told.trace());
  ASSERT_EQ(made.steps.size(), 4U);
  EXPECT_EQ(made.steps[2].what, verb::refile);
  const map_detail& detail = made.maps[made.steps[2].detail];
  EXPECT_EQ(detail.file, 0U);
  EXPECT_EQ(detail.offset, 0x3000U);
  EXPECT_EQ(detail.hint, 0x41000U);
  EXPECT_EQ(made.skipped.size(), 1U) << "the mapping is gone";
}

TEST(step, What_the_model_cannot_know_is_left_out_and_counted) {
  story told;
  told.execs(0).unmaps(0, 0x1000, 0x1000, EPERM);
  told.says(0, recording::munmap_call{.how = {}, .start = 0x1000, .length = 0x1000});
  told.says(0, recording::range_call{.how = story::returns(0), .what = recording::range_call::verb::msync});
  told.faults(0, 0xffff'ffff'ff60'0000);
  const script made = resolve(told.trace());
  EXPECT_EQ(made.steps.size(), 1U);
  EXPECT_EQ(made.skipped.size(), 4U);
}

TEST(step, A_fault_touches_its_page_and_a_call_its_pages) {
  story told;
  told.execs(0).maps(0, 0x10000, 0x2fff).faults(0, 0x11234).protects(0, 0x10000, 1, PROT_READ);
  const script made = resolve(told.trace());
  const auto touched = [&](std::size_t step) { return touches_of(made, made.steps[step]); };
  EXPECT_EQ(touched(0)[0].where, whole_space);
  EXPECT_EQ(touched(1)[0].where, (range{0x10000, 0x13000}));
  EXPECT_EQ(touched(1)[0].what, touch::kind::changes);
  EXPECT_EQ(touched(2)[0].where, (range{0x11000, 0x12000}));
  EXPECT_EQ(touched(2)[0].what, touch::kind::reads);
  EXPECT_EQ(touched(3)[0].where, (range{0x10000, 0x11000}));
}

TEST(step, A_fork_touches_all_of_both_spaces_and_a_move_both_places) {
  story told;
  told.execs(0).forks(0, 1).says(0, recording::mremap_call{.how = story::returns(0x90000),
                                                           .old_address = 0x10000,
                                                           .old_length = 0x1000,
                                                           .new_length = 0x2000,
                                                           .flags = MREMAP_MAYMOVE});
  const script made = resolve(told.trace());
  ASSERT_EQ(made.steps.size(), 3U);
  const touches forked = touches_of(made, made.steps[1]);
  ASSERT_EQ(forked.size(), 2U);
  EXPECT_NE(forked[0].space, forked[1].space);
  EXPECT_EQ(forked[1].where, whole_space);
  const touches moved = touches_of(made, made.steps[2]);
  ASSERT_EQ(moved.size(), 2U);
  EXPECT_EQ(moved[0].where, (range{0x10000, 0x11000}));
  EXPECT_EQ(moved[1].where, (range{0x90000, 0x92000}));
}

}  // namespace
}  // namespace rcuvm::replay
