// SPDX-License-Identifier: Apache-2.0

/// Who waits for a reader that stays inside: the question that tells the designs apart.

#include <gtest/gtest.h>

#include <optional>

#include "tests/designs/stuck_reader.hpp"
#include "tests/mm/picture.hpp"

namespace rcuvm::designs::testing {
namespace {

using namespace mm::testing;
using mm::map_flag;

template <class Design>
class waiting : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(world_.leaks(), ""); }

  /// Does `call` wait for a reader inside its read section?
  template <class Call>
  bool waits(process<Design>& p, Call call) {
    vm::cpu cpu{world_.machine};
    stuck_reader reader;
    other_call other{[&] { call(cpu); }};
    const bool is_waiting = other.waits();
    reader.leave();
    EXPECT_TRUE(other.returns());
    EXPECT_TRUE(p.space().verify());
    return is_waiting;
  }

  world world_;
};

using synchronize_design = waiting<synchronize>;
using replace_design = waiting<replace>;

TEST_F(synchronize_design, munmap_returns_only_after_a_reader_that_was_inside_has_left) {
  process<synchronize> p{world_, "AAAA"};
  EXPECT_EQ(p.fill("abcd"), "ok");
  EXPECT_TRUE(waits(p, [&](vm::cpu& cpu) { EXPECT_TRUE(p.space().unmap(cpu, pages(0, 2))); }));
  EXPECT_EQ(p.draw(), "..AA");
}

TEST_F(synchronize_design, MAP_FIXED_over_something_waits_and_over_nothing_does_not) {
  process<synchronize> p{world_, "AA"};
  const auto map = [&](std::int64_t first) {
    return [&p, first](vm::cpu& cpu) {
      EXPECT_TRUE(p.space().map(cpu, p.request(first, first + 2, 'B', map_flag::fixed)));
    };
  };
  EXPECT_FALSE(waits(p, map(2)));
  EXPECT_TRUE(waits(p, map(1)));
  EXPECT_EQ(p.draw(), "ABBB");
}

TEST_F(synchronize_design, mprotect_does_not_wait) {
  process<synchronize> p{world_, "AA"};
  EXPECT_FALSE(waits(p, [&](vm::cpu& cpu) { EXPECT_TRUE(p.space().protect(cpu, pages(0, 1), can_read)); }));
}

TEST_F(synchronize_design, counts_its_grace_periods) {
  process<synchronize> p{world_, "AAAA"};
  const std::uint64_t before = p.cpu().count.grace_periods;
  EXPECT_EQ(p.unmap(0, 1), "ok");
  EXPECT_EQ(p.move(1, 2, 6, 7), "ok");
  EXPECT_EQ(p.cpu().count.grace_periods - before, 2U);
  EXPECT_GT(p.cpu().count.grace_period_ns, 0U);
}

TEST_F(synchronize_design, what_it_unmapped_is_freed_on_return) {
  process<synchronize> p{world_, "AA"};
  world_.machine.limbo().drain();
  const std::uint64_t before = world_.machine.limbo().read_statistics().retired;
  EXPECT_EQ(p.unmap(0, 1), "ok");
  EXPECT_EQ(world_.machine.limbo().read_statistics().retired, before);
}

TEST_F(replace_design, nobody_waits_while_a_reader_stays_inside) {
  process<replace> p{world_, "AAAABBBB"};
  EXPECT_EQ(p.fill("abcd"), "ok");
  EXPECT_FALSE(waits(p, [&](vm::cpu& cpu) {
    auto& space = p.space();
    EXPECT_TRUE(space.unmap(cpu, pages(0, 1)));
    EXPECT_TRUE(space.map(cpu, p.request(0, 2, 'C', map_flag::fixed)));
    EXPECT_TRUE(space.protect(cpu, pages(2, 3), can_read));
    EXPECT_TRUE(space.remap(cpu, {.old_address = page_at(3),
                                  .old_length = page_size,
                                  .new_length = page_size,
                                  .flags = {mm::remap_flag::may_move, mm::remap_flag::fixed},
                                  .new_address = page_at(5)}));
    EXPECT_TRUE(space.fork(cpu) != nullptr);
    EXPECT_GT(world_.machine.limbo().read_statistics().objects, 0U);  // kept for that reader
  }));
  EXPECT_EQ(p.draw(), "CCB.BABB");
}

