// SPDX-License-Identifier: Apache-2.0

/// mremap: shrink, grow, move, duplicate; errors; which data and which merges it carries along.

#include "rcuvm/mm/remap.hpp"

#include <gtest/gtest.h>

#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class remap : public mm_test<Design> {
 protected:
  static constexpr remap_flags may_move = remap_flag::may_move;
  /// mremap of pages [first, end) to `count` pages.
  static result<address> call(process<Design>& p, std::int64_t first, std::int64_t end, std::uint64_t count,
                              remap_flags flags, address to = 0) {
    return p.space().remap(p.cpu(), {.old_address = page_at(first),
                                     .old_length = pages(first, end).size(),
                                     .new_length = count * page_size,
                                     .flags = flags,
                                     .new_address = to});
  }
};
TYPED_TEST_SUITE(remap, all_designs, design_names);

TYPED_TEST(remap, shrinks_at_the_end) {
  auto p = this->make("AAAAAA");
  EXPECT_EQ(p.fill("abcdef"), "ok");
  EXPECT_EQ(p.resize(0, 6, 2), "ok");
  EXPECT_EQ(p.draw(), "AA");
  EXPECT_EQ(p.text(), "ab");
}

TYPED_TEST(remap, shrinks_in_the_middle_and_over_other_mappings) {
  auto p = this->make("AABBBCC");
  EXPECT_EQ(p.resize(1, 6, 3), "ok");
  EXPECT_EQ(p.draw(), "AAB...C");
}

TYPED_TEST(remap, to_the_same_size_does_nothing) {
  auto p = this->make("AABB");
  EXPECT_EQ(p.resize(0, 2, 2), "ok");
  EXPECT_EQ(p.resize(0, 4, 4), "ok");  // not even looking whether it is one mapping
  EXPECT_EQ(p.resize(0, 9, 9), "ok");
  EXPECT_EQ(p.draw(), "AABB");
}

TYPED_TEST(remap, grows_in_place_when_there_is_room) {
  auto p = this->make("AA....B");
  EXPECT_EQ(p.fill("ab"), "ok");
  EXPECT_EQ(p.resize(0, 2, 6), "ok");
  EXPECT_EQ(p.draw(), "AAAAAAB");
  EXPECT_EQ(p.text(), "ab00000");
}

TYPED_TEST(remap, grows_from_the_middle_to_the_end_of_its_mapping) {
  auto p = this->make("abcd");
  EXPECT_EQ(p.resize(2, 4, 6), "ok");
  EXPECT_EQ(p.draw(), "abcdef");
}

TYPED_TEST(remap, does_not_grow_in_place_over_a_mapping_or_inside_one) {
  auto p = this->make("AAAA..B");
  EXPECT_EQ(p.resize(0, 4, 7), "ENOMEM");
  EXPECT_EQ(p.resize(0, 2, 3), "ENOMEM");
  EXPECT_EQ(p.draw(), "AAAA..B");
}

TYPED_TEST(remap, moves_away_when_it_cannot_grow) {
  auto p = this->make("AAB");
  EXPECT_EQ(p.fill("ab"), "ok");
  const auto to = this->call(p, 0, 2, 4, this->may_move);
  ASSERT_EQ(outcome(to), "ok");
  EXPECT_EQ(p.draw(), "..B");
  EXPECT_EQ(*to, p.space().layout().mmap_base - 4 * page_size);
  std::byte byte{};
  EXPECT_EQ(outcome(p.space().read(p.cpu(), *to + page_size, {&byte, 1})), "ok");
  EXPECT_EQ(byte, std::byte{'b'});
}

TYPED_TEST(remap, moves_with_its_pages) {
  auto p = this->make("AAAA......");
  EXPECT_EQ(p.fill("ab.d"), "ok");
  EXPECT_EQ(p.move(0, 4, 6, 10), "ok");  // over the border of page tables
  EXPECT_EQ(p.draw(), "......AAAA");
  EXPECT_EQ(p.text(), "......ab0d");
}

// They lie where nothing is mapped: the next munmap in that hole looks there, too.
TYPED_TEST(remap, leaves_no_tables_behind_when_it_fails) {
  for (std::uint64_t nth = 1; nth < 1000; ++nth) {
    SCOPED_TRACE(nth);
    auto p = this->make("A");
    EXPECT_EQ(p.fill("a"), "ok");
    EXPECT_EQ(p.map(1100, 1101, 'A'), "ok");  // needs all tables above that of page 10
    EXPECT_EQ(p.touch(1100, 1101), "ok");
    const std::uint64_t before = p.space().count_tables();
    bool has_failed = false;
    std::string moved;
    {
      sync::memory::failing_allocations failing{nth};
      moved = p.move(0, 1, 10, 11);
      has_failed = failing.has_failed();
    }
    if (!has_failed) break;
    if (moved == "ok") continue;
    EXPECT_EQ(p.map(600, 601, 'B'), "ok");
    EXPECT_EQ(p.unmap(600, 601), "ok");
    EXPECT_EQ(p.space().count_tables(), before);
  }
}

