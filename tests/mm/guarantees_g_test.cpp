// SPDX-License-Identifier: Apache-2.0

/// G1 to G6: what walks promise while other threads map, unmap and move.

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/mm/crew.hpp"

namespace rcuvm::mm::testing {
namespace {

// One writer works on the picture; walkers look on.
//
//   0   2   4   6   8   10  12  14
//   BB  ..  xx  ..  CC  ..  ..  EE        BB, CC, EE stay. xx comes, goes and moves: to 4, 10 or 12, one place at a time.
//   Pages 16 and above are never mapped.
template <class Design>
class guarantees_g : public mm_test<Design> {
 protected:
  static constexpr std::array<std::int64_t, 3> places{4, 10, 12};

  guarantees_g() : p_{this->make("BB......CC....EE")} {}

  void add_writer(crew& to) {
    to.add("writer", [this, here = std::int64_t{-1}](vm::cpu& cpu, std::uint64_t round) mutable {
      auto& space = p_.space();
      const std::int64_t next = places[round * 7 % 3];
      if (here == -1) {
        ASSERT_TRUE(space.map(cpu, {.hint = page_at(next),
                                    .length = 2 * page_size,
                                    .protection = can_write,
                                    .flags = map_flag::fixed}));
        here = next;
      } else if (round % 5 == 0) {
        ASSERT_TRUE(space.unmap(cpu, pages(here, here + 2)));
        here = -1;
      } else if (next != here) {
        ASSERT_TRUE(space.remap(cpu, {.old_address = page_at(here),
                                      .old_length = 2 * page_size,
                                      .new_length = 2 * page_size,
                                      .flags = {remap_flag::may_move, remap_flag::fixed},
                                      .new_address = page_at(next)}));
        here = next;
      }
    });
  }

  static std::size_t moving(const std::vector<range>& lines) {
    return static_cast<std::size_t>(std::ranges::count_if(lines, [](const range& line) {
      return std::ranges::any_of(places, [&](std::int64_t at) { return line == pages(at, at + 2); });
    }));
  }

  /// What every walk promises (G1 to G4), and that each line is one that was there at some time (G5).
  static bool is_a_walk(const std::vector<range>& lines) {
    for (std::size_t i = 1; i < lines.size(); ++i) {
      if (lines[i].start < lines[i - 1].end) return false;  // G1, G2
    }
    for (const range stays : {pages(0, 2), pages(8, 10), pages(14, 16)}) {
      if (std::ranges::count(lines, stays) != 1) return false;  // G3
    }
    return lines.size() == 3 + moving(lines);  // G4, G5
  }

  void walk_beside_a_writer(std::size_t lines_at_a_time) {
    crew all{this->world_};
    add_writer(all);
    for (int walker = 0; walker < 2; ++walker) {
      all.add("walker", [&](vm::cpu&, std::uint64_t) {
        std::vector<range> lines;
        p_.space().walk_chunked(lines_at_a_time, [&](const vm::vma& one) { lines.push_back(one.where()); });
        if (!is_a_walk(lines)) all.saw_wrong();
        all.saw_right();
      });
    }
    all.work();
    EXPECT_EQ(all.wrong(), 0U);
  }

  process<Design> p_;
};

// The fixture's process must be gone before TearDown looks for leaks.
template <class Design>
class guarantees_of_walks : public guarantees_g<Design> {
 protected:
  void TearDown() override {
    {
      const auto gone = std::move(this->p_);
    }
    guarantees_g<Design>::TearDown();
  }
};
TYPED_TEST_SUITE(guarantees_of_walks, all_designs, design_names);

TYPED_TEST(guarantees_of_walks, G1_to_G5_hold_for_a_walk_line_by_line) { this->walk_beside_a_writer(1); }

TYPED_TEST(guarantees_of_walks, G1_to_G5_hold_for_a_walk_in_chunks) { this->walk_beside_a_writer(3); }

TYPED_TEST(guarantees_of_walks, G6_a_snapshot_walk_is_one_version) {
  crew all{this->world_};
  this->add_writer(all);
  for (int walker = 0; walker < 2; ++walker) {
    all.add("walker", [&](vm::cpu&, std::uint64_t) {
      std::vector<range> lines;
      this->p_.space().walk_snapshot([&](const vm::vma& one) {
        lines.push_back(one.where());
        sync::yield();  // the writer goes on meanwhile
      });
      // In no version is the moving mapping at two places.
      if (!this->is_a_walk(lines) || this->moving(lines) > 1) all.saw_wrong();
      all.saw_right();
    });
  }
  all.work();
  EXPECT_EQ(all.wrong(), 0U);
}

// Two mappings change their protection in one call: a snapshot sees both old or both new.
TYPED_TEST(guarantees_of_walks, G6_a_call_over_several_mappings_is_seen_whole) {
  auto& space = this->p_.space();
  crew all{this->world_};
  all.add("protector", [&](vm::cpu& cpu, std::uint64_t round) {
    const bool is_even = round % 2 == 0;
    ASSERT_TRUE(space.map(
        cpu, {.hint = page_at(4), .length = page_size, .protection = can_read, .flags = map_flag::fixed}));
    ASSERT_TRUE(space.map(
        cpu, {.hint = page_at(5), .length = page_size, .protection = can_exec, .flags = map_flag::fixed}));
    ASSERT_TRUE(space.protect(cpu, pages(4, 6), is_even ? can_write : can_all));
    ASSERT_TRUE(space.unmap(cpu, pages(4, 6)));
  });
  all.add("walker", [&](vm::cpu&, std::uint64_t) {
    std::vector<vm::vma_fields> lines;
    space.walk_snapshot([&](const vm::vma& one) {
      if (pages(4, 6).contains(one.where())) lines.push_back(one.fields());
    });
    // B; B C; or both pages merged: never one of the two alone with the new protection.
    const bool is_known = lines.empty() || lines.front().allowed() == can_read ||
                          (lines.size() == 1 && lines.front().where == pages(4, 6));
    if (!is_known) all.saw_wrong();
    all.saw_right();
  });
  all.work();
  EXPECT_EQ(all.wrong(), 0U);
}

}  // namespace
}  // namespace rcuvm::mm::testing
