// SPDX-License-Identifier: Apache-2.0

/// madvise: pages taken away, flags that split and merge, errors.

#include "rcuvm/mm/advise.hpp"

#include <gtest/gtest.h>

#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class advise : public mm_test<Design> {};
TYPED_TEST_SUITE(advise, all_designs, design_names);

TYPED_TEST(advise, dontneed_zeroes_anonymous_pages) {
  auto p = this->make("AAAAAAAAAA");
  EXPECT_EQ(p.fill("abcdefghij"), "ok");
  EXPECT_EQ(p.advise(2, 9, MADV_DONTNEED), "ok");
  EXPECT_EQ(p.cpu().count.frames_freed, 7U);
  EXPECT_EQ(p.draw(), "AAAAAAAAAA");
  EXPECT_EQ(p.text(), "ab0000000j");
}

TYPED_TEST(advise, dontneed_brings_back_the_pages_of_the_file) {
  auto p = this->make("ab..45");
  EXPECT_EQ(p.map(6, 7, '0'), "ok");  // page 0 shared, too
  EXPECT_EQ(p.fill("xy..zzw"), "ok");
  EXPECT_EQ(p.text(), "xy..zzw");
  EXPECT_EQ(p.advise(0, 2, MADV_DONTNEED), "ok");
  EXPECT_EQ(p.advise(4, 7, MADV_DONTNEED), "ok");
  EXPECT_EQ(p.text(), "w0..zzw");
}

TYPED_TEST(advise, dontneed_goes_on_behind_a_hole) {
  auto p = this->make("AA..AA");
  EXPECT_EQ(p.fill("ab..cd"), "ok");
  EXPECT_EQ(p.advise(1, 5, MADV_DONTNEED), "ENOMEM");
  EXPECT_EQ(p.text(), "a0..0d");
}

TYPED_TEST(advise, dontneed_stops_at_a_locked_mapping) {
  auto p = this->make("AALLAA");
  EXPECT_EQ(p.fill("abcdef"), "ok");
  EXPECT_EQ(p.advise(0, 6, MADV_DONTNEED), "EINVAL");
  EXPECT_EQ(p.text(), "00cdef");
  EXPECT_EQ(p.advise(0, 6, MADV_DONTNEED_LOCKED), "ok");
  EXPECT_EQ(p.text(), "000000");
}

TYPED_TEST(advise, that_changes_flags_splits_and_merges) {
  auto p = this->make("AAAAAA");
  EXPECT_EQ(p.advise(2, 4, MADV_DONTFORK), "ok");
  EXPECT_EQ(p.draw(), "AA??AA");
  EXPECT_EQ(p.advise(2, 4, MADV_DOFORK), "ok");
  EXPECT_EQ(p.draw(), "AAAAAA");
  for (const auto& [set, reset] : {std::pair{MADV_SEQUENTIAL, MADV_NORMAL},
                                   {MADV_RANDOM, MADV_NORMAL},
                                   {MADV_DONTDUMP, MADV_DODUMP},
                                   {MADV_WIPEONFORK, MADV_KEEPONFORK},
                                   {MADV_MERGEABLE, MADV_UNMERGEABLE}}) {
    EXPECT_EQ(p.advise(0, 3, set), "ok") << set;
    EXPECT_EQ(p.draw(), "???AAA") << set;
    EXPECT_EQ(p.advise(0, 3, reset), "ok") << reset;
    EXPECT_EQ(p.draw(), "AAAAAA") << reset;
  }
}

TYPED_TEST(advise, that_changes_flags_goes_on_behind_a_hole) {
  auto p = this->make("AA..AAB");
  EXPECT_EQ(p.advise(1, 6, MADV_DONTDUMP), "ENOMEM");
  EXPECT_EQ(p.draw(), "A?..??B");
}