TYPED_TEST(remap, moves_a_part) {
  auto p = this->make("abcdef");
  EXPECT_EQ(p.fill("..xy"), "ok");
  EXPECT_EQ(p.move(2, 4, 10, 12), "ok");
  EXPECT_EQ(p.draw(), "ab..ef....cd");
  EXPECT_EQ(p.text(), "00..00....xy");
}

TYPED_TEST(remap, moves_and_grows) {
  auto p = this->make("abc");
  EXPECT_EQ(p.fill("xyz"), "ok");
  EXPECT_EQ(p.move(0, 3, 6, 11), "ok");
  EXPECT_EQ(p.draw(), "......abcde");
  EXPECT_EQ(p.text(), "......xyz00");
}

TYPED_TEST(remap, moves_and_shrinks) {
  auto p = this->make("AAAA");
  EXPECT_EQ(p.fill("abcd"), "ok");
  EXPECT_EQ(p.move(0, 4, 7, 9), "ok");
  EXPECT_EQ(p.draw(), ".......AA");
  EXPECT_EQ(p.text(), ".......ab");
}

TYPED_TEST(remap, onto_mappings_replaces_them) {
  auto p = this->make("AA..BBcdD");
  EXPECT_EQ(p.fill("ab...."), "ok");
  EXPECT_EQ(p.fill("xy", 6), "ok");
  EXPECT_EQ(p.move(0, 2, 5, 7), "ok");
  EXPECT_EQ(p.draw(), "....BAAdD");
  EXPECT_EQ(p.text(), "....0aby-");
}

TYPED_TEST(remap, onto_a_neighbour_merges_by_identity) {
  auto p = this->make("AAAAAA");
  EXPECT_EQ(p.move(0, 2, 8, 10), "ok");  // never touched: it forgets where it came from
  EXPECT_EQ(p.move(2, 4, 6, 8), "ok");
  EXPECT_EQ(p.draw(), "....AAAAAA");
  EXPECT_EQ(p.touch(4, 10), "ok");
  EXPECT_EQ(p.move(9, 10, 4, 5), "ok");  // touched: it does not fit there
  EXPECT_EQ(p.draw(), "....A|AAAA");
  EXPECT_EQ(p.move(4, 5, 9, 10), "ok");  // but where it came from it does
  EXPECT_EQ(p.draw(), ".....AAAAA");
}

TYPED_TEST(remap, dont_unmap_leaves_an_empty_mapping) {
  auto p = this->make("AAAA");
  EXPECT_EQ(p.fill("abcd"), "ok");
  EXPECT_EQ(p.move(1, 3, 8, 10, remap_flag::dont_unmap), "ok");
  EXPECT_EQ(p.draw(), "AAAA....AA");
  EXPECT_EQ(p.text(), "a00d....bc");
  EXPECT_EQ(p.fill("wxyz"), "ok");
  EXPECT_EQ(p.text(), "wxyz....bc");
}

TYPED_TEST(remap, dont_unmap_of_a_whole_untouched_mapping) {
  auto p = this->make("AA");
  EXPECT_EQ(p.text(), "00");
  EXPECT_EQ(p.move(0, 2, 4, 6, remap_flag::dont_unmap), "ok");
  EXPECT_EQ(p.draw(), "AA..AA");
  EXPECT_EQ(p.fill("ab..xy"), "ok");
  EXPECT_EQ(p.text(), "ab..xy");
}

TYPED_TEST(remap, dont_unmap_unlocks_what_is_left) {
  auto p = this->make("LL");
  EXPECT_EQ(p.move(0, 2, 4, 6, remap_flag::dont_unmap), "ok");
  EXPECT_EQ(p.draw(), "AA..LL");
}

TYPED_TEST(remap, of_old_size_zero_maps_shared_pages_twice) {
  auto p = this->make("SSSS");
  EXPECT_EQ(p.fill("abcd"), "ok");
  EXPECT_EQ(p.move(1, 1, 8, 10), "ok");
  EXPECT_EQ(p.draw(), "SSSS....SS");
  EXPECT_EQ(p.text(), "abcd....bc");
  EXPECT_EQ(p.fill(".x"), "ok");
  EXPECT_EQ(p.text(), "axcd....xc");
}

