// SPDX-License-Identifier: Apache-2.0

/// Names of anonymous memory: which are names, what they keep apart, where they are shown.

#include "rcuvm/mm/name.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <string>

#include "proc_maps/from_model.hpp"
#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

TEST(a_name, is_printable_without_brackets_and_fits_80_bytes_with_its_end) {
  for (const std::string& good : {std::string{}, std::string{"a heap: ~42"}, std::string(79, 'x')})
    EXPECT_TRUE(is_name(good)) << good;
  for (const std::string& bad :
       {std::string(80, 'x'), std::string{"a\\"}, std::string{"`"}, std::string{"$1"}, std::string{"["},
        std::string{"]"}, std::string{"\n"}, std::string{"\x7f"}, std::string{"\xc3\xa9"}})
    EXPECT_FALSE(is_name(bad)) << bad;
}

template <class Design>
class name : public mm_test<Design> {
 protected:
  static std::string give(process<Design>& p, std::int64_t first, std::int64_t end,
                          std::optional<std::string_view> as) {
    return outcome(p.space().name(p.cpu(), pages(first, end), as));
  }
  /// "0-2 [anon:x], 2-4, ": pages and names.
  static std::string shown(process<Design>& p) {
    std::string text;
    const auto page_of = [](address at) { return std::to_string((at - picture_base) >> page_shift); };
    for (const proc_maps::entry& each : proc_maps::from_model(p.space())) {
      text += page_of(each.where.start) + "-" + page_of(each.where.end);
      text += (each.name.empty() ? "" : " ") + each.name + ", ";
    }
    return text;
  }
};
TYPED_TEST_SUITE(name, all_designs, design_names);

TYPED_TEST(name, splits_and_merges) {
  auto p = this->make("AAAAAA");
  EXPECT_EQ(this->give(p, 2, 4, "x"), "ok");
  EXPECT_EQ(this->shown(p), "0-2, 2-4 [anon:x], 4-6, ");
  EXPECT_EQ(this->give(p, 1, 3, "x"), "ok");
  EXPECT_EQ(this->shown(p), "0-1, 1-4 [anon:x], 4-6, ");
  EXPECT_EQ(this->give(p, 3, 6, "y"), "ok");
  EXPECT_EQ(this->shown(p), "0-1, 1-3 [anon:x], 3-6 [anon:y], ");
  EXPECT_EQ(this->give(p, 3, 6, ""), "ok");  // a name, too
  EXPECT_EQ(this->shown(p), "0-1, 1-3 [anon:x], 3-6 [anon:], ");
  EXPECT_EQ(this->give(p, 0, 6, std::nullopt), "ok");
  EXPECT_EQ(this->shown(p), "0-6, ");
}

TYPED_TEST(name, changes_only_the_name) {
  auto p = this->make("AAAA");
  EXPECT_EQ(p.fill("abcd"), "ok");
  EXPECT_EQ(this->give(p, 0, 4, "x"), "ok");
  EXPECT_EQ(this->shown(p), "0-4 [anon:x], ");
  EXPECT_EQ(p.text(), "abcd");
}

TYPED_TEST(name, keeps_a_new_neighbour_apart_and_goes_with_its_mapping) {
  auto p = this->make("AA..BB");
  EXPECT_EQ(this->give(p, 0, 2, "x"), "ok");
  EXPECT_EQ(p.map(2, 3, 'A'), "ok");
  EXPECT_EQ(this->shown(p), "0-2 [anon:x], 2-3, 4-6, ");
  EXPECT_EQ(p.move(0, 2, 8, 10), "ok");
  EXPECT_EQ(p.protect(9, 10, can_read), "ok");
  EXPECT_EQ(this->shown(p), "2-3, 4-6, 8-9 [anon:x], 9-10 [anon:x], ");
  EXPECT_EQ(p.resize(9, 10, 11), "ok");
  auto child = p.fork();
  EXPECT_EQ(this->shown(child), "2-3, 4-6, 8-9 [anon:x], 9-11 [anon:x], ");
}

TYPED_TEST(name, is_for_memory_that_no_file_backs) {
  auto p = this->make("AAabSS45");
  EXPECT_EQ(this->give(p, 0, 8, "x"), "EBADF");
  EXPECT_EQ(this->shown(p), "0-2 [anon:x], 2-4 /test, 4-6 /dev/zero (deleted), 6-8 /test, ");
  EXPECT_EQ(this->give(p, 4, 6, "x"), "ok");
  EXPECT_EQ(this->shown(p), "0-2 [anon:x], 2-4 /test, 4-6 [anon_shmem:x], 6-8 /test, ");
  EXPECT_EQ(this->give(p, 4, 5, std::nullopt), "ok");
  EXPECT_EQ(this->shown(p),
            "0-2 [anon:x], 2-4 /test, 4-5 /dev/zero (deleted), 5-6 [anon_shmem:x], 6-8 /test, ");
}

TYPED_TEST(name, goes_on_behind_a_hole) {
  auto p = this->make("AA.AA");
  EXPECT_EQ(this->give(p, 1, 5, "x"), "ENOMEM");
  EXPECT_EQ(this->shown(p), "0-1, 1-2 [anon:x], 3-5 [anon:x], ");
  EXPECT_EQ(this->give(p, 1, 1, "x"), "ok");  // nothing asked
  EXPECT_EQ(this->give(p, 0, 2, "["), "EINVAL");
  EXPECT_EQ(outcome(p.space().name(p.cpu(), {page_at(0) + 1, page_at(2)}, "y")), "EINVAL");
  EXPECT_EQ(outcome(p.space().name(p.cpu(), {page_at(0), ~address{0}}, "y")), "EINVAL");
  EXPECT_EQ(this->give(p, 2, 1, "y"), "EINVAL");
}

TYPED_TEST(name, is_none_of_the_heaps) {
  auto p = this->make("");
  p.space().set_break(page_at(0));
  EXPECT_EQ(p.space().brk(p.cpu(), page_at(2)), page_at(2));
  EXPECT_EQ(this->give(p, 0, 2, "x"), "ok");
  EXPECT_EQ(this->shown(p), "0-2 [heap], ");
  EXPECT_EQ(p.space().brk(p.cpu(), page_at(3)), page_at(3));
  EXPECT_EQ(this->shown(p), "0-2 [heap], 2-3 [heap], ");
}

TYPED_TEST(name, needs_room_for_a_cut) {
  auto p = this->make("AAAA");
  p.space().set_limits({.mappings = 1});
  EXPECT_EQ(this->give(p, 0, 2, "x"), "EAGAIN");
  EXPECT_EQ(this->give(p, 0, 4, "x"), "ok");
  EXPECT_EQ(this->shown(p), "0-4 [anon:x], ");
}

}  // namespace
}  // namespace rcuvm::mm::testing