// The kernel of a machine without swap.
TYPED_TEST(advise, pageout_leaves_what_no_file_holds) {
  auto p = this->make("AA.ab.LL");
  EXPECT_EQ(p.fill("ab.cd.ef"), "ok");
  EXPECT_EQ(p.advise(0, 2, MADV_PAGEOUT), "ok");
  EXPECT_EQ(p.advise(0, 5, MADV_PAGEOUT), "ENOMEM");
  EXPECT_EQ(p.advise(3, 8, MADV_PAGEOUT), "EINVAL");  // locked, behind a hole
  EXPECT_EQ(p.advise(6, 8, MADV_PAGEOUT), "EINVAL");
  EXPECT_EQ(outcome(p.space().advise(p.cpu(), {page_at(0) + 1, page_at(2)}, MADV_PAGEOUT)), "EINVAL");
  EXPECT_EQ(p.text(), "ab.cd.ef");
}

TYPED_TEST(advise, refuses_what_the_kernel_refuses) {
  auto p = this->make("AAabLL");
  EXPECT_EQ(p.advise(0, 2, 12345), "EINVAL");
  EXPECT_EQ(outcome(p.space().advise(p.cpu(), {page_at(0) + 1, page_at(2)}, MADV_DONTNEED)), "EINVAL");
  EXPECT_EQ(outcome(p.space().advise(p.cpu(), {page_at(0), ~address{0}}, MADV_DONTNEED)), "EINVAL");
  EXPECT_EQ(p.advise(2, 1, MADV_DONTNEED), "EINVAL");
  EXPECT_EQ(p.advise(20, 20, MADV_DONTNEED), "ok");  // nothing asked
  EXPECT_EQ(p.advise(20, 21, MADV_DONTNEED), "ENOMEM");
  EXPECT_EQ(p.advise(2, 4, MADV_FREE), "EINVAL");    // only of anonymous memory
  EXPECT_EQ(p.advise(0, 2, MADV_REMOVE), "EINVAL");  // only of files
  EXPECT_EQ(p.advise(2, 4, MADV_REMOVE), "EACCES");  // only of shared ones
  EXPECT_EQ(p.advise(4, 6, MADV_COLD), "EINVAL");    // locked
  EXPECT_EQ(p.advise(4, 6, MADV_FREE), "EINVAL");    // the same
}

TYPED_TEST(advise, populate_makes_pages_present) {
  auto p = this->make("AAabDD");
  EXPECT_EQ(p.advise(0, 2, MADV_POPULATE_READ), "ok");
  EXPECT_EQ(p.advise(0, 4, MADV_POPULATE_WRITE), "ok");
  EXPECT_EQ(p.cpu().count.pages_installed, 4U);
  EXPECT_EQ(p.cpu().count.pages_copied, 2U);                // from the zero page
  EXPECT_EQ(p.advise(3, 5, MADV_POPULATE_READ), "EINVAL");  // no access
  EXPECT_EQ(p.advise(6, 7, MADV_POPULATE_READ), "ENOMEM");  // nothing there
  EXPECT_EQ(p.map(8, 11, 'y'), "ok");                       // the file ends after z
  EXPECT_EQ(p.advise(8, 11, MADV_POPULATE_WRITE), "EFAULT");
}

TYPED_TEST(advise, wipe_on_fork_is_for_private_anonymous_memory) {
  auto p = this->make("AAabAA");
  EXPECT_EQ(p.advise(1, 5, MADV_WIPEONFORK), "EINVAL");
  EXPECT_EQ(p.draw(), "A?abAA");  // what lies before is done
  EXPECT_EQ(p.advise(0, 6, MADV_MERGEABLE), "ok");
}

TYPED_TEST(advise, populate_wants_that_very_protection) {
  auto p = this->make("B");
  EXPECT_EQ(p.advise(0, 1, MADV_POPULATE_WRITE), "EINVAL");
  EXPECT_EQ(p.protect(0, 1, vm::protection{vm::prot::exec}), "ok");
  EXPECT_EQ(p.touch(0, 1, vm::access::read), "ok");
  EXPECT_EQ(p.advise(0, 1, MADV_POPULATE_READ), "EINVAL");
}

}  // namespace
}  // namespace rcuvm::mm::testing