TYPED_TEST(remap, refuses_what_the_kernel_refuses) {
  auto p = this->make("AAAABB.SS");
  const address end = p.space().layout().end;
  const remap_flags fixed{remap_flag::may_move, remap_flag::fixed};
  const auto why = [&](std::int64_t first, std::int64_t last, std::uint64_t count, remap_flags flags,
                       address to = 0) { return outcome(this->call(p, first, last, count, flags, to)); };
  EXPECT_EQ(why(0, 2, 0, this->may_move), "EINVAL");                    // no new length
  EXPECT_EQ(why(0, 2, end / page_size + 1, this->may_move), "EINVAL");  // more than there is
  EXPECT_EQ(why(0, 2, 2, remap_flag::fixed, page_at(20)), "EINVAL");    // fixed without may_move
  EXPECT_EQ(why(0, 2, 2, remap_flag::dont_unmap), "EINVAL");            // the same
  EXPECT_EQ(why(0, 2, 3, {remap_flag::may_move, remap_flag::dont_unmap}), "EINVAL");  // and of another size
  EXPECT_EQ(why(0, 2, 2, fixed, page_at(20) + 1), "EINVAL");
  EXPECT_EQ(why(0, 2, 2, fixed, end - page_size), "EINVAL");
  EXPECT_EQ(why(0, 2, 2, fixed, page_at(1)), "EINVAL");  // onto itself
  EXPECT_EQ(why(2, 2, 2, this->may_move), "EINVAL");     // size 0 of private memory
  EXPECT_EQ(
      outcome(p.space().remap(p.cpu(), {.old_address = page_at(0) + 1, .old_length = 1, .new_length = 1})),
      "EINVAL");
  EXPECT_EQ(why(6, 7, 2, this->may_move), "EFAULT");     // nothing there
  EXPECT_EQ(why(6, 7, 2, fixed, page_at(0)), "EFAULT");  // ... and the target stays
  EXPECT_EQ(why(3, 5, 3, this->may_move), "EFAULT");     // two mappings
  EXPECT_EQ(why(3, 5, 3, fixed, page_at(7)), "EFAULT");
  EXPECT_EQ(why(7, 7, 2, {}), "ENOMEM");  // a copy has to move
  EXPECT_EQ(p.draw(), "AAAABB.SS");
}

TYPED_TEST(remap, of_old_size_zero_onto_itself_destroys_it) {
  auto p = this->make("SSS.SS");
  EXPECT_EQ(p.move(1, 1, 1, 3), "EFAULT");
  EXPECT_EQ(p.draw(), "S...SS");
}

TYPED_TEST(remap, finds_no_room) {
  layout where{.lowest = page_at(0), .mmap_base = page_at(8), .unmapped_base = page_at(0), .end = page_at(8)};
  auto p = this->make("AAA.BB..", where);
  EXPECT_EQ(outcome(this->call(p, 0, 3, 5, this->may_move)), "ENOMEM");
  EXPECT_EQ(p.draw(), "AAA.BB");
  EXPECT_EQ(outcome(this->call(p, 1, 2, 2, this->may_move)), "ok");
  EXPECT_EQ(p.draw(), "A.A.BBAA");
}

TYPED_TEST(remap, goes_where_a_recording_went) {
  auto p = this->make("AAB");
  EXPECT_EQ(p.fill("ab"), "ok");
  const auto recorded = [&](std::int64_t first, std::int64_t end, std::uint64_t count, std::int64_t to) {
    return outcome(p.space().remap(p.cpu(), {.old_address = page_at(first),
                                             .old_length = pages(first, end).size(),
                                             .new_length = count * page_size,
                                             .flags = remap_flag::may_move,
                                             .recorded = page_at(to)}));
  };
  EXPECT_EQ(recorded(0, 2, 3, 5), "ok");
  EXPECT_EQ(p.draw(), "..B..AAA");
  EXPECT_EQ(recorded(5, 8, 4, 5), "ok");  // it grew in place
  EXPECT_EQ(p.draw(), "..B..AAAA");
  EXPECT_EQ(recorded(5, 9, 5, 1), "ENOMEM");  // something is in the way
  EXPECT_EQ(p.draw(), "..B..AAAA");
  EXPECT_EQ(p.text(), "..0..ab00");
}

TYPED_TEST(remap, moves_several_mappings_and_keeps_the_holes_between_them) {
  auto p = this->make("AABB.ab...EEEEEEEE");
  EXPECT_EQ(p.fill("xy"), "ok");
  EXPECT_EQ(p.move(1, 7, 11, 17), "ok");
  EXPECT_EQ(p.draw(), "A.........EABBEabE");  // the target stays where the source has a hole
  EXPECT_EQ(p.text().substr(0, 12), "x.........0y");
  EXPECT_EQ(p.move(8, 12, 0, 4), "EFAULT");  // it begins with a hole
  EXPECT_EQ(p.draw(), "A.........EABBEabE");
}

TYPED_TEST(remap, that_moves_and_shrinks_cuts_off_several_mappings) {
  auto p = this->make("AAABB.CC");
  EXPECT_EQ(p.move(1, 7, 10, 12), "ok");
  EXPECT_EQ(p.draw(), "A......C..AA");
}

TYPED_TEST(remap, dont_unmap_of_a_part_leaves_its_mapping_uncut) {
  auto p = this->make("LLLL");
  EXPECT_EQ(p.fill("abcd"), "ok");
  EXPECT_EQ(p.move(1, 3, 8, 10, remap_flag::dont_unmap), "ok");
  EXPECT_EQ(p.draw(), "AAAA....LL");
  EXPECT_EQ(p.text(), "a00d....bc");
}

TYPED_TEST(remap, of_locked_memory_populates_what_grew) {
  auto p = this->make("LL");
  const auto before = p.cpu().count.pages_installed;
  EXPECT_EQ(p.resize(0, 2, 5), "ok");
  EXPECT_EQ(p.cpu().count.pages_installed, before + 3);
}

}  // namespace
}  // namespace rcuvm::mm::testing