/// Who waits for an munmap of page 0 that waits itself: its shootdown for an access on another cpu.
struct waits_beside_munmap {
  bool same_mapping = false;
  bool same_page = false;
  std::uint64_t counted = 0;  ///< of the call at the same page
};
template <class Design>
waits_beside_munmap beside_munmap() {
  waits_beside_munmap got;
  world here;
  {
    process<Design> p{here, "AAAABBBB"};
    EXPECT_EQ(p.fill("ab"), "ok");
    vm::cpu first_cpu{here.machine};
    vm::cpu second_cpu{here.machine};
    vm::cpu third_cpu{here.machine};
    std::optional<vm::tlb::access_section> access{p.cpu().translations()};
    other_call unmapping{[&] { EXPECT_TRUE(p.space().unmap(first_cpu, pages(0, 1))); }};
    EXPECT_TRUE(unmapping.waits());
    other_call same_mapping{[&] { EXPECT_TRUE(p.space().protect(second_cpu, pages(2, 3), can_read)); }};
    other_call same_page{
        [&] { EXPECT_TRUE(p.space().map(third_cpu, p.request(0, 1, 'B', map_flag::fixed))); }};
    got = {.same_mapping = same_mapping.waits(), .same_page = same_page.waits()};
    access.reset();
    EXPECT_TRUE(unmapping.returns() && same_mapping.returns() && same_page.returns());
    EXPECT_EQ(p.draw(), "BABABBBB");
    EXPECT_EQ(p.text(), "0b000000");
    got.counted = third_cpu.count.range_waits;
  }
  EXPECT_EQ(here.leaks(), "");
  return got;
}

TEST(range_lock_design, who_needs_other_pages_does_not_wait_for_page_work) {
  const auto got = beside_munmap<range_lock>();
  EXPECT_FALSE(got.same_mapping);
  EXPECT_TRUE(got.same_page);
  EXPECT_EQ(got.counted, 1U);
}

TEST_F(replace_design, each_writer_waits_for_the_page_work_of_others) {
  const auto got = beside_munmap<replace>();
  EXPECT_TRUE(got.same_mapping);
  EXPECT_TRUE(got.same_page);
  EXPECT_EQ(got.counted, 0U);
}

// A reader of the rwsem is somebody in the middle of a walk's chunk.
TEST(mmap_lock_design, readers_and_writers_exclude_each_other) {
  world here;
  {
    process<mmap_lock> p{here, "AABB"};
    vm::cpu cpu{here.machine};
    std::optional<other_call> unmapping;
    p.space().walk_chunked(10, [&](const vm::vma&) {
      if (!unmapping) unmapping.emplace([&] { EXPECT_TRUE(p.space().unmap(cpu, pages(0, 1))); });
      EXPECT_TRUE(unmapping->waits());
    });
    EXPECT_TRUE(unmapping->returns());
    EXPECT_EQ(p.draw(), ".ABB");
  }
  EXPECT_EQ(here.leaks(), "");
}

TEST(mmap_lock_design, frees_at_once) {
  world here;
  {
    process<mmap_lock> p{here, "AABBcd"};
    EXPECT_EQ(p.fill("ab..cd"), "ok");
    EXPECT_EQ(p.unmap(1, 5), "ok");
    EXPECT_EQ(p.map(0, 2, 'C'), "ok");
    p.space().exit(p.cpu());
    EXPECT_EQ(here.machine.limbo().read_statistics().retired, 0U);
  }
  EXPECT_EQ(here.leaks(), "");
}

// The writer lock is held all the while.
TEST_F(synchronize_design, DONTNEED_does_not_wait_for_a_writer) {
  process<synchronize> p{world_, "AAAA"};
  EXPECT_EQ(p.fill("abcd"), "ok");
  vm::cpu of_writer{world_.machine};
  vm::cpu of_advice{world_.machine};
  stuck_reader reader;
  other_call writer{[&] { EXPECT_TRUE(p.space().unmap(of_writer, pages(2, 3))); }};
  EXPECT_TRUE(writer.waits());
  other_call advice{[&] { EXPECT_TRUE(p.space().advise(of_advice, pages(0, 1), MADV_DONTNEED)); }};
  EXPECT_TRUE(advice.returns());
  EXPECT_EQ(p.space().count_pages(pages(0, 4)).anonymous, 2U);
  reader.leave();
  EXPECT_TRUE(writer.returns());
  EXPECT_EQ(p.text(), "0b.d");
}

// DONTNEED only takes pages away: it must not shut faults out, and no design waits for readers in it.
TEST(advice_about_pages, dontneed_runs_beside_a_reader_under_each_design) {
  for_each([]<class Design> {
    SCOPED_TRACE(Design::name);
    world here;
    {
      process<Design> p{here, "AA"};
      EXPECT_EQ(p.fill("ab"), "ok");
      vm::cpu cpu{here.machine};
      std::optional<other_call> taking;
      p.space().walk_chunked(10, [&](const vm::vma&) {
        taking.emplace([&] { EXPECT_TRUE(p.space().advise(cpu, pages(0, 1), MADV_DONTNEED)); });
        EXPECT_TRUE(taking->returns());
      });
      EXPECT_EQ(p.text(), "0b");
    }
    EXPECT_EQ(here.leaks(), "");
  });
}

}  // namespace
}  // namespace rcuvm::designs::testing
